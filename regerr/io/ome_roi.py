"""Regions of interest in OME-XML: points, moved by the affine transform that a shape may carry.

Coordinates are pixels. TheZ, where the points differ in it, is z; a label is no point. Other shapes are unused.
"""

from __future__ import annotations

import math

import numpy as np

from .document import Document
from .frame import Frame
from .markup import Element, parse, root_tag
from .sheet import Card, Sheet, Side, refusal, sheet_of, short
from .table import finite

CARD = Card("OME-XML regions of interest", ".ome.xml", "points", "px", "image axes",
            "other shapes are unused; a shape's Transform is applied")
_SHAPES = ("Point", "Line", "Rectangle", "Ellipse", "Polyline", "Polygon", "Mask", "Label")
_MATRIX = ("A00", "A01", "A02", "A10", "A11", "A12")


def recognises(document: Document) -> bool:
    """Whether the root is OME's."""
    return root_tag(document) == "OME"


def read(document: Document) -> Sheet:
    """All points of all regions; raises InputError when there is none."""
    shapes = [(roi, shape) for roi in parse(document).iter("ROI") for shape in roi.iter() if shape.tag in _SHAPES]
    if not any(shape.tag == "Point" for _, shape in shapes):
        raise refusal(document.path, ["it holds no points: draw some as regions of interest" if shapes else
                                      "it describes images and holds no regions of interest"])
    faults: list[str] = []
    names = [shape.get("Text") or roi.get("Name") or shape.get("ID") or f"shape {i}" for i, (roi, shape) in enumerate(shapes, 1)]
    reasons = ["" if shape.tag == "Point" else f"a {shape.tag.lower()} and not a point" for _, shape in shapes]
    points = np.array([_position(shape, f"shape {short(name)}", faults) if not reason else [math.nan] * 3
                       for (_, shape), name, reason in zip(shapes, names, reasons, strict=True)])
    z = points[np.isfinite(points).all(1), 2]
    side = Side(points if z.size and np.ptp(z) > 0 else points[:, :2], "px", frame=Frame())
    return sheet_of(document.path, CARD.kind, [side], names=_unlike(names, shapes), reasons=reasons, faults=faults)


def _position(shape: Element, where: str, faults: list[str]) -> list[float]:
    x, y = (finite(shape.get(axis, ""), f"{where}, {axis}", faults) for axis in "XY")
    z = finite(shape.get("TheZ", "0"), f"{where}, TheZ", faults)
    transform = shape.find("Transform")
    if transform is None:
        return [x, y, z]
    a = [finite(transform.get(key, ""), f"{where}, {key}", faults) for key in _MATRIX]
    with np.errstate(over="ignore", invalid="ignore"):
        moved = np.array(a).reshape(2, 3) @ [x, y, 1.0]
    return [*moved.tolist(), z]


def _unlike(names: list[str], shapes: list[tuple[Element, Element]]) -> list[str]:
    """Texts of labels may repeat; then the shapes' own identifiers name them."""
    return names if len(set(names)) == len(names) else [f"{name} {shape.get('ID', '')}".strip() for name, (_, shape) in
                                                        zip(names, shapes, strict=True)]
