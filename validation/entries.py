"""What came out of one estimator on one chunk, entered into sums: coverage, size, precision."""

from __future__ import annotations

import numpy as np

from .oracle import Oracle
from .protocol import Prediction, failed
from .sums import Ledger

NO_LEVEL = float("nan")


def enter_coverage(ledger: Ledger, kind: str, levels: tuple[float, ...], prediction: Prediction, answer: np.ndarray) -> None:
    """Whether regions hold the answers; those of failed datasets do not."""
    kept = ~failed(prediction)[:, None]
    p_value = getattr(prediction, "p_value", None) if len(levels) > 1 else None
    p = None if p_value is None else p_value(answer)
    for level in levels:
        inside = prediction.region(level).contains(answer) if p is None else p >= 1.0 - level
        ledger.add(kind, level, "covered", inside & kept)


def enter_volumes(ledger: Ledger, kind: str, levels: tuple[float, ...], prediction: Prediction, known: Oracle | None) -> None:
    """Content of regions, and their size: the side of a cube of that content over the side of the oracle's."""
    for level in levels:
        volume = np.asarray(prediction.region(level).volume, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithm = np.log(volume)
        ledger.add(kind, level, "volume", volume)
        ledger.add(kind, level, "log_volume", logarithm)
        ledger.add(kind, level, "unbounded", np.where(np.isnan(volume), np.nan, np.isinf(volume)))
        if known is not None:
            ledger.count(kind, level, "size", (volume / known.volume(kind, level)) ** (1.0 / known.dimension))


def enter_precision(ledger: Ledger, prediction: Prediction, truth: np.ndarray, known: Oracle | None) -> None:
    """Squared deviation of the estimate at the true target, what the estimator expected of it, and how it stands to the bound."""
    deviation = prediction.mean - truth
    squared = np.einsum("...d,...d->...", deviation, deviation)
    ledger.add("tre", NO_LEVEL, "squared_tre", squared)
    ledger.add("tre", NO_LEVEL, "expected_square", np.asarray(prediction.rms, float) ** 2)
    if known is not None:
        ledger.add("tre", NO_LEVEL, "tre_over_bound", squared / np.einsum("...ii->...", known.bound))
        ledger.count("tre", NO_LEVEL, "square_over_median", squared / known.median_square)
