"""Optimizers: containers, types, what changes and what does not, TensorFlow's verbs, errors."""

from __future__ import annotations

import doctest
import pickle
import pkgutil
import subprocess
import sys
from collections import namedtuple
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import symgrad
from symgrad import optim
from symgrad.errors import ArgumentError, ShapeError
from symgrad.optim import Adam, AdamW, GradientDescent, Momentum, RMSProp

OPTIMIZERS = [
    GradientDescent(0.1),
    Momentum(0.1),
    Momentum(0.1, nesterov=True),
    RMSProp(0.1),
    RMSProp(0.1, momentum=0.5, centered=True),
    Adam(0.1),
    AdamW(0.1, weight_decay=0.1),
]
Point = namedtuple("Point", "x y")


@dataclass
class Layer:
    W: Any
    b: Any
    activation: str = "tanh"
    units: int = 3


def parameters():
    return {
        "layers": [Layer(np.arange(6.0).reshape(2, 3), np.ones(3)), Layer(np.ones((3, 1), np.float32), 0.5)],
        "point": Point(np.float32(2.0), np.array(3.0)),
        "pair": (1.0, np.float64(2.0)),
        "none": None,
        "empty": {},
    }


def gradient():
    return {
        "layers": [
            Layer(np.full((2, 3), 0.5), np.ones(3), "tanh", 0.0),
            Layer(np.ones((3, 1), np.float32), -1.0, "tanh", 0.0),
        ],
        "point": Point(np.float32(1.0), np.float64(1.0)),
        "pair": (1.0, 2.0),
        "none": None,
        "empty": {},
    }


def same(one, other):
    np.testing.assert_equal(repr(one), repr(other))


def arrays(params):
    first, second = params["layers"]
    return [first.W, first.b, second.W, params["point"].y]


every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)


MODULES = ["symgrad.optim", *(f"symgrad.optim.{item.name}" for item in pkgutil.iter_modules(optim.__path__))]


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    assert doctest.testmod(import_module(name)).failed == 0


@every_optimizer
def test_nested_containers_and_types(optimizer):
    params, slope = parameters(), gradient()
    state = optimizer.init(params)
    for step in range(3):
        assert state.step == step
        params, state = optimizer.update(slope, state, params)
    first, second = params["layers"]
    assert isinstance(first, Layer)
    assert (first.activation, first.units) == ("tanh", 3)
    assert (first.W.shape, first.W.dtype) == ((2, 3), np.float64)
    assert second.W.dtype == np.float32
    assert type(second.b) is float
    assert second.b > 0.5 - 0.05
    assert type(params["point"]) is Point
    assert type(params["point"].x) is np.float32
    assert type(params["point"].y) is np.ndarray
    assert [type(item) for item in params["pair"]] == [float, np.float64]
    assert params["none"] is None
    assert params["empty"] == {}
    assert list(params) == list(parameters())


@every_optimizer
def test_nothing_that_is_passed_changes(optimizer):
    params, slope, state = parameters(), gradient(), optimizer.init(parameters())
    params, state = optimizer.update(slope, state, params)
    before = deepcopy((params, slope, state, state.slots))
    first = optimizer.update(slope, state, params)
    second = optimizer.update(slope, state, params)
    same((params, slope, state, state.slots), before)
    same(first, second)
    for old, new in zip(arrays(params), arrays(first[0]), strict=True):
        assert not np.shares_memory(old, new)


@every_optimizer
def test_in_place(optimizer):
    params = parameters()
    slope, state = gradient(), optimizer.init(params)
    wanted, after = optimizer.update(slope, *reversed((deepcopy(params), deepcopy(state))))
    kept = [slot for slots in state.slots for slot in slots if isinstance(slot, np.ndarray)]
    found, changed = optimizer.update(slope, state, params, in_place=True)
    same((found, changed.slots), (wanted, after.slots))
    same(slope, gradient())
    for old, new in zip(arrays(params), arrays(found), strict=True):
        assert np.shares_memory(old, new)
    for old, new in zip(kept, (s for slots in changed.slots for s in slots if isinstance(s, np.ndarray)), strict=True):
        assert np.shares_memory(old, new)


