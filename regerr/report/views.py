"""Registrations seen along each axis: a volume is drawn three times, from above, from the front and from the side.

A view is the same registration with its axes in another order, drawn as seen along the last one; every model and noise is alike
in all axes but for what is given, which is reordered too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..canvas import SMALL, frame
from ..noise import Noise
from ..pairs import FiducialPairs
from ..reporting.additions import refitted
from ..results import RegistrationResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ORDERS: dict[int, tuple[tuple[int, ...], ...]] = {2: ((0, 1),), 3: ((0, 1, 2), (2, 1, 0), (0, 2, 1))}
_WIDTH, _LEAST = 6.6, 0.34  # inches of a figure, and the least share of the broadest panel that a thin one has
_LETTERS = 24
_RASTER = 1000  # fiducials from which on marks are drawn as pixels, so that the page stays small
_FLAT = {"width": 4.6, "least": 1.6, "most": 5.6, "around": 1.0}  # inches of a figure in the plane


@dataclass(frozen=True, eq=False)
class View:
    """A registration as seen along one axis.

    Attributes
    ----------
    order : (d,) of int
        The axes that are drawn to the right and down, then the one that is looked along.
    result : RegistrationResult
        With the axes in that order.
    ax : matplotlib Axes
    """

    order: tuple[int, ...]
    result: RegistrationResult
    ax: Axes

    def seen(self, points: Any) -> np.ndarray:
        """Points (..., d) with their axes in the order of the view."""
        return np.asarray(points)[..., list(self.order)]

    def finish(self, unit: str) -> None:
        """Name the axes that are drawn; names beside points are cut short, take no room, and none is written over another."""
        for text in self.ax.texts:
            text.set_text(short(text.get_text()))
            text.set_in_layout(False)
        _keep_apart(self.ax)
        for marks in (*self.ax.lines, *self.ax.collections) if self.result.pairs.n > _RASTER else ():
            marks.set_rasterized(True)
        for axis, k in zip("xy", self.order, strict=False):
            getattr(self.ax, f"set_{axis}label")(f"{'xyz'[k]} ({unit})", fontsize=SMALL + 1)


def drawn(sides: Sequence[RegistrationResult], points: np.ndarray, unit: str, draw: Callable[[View], None]) -> Figure:
    """A figure of a registration: one panel in 2D; in 3D three that share their axes, and the legend in the fourth place.

    Parameters
    ----------
    sides : sequence of RegistrationResult
        One dataset, with its axes in each of the `ORDERS`.
    points : (m, d)
        What the panels make room for.
    unit : str
        Of the axes.
    draw : callable
        Draws on the axes of one view, its legend too.
    """
    return (_flat if len(sides) == 1 else _orthogonal)(sides, points, unit, draw)


def sides_of(result: RegistrationResult) -> list[RegistrationResult]:
    """One dataset with its axes in each of the `ORDERS`."""
    return [reordered(result, order) for order in ORDERS[result.pairs.dimension]]


def short(name: str) -> str:
    """A name that fits beside a point."""
    return name if len(name) <= _LETTERS else f"{name[:_LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"


def _keep_apart(ax: Axes) -> None:
    """Take away each name beside a point that would touch one before it."""
    from matplotlib.text import Annotation

    ax.apply_aspect()
    kept: list[Any] = []
    for name in [text for text in ax.texts if isinstance(text, Annotation)]:
        box = name.get_window_extent()
        if any(box.overlaps(other) for other in kept):
            name.remove()
        else:
            kept.append(box)


def _flat(sides: Sequence[RegistrationResult], points: np.ndarray, unit: str, draw: Callable[[View], None]) -> Figure:
    from matplotlib.figure import Figure

    left, right, bottom, top = frame(points)
    height = float(np.clip(0.8 * _FLAT["width"] * (bottom - top) / (right - left), _FLAT["least"], _FLAT["most"]))
    figure = Figure(figsize=(_FLAT["width"], height + _FLAT["around"]), dpi=150, layout="constrained")
    view = View(ORDERS[2][0], sides[0], figure.add_subplot())
    draw(view)
    view.finish(unit)
    return figure


def _orthogonal(sides: Sequence[RegistrationResult], points: np.ndarray, unit: str, draw: Callable[[View], None]) -> Figure:
    from matplotlib.figure import Figure

    lengths = points.max(0) - points.min(0)
    x, y, z = np.maximum(lengths, _LEAST * lengths.max())
    height = _WIDTH * (y + z) / (x + z)
    figure = Figure(figsize=(_WIDTH, float(np.clip(height, 4.0, 9.0))), dpi=150, layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=[x, z], height_ratios=[y, z])
    cells = (grid[0, 0], grid[0, 1], grid[1, 0])
    views = [View(order, side, figure.add_subplot(cell)) for order, side, cell in zip(ORDERS[3], sides, cells, strict=True)]
    for view in views:
        draw(view)
        view.finish(unit)
    _one_legend(views, figure.add_subplot(grid[1, 1]))
    return figure


def _one_legend(views: list[View], corner: Axes) -> None:
    """The legend of the first view in a place of its own; the others say the same."""
    corner.axis("off")
    handles = [handle for view in views[:1] if (legend := view.ax.get_legend()) is not None for handle in legend.legend_handles]
    for view in views:
        if (legend := view.ax.get_legend()) is not None:
            legend.remove()
    if handles:
        corner.legend(handles=handles, loc="upper left", fontsize=SMALL, frameon=False, handlelength=1.6, borderaxespad=0.0)


def reordered(result: RegistrationResult, order: tuple[int, ...]) -> RegistrationResult:
    """The same registration with the axes of both spaces in another order."""
    if order == tuple(range(len(order))):
        return result
    pairs, at = result.pairs, list(order)
    source, target = (None if c is None else _turned(c, at) for c in (pairs.source_covariance, pairs.target_covariance))
    turned = FiducialPairs(pairs.source[:, at], pairs.target[:, at], pairs.names, pairs.source_unit, pairs.target_unit, source,
                           target, source_step=pairs.source_step, target_step=pairs.target_step)
    return refitted(turned, result.model, _noise(result.noise, at))


def _noise(noise: Noise, at: list[int]) -> Noise:
    """What is assumed, with covariances that it states reordered; those that pairs carry go with the pairs."""
    own: dict[str, Any] = {name: _turned(c, at) for name in ("source_covariance", "target_covariance")
                           if (c := getattr(noise, name)) is not None and np.ndim(c) >= 2}
    return replace(noise, **own) if own else noise


def _turned(covariance: np.ndarray, at: list[int]) -> np.ndarray:
    return np.asarray(covariance)[..., at, :][..., at]
