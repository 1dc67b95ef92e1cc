"""Annotations of array types: ``"float64[n, d]"``."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

import numpy as np
import sympy

from symgrad.errors import DifferentiationError
from symgrad.frontend.frame import Frame
from symgrad.ir.program import Value
from symgrad.ir.tensor import Expr, Kind

TYPE = re.compile(r"\s*(float64|float32|int64|int32|bool|float|int)\s*(?:\[([\w\s,]*)\])?\s*")


def annotated(frame: Frame) -> tuple[tuple[Expr, ...], Kind] | None:
    """Shape and dtype that the annotation of a function's result tells, quoted or not; None if it tells neither."""
    if isinstance(frame.node, ast.Lambda):
        return None
    found = _parsed(frame.node.returns)
    if found is None:
        return None
    kind, axes = found
    lengths = _lengths(frame)
    unknown = [axis for axis in axes if not axis.isdigit() and axis not in lengths]
    if unknown:
        raise DifferentiationError(
            f"the length {unknown[0]} in the annotation of {frame.node.name} is not known",
            remedy="use a number, or annotate a parameter with the same name",
            span=frame.span(frame.node.returns) if frame.node.returns is not None else None,
        )
    return tuple(sympy.Integer(axis) if axis.isdigit() else lengths[axis] for axis in axes), kind


def _parsed(node: ast.expr | None) -> tuple[Kind, list[str]] | None:
    if node is None:
        return None
    text = node.value if isinstance(node, ast.Constant) else ast.unparse(node)
    found = TYPE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    name, inner = found.groups()
    axes = [axis.strip() for axis in (inner or "").split(",") if axis.strip()]
    if inner is None and name in {"float", "int", "bool"}:
        return {"float": float, "int": int, "bool": bool}[name], []
    return np.dtype(name), axes


def described(
    annotations: Mapping[str, object], arguments: Mapping[str, object]
) -> tuple[tuple[Expr, ...], Kind] | None:
    """Shape and dtype that the annotation ``return`` tells, with the lengths that those of arguments name."""
    parsed = {name: _parsed_text(annotation) for name, annotation in annotations.items()}
    found = parsed.get("return")
    if found is None:
        return None
    lengths: dict[str, Expr] = {}
    for name, value in arguments.items():
        known = parsed.get(name)
        if isinstance(value, Value) and known is not None and len(known[1]) == value.tensor.rank:
            lengths.update(zip(known[1], value.tensor.shape, strict=True))
    kind, axes = found
    if not all(axis.isdigit() or axis in lengths for axis in axes):
        return None
    return tuple(sympy.Integer(axis) if axis.isdigit() else lengths[axis] for axis in axes), kind


def _parsed_text(annotation: object) -> tuple[Kind, list[str]] | None:
    """An annotation as it is kept: a text, quoted twice where annotations are not evaluated, or a type."""
    text = annotation.__name__ if isinstance(annotation, type) else annotation
    if not isinstance(text, str):
        return None
    return _parsed(ast.Constant(text.strip("\"'")))


def _lengths(frame: Frame) -> dict[str, Expr]:
    """The lengths that the annotations of parameters name."""
    found: dict[str, Expr] = {}
    parameters = frame.node.args
    for parameter in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs):
        value, parsed = frame.variables.get(parameter.arg), _parsed(parameter.annotation)
        if isinstance(value, Value) and parsed is not None and len(parsed[1]) == value.tensor.rank:
            found.update(zip(parsed[1], value.tensor.shape, strict=True))
    return found
