"""ROIs of Icy, XML: points in pixels, with the pixel size of the sequence where the file has it.

With a pixel size the points become micrometres, as in ec-CLEM. Points come in the natural order of their names,
as ec-CLEM sorts them by the number at the end. ROIs that are no points, and points that ec-CLEM does not take for fiducials,
are unused.
"""

from __future__ import annotations

import math

import numpy as np

from .document import Document
from .frame import scaled
from .markup import Element, parse, root_tag, text_of
from .sheet import Card, Sheet, Side, brief, natural, refusal, sheet_of, short
from .table import finite, number

CARD = Card("Icy ROIs", ".xml", "points", "µm with a pixel size, else px", "image axes",
            "other shapes, and points that are not fiducials of ec-CLEM, are unused")


def recognises(document: Document) -> bool:
    """Whether the root holds ROIs of Icy."""
    return root_tag(document) == "root" and "<roi>" in document.text


def read(document: Document) -> Sheet:
    """All ROIs in the natural order of their names; raises InputError when none is a point."""
    root = parse(document)
    faults: list[str] = []
    rois = sorted(root.iter("roi"), key=lambda roi: natural(text_of(roi, "name")))
    reasons = [_reason(roi) for roi in rois]
    if all(reasons):
        raise refusal(document.path, ["none of its ROIs is a point: mark fiducials in Icy or ec-CLEM, and save again"])
    names = [text_of(roi, "name") or f"ROI {i}" for i, roi in enumerate(rois, 1)]
    rows = [_position(roi, f"ROI {short(name)}", faults if not reason else []) for roi, name, reason in
            zip(rois, names, reasons, strict=True)]
    deep = {len(row) for row, reason in zip(rows, reasons, strict=True) if not reason}
    if len(deep) > 1:
        raise refusal(document.path, [*faults, "it holds points of the plane and of the volume: keep one sort"])
    points = np.array([(row + [math.nan] * 3)[: max(deep)] for row in rows])
    side = Side(points, "px")
    spacing = _pixel_size(root)
    return sheet_of(document.path, CARD.kind, [side if spacing is None else scaled(side, spacing, "µm")], names=names,
                    reasons=reasons, faults=faults)


def _reason(roi: Element) -> str:
    kind = text_of(roi, "classname").rpartition(".")[2]
    role = text_of(roi, "properties/point_type") or "FIDUCIAL"
    if kind not in ("ROI2DPoint", "ROI3DPoint"):
        return f"a {brief(kind) or 'ROI without a class'} and not a point"
    return "" if role == "FIDUCIAL" else f"its point_type is {short(role)}, not FIDUCIAL"


def _position(roi: Element, where: str, faults: list[str]) -> list[float]:
    deep = text_of(roi, "classname").endswith("ROI3DPoint")
    return [finite(text_of(roi, f"position/pos_{axis}"), f"{where}, {axis}", faults) for axis in ("xyz" if deep else "xy")]


def _pixel_size(root: Element) -> tuple[float, ...] | None:
    """In µm along x, y and z; None where the file has none, as when ROIs alone were exported."""
    texts = [text_of(root, f"meta/pixelSize{axis}") for axis in "XYZ"]
    sizes = [number(text) for text in texts]
    if any(size is None or not (0 < size < math.inf) for size in sizes):
        return None
    return tuple(float(size) for size in sizes if size is not None)
