"""An error map as an OME-TIFF: float32, with pixel size, origin and unit (OME data model 2016-06)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError, MissingExtraError
from .files import write_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .error_map import ErrorMap
    from .large_maps import LargeMap, Spread

# What people write for a unit of length, in the spelling of the OME schema; any other is a frame of its own there.
_SPELLINGS = {"pixel": ("px", "pixel", "pixels", "voxel", "voxels"), "nm": ("nm", "nanometer", "nanometre"),
              "µm": ("um", "\u00b5m", "\u03bcm", "micron", "microns", "micrometer", "micrometre"),
              "mm": ("mm", "millimeter", "millimetre"), "cm": ("cm",), "m": ("m",), "pm": ("pm",), "Å": ("Å", "angstrom")}
_OME_UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_OTHER = "reference frame"
UNSAID = "µm"  # the unit of a size that comes without one


def ome_unit(unit: str) -> str:
    """The OME name of a unit of length: ``pixel``, ``nm``, ``µm``, ``mm``, ...; ``reference frame`` for one it does not know."""
    return _OME_UNITS.get(unit, _OME_UNITS.get(unit.lower(), _OTHER))


def pixel_sizes(text: str | None) -> list[tuple[float | None, str | None]]:
    """Size of a pixel along x, y, z and its unit as OME metadata tell them; None for a size that is none, or an unsaid unit."""
    from .io.document import Document
    from .io.markup import parse

    try:
        found = next((e for e in parse(Document("the OME metadata", text)).iter() if e.tag == "Pixels"), None) if text else None
    except InputError:
        found = None
    if found is None:
        return []
    return [(positive(found.get(f"PhysicalSize{axis}")), found.get(f"PhysicalSize{axis}Unit")) for axis in "XYZ"]


def positive(value: Any) -> float | None:
    """A finite number above 0, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < math.inf else None


def write(error_map: ErrorMap, path: Path, *, force: bool = False) -> None:
    """Write a map under a temporary name, then rename it.

    Raises
    ------
    InputError
        When the file exists and ``force`` is false, or cannot be written.
    MissingExtraError
        Without tifffile.
    """
    tifffile = library()
    values, details = error_map.values, metadata(error_map)
    write_file(path, lambda place: tifffile.imwrite(place, values, ome=True, photometric="minisblack", metadata=details),
               force=force)


def write_blocks(large: LargeMap, path: Path, *, force: bool = False) -> Spread:
    """Write a map strip by strip, each computed when it is written, under a temporary name; then rename it.

    Returns the spread of its values; raises as `write`.
    """
    from .large_maps import BLOCK, Spread

    tifffile = library()
    spreads = [Spread(np.nan, np.nan, 0.0, 0.0)]
    made = large.header
    rows = max(1, min(large.shape[-2], BLOCK // large.shape[-1]))

    def fill(place: Path) -> None:
        tifffile.imwrite(place, _strips(large, rows, spreads), shape=large.shape, dtype=np.float32, rowsperstrip=rows, ome=True,
                         photometric="minisblack", metadata=metadata(made))

    write_file(path, fill, force=force)
    return spreads[-1]


def _strips(large: LargeMap, rows: int, spreads: list[Spread]) -> Iterator[np.ndarray]:
    """Values of some rows at a time, each plane from its top; their spread so far is the last item of a list."""
    from .large_maps import Spread, pixels

    size = (*(1 for _ in large.shape[:-2]), rows, large.shape[-1])
    for _, made in large.blocks(size, "OME-TIFF"):
        spreads[-1] = spreads[-1].joined(Spread.of(made), pixels(made.values.shape) / pixels(large.shape))
        yield made.values.reshape(made.values.shape[-2:])


def library() -> Any:
    """The module tifffile, or a MissingExtraError."""
    try:
        import tifffile
    except ImportError:
        raise MissingExtraError("writing an OME-TIFF needs the library tifffile, which is not installed: "
                                "install it with pip install 'regerr[io]'") from None
    return tifffile


def metadata(error_map: ErrorMap) -> dict[str, Any]:
    """The OME metadata: pixel size and origin along each axis, what the values are, and how they were made."""
    unit = ome_unit(error_map.grid_unit)
    label = error_map.label
    out: dict[str, Any] = {"axes": "ZYX"[-error_map.dimension:], "Name": label, "Channel": {"Name": label},
                           "Description": f"{label} in the {error_map.image} image ({error_map.grid_unit}); {error_map.how}"}
    planes = len(error_map.values) if error_map.dimension == 3 else 1
    position: dict[str, list[Any]] = {}
    for axis, size, start in zip("XYZ", error_map.spacing, error_map.origin, strict=False):
        out |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": unit}
        along = start + size * np.arange(planes) if axis == "Z" else np.full(planes, start)
        position |= {f"Position{axis}": along.tolist(), f"Position{axis}Unit": [unit] * planes}
    return out | {"Plane": position}
