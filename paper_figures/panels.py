"""What several figures draw alike: the nominal level with its band, axes of coverage, panels in rows and columns, legends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

from . import style

CONFIDENCE = 0.99
STRETCHED = 0.9  # coverages above it take the larger part of an axis
_LOWER_PART = 0.33  # of the height of an axis, at most, that coverages below it take
_ROOM = 0.014  # of the height, below and above


def normal_quantile() -> float:
    """Standard errors from a mean to the end of its interval."""
    return NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


def half_band(level: float, replicates: float) -> float:
    """Half the width of the band that holds 99 of 100 coverages of an exact region, each from so many independent replicates."""
    return normal_quantile() * math.sqrt(level * (1.0 - level) / replicates)


def nominal(ax: Axes, level: float, replicates: float, margin: float | None = None) -> None:
    """The nominal level, its Monte Carlo band, and the edges of the declared margin."""
    half = half_band(level, replicates)
    ax.axhspan(level - half, min(level + half, 1.0), color=style.PALE, lw=0, zorder=0, gid="band")
    ax.axhline(level, color=style.INK, lw=0.6, zorder=1, gid="nominal")
    if margin is not None:
        for edge in (level - margin, level + margin):
            ax.axhline(edge, color=style.INK, lw=0.5, ls=(0, (4, 3)), zorder=1, gid="margin")


def nominal_handles(margin: bool = False) -> list[Any]:
    """What stands for them in a legend."""
    handles: list[Any] = [Line2D([], [], color=style.INK, lw=0.6, label="nominal level"),
                          Patch(color=style.PALE, lw=0, label="99 % Monte Carlo band")]
    if margin:
        handles.append(Line2D([], [], color=style.INK, lw=0.5, ls=(0, (4, 3)), label="declared margin"))
    return handles


def coverage_axis(ax: Axes, least: float) -> None:
    """A vertical axis of coverage, stretched above 0.9, where regions that hold differ; the dotted line is where it changes.

    Parameters
    ----------
    ax : Axes
    least : float
        Smallest coverage shown.
    """
    bottom = min(max(math.floor(10.0 * least) / 10.0, 0.0), STRETCHED)
    below = (STRETCHED - bottom) / (1.0 - bottom)  # of the height, were the axis even
    to_height, to_coverage = _scale(bottom, min(below, _LOWER_PART))
    ax.set_yscale("function", functions=(to_height, to_coverage))
    ax.set_ylim(*to_coverage(np.array([-_ROOM, 1.0 + _ROOM])))
    ticks = _ticks(bottom)
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_major_formatter(FixedFormatter([f"{t:.3g}" for t in ticks]))
    ax.yaxis.set_minor_locator(FixedLocator([t / 100 for t in range(90, 100)]))
    ax.yaxis.set_minor_formatter(NullFormatter())
    if below > _LOWER_PART:
        ax.axhline(STRETCHED, color=style.LINE, lw=0.5, ls=":", zorder=0, gid="stretched")


def grid(rows: int, columns: int, width: float, height: float, **shared: Any) -> tuple[Figure, np.ndarray]:
    """A figure of so many millimetres, and its axes (rows, columns)."""
    drawn = style.figure(width, height)
    return drawn, drawn.subplots(rows, columns, squeeze=False, **shared)


def name_outer(axes: np.ndarray, x: str, y: str) -> None:
    """Name the axes along the bottom and the left of a grid of panels."""
    for ax in axes[-1]:
        ax.set_xlabel(x)
    for ax in axes[:, 0]:
        ax.set_ylabel(y)
    axes[0, 0].figure.align_ylabels(axes[:, 0])


def name_row(ax: Axes, text: str) -> None:
    """Write what a row of panels shows along the right edge of its last one."""
    ax.annotate(text, (1.0, 0.5), xytext=(4, 0), xycoords="axes fraction", textcoords="offset points", rotation=-90, ha="left",
                va="center", fontsize=style.TEXT, linespacing=1.3, multialignment="center")


def legend(drawn: Figure, handles: Sequence[Any], columns: int) -> None:
    """A legend under all panels, in so many columns or as many as its labels leave room for."""
    widths = [style.entry_width(str(handle.get_label())) for handle in handles]
    room = style.INCH * float(drawn.get_size_inches()[0])  # mm
    while columns > 1 and _taken(widths, columns) > room:
        columns -= 1
    drawn.legend(handles=list(handles), loc="outside lower center", ncols=columns)


def steps(count: int, width: float) -> np.ndarray:
    """So many offsets, evenly over a width about nought."""
    return width * (np.arange(count) - (count - 1) / 2) / max(count, 1)


def _taken(widths: Sequence[float], columns: int) -> float:
    """Width of a legend whose entries fill so many columns one after the other, the first ones with one entry more."""
    long, more = divmod(len(widths), columns)
    starts = [long * i + min(i, more) for i in range(columns + 1)]
    return sum(max(widths[start:stop], default=0.0) for start, stop in pairwise(starts))


def _ticks(bottom: float) -> list[float]:
    """Where coverages are written: 0.9, 0.95 and 1, and evenly down to the bottom of the axis."""
    below = STRETCHED - bottom
    if below <= 0.0:
        return [0.90, 0.92, 0.94, 0.95, 0.96, 0.98, 1.0]
    step = next(step for room, step in ((0.65, 0.3), (0.25, 0.2), (0.15, 0.1), (0.0, 0.05)) if below > room)
    down = [STRETCHED - step * i for i in range(int(below / step + 1e-9), -1, -1)]
    return [abs(round(tick, 2)) for tick in down] + [0.95, 1.0]


def _scale(bottom: float, lower: float) -> tuple[Callable[[Any], np.ndarray], Callable[[Any], np.ndarray]]:
    """From coverage to height and back: straight from the bottom to 0.9, which is at height `lower`, and from there to 1."""
    rise = (1.0 - lower) / (1.0 - STRETCHED)
    slow = lower / (STRETCHED - bottom) if bottom < STRETCHED else rise

    def to_height(coverage: Any) -> np.ndarray:
        above = np.asarray(coverage, float) - STRETCHED
        return lower + above * np.where(above < 0.0, slow, rise)

    def to_coverage(height: Any) -> np.ndarray:
        above = np.asarray(height, float) - lower
        return STRETCHED + above / np.where(above < 0.0, slow, rise)

    return to_height, to_coverage
