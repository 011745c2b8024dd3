"""Pictures: the error map, regions over an image, and residuals.

Made to be read in a column of 85 mm. Axes are those of an image, y downwards, both to one scale. Blue and orange stay apart for
colour-blind eyes, and the colours of a map run from dark to light for everyone. Every function returns the axes it drew on.
Volumes are drawn as seen along z.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from . import canvas
from .canvas import BLUE, ORANGE, SMALL
from .error_map import KIND_WORDS, ErrorMap, round_levels, round_number
from .errors import Failure, InputError, UndeterminedError
from .hull import cut, outline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .regions import Region
    from .results import RegistrationResult

_MOST_PIXELS = 1024  # along one side of a picture; more cannot be seen
_MOST_NAMES = 15
_CROWD = 40  # more fiducials are drawn smaller
_VEIL = 0.55  # share of a map's colours over an image
_FAINT = 0.2  # share of a region's colour inside it
_DOT, _SEEN = 0.02, 0.06  # of the picture's width: a region that cannot be seen, and one that can
_FIELD, _BEYOND = 257, 2.0  # points along a side where an unbounded region is asked, and the excess that is far enough outside


def plot_map(error_map: ErrorMap, result: RegistrationResult, ax: Axes | None = None, image: Any = None, *,
             plane: int | None = None) -> Axes:
    """An error map with its colour bar, iso-lines, fiducials and their hull; hatched where the map is extrapolated.

    Parameters
    ----------
    error_map : ErrorMap
    result : RegistrationResult
        The registration it was made from, for the names of its fiducials.
    ax : matplotlib Axes, optional
        A new figure by default.
    image : (y, x) array or path of a TIFF file, optional
        A picture of the map's field of view, to shine through.
    plane : int, optional
        Of a volume, the plane to show; the largest value along z by default.

    Raises
    ------
    InputError
        For a plane the map does not have, or an image that is no picture.
    MissingExtraError
        Without matplotlib.
    """
    values, outside, title = _layer(error_map, plane)
    edges = canvas.extent(values.shape[1], values.shape[0], error_map.spacing, error_map.origin)
    picture = None if image is None else canvas.read_image(image)
    ax = canvas.axes(ax, error_map.grid_unit, edges)
    under = None if picture is None else canvas.show_image(ax, picture, edges)
    x, y, values, outside = _thinned(error_map, values, outside)
    drawn = _colour(ax, values, edges, error_map.label, under)
    _iso_lines(ax, x, y, values)
    handles = [_fiducials(ax, error_map.fiducials, result.pairs.names, hollow=picture is not None)]
    handles += _inside(ax, x, y, outside, _hull_seen(error_map, plane))
    ax.set_title(", ".join([f"{result.estimator.card.name}, {result.pairs.n} fiducials", *title]), fontsize=SMALL + 1)
    canvas.legend(ax, [*handles, *drawn])
    return ax


def plot_regions(result: RegistrationResult, targets: Any, kind: str, level: float = 0.95, method: str = "score",
                 ax: Axes | None = None, image: Any = None, *, names: Any = None, magnification: float | None = None,
                 spacing: Any = 1.0, origin: Any = 0.0, resolution: int = 128) -> Axes:
    """The regions of targets over the target image, with the predicted points and the fiducials.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset.
    targets : (m, d)
        Points in the source, source units.
    kind, level, method
        As in `RegistrationResult.predict` and `Prediction.region`.
    ax : matplotlib Axes, optional
    image : (y, x) array or path of a TIFF file, optional
        The target image.
    names : sequence of str, optional
        Of the targets; numbers by default.
    magnification : float, optional
        Draw regions so many times as large, about their predictions, and say so; by default 1 over an image and for regions that
        can be seen, else a round number.
    spacing, origin : float or (d,)
        Pixel size of the image and the centre of its first pixel, x before y, in target units.
    resolution : int
        Points along a boundary.
    """
    _check_single(result)
    region = result.predict(targets, kind).region(level, method)
    predicted = region.prediction.mean[:, :2]
    labels = _checked_names(names, len(predicted))
    pieces = [(region.at(k), bool(bounded)) for k, bounded in enumerate(region.bounded)]
    curves = [_outlines(piece, resolution) if bounded or piece.prediction.dimension == 3 else [] for piece, bounded in pieces]
    points = np.concatenate([result.pairs.target[:, :2], predicted])
    times = _enlargement(points, predicted, curves, image is not None) if magnification is None else float(magnification)
    curves = [[centre + times * (c - centre) for c in of_target] for centre, of_target in zip(predicted, curves, strict=True)]
    view = _in_view(points, curves, all(bounded for _, bounded in pieces))
    ax, shown = _sheet(result, ax, image, spacing, origin, view)
    handles = [_fiducials(ax, result.pairs.target, () if shown else result.pairs.names, hollow=shown)]
    handles += ax.plot(*predicted.T, "+", color=ORANGE, ms=5, mew=1.0, zorder=6, label="predicted")
    drawn = [_draw_region(ax, *piece, outlines) for piece, outlines in zip(pieces, curves, strict=True)]
    handles += _region_handles(f"{100 * level:g} % region", drawn, times)
    if len(labels) <= _MOST_NAMES:
        canvas.name_points(ax, predicted, labels, ORANGE)
    ax.set_title(f"{result.estimator.card.name}, {KIND_WORDS[kind]}, {region.method.name}", fontsize=SMALL + 1)
    canvas.legend(ax, handles)
    return ax


def plot_residuals(result: RegistrationResult, ax: Axes | None = None, image: Any = None, *, magnification: float | None = None,
                   spacing: Any = 1.0, origin: Any = 0.0) -> Axes:
    """Each fiducial's residual as an arrow from where it is predicted, magnified as the legend states.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset.
    ax : matplotlib Axes, optional
    image : (y, x) array or path of a TIFF file, optional
        The target image.
    magnification : float, optional
        By default a round number that makes the longest arrow about a sixth of the picture.
    spacing, origin : float or (d,)
        Pixel size of the image and the centre of its first pixel, x before y, in target units.
    """
    _check_single(result)
    residuals = result.residuals[:, :2]
    foot = result.pairs.target[:, :2] - residuals
    times = _magnification(foot, residuals) if magnification is None else float(magnification)
    ax, _ = _sheet(result, ax, image, spacing, origin, np.concatenate([foot, foot + times * residuals]))
    dots = ax.plot(*foot.T, "o", color=BLUE, ms=3.0, mec="white", mew=0.4, zorder=5, label="predicted fiducial")[0]
    ax.quiver(*foot.T, *(times * residuals).T, color=ORANGE, angles="xy", scale_units="xy", scale=1.0, width=0.006, headwidth=3.5,
              headlength=4.0, headaxislength=3.5, minshaft=1.5, minlength=0.5, zorder=4)
    arrow = ax.plot([], [], color=ORANGE, lw=1.6, label=f"residual, magnified {times:g} times")[0]
    if len(foot) <= _MOST_NAMES:
        canvas.name_points(ax, foot, result.pairs.names, BLUE)
    fre = np.format_float_positional(float(f"{float(result.fre_rms):.3g}"), trim="-")
    ax.set_title(f"{result.estimator.card.name}, FRE {fre} {result.pairs.target_unit} r.m.s.", fontsize=SMALL + 1)
    canvas.legend(ax, [dots, arrow])
    return ax


def _check_single(result: RegistrationResult) -> None:
    if result.pairs.batch_shape:
        raise InputError(f"these are {result.failure.size} registrations, a batch of shape {result.pairs.batch_shape}, and a "
                         "picture shows one: give result[i]")
    if result.failure:
        raise UndeterminedError(f"there is no registration to draw: {Failure(int(result.failure)).sentence}")


def _checked_names(names: Any, count: int) -> tuple[str, ...]:
    if names is None:
        return tuple(map(str, range(1, count + 1)))
    if len(names) != count:
        raise InputError(f"there are {len(names)} names for {count} targets: give one name per target")
    return tuple(map(str, names))


def _sheet(result: RegistrationResult, ax: Axes | None, image: Any, spacing: Any, origin: Any,
           points: np.ndarray) -> tuple[Axes, bool]:
    """Axes over the target image, or around points where there is none; and whether there is one."""
    unit = result.pairs.target_unit
    if image is None:
        return canvas.axes(ax, unit, canvas.frame(points)), False
    picture = canvas.read_image(image)
    edges = canvas.extent(picture.shape[1], picture.shape[0], np.broadcast_to(spacing, 2), np.broadcast_to(origin, 2))
    ax = canvas.axes(ax, unit, edges)
    canvas.show_image(ax, picture, edges)
    return ax, True


# The parts of a map


def _layer(error_map: ErrorMap, plane: int | None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Values and extrapolation (y, x) of what is shown, and how it was chosen, in words."""
    values, outside = error_map.values, error_map.extrapolated
    depth = len(values)
    if error_map.dimension == 2:
        if plane is not None:
            raise InputError(f"plane is {plane} and this map is 2D, without planes: leave it out")
        return values, outside, []
    if plane is None:
        return np.asarray(values.max(0)), np.asarray(outside.all(0)), ["largest along z"]
    if not 0 <= plane < depth:
        raise InputError(f"plane is {plane} and the map has {depth} of them: give 0 to {depth - 1}")
    z = error_map.origin[2] + plane * error_map.spacing[2]
    return values[plane], outside[plane], [f"z = {z:g} {error_map.grid_unit}"]


