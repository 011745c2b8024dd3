"""ROIs of ImageJ and Fiji: one ``.roi`` file, or the ``.zip`` of the ROI Manager; read and written by roifile.

Coordinates are pixels counted from the outer corner of the first. Points with slice numbers that differ are 3D: z is the
slice, the first being 0. ROIs that are no points are kept as unused.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, MissingExtraError, RegistrationWarning
from . import archive
from .document import Document
from .frame import CORNER
from .heard import heard
from .sheet import Card, Sheet, Side, refusal, sheet_of, short, tidy

if TYPE_CHECKING:
    from roifile import ImagejRoi

CARD = Card("ImageJ ROIs", ".roi .zip", "points", "px", "image axes, corner of the first pixel",
            "other shapes than points are unused; slices that differ give z", "roifile")
_MAGIC = b"Iout"
_FARTHEST = 30000  # pixels, in 16 bits
_OUTLINES = ("FREEHAND", "POLYGON", "POLYLINE")  # of one or two vertices: points, as roifile writes them
Found = tuple[str, np.ndarray, str]  # a name, (k, 3) with the slice from 1 or 0 for none, and why it is not used


def recognises(document: Document) -> bool:
    """Whether the file is a ROI, or an archive with one in it."""
    return document.data.startswith(_MAGIC) or any(name.lower().endswith(".roi") for name in archive.names(document))


def read(document: Document) -> Sheet:
    """All points of all ROIs; raises InputError when there is none, MissingExtraError without roifile."""
    contents = [("", document.data)] if document.data.startswith(_MAGIC) else archive.unpack(document, ".roi").items()
    found = [one for name, data in contents for one in from_bytes(document, data, name)]
    return sheet_from(document, found, CARD.kind)


def from_bytes(document: Document, data: bytes, name: str = "") -> list[Found]:
    """The points of one ROI; ``name`` is its file in an archive."""
    where = f"the ROI {short(name)}" if name else "the ROI"
    try:
        with heard("roifile") as notes:
            roi = _library().ImagejRoi.frombytes(data)
        label = tidy(roi.name or name.rpartition("/")[2].removesuffix(".roi"))
        kind = roi.roitype.name
        if kind != "POINT" and not (kind in _OUTLINES and 0 < roi.n_coordinates < 3):
            return [(label or "ROI", np.full((1, 3), np.nan), f"a {kind.lower()} and not a point")]
        points = np.array(roi.coordinates(), float).reshape(-1, 2)
    except (InputError, MissingExtraError):
        raise
    except Exception as fault:  # whatever a damaged file makes the library do
        raise refusal(document.path, [f"{where} is damaged ({short(fault) if str(fault) else type(fault).__name__}): "
                                      "save it again"]) from None
    if notes:
        raise refusal(document.path, [f"{where} is damaged ({short(notes[0])}): save it again"])
    if not np.isfinite(points).all():
        raise refusal(document.path, [f"{where} holds coordinates that are no numbers: save it again"])
    if not len(points):
        return [(label or "ROI", np.full((1, 3), np.nan), "without a point")]
    return [(label, np.column_stack([points, _slices(roi, len(points))]), "")]


def _slices(roi: ImagejRoi, n: int) -> np.ndarray:
    """The slice of each point, from 1; 0 where there is none."""
    positions = roi.counter_positions
    if roi.z_position > 0 or positions is None or len(positions) != n:
        return np.full(n, float(max(roi.z_position, 0)))
    return np.array(positions, float)


def sheet_from(document: Document, found: list[Found], kind: str) -> Sheet:
    """The sheet of ROIs: points of a ROI of several are numbered; z only where slices are given and differ."""
    if not any(not reason for _, _, reason in found):
        raise refusal(document.path, ["it holds no point ROI: draw points with ImageJ's (multi-)point tool"])
    names = [name if len(points) == 1 and name else f"{name or 'point'} {k + 1}" for name, points, _ in found
             for k in range(len(points))]
    points = np.concatenate([points for _, points, _ in found])
    slices = points[np.isfinite(points).all(1), 2]
    deep = bool(slices.min() > 0 and np.ptp(slices) > 0)
    points[:, 2] -= 1.0
    side = Side(points if deep else points[:, :2].copy(), "px", frame=CORNER)
    return sheet_of(document.path, kind, [side], names=names, reasons=[reason for _, p, reason in found for _ in p])


def _library() -> Any:
    try:
        import roifile
    except ModuleNotFoundError:
        raise MissingExtraError("ImageJ ROIs need the library roifile, which is not installed: install it with "
                                "pip install 'regerr[io]'") from None
    return roifile


def write(sheet: Sheet) -> bytes:
    """An archive with one ROI for each point that is used, in pixels from the corner of the first; z is rounded to a slice."""
    buffer = io.BytesIO()
    if np.any(np.round(sheet.source.points[sheet.used, 2:]) != sheet.source.points[sheet.used, 2:]):
        warnings.warn("the format imagej has whole slices alone: z is rounded to the nearest", RegistrationWarning, stacklevel=4)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for i in sheet.used:
            file.writestr(zipfile.ZipInfo(f"{i + 1:04d}.roi"),
                          _bytes(sheet.path, sheet.labels[i], sheet.source.points[i].tolist()))
    return buffer.getvalue()


def polygon(name: str, corners: np.ndarray) -> bytes:
    """One ROI with an outline (k, 2) of sub-pixel corners."""
    if not (np.abs(corners) < _FARTHEST).all():
        raise InputError(f"the outline {name!r} reaches to {np.abs(corners).max():g}, and ImageJ's ROIs end at {_FARTHEST} "
                         f"pixels: give "
                         "the pixel size of the image")
    library = _library()
    roi = library.ImagejRoi.frompoints(np.asarray(corners, float), name=name)
    roi.roitype, roi.options = library.ROI_TYPE.POLYGON, library.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    return bytes(roi.tobytes())


def _bytes(path: str, name: str, point: list[float]) -> bytes:
    library = _library()
    if not all(abs(value) < _FARTHEST for value in point) or (len(point) == 3 and round(point[2]) < 0):
        where = ", ".join(f"{value:g}" for value in point)
        raise refusal(path, [f"the point {name!r} lies at {where}, and ImageJ's ROIs end at {_FARTHEST} pixels and begin at "
                             f"slice 0: "
                             "give the pixel size of the image"])
    roi = library.ImagejRoi.frompoints(np.array([point[:2]], float), name=name)
    roi.roitype, roi.options = library.ROI_TYPE.POINT, library.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    if len(point) == 3:
        roi.z_position = round(point[2]) + 1
    return bytes(roi.tobytes())
