"""The expected r.m.s. TRE over the field, with what was found over replicates beside it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from .. import style, words

TITLE = "Expected r.m.s. TRE over the field"
NEEDS = ("icip/map",)

_LEVELS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
_IMAGE = (0.0, 512.0)  # corners of the image whose centre the fiducials lie around, px
_INSIDE, _OFF, _TOWARDS = 0.93, 0.15, np.pi / 4  # of half the field; the direction in which levels are written, rad
_COLOURS = "cividis"  # runs from dark to light for everyone


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """A panel for each estimator with one scale of colours; lines of equal expected and of equal found r.m.s. TRE."""
    pixels, fiducials = _parts(tables["icip/map"])
    panels = list(pixels.groupby("estimator", sort=False))
    drawn = style.figure(style.PAGE, 88.0)
    axes = drawn.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    norm = LogNorm(pixels["expected_rms_tre"].min(), pixels["expected_rms_tre"].max())
    for ax, (_, rows) in zip(axes, panels, strict=True):
        shown = _panel(ax, rows, norm)
        ax.plot(fiducials["x"], fiducials["y"], "s", ms=2.2, mew=0.5, mfc="none", mec="white", gid="fiducials")
        ax.set_title(f"{style.plain(rows['label'].iloc[0])} model")
        ax.set_xlabel("x in the source (px)")
    axes[0].set_ylabel("y in the source (px)")
    bar = drawn.colorbar(shown, ax=list(axes), label="expected r.m.s. TRE (px)", pad=0.01, aspect=30)
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    bar.ax.yaxis.set_major_formatter(ScalarFormatter())
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    drawn.legend(handles=_handles(), loc="outside lower center", ncols=4, frameon=True, facecolor=style.GREY, edgecolor="none",
                 labelcolor="white")
    drawn.draw_without_rendering()  # squares find their size, so that what stands around them gets its room
    return drawn


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """The range of each model, and how far the found r.m.s. TRE is from the expected one."""
    pixels, fiducials = _parts(tables["icip/map"])
    ranges = [f"{label} {words.number(rows['expected_rms_tre'].min())} to {words.number(rows['expected_rms_tre'].max())} px"
              for label, rows in pixels.groupby("label", sort=False)]
    ratio = pixels["rms_tre"] / pixels["expected_rms_tre"]
    return (f"Root mean square TRE that the registration itself expects, {words.count(len(fiducials))} fiducials "
            f"gathered around the centre of a 512 px image (frame): "
            f"{words.listed(ranges)}. Solid lines: equal expected TRE; dotted: equal TRE found "
            f"over replicates. Found over expected: {ratio.min():.3f} to {ratio.max():.3f} "
            f"(largest relative Monte Carlo standard error "
            f"{(pixels['rms_tre_se'] / pixels['rms_tre']).max():.3f}).")


def _parts(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return table[table["role"] == "pixel"], table[table["role"] == "fiducial"]


def _panel(ax: Axes, rows: pd.DataFrame, norm: LogNorm) -> QuadMesh:
    """The colours, the lines and the frame of the image; returns what the colour bar needs."""
    expected, found = (rows.pivot(index="y", columns="x", values=name) for name in ("expected_rms_tre", "rms_tre"))
    x, y = expected.columns.to_numpy(float), expected.index.to_numpy(float)
    shown = ax.pcolormesh(x, y, expected.to_numpy(), norm=norm, cmap=_COLOURS, shading="gouraud", rasterized=True, gid="map")
    low, high = np.nanmin(expected.to_numpy()), np.nanmax(expected.to_numpy())
    levels = [level for level in _LEVELS if low < level < high]
    lines = ax.contour(x, y, expected.to_numpy(), levels=levels, colors="white", linewidths=0.9, gid="expected")
    lines.set_path_effects([withStroke(linewidth=1.5, foreground="0.2")])
    ax.contour(x, y, found.to_numpy(), levels=levels, colors="black", linewidths=0.9, linestyles="dotted", gid="found")
    places = _label_places(lines, x, y)
    for name in ax.clabel(lines, inline=False, manual=places, fmt=lambda value: f"{value:g}", fontsize=style.TEXT):
        name.set(rotation=0.0, path_effects=[withStroke(linewidth=1.8, foreground="0.2")])
    near, far = _IMAGE
    ax.plot(np.array([near, far, far, near, near]), np.array([near, near, far, far, near]), color="white", lw=0.5, ls=(0, (4, 3)))
    ax.set_aspect("equal")
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    return shown


def _label_places(lines: QuadContourSet, x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    """Where the level of each line is written: towards the upper right, inside the panel and off the fiducials."""
    middle, half = np.array([x.mean(), y.mean()]), 0.5 * np.array([np.ptp(x), np.ptp(y)])
    places = []
    for pieces in lines.allsegs:
        offset = (np.concatenate(pieces) - middle) / half if pieces else np.empty((0, 2))
        offset = offset[(np.abs(offset) < _INSIDE).all(axis=1) & (np.abs(offset) > _OFF).any(axis=1)]
        if len(offset):
            aside = np.abs(np.arctan2(-offset[:, 1], offset[:, 0]) - _TOWARDS)
            places.append(tuple(middle + half * offset[np.argmin(aside)]))
    return places


def _handles() -> list[Line2D]:
    halo = [withStroke(linewidth=1.5, foreground="0.2")]
    return [Line2D([], [], color="white", lw=0.9, path_effects=halo, label="equal expected TRE (px)"),
            Line2D([], [], color="black", lw=0.9, ls=":", label="equal TRE found over replicates"),
            Line2D([], [], color="white", lw=0.6, ls=(0, (4, 3)), label="image"),
            Line2D([], [], ls="none", marker="s", ms=3, mec="white", mfc="none", mew=0.6, label="fiducial")]
