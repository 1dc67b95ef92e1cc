"""Why the rest of NumPy has no rule: a sentence for each group of functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from symgrad.rules.row import Refused

_LENGTH = Refused("the length of the result depends on values, which are not known while compiling", "use np.where")
_ORDER = Refused("it depends on the order of elements, which is not supported yet")
_SCAN = Refused("cumulative operations are not supported yet")
_NAN = Refused("functions that skip NaN are not supported yet", "use np.where(np.isnan(x), 0.0, x)")
_MUTATION = Refused("it changes an array in place, which is not supported yet", "use np.where")
_COUNTING = Refused("it counts or searches, which is not supported yet")
_POLYNOMIAL = Refused("NumPy's functions of polynomials are not supported yet", "write the polynomial with powers")
_SIGNAL = Refused("convolutions and interpolation are not supported yet")
_STATISTICS = Refused("it is not supported yet", "write it with np.mean and products")
_CALLBACK = Refused("it calls a function for every element or slice", "write the loop with array operations")
_WINDOW = Refused("window functions are not supported yet", "compute the window outside of the function")
_EMPTY = Refused("the elements of an empty array are not defined", "use np.zeros")
_TESTS = Refused("it looks at types, not at values", "call it outside of the function")
_COMPLEX = Refused("complex numbers are not supported yet")
_INPUT = Refused("it reads, writes or prints, and has no derivative", "call it outside of the function")
_TYPES = Refused("types and their properties have no derivative", "call it outside of the function")
_SHAPES = Refused("it is not supported yet", "write it with reshape and np.where")
_OTHER = Refused("symgrad has no rule for this function", "write it with functions that it knows")

GROUPS: dict[Refused, str] = {
    _LENGTH: (
        "argwhere compress extract flatnonzero intersect1d nonzero setdiff1d setxor1d trim_zeros union1d "
        "unique unique_all unique_counts unique_inverse unique_values "
    ),
    _ORDER: "argpartition argsort lexsort median msort nanmedian partition percentile quantile sort sort_complex",
    _SCAN: "cumprod cumproduct cumsum cumulative_prod cumulative_sum unwrap",
    _NAN: (
        "nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmin nanpercentile nanprod nanquantile "
        "nanstd nansum nanvar "
    ),
    _MUTATION: "copyto fill_diagonal place put put_along_axis putmask resize",
    _COUNTING: "bincount in1d isin histogram histogram2d histogram_bin_edges histogramdd",
    _POLYNOMIAL: "poly polyadd polyder polydiv polyfit polyint polymul polysub polyval roots vander",
    _SIGNAL: "convolve correlate gradient interp",
    _STATISTICS: "corrcoef cov geomspace logspace i0",
    _CALLBACK: "apply_along_axis apply_over_axes frompyfunc fromfunction piecewise vectorize",
    _WINDOW: "bartlett blackman hamming hanning kaiser",
    _EMPTY: "empty empty_like",
    _TESTS: ("array_equal array_equiv iscomplexobj isfortran isnat isrealobj isscalar may_share_memory shares_memory "),
    _COMPLEX: "real_if_close",
    _INPUT: (
        "array2string array_repr array_str base_repr binary_repr format_float_positional "
        "format_float_scientific from_dlpack frombuffer fromfile fromiter fromregex fromstring genfromtxt "
        "get_include getbufsize geterr geterrcall info load loadtxt memmap printoptions save savetxt savez "
        "savez_compressed set_printoptions get_printoptions setbufsize seterr seterrcall show_config "
        "show_runtime typename "
    ),
    _TYPES: (
        "can_cast common_type dtype finfo get_array_wrap iinfo isdtype issubdtype mintypecode min_scalar_type "
        "promote_types result_type "
    ),
    _SHAPES: (
        "asmatrix block bmat delete ediff1d insert broadcast_shapes choose diag_indices diag_indices_from "
        "diagflat einsum_path fromiter indices ix_ mask_indices matrix nditer ndenumerate ndindex "
        "permute_dims ravel_multi_index require tril_indices tril_indices_from triu_indices triu_indices_from "
        "unravel_index unstack asarray_chkfinite frexp concat "
    ),
}
"""Reasons, and the functions of ``numpy`` that they hold for; a function with a row of its own keeps it."""

_FOURIER = Refused("complex numbers, and with them Fourier transforms, are not supported yet")
_RANDOM = Refused("random numbers are not supported yet", "draw them outside, and give them as an argument")


def refusals() -> Iterator[tuple[Any, Refused]]:
    """Every public callable of NumPy with the reason why it has no rule; those that have one are replaced later."""
    reasons = {name: reason for reason, names in GROUPS.items() for name in names.split()}
    for module, default in ((np, _OTHER), (np.linalg, _OTHER), (np.fft, _FOURIER), (np.random, _RANDOM)):
        for name in module.__all__ if hasattr(module, "__all__") else dir(module):
            found = getattr(module, name, None)
            if callable(found):
                yield found, reasons.get(name, default) if module is np else default
