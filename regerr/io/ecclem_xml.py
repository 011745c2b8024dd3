"""The transformation schema of ec-CLEM 2 (Icy): an XML file that holds the fiducials of both images in micrometres.

A file can hold several transformations, one after the other; the last is the newest and is the one read. Document types and
entities are refused: a real file has none, and they can make a small file fill the memory.
"""

from __future__ import annotations

import math
import re
import warnings
from xml.etree import ElementTree

import numpy as np

from ..errors import RegistrationWarning
from .document import Document
from .ecclem_csv import UNIT
from .sheet import UNREADABLE, Sheet, Side, refusal

KIND = "ec-CLEM transformation schema"
_UNSAFE = re.compile(r"<!(doctype|entity)\b", re.IGNORECASE)


def recognises(document: Document) -> bool:
    """Whether the file is XML of any sort: what is not ec-CLEM's is refused on reading."""
    return document.text.lstrip().startswith("<")


def read(document: Document) -> Sheet:
    """The fiducial pairs of the newest transformation; raises InputError for any other XML."""
    transformation = _newest(document)
    faults: list[str] = []
    ids, points = zip(*(_dataset(document, transformation, side, faults) for side in ("source", "target")), strict=True)
    lacking = [f"point id {i!r} is only in the {side}" for side, mine, other in (("source", *ids), ("target", *reversed(ids)))
               for i in mine if i not in other]
    if lacking:
        raise refusal(document.path, [*faults, *lacking])
    if points[0].shape != points[1].shape:
        raise refusal(document.path, [*faults, f"source is {points[0].shape[1]}D and target is {points[1].shape[1]}D: "
                                               "give both in one dimension"])
    order = [ids[1].index(i) for i in ids[0]]
    source, target = Side(points[0], UNIT), Side(points[1][order], UNIT)
    reasons = tuple(UNREADABLE if bad else "" for bad in np.isnan(source.points + target.points).any(1))
    places = tuple(range(1, len(order) + 1))
    return Sheet(document.path, KIND, source, target, places, reasons, ids[0], tuple(faults), pads_z=True)


def _newest(document: Document) -> ElementTree.Element:
    if _UNSAFE.search(document.text):
        raise refusal(document.path, ["it declares a document type or entities, which ec-CLEM never writes: it is not read"])
    try:
        root = ElementTree.fromstring(document.text.strip())
    except (ElementTree.ParseError, ValueError) as fault:
        raise refusal(document.path, [f"it starts like XML and is damaged ({fault}): save it again in ec-CLEM"]) from None
    found = [t for t in root.iter("transformation") if t.find("dataset") is not None]
    if not found:
        matrix = root.find("MatrixTransformation") is not None
        what = "a matrix and no points" if matrix else f"<{root.tag[:40]}> and no points of ec-CLEM"
        raise refusal(document.path, [f"it holds {what}: give ec-CLEM's transformation schema (.transformation_schema.xml), "
                                      "or a table of points"])
    if len(found) > 1:
        date = found[-1].get("date", "without a date")
        warnings.warn(f"{document.path} holds {len(found)} transformations: the last one ({date}) is read", RegistrationWarning,
                      stacklevel=5)
    return found[-1]


def _dataset(document: Document, transformation: ElementTree.Element, side: str,
             faults: list[str]) -> tuple[tuple[str, ...], np.ndarray]:
    datasets = [d for d in transformation.findall("dataset")
                if d.get("type") == side and d.get("pointType", "FIDUCIAL") == "FIDUCIAL"]
    points = [] if not datasets else datasets[-1].findall("point")
    if not points:
        raise refusal(document.path, [*faults, f"it holds no {side} points: add fiducials in ec-CLEM and save again"])
    ids = tuple(point.get("id", str(i)) for i, point in enumerate(points))
    rows = [_coordinates(point, f"{side} point {i!r}", faults) for i, point in zip(ids, points, strict=True)]
    widths = sorted({len(row) for row in rows})
    if widths not in ([2], [3]):
        raise refusal(document.path, [*faults, f"its {side} points have {' or '.join(map(str, widths))} coordinates: "
                                               "give 2 or 3, the same for all"])
    stated = datasets[-1].get("n", str(len(points)))
    if stated != str(len(points)):
        faults.append(f"its {side} says n = {stated} and holds {len(points)} points: the file is incomplete")
    return ids, np.array(rows)


def _coordinates(point: ElementTree.Element, where: str, faults: list[str]) -> list[float]:
    texts = {c.get("dimension", ""): (c.text or "").strip() for c in point.findall("coordinate")}
    out = []
    for axis in sorted(texts):
        try:
            out.append(float(texts[axis]))
        except ValueError:
            out.append(math.nan)
        if not math.isfinite(out[-1]):
            faults.append(f"{where}, coordinate {axis}: {texts[axis]!r} is not a finite number")
            out[-1] = math.nan
    return out
