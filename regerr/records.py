"""Registrations as JSON: all that a summary prints, and the pairs from which it can be made again."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError, RegistrationError
from .files import write_text
from .models import MODELS, Model, parse_model
from .noise import Noise
from .pairs import FiducialPairs
from .reporting.findings import Findings, find
from .results import RegistrationResult, fit

if TYPE_CHECKING:
    from .deformation import Comparison, Ladder
    from .reporting.forecasts import Forecast

SCHEMA = 1
_MARK = "regerr"


def to_dict(result: RegistrationResult, targets: Any = None, seed: int | None = None) -> dict[str, Any]:
    """What `summary` prints, as plain numbers, with the pairs.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset.
    targets : (m, d) array or `regerr.io.Points`, optional
        Source units; adds their TRE.
    seed : int, optional
        Of a simulation that drew the pairs.

    Returns
    -------
    dict
        Lengths in target units, angles in degrees. Numbers that do not exist are None; those without bound are None beside
        ``bounded: False``.
    """
    from . import __version__

    found = find(result, targets)
    pairs = result.pairs
    out = {
        _MARK: __version__, "schema": SCHEMA, "seed": seed, "model": result.model.card.name, "model_scale": result.model.scale,
        "noise": result.noise.to_dict() | {"description": result.noise.describe()}, "n": pairs.n, "dimension": pairs.dimension,
        "source_unit": pairs.source_unit, "target_unit": pairs.target_unit, "verdict": _verdict(found),
        "transform": {"matrix": result.transform.matrix, "offset": result.transform.offset, "source_centre": result.fitted.x_mean,
                      "target_centre": result.fitted.y_mean, "mirrored": found.mirrored},
        "quantities": [{"name": q.name, "value": float(q.value), "sd": float(q.sd), "bounded": not math.isinf(q.sd),
                        "unit": q.unit, "definition": q.definition} for q in found.quantities],
        "degrees_of_freedom": result.degrees_of_freedom, "exact_fit": found.exact, "noise_covariance": result.noise_covariance,
        "fle_rms": result.fle_rms, "fre_rms": result.fre_rms, "fiducials": _fiducials(found), "predictions": _predictions(found),
        "pairs": pairs.to_dict(),
    }
    return dict(plain(out))


def save(result: RegistrationResult, path: str | Path, *, force: bool = False, targets: Any = None) -> None:
    """Write a registration as JSON, complete or not at all.

    Raises
    ------
    InputError
        For a batch, for a file that exists and ``force`` is not set, and for one that cannot be written.
    """
    write_text(Path(path), dumps(to_dict(result, targets)), force=force)


def load(path: str | Path) -> RegistrationResult:
    """Read a registration that `save` wrote, and fit its pairs again.

    Raises
    ------
    InputError
        With one sentence: no such file, no JSON, not written by regerr, a newer schema, an unknown model, damaged pairs.
    """
    data = _document(Path(path))
    name = data.get("model")
    if name not in MODELS:
        raise InputError(f"{path}: its model {name!r} is unknown here: use one of {', '.join(MODELS)}")
    try:
        noise, pairs = Noise.from_dict(data["noise"]), FiducialPairs.from_dict(data["pairs"])
    except KeyError as fault:
        raise InputError(f"{path}: it lacks {fault}, so it cannot be fitted again: save it once more") from None
    except (TypeError, ValueError, AttributeError) as fault:
        raise InputError(f"{path}: {fault}") from None
    try:
        return fit(pairs, model_of(name, data.get("model_scale", 1.0)), noise)
    except RegistrationError as fault:
        raise type(fault)(f"{path}: {fault}") from None


def model_of(name: str, scale: float = 1.0) -> Model:
    """The model of that name, with a scale that is known and not 1; an InputError where it fits its scale itself."""
    model = parse_model(name)
    if scale == 1.0:
        return model
    if not is_dataclass(model) or "scale" not in model.__dataclass_fields__:
        raise InputError(f"the {name} model fits its scale, so none can be given: leave it out, or use the rigid model")
    return replace(model, scale=scale)


def is_record(path: str | Path) -> bool:
    """Whether a file looks like one that `save` wrote; False for any that cannot be read."""
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except OSError:
        return False
    return start.lstrip().startswith(b"{") and f'"{_MARK}"'.encode() in start


def dumps(data: Any) -> str:
    """JSON text of plain values; strict, so any program reads it."""
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def forecast_to_dict(one: Forecast) -> dict[str, Any]:
    """A prediction at all its targets, as plain numbers."""
    return dict(plain({"kind": one.kind, "level": one.region.level, "method": one.region.method.name, "unit": one.prediction.unit,
                       "targets": [_target(one, i) for i in range(len(one.names))]}))


def comparison_to_dict(test: Comparison) -> dict[str, Any]:
    """A test of one dataset, as plain numbers; the p-value is None without a verdict."""
    return dict(plain({"test": test.test.name, "models": list(test.models), "null": test.null, "statistic": test.statistic,
                       "p_value": test.p_value, "degrees_of_freedom": list(test.dof), "law": test.law, "exact": test.exact,
                       "verdict": test.verdict, "noise": test.noise.to_dict()}))


def forecasts_to_dict(result: RegistrationResult, found: Sequence[Forecast]) -> dict[str, Any]:
    """Predictions of several kinds with what they were made from, as plain numbers."""
    return {"model": result.model.card.name, "noise": plain(result.noise.to_dict()), "n": result.pairs.n,
            "predictions": [forecast_to_dict(one) for one in found]}


def ladder_to_dict(ladder: Ladder) -> dict[str, Any]:
    """All tests of one dataset, as plain numbers."""
    return {"simplest": ladder.simplest, "comparisons": [comparison_to_dict(test) for test in ladder.comparisons],
            "beside": [comparison_to_dict(test) for test in ladder.beside],
            "skipped": list(ladder.skipped)}


def plain(value: Any) -> Any:
    """Arrays as lists, numbers as Python's; NaN and infinity as None."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _verdict(found: Findings) -> list[str]:
    from .reporting.sentences import verdict

    return verdict(found)


