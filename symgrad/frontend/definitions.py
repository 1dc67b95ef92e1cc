"""Functions that change arrays, written as loops and stores: what NumPy does, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np


def at(array: Any, places: Any, values: Any, ufunc: Any) -> None:
    """``ufunc.at`` for one array of places, which may name a place several times."""
    spread = np.broadcast_to(values, places.shape)
    for k in range(len(places)):
        array[places[k]] = ufunc(array[places[k]], spread[k])


def at_pairs(array: Any, rows: Any, columns: Any, values: Any, ufunc: Any) -> None:
    """``ufunc.at`` for two arrays of places."""
    spread = np.broadcast_to(values, rows.shape)
    for k in range(len(rows)):
        array[rows[k], columns[k]] = ufunc(array[rows[k], columns[k]], spread[k])


def place(array: Any, mask: Any, values: Any) -> None:
    """``np.place``: the values in turn, where the mask holds."""
    line, given = array.ravel(), mask.ravel()
    used = 0
    for k in range(len(line)):
        if given[k]:
            line[k] = values[used % len(values)]
            used += 1
    array[...] = line.reshape(array.shape)