def test_in_place_refusals():
    w = np.ones(2)
    fixed = np.ones(2)
    fixed.flags.writeable = False
    for params, message in (
        ([w, w], r"params\[1\] is the same array as params\[0\]"),
        ([w, fixed], r"params\[1\], or a slot of it, is read-only"),
    ):
        optimizer = GradientDescent(0.1)
        with pytest.raises(ArgumentError, match=message):
            optimizer.update([w.copy(), w.copy()], optimizer.init(params), params, in_place=True)
        np.testing.assert_array_equal(w, 1.0)
        found, _ = optimizer.update([w.copy(), 2 * w], optimizer.init(params), params)
        np.testing.assert_allclose(found, [[0.9, 0.9], [0.8, 0.8]])


@every_optimizer
def test_gradient_that_is_the_parameter(optimizer):
    """The gradient of half the sum of squares may be the parameter's own array."""
    w = np.arange(4.0)
    wanted, _ = optimizer.update(w.copy(), optimizer.init(w), w)
    found, _ = optimizer.update(w, optimizer.init(w), w, in_place=True)
    np.testing.assert_array_equal(found, wanted)


@every_optimizer
@pytest.mark.parametrize("in_place", [False, True])
def test_none_leaves_alone(optimizer, in_place):
    params = {"a": np.ones(2), "b": [np.ones(2), 1.0]}
    state = optimizer.init(params)
    params, state = optimizer.update({"a": np.ones(2), "b": [np.ones(2), 1.0]}, state, params)
    slots = deepcopy(state.slots)
    b = params["b"][0].copy()
    for partial in ({"a": np.ones(2), "b": None}, {"a": np.ones(2), "b": [None, None]}):
        found, after = optimizer.update(partial, state, params, in_place=in_place)
        np.testing.assert_array_equal(found["b"][0], b)
        assert found["b"][1] == params["b"][1]
        same(after.slots[1:], slots[1:])
        assert after.step == 2
    assert optimizer.update(None, state, params)[0]["a"] is params["a"]


@every_optimizer
def test_pickles(optimizer):
    params = parameters()
    _, state = optimizer.update(gradient(), optimizer.init(params), params)
    again, thawed = pickle.loads(pickle.dumps((optimizer, state)))
    assert again == optimizer
    assert thawed.layout == state.layout
    same(again.update(gradient(), thawed, params), optimizer.update(gradient(), state, params))


def test_slots_have_names():
    optimizer = RMSProp(0.1, momentum=0.5, centered=True)
    params, state = {"w": np.ones(2, np.float32), "b": 1.0, "n": 2}, None
    state = optimizer.init(params)
    assert state.names == ("rms", "mean", "momentum")
    _, state = optimizer.update({"w": np.ones(2), "b": 2.0, "n": 0.0}, state, params)
    rms = state.slot("rms")
    assert rms["w"].dtype == np.float32
    np.testing.assert_allclose(rms["w"], 0.1, rtol=1e-6)
    assert rms["b"] == pytest.approx(0.4)
    assert rms["n"] is None
    with pytest.raises(KeyError, match="no slot 'v' among rms, mean, momentum"):
        state.slot("v")


def test_memory_layout_stays():
    params = np.ones((3, 4))
    slope = np.ones((4, 3)).T
    for optimizer in OPTIMIZERS:
        found, _ = optimizer.update(slope, optimizer.init(params), params)
        assert found.flags.c_contiguous


def test_views_in_place():
    whole = np.ones((4, 4))
    part = whole[::2, 1:3]
    GradientDescent(0.5).update(np.ones((2, 2)), GradientDescent(0.5).init(part), part, in_place=True)
    assert whole.sum() == 16 - 2