def _fiducials(found: Findings) -> list[dict[str, Any]]:
    beads, suspicious = found.beads, set(found.beads.suspicious.tolist())
    return [{"name": beads.names[i], "residual": beads.residuals[i], "residual_length": beads.lengths[i],
             "left_out_length": beads.left_out[i], "leverage": beads.leverages[i], "p_value": beads.p_values[i],
             "p_value_corrected": beads.adjusted[i], "suspicious": i in suspicious} for i in range(len(beads.names))]


def _predictions(found: Findings) -> list[dict[str, Any]]:
    out = [_target(one, 0) | {"role": role, "outside": False} for role, one in (("centre", found.centre), ("edge", found.edge))]
    if found.targets is not None:
        out += [_target(found.targets, i) | {"role": "target", "outside": bool(far)} for i, far in enumerate(found.outside)]
    return out


def _target(one: Forecast, i: int) -> dict[str, Any]:
    return {"name": one.names[i], "kind": one.kind, "source": one.prediction.targets[i], "mean": one.mean[i],
            "covariance": one.covariance[i], "sd": one.sd[i], "rms": one.rms[i], "level": one.region.level,
            "method": one.region.method.name, "bounded": bool(one.bounded[i]), "radius": one.radius[i],
            "half_lengths": one.half_axes[i], "volume": one.volume[i]}


def _document(path: Path) -> dict[str, Any]:
    """The JSON object of a file that regerr wrote."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise InputError(f"cannot read {path}: {fault.strerror or fault}") from None
    except ValueError:
        raise InputError(f"{path} is no JSON text: give a file that regerr saved, or fit the pairs") from None
    if not isinstance(data, dict) or _MARK not in data:
        raise InputError(f"{path} was not saved by regerr: give a file that it saved, or fit the pairs")
    if data.get("schema") != SCHEMA:
        raise InputError(f"{path} has schema {data.get('schema')!r} (written by regerr {data[_MARK]}), and this version reads "
                         f"schema {SCHEMA}: fit its pairs again")
    return data
