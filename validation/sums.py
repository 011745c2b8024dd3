"""What a chunk leaves behind: sums that merge by addition.

A table of sums has one row for each estimator, kind, level, measure and target: the count, sum and sum of squares of one number
over replicates. Target -1 stands for the mean over a replicate's targets; only its sums give a Monte Carlo error of such a mean,
since all targets of a replicate share one fit. Of what is summarised by its median, counts of bins are kept instead
(`validation.quantiles`): there the column of targets holds the number of the bin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .quantiles import binned

ALL_TARGETS = -1
KEYS = ["estimator", "kind", "level", "measure", "target"]
SUMS = ["count", "total", "squares"]


@dataclass
class Ledger:
    """Collects the sums of one estimator over one chunk."""

    estimator: str
    keys: list[tuple[str, float, str, np.ndarray]] = field(default_factory=list)
    sums: list[np.ndarray] = field(default_factory=list)

    def add(self, kind: str, level: float, measure: str, values: np.ndarray) -> None:
        """Enter one number per replicate and target (b, m), or per replicate (b,); what is not finite is left out."""
        if values.ndim == 1:
            targets, parts = np.array([ALL_TARGETS]), [_sums(values[:, None])]
        else:
            targets, parts = np.arange(ALL_TARGETS, values.shape[1]), [_sums(_over_targets(values)), _sums(values)]
        self.keys.append((kind, level, measure, targets))
        self.sums.append(np.concatenate(parts, axis=1))

    def count(self, kind: str, level: float, measure: str, values: np.ndarray) -> None:
        """Enter positive numbers of all replicates and targets for a median; what is not a number is left out."""
        bins, counts = binned(values)
        self.keys.append((kind, level, measure, bins))
        self.sums.append(np.stack([counts, np.zeros(len(bins)), np.zeros(len(bins))]))

    def table(self) -> pd.DataFrame:
        """All sums."""
        lengths = [len(targets) for *_, targets in self.keys]
        kinds, levels, names, targets = zip(*self.keys, strict=True)
        count, total, squares = np.concatenate(self.sums, axis=1)
        columns = (np.repeat(np.array(column), lengths) for column in (kinds, levels, names))
        return pd.DataFrame({"estimator": self.estimator, **dict(zip(KEYS[1:4], columns, strict=True)),
                             "target": np.concatenate(targets), "count": count.astype(np.int64), "total": total,
                             "squares": squares})


def merged(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The sums of several chunks as those of one; the order of addition is that of the tables."""
    together = pd.concat([table for table in tables if len(table)], ignore_index=True)
    return together.groupby(KEYS, sort=False, dropna=False)[SUMS].sum().reset_index()


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums of a number over replicates, and what they say.

    Attributes
    ----------
    count, total, squares : arrays of one shape
    """

    count: np.ndarray
    total: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, table: pd.DataFrame) -> Moments:
        """From rows of a table of sums."""
        return cls(*(table[name].to_numpy(float) for name in SUMS))

    @property
    def mean(self) -> np.ndarray:
        """NaN where nothing was counted."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.total / self.count

    @property
    def sd(self) -> np.ndarray:
        """S.d. of one replicate, NaN below two."""
        with np.errstate(invalid="ignore", divide="ignore"):
            about_mean = np.maximum(self.squares - self.total**2 / self.count, 0.0)
            return np.sqrt(about_mean / np.where(self.count > 1, self.count - 1, np.nan))

    @property
    def standard_error(self) -> np.ndarray:
        """Monte Carlo standard error of the mean."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.sd / np.sqrt(self.count)


def _over_targets(values: np.ndarray) -> np.ndarray:
    """Mean over the finite targets of each replicate (b, 1); NaN without one."""
    if values.dtype == bool:
        return values.mean(1)[:, None]
    finite = np.isfinite(values)
    count = finite.sum(1)
    return (np.where(finite, values, 0.0).sum(1) / np.where(count, count, np.nan))[:, None]


def _sums(values: np.ndarray) -> np.ndarray:
    """Count, sum and sum of squares over replicates of what is finite: (b, k) -> (3, k)."""
    if values.dtype == bool:
        hits = values.sum(0)
        return np.stack([np.full(values.shape[1], len(values)), hits, hits]).astype(float)
    finite = np.isfinite(values)
    kept = np.where(finite, values, 0.0)
    return np.stack([finite.sum(0), kept.sum(0), (kept * kept).sum(0)]).astype(float)
