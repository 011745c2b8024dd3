"""Standard errors of a share when its points come in families: leave out one unit at a time, and add what landmarks do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

FEWEST = 4  # units below which blocks of neighbours take their place


def delete_one(values: np.ndarray, member: np.ndarray) -> float:
    """Jackknife variance of a mean over points, leaving out all points of one unit at a time.

    Parameters
    ----------
    values : (N,)
    member : (units, N) bool
        A point may belong to several units, as a pair of raters does.
    """
    kept = ~member
    count = kept.sum(1)
    means = (kept @ values)[count > 0] / count[count > 0]
    g = len(means)
    return float((g - 1) / g * ((means - means.mean()) ** 2).sum()) if g > 1 else float("nan")


def membership(units: Sequence[tuple[str, ...]]) -> tuple[np.ndarray, list[str]]:
    """(units, N) bool from each point's units, and their names."""
    names = sorted(set().union(*units))
    return np.array([[name in own for own in units] for name in names]), names


def standard_error(hits: np.ndarray, units: Sequence[tuple[str, ...]], blocks: Sequence[str],
                   landmarks: Sequence[str] | None) -> tuple[float, int, bool]:
    """Of the share of hits; the number of units it rests on, and whether these are blocks of neighbours.

    With fewer than four units the variation from one to the next is not known: blocks of neighbouring points stand in, which
    see what neighbours share and not what a whole case shares. Landmarks that come again in other cases count as units as well:
    both variances are added, less that of single points (Cameron, Gelbach & Miller 2011).
    """
    member, names = membership(units)
    stand_in = len(names) < FEWEST
    if stand_in:
        member, names = membership([(block,) for block in blocks])
    by_unit = delete_one(hits, member)
    if landmarks is None:
        return float(np.sqrt(by_unit)), len(names), stand_in
    by_landmark = delete_one(hits, pd.get_dummies(pd.Series(landmarks)).to_numpy(bool).T)
    alone = float(hits.mean() * (1 - hits.mean()) / len(hits))
    both = max(by_unit + by_landmark - alone, by_unit, by_landmark)
    return float(np.sqrt(both)), len(names), stand_in