def test_numpy_hyperparameters_keep_float32():
    params = {"w": np.ones(3, np.float32), "b": np.float32(1.0)}
    slope = {"w": np.ones(3), "b": 1.0}
    rate = np.float64(0.1)
    for optimizer in (
        Momentum(rate, np.float64(0.9)),
        Adam(lambda step: rate, np.float64(0.9)),
        AdamW(rate, weight_decay=np.float64(0.1)),
        RMSProp(rate, np.float64(0.9)),
    ):
        found, state = optimizer.update(slope, optimizer.init(params), params)
        assert {leaf.dtype for leaf in (*found.values(), *(s for slots in state.slots for s in slots))} == {
            np.dtype("f4")
        }


def test_schedule_sees_the_step():
    seen = []
    optimizer = GradientDescent(lambda step: seen.append(step) or 1.0 / (1 + step))
    params, state = 0.0, optimizer.init(0.0)
    for _ in range(3):
        params, state = optimizer.update(-1.0, state, params)
    assert seen == [0, 1, 2]
    assert params == pytest.approx(1 + 1 / 2 + 1 / 3)


def test_equal_gradients_have_no_variance():
    """Rounding must not make the root of a centered average NaN."""
    optimizer = RMSProp(0.1, centered=True, decay=0.9)
    params = np.zeros(3, np.float32)
    state = optimizer.init(params)
    for _ in range(300):
        params, state = optimizer.update(np.array([1e4, 0.1, 3.3], np.float32), state, params)
    assert np.isfinite(params).all()


@every_optimizer
def test_zero_gradient(optimizer):
    found, _ = optimizer.update(np.zeros(3, np.float32), optimizer.init(np.ones(3, np.float32)), np.ones(3, np.float32))
    np.testing.assert_allclose(found, 0.99 if isinstance(optimizer, AdamW) else 1.0, rtol=1e-6)


def softmax_loss(params, X, Y):
    z = X @ params["W"] + params["b"]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.mean(np.sum(Y * np.log(p), axis=1))


def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    return X, np.eye(3)[np.argmax(X[:, :3], axis=1)], {"W": np.zeros((4, 3)), "b": np.zeros(3)}


@every_optimizer
def test_training(optimizer):
    X, Y, params = data()
    state, values = None, []
    for _ in range(30):
        value, params, state = optimizer.minimize(softmax_loss, params, X, Y, state=state)
        values.append(value)
    assert state.step == 30
    assert values[0] == softmax_loss(data()[2], X, Y)
    assert values[-1] < 0.8 * values[0]


def test_compute_clip_apply_by_hand():
    X, Y, params = data()
    optimizer, by_update = Adam(0.1), data()[2]
    state = other = optimizer.init(params)
    derivative = symgrad.value_and_grad(softmax_loss)
    for _ in range(5):
        pairs = optimizer.compute_gradients(softmax_loss, params, X, Y)
        assert pairs.names == ['params["W"]', 'params["b"]']
        assert pairs.value == softmax_loss(params, X, Y)
        assert pairs[0].parameter is params["W"]
        gradients, leaves = zip(*pairs, strict=True)
        gradients, norm = optim.clip_by_global_norm(gradients, 0.1)
        assert norm == optim.global_norm([gradient for gradient, _ in pairs])
        params, state = optimizer.apply_gradients(zip(gradients, leaves, strict=True), state)
        _, slope = derivative(by_update, X, Y)
        by_update, other = optimizer.update(optim.clip_by_global_norm(slope, 0.1)[0], other, by_update)
    same((params, state.slots), (by_update, other.slots))
    assert state.step == 5


