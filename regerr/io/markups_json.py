"""Markups of 3D Slicer, ``.mrk.json``: control points with their axes (LPS or RAS) and unit stated.

Points of all point lists of a file are read. A point whose position is not defined, or that is hidden or not selected, is kept as
unused. Points are named by label.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from .columns import normal_unit
from .document import Document
from .fcsv import in_space
from .frame import PATIENT, Frame
from .sheet import Card, Sheet, Side, brief, refusal, sheet_of, short
from .table import finite

CARD = Card("3D Slicer markups, JSON", ".mrk.json", "points", "coordinateUnits, else mm", "LPS or RAS as stated",
            "points not defined, hidden or not selected are unused")
_SCHEMA = ("https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
           "markups-schema-v1.0.3.json#")


def recognises(document: Document) -> bool:
    """Whether the file is a JSON object with markups."""
    return isinstance(document.json, dict) and "markups" in document.json


def read(document: Document) -> Sheet:
    """The points of all point lists; raises InputError when there is none, or when they have different axes or units."""
    markups = document.json["markups"]
    lists = [m for m in markups if isinstance(m, dict) and m.get("type", "Fiducial") == "Fiducial"] if isinstance(markups,
                                                                                                                  list) else []
    if not lists:
        raise refusal(document.path, ["it holds no point list (markups of type Fiducial): save one from Slicer"])
    systems = {str(m.get("coordinateSystem", "LPS")).upper() for m in lists}
    units = {normal_unit(str(m.get("coordinateUnits", "mm"))) for m in lists}
    system, unit = sorted(systems)[0], sorted(units)[0]
    faults = [f"its {what} is {' and '.join(map(short, sorted(found)))}: {mend}" for what, found, ok, mend in (
        ("coordinateSystem", systems, systems <= set(PATIENT) and len(systems) == 1, "save it in LPS or in RAS"),
        ("coordinateUnits", units, len(units) == 1, "use one unit")) if not ok]
    points = [p for m in lists if isinstance(m.get("controlPoints"), list) for p in m["controlPoints"] if isinstance(p, dict)]
    if faults or not points:
        raise refusal(document.path, faults or ["it holds no point"])
    names = [str(p.get("label") or p.get("id") or f"point {i}") for i, p in enumerate(points, 1)]
    reasons = [_reason(p) for p in points]
    rows = [_position(p, f"point {short(name)}", faults if not reason else []) for p, name, reason in
            zip(points, names, reasons, strict=True)]
    return sheet_of(document.path, CARD.kind, [Side(np.array(rows), unit, frame=Frame(system))], names=names, reasons=reasons,
                    faults=faults)


def _position(point: dict[str, Any], where: str, faults: list[str]) -> list[float]:
    position = point.get("position")
    if not isinstance(position, list) or len(position) != 3:
        faults.append(f"{where} has the position {short(position)}: give x, y and z")
        return [math.nan] * 3
    return [finite(value, f"{where}, {axis}", faults) for axis, value in zip("xyz", position, strict=True)]


def _reason(point: dict[str, Any]) -> str:
    status = point.get("positionStatus", "defined")
    if status != "defined":
        return f"its position is {brief(status)} in the file"
    if point.get("visibility", True) is False:
        return "hidden in the file"
    return "" if point.get("selected", True) is not False else "not selected in the file"


def write(sheet: Sheet) -> str:
    """All points in mm; what is unused is not selected, and what is not placed has no defined position."""
    points = in_space(sheet.source.points)
    controls = [_control(i, name, reason, points[i]) for i, (name, reason) in
                enumerate(zip(sheet.labels, sheet.reasons, strict=True))]
    markup = {"type": "Fiducial", "coordinateSystem": sheet.source.frame.patient or "LPS", "coordinateUnits": "mm",
              "locked": False,
              "labelFormat": "%N-%d", "controlPoints": controls}
    return json.dumps({"@schema": _SCHEMA, "markups": [markup]}, indent=1, ensure_ascii=False) + "\n"


def _control(i: int, name: str, reason: str, point: np.ndarray) -> dict[str, Any]:
    placed = bool(np.isfinite(point).all())
    return {"id": str(i + 1), "label": name, "description": reason, "associatedNodeID": "",
            "position": point.tolist() if placed else [0.0, 0.0, 0.0],
            "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
            "selected": not reason, "locked": False, "visibility": True, "positionStatus": "defined" if placed else "undefined"}
