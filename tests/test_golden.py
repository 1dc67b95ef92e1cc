"""Golden files: the emitted source of each program in ``golden/``, compared, executed, checked, and proved.

``python tests/test_golden.py`` writes the ``*.grad.py`` files anew; their diff is a review of the compiler.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import symgrad

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.py") if not path.name.endswith(".grad.py"))
STATEMENTS = {"softmax": 9, "softmax_naive": 9, "himmelblau": 6, "himmelblau_unpacked": 6, "himmelblau_floats": 6}
UNPROVED = set()


def program(name):
    spec = importlib.util.spec_from_file_location(f"golden_{name}", GOLDEN / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def emitted(name):
    module = program(name)
    derivative = symgrad.grad(module.loss, argnums=module.ARGNUMS)
    return derivative.source(*module.example(np.random.default_rng(0)))


def statements(source):
    lines = source.split('"""')[-1].strip().split("\n")
    return len([line for line in lines if line.strip()])


@pytest.mark.parametrize("name", NAMES)
def test_source_is_the_golden_one(name):
    assert emitted(name) == (GOLDEN / f"{name}.grad.py").read_text()


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_statements_are_few(name):
    assert statements(emitted(name)) <= STATEMENTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_golden_file_runs_alone(name):
    module = program(name)
    args = module.example(np.random.default_rng(1))
    namespace = {"np": np}
    exec(compile((GOLDEN / f"{name}.grad.py").read_text(), name, "exec"), namespace)
    found = namespace["loss_grad"](*args)
    wanted = symgrad.grad(module.loss, argnums=module.ARGNUMS)(*args)
    assert symgrad.verification.difference(found, wanted) == 0


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_that_of_differences(name):
    module = program(name)
    for seed in range(3):
        symgrad.check_grads(module.loss, module.example(np.random.default_rng(seed)))


@pytest.mark.parametrize("name", NAMES)
def test_closed_form_is_proved(name):
    module = program(name)
    derivative = symgrad.grad(module.loss, argnums=module.ARGNUMS)
    verdict = symgrad.verify(derivative, module.closed_form, *module.example(np.random.default_rng(0)))
    assert verdict.proved or (name in UNPROVED and verdict.tested), str(verdict)


@pytest.mark.parametrize("name", NAMES)
def test_wrong_closed_form_is_refuted(name):
    module = program(name)
    derivative = symgrad.grad(module.loss, argnums=module.ARGNUMS)

    def wrong(*args):
        right = module.closed_form(*args)
        leaves = symgrad.verification.leaves(right)
        return symgrad.verification.rebuilt(right, iter([leaves[0] * 1.001, *leaves[1:]]))

    verdict = symgrad.verify(derivative, wrong, *module.example(np.random.default_rng(0)))
    assert verdict.refuted
    assert verdict.counterexample is not None


if __name__ == "__main__":
    for each in NAMES:
        (GOLDEN / f"{each}.grad.py").write_text(emitted(each))
