"""The outlines of regions as a figure draws them: closed curves, and of a region without bounds what of the picture it covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..canvas import ORANGE, halo
from ..hull import outline
from ..reporting.boundaries import boundaries

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..regions import Region
    from ..reporting.forecasts import Forecast
    from .views import View

_FAINT = 0.2  # share of a region's colour inside it
_AROUND = 96  # points along a curve
_FIELD, _BEYOND = 129, 2.0  # points along a side where an unbounded region is asked, and the excess that is far enough outside
_FAR = 10.0  # widths of the picture: where what never ends is cut


@dataclass(frozen=True, eq=False)
class Outline:
    """One region about its prediction.

    Attributes
    ----------
    region : Region
        Alone.
    bounded : bool
    curves : list of (k, d)
        In 2D its closed boundary, holes clockwise; in 3D points all over it. Empty for an unbounded one in 2D, and for a point.
    """

    region: Region
    bounded: bool
    curves: list[np.ndarray]

    def draw(self, view: View, times: float) -> None:
        """Fill it faintly, so many times as large as it is; its edge is dashed where it has no bounds."""
        centre = view.seen(self.region.prediction.mean[0])
        curves = [view.seen(curve)[:, :2] for curve in self.curves]
        if centre.size == 3:
            far = _FAR * float(np.ptp(view.ax.get_xlim()) + np.ptp(view.ax.get_ylim()))
            curves = [outline(np.clip(curve, -far, far)) for curve in curves]
        if curves:
            _fill(view.ax, [centre[:2] + times * curve for curve in curves], self.bounded)
        elif not self.bounded:
            _covered(view.ax, self.region)


def outlines(shown: Forecast) -> list[Outline]:
    """The outlines of the regions of one dataset."""
    curves: list[list[np.ndarray]] = [[] for _ in shown.names]
    volume = shown.region.prediction.dimension == 3
    for found in boundaries(shown.region, shown.bounded):
        for i, target in enumerate(found.targets):
            if found.smooth or volume:
                curves[target] = [found.offsets[found.row == i]]
            elif shown.bounded[target]:
                curves[target] = _pieces(shown.region.at(target))
    return [Outline(shown.region.at(i), bool(shown.bounded[i]), curves[i]) for i in range(len(curves))]


def style(bounded: bool) -> dict[str, Any]:
    """How a region is drawn."""
    from matplotlib.colors import to_rgba

    return {"facecolor": to_rgba(ORANGE, _FAINT), "edgecolor": ORANGE, "lw": 1.0, "ls": "-" if bounded else "--"}


def _pieces(region: Region) -> list[np.ndarray]:
    """Every piece of a region in the plane, about its prediction."""
    (curves,) = region.boundary(_AROUND)
    return [curve - region.prediction.mean[0] for curve in curves]


def _fill(ax: Axes, curves: list[np.ndarray], bounded: bool) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    closed = [np.concatenate([curve, curve[:1]]) for curve in curves if len(curve)]
    if closed:
        ax.add_patch(PathPatch(Path.make_compound_path(*(Path(curve, closed=True) for curve in closed)), zorder=3,
                               path_effects=halo(width=2.2), **style(bounded)))


def _covered(ax: Axes, region: Region) -> None:
    """What of the picture a region in the plane covers, asked point by point."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    x, y = np.linspace(left, right, _FIELD), np.linspace(bottom, top, _FIELD)
    excess = np.clip(region.excess(np.stack(np.meshgrid(x, y), -1)[..., None, :])[..., 0], 0.0, _BEYOND)
    ax.contourf(x, y, excess, levels=[-1.0, 1.0], colors=[style(False)["facecolor"]], zorder=3)
    if excess.min() < 1.0 < excess.max():
        ax.contour(x, y, excess, levels=[1.0], colors=ORANGE, linewidths=1.0, linestyles="--", zorder=3)
