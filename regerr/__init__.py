"""How wrong is a registration from matched points, here, at this target.

The public names are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets, plotting, report
    from .auditing import audit
    from .checking import check
    from .deformation import compare_models
    from .detection import Camera, Spots, detect, read_image
    from .error_map import ErrorMap
    from .errors import (
        Failure,
        InputError,
        MissingExtraError,
        RegistrationError,
        RegistrationWarning,
        UndeterminedError,
        UnsupportedError,
    )
    from .given import check_transform
    from .io import (
        Points,
        read_pairs,
        read_points,
        read_transform,
        write_pairs,
        write_points,
        write_regions,
        write_transform,
    )
    from .matching import Matching, match, match_surface
    from .noise import Noise
    from .outliers import remove_outliers, suspects
    from .pairs import FiducialPairs, Unused
    from .records import load
    from .repeat_files import read_repeats
    from .repeats import Repeats
    from .results import RegistrationResult, fit
    from .scales import compare_scale
    from .transforms import Transform

__version__ = "0.1.0"

_HOMES = {
    "deformation": ("compare_models",),
    "detection": ("Camera", "Spots", "detect", "read_image"),
    "error_map": ("ErrorMap",),
    "errors": ("Failure", "InputError", "MissingExtraError", "RegistrationError", "RegistrationWarning", "UndeterminedError",
               "UnsupportedError"),
    "io": ("Points", "read_pairs", "read_points", "read_transform", "write_pairs", "write_points", "write_regions",
           "write_transform"),
    "matching": ("Matching", "match", "match_surface"),
    "noise": ("Noise",),
    "outliers": ("remove_outliers", "suspects"),
    "auditing": ("audit",),
    "checking": ("check",),
    "given": ("check_transform",),
    "scales": ("compare_scale",),
    "pairs": ("FiducialPairs", "Unused"),
    "records": ("load",),
    "repeat_files": ("read_repeats",),
    "repeats": ("Repeats",),
    "results": ("RegistrationResult", "fit"),
    "transforms": ("Transform",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = ("datasets", "plotting", "report")

__all__ = [
    "Camera",
    "ErrorMap",
    "Failure",
    "FiducialPairs",
    "InputError",
    "Matching",
    "MissingExtraError",
    "Noise",
    "Points",
    "RegistrationError",
    "RegistrationResult",
    "RegistrationWarning",
    "Repeats",
    "Spots",
    "Transform",
    "UndeterminedError",
    "UnsupportedError",
    "Unused",
    "__version__",
    "audit",
    "check",
    "check_transform",
    "compare_models",
    "compare_scale",
    "datasets",
    "detect",
    "fit",
    "load",
    "match",
    "match_surface",
    "plotting",
    "read_image",
    "read_pairs",
    "read_points",
    "read_repeats",
    "read_transform",
    "remove_outliers",
    "report",
    "suspects",
    "write_pairs",
    "write_points",
    "write_regions",
    "write_transform",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
