import copy
import pickle

import pytest

from symgrad import errors
from symgrad.errors import NoDerivative, ShapeError, Span, SymgradError


def test_place_line_carets_reason_and_remedy():
    span = Span("x.py", 12, 11, 12, 22, "    return np.frexp(x)[0] + 1\n")
    text = str(NoDerivative("np.frexp has no derivative", remedy="use np.log2", span=span))
    assert text == (
        "np.frexp has no derivative\n"
        '  File "x.py", line 12\n'
        "    return np.frexp(x)[0] + 1\n"
        "           ^^^^^^^^^^^\n"
        "remedy: use np.log2"
    )


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (Span("x.py", 1, 4, 3, 1, "z = f(a,\n"), "    z = f(a,\n        ^^^^"),
        (Span("x.py", 1, 4, 1, 4, "z = f"), "    z = f\n        ^"),
        (Span("x.py", 1, 40, 1, 50, "z = f"), "    z = f\n        ^"),
        (Span("x.py", 1, 0, 1, 7, "\t\tz = f"), "    z = f\n    ^^^^^"),
        (Span("x.py", 1, 1, 1, 6, " x =\ty"), "    x =\ty\n    ^^^^^"),
        (Span("x.py", 1, 7, 1, 8, "s = '变' + x"), "    s = '变' + x\n            ^"),
    ],
)
def test_carets(span, shown):
    assert str(SymgradError("r", span=span)) == f'r\n  File "x.py", line 1\n{shown}'


def test_without_place_or_text():
    assert str(SymgradError("only a reason")) == "only a reason"
    assert str(SymgradError("r", span=Span("x.py", 3, 0, 3, 0, ""))) == 'r\n  File "x.py", line 3'


def test_the_first_place_is_kept():
    inner, outer = Span("a.py", 1, 0, 1, 1, "a"), Span("b.py", 2, 0, 2, 1, "b")
    error = ShapeError("r")
    assert error.at(inner) is error
    assert error.at(outer).span is inner


def test_every_error_pickles_and_copies_with_its_place():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SymgradError)]
    for kind in kinds:
        error = kind("reason", remedy="remedy", span=Span("x.py", 1, 0, 1, 1, "x"))
        for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
            assert type(twin) is kind
            assert str(twin) == str(error)
            assert (twin.reason, twin.remedy, twin.span) == (error.reason, error.remedy, error.span)


def test_a_wrong_call_is_a_type_error():
    assert issubclass(errors.ArgumentError, TypeError)
