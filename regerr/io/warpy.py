"""Transformations of Warpy and ABBA (QuPath), JSON: the landmarks of the thin-plate spline that they hold, one list per axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .document import Document
from .frame import Frame
from .sheet import Card, Sheet, Side, refusal, sheet_of, short
from .table import finite

CARD = Card("Warpy transformation", ".json", "pairs", "mm", "image axes",
            "landmarks of its thin-plate spline: srcPts is the source")
_TYPE = "ThinplateSplineTransform"
_DEEPEST = 20


def recognises(document: Document) -> bool:
    """Whether the file is such a sequence of transformations."""
    data = document.json
    return isinstance(data, dict) and ("realTransform_0" in data or data.get("type") == _TYPE)


def read(document: Document) -> Sheet:
    """The landmarks; raises InputError when there is no spline, or more than one."""
    splines = list(_splines(document.json, 0))
    if len(splines) != 1:
        raise refusal(document.path, [f"it holds {len(splines) or 'no'} splines with landmarks: give one, or a table of points"])
    faults: list[str] = []
    sides = [_points(splines[0].get(key), key, faults) for key in ("srcPts", "tgtPts")]
    if faults or sides[0].shape != sides[1].shape:
        raise refusal(document.path, faults or ["its srcPts and tgtPts differ in size"])
    return sheet_of(document.path, CARD.kind, [Side(points, "mm", frame=Frame()) for points in sides])


def _splines(data: Any, depth: int) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict) and depth < _DEEPEST:
        if data.get("type") == _TYPE:
            yield data
        for inner in data.values():
            yield from _splines(inner, depth + 1)


def _points(axes: Any, key: str, faults: list[str]) -> np.ndarray:
    if not isinstance(axes, list) or len(axes) not in (2, 3) or not all(isinstance(axis, list) and axis for axis in axes):
        faults.append(f"its {key} is {short(axes)}: give one list for each axis")
    elif len({len(axis) for axis in axes}) > 1:
        faults.append(f"the lists of its {key} differ in length")
    else:
        return np.array([[finite(value, key, faults) for value in axis] for axis in axes]).T
    return np.zeros((0, 2))
