"""How wrong is a registration from matched points, here, at this target?

The public names are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .deformation import compare_models
    from .error_map import ErrorMap
    from .errors import (Failure, InputError, MissingExtraError, RegistrationError, RegistrationWarning, UndeterminedError,
                         UnsupportedError)
    from .noise import Noise
    from .pairs import FiducialPairs, Unused
    from .records import load
    from .results import RegistrationResult, fit
    from .transforms import Transform

__version__ = "0.1.0"

_HOMES = {
    "ErrorMap": "error_map",
    "Failure": "errors", "InputError": "errors", "MissingExtraError": "errors", "RegistrationError": "errors",
    "RegistrationWarning": "errors", "UndeterminedError": "errors", "UnsupportedError": "errors",
    "FiducialPairs": "pairs", "Unused": "pairs", "Noise": "noise", "Transform": "transforms",
    "RegistrationResult": "results", "fit": "results",
    "compare_models": "deformation", "load": "records",
}

__all__ = ["ErrorMap", "Failure", "FiducialPairs", "InputError", "MissingExtraError", "Noise", "RegistrationError",
           "RegistrationResult", "RegistrationWarning", "Transform", "UndeterminedError", "UnsupportedError", "Unused",
           "__version__", "compare_models", "fit", "load"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
