"""Imported first: one thread for everyone and double precision in JAX; both are read from the environment on import."""

from __future__ import annotations

import os

os.environ.update(
    OPENBLAS_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    OMP_NUM_THREADS="1",
    NPROC="1",
    JAX_PLATFORMS="cpu",
    JAX_ENABLE_X64="1",
)
