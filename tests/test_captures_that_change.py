"""What a function captures changes between two calls: the derivative is the one of the function as it is now."""

import functools
import linecache

import pytest

import symgrad
from symgrad.errors import DifferentiationError, NotYetSupported
from symgrad.runtime import store

START = """
import collections, dataclasses, functools, types
import numpy as np
"""

ATTRIBUTES = """
# a number of the class is set on the object
class C: k = 2.0
c = C()
def f(x): return c.k * x ** 2
>>> c.k = 11.0

# a number of the class is set on the object of a method
class C:
    k = 2.0
    def loss(self, x): return self.k * x ** 2
c = C()
f = c.loss
>>> c.k = 11.0

# a list of the class is set on the object
class C:
    ws = [2.0, 3.0]
    def loss(self, x):
        for w in self.ws: x = w * x
        return x
c = C()
f = c.loss
>>> c.ws = [5.0]

# a text of the class is set on the object
class C: mode = 'a'
c = C()
def f(x): return x if c.mode == 'a' else 3 * x
>>> c.mode = 'b'

# a number is set on a nearer class
class A: k = 2.0
class B(A): pass
c = B()
def f(x): return c.k * x
>>> B.k = 5.0

# a method is set on the object
class C:
    def phi(self, x): return x ** 2
c = C()
def f(x): return c.phi(x)
>>> c.phi = lambda x: x ** 3

# a method of another object is set on the object
class C:
    def __init__(self, k): self.k = k
    def phi(self, x): return self.k * x
c, d = C(2.0), C(3.0)
def f(x): return c.phi(x)
>>> c.phi = d.phi

# a method is replaced
class C:
    def phi(self, x): return x
    def loss(self, x): return self.phi(x)
c = C()
def f(x): return c.loss(x)
>>> C.phi = lambda self, x: 7 * x

# the code of a method is replaced
class C:
    def phi(self, x): return x
c = C()
def f(x): return c.phi(x)
def g(self, x): return 7 * x
>>> C.phi.__code__ = g.__code__

# a method of a nearer class comes
class A:
    def phi(self, x): return x
class B(A): pass
c = B()
def f(x): return c.phi(x)
>>> B.phi = lambda self, x: 7 * x

# a method found by super is replaced
class A:
    def phi(self, x): return x
class M(A): pass
class B(M):
    def phi(self, x): return super().phi(x)
c = B()
def f(x): return c.phi(x)
>>> A.phi = lambda self, x: 7 * x

# a method found by super comes nearer
class A:
    def phi(self, x): return x
class M(A): pass
class B(M):
    def phi(self, x): return super().phi(x)
c = B()
def f(x): return c.phi(x)
>>> M.phi = lambda self, x: 7 * x

# a property is replaced
class C:
    @property
    def k(self): return 2.0
c = C()
def f(x): return c.k * x
>>> C.k = property(lambda self: 7.0)

# a cached property is kept
class C:
    k = 2.0
    @functools.cached_property
    def d(self): return 2 * self.k
c = C()
def f(x): return c.d * x
>>> c.d; c.k = 9.0

# a class method is replaced
class C:
    @classmethod
    def phi(cls, x): return x
c = C()
def f(x): return c.phi(x) + C.phi(x)
>>> C.phi = classmethod(lambda cls, x: 7 * x)

# a static method is set on the object
class C:
    @staticmethod
    def phi(x): return x
c = C()
def f(x): return c.phi(x)
>>> c.phi = lambda x: 7 * x

# an attribute that was missing is set
class C: pass
c = C()
def f(x): return (c.a if hasattr(c, 'a') else 1.0) * x + getattr(c, 'b', 1.0) * x
>>> c.a = c.b = 5.0

# an attribute that was missing is set on the class
class C: pass
c = C()
def f(x): return getattr(c, 'b', 1.0) * x
>>> C.b = 5.0

# an attribute of a class that was missing is set
class C: pass
def f(x): return getattr(C, 'b', 1.0) * x
>>> C.b = 5.0

# the method of an object that is made inside is replaced
class C:
    def __init__(self, k): self.k = k
    def phi(self, x): return self.k * x
def f(x): return C(2.0).phi(x)
>>> C.phi = lambda self, x: 7 * x

# the method that initialises is replaced
class C:
    def __init__(self, k): self.k = k

def g(self, k): self.k = 7 * k
def f(x): return C(x).k
>>> C.__init__ = g

# an object of a list
class C:
    k = 2.0
    def __call__(self, x): return self.k * x
cs = [C(), C()]
def f(x):
    for c in cs: x = c(x)
    return x
>>> cs[1].k = 7.0

# an object of data in a list
@dataclasses.dataclass
class C:
    k: float = 2.0
    def phi(self, x): return self.k * x
cs = [C(), C()]
def f(x):
    for c in cs: x = c.phi(x)
    return x
>>> cs[1].k = 7.0

# a method of an object of data
@dataclasses.dataclass
class C:
    k: float = 2.0
    def phi(self, x): return self.k * x
c = C()
def f(x): return c.phi(x)
>>> C.phi = lambda self, x: 7 * x

# the class is assigned
class A:
    def phi(self, x): return x
class B(A): pass
c = A()
def f(x): return 7 * c.phi(x) if isinstance(c, B) else c.phi(x)
>>> c.__class__ = B

# the call of an object is replaced
class C:
    def __call__(self, x): return x
c = C()
def f(x): return c(x)
>>> C.__call__ = lambda self, x: 7 * x

# a special method is replaced
class C:
    def __add__(self, x): return x
c = C()
def f(x): return c + x
>>> C.__add__ = lambda self, x: 7 * x

# a truth value comes
class C: pass
c = C()
def f(x): return x if c else 7 * x
>>> C.__bool__ = lambda self: False

# a comparison comes
class C: pass
c, d = C(), C()
def f(x): return x if c == d else 7 * x
>>> C.__eq__ = lambda self, other: True

# a method that initialises comes
class C: k = 1.0
def g(self): self.k = 7.0
def f(x): return C().k * x
>>> C.__init__ = g

# the default value of a field
@dataclasses.dataclass
class C: k: float = 2.0
def f(x): return C().k * x
>>> C.__init__.__defaults__ = (7.0,)

# an attribute that a pattern asks for
class C:
    def __init__(self): self.t = 'a'
c = C()
def f(x):
    match c:
        case C(t='a'): return x
        case C(u=1): return 2 * x
        case _: return 7 * x
>>> c.t = 'c'; c.u = 1

# a call comes
class C: pass
c = C()
def f(x): return x if callable(c) else 7 * x
>>> C.__call__ = lambda self: 1

# an attribute of a module that was missing is set
m = types.ModuleType('m')
def f(x): return x if hasattr(m, 'q') else 7 * x
>>> m.q = 1
"""