def _thinned(error_map: ErrorMap, values: np.ndarray, outside: np.ndarray) -> tuple[np.ndarray, ...]:
    """Coordinates of columns and rows, values and extrapolation, at no more pixels than a picture can show."""
    step = math.ceil(max(values.shape) / _MOST_PIXELS)
    rows, columns = (np.arange(min(step // 2, size - 1), size, step) for size in values.shape)
    (sx, sy), (x, y) = error_map.spacing[:2], error_map.origin[:2]
    some = np.ix_(rows, columns)
    return x + sx * columns, y + sy * rows, np.ma.masked_invalid(values[some]), outside[some]


def _colour(ax: Axes, values: np.ndarray, edges: canvas.Extent, label: str, under: float | None) -> list[Any]:
    """The map in colours, with its bar; what is unbounded stays grey. Returns the legend's share.

    Over an image of typical brightness ``under`` the colours let it through, and the bar shows them over that grey.
    """
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    colours = colormaps["cividis"].with_extremes(bad="0.75")
    share = None if under is None else _VEIL
    drawn = ax.imshow(values, extent=edges, cmap=colours, alpha=share, interpolation="nearest", zorder=1)
    if np.ma.count(values):
        bar = ax.figure.colorbar(drawn, cax=ax.inset_axes((1.03, 0.0, 0.05, 1.0)))
        bar.ax.set_facecolor(str(1.0 if under is None else under))
        bar.set_label(label, fontsize=SMALL + 1)
        bar.ax.tick_params(labelsize=SMALL)
    return [Patch(facecolor="0.75", label="unbounded")] if np.ma.is_masked(values) else []


def _iso_lines(ax: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray) -> None:
    levels = round_levels(np.ma.compressed(values), 5)
    if min(values.shape) < 2 or not len(levels):
        return
    lines = ax.contour(x, y, values, levels=levels, colors="white", linewidths=0.8, zorder=2)
    lines.set_path_effects(canvas.halo("0.2", 1.4))
    for text in ax.clabel(lines, fmt="%g", fontsize=SMALL, inline_spacing=2):
        text.set_path_effects(canvas.halo("0.2"))


def _fiducials(ax: Axes, points: np.ndarray, names: Any, hollow: bool) -> Any:
    """Dots, or rings that let an image be seen, with their names where there are few."""
    style: dict[str, Any] = {"ms": 4.0 if len(points) <= _CROWD else 2.5, "mec": "white", "mew": 0.8, "color": BLUE}
    if hollow:
        style |= {"ms": 6.0, "mfc": "none", "mec": BLUE, "mew": 1.2, "path_effects": canvas.halo(width=2.4)}
    dots = ax.plot(*points[:, :2].T, "o", zorder=5, label="fiducials", **style)[0]
    if 0 < len(names) <= _MOST_NAMES:
        canvas.name_points(ax, points[:, :2], names, "black")
    return dots


def _inside(ax: Axes, x: np.ndarray, y: np.ndarray, outside: np.ndarray, hull: np.ndarray) -> list[Any]:
    """The outline of the hull, and hatching beyond it; returns their handles."""
    from matplotlib.patches import Patch

    handles: list[Any] = []
    if len(hull):
        handles += ax.plot(*hull.T, color=ORANGE, lw=1.2, zorder=4, path_effects=canvas.halo(), label="hull")
    if outside.any() and min(outside.shape) > 1:
        hatched = ax.contourf(x, y, outside.astype(float), levels=[0.5, 1.5], colors="none", hatches=["//"], zorder=2)
        hatched.set(edgecolor=(1.0, 1.0, 1.0, 0.45), linewidth=0.0)
        handles.append(Patch(facecolor="0.6", edgecolor="white", hatch="////", linewidth=0.0, label="extrapolated"))
    return handles


def _hull_seen(error_map: ErrorMap, plane: int | None) -> np.ndarray:
    """The outline (k, 2) of the fiducials' hull as seen along z: all of it, or what the voxels of a plane cut out of it."""
    points = error_map.fiducials
    if plane is None:
        return outline(points[:, :2])
    height = points[:, 2] - error_map.origin[2] - plane * error_map.spacing[2]
    half = 0.5 * error_map.spacing[2]
    return outline(np.concatenate([points[np.abs(height) <= half, :2], *(cut(points, height + side) for side in (-half, half))]))


# The parts of the other pictures


def _outlines(region: Region, resolution: int) -> list[np.ndarray]:
    """The boundary at one target as curves (k, 2); of a volume the convex outline of what is seen along z."""
    (boundary,) = region.boundary(resolution)
    if region.prediction.dimension == 2:
        return list(boundary)
    return [outline(boundary.vertices[:, :2])] if len(boundary.vertices) else []


def _draw_region(ax: Axes, region: Region, bounded: bool, curves: list[np.ndarray]) -> bool:
    """A region filled faintly, holes left out, its edge dashed where it is unbounded. Returns whether it is bounded."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if curves:
        shape = Path.make_compound_path(*(Path(curve, closed=True) for curve in curves))
        ax.add_patch(PathPatch(shape, zorder=3, **_style(bounded)))
    elif not bounded:
        _draw_field(ax, region)
    return bounded


def _draw_field(ax: Axes, region: Region) -> None:
    """What of the picture an unbounded region in the plane covers, asked point by point."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    x, y = np.linspace(left, right, _FIELD), np.linspace(bottom, top, _FIELD)
    excess = np.clip(region.excess(np.stack(np.meshgrid(x, y), -1)[..., None, :])[..., 0], 0.0, _BEYOND)
    ax.contourf(x, y, excess, levels=[-1.0, 1.0], colors=[(*_rgb(ORANGE), _FAINT)], zorder=3)
    if excess.min() < 1.0 < excess.max():
        ax.contour(x, y, excess, levels=[1.0], colors=ORANGE, linewidths=1.0, linestyles="--", zorder=3)


def _region_handles(label: str, bounded: list[bool], times: float) -> list[Any]:
    from matplotlib.patches import Patch

    larger = "" if times == 1 else f", magnified {times:g} times"
    handles = [Patch(label=label + larger, **_style(True))] if any(bounded) else []
    return handles if all(bounded) else [*handles, Patch(label=f"{label}, unbounded", **_style(False))]


def _enlargement(points: np.ndarray, predicted: np.ndarray, curves: list[list[np.ndarray]], to_scale: bool) -> float:
    """1, or a round number when the largest region would be no more than a dot in the picture."""
    sizes = [np.abs(c - centre).max() for centre, of_target in zip(predicted, curves, strict=True) for c in of_target]
    width = float((points.max(0) - points.min(0)).max())
    largest = max(sizes, default=0.0)
    return 1.0 if to_scale or not 0 < largest < _DOT * width else round_number(_SEEN * width / largest)


def _style(bounded: bool) -> dict[str, Any]:
    return {"facecolor": (*_rgb(ORANGE), _FAINT), "edgecolor": ORANGE, "lw": 1.0, "ls": "-" if bounded else "--"}


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def _in_view(points: np.ndarray, curves: list[list[np.ndarray]], bounded: bool) -> np.ndarray:
    """Points that the picture must show: all given, of far boundaries what lies within one width, room for what is unbounded."""
    low, high = points.min(0), points.max(0)
    width = float((high - low).max())
    if not bounded:
        points = np.concatenate([points, [low - 0.5 * width, high + 0.5 * width]])
    return np.concatenate([points, *(np.clip(c, low - width, high + width) for of_target in curves for c in of_target)])


def _magnification(foot: np.ndarray, residuals: np.ndarray) -> float:
    """A round number that makes the longest arrow about a sixth of the picture."""
    longest = float(np.hypot(*residuals.T).max())
    width = float((foot.max(0) - foot.min(0)).max())
    return 1.0 / round_number(6.0 * longest / width) if longest > 0 and width > 0 else 1.0
