"""What an optimizer remembers between updates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from symgrad.optim.containers import Layout


@dataclass(frozen=True, eq=False)
class State:
    """The number of updates made so far (TensorFlow's ``global_step``), and the slots that the optimizer keeps.

    ``slots`` has for each leaf of the parameters, in order, an array of the leaf's shape and dtype for each of
    ``names``; nothing for a leaf that is not trained. ``layout`` is how the parameters are nested. Pickles.

    >>> from symgrad.optim import Momentum
    >>> state = Momentum(0.1).init({"w": 1.0, "b": 0.0})
    >>> state.step, state.slot("momentum")
    (0, {'w': 0.0, 'b': 0.0})
    """

    step: int
    names: tuple[str, ...]
    slots: tuple[tuple[Any, ...], ...]
    layout: Layout = field(repr=False)

    def slot(self, name: str) -> Any:
        """A slot in the structure of the parameters, None for what is not trained (TensorFlow's ``get_slot``).

        Raises KeyError for a name that is not among ``names``.
        """
        if name not in self.names:
            raise KeyError(f"there is no slot {name!r} among {', '.join(self.names) or 'none'}")
        position = self.names.index(name)
        return self.layout.rebuilt(slots[position] if slots else None for slots in self.slots)