CONTAINERS = """
# a set of integers
S = {0, 2}
def f(x):
    t = 0.0 * x
    for i in range(4):
        if i in S: t = t + (i + 1) * x
    return t
>>> S.add(3)

# a set of as many integers
S = {0, 2}
def f(x):
    t = 0.0 * x
    for i in range(4):
        if i in S: t = t + (i + 1) * x
    return t
>>> S.remove(2); S.add(3)

# a frozenset
S = frozenset({0, 2})
def f(x):
    t = 0.0 * x
    for i in range(4):
        if i in S: t = t + (i + 1) * x
    return t
>>> S = S | {3}

# a set of texts
S = {'a', 'b'}
def f(x):
    t = 0.0 * x
    for i in range(4):
        if 'abcd'[i] in S: t = t + (i + 1) * x
    return t
>>> S.add('d')

# a set of tuples
S = {(0, 1)}
def f(x):
    t = 0.0 * x
    for i in range(4):
        if (0, i) in S: t = t + (i + 1) * x
    return t
>>> S.add((0, 3))

# a deque
S = collections.deque([1, 2])
def f(x):
    t = 0.0 * x
    for i in range(4):
        if i in S: t = t + (i + 1) * x
    return t
>>> S.append(3)

# a deque of lists
S = collections.deque([[1], [2]])
def f(x):
    t = 0.0 * x
    for i in range(4):
        if [i] in S: t = t + (i + 1) * x
    return t
>>> S[0].append(3)

# an array of texts
S = np.array(['a', 'b'])
def f(x):
    t = 0.0 * x
    for i in range(4):
        if 'abcd'[i] in S: t = t + (i + 1) * x
    return t
>>> S[0] = 'd'

# the keys of a dict
D = {0: 1.0}
S = D.keys()
def f(x):
    t = 0.0 * x
    for i in range(4):
        if i in S: t = t + (i + 1) * x
    return t
>>> D[3] = 1.0

# a dict
S = {0: 1.0}
def f(x):
    t = 0.0 * x
    for i in range(4):
        if i in S: t = t + (i + 1) * x
    return t
>>> S[3] = 1.0

# a set of an object
class C:
    def __init__(self): self.s = {0, 2}
c = C()
def f(x):
    t = 0.0 * x
    for i in range(4):
        if i in c.s: t = t + (i + 1) * x
    return t
>>> c.s.add(3)

# a set that is only measured
S = {0, 2}
def f(x): return len(S) * x
>>> S.add(3)

# a set that is iterated
S = {0, 2}
def f(x):
    t = 0.0 * x
    for i in S: t = t + i * x
    return t
>>> S.add(3)
"""

