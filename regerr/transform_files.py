"""Transformations that somebody hands over: a saved registration, a plain matrix, or a file of another program."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .errors import InputError
from .io import read_transform
from .records import is_record
from .transforms import Transform


def read_given(path: Path, *, swap: bool = False) -> Transform:
    """Read a transformation from source to target; with ``swap`` the way back.

    A JSON that regerr saved, a homogeneous matrix of 3 x 3 or 4 x 4 numbers as text (for column vectors, the last row 0 ... 0 1;
    2 x 3 and 3 x 4 without that row), or any file that `regerr.read_transform` reads.

    Raises
    ------
    InputError
        With one sentence: no such file, another format, a matrix of another shape, one without an inverse.
    """
    found = _saved(path) if is_record(path) else _matrix(path)
    if found is None:
        found = read_transform(path)
    return found.inverse() if swap else found


def _saved(path: Path) -> Transform:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))["transform"]
        parts = [np.array(data[name], float) for name in ("matrix", "source_centre", "target_centre")]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise InputError(f"{path} was saved by regerr but holds no transformation ({type(fault).__name__}): save it "
                         "again") from None
    return Transform(*parts)


def _matrix(path: Path) -> Transform | None:
    """A matrix of nothing but numbers, or None for any other text."""
    try:
        lines = path.read_text(encoding="utf-8").replace(",", " ").replace(";", " ").splitlines()
        rows = [[float(cell) for cell in line.split()] for line in lines if line.strip() and not line.lstrip().startswith("#")]
    except (OSError, ValueError):
        return None  # said in one sentence by what reads it next
    widths = {len(row) for row in rows}
    if len(widths) != 1 or widths & {1, 2} or len(rows) not in (2, 3, 4):
        return None
    matrix = np.array(rows)
    d = matrix.shape[1] - 1
    if matrix.shape not in ((d, d + 1), (d + 1, d + 1)) or d not in (2, 3):
        raise InputError(f"{path} holds {matrix.shape[0]} x {matrix.shape[1]} numbers: give a matrix of 3 x 3 (2D) or 4 x 4 (3D)")
    if len(matrix) == d + 1 and not np.allclose(matrix[d], np.eye(d + 1)[d], atol=1e-12):
        wanted = np.eye(d + 1)[d].astype(int).tolist()
        raise InputError(f"{path}: the last row of the matrix is {matrix[d].tolist()} and not {wanted}: give it for column "
                         "vectors, the shift in the last column")
    if not np.isfinite(matrix).all():
        raise InputError(f"{path} holds NaN or infinity: give finite numbers")
    return Transform.from_matrix(matrix[:d, :d], matrix[:d, d])
