"""The sheet that pictures are drawn on: axes like an image's, the user's own image, colours and legends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "0.35"  # blue and vermilion of Okabe & Ito (2008)
SMALL = 7.0  # points
_WIDTH = 85.0 / 25.4  # a column, inches
_PICTURE = 0.75  # of the width of the figure
_LEAST_HEIGHT, _AROUND = 1.0, 0.85  # inches: of the picture itself, and of what stands above and below it
_LEGEND_BELOW = 30.0  # points under the axes, past the label
_RIGHT = 0.75  # of the axes: names of points beyond stand to their left
_LETTERS = 36  # of three labels in one row of a column's width

Extent = tuple[float, float, float, float]


def axes(ax: Axes | None, unit: str, edges: Extent) -> Axes:
    """Axes with the edges left, right, bottom and top, both to one scale; a new figure as wide as a column when none are given.

    Raises
    ------
    MissingExtraError
        Without matplotlib.
    """
    if ax is None:
        try:
            from matplotlib import pyplot
        except ImportError:
            raise MissingExtraError("drawing needs the library matplotlib, which is not installed: install it with "
                                    "pip install 'regerr[plot]'") from None
        ratio = abs((edges[3] - edges[2]) / (edges[1] - edges[0]))
        height = min(max(_PICTURE * _WIDTH * ratio, _LEAST_HEIGHT), 2.0 * _WIDTH) + _AROUND
        ax = pyplot.subplots(figsize=(_WIDTH, height), dpi=200, layout="constrained")[1]
    ax.set_aspect("equal")
    ax.set_xlim(edges[:2])
    ax.set_ylim(edges[2:])
    ax.set_xlabel(f"x ({unit})", fontsize=SMALL + 1)
    ax.set_ylabel(f"y ({unit})", fontsize=SMALL + 1)
    ax.tick_params(labelsize=SMALL)
    ax.locator_params(nbins=5)
    return ax


def extent(width: int, height: int, spacing: Any, origin: Any) -> Extent:
    """Left, right, bottom and top edge of an image whose first pixel has its centre at the origin."""
    (sx, sy), (x, y) = spacing[:2], origin[:2]
    return x - 0.5 * sx, x + (width - 0.5) * sx, y + (height - 0.5) * sy, y - 0.5 * sy


def frame(points: np.ndarray, margin: float = 0.08) -> Extent:
    """Edges around points (m, 2), y downwards."""
    low, high = points.min(0), points.max(0)
    pad = margin * max(float((high - low).max()), 1e-12 * float(np.abs(points).max()), 1e-300)
    return low[0] - pad, high[0] + pad, high[1] + pad, low[1] - pad


def read_image(image: Any) -> np.ndarray:
    """A picture (y, x) or (y, x, 3 or 4) from an array, or from a TIFF file by its path.

    Raises
    ------
    InputError
        When the file cannot be read, or is no single picture.
    MissingExtraError
        For a path without tifffile.
    """
    name = "image"
    if isinstance(image, str | Path):
        name = str(image)
        image = read_tiff(Path(image))
    picture = np.squeeze(np.asarray(image))
    if picture.dtype.kind not in "buif" or not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[-1] in (3, 4))):
        raise InputError(f"{name} has shape {picture.shape} and type {picture.dtype}: give one picture (y, x), such as one plane "
                         "or a projection")
    return picture


def show_image(ax: Axes, picture: np.ndarray, edges: Extent) -> float:
    """Draw the user's image within the edges, grey from its dark to its bright end; its typical brightness, 0 to 1."""
    shown = picture
    if picture.ndim == 2:
        low, high = np.nanpercentile(picture, (0.5, 99.8))
        shown = np.clip((picture - low) / max(high - low, 1e-300), 0.0, 1.0)
    elif picture.dtype.kind in "ui":
        shown = picture / np.iinfo(picture.dtype).max
    ax.imshow(shown, extent=edges, interpolation="nearest", zorder=0, cmap="gray", vmin=0.0, vmax=1.0)
    return float(np.clip(np.nanmedian(shown[..., :3] if picture.ndim == 3 else shown), 0.0, 1.0))


def legend(ax: Axes, handles: list[Any]) -> None:
    """A legend under the axes, clear of what is drawn."""
    from matplotlib.transforms import ScaledTranslation

    figure: Any = ax.get_figure(root=True)
    under = ax.transAxes + ScaledTranslation(0, -_LEGEND_BELOW / 72.0, figure.dpi_scale_trans)
    letters = sum(len(handle.get_label()) for handle in handles)
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), bbox_transform=under,
              ncols=3 if len(handles) == 3 and letters <= _LETTERS else 2, fontsize=SMALL, frameon=False, handlelength=1.6,
              columnspacing=1.2, handletextpad=0.5, borderaxespad=0.0)


def halo(colour: str = "white", width: float = 1.6) -> list[Any]:
    """Path effects that set thin lines and small letters off from whatever lies under them."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground=colour)]


def name_points(ax: Axes, points: np.ndarray, names: Any, colour: str) -> None:
    """Small names beside points (m, 2), on the side where there is room."""
    left, right = ax.get_xlim()
    for (x, y), name in zip(points, names, strict=True):
        side = -1 if x > left + _RIGHT * (right - left) else 1
        ax.annotate(str(name), (x, y), xytext=(3.5 * side, 2.0), textcoords="offset points", fontsize=SMALL, color=colour,
                    ha="left" if side > 0 else "right", path_effects=halo(), annotation_clip=True, zorder=7)


def read_tiff(path: str | Path, pick: Callable[[Any], np.ndarray] = lambda file: file.asarray()) -> np.ndarray:
    """What is picked of an open TIFF file, all of its first series unless told, or an InputError with what to do."""
    try:
        import tifffile
    except ImportError:
        raise MissingExtraError(f"reading {path} needs the library tifffile, which is not installed: install it with "
                                "pip install 'regerr[io]', or give the image as an array") from None
    try:
        with tifffile.TiffFile(path) as file:
            return np.asarray(pick(file))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file: check the path") from None
    except InputError:
        raise
    except (OSError, ValueError, RuntimeError) as fault:
        words = str(fault).splitlines()
        raise InputError(f"{path} cannot be read as a TIFF image ({words[0] if words else type(fault).__name__}): save it as "
                         "TIFF, or give an array") from None
