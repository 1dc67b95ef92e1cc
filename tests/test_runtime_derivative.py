import copy
import inspect
import linecache
import multiprocessing
import pickle
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
from fake_pipeline import FakePipeline

import symgrad
from symgrad.errors import ArgumentError, DifferentiationError
from symgrad.ir.signature import Capture, Request
from symgrad.runtime.signature import describe

HERE = Path(__file__).parent
A = np.zeros((3, 4))


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setenv("SYMGRAD_CACHE", "off")
    symgrad.clear_cache()
    return FakePipeline(body="# a comment\nreturn x").install(monkeypatch)


def loss(x, y=1.0, *, k: int = 3):
    """The loss."""
    return x * y * k


@symgrad.grad
def decorated(x):
    return x


@symgrad.value_and_grad(argnums="y")
def decorated_with_arguments(x, y):
    return x


class Model:
    def source(self, x):
        return x


def source(x):
    return x


def test_metadata():
    d = symgrad.grad(loss)
    assert (d.__name__, d.__qualname__, d.__doc__, d.__module__) == ("loss", "loss", "The loss.", __name__)
    assert d.__wrapped__ is loss
    assert inspect.signature(d) == inspect.signature(loss)
    assert inspect.unwrap(d) is loss


def test_requests():
    def f(a, b, *rest, k=1.0, **more):
        pass

    def request(function, **options):
        return symgrad.grad(function, **options).__symgrad_derivative__.request

    assert request(loss) == Request("grad", 0)
    assert request(loss, argnums="y") == request(loss, argnums=1) == request(loss, argnums=-1) == Request("grad", 1)
    assert request(loss, argnums=["y", 0], has_aux=True) == Request("grad", (1, 0), True)
    assert request(f, argnums=("rest", "k", "more", 4)) == Request("grad", ("rest", "k", "more", 4))
    assert decorated_with_arguments.__symgrad_derivative__.request == Request("value_and_grad", 1)
    for wrong in (2, -3, "z", (), (0, 0), ("y", 1), 1.0, True):
        with pytest.raises((DifferentiationError, TypeError)):
            symgrad.grad(loss, argnums=wrong)
    for wrong in (np.sin, 3, int):
        with pytest.raises(DifferentiationError, match="written in Python"):
            symgrad.grad(wrong)


def test_transforms_of_transforms(fake):
    inner = symgrad.grad(loss)
    outer = symgrad.grad(inner)
    derivative = outer.__symgrad_derivative__
    assert derivative.function.__globals__["_function"] is inner
    assert outer(A) is A
    assert fake.compiled
    assert inspect.signature(outer) == inspect.signature(loss)


def test_methods(fake):
    model = Model()
    fake.body = "return x, 2"
    d = symgrad.grad(model.source)
    assert d(1.0) == (1.0, 2)
    assert str(inspect.signature(d)) == "(x)"


def test_source_shows_no_guard(fake):
    d = symgrad.grad(loss)
    plain = 'def loss_grad(x, y=1.0, *, k=3):\n    """Gradient."""\n    # a comment\n    return x\n'
    assert d.source() == plain
    assert d(A) is A
    assert d.source("float64[n, d]", k=1) == plain
    assert len(fake.compiled) == 2
    assert fake.compiled[0][1] is None
    d.source("float64[n]")
    assert fake.compiled[2][1] is None
    d.source(A[0])
    assert len(fake.compiled) == 3
    assert d.source() == plain
    assert d.formula(A) == "formula of loss"
    with pytest.raises(ArgumentError):
        d.source(A, A, A)


def test_the_generated_code_is_seen_by_tracebacks_and_inspect(fake):
    d = symgrad.grad(loss)
    fake.body = "return x / 0"
    with pytest.raises(ZeroDivisionError) as caught:
        d(1.0)
    (frame,) = [frame for frame in traceback.extract_tb(caught.tb) if frame.name == "loss_grad"]
    assert frame.line == "return x / 0"
    assert frame.filename.startswith("<symgrad loss_grad")
    assert "return x / 0" in inspect.getsource(d.__code__)
    linecache.checkcache()
    assert "return x / 0" in inspect.getsource(d.__code__)


