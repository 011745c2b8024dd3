"""Landmarks of SpatialData, a zipped zarr store: one set of points in ``shapes``, or two that belong together row by row.

The coordinates are those of the elements themselves; transformations to common coordinate systems are not applied. The sets
come in the order of their names. Read by pyarrow.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
from typing import Any

import numpy as np

from ..errors import MissingExtraError, RegistrationWarning
from . import archive
from .document import Document
from .frame import Frame
from .sheet import Card, Sheet, Side, refusal, sheet_of, short

CARD = Card("SpatialData landmarks", ".zarr.zip", "pairs or points", "not in the file", "intrinsic axes of each element",
            "two sets are pairs, in the order of their names", "pyarrow")
_SUFFIX = "shapes.parquet"
_MOST = 1_000_000  # points


def recognises(document: Document) -> bool:
    """Whether the archive holds shapes of SpatialData."""
    return any(name.endswith(_SUFFIX) for name in archive.names(document))


def read(document: Document) -> Sheet:
    """One or two sets of points; raises InputError for other shapes and for more sets."""
    files = archive.unpack(document, _SUFFIX)
    if len(files) > 2:
        raise refusal(document.path, [f"it holds {len(files)} sets of shapes: keep one, or two that belong together"])
    faults: list[str] = []
    sets = {name: _points(document, name, data, faults) for name, data in sorted(files.items())}
    if len({len(points) for points in sets.values()}) > 1:
        faults.append("its two sets have different numbers of points: complete the pairs")
    if faults:
        raise refusal(document.path, faults)
    if len(sets) == 2:
        first, second = (short(_element(name)) for name in sets)
        warnings.warn(f"{document.path}: {first} is read as the source and {second} as the target", RegistrationWarning,
                      stacklevel=4)
    return sheet_of(document.path, CARD.kind, [Side(points, None, frame=Frame()) for points in sets.values()])


def _element(name: str) -> str:
    return name.rstrip("/").split("/")[-2] if "/" in name else name


def _points(document: Document, name: str, data: bytes, faults: list[str]) -> np.ndarray:
    column = _geometry(document, name, data)
    points = [_point(value) for value in column]
    if not points or any(point is None for point in points):
        faults.append(f"{short(_element(name))} holds other shapes than points: save landmarks as points")
        return np.zeros((0, 2))
    found = np.array(points)
    if not np.isfinite(found).all():
        faults.append(f"{short(_element(name))} holds points that are not finite")
    return found


def _geometry(document: Document, name: str, data: bytes) -> list[Any]:
    try:
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise MissingExtraError("SpatialData needs the library pyarrow, which is not installed: install it with "
                                "pip install 'regerr[io]'") from None
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(data))
        if file.metadata.num_rows > _MOST:
            raise ValueError(f"{file.metadata.num_rows} rows")
        return list(file.read(columns=["geometry"], use_threads=False)["geometry"].to_pylist())
    except Exception as fault:  # whatever a damaged file makes the library do
        raise refusal(document.path, [f"its part {short(name)} is damaged ({short(fault)}): save it again"]) from None


def _point(value: Any) -> tuple[float, float] | None:
    """A point in the plane from well-known binary (21 bytes); None for anything else."""
    if not isinstance(value, bytes) or len(value) != 21 or value[0] not in (0, 1):
        return None
    kind, x, y = struct.unpack("<Idd" if value[0] else ">Idd", value[1:])
    return (x, y) if kind == 1 else (math.nan, math.nan)
