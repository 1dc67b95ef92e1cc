"""Where compiled modules are kept: in memory for this process, and on disk for the next."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from symgrad.runtime import cache
from symgrad.runtime.cache import Entry

MOST_REMEMBERED = 256
_memory: OrderedDict[str, list[Entry]] = OrderedDict()


def find(key: str) -> Iterator[list[Entry]]:
    """The modules of a key: those remembered, then (if they are asked for) those on disk."""
    yield list(_memory.get(key, ()))
    found = cache.read(key)
    for entry in found:
        _remember(key, entry)
    yield found


def keep(key: str, name: str, text: str) -> Entry:
    """Keeps a module in memory, and on disk where that is possible."""
    entry = Entry(cache.write(key, name, text), text)
    _remember(key, entry)
    return entry


def _remember(key: str, entry: Entry) -> None:
    entries = _memory.setdefault(key, [])
    _memory.move_to_end(key)
    if entry not in entries:
        entries.append(entry)
    if len(_memory) > MOST_REMEMBERED:
        _memory.popitem(last=False)


def forget() -> None:
    """Forgets what is in memory."""
    _memory.clear()
