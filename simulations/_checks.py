"""The checks of generator arguments, one function per kind of argument; each answers the value it accepts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from regerr.errors import InputError

Vector = float | tuple[float, ...]
Matrix = tuple[tuple[float, ...], ...]


def check_count(name: str, value: Any, least: int = 1) -> int:
    """A whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} is {value!r}: give a whole number of at least {least}")
    return int(value)


def check_dimension(value: Any) -> int:
    """2 or 3."""
    if value not in (2, 3):
        raise InputError(f"dimension is {value!r}: give 2 or 3")
    return int(value)


def check_positive(name: str, value: Any) -> float:
    """A finite number above zero."""
    number = _number(name, value)
    if not number > 0:
        raise InputError(f"{name} is {number:g}: give a number above 0")
    return number


def check_not_negative(name: str, value: Any) -> float:
    """A finite number of at least zero."""
    number = _number(name, value)
    if not number >= 0:
        raise InputError(f"{name} is {number:g}: give a number of at least 0")
    return number


def check_range(name: str, value: Any, above: float = -math.inf) -> tuple[float, float]:
    """Two ascending numbers ``(low, high)``, both above a bound; equal ones are allowed."""
    try:
        low, high = (_number(name, v) for v in value)
    except (TypeError, ValueError) as fault:
        if isinstance(fault, InputError):
            raise
        raise InputError(f"{name} is {value!r}: give two numbers (low, high)") from None
    if not above < low <= high:
        bound = "" if math.isinf(above) else f", both above {above:g}"
        raise InputError(f"{name} is ({low:g}, {high:g}): give two ascending numbers{bound}")
    return low, high


def check_vector(name: str, value: Any, dimension: int) -> Vector:
    """One number for all axes, or one per axis."""
    v = _finite(name, value)
    if v.ndim > 1 or (v.ndim == 1 and v.size != dimension):
        raise InputError(f"{name} has shape {v.shape}: give one number, or {dimension} numbers in the order x, y, z")
    return float(v) if v.ndim == 0 else tuple(v.tolist())


def check_matrix(name: str, value: Any) -> Matrix:
    """Rows of equal length, as nested tuples so that a generator can be compared and hashed."""
    m = _finite(name, value)
    if m.ndim != 2:
        raise InputError(f"{name} has shape {m.shape}: give rows of equal length")
    return tuple(map(tuple, m.tolist()))


def _number(name: str, value: Any) -> float:
    v = _finite(name, value)
    if v.ndim:
        raise InputError(f"{name} has shape {v.shape}: give one number")
    return float(v)


def _finite(name: str, value: Any) -> np.ndarray:
    try:
        v = np.asarray(value, float)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}: give numbers") from None
    if not np.isfinite(v).all():
        raise InputError(f"{name} holds NaN or infinity: give finite numbers")
    return v
