"""The correlation of fibsem-os, JSON: fiducials in the FIB image and in the fluorescence volume, and points of interest.

Points of a list that all have the same z are 2D. A volume against an image is a projection, which no transformation here
describes; such a file is refused as pairs, and its points of interest are read all the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .document import Document
from .frame import IMAGE
from .sheet import Card, Sheet, Side, refusal, sheet_of, short
from .table import finite

CARD = Card("fibsem-os correlation", ".json", "pairs and points", "px", "image axes",
            "source: fluorescence; target: FIB image; points of interest are read as points")
_LISTS = ("fm_coordinates", "fib_coordinates")


def recognises(document: Document) -> bool:
    """Whether the file holds the lists of coordinates of fibsem-os."""
    return _inputs(document) is not None


def read(document: Document) -> Sheet:
    """The fiducials of both images by their order, and the points of interest beside them."""
    data, faults = _inputs(document) or {}, []  # type: tuple[dict[str, Any], list[str]]
    source, target = (_points(data.get(name), name, faults) for name in _LISTS)
    interest = _points(data.get("poi_coordinates") or [], "poi_coordinates", faults)
    if faults:
        raise refusal(document.path, faults)
    beside = sheet_of(document.path, CARD.kind, [Side(interest, "px", frame=IMAGE)]) if len(interest) else None
    first, second = _flat(source), _flat(target)
    if len(source) != len(target):
        faults.append(f"it holds {len(source)} fiducials in fluorescence and {len(target)} in the FIB image: complete the pairs")
    elif first.shape != second.shape:
        faults.append("its fiducials are 3D in fluorescence and 2D in the FIB image (a projection), or the reverse: give both in "
                      "one dimension")
    n = min(len(source), len(target))
    d = min(first.shape[1], second.shape[1])
    sides = [Side(points[:n, :d], "px", frame=IMAGE) for points in (first, second)]
    return sheet_of(document.path, CARD.kind, sides, faults=faults).replace(targets=beside)


def _inputs(document: Document) -> dict[str, Any] | None:
    data = document.json
    inner = data.get("input_data", data) if isinstance(data, dict) else None
    return inner if isinstance(inner, dict) and all(name in inner for name in _LISTS) else None


def _points(found: Any, name: str, faults: list[str]) -> np.ndarray:
    if not isinstance(found, list):
        faults.append(f"its {name} is {short(found)}: give a list")
        return np.zeros((0, 3))
    return np.array([_point(one, f"{name}, point {i}", faults) for i, one in enumerate(found, 1)]).reshape(-1, 3)


def _point(one: Any, where: str, faults: list[str]) -> list[float]:
    point = one.get("point") if isinstance(one, dict) else None
    if not isinstance(point, dict):
        faults.append(f"{where} is {short(one)}: give x, y and z")
        return [math.nan] * 3
    return [finite(point.get(axis), f"{where}, {axis}", faults) for axis in "xyz"]


def _flat(points: np.ndarray) -> np.ndarray:
    return points if len(points) and np.ptp(points[:, 2]) > 0 else points[:, :2]
