"""What tests of pictures share: registrations to draw, and how to find things on axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.patches import PathPatch

import regerr
from regerr import FiducialPairs, RegistrationResult

TARGETS = np.array([[20.0, 30.0], [90.0, 70.0]])


def a_result(dimension: int = 2, n: int = 7, model: str = "affine", noise: float = 1.0) -> RegistrationResult:
    rng = np.random.default_rng(3)
    source = rng.uniform(20, 80, (n, dimension))
    target = 2.0 * source + noise * rng.standard_normal(source.shape)
    return regerr.fit(FiducialPairs(source, target, source_unit="px", target_unit="nm"), model)


def texts(ax: Axes) -> set[str]:
    return {text.get_text() for text in ax.texts}


def legend(ax: Axes) -> list[str]:
    found = ax.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def lines(ax: Axes, label: str) -> np.ndarray:
    """Points of the one line of that label, (k, 2)."""
    (found,) = [line for line in ax.lines if line.get_label() == label]
    return np.asarray(found.get_xydata())


def hatched(ax: Axes) -> list[QuadContourSet]:
    return [c for c in ax.collections if isinstance(c, QuadContourSet) and c.filled]


def shown(ax: Axes, index: int = 0) -> np.ndarray:
    """The values of an image on the axes."""
    return np.asarray(ax.images[index].get_array())


def regions(ax: Axes) -> list[PathPatch]:
    return [patch for patch in ax.patches if isinstance(patch, PathPatch)]


def vertices(patch: PathPatch) -> np.ndarray:
    return np.asarray(patch.get_path().vertices)


def coloured(ax: Axes, points: Any) -> np.ndarray:
    """Whether anything but white is drawn at points (m, 2) of the axes."""
    canvas: Any = ax.get_figure(root=True).canvas  # type: ignore[union-attr]
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())
    columns, rows = ax.transData.transform(points).astype(int).T
    return np.asarray((drawn[len(drawn) - 1 - rows, columns, :3] < 255).any(-1))


def check_sheet(ax: Axes, unit: str) -> None:
    """What every picture keeps: one scale, y downwards, units, and that it can be drawn without a warning."""
    assert ax.get_aspect() == 1.0 and ax.yaxis_inverted() and not ax.xaxis_inverted()
    assert (ax.get_xlabel(), ax.get_ylabel()) == (f"x ({unit})", f"y ({unit})")
    ax.get_figure(root=True).canvas.draw()  # type: ignore[union-attr]


def check_in_view(ax: Axes, points: np.ndarray) -> None:
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert ((points > [left, top]) & (points < [right, bottom])).all()
