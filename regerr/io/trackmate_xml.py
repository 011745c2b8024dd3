"""A session of TrackMate (Fiji), XML: all spots, those that a filter hides as unused."""

from __future__ import annotations

import numpy as np

from .columns import normal_unit
from .document import Document
from .frame import IMAGE
from .markup import parse, root_tag
from .sheet import Card, Sheet, Side, refusal, sheet_of, short
from .table import finite
from .trackmate_csv import HIDDEN, own_names

CARD = Card("TrackMate session, XML", ".xml", "points", "spatialunits of the image", "image axes, centre of the first pixel",
            "spots that a filter hides are unused; a z of 0 throughout is dropped")


def recognises(document: Document) -> bool:
    """Whether the root is TrackMate's."""
    return root_tag(document) == "TrackMate"


def read(document: Document) -> Sheet:
    """All spots of all frames; raises InputError when there is none."""
    root = parse(document)
    spots = list(root.iter("Spot"))
    if not spots:
        raise refusal(document.path, ["it holds no spots: detect some in TrackMate, and save again"])
    stated = next((one.get("nspots") for one in root.iter("AllSpots")), None)
    faults: list[str] = []
    if stated not in (None, str(len(spots))):
        faults.append(f"it says that it holds {short(stated)} spots and holds {len(spots)}: the file is incomplete")
    names = [spot.get("name") or f"ID{spot.get('ID', i)}" for i, spot in enumerate(spots, 1)]
    points = np.array([[finite(spot.get(f"POSITION_{axis}", ""), f"spot {short(name)}, {axis.lower()}", faults) for axis in "XYZ"]
                       for name, spot in zip(names, spots, strict=True)])
    model = root.find("Model")
    unit = normal_unit(model.get("spatialunits", "")) if model is not None else ""
    reasons = [HIDDEN if spot.get("VISIBILITY", "1") in ("0", "0.0") else "" for spot in spots]
    side = Side(points, unit or None, frame=IMAGE).without_empty_z()
    return sheet_of(document.path, CARD.kind, [side], names=own_names(names), reasons=reasons, faults=faults)
