"""From fits to spots: physical units, x before y before z, and a reason for each maximum that is no spot to use."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..pairs import Unused
from . import bending, scatter
from .backdrop import structure_covariance
from .camera import Camera
from .likelihood import Found, Windows
from .localising import Localised, plausible
from .peaks import Peaks
from .spots import Spots, in_order
from .task import Task

_WIDEST = 2.0  # times the median size, or this part of it
_FAINTEST = 3.0  # times its standard error must an amount be


def spots_of(task: Task, found: Peaks, located: Localised) -> Spots:
    """Physical units, x before y before z, and reasons for what is left out."""
    fitted, windows, profile, d = located.fitted, located.windows, task.model.profile, task.image.ndim
    camera = task.camera or Camera()
    place = located.centre + fitted.position
    significance = np.abs(fitted.amount) / np.sqrt(fitted.covariance[:, d, d])
    reasons = _reasons(task, found, place, fitted, significance)
    used = np.flatnonzero([not reason for reason in reasons])
    order = used[np.argsort(-significance[used], kind="stable")]
    points = _points(task, place)
    every, photon = scatter.covariances(windows, fitted, located.noise)
    half = [len(k) // 2 for k in windows.axes]
    every = every + structure_covariance(task.image, located.centre, half, fitted, located.noise.variance)
    more = bending.excess_share(profile, windows.axes, fitted, located.noise.variance)[:, None, None] * photon
    covariance, photon = (_physical(task, c + more)[order] for c in (every, photon))
    size = (profile.widths(fitted.size) * task.step)[order, ::-1]
    unused = tuple(Unused(f"maximum {i + 1}", reason, tuple(points[i].tolist())) for i, reason in enumerate(reasons) if reason)
    return Spots(points[order], covariance, photon, fitted.amount[order] / camera.gain,
                 (fitted.background[order] - camera.offset) / camera.gain, size, significance[order],
                 _misfit(windows, fitted)[order], in_order(range(len(order))), task.unit, task.bright, task.camera,
                 located.noise.misfit, found.plane, found.threshold, profile.name, unused)


def _misfit(windows: Windows, fitted: Found) -> np.ndarray:
    """R.m.s. residual of each spot over its height."""
    square = (windows.inside * (windows.seen - fitted.mean) ** 2).sum(1) / np.maximum(windows.inside.sum(1), 1.0)
    return np.sqrt(square) / np.maximum(np.abs(fitted.shape).max(1, initial=0.0), 1e-300)


def _points(task: Task, place: np.ndarray) -> np.ndarray:
    return np.asarray((place * task.step + task.origin)[:, ::-1])


def _physical(task: Task, covariance: np.ndarray) -> np.ndarray:
    return np.asarray((covariance * np.outer(task.step, task.step))[:, ::-1, ::-1])


def _reasons(task: Task, found: Peaks, place: np.ndarray, fitted: Found, significance: np.ndarray) -> list[str]:
    """Why a maximum is no spot to use; empty for those that are."""
    widths = task.model.profile.widths(fitted.size)
    typical = np.median(widths[fitted.settled], 0) if fitted.settled.any() else np.ones(task.image.ndim)
    odd = ((widths > _WIDEST * typical) | (widths < typical / _WIDEST)).any(1)
    outside = ((place < -0.5) | (place > np.array(task.image.shape) - 0.5)).any(1)
    far = (np.abs(place - found.index) > 2.0 * typical + 1.5).any(1)
    faint = np.logical_not(significance > _FAINTEST)
    astray = np.logical_or(far, ~plausible(task, fitted))
    tests = (("the fit did not settle", ~fitted.settled), ("its centre lies outside the image", outside),
             ("the fit went astray", astray),
             ("it does not stand out of the noise", faint),
             ("it is less than half or more than twice as wide as the others", odd))
    reasons = [next((words for words, so in tests if np.asarray(so)[i]), "") for i in range(len(place))]
    return _twice(reasons, place, typical, significance)


def _twice(reasons: list[str], place: np.ndarray, typical: np.ndarray, significance: np.ndarray) -> list[str]:
    """Of two fits that ended at one place the less significant is left out."""
    keep = [i for i, reason in enumerate(reasons) if not reason]
    close = cKDTree(place[keep] / typical).query_pairs(0.5) if len(keep) > 1 else set()
    for a, b in sorted(close):
        i, j = keep[a], keep[b]
        reasons[i if significance[i] < significance[j] else j] = "it is another spot once more"
    return reasons