def test_pairs_of_all_containers():
    def loss(p):
        return np.sum(p["layers"][0].W ** 2) + p["point"].x * p["pair"][1]

    params = parameters()
    optimizer = Momentum(0.1)
    pairs = optimizer.compute_gradients(loss, params)
    assert pairs.names[:4] == [f'params["layers"][0].{name}' for name in ("W", "b", "units")] + [
        'params["layers"][1].W'
    ]
    found, state = optimizer.apply_gradients(pairs, optimizer.init(params))
    same(found, optimizer.update(symgrad.grad(loss)(params), optimizer.init(params), params)[0])
    assert found["layers"][0].activation == "tanh"
    left, _ = optimizer.apply_gradients([(None, parameter) for _, parameter in pairs], state)
    same(left, params)
    with pytest.raises(ArgumentError, match=f"1 pairs for {len(pairs)} parameters"):
        optimizer.apply_gradients(pairs[:1], state)


def test_pairs_do_not_depend_on_the_order_of_a_dict():
    state = GradientDescent(0.5).init({"w": 1.0, "b": 2.0, "act": "tanh"})
    pairs = GradientDescent(0.5).compute_gradients(lambda p: p["w"] + 3.0 * p["b"], {"b": 2.0, "act": "tanh", "w": 1.0})
    found, _ = GradientDescent(0.5).apply_gradients([(2.0 * gradient, leaf) for gradient, leaf in pairs], state)
    assert found == {"w": 0.0, "b": -1.0, "act": "tanh"}
    assert list(found) == ["w", "b", "act"]


@every_optimizer
def test_gradients_that_are_other_parameters(optimizer):
    """The derivative of a * b with respect to a is b."""
    params = {"a": np.arange(4.0).reshape(2, 2), "b": np.ones((2, 2))}
    swapped = {"a": params["b"].T, "b": params["a"][:]}
    wanted, _ = optimizer.update(swapped, optimizer.init(params), params)
    found, _ = optimizer.update(swapped, optimizer.init(params), params, in_place=True)
    same(found, wanted)
    assert found["a"] is params["a"]


def test_apply_in_place():
    params = {"w": np.ones(2)}
    optimizer = GradientDescent(0.5)
    found, _ = optimizer.apply_gradients([(np.ones(2), params["w"])], optimizer.init(params), in_place=True)
    assert found["w"] is params["w"]
    np.testing.assert_array_equal(params["w"], 0.5)


def linear(W, b, X, Y, scale=1.0, *, shift=0.0):
    return scale * np.mean((X @ W + b - Y) ** 2) + shift


@pytest.mark.parametrize("argnums", [(0, 1), (1, 0), ("W", "b")])
def test_loss_of_several_arguments(argnums):
    X, W, b = np.eye(3), np.ones(3), 0.5
    Y = np.arange(3.0)
    loss = symgrad.value_and_grad(linear, argnums=argnums)
    params = (b, W) if argnums == (1, 0) else (W, b)
    value, found, state = GradientDescent(0.1).minimize(loss, params, X, Y, scale=2.0)
    assert value == linear(W, b, X, Y, 2.0)
    _, slopes = loss(W, b, X, Y, scale=2.0)
    for before, slope, after in zip(params, slopes, found, strict=True):
        np.testing.assert_allclose(after, before - 0.1 * slope)
    assert isinstance(found, tuple)
    assert state.step == 1
    listed = GradientDescent(0.1).minimize(loss, list(params), X, Y, scale=2.0)[1]
    same(listed, list(found))


def test_loss_of_a_later_argument():
    loss = symgrad.value_and_grad(lambda x, w: (w * x - 1.0) ** 2, argnums=1)
    _, found, _ = GradientDescent(0.1).minimize(loss, 3.0, 2.0)
    assert found == 3.0 - 0.1 * 2 * 5.0 * 2.0
    named = symgrad.value_and_grad(lambda x, *, w: (w * x - 1.0) ** 2, argnums="w")
    assert GradientDescent(0.1).minimize(named, 3.0, 2.0)[1] == found


def test_auxiliary_value():
    loss = symgrad.value_and_grad(lambda w: (w * w, w + 1.0), has_aux=True)
    value, found, _ = GradientDescent(0.1).minimize(loss, 3.0)
    assert value == (9.0, 4.0)
    assert found == pytest.approx(2.4)


