"""Who races: gradients by hand, by symgrad, by autograd and by JAX, checked against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import autograd
import autograd.numpy
import handwritten
import jax
import jax.numpy
import losses
import numpy as np
from problems import Problem

import symgrad

REFERENCE = "by hand"


@dataclass(frozen=True)
class Contestant:
    """A gradient function with the arguments that it likes best (JAX's are on its device already)."""

    name: str
    gradient: Callable
    args: tuple


@cache
def losses_for(namespace: ModuleType) -> ModuleType:
    return losses.losses_in(namespace)


def contestants(problem: Problem) -> list[Contestant]:
    """The gradient by hand first, then symgrad's, autograd's and JAX's, all warm and all checked against the first."""
    field = [
        Contestant(REFERENCE, getattr(handwritten, problem.loss), problem.args),
        Contestant("symgrad", symgrad.grad(getattr(losses, problem.loss), problem.argnums), problem.args),
        autograd_contestant(problem),
        jax_contestant(problem),
    ]
    expected = field[0].gradient(*field[0].args)
    for other in field:
        check(problem, other, expected)
    return field


def autograd_contestant(problem: Problem) -> Contestant:
    loss = getattr(losses_for(autograd.numpy), problem.loss)
    return Contestant("autograd", autograd.grad(loss, problem.argnums), problem.args)


def jax_contestant(problem: Problem) -> Contestant:
    """JAX, compiled, in double precision, timed until the result is there."""
    loss = getattr(losses_for(jax.numpy), problem.loss)
    compiled = jax.jit(jax.grad(loss, problem.argnums))

    def gradient(*args):
        return jax.block_until_ready(compiled(*args))

    return Contestant("JAX jit", gradient, jax.tree.map(jax.numpy.asarray, problem.args))


def check(problem: Problem, contestant: Contestant, expected: object) -> None:
    """Raise AssertionError unless the contestant's gradient is the expected one, in structure and in value."""
    result = contestant.gradient(*contestant.args)
    want, structure = jax.tree.flatten(expected)
    got, found = jax.tree.flatten(result)
    title = f"{contestant.name}: {problem.title}"
    assert structure == found, f"{title}: structure {found}, expected {structure}"
    for left, right in zip(got, want, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12, err_msg=title)
