"""Optimizers agree with TensorFlow, Keras and Optax over 50 steps.

The numbers are parameters after the first and after the fiftieth step, in float64, written by TensorFlow 2.21.0
(``v1``: ``tf.compat.v1.train``), Keras 3.15.1 on it (``K``: ``keras.optimizers``) and Optax 0.2.8 on JAX 0.10.2 with
x64. With ``A``, ``START`` and ``slope`` as below,

    p = tf.Variable(START)
    for step in range(50):
        optimizer.apply_gradients([(tf.constant(slope(p.numpy())), p)])

    p, state = jnp.array(START), optimizer.init(jnp.array(START))
    for step in range(50):
        update, state = optimizer.update(jnp.array(slope(np.array(p))), state, p)
        p = optax.apply_updates(p, update)

for the optimizer in the comment; ``halving = optax.exponential_decay(rate, 10, 0.5)``.
"""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.optim import (
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    RMSProp,
    cosine_decay,
    exponential_decay,
)

A = np.array([0.1, 1.0, 5.0, 20.0])
START = np.array([1.0, -2.0, 3.0, -0.5])


def slope(p: np.ndarray) -> np.ndarray:
    return A * p + np.sin(p)


def halving(rate: float):
    return exponential_decay(rate, 10, 0.5)


CASES = [
    (  # v1.GradientDescentOptimizer(0.05)
        GradientDescent(0.05),
        [0.9529264500581547, -1.8545351264911205, 2.242943988315993, 0.023971284737990706],
        [0.06443308917727597, -0.012651501567340988, 6.399221213234144e-08, -4.257812029868711e-66],
    ),
    (  # optax.sgd(optax.warmup_cosine_decay_schedule(0.0, 0.05, 5, 45, 0.005))
        GradientDescent(cosine_decay(0.05, 40, alpha=0.1, warmup_steps=5)),
        [1.0, -2.0, 3.0, -0.5],
        [0.2669956096422506, -0.1830891053139935, 0.0007440902356462191, -8.826292527908803e-29],
    ),
    (  # v1.MomentumOptimizer(0.02, 0.8)
        Momentum(0.02, 0.8),
        [0.9811705807247124, -1.9418140527640437, 2.697177606607411, -0.2904114939125842],
        [-0.0006921860375544194, 0.0027926254445438006, -0.0008724400305531142, 0.0019105343616978236],
    ),
    (  # v1.MomentumOptimizer(0.02, 0.8, use_nesterov=True)
        Momentum(0.02, 0.8, nesterov=True),
        [0.9661070450800181, -1.8952652942816481, 2.4549196882834154, -0.12274068654416181],
        [-0.001992896209612554, -0.0005320947217504408, -0.0002604860857415921, 1.7140018511705878e-09],
    ),
    (  # optax.sgd(halving(0.02), 0.8)
        Momentum(halving(0.02), 0.8),
        [0.9811705807247124, -1.9418140527640437, 2.697177606607411, -0.2904114939125842],
        [0.26120096868278925, -0.11376617847474751, 0.02058722442307629, 0.0007788679055590299],
    ),
    (  # K.RMSprop(0.05, rho=0.8, epsilon=1e-3)
        RMSProp(0.05, decay=0.8, epsilon=1e-3),
        [0.8885106147389361, -1.8882296096719202, 2.8881978203164596, -0.3881991462272508],
        [-1.4900021505746226e-15, -0.007707318847297856, 0.5699442272881866, 0.008028216326880595],
    ),
    (  # K.RMSprop(0.02, rho=0.8, momentum=0.7, epsilon=1e-3)
        RMSProp(0.02, decay=0.8, momentum=0.7, epsilon=1e-3),
        [0.9554042458955745, -1.955291843868768, 2.9552791281265836, -0.4552796584909003],
        [-0.0001248369683668124, -0.0015279101539765524, 0.11953971136328495, 0.009449529766169806],
    ),
    (  # K.RMSprop(0.02, rho=0.8, epsilon=1e-3, centered=True)
        RMSProp(0.02, decay=0.8, epsilon=1e-3, centered=True),
        [0.9501753544518498, -1.9500184502962017, 2.9500006815459523, -0.45000142274325955],
        [3.9021335385317514e-07, -0.007041454881179827, 0.129038821915294, -5.6081199727871166e-08],
    ),
    (  # K.RMSprop(0.01, rho=0.8, momentum=0.7, epsilon=1e-3, centered=True)
        RMSProp(0.01, decay=0.8, momentum=0.7, epsilon=1e-3, centered=True),
        [0.9750876772259248, -1.9750092251481008, 2.975000340772976, -0.4750007113716298],
        [-5.2052674077215374e-05, -0.00030859489059725353, -0.007369668248990569, -3.0211509116692095e-05],
    ),
    (  # optax.rmsprop(halving(0.05), 0.8, 1e-3, momentum=0.7)
        RMSProp(halving(0.05), decay=0.8, momentum=0.7, epsilon=1e-3),
        [0.8885106130776148, -1.8882296080064118, 2.888197818650477, -0.38819914456128823],
        [-7.735676315085091e-05, -0.0002893174238527243, 0.4126219456783037, -4.575670022925917e-05],
    ),
    (  # optax.adam(0.1, 0.8, 0.99, 1e-8)
        Adam(0.1, 0.8, 0.99, 1e-8),
        [0.9000000010621676, -1.9000000003437256, 2.9000000000660453, -0.4000000000954251],
        [0.0002256729638844368, -0.0036400299639188964, 0.019467055997653412, -0.0017649502688479853],
    ),
    (  # v1.AdamOptimizer(0.1, 0.8, 0.99, 1e-8)
        Adam(0.1, 0.8, 0.99, 1e-8),
        [0.9000000091315642, -1.9000000019471415, 2.8999999991703374, -0.3999999994641351],
        [0.00022566502449688423, -0.0036400230899336986, 0.019467060618475137, -0.0017649496803897927],
    ),
    (  # optax.adam(0.1, 0.8, 0.99, 0.1)
        Adam(0.1, 0.8, 0.99, 0.1),
        [0.9096018037428518, -1.9033230347757777, 2.900656119759881, -0.4009452309072463],
        [-0.003929044421328196, 0.002321800222264406, 0.024792221564164614, -0.0014192574957290834],
    ),
    (  # optax.adam(halving(0.1), 0.8, 0.99, 1e-8)
        Adam(halving(0.1), 0.8, 0.99, 1e-8),
        [0.8999999995720516, -1.8999999988536096, 2.8999999985759293, -0.399999998605309],
        [0.014791092236545008, -0.671544843758085, 1.6300741637697485, -0.0021432799102032614],
    ),
    (  # optax.adamw(0.1, 0.8, 0.99, 1e-8, weight_decay=0.1)
        AdamW(0.1, 0.8, 0.99, 1e-8, weight_decay=0.1),
        [0.8900000010621676, -1.8800000003437256, 2.8700000000660455, -0.39500000009542513],
        [0.0015139478830017603, -0.00766797551061122, -0.016654468490713635, -0.001477098222713703],
    ),
    (  # K.AdamW(0.1, 0.1, 0.8, 0.99, 1e-8)
        AdamW(0.1, 0.8, 0.99, 1e-8, weight_decay=0.1),
        [0.8900000521959244, -1.8800000448624965, 2.8700000419366836, -0.39500004260300986],
        [0.0015139348626166723, -0.007667960989669883, -0.016654420432833834, -0.001477097939648925],
    ),
    (  # optax.adamw(halving(0.1), 0.8, 0.99, 1e-8, weight_decay=0.1)
        AdamW(halving(0.1), 0.8, 0.99, 1e-8, weight_decay=0.1),
        [0.8899999994230399, -1.8799999985555862, 2.869999998128894, -0.3949999985308032],
        [0.004280084253139309, -0.5277997464937519, 1.3451898989159004, -0.0022080312853284957],
    ),
]


