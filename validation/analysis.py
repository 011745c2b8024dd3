"""What a study does with one chunk: draw it, ask every estimator, and enter what came out into sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from regerr.bounds import cramer_rao
from regerr.errors import Failure, RegistrationError
from simulations import Experiment, Observed

from .protocol import Estimator, Prediction, failed, family_of, kinds_of, volume_is_cheap
from .study import Chunk
from .sums import Ledger

_FAMILIES = ("rigid", "similarity", "affine")
_KEPT = 20  # failures of one estimator that a chunk lists one by one; all are counted
NO_LEVEL = float("nan")


def analyse(chunk: Chunk) -> pd.DataFrame:
    """The table of sums of a chunk; its ``attrs`` hold the fingerprint and the failures with their replicates."""
    observed = chunk.draw()
    parts, failures = [], []
    for estimator in chunk.scenario.estimators:
        try:
            table, lost = _examined(chunk, estimator, observed)
        except RegistrationError as fault:
            table, lost = _refused(chunk, estimator, str(fault))
        parts.append(table)
        failures += lost
    out = pd.concat(parts, ignore_index=True)
    out.attrs = {"fingerprint": chunk.fingerprint, "failures": failures}
    return out


def _examined(chunk: Chunk, estimator: Estimator, observed: Observed) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    ledger, predictions = Ledger(estimator.name), {}
    for kind in (k for k in chunk.scenario.kinds if k in kinds_of(estimator)):
        asked, _ = _question(kind, observed)
        predictions[kind] = estimator.predict(observed.pairs, asked, kind)
        _enter_coverage(ledger, chunk, estimator, predictions[kind], kind, observed)
        if kind in chunk.scenario.volume_kinds:
            _enter_volumes(ledger, chunk, estimator, predictions[kind], kind, observed)
    if "tre" in kinds_of(estimator):
        prediction = predictions.get("tre") or estimator.predict(observed.pairs, _question("tre", observed)[0], "tre")
        _enter_precision(ledger, chunk, estimator, prediction, observed)
    else:
        prediction = next(iter(predictions.values()))
    lost = failed(prediction)
    ledger.add("", NO_LEVEL, "failed", lost)
    return ledger.table(), _listed(chunk, estimator, lost, getattr(prediction, "failure", None))


def _question(kind: str, observed: Observed) -> tuple[np.ndarray, np.ndarray]:
    """Where is asked, in the source, and which target point the region should hold."""
    t = observed.targets
    return {"tre": (t.true_source, t.true_target), "lre": (t.source, t.true_target), "observation": (t.source, t.target)}[kind]


def _enter_coverage(ledger: Ledger, chunk: Chunk, estimator: Estimator, prediction: Prediction, kind: str,
                    observed: Observed) -> None:
    _, answer = _question(kind, observed)
    lost = failed(prediction)[:, None]
    levels = chunk.scenario.levels
    p_value = getattr(prediction, "p_value", None) if len(levels) > 1 else None
    p = None if p_value is None else p_value(answer)
    for level in levels:
        inside = prediction.region(level).contains(answer) if p is None else p >= 1.0 - level
        ledger.add(kind, level, "covered", inside & ~lost)


def _enter_volumes(ledger: Ledger, chunk: Chunk, estimator: Estimator, prediction: Prediction, kind: str,
                   observed: Observed) -> None:
    if not volume_is_cheap(estimator):
        if not chunk.measured:
            return
        asked, _ = _question(kind, observed)
        first = slice(chunk.measured)
        prediction = estimator.predict(observed.pairs[first], asked[first] if asked.ndim > 2 else asked, kind)
    for level in chunk.scenario.volume_levels:
        volume = np.asarray(prediction.region(level).volume, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithm = np.log(volume)
        ledger.add(kind, level, "volume", volume)
        ledger.add(kind, level, "log_volume", logarithm)
        ledger.add(kind, level, "unbounded", np.where(np.isnan(volume), np.nan, np.isinf(volume)))


def _enter_precision(ledger: Ledger, chunk: Chunk, estimator: Estimator, prediction: Prediction, observed: Observed) -> None:
    """Squared deviation of the estimate at the true target, what the estimator expected of it, and how it stands to the bound."""
    deviation = prediction.mean - observed.targets.true_target
    squared = np.einsum("...d,...d->...", deviation, deviation)
    ledger.add("tre", NO_LEVEL, "squared_tre", squared)
    ledger.add("tre", NO_LEVEL, "expected_square", np.asarray(prediction.rms, float) ** 2)
    family, truth = family_of(estimator) or chunk.scenario.truth, chunk.scenario.truth
    if _FAMILIES.index(family) >= _FAMILIES.index(truth):
        bound = _bound(family, chunk.scenario.experiment, observed)
        if bound is not None:
            ledger.add("tre", NO_LEVEL, "tre_over_bound", squared / bound)


def _bound(family: str, experiment: Experiment, observed: Observed) -> np.ndarray | None:
    """Trace of the Cramer-Rao bound, (m,) or (..., m); None when the noise states no covariance."""
    noise: Any = experiment.noise
    stated = [getattr(noise, name, None) for name in ("source_covariance", "target_covariance")]
    if all(c is None for c in stated) or observed.spoiled.any():
        return None
    transform: Any = observed.true_transform
    source, target = (0.0 if c is None else c for c in stated)
    bound = cramer_rao(family, observed.true_source, transform, source, target, observed.targets.true_source)
    return np.asarray(np.einsum("...ii->...", bound))


def _listed(chunk: Chunk, estimator: Estimator, lost: np.ndarray, codes: Any) -> list[dict[str, Any]]:
    """The first failures, each with what draws it again and its reason."""
    which = np.flatnonzero(lost)[:_KEPT]
    reasons = [_reason(int(codes[i])) for i in which] if codes is not None else [""] * len(which)
    return [{"scenario": chunk.scenario.identity, "chunk": chunk.index, "replicate": int(i), "estimator": estimator.name,
             "reason": reason} for i, reason in zip(which, reasons, strict=True)]


def _reason(code: int) -> str:
    """The sentence of a code of this library; any other code as it is."""
    return Failure(code).sentence if code in set(Failure) else f"code {code}"


def _refused(chunk: Chunk, estimator: Estimator, reason: str) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """An estimator that cannot be used on these pairs at all: nothing is covered."""
    ledger = Ledger(estimator.name)
    nothing = np.zeros((chunk.count, chunk.scenario.experiment.targets.n), bool)
    for kind in (k for k in chunk.scenario.kinds if k in kinds_of(estimator)):
        for level in chunk.scenario.levels:
            ledger.add(kind, level, "covered", nothing)
    ledger.add("", NO_LEVEL, "failed", np.ones(chunk.count, bool))
    return ledger.table(), [{"scenario": chunk.scenario.identity, "chunk": chunk.index, "replicate": -1,
                             "estimator": estimator.name, "reason": reason}]