def test_custom_gradient_called_plainly():
    @symgrad.custom_gradient
    def clipped(x):
        """Doc."""
        return x + 1, lambda upstream: upstream

    assert clipped(1.0) == 2.0
    assert (clipped.__name__, clipped.__doc__) == ("clipped", "Doc.")
    assert clipped.__symgrad_custom_gradient__(1.0)[0] == 2.0


def closure(k):
    def helper(x):
        return x * k

    return lambda x: helper(x) + A.sum()


def test_copies(fake):
    for d in (symgrad.grad(loss), symgrad.grad(closure(2.0)), decorated, symgrad.grad(source)):
        d(A)
        for twin in (copy.copy(d), copy.deepcopy(d)):
            assert twin == d
            assert twin(A) is A


def test_pickles_run_what_was_compiled(fake):
    functions = [loss, source, Model().source, lambda x: x, closure(2.0), decorated.__wrapped__]
    for d in [decorated, *(symgrad.grad(function) for function in functions)]:
        d(A)
        count = len(fake.compiled)
        symgrad.runtime.store.forget()
        twin = pickle.loads(pickle.dumps(d))
        assert twin is not d
        assert twin(A) is A
        assert twin.__name__ == d.__name__
        assert inspect.signature(twin) == inspect.signature(d)
        assert len(fake.compiled) == count
        assert twin(1.0) == 1.0
        assert len(fake.compiled) == count + 1
        assert pickle.loads(pickle.dumps(twin))(A) is A


def test_a_pickled_closure_keeps_what_it_captured(fake):
    function = closure(2.0)
    fake.captures = (
        Capture(("closure", "helper", "closure", "k"), describe(2.0), "k"),
        Capture(("globals", "A"), describe(A), "A"),
    )
    fake.body = "return x * k + A.sum()"
    d = symgrad.grad(function)
    assert d(3.0) == 6.0
    twin = pickle.loads(pickle.dumps(d))
    assert twin(3.0) == 6.0
    assert twin.__wrapped__(3.0) == 6.0
    assert inspect.getsource(twin.__wrapped__) == inspect.getsource(function)


def test_recursive_functions_pickle(fake):
    def f(x, n):
        return x if n == 0 else f(x, n - 1)

    twin = pickle.loads(pickle.dumps(symgrad.grad(f)))
    assert twin.__wrapped__(5.0, 3) == 5.0


WORKER = """
import pickle, sys
sys.path[:0] = {path!r}
import numpy as np
sys.modules["sympy"] = sys.modules["symgrad.pipeline"] = None
d = pickle.load(sys.stdin.buffer)
print(d(np.ones((3, 4))).shape, d.__name__, d(pickle.loads(pickle.dumps(np.ones((5, 4))))).shape)
"""


@pytest.mark.parametrize("function", [loss, lambda x: x, closure(3.0)])
def test_a_worker_without_compiler(fake, function):
    d = symgrad.grad(function)
    d(A)
    script = WORKER.format(path=[str(HERE), str(HERE.parent)])
    done = subprocess.run([sys.executable, "-c", script], input=pickle.dumps(d), capture_output=True, check=False)
    assert done.stdout.decode() == f"(3, 4) {d.__name__} (5, 4)\n", done.stderr.decode()


def test_multiprocessing(fake):
    d = symgrad.grad(loss)
    d(2.0)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(d, [1.0, 2.0, 3.0]) == [1.0, 2.0, 3.0]


def test_the_function_verify_outlives_the_module_of_that_name():
    import symgrad.verification as _  # noqa: F401, PLC0415

    assert callable(symgrad.verify)
    with pytest.raises(DifferentiationError, match="is not a derivative"):
        symgrad.verify(loss, loss, 1.0)
    with pytest.raises(DifferentiationError, match="no argument holds a float"):
        symgrad.check_grads(loss, (1,))
