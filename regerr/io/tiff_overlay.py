"""Point ROIs that ImageJ keeps in a TIFF, as its overlay or its selection; read by tifffile and roifile.

With the pixel size that the image has, the points become lengths; without it they are pixels from the corner of the first.
"""

from __future__ import annotations

import io
import math
from typing import Any

from ..errors import MissingExtraError
from .columns import normal_unit
from .document import Document
from .frame import scaled
from .heard import heard
from .imagej import from_bytes, sheet_from
from .sheet import Card, Sheet, refusal, short

CARD = Card("ImageJ overlay in a TIFF", ".tif", "points", "of the pixel size, else px", "image axes, corner of the first pixel",
            "other shapes are unused", "tifffile, roifile")
_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def recognises(document: Document) -> bool:
    """Whether the file is a TIFF: an image without points is refused on reading."""
    return document.data.startswith(_MAGIC)


def read(document: Document) -> Sheet:
    """All points of the overlay and the selection; raises InputError when there is none."""
    found, size = _metadata(document)
    rois = [found.get("ROI"), *(found["Overlays"] if isinstance(found.get("Overlays"), list) else [found.get("Overlays")])]
    points = [one for data in rois if isinstance(data, bytes) for one in from_bytes(document, data)]
    if not points:
        raise refusal(document.path, ["it is an image without points: give the file that holds the points, or an ImageJ TIFF "
                                      "with an overlay of points"])
    sheet = sheet_from(document, points, CARD.kind)
    spacing = _spacing(found, size, sheet.source.dimension)
    return sheet if spacing is None else sheet.replace(source=scaled(sheet.source, spacing, normal_unit(str(found["unit"]))))


def _metadata(document: Document) -> tuple[dict[str, Any], tuple[float, float] | None]:
    """ImageJ's metadata, and the pixel size along x and y in its unit."""
    try:
        import tifffile
    except ModuleNotFoundError:
        raise MissingExtraError("TIFF files need the library tifffile, which is not installed: install it with "
                                "pip install 'regerr[io]'") from None
    try:
        with heard("tifffile") as notes, tifffile.TiffFile(io.BytesIO(document.data)) as file:
            found = dict(file.imagej_metadata or {})
            tags = file.pages[0].tags  # type: ignore[union-attr]
            size = [tags[name].value for name in ("XResolution", "YResolution") if name in tags]
            steps = [b / a for a, b in size]
    except Exception as fault:  # whatever a damaged file makes the library do
        raise refusal(document.path, [f"it starts like a TIFF and is damaged ({short(fault)}): save it again"]) from None
    if notes:
        raise refusal(document.path, [f"it starts like a TIFF and is damaged ({short(notes[0])}): save it again"])
    return found, (steps[0], steps[1]) if len(steps) == 2 else None


def _spacing(found: dict[str, Any], size: tuple[float, float] | None, dimension: int) -> tuple[float, ...] | None:
    if "unit" not in found or normal_unit(str(found["unit"])) in ("", "px") or size is None:
        return None
    steps = [*size, found.get("spacing", 0.0)][:dimension]
    good = all(isinstance(step, int | float) and 0 < step < math.inf for step in steps)
    return tuple(map(float, steps)) if good else None
