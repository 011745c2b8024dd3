"""Lay points on an outline or a mesh: triangles propose, the distance to the surface decides (theory, section 22)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import fdtri

from ..errors import InputError
from ..models import Model, parse_model
from ..transforms import Transform
from .chance import log_tail
from .doors import checked_scale, checked_share, given, same_dimension
from .families import FAMILIES, Family, Maps
from .objects import Verdict
from .screening import Screen
from .surface_objects import SurfaceAlignment, SurfaceMatching
from .surfaces import Surface, spread_out, surface_elements
from .triangles import Index, Triangles
from .windows import Window

_CORNERS = 60  # points on the surface, and of the set, whose triangles propose
_PROPOSING, _FINALISTS, _ROUNDS = 1024, 32, 40
_RADII = np.array([0.1, 0.2, 0.4, 0.8])  # over the spacing of the corners
_CELLS = {2: 256, 3: 48}
_STRAIN = 0.3  # range of each strain of an affine map
_WITHIN = 3.0  # s.d. of a point that lies on the surface
_RARE = 1e-4  # that noise alone makes so large a difference between two alignments
_EXTRA = 4  # points beyond the parameters of the map that are needed


@dataclass(frozen=True, eq=False)
class _Task:
    """Points and surface about their centroids, in the unit of the search."""

    points: np.ndarray
    surface: Surface
    family: Family
    model: Model
    scales: tuple[float, float]
    volume: np.ndarray  # points spread over the window of the points

    @property
    def parameters(self) -> int:
        return int(self.model.card.parameters[self.points.shape[1]])


def match_surface(points: Any, surface: Any, model: str | Model = "rigid", *, faces: Any = None,
                  scale: tuple[float, float] | None = None, mirror: bool = False, threshold: float = 1e-3,
                  seed: int = 0) -> SurfaceMatching:
    """Lay points that were taken from a surface on that surface, or refuse (theory, section 22).

    Parameters
    ----------
    points : (n, d) array, or Points
        Somewhere on the surface, in any order; some of them may be spurious, and parts of the surface may have none.
    surface : (m, d) array, or Points
        Corners of a closed outline, in order, or of a mesh.
    model : {"rigid", "similarity", "affine"} or a model object
    faces : (f, 3) array of int
        In 3D: the corners of each triangle, counted from 0.
    scale, mirror, threshold, seed
        As in `regerr.match`.

    Returns
    -------
    SurfaceMatching
        It compares with points scattered in their window, not with the outline of something else: look at ``noise_sd`` too. A
        point says nothing about its place along the surface, so feet are no fiducials: `regerr.fit` is not for them.

    Raises
    ------
    InputError
        For points, surfaces and arguments that are not what they should be.
    """
    chosen = parse_model(model)
    if chosen.card.name not in FAMILIES:
        raise InputError(f"model {chosen.card.name!r} has no matching: use one of {', '.join(FAMILIES)}")
    family, own = FAMILIES[chosen.card.name], given(points, "source")
    d = same_dimension(own, given(surface, "surface", 3))
    elements = surface_elements(surface, faces)
    least = int(chosen.card.parameters[d]) + _EXTRA
    if len(own.points) < least:
        raise InputError(f"there are {len(own.points)} points: {chosen.card.name} on a surface in {d}D needs at least {least}")
    bounds, threshold = checked_scale(scale, family.keeps_size), checked_share("threshold", threshold)
    found = [a for mirrored in (False, True)[: 1 + bool(mirror)]
             for a in _alignments(own.points, elements, chosen, bounds, mirrored, 1 + bool(mirror), seed)]
    found.sort(key=lambda a: a.log10_false_alarms)
    best = found[0] if found else None
    others = _rivals([a for a in found if a.log10_false_alarms <= np.log10(threshold)], own.points, threshold)
    verdict = (Verdict.CHANCE if best is None or best.log10_false_alarms > np.log10(threshold)
               else Verdict.AMBIGUOUS if others else Verdict.ACCEPTED)
    return SurfaceMatching(verdict, best, others, chosen.card.name, own.names, own.unit,
                           getattr(surface, "unit", None) or "px", threshold)


def _task(points: np.ndarray, elements: np.ndarray, model: Model, scale: tuple[float, float] | None,
          rng: np.random.Generator) -> tuple[_Task, float, float, np.ndarray, np.ndarray]:
    """The task, the units of both sides and their centres."""
    family = FAMILIES[model.card.name]
    whole = Surface.of(elements)
    centre, middle = points.mean(0), whole.samples.mean(0)
    unit = Window.of(whole.spread_out(_CORNERS)).spacing
    spacing = Window.of(points).spacing * (len(points) / _CORNERS) ** (1.0 / points.shape[1])
    own_unit = unit / model.scale if family.keeps_size else spacing
    x, surface = (points - centre) / own_unit, Surface.of((elements - middle) / unit)
    ratio = unit / own_unit
    scales = (0.2, 5.0) if scale is None else (scale[0] / ratio, scale[1] / ratio)
    window = Window.of(x)
    inside = (window.low + (window.high - window.low) * rng.random((1024, x.shape[1]))) @ window.axes.T
    return _Task(x, surface, family, model, scales, inside), own_unit, unit, centre, middle


def _alignments(points: np.ndarray, elements: np.ndarray, model: Model, scale: tuple[float, float] | None, mirrored: bool,
                orientations: int, seed: int) -> list[SurfaceAlignment]:
    rng = np.random.default_rng(seed)
    flip = np.ones(points.shape[1])
    flip[0] = -1.0 if mirrored else 1.0
    task, own_unit, unit, centre, middle = _task(points * flip, elements, model, scale, rng)
    maps = _refined(task, _distinct(task, _proposals(task, rng)))
    maps = maps[np.linalg.det(maps.matrix) > 0]
    if not len(maps.matrix):
        return []
    feet = task.surface.closest(maps.apply(task.points))[0]
    distance = np.linalg.norm(maps.apply(task.points) - feet, axis=-1)
    out = []
    for k in range(len(distance)):
        alarms, count = _false_alarms(task, maps[k], np.sort(distance[k]))
        closest = np.sort(distance[k])[:count]
        sd = float(np.sqrt((closest**2).sum() / max(count - task.parameters, 1)))
        used = distance[k] <= max(_WITHIN * sd, float(closest[-1]))
        whole = Transform(maps.matrix[k] * flip * (unit / own_unit), centre * flip, middle + maps.offset[k] * unit)
        out.append(SurfaceAlignment(whole, middle + feet[k] * unit, distance[k] * unit, used,
                                    alarms + float(np.log10(orientations)), sd * unit, mirrored))
    return out


def _proposals(task: _Task, rng: np.random.Generator) -> Maps:
    """Maps of triangles of the points on triangles of the surface, the best first."""
    corners, some = task.surface.spread_out(_CORNERS), spread_out(task.points, _CORNERS)
    asked = Triangles.of(some).proposing(Window.of(some).spacing, _PROPOSING, rng)
    first, second = Index.of(corners, task.family).alike(asked)
    maps = task.family.of_triangles(some[first], corners[second])
    size = np.abs(np.linalg.det(maps.matrix)) ** (1.0 / task.points.shape[1])
    if not task.family.keeps_size:
        maps = maps[(size >= task.scales[0]) & (size <= task.scales[1])]
    scores = _screen(task, Window.of(corners).spacing).scores(maps)
    return maps[np.argsort(scores, kind="stable")[:2000]]


def _screen(task: _Task, spacing: float) -> Screen:
    """A table of distances to the surface; chance is the share of the table near it."""
    d, reach = task.points.shape[1], _RADII[-1] * spacing
    low, high = task.surface.samples.min(0) - reach, task.surface.samples.max(0) + reach
    cells, step = _CELLS[d], (high - low) / _CELLS[d]
    axes = [low[i] + step[i] * (np.arange(cells) + 0.5) for i in range(d)]
    middles = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, d)
    classes = np.searchsorted(_RADII * spacing, task.surface.tree.query(middles, distance_upper_bound=reach)[0])
    share = np.array([(classes <= i).mean() for i in range(len(_RADII))])
    tried = spread_out(task.points, 128).astype(np.float32)
    met = np.maximum(np.arange(len(tried) + 1) - d, 0)
    tails = log_tail(max(len(tried) - d, 1), met, share[:, None])[:, None]
    return Screen(tried, low, step, cells, np.append(classes, len(_RADII) + 1).astype(np.uint8),
                  np.repeat(tails, len(tried) + 1, axis=1))


def _distinct(task: _Task, maps: Maps) -> Maps:
    images = maps.apply(task.points)
    limit = 0.5 * Window.of(task.surface.spread_out(_CORNERS)).spacing
    left = np.arange(len(images))
    chosen: list[int] = []
    while len(left) and len(chosen) < _FINALISTS:
        chosen.append(int(left[0]))
        left = left[((images[left] - images[left[0]]) ** 2).sum(-1).mean(-1) > limit**2]
    return maps[np.array(chosen, int)]


def _refined(task: _Task, maps: Maps) -> Maps:
    """Gauss-Newton on distances along the normals, on the closest points, damped: every family by its own moves."""
    for _ in range(_ROUNDS if len(maps.matrix) else 0):
        images = maps.apply(task.points)
        feet, normals = task.surface.closest(images)
        gap = ((feet - images) * normals).sum(-1)
        limit = np.maximum(2.5 * np.median(np.abs(gap), axis=-1, keepdims=True), 1e-12)
        weight = (np.linalg.norm(feet - images, axis=-1) <= 1.5 * limit).astype(float)
        maps = _step(task, maps, images, normals, gap, weight)
    return maps


def _step(task: _Task, maps: Maps, images: np.ndarray, normals: np.ndarray, gap: np.ndarray, weight: np.ndarray) -> Maps:
    d = images.shape[-1]
    centre = images.mean(-2)
    turned = np.einsum("qij,knj->kniq", task.model.card.moves(d), images - centre[:, None])
    rows = np.concatenate([normals, np.einsum("kni,kniq->knq", normals, turned)], -1)
    information = np.einsum("knp,kn,knq->kpq", rows, weight, rows)
    damping = 1e-4 * np.trace(information, axis1=-2, axis2=-1)[:, None, None] / rows.shape[-1] * np.eye(rows.shape[-1])
    step = np.linalg.solve(information + damping + 1e-12 * np.eye(rows.shape[-1]),
                           np.einsum("knp,kn,kn->kp", rows, weight, gap)[..., None])[..., 0]
    limited = step[:, d:] * np.minimum(1.0, 0.3 / np.maximum(np.abs(step[:, d:]).max(-1, keepdims=True), 1e-300))
    change = np.moveaxis(np.asarray(task.model.card.moved(limited.T)), (0, 1), (-2, -1))
    moved = centre + step[:, :d] + (change @ (maps.offset - centre)[..., None])[..., 0]
    return Maps(change @ maps.matrix, moved)


def _false_alarms(task: _Task, maps: Maps, distance: np.ndarray) -> tuple[float, int]:
    """``log10`` of the bound, over the numbers of closest points, and the number at which it is least."""
    n, k = len(distance), task.parameters
    spread = maps.apply(task.volume)
    apart = np.sort(np.linalg.norm(spread - task.surface.closest(spread)[0], axis=-1))
    radius = np.maximum(distance, 1e-6)
    share = (np.searchsorted(apart, 2.0 * radius, side="right") + 1.0) / (len(apart) + 1.0)
    total = log_tail(n, np.arange(1, n + 1), share) + _log_cover(task, maps, radius) + np.log10(n)
    enough = np.arange(1, n + 1) >= k + _EXTRA
    best = int(np.where(enough, total, np.inf).argmin())
    return float(total[best]), best + 1


def _log_cover(task: _Task, maps: Maps, radius: np.ndarray) -> np.ndarray:
    """``log10`` of how many maps suffice to come within a radius of every map, over the window of the points."""
    d, k = task.points.shape[1], task.parameters
    images = maps.apply(task.points)
    reach = float(np.linalg.norm(images - images.mean(0), axis=-1).max())
    extent = np.ptp(task.surface.samples, axis=0) + 2.0 * reach
    turns, stretches = d * (d - 1) // 2, max(k - d - d * (d - 1) // 2, 0)
    size = [float(np.log(task.scales[1] / task.scales[0]))] if stretches else []
    ranges = np.array([*extent, *[2.0 * np.pi * reach] * turns, *[s * reach for s in size],
                       *[2.0 * _STRAIN * reach] * max(stretches - 1, 0)])
    return np.log10(np.maximum(ranges * k / (2.0 * radius[:, None]), 1.0)).sum(-1)


def _rivals(found: list[SurfaceAlignment], points: np.ndarray, threshold: float) -> tuple[SurfaceAlignment, ...]:
    """Alignments elsewhere whose distances are not larger than noise can make them."""
    if not found:
        return ()
    best, kept = found[0], [found[0]]
    count = int(best.used.sum())
    ratio = float(fdtri(count, count, 1.0 - _RARE))
    own = float((np.sort(best.distance)[:count] ** 2).sum())
    size = float(np.sqrt(((best.transform.apply(points) - best.transform.apply(points).mean(0)) ** 2).sum(-1).mean()))
    for one in found[1:]:
        away = all(_apart(one, other, points) > max(0.1 * size, 3.0 * best.noise_sd) for other in kept)
        if away and float((np.sort(one.distance)[:count] ** 2).sum()) <= ratio * max(own, 1e-18 * size**2 * count):
            kept.append(one)
    return tuple(kept[1:])


def _apart(one: SurfaceAlignment, other: SurfaceAlignment, points: np.ndarray) -> float:
    return float(np.sqrt(((one.transform.apply(points) - other.transform.apply(points)) ** 2).sum(-1).mean()))
