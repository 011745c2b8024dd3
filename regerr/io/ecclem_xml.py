"""The transformation schema of ec-CLEM 2 (Icy): an XML file that holds the fiducials of both images in micrometres.

A file can hold several transformations, one after the other; the last is the newest and is the one read.
"""

from __future__ import annotations

import warnings
from datetime import UTC, datetime

import numpy as np

from ..errors import RegistrationWarning
from .document import Document
from .ecclem_csv import UNIT
from .markup import Element, parse, root_tag
from .sheet import Card, Sheet, Side, refusal, sheet_of, short, tidy
from .table import finite

CARD = Card("ec-CLEM transformation schema", ".xml", "pairs", "µm", "image axes", "the newest transformation is read")


def recognises(document: Document) -> bool:
    """Whether the root holds a transformation with points, or a matrix, of ec-CLEM."""
    return root_tag(document) == "root" and ("<transformation" in document.text or "<MatrixTransformation" in document.text)


def read(document: Document) -> Sheet:
    """The fiducial pairs of the newest transformation; raises InputError for any other XML."""
    transformation = _newest(document)
    faults: list[str] = []
    ids, points = zip(*(_dataset(document, transformation, side, faults) for side in ("source", "target")), strict=True)
    lacking = [f"point id {short(i)} is only in the {side}" for side, mine, other in
               (("source", ids[0], set(ids[1])), ("target", ids[1], set(ids[0]))) for i in mine if i not in other]
    if lacking:
        raise refusal(document.path, [*faults, *lacking])
    if points[0].shape != points[1].shape:
        raise refusal(document.path, [*faults, f"source is {points[0].shape[1]}D and target is {points[1].shape[1]}D: "
                                               "give both in one dimension"])
    places = {i: k for k, i in enumerate(ids[1])}
    order = [places[i] for i in ids[0]]
    return sheet_of(document.path, CARD.kind, [Side(points[0], UNIT), Side(points[1][order], UNIT)], names=ids[0], faults=faults,
                    pads_z=True)


def _newest(document: Document) -> Element:
    root = parse(document)
    found = [t for t in root.iter("transformation") if t.find("dataset") is not None]
    if not found:
        what = "a matrix and no points" if root.find("MatrixTransformation") is not None else "no points of ec-CLEM"
        raise refusal(document.path, [f"it holds {what}: give ec-CLEM's transformation schema (.transformation_schema.xml), "
                                      "or a table of points"])
    if len(found) > 1:
        date = tidy(found[-1].get("date", "without a date"))
        warnings.warn(f"{document.path} holds {len(found)} transformations: the last one ({date}) is read", RegistrationWarning,
                      stacklevel=5)
    return found[-1]


def _dataset(document: Document, transformation: Element, side: str,
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


def _coordinates(point: Element, where: str, faults: list[str]) -> list[float]:
    texts = {c.get("dimension", ""): (c.text or "").strip() for c in point.findall("coordinate")}
    return [finite(texts[axis], f"{where}, coordinate {axis}", faults) for axis in sorted(texts)[:4]]


def write(sheet: Sheet) -> str:
    """The pairs that are used, as a rigid transformation that ec-CLEM estimates again on loading."""
    kinds = tuple(zip(("source", "target"), (side.rows(sheet.used) for side in sheet.sides), strict=True))
    date = datetime.now(UTC).isoformat().replace("+00:00", "Z[Etc/UTC]")
    return ('<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<root>\n'
            f'    <transformation date="{date}" noiseModel="ISOTROPIC" type="RIGID">\n'
            + "".join(_size(kind, side) for kind, side in kinds) + "".join(_points(kind, side) for kind, side in kinds)
            + "    </transformation>\n</root>\n")


def _size(kind: str, side: Side) -> str:
    """An image of 1 µm pixels that holds the points."""
    sizes = np.ceil(np.maximum(side.points.max(0), 0.0)) + 1.0
    rows = [f'            <dimensionSize name="{name}" pixelSize="1.0">{size:.0f}</dimensionSize>\n'
            for name, size in zip("XYZ", sizes, strict=False)]
    return f'        <sequenceSize dimension="{side.dimension}" type="{kind}">\n{"".join(rows)}        </sequenceSize>\n'


def _points(kind: str, side: Side) -> str:
    rows = [f'            <point id="{i}">' + "".join(f'<coordinate dimension="{k}">{value!r}</coordinate>'
                                                      for k, value in enumerate(point)) + "</point>\n"
            for i, point in enumerate(side.points.tolist())]
    return (f'        <dataset dimension="{side.dimension}" n="{len(rows)}" pointType="FIDUCIAL" type="{kind}">\n'
            f'{"".join(rows)}        </dataset>\n')
