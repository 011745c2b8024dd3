"""What came out of one estimator on one chunk, entered into sums: coverage, size, precision."""

from __future__ import annotations

import numpy as np

from regerr.errors import RegistrationError

from .oracle import Oracle
from .protocol import Prediction, Region, failed
from .sums import Ledger

NO_LEVEL = float("nan")


def enter_coverage(ledger: Ledger, kind: str, levels: tuple[float, ...], prediction: Prediction, answer: np.ndarray) -> None:
    """Whether regions hold the answers; those of failed datasets do not."""
    lost = failed(prediction)
    regions = {level: _region(prediction, level) for level in levels}
    p_value = getattr(prediction, "p_value", None) if len(levels) > 1 else None
    p = None if p_value is None else p_value(answer)
    for level, region in regions.items():
        if region is None:
            inside, refused = np.zeros(answer.shape[:-1], bool), np.ones(len(lost), bool)
        else:
            inside, refused = region.contains(answer) if p is None else p >= 1.0 - level, np.zeros(len(lost), bool)
        ledger.add(kind, level, "covered", np.broadcast_to(inside, prediction.mean.shape[:-1]) & ~lost[:, None])
        ledger.add(kind, level, "failed", lost | refused)


def enter_volumes(ledger: Ledger, kind: str, levels: tuple[float, ...], prediction: Prediction, known: Oracle | None) -> None:
    """Content of regions, and their size: the side of a cube of that content over the side of the oracle's."""
    for level in levels:
        region = _region(prediction, level)
        if region is None:
            continue
        volume = np.asarray(region.volume, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithm = np.log(volume)
        ledger.add(kind, level, "volume", volume)
        ledger.add(kind, level, "log_volume", logarithm)
        ledger.add(kind, level, "unbounded", np.where(np.isnan(volume), np.nan, np.isinf(volume)))
        if known is not None:
            ledger.count(kind, level, "size", (volume / known.volume(kind, level)) ** (1.0 / known.dimension))


def _region(prediction: Prediction, level: float) -> Region | None:
    """The regions of a level; None where the estimator has none of that level, for want of pairs say."""
    try:
        return prediction.region(level)
    except RegistrationError:
        return None


def enter_precision(ledger: Ledger, prediction: Prediction, truth: np.ndarray, known: Oracle | None) -> None:
    """Squared deviation of the estimate at the true target, what the estimator expected of it, and how it stands to the bound."""
    deviation = prediction.mean - truth
    squared = np.einsum("...d,...d->...", deviation, deviation)
    ledger.add("tre", NO_LEVEL, "squared_tre", squared)
    ledger.add("tre", NO_LEVEL, "expected_square", np.asarray(prediction.rms, float) ** 2)
    if known is not None:
        ledger.add("tre", NO_LEVEL, "tre_over_bound", squared / np.einsum("...ii->...", known.bound))
        ledger.count("tre", NO_LEVEL, "square_over_median", squared / known.median_square)
