"""Maxima become places: fits of all spots of an image, around where they are, for the size and the scatter that they show."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from . import scatter
from .camera import Variance
from .groups import common_size
from .likelihood import Found, Model, Windows, fit
from .peaks import Peaks
from .task import Task
from .wavelets import noise_factor, planes
from .windows import cut, overlapping, with_others

_PASSES = 3


@dataclass(frozen=True, eq=False)
class Localised:
    """All maxima fitted, the windows they were fitted in, and the scatter of counts."""

    centre: np.ndarray
    model: Model
    fitted: Found
    windows: Windows
    noise: scatter.Scatter


def localise(task: Task, found: Peaks) -> Localised:
    """Fit, and fit again: around the places found, with windows for the size found, and with the scatter that residuals show."""
    sd = task.sd if task.sd is not None else found.sd * 0.5 ** np.array(task.lag)
    white = _white(task)
    first = task.variance or white
    noise, plan = scatter.Scatter(first, 0.0, first), Plan(found.index, np.maximum(sd, 0.5), task.model, None)
    fitted, windows = _fit(task, plan, noise, None)
    for _ in range(_PASSES - 1 if len(found.index) else 0):
        good = np.flatnonzero(fitted.settled & plausible(task, fitted))
        plan, start = _next(task, plan, fitted, good, sd)
        noise = scatter.scatter_of(windows.rows(good), rows_of(fitted, good), white, task.variance)
        fitted, windows = _fit(task, plan, noise, start)
    return Localised(plan.centre, plan.model, fitted, windows, noise)


@dataclass(frozen=True, eq=False)
class Plan:
    """Where windows are cut, for spots of which s.d., both in voxels, and what is fitted; sizes where they are known by now."""

    centre: np.ndarray
    sd: np.ndarray
    model: Model
    sizes: np.ndarray | None


def _next(task: Task, plan: Plan, fitted: Found, good: np.ndarray, sd: np.ndarray) -> tuple[Plan, Start]:
    """Windows around the places found, for spots of the size found, no wider than the first guess; and where the fit goes on."""
    sizes, wide, model = plan.sizes, plan.sd, plan.model
    if good.size and not task.model.fixed_sizes:
        sizes = np.median(fitted.size[good], 0)
        wide = np.clip(np.median(model.profile.widths(fitted.size[good]), 0), sd / 2.0, sd)
        if (common := common_size(rows_of(fitted, good), model.profile)) is not None and not model.fixed_sizes:
            sizes, model = common, replace(model, fixed_sizes=True)
    keep = np.isin(np.arange(len(plan.centre)), good)[:, None]
    moved = np.where(keep, np.round(fitted.position), 0.0).astype(int)
    centre = np.clip(plan.centre + moved, 0, np.array(task.image.shape) - 1)
    size = fitted.size if sizes is None else np.where(keep & ~np.array(model.fixed_sizes), fitted.size, sizes)
    start = Start(np.where(keep, fitted.position - (centre - plan.centre), 0.0), np.where(keep[:, 0], fitted.amount, np.nan),
                   np.where(keep[:, 0], fitted.background, np.nan), size)
    return Plan(centre, np.maximum(wide, 0.3), model, sizes), start


@dataclass(frozen=True, eq=False)
class Start:
    """Where a fit begins; NaN where it looks for itself."""

    position: np.ndarray
    amount: np.ndarray
    background: np.ndarray
    size: np.ndarray


def _white(task: Task) -> Variance:
    """The same variance everywhere, from the finest plane."""
    factor = noise_factor(1, (0,) * task.image.ndim)
    sd = scatter.white_noise(planes(task.image, 1, (0,) * task.image.ndim)[0], factor)
    return Variance(max(sd**2, 1e-12 * float(np.ptp(task.image)) ** 2, 1e-300))


def _fit(task: Task, plan: Plan, noise: scatter.Scatter, start: Start | None) -> tuple[Found, Windows]:
    """Fit all spots; where windows overlap, again with what their neighbours add."""
    half = [min(max(math.ceil(task.reach * s) + 1, 2), n - 1) for s, n in zip(plan.sd, task.image.shape, strict=True)]
    windows = cut(task.image, plan.centre, half)
    begin = _begin(task, plan, windows, start)
    fitted = fit(plan.model, windows, noise.weights, begin.position, begin.amount, begin.background, begin.size)
    crowded = len(plan.centre) > 1 and overlapping(plan.centre, half)
    for _ in range(2 if crowded else 0):
        told = _without_lost(fitted, begin)
        windows = with_others(windows, told, task.image.shape, plan.centre, half)
        fitted = fit(plan.model, windows, noise.weights, told.position, told.amount, told.background, told.size)
    return fitted, windows


def _without_lost(fitted: Found, begin: Start) -> Found:
    """Fits that did not settle begin again, and add nothing to their neighbours."""
    lost = ~fitted.settled
    old = {name: np.where(lost if value.ndim == 1 else lost[:, None], value, getattr(fitted, name))
           for name, value in vars(begin).items()}
    return replace(fitted, **old, shape=np.where(lost[:, None], 0.0, fitted.shape))


def _begin(task: Task, plan: Plan, windows: Windows, start: Start | None) -> Start:
    """The middle of the window, a background from its dim (bright) part, an amount from the height at the middle."""
    m, d = len(windows.seen), len(windows.axes)
    seen = np.where(windows.inside > 0, windows.seen, np.nan)
    background = np.nanpercentile(seen, 30 if task.bright else 70, axis=1) if m else np.zeros(0)
    profile = plan.model.profile
    size = np.broadcast_to(profile.start(plan.sd) if plan.sizes is None else plan.sizes, (m, profile.sizes)).copy()
    value = profile.evaluate(windows.axes, np.zeros((m, d)), size)[0]
    middle = value.shape[1] // 2
    amount = (windows.seen[:, middle] - background) / np.maximum(value[:, middle], 1e-3)
    if start is None:
        return Start(np.zeros((m, d)), amount, background, size)
    return Start(start.position, np.where(np.isnan(start.amount), amount, start.amount),
                  np.where(np.isnan(start.background), background, start.background), start.size)


def plausible(task: Task, fitted: Found) -> np.ndarray:
    """Of the right sign."""
    return np.asarray((fitted.amount > 0) == task.bright)


def rows_of(found: Found, index: np.ndarray) -> Found:
    """Some of the fits."""
    return Found(*(getattr(found, name)[index] for name in Found.__dataclass_fields__))
