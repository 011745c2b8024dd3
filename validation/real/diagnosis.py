"""What the deviations of a case look like, apart from any region: shifted, alike among neighbours, far outside the fiducials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import regerr

from .cases import Case


@dataclass(frozen=True)
class Diagnosis:
    """Means over cases.

    Attributes
    ----------
    alike : float
        Mean cosine between the deviations of nearest neighbours: 0 for independent noise, towards 1 for a smooth deformation.
    alike_error : float
        Its standard error for independent deviations, ``1/sqrt(d N)``.
    shifted : float
        Share of the mean squared deviation that all points of a case have in common; 0 on average for independent deviations.
    outside : float
        Share of points that lie farther from the fiducials' centroid than any fiducial.
    """

    alike: float
    alike_error: float
    shifted: float
    outside: float


def diagnose(cases: Sequence[Case], family: str, noise: str) -> Diagnosis:
    """Deviations of all cases about their predictions by one family."""
    cosines, shifted, outside = [], [], []
    for case in cases:
        result = regerr.fit(case.pairs, family, noise, on_failure="mark")
        points = case.points.reshape(case.count, -1)
        e = (case.answers - result.transform.apply(case.points)).reshape(points.shape)
        cosines.append(_cosines(points, e))
        m = max(len(e), 2)
        shifted.append(float((m * (e.mean(0) ** 2).sum() / (e**2).sum(-1).mean() - 1) / (m - 1)))
        outside.append(_outside(case))
    every = np.concatenate(cosines)
    d = cases[0].points.shape[-1]
    return Diagnosis(float(every.mean()), 1.0 / np.sqrt(d * len(every)), float(np.mean(shifted)), float(np.mean(outside)))


def _cosines(points: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Of each point's deviation and that of its nearest neighbour among the points that are asked for, (N,)."""
    apart = ((points[:, None] - points) ** 2).sum(-1)
    np.fill_diagonal(apart, np.inf)
    length = np.linalg.norm(e, axis=-1, keepdims=True)
    unit = np.divide(e, length, out=np.zeros_like(e), where=length > 0)
    return np.asarray((unit * unit[np.argmin(apart, axis=1)]).sum(-1))


def _outside(case: Case) -> float:
    centre = case.pairs.source.mean(-2, keepdims=True)
    reach = np.linalg.norm(case.pairs.source - centre, axis=-1).max(-1)
    return float((np.linalg.norm(case.points - centre, axis=-1) > reach[:, None] * 1.001).mean())
