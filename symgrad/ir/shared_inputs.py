"""A builder for one of several functions of the same arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symgrad.ir.builder import Builder
from symgrad.ir.tensor import Expr, Kind, Tensor


@dataclass
class SharedInputs(Builder):
    """A builder for several functions of the same arguments: equal inputs are one."""

    _inputs: dict[str, Tensor] = field(default_factory=dict)
    _renames: Mapping[str, str] = field(default_factory=dict)

    def share(self, renames: Mapping[str, str]) -> None:
        """From now on, parameters of these names are the inputs of those names."""
        self._renames = renames

    def input(self, name: str, shape: Sequence[Expr], kind: Kind) -> Tensor:
        root = next((k for k, c in enumerate(name) if not (c.isalnum() or c == "_")), len(name))
        known = self._renames.get(name[:root], name[:root]) + name[root:]
        if known not in self._inputs or name == "d":
            self._inputs[known] = super().input(name, shape, kind)
        tensor = self._inputs[known]
        for old, new in zip(tensor.shape, shape, strict=True):
            self.sizes.unify(old, new)
        return tensor