def trained(optimizer, params, gradient, steps, **options):
    state = optimizer.init(params)
    for _ in range(steps):
        params, state = optimizer.update(gradient(params), state, params, **options)
    return params


@pytest.mark.parametrize(
    ("optimizer", "first", "last"), CASES, ids=lambda item: getattr(item, "learning_rate", "") and repr(item)
)
def test_agrees(optimizer, first, last):
    np.testing.assert_allclose(trained(optimizer, START, slope, 1), first, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(trained(optimizer, START, slope, 50), last, rtol=1e-6, atol=1e-6)


def test_masked_weight_decay():
    """optax.adamw(0.1, 0.8, 0.99, 1e-8, weight_decay=0.1, mask={"w": True, "b": False})."""
    start = {"w": START[:2], "b": START[2:]}

    def gradient(p):
        return {"w": A[:2] * p["w"] + np.sin(p["w"]), "b": A[2:] * p["b"] + np.sin(p["b"])}

    by_value = AdamW(0.1, 0.8, 0.99, 1e-8, weight_decay=0.1, mask={"w": True, "b": False})
    by_function = AdamW(0.1, 0.8, 0.99, 1e-8, weight_decay=0.1, mask=lambda p: {name: name == "w" for name in p})
    for optimizer in (by_value, by_function):
        found = trained(optimizer, start, gradient, 50)
        np.testing.assert_allclose(found["w"], [0.0015139478830017597, -0.007667975510611221], rtol=1e-6)
        np.testing.assert_allclose(found["b"], [0.019467055997653422, -0.001764950268847985], rtol=1e-6)


@pytest.mark.parametrize("optimizer", list(dict.fromkeys(case[0] for case in CASES)), ids=repr)
def test_in_place_and_scalars_agree(optimizer):
    """The same numbers, bit for bit, in place, entry by entry as Python floats, and nearly in float32."""
    plain = trained(optimizer, START, slope, 50)
    np.testing.assert_array_equal(trained(optimizer, START.copy(), slope, 50, in_place=True), plain)
    floats = trained(optimizer, START.tolist(), lambda p: slope(np.array(p)).tolist(), 50)
    np.testing.assert_array_equal(floats, plain)
    single = trained(optimizer, START.astype(np.float32), slope, 50)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, plain, atol=2e-3)