class Model:
    __hash__ = None

    def __init__(self, target):
        self.target = target

    def loss(self, p):
        return (p - self.target) ** 2

    def __call__(self, p):
        return (p - self.target) ** 2


def test_a_function_is_differentiated_once(monkeypatch):
    made = []

    def counted(function):
        made.append(function)
        return symgrad.value_and_grad(function)

    monkeypatch.setattr("symgrad.optim.losses.value_and_grad", counted)
    model, other = Model(1.0), Model(2.0)
    plain = model.loss.__func__.__get__(model)
    for _ in range(3):
        for loss in (plain, model.loss, model):  # a bound method is a new object each time
            assert GradientDescent(0.5).minimize(loss, 3.0)[1] == 1.0
    assert len(made) == 2
    assert GradientDescent(0.5).minimize(other, 3.0)[1] == 2.0
    assert GradientDescent(0.5).minimize(other.loss, 3.0)[1] == 2.0


def test_wrong_losses():
    with pytest.raises(ArgumentError, match="differentiated with grad, which gives no value"):
        GradientDescent(0.1).minimize(symgrad.grad(lambda p: p * p), 1.0)
    with pytest.raises(ArgumentError, match="the loss is None"):
        GradientDescent(0.1).minimize(None, 1.0)
    with pytest.raises(symgrad.DifferentiationError, match="needs a function written in Python"):
        GradientDescent(0.1).minimize(np.square, 1.0)
    both = symgrad.value_and_grad(linear, argnums=(0, 1))
    with pytest.raises(ArgumentError, match="2 arguments"):
        GradientDescent(0.1).minimize(both, np.ones(3), np.eye(3), np.ones(3))


@pytest.mark.parametrize(
    ("slope", "message"),
    [
        ({"w": np.ones(2)}, r'gradient is a dict with the keys "w", but the parameters have a dict with .* "w", "b"'),
        ({"w": np.ones(2), "c": [1.0]}, 'keys "w", "c"'),
        ({"w": np.ones(2), "b": [1.0, 2.0]}, r'gradient\["b"\] is a list of length 2, but .* list of length 1'),
        ({"w": np.ones(2), "b": 1.0}, r'gradient\["b"\] is a float'),
        ([np.ones(2), [1.0]], "gradient is a list of length 2"),
        ({"w": "w", "b": [1.0]}, r'gradient of params\["w"\] is a str'),
        ({"w": np.ones(2, complex), "b": [1.0]}, r'gradient of params\["w"\] has the dtype complex128'),
    ],
)
def test_structures_that_do_not_match(slope, message):
    params = {"w": np.ones(2), "b": [1.0]}
    for optimizer in OPTIMIZERS[:2]:
        with pytest.raises(ArgumentError, match=message) as caught:
            optimizer.update(slope, optimizer.init(params), params)
        assert caught.value.remedy


def test_wrong_shapes():
    params = [np.ones((2, 3)), np.ones(3)]
    optimizer = Momentum(0.1)
    state = optimizer.init(params)
    with pytest.raises(ShapeError, match=r"params\[1\] has the shape \(2, 3\), the parameter \(3,\)"):
        optimizer.update([np.ones((2, 3)), np.ones((2, 3))], state, params, in_place=True)
    np.testing.assert_array_equal(params[0], 1.0)
    with pytest.raises(ShapeError, match=r"params\[0\] has the shape \(\), the parameter"):
        optimizer.update([1.0, np.ones(3)], state, params)
    bigger = [np.ones((2, 4)), np.ones(3)]
    with pytest.raises(ShapeError, match=r"params\[0\] is float64\[2, 4\], but the state was made for float64\[2, 3\]"):
        optimizer.update(bigger, state, bigger)
    single = [np.ones((2, 3), np.float32), np.ones(3)]
    with pytest.raises(ShapeError, match="float32"):
        optimizer.update(single, state, single)
    with pytest.raises(ArgumentError, match="params is a list of length 1"):
        optimizer.update([1.0], state, [1.0])


