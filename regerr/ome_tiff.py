"""An error map as an OME-TIFF: float32, with pixel size, origin and unit (OME data model 2016-06)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import MissingExtraError
from .files import write_file

if TYPE_CHECKING:
    from .error_map import ErrorMap

# What people write for a unit of length, in the spelling of the OME schema; any other is a frame of its own there.
_SPELLINGS = {"pixel": ("px", "pixel", "pixels", "voxel", "voxels"), "nm": ("nm", "nanometer", "nanometre"),
              "µm": ("um", "\u00b5m", "\u03bcm", "micron", "microns", "micrometer", "micrometre"),
              "mm": ("mm", "millimeter", "millimetre"), "cm": ("cm",), "m": ("m",), "pm": ("pm",), "Å": ("Å", "angstrom")}
_OME_UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_OTHER = "reference frame"


def ome_unit(unit: str) -> str:
    """The OME name of a unit of length: ``pixel``, ``nm``, ``µm``, ``mm``, ...; ``reference frame`` for one it does not know."""
    return _OME_UNITS.get(unit, _OME_UNITS.get(unit.lower(), _OTHER))


def write(error_map: ErrorMap, path: Path, *, force: bool = False) -> None:
    """Write a map under a temporary name, then rename it.

    Raises
    ------
    InputError
        When the file exists and ``force`` is false, or cannot be written.
    MissingExtraError
        Without tifffile.
    """
    try:
        import tifffile
    except ImportError:
        raise MissingExtraError("writing an OME-TIFF needs the library tifffile, which is not installed: "
                                "install it with pip install 'regerr[io]'") from None
    values, details = error_map.values, metadata(error_map)
    write_file(path, lambda place: tifffile.imwrite(place, values, ome=True, photometric="minisblack", metadata=details),
               force=force)


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
