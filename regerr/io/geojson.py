"""Annotations of QuPath, GeoJSON: a FeatureCollection, one Feature or a list of them, in pixels of the full resolution.

Points are read, those of a MultiPoint numbered. Other shapes are unused beside points; in a file without points their
vertices are read, as targets along an outline. The corner of the first pixel is 0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .document import Document
from .frame import CORNER
from .sheet import Card, Sheet, Side, refusal, sheet_of, short, tidy
from .table import finite

CARD = Card("QuPath annotations, GeoJSON", ".geojson .json", "points", "px", "image axes, corner of the first pixel",
            "outlines are unused beside points; without points their vertices are read")
_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "Polygon": 2, "MultiLineString": 2, "MultiPolygon": 3}


def recognises(document: Document) -> bool:
    """Whether the file is GeoJSON."""
    return any(True for _ in _features(document.json))


def read(document: Document) -> Sheet:
    """All points; raises InputError for files without a shape, and for geometry that is damaged."""
    faults: list[str] = []
    shapes = [_shape(i, feature, faults) for i, feature in enumerate(_features(document.json), 1)]
    clicked = any(kind in ("Point", "MultiPoint") and positions for _, kind, positions in shapes)
    rows: list[tuple[str, list[float], str]] = []
    for name, kind, positions in shapes:
        if clicked and kind not in ("Point", "MultiPoint"):
            rows.append((name, [math.nan, math.nan], f"a {kind} and not a point"))
        for k, position in enumerate(positions, 1) if kind in ("Point", "MultiPoint") or not clicked else ():
            here = _position(position, f"feature {short(name)}", faults)
            rows.append((f"{name} {k}" if len(positions) > 1 else name, here, ""))
    names, points, reasons = [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    if not points:
        raise refusal(document.path, faults or ["it holds no points and no outlines: annotate some in QuPath"])
    return sheet_of(document.path, CARD.kind, [Side(np.array(points), "px", frame=CORNER)], names=names, reasons=reasons,
                    faults=faults)


def _features(data: Any) -> Iterator[dict[str, Any]]:
    """The features of a collection, of a list, or the one feature itself."""
    if isinstance(data, dict):
        data = data.get("features") if data.get("type") == "FeatureCollection" else [data]
    if isinstance(data, list):
        yield from (f for f in data if isinstance(f, dict) and f.get("type") == "Feature" and isinstance(f.get("geometry"), dict))


def _shape(i: int, feature: dict[str, Any], faults: list[str]) -> tuple[str, str, list[Any]]:
    """A name, the kind of geometry, and its positions."""
    about = feature.get("properties")
    properties = about if isinstance(about, dict) else {}
    kind = str(feature["geometry"].get("type"))
    name = tidy(str(properties.get("name") or f"{kind} {i}"))
    depth = _DEPTH.get(kind)
    if depth is None:
        faults.append(f"feature {short(name)} is a {short(kind)}, which is no geometry of QuPath")
        return name, kind, []
    found = [feature["geometry"].get("coordinates")]
    for _ in range(depth):
        found = [inner for outer in found for inner in (outer if isinstance(outer, list) else [None])]
    return name, kind, found[:-1] if kind == "Polygon" and len(found) > 1 and found[0] == found[-1] else found


def _position(value: Any, where: str, faults: list[str]) -> list[float]:
    if not isinstance(value, list) or len(value) not in (2, 3):
        faults.append(f"{where} holds the position {short(value)}: give x and y")
        return [math.nan] * 2
    return [finite(number, where, faults) for number in value[:2]]


def write(sheet: Sheet) -> str:
    """One point annotation for each placed point; what is unused is a locked annotation of the class Ignore*."""
    features = []
    for i in np.flatnonzero(np.isfinite(sheet.source.points).all(1)).tolist():
        properties: dict[str, Any] = {"objectType": "annotation", "name": sheet.labels[i]}
        if sheet.reasons[i]:
            properties |= {"classification": {"name": "Ignore*"}, "isLocked": True}
        features.append({"type": "Feature", "geometry": {"type": "Point", "coordinates": sheet.source.points[i, :2].tolist()},
                         "properties": properties})
    return json.dumps({"type": "FeatureCollection", "features": features}, indent=1, ensure_ascii=False) + "\n"