def test_state_of_another_optimizer():
    with pytest.raises(ArgumentError, match=r"slots \['momentum'\], but the optimizer keeps \['m', 'v'\]"):
        Adam().update(1.0, Momentum(0.1).init(1.0), 1.0)


def test_what_cannot_be_trained():
    optimizer = GradientDescent(0.1)
    with pytest.raises(ArgumentError, match=r'none of the parameters is a float: params\["w"\], params\["b"\]'):
        optimizer.init({"w": 0, "b": np.zeros(3, int)})
    with pytest.raises(ArgumentError, match=r'params\["rng"\] is a Generator'):
        optimizer.init({"w": 1.0, "rng": np.random.default_rng(0)})
    with pytest.raises(ArgumentError, match="float16"):
        optimizer.init([np.ones(2, np.float16)])
    with pytest.raises(ArgumentError, match=r"subclass of numpy\.ndarray"):
        optimizer.init(np.ma.ones(3))
    mixed = {"w": 1.0, "n": 3}
    with pytest.raises(ArgumentError, match=r'params\["n"\] is of type int.*not zero') as caught:
        optimizer.minimize(lambda p: p["w"] * p["n"], mixed)
    assert "3.0 for 3" in caught.value.remedy
    for unused in (0.0, None):
        assert optimizer.update({"w": 1.0, "n": unused}, optimizer.init(mixed), mixed)[0] == {"w": 0.9, "n": 3}


@pytest.mark.parametrize(
    "make",
    [
        lambda: GradientDescent(-0.1),
        lambda: GradientDescent(float("inf")),
        lambda: GradientDescent(float("nan")),
        lambda: Momentum(0.1, momentum=-0.1),
        lambda: Momentum(0.1, momentum=1.0),
        lambda: RMSProp(decay=1.5),
        lambda: RMSProp(epsilon=0.0),
        lambda: Adam(beta1=1.0),
        lambda: Adam(beta2=-1.0),
        lambda: Adam(epsilon=-1e-8),
        lambda: AdamW(weight_decay=-0.1),
    ],
)
def test_wrong_hyperparameters(make):
    with pytest.raises(ValueError, match="it has to be"):
        make()


def test_wrong_types():
    with pytest.raises(ArgumentError, match="GradientDescent: learning_rate is a str"):
        GradientDescent("fast")
    optimizer = AdamW(mask={"w": 1})
    with pytest.raises(ArgumentError, match=r'the mask of params\["w"\] is 1'):
        optimizer.update({"w": 1.0}, optimizer.init({"w": 1.0}), {"w": 1.0})


def test_mask_of_whole_containers():
    optimizer = AdamW(0.1, weight_decay=0.5, mask={"layers": True, "bias": False})
    params = {"layers": [1.0, {"w": 1.0}], "bias": [1.0]}
    found, _ = optimizer.update({"layers": [0.0, {"w": 0.0}], "bias": [0.0]}, optimizer.init(params), params)
    assert found == {"layers": [0.95, {"w": 0.95}], "bias": [1.0]}


def test_read_only_slots():
    w, optimizer = np.ones(2), Momentum(0.1)
    state = optimizer.init(w)
    state.slots[0][0].flags.writeable = False
    with pytest.raises(ArgumentError, match="slot of it, is read-only"):
        optimizer.update(w, state, w, in_place=True)
    np.testing.assert_allclose(optimizer.update(w, state, w)[0], 0.9)


def test_optimizers_are_values():
    assert Adam(0.1) == Adam(0.1)
    assert hash(Adam(0.1)) == hash(Adam(0.1))
    assert Adam() != AdamW()
    with pytest.raises(AttributeError):
        Adam().beta1 = 0.5


def test_import_is_lazy():
    program = (
        "import sys, symgrad; assert 'symgrad.optim' not in sys.modules;"
        "symgrad.optim.Adam(); assert 'sympy' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
