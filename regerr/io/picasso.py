"""Localisations of Picasso: the table ``/locs`` of an HDF5 file, and the YAML beside it that holds the pixel size.

x, y, lpx and lpy are camera pixels and z is nanometres; with the pixel size all become nanometres. The last document of the YAML
that has a ``Pixelsize`` counts. lpx, lpy (and lpz) are standard deviations and become the covariance.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError, MissingExtraError, RegistrationWarning
from .document import Document
from .frame import IMAGE, Frame
from .sheet import Card, Sheet, Side, diagonal, improper, refusal, sheet_of, short
from .table import number

CARD = Card("Picasso localisations", ".hdf5 (+ .yaml)", "points", "nm with a pixel size beside it, else px", "image axes",
            "`lpx`, `lpy`, `lpz` give covariances", "h5py")
_MAGIC = b"\x89HDF\r\n\x1a\n"
_MOST = 16 * 2**20  # bytes of the YAML
_SIZE = re.compile(r"^Pixelsize:[ \t]*(.{0,40}?)[ \t\r]*$", re.MULTILINE)


def recognises(document: Document) -> bool:
    """Whether the file is HDF5: what is not Picasso's is refused on reading."""
    return document.data.startswith(_MAGIC)


def read(document: Document) -> Sheet:
    """All localisations; raises InputError for other HDF5 files, MissingExtraError without h5py."""
    locs = _table(document)
    columns = set(locs.dtype.names or ())
    if not {"x", "y"} <= columns or not len(locs):
        raise refusal(document.path, ["its table /locs has no x and y: save localisations in Picasso" if len(locs) else
                                      "its table /locs is empty"])
    size = _pixel_size(document)
    deep = "z" in columns and bool(np.any(locs["z"]))
    if deep and size is None:
        raise refusal(document.path, ["its x and y are camera pixels and its z is nanometres, and no YAML beside it has the "
                                      "Pixelsize: put it there"])
    axes = ("x", "y", "z")[: 3 if deep else 2]
    steps = np.array([size or 1.0, size or 1.0, 1.0][: len(axes)])
    points = _columns(locs, axes) * steps
    faults = [f"localisation {i + 1} holds no finite number" for i in np.flatnonzero(~np.isfinite(points).all(1)).tolist()]
    sigma = _sigma(document, locs, tuple(f"lp{axis}" for axis in axes), steps, faults)
    frame = IMAGE if size is None else Frame()
    side = Side(points, "px" if size is None else "nm", None if sigma is None else diagonal(sigma), frame)
    return sheet_of(document.path, CARD.kind, [side], faults=faults)


def _table(document: Document) -> np.ndarray:
    try:
        import h5py
    except ModuleNotFoundError:
        raise MissingExtraError("Picasso files need the library h5py, which is not installed: install it with "
                                "pip install 'regerr[io]'") from None
    try:
        with h5py.File(io.BytesIO(document.data), "r") as file:
            locs = file.get("locs")
            found = locs[()] if isinstance(locs, h5py.Dataset) and locs.dtype.names and locs.nbytes < 2**28 else None
    except Exception as fault:  # whatever a damaged file makes the library do
        raise refusal(document.path, [f"it starts like HDF5 and is damaged ({short(fault)}): save it again"]) from None
    if found is None or found.ndim != 1 or any(found.dtype[name].kind not in "fiu" for name in found.dtype.names):
        raise refusal(document.path, ["it is HDF5 without Picasso's table /locs: export its points as CSV"])
    return np.asarray(found)


def _columns(locs: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Columns as float64 (n, k); damaged numbers become NaN or infinity."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.column_stack([locs[name].astype(float) for name in names])


def _sigma(document: Document, locs: np.ndarray, names: tuple[str, ...], steps: np.ndarray,
           faults: list[str]) -> np.ndarray | None:
    lacking = [name for name in names if name not in (locs.dtype.names or ())]
    if lacking:
        if len(lacking) < len(names):
            warnings.warn(f"{document.path} lacks the precision {', '.join(lacking)}: the localisations count alike",
                          RegistrationWarning, stacklevel=5)
        return None
    sigma = _columns(locs, names) * steps
    faults += [f"localisation {i + 1} holds no finite precision" for i in np.flatnonzero(np.isnan(sigma).any(1))]
    faults += [f"localisation {i + 1} has the precision {sigma[i].min():g}: give a positive number" for i in improper(sigma)]
    return sigma


def _pixel_size(document: Document) -> float | None:
    """Nanometres, from the last document of the YAML beside the file that has it: a line of its own at the left margin."""
    path = Path(document.path).with_suffix(".yaml")
    try:
        with open(path, "rb") as file:
            text = file.read(_MOST).decode("utf-8", "replace")
    except (OSError, ValueError):
        return None
    found = _SIZE.findall(text)
    if not found:
        return None
    sizes = [number(one) for one in found]
    last = sizes[-1]
    if last is None or not 0 < last < 1e9:
        raise InputError(f"{path}: its Pixelsize is {short(found[-1])}: give the size of a camera pixel in nanometres")
    if len(set(sizes)) > 1:
        warnings.warn(f"{path} holds several pixel sizes: the last one, {last:g} nm, is used", RegistrationWarning, stacklevel=5)
    return last
