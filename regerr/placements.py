"""Placements of repeated points: checked, put in one table, freed of shifts of whole files and of gross slips."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import fdtrc

from .errors import InputError, RegistrationWarning

_SHOWN = 5


@dataclass(frozen=True)
class LeftOut:
    """One placement that lies too far from the others of its point.

    Attributes
    ----------
    file, name : str
    distance : float
        From the median of the point's placements.
    """

    file: str
    name: str
    distance: float


def checked(placements: Any, names: Sequence[str] | None, raters: Sequence[str] | None, files: Sequence[str] | None,
            beyond: float | None) -> dict[str, Any]:
    """The fields of `Repeats`, converted; an InputError with all their faults."""
    try:
        x = np.array(placements, float)
    except (TypeError, ValueError):
        raise InputError("the placements are no array of numbers: give files of equal length, with NaN for points that a file "
                         "lacks") from None
    if x.ndim != 3 or x.shape[-1] not in (2, 3) or len(x) < 2 or x.shape[1] == 0:
        raise InputError(f"the placements have shape {x.shape}: give (files, points, 2 or 3), with two files or more")
    x[np.isnan(x).any(-1)] = np.nan
    x.flags.writeable = False
    p, n = x.shape[:2]
    faults: list[str] = []
    out = {"names": _texts("name", names, n, "point", faults), "raters": _texts("rater", raters, p, "file", faults),
           "files": _texts("file", files, p, "file", faults)}
    repeated = [name for name, count in Counter(out["names"]).items() if count > 1]
    faults += [f"names must be unique, and these are not: {_listed(repeated)}"] if repeated else []
    faults += ["placements hold infinity: leave out such points"] if np.isinf(x).any() else []
    faults += [] if beyond is None or beyond > 0 else [f"beyond is {beyond}: give a positive distance"]
    faults += [] if (np.isfinite(x).all(-1).sum(0) > 1).any() else ["no point is in two of the files: give them equal names"]
    faults += [f"{out['files'][i]} and {out['files'][j]} hold the same placements: give files that were localised independently"
               for i, j in _copies(x)]
    if faults:
        raise InputError("; ".join(faults))
    return {"placements": x, **out}


def shifts(x: np.ndarray) -> np.ndarray:
    """Least-squares shift of each file as a whole (p, d), of mean 0, from placements (p, n, d) with NaN where missing."""
    there = np.isfinite(x).all(-1).astype(float)
    share = there / np.maximum(there.sum(0), 1.0)
    seen = np.where(there[..., None] > 0, x, 0.0)
    apart = np.where(there[..., None] > 0, seen - np.einsum("pn,pnd->nd", share, seen), 0.0)
    laplacian = np.diag(there.sum(1)) - there @ share.T
    return np.asarray(np.linalg.pinv(laplacian, rcond=1e-10) @ apart.sum(1))


def spread_of_files(x: np.ndarray) -> tuple[float, float]:
    """R.m.s. length of the shifts of whole files, and the p-value of the F test that there are none.

    The null hypothesis: files differ by scatter that is independent from point to point, and alike for all points.
    """
    moves, there = shifts(x), np.isfinite(x).all(-1)
    moved = x - moves[:, None]
    before, after = (np.nansum((y - _middle(y, np.nanmean)) ** 2) for y in (x, moved))
    files, left = len(x) - 1, int(there.sum() - (there.sum(0) > 0).sum() - (len(x) - 1))
    d = x.shape[-1]
    p = float(fdtrc(d * files, d * left, (before - after) / files / (after / left))) if left > 0 and after > 0 else 1.0
    return float(np.sqrt((moves**2).sum(-1).mean())), p


def without_drift(x: np.ndarray) -> np.ndarray:
    """Placements without the shifts of whole files, stretched about their points for the degrees of freedom that this took."""
    moved = x - shifts(x)[:, None]
    there = np.isfinite(x).all(-1)
    repeats = there.sum() - (there.sum(0) > 0).sum()
    left = repeats - (len(x) - 1)
    if left < 1:
        raise InputError(f"{there.sum()} placements cannot tell shifts of {len(x)} files from scatter: give more points, or no "
                         "drift")
    centre = _middle(moved, np.nanmean)
    return np.asarray(centre + np.sqrt(repeats / left) * (moved - centre))


def without_far(x: np.ndarray, beyond: float | None, drift: bool, names: Sequence[str],
                files: Sequence[str]) -> tuple[np.ndarray, tuple[LeftOut, ...]]:
    """Placements with NaN for those farther than ``beyond`` from the median of their point, and the list of these."""
    if beyond is None:
        return x, ()
    steady = x - _middle(np.moveaxis(x - _middle(x, np.nanmedian), 1, 0), np.nanmedian)[:, None] if drift else x
    distance = np.linalg.norm(steady - _middle(steady, np.nanmedian), axis=-1)
    far = distance > beyond
    found = [LeftOut(files[i], names[j], float(distance[i, j])) for i, j in np.argwhere(far)]
    return np.where(far[..., None], np.nan, x), tuple(sorted(found, key=lambda one: -one.distance))


def covariances_of(wanted: Sequence[str], names: Sequence[str], covariances: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Covariances by name, the typical one where there are no repeats."""
    place = {name: i for i, name in enumerate(names)}
    lacking = [name for name in wanted if name not in place]
    if len(lacking) == len(wanted):
        raise InputError(f"none of the pairs has repeats: the pairs are named {_listed(wanted)}, the repeated points "
                         f"{_listed(names)}; give them equal names")
    if lacking:
        warnings.warn(f"{_listed(lacking)} {'has' if len(lacking) == 1 else 'have'} no repeats: the typical covariance is "
                      "assumed", RegistrationWarning, stacklevel=4)
    return np.array([covariances[place[name]] if name in place else typical for name in wanted])


def _middle(x: np.ndarray, average: Any) -> np.ndarray:
    """Mean or median over the first axis, NaN without a word where all is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(average(x, axis=0))


def _texts(what: str, given: Sequence[str] | None, count: int, each: str, faults: list[str]) -> tuple[str, ...]:
    default = {"name": "{}", "rater": "one", "file": "file {}"}[what]
    if given is None:
        return tuple(default.format(i) for i in range(1, count + 1))
    out = (given,) if isinstance(given, str) else tuple(map(str, given))
    if len(out) != count:
        faults.append(f"there are {len(out)} {what}s for {count} {each}s: give one {what} per {each}")
        return tuple(default.format(i) for i in range(1, count + 1))
    return out


def _copies(x: np.ndarray) -> list[tuple[int, int]]:
    """Files whose common placements are all equal; two that share one point only may be so by rounding."""
    out = []
    for i in range(len(x) - 1):
        common = np.isfinite(x[i]).all(-1) & np.isfinite(x[i + 1:]).all(-1)
        same = (np.where(common[..., None], x[i + 1:] == x[i], True)).all((-2, -1)) & (common.sum(-1) > 1)
        out += [(i, i + 1 + int(j)) for j in np.flatnonzero(same)]
    return out


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(map(repr, items[:_SHOWN])) + more
