"""Landmarks in a project of BigWarp 9 or newer, or in its landmark JSON: moving points, fixed points, switches and names.

Infinity stands there as a bare word. Moving is the source; coordinates are physical, and no unit is written.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .bigwarp import UNIT, reason_of
from .document import Document
from .frame import IMAGE
from .sheet import UNREADABLE, Card, Sheet, Side, distinct, refusal, sheet_of, short

CARD = Card("BigWarp project", ".json", "pairs", "not in the file", "image axes, centre of the first pixel",
            "inactive points are unused, `Infinity` is not placed")
_LISTS = ("movingPoints", "fixedPoints", "active", "names")


def recognises(document: Document) -> bool:
    """Whether the file holds BigWarp's landmarks."""
    return _landmarks(document.json) is not None


def read(document: Document) -> Sheet:
    """All landmarks, in the order of the file; raises InputError when its lists do not belong together."""
    found = _landmarks(document.json) or {}
    faults = _faults(found)
    if faults:
        raise refusal(document.path, faults)
    moving, fixed, active, given = (found[name] for name in _LISTS)
    d = len(moving[0]) if moving else 3
    sides = [np.array([_point(p, d, f"landmark {i + 1}, {space}", faults) for i, p in enumerate(points)]).reshape(-1, d)
             for space, points in (("moving", moving), ("fixed", fixed))]
    reasons = [UNREADABLE if np.isnan(a).any() or np.isnan(b).any() else reason_of(on is True, ("source", a), ("target", b))
               for a, b, on in zip(*sides, active, strict=True)]
    lines = range(1, len(moving) + 1)
    names = distinct([str(name) or f"row {line}" for name, line in zip(given, lines, strict=True)], list(lines))
    return sheet_of(document.path, CARD.kind, [Side(points, UNIT, frame=IMAGE) for points in sides], names=names, reasons=reasons,
                    faults=faults)


def _landmarks(data: Any) -> dict[str, Any] | None:
    """The table of landmarks of a project or of a file of landmarks alone."""
    for path in (("Transform", "landmarks"), ("landmarks",), ()):
        inner = data
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and ("movingPoints" in inner or inner.get("type") == "BigWarpLandmarks"):
            return inner
    return None


def _faults(found: dict[str, Any]) -> list[str]:
    odd = [name for name in _LISTS if not isinstance(found.get(name), list)]
    if odd:
        return [f"its landmarks lack the list {name!r}" for name in odd]
    counts = [len(found[name]) for name in _LISTS]
    if len(set(counts)) > 1:
        said = ", ".join(f"{name} {count}" for name, count in zip(_LISTS, counts, strict=True))
        return [f"the lists of its landmarks differ in length ({said}): save the project again"]
    return []


def _point(value: Any, d: int, where: str, faults: list[str]) -> list[float]:
    """Coordinates; infinity for one that is not placed, NaN and a fault for what is no point."""
    numbers = value if isinstance(value, list) and len(value) == d and d in (2, 3) else None
    if numbers is None or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in numbers):
        faults.append(f"{where} is {short(value)}: give {d if d in (2, 3) else '2 or 3'} numbers")
        return [math.nan] * d
    placed = [math.isfinite(v) if isinstance(v, float) else abs(v) < 1e300 for v in numbers]
    return [float(v) if ok else math.inf for v, ok in zip(numbers, placed, strict=True)]