FUNCTIONS = """
# default values
def h(x, k=2.0): return k * x
def f(x): return h(x)
>>> h.__defaults__ = (7.0,)

# default values by keyword
def h(x, *, k=2.0): return k * x
def f(x): return h(x)
>>> h.__kwdefaults__ = {'k': 7.0}

# a default value by keyword
def h(x, *, k=2.0): return k * x
def f(x): return h(x)
>>> h.__kwdefaults__['k'] = 7.0

# the code
def h(x): return x
def g(x): return 7 * x
def f(x): return h(x)
>>> h.__code__ = g.__code__

# the function's own code
def f(x): return x
def g(x): return 7 * x
>>> f.__code__ = g.__code__

# a name that hides a builtin
def f(x): return abs(x) + x
>>> abs = lambda x: 7 * x

# a builtin that is not hidden any more
def abs(x): return 7 * x
def f(x): return abs(x) + x
>>> del abs
"""


def cases(text):
    """Programs under their titles, each with the change after ``>>>``."""
    parts = [part.partition("\n") for part in text.split("\n# ")[1:]]
    return {title: tuple(program.split(">>> ")) for title, _, program in parts}


CASES = cases(ATTRIBUTES) | cases(CONTAINERS) | cases(FUNCTIONS)


def run(text, names):
    """Runs a text whose functions have a source."""
    filename = f"<captures {text}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    exec(compile(text, filename, "exec"), names)


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_seen(case):
    text, change = CASES[case]
    names = {"__name__": "captures"}
    run(START + text, names)
    derivative = symgrad.value_and_grad(names["f"])
    for step in ("pass", change):
        run(step, names)
        value, gradient = derivative(2.0)
        assert value == names["f"](2.0)
        assert gradient == pytest.approx((names["f"](2.0 + 1e-6) - names["f"](2.0 - 1e-6)) / 2e-6, rel=1e-6)
    assert derivative(2.0) == (value, gradient)
    assert len(derivative.__self__.__owner__.specialisations) <= 2


@pytest.mark.parametrize("case", CASES)
def test_a_change_between_processes_is_seen(case, tmp_path, monkeypatch):
    """The same for code that comes from the disk, which a new derivative of a changed module finds."""
    text, change = CASES[case]
    monkeypatch.setenv("SYMGRAD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("SYMGRAD_CACHE", raising=False)
    for step in ("pass", change):
        names = {"__name__": "captures"}
        run(START + text, names)
        run(step, names)
        assert symgrad.value_and_grad(names["f"])(2.0)[0] == names["f"](2.0)
        store.forget()


def twice(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return 2 * function(*args, **kwargs)

    return wrapper


@twice
def square(x):
    return x * x


class Squares:
    k = 3.0

    @twice
    def loss(self, x):
        return self.k * x * x


@twice
@symgrad.custom_gradient
def clipped(x):
    return x * x, lambda upstream: 100.0 * upstream


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (square, 12.0),
        (lambda x: square(x) + x, 13.0),
        (Squares().loss, 36.0),
        (clipped, 200.0),
        (twice(symgrad.grad(lambda x: x**3)), 36.0),
        (symgrad.grad(square), 4.0),
    ],
)
def test_a_wrapper_is_differentiated_itself(function, expected):
    assert symgrad.grad(function)(3.0) == expected


def test_a_wrapper_has_the_hessian_of_what_it_computes():
    assert symgrad.hvp(square)(3.0, 1.0) == 4.0


@pytest.mark.parametrize("function", [square, lambda *args, **kwargs: kwargs["x"] ** 2])
def test_an_argument_by_name_that_has_no_place_is_refused(function):
    with pytest.raises(DifferentiationError, match=r"argument 0, .* not among the positional") as caught:
        symgrad.grad(function)(x=3.0)
    assert caught.value.span is not None


class Answering:
    def __getattr__(self, name):
        return 2.0

    def __call__(self, x):
        return x * x


answering = Answering()
answering.q = 4.0


@pytest.mark.parametrize(
    ("function", "expected"), [(lambda x: answering.q * x, 4.0), (lambda x: answering(x) + x, 7.0), (answering, 6.0)]
)
def test_an_object_that_answers_to_every_name(function, expected):
    assert symgrad.grad(function)(3.0) == expected


@pytest.mark.parametrize("kind", ["set", "collections.deque"])
def test_what_is_in_a_set_and_may_change_is_refused(kind):
    names = {"__name__": "captures"}
    loop = "for c in S: x = x if c.m == 'a' else 7 * x"
    text = f"class C: m = 'a'\nS = {kind}([C()])\ndef f(x):\n    {loop}\n    return x"
    run(START + text, names)
    with pytest.raises(NotYetSupported, match="objects that the generated code cannot reach"):
        symgrad.grad(names["f"])(1.0)
