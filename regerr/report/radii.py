"""The figure of a report that tells how far the true place of a point may lie from where it is mapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..canvas import SMALL
from ..plotting import plot_map
from ..reporting.text import number
from .scene import Drawing, Scene
from .views import View, drawn
from .words import unit_word

if TYPE_CHECKING:
    from ..error_map import ErrorMap
    from .picture import Picture

_PIXELS = {2: 240, 3: 96}  # along the longest side of a map
_MARGIN = 0.08  # of the largest extent, around what a map shows


def map_of(scene: Scene) -> Drawing:
    """The 95 % radius over the field."""
    contents = scene.contents
    points = scene.target if contents.found.targets is None else np.concatenate([scene.target, contents.drawn.mean])
    low, high = _field(points, scene.picture)
    views: list[View] = []

    def draw(view: View) -> None:
        found = _plane(view, view.seen(low), view.seen(high))
        plot_map(found, view.result, view.ax, plane=None if found.dimension == 2 else 0)
        along = "" if found.dimension == 2 else f"{'xyz'[view.order[2]]} = {number(found.origin[2])} {unit_word(contents.unit)}"
        view.ax.set_title(along, fontsize=SMALL + 1)
        views.append(view)

    figure = drawn(scene.sides, np.stack([low, high]), contents.unit, draw)
    _one_scale(views)
    words = (f"95 % radius of the TRE, in {unit_word(contents.unit)}, over the target: how far the true place of a point may lie "
             "from where it is mapped. It is the largest half-axis of the quick Wald ellipse, which with few fiducials is "
             "smaller than the region. Hatched: extrapolated.")
    words += (" Planes through the centroid of the fiducials, with what they cut of the hull; fiducials lie before and behind "
              "them.") if len(low) == 3 else ""
    return Drawing("map", "Map of the 95 % radius", words, figure)


def _field(points: np.ndarray, picture: Picture | None) -> tuple[np.ndarray, np.ndarray]:
    """Two corners (d,) of what a map covers: the image, or the points and a margin."""
    if picture is not None:
        return picture.corners[0], picture.corners[1]
    low, high = points.min(0), points.max(0)
    margin = _MARGIN * float((high - low).max())
    return low - margin, high + margin


def _plane(view: View, low: np.ndarray, high: np.ndarray) -> ErrorMap:
    """The map between two corners; of a volume the plane through the fiducials' centroid."""
    sides = high - low
    d = len(low)
    count = np.maximum(np.rint(_PIXELS[d] * sides / sides.max()), 2.0).astype(int)
    spacing, origin = sides / count, low + 0.5 * sides / count
    if d == 3:
        count[2], origin[2] = 1, view.result.pairs.target[:, 2].mean()
    return view.result.error_map(tuple(count[::-1].tolist()), spacing, origin, "tre", "radius", 0.95, "target")


def _one_scale(views: list[View]) -> None:
    """The same colours for the same radius in all panels, and one colour bar."""
    images = [image for view in views for image in view.ax.images if image.get_cmap().name == "cividis"]
    values = np.concatenate([np.empty(0), *(np.ma.filled(np.ma.asarray(image.get_array()), np.inf).ravel() for image in images)])
    values = values[np.isfinite(values)]
    if len(views) < 2 or not values.size:
        return
    for image in images:
        image.set_clim(float(values.min()), float(values.max()))
    for view in views[:1] + views[2:]:
        for bar in view.ax.child_axes:
            bar.set_visible(False)
            bar.set_in_layout(False)
