"""Shapes for Leica's laser microdissection, XML: the three calibration points; the shapes' vertices are kept beside them.

y grows upwards, and no unit is written. Three calibration points fix an affine transformation exactly and leave no residual, so
nothing can be learnt from them alone about the noise.
"""

from __future__ import annotations

import re

import numpy as np

from .document import Document
from .frame import Frame
from .markup import Element, parse, root_tag, text_of
from .sheet import Card, Sheet, Side, refusal, sheet_of, short
from .table import finite

CARD = Card("Leica LMD shapes", ".xml", "points", "not in the file", "y upwards",
            "calibration points; vertices of shapes are unused")
_MOST = 100_000


def recognises(document: Document) -> bool:
    """Whether the root is Leica's, with a calibration point."""
    return root_tag(document) == "ImageData" and "CalibrationPoint" in document.text


def read(document: Document) -> Sheet:
    """Calibration points, then the vertices of all shapes as unused points."""
    root = parse(document)
    faults: list[str] = []
    fields = {child.tag: child for child in root}
    numbers = [m[1] for tag in fields if (m := re.fullmatch(r"X_CalibrationPoint_([0-9]{1,6})", tag))]
    names = [f"calibration {i}" for i in numbers]
    points = [_point(root, f"CalibrationPoint_{i}", faults) for i in numbers]
    reasons = [""] * len(points)
    shapes = [child for tag, child in fields.items() if re.fullmatch(r"Shape_[0-9]{1,6}", tag)]
    if text_of(root, "ShapeCount") not in ("", str(len(shapes))):
        faults.append(f"it says that it holds {short(text_of(root, 'ShapeCount'))} shapes and holds {len(shapes)}: the file is "
                      "incomplete")
    for shape in shapes:
        found = _vertices(shape, faults)
        label = shape.tag.replace("_", " ").lower()
        cap = text_of(shape, "CapID")
        names += [f"{label}, vertex {i}" for i in range(1, len(found) + 1)]
        reasons += [f"a vertex of {label}" + (f" (for {cap})" if cap else "")] * len(found)
        points += found
    if not numbers:
        raise refusal(document.path, [*faults, "it holds no calibration points"])
    return sheet_of(document.path, CARD.kind, [Side(np.array(points), "unit", frame=Frame(upward=True))], names=names,
                    reasons=reasons,
                    faults=faults)


def _vertices(shape: Element, faults: list[str]) -> list[list[float]]:
    held = sum(1 for child in shape if re.fullmatch(r"X_[0-9]{1,6}", child.tag))
    stated = text_of(shape, "PointCount")
    if stated != str(held) or held > _MOST:
        faults.append(f"{shape.tag} says that it has {stated[:20] or 'no'} points and has {held}: the file is incomplete")
        return []
    values = {child.tag: text_of(child) for child in shape}
    return [[finite(values.get(f"{axis}_{i}", ""), f"{shape.tag}, {axis}_{i}", faults) for axis in "XY"]
            for i in range(1, held + 1)]


def _point(root: Element, key: str, faults: list[str]) -> list[float]:
    return [finite(text_of(root, f"{axis}_{key}"), f"{axis}_{key}", faults) for axis in "XY"]
