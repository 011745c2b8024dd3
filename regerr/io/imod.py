"""Models of IMOD, binary: the points of all contours.

IMOD counts y from the bottom and puts the centre of the first voxel at (0.5, 0.5, 0); with the height of the image, which the
file has, y is turned downwards. With a pixel size and a unit the points become lengths. Names say object, contour and point.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from .document import Document
from .frame import CORNER, scaled
from .sheet import Card, Sheet, Side, refusal, sheet_of

CARD = Card("IMOD model", ".mod .fid", "points", "the model's, else px", "y turned downwards; corner of the first pixel",
            "the points of contours; meshes are not read")
_MAGIC = b"IMODV1.2"
_HEADER = struct.Struct(">8s128s4i5I6f5ifi4x3f")
_UNITS = {1: "m", -2: "cm", -3: "mm", -6: "µm", -9: "nm", -10: "Å", -12: "pm"}
_OBJECT, _MESH = 176, struct.Struct(">3i2h")


@dataclass
class Cursor:
    """A place in a file."""

    data: bytes
    at: int

    def take(self, count: int) -> bytes:
        """The next bytes; raises struct.error when there are not as many."""
        if count < 0 or self.at + count > len(self.data):
            raise struct.error("it ends too early")
        self.at += count
        return self.data[self.at - count: self.at]


def recognises(document: Document) -> bool:
    """Whether the file begins as an IMOD model does."""
    return document.data.startswith(_MAGIC)


def read(document: Document) -> Sheet:
    """All points; raises InputError for damaged models and for those without a point."""
    try:
        header = _HEADER.unpack_from(document.data)
        contours = _contours(Cursor(document.data, _HEADER.size), header[5])
    except (struct.error, ValueError) as fault:
        raise refusal(document.path, [f"it starts like an IMOD model and is damaged ({fault}): save it again"]) from None
    names = [f"{o}.{c}.{p}" for o, c, points in contours for p in range(1, len(points) + 1)]
    if not names:
        raise refusal(document.path, ["it holds no points"])
    points = np.concatenate([points for _, _, points in contours]).astype(float)
    faults = [f"point {names[i]} has no finite coordinates" for i in np.flatnonzero(~np.isfinite(points).all(1)).tolist()]
    points[:, 1] = header[3] - points[:, 1]
    side, unit = Side(points, "px", frame=CORNER), _UNITS.get(header[23])
    size, deep = header[22], header[16]  # of a pixel, and of a slice in pixels
    if unit is not None and 0 < size < 1e12 and 0 < deep < 1e12:
        side = scaled(side, (size, size, size * deep), unit)
    return sheet_of(document.path, CARD.kind, [side], names=names, faults=faults)


def _contours(cursor: Cursor, objects: int) -> list[tuple[int, int, np.ndarray]]:
    """Object, contour (from 1) and points (n, 3) of each contour."""
    found: list[tuple[int, int, np.ndarray]] = []
    obj, contour = 0, 0
    while True:
        chunk = cursor.take(4)
        if chunk == b"IEOF":
            if obj != objects:
                raise ValueError(f"it says that it holds {objects} objects and holds {obj}")
            return found
        if chunk == b"OBJT":
            cursor.take(_OBJECT)
            obj, contour = obj + 1, 0
        elif chunk == b"CONT":
            count, contour = struct.unpack(">i", cursor.take(16)[:4])[0], contour + 1
            found.append((obj, contour, np.frombuffer(cursor.take(12 * count), ">f4").reshape(-1, 3)))
        elif chunk == b"MESH":
            vertices, indices, *_ = _MESH.unpack(cursor.take(_MESH.size))
            cursor.take(12 * vertices + 4 * indices if min(vertices, indices) >= 0 else -1)
        else:
            cursor.take(struct.unpack(">i", cursor.take(4))[0])
