"""Confidence regions as outlines for the programs in which people look at images: QuPath, ImageJ and napari.

A region is one outline, or several when it has parts or holes. Regions that are not bounded have none; they are left out, and
told.
"""

from __future__ import annotations

import csv
import io
import json
import os
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, RegistrationWarning, UnsupportedError
from .frame import Frame, Spacing
from .imagej import polygon
from .sheet import Side
from .writing import Writer, adapted, write_content, writer_of

if TYPE_CHECKING:
    from ..regions import Region

Outline = tuple[str, np.ndarray]  # a name, and the corners (k, 2) of a closed polygon, the first not repeated


def write_regions(region: Region, path: str | os.PathLike[str], format: str | None = None, *, names: Sequence[str] | None = None,
                  pixel_size: Spacing | None = None, origin: str | None = None, resolution: int = 64, force: bool = False) -> int:
    """Write 2D regions of one dataset as outlines in the target image.

    Parameters
    ----------
    region : Region
        Of one dataset, in two dimensions.
    path : str or path
    format : {"qupath", "imagej", "napari"}, optional
        By the ending when not given.
    names : sequence of str, optional
        Of the targets; "1", "2", ... by default.
    pixel_size : float or sequence of float, optional
        Along x, y in the unit of the target, where that is not pixels.
    origin : {"centre", "corner"}, optional
        From where of the first pixel the target's coordinates count; they are written as they stand when it is not given.
    resolution : int
        Corners of an outline, about.
    force : bool
        Overwrite a file that exists.

    Returns
    -------
    int
        The number of regions written.

    Raises
    ------
    UnsupportedError
        For regions in 3D.
    InputError
        For other formats, a batch, a unit that the format cannot take, and a file that exists.

    Warns
    -----
    RegistrationWarning
        When regions are not bounded.
    """
    writer = writer_of(path, format)
    if writer.name not in _WRITE:
        raise InputError(f"regions are written as {', '.join(_WRITE)}, and not as {writer.name}: choose one of them")
    outlines = _outlines(region, names, resolution)
    unit = region.prediction.unit
    moved = [(name, _moved(curve, unit, origin, writer, pixel_size)) for name, curve in outlines]
    write_content(Path(path), _WRITE[writer.name](moved), force)
    return len({name for name, _ in outlines})


def _outlines(region: Region, names: Sequence[str] | None, resolution: int) -> list[Outline]:
    """The closed curves of all targets."""
    targets = region.prediction.targets
    if targets.shape[-1] != 2:
        raise UnsupportedError("regions in 3D have no outline: draw the maps of planes, or meshes")
    if targets.ndim > 2 or region.prediction.fit.batch_shape:
        raise InputError("these are the regions of a batch: write those of one dataset")
    labels = [str(i + 1) for i in range(len(targets))] if names is None else list(names)
    if len(labels) != len(targets):
        raise InputError(f"there are {len(labels)} names for {len(targets)} targets: give one name per target")
    bounded = np.atleast_1d(region.bounded)
    if not bounded.all():
        lost = [label for label, good in zip(labels, bounded, strict=True) if not good]
        warnings.warn(f"the regions of {', '.join(map(repr, lost[:5]))}{' and others' if len(lost) > 5 else ''} are not "
                      f"bounded and "
                      "have no outline", RegistrationWarning, stacklevel=4)
    curves = region.boundary(resolution)
    return [(label, _open(np.asarray(curve))) for label, good, parts in zip(labels, bounded, curves, strict=True) if good
            for curve in parts]


def _open(curve: np.ndarray) -> np.ndarray:
    """Without the last corner where it repeats the first."""
    return curve[:-1] if len(curve) > 3 and np.array_equal(curve[0], curve[-1]) else curve


def _moved(curve: np.ndarray, unit: str, origin: str | None, writer: Writer, size: Spacing | None) -> np.ndarray:
    return adapted(Side(curve, unit, frame=Frame(origin=origin)), writer, size, "the target").points


def _geojson(outlines: Sequence[Outline]) -> str:
    features: list[dict[str, Any]] = [
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[*curve.tolist(), curve[0].tolist()]]},
         "properties": {"objectType": "annotation", "name": name, "classification": {"name": "Confidence region"}}}
        for name, curve in outlines]
    return json.dumps({"type": "FeatureCollection", "features": features}, indent=1, ensure_ascii=False) + "\n"


def _napari(outlines: Sequence[Outline]) -> str:
    body = io.StringIO()
    rows = csv.writer(body, lineterminator="\n")
    rows.writerow(["index", "shape-type", "vertex-index", "axis-0", "axis-1"])
    rows.writerows([i, "polygon", k, repr(y), repr(x)] for i, (_, curve) in enumerate(outlines)
                   for k, (x, y) in enumerate(curve.tolist()))
    return body.getvalue()


def _imagej(outlines: Sequence[Outline]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for i, (name, curve) in enumerate(outlines, 1):
            file.writestr(zipfile.ZipInfo(f"{i:04d}.roi"), polygon(name, curve))
    return buffer.getvalue()


_WRITE: dict[str, Callable[[Sequence[Outline]], str | bytes]] = {"qupath": _geojson, "imagej": _imagej, "napari": _napari}
