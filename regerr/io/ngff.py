"""Coordinate transformations of OME-NGFF (JSON): affine, scale, translation, rotation, identity and sequences of them.

Axes stand in the order of the coordinate system (z, y, x) and are turned to x, y, z. The first transformation of a file is
read; its direction is from input to output. Zero is the centre of the first pixel.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..transforms import Transform
from .document import Document
from .sheet import Card, brief, refusal, short
from .table import finite

CARD = Card("OME-NGFF coordinate transformation", ".json", "a transformation", "of the axes",
            "axes z, y, x; from input to output",
            "affine, scale, translation, rotation, identity, sequence, the forward part of a bijection")
TARGET_TO_SOURCE = False
_KEY = "coordinateTransformations"
_DEEPEST = 20
_UNITS = {"nm": "nanometer", "µm": "micrometer", "mm": "millimeter", "m": "meter", "cm": "centimeter", "pm": "picometer",
          "Å": "angstrom"}


def recognises(document: Document) -> bool:
    """Whether the file has coordinate transformations."""
    return isinstance(document.json, dict) and next(_lists(document.json, 0), None) is not None


def read(document: Document) -> Transform:
    """The first transformation; raises InputError when it is of a kind that no matrix describes."""
    found = next(_lists(document.json, 0), [])
    faults: list[str] = []
    matrix = _homogeneous(found[0] if found else None, faults, 0)
    if matrix is None or faults:
        raise refusal(document.path, faults or ["it holds no transformation"])
    d = len(matrix) - 1
    if d not in (2, 3):
        raise refusal(document.path, [f"its transformation has {d} axes: keep those of space, 2 or 3"])
    turned = matrix[:d, :d][::-1, ::-1]
    return Transform.from_matrix(turned, matrix[:d, d][::-1])


def _lists(data: Any, depth: int) -> Iterator[list[Any]]:
    """All lists of coordinate transformations, outer ones first."""
    if depth > _DEEPEST:
        return
    if isinstance(data, dict):
        if isinstance(data.get(_KEY), list):
            yield data[_KEY]
        for inner in data.values():
            yield from _lists(inner, depth + 1)
    elif isinstance(data, list):
        for inner in data:
            yield from _lists(inner, depth + 1)


def _homogeneous(data: Any, faults: list[str], depth: int) -> np.ndarray | None:
    """The (d+1, d+1) matrix in the file's order of axes; None and a fault for what has none."""
    kind = data.get("type") if isinstance(data, dict) else None
    if kind == "bijection" and depth < _DEEPEST:
        return _homogeneous(data.get("forward"), faults, depth + 1)
    if kind == "sequence" and isinstance(data.get("transformations"), list) and depth < _DEEPEST:
        return _sequence(data["transformations"], faults, depth)
    values = _values(data.get(kind), f"its {kind}", faults) if kind in ("affine", "rotation", "scale", "translation") else None
    if values is None:
        faults.append(f"it holds a transformation of the type {short(kind)}, which is not read: give an affine one")
        return None
    d = values.shape[0]
    out = np.eye(d + 1)
    if kind == "affine" and values.ndim == 2 and values.shape == (d, d + 1):
        out[:d] = values
    elif kind == "rotation" and values.shape == (d, d):
        out[:d, :d] = values
    elif values.ndim == 1 and kind in ("scale", "translation"):
        out[:d, :d] = np.diag(values) if kind == "scale" else np.eye(d)
        out[:d, d] = values if kind == "translation" else 0.0
    else:
        faults.append(f"its {kind} has the shape {values.shape}")
    return out


def _sequence(parts: list[Any], faults: list[str], depth: int) -> np.ndarray | None:
    """Parts that act one after the other, the first first."""
    matrices = [_homogeneous(part, faults, depth + 1) for part in parts
                if not (isinstance(part, dict) and part.get("type") == "identity")]
    found = [matrix for matrix in matrices if matrix is not None]
    if len(found) != len(matrices) or not found or len({matrix.shape for matrix in found}) > 1:
        faults.append("its sequence has parts without a matrix, or with different axes")
        return None
    whole = found[0]
    for matrix in found[1:]:
        whole = matrix @ whole
    return whole


def _values(value: Any, where: str, faults: list[str]) -> np.ndarray | None:
    rows = value if isinstance(value, list) and 0 < len(value) <= 6 else []
    nested = [row if isinstance(row, list) else [row] for row in rows]
    if not rows or len({len(row) for row in nested}) > 1 or len(nested[0]) > 7:
        faults.append(f"{where} is {brief(value)}: give rows of equal length")
        return None
    numbers = np.array([[finite(number, where, faults) for number in row] for row in nested])
    return numbers if isinstance(rows[0], list) else numbers[:, 0]


def write(transform: Transform, units: tuple[str, str]) -> str:
    """The affine map from "source" to "target" and its inverse, in the order of axes z, y, x."""
    names = ("source", "target")
    axes = "zyx"[3 - transform.matrix.shape[-1]:]
    systems = [{"name": name, "axes": [{"name": axis, "type": "space"} | ({"unit": _UNITS[unit]} if unit in _UNITS else {})
                                       for axis in axes]} for name, unit in zip(names, units, strict=True)]
    maps = [{"type": "affine", "name": f"{a}_to_{b}", "affine": _rows(one), "input": {"name": a}, "output": {"name": b}}
            for one, (a, b) in ((transform, names), (transform.inverse(), names[::-1]))]
    return json.dumps({"coordinateSystems": systems, _KEY: maps}, indent=1, ensure_ascii=False) + "\n"


def _rows(transform: Transform) -> list[list[float]]:
    return [[*row[::-1].tolist(), float(shift)] for row, shift in zip(transform.matrix[::-1], transform.offset[::-1],
                                                                      strict=True)]
