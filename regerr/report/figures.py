"""The figures of a report: the fiducials on the target, their residuals, regions, and the map of the TRE."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import canvas
from ..canvas import BLUE, ORANGE, SMALL
from ..error_map import ErrorMap, round_number
from ..hull import outline
from ..plotting import plot_map, plot_regions, plot_residuals
from ..progress import watched
from ..reporting.extents import radius
from ..reporting.text import number
from .contents import Contents
from .picture import Picture
from .views import View, drawn
from .words import unit_word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NAMES = 15
_MANY = 40  # fiducials from which on they are drawn smaller
_MAP = {2: 240, 3: 96}  # pixels along the longest side of a map
_MARGIN = 0.08  # of the largest extent, around what a map shows
_SEEN = 0.06  # of the width: a region that can be seen
_DOT = 0.02  # and one that cannot


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure and what it says.

    Attributes
    ----------
    name : str
        Of its file.
    title, words : str
        What it shows, and how to read it.
    figure : matplotlib Figure
    """

    name: str
    title: str
    words: str
    figure: Figure


def figures(contents: Contents, picture: Picture | None = None) -> list[Drawing]:
    """All figures of a registration, over an image of the target in 2D where there is one."""
    makers = (_overlay, _residuals, _regions, _map)
    return [make(contents, picture) for make in watched(makers, "Report, figures")]


def _overlay(contents: Contents, picture: Picture | None) -> Drawing:
    """Where the fiducials were localised, and where the registration puts them."""
    result = contents.result
    predicted = result.transform.apply(result.pairs.source)
    targets = contents.drawn.mean if contents.found.targets is not None else np.empty((0, result.pairs.dimension))
    points = np.concatenate([result.pairs.target, predicted, targets])

    def draw(view: View) -> None:
        _sheet(view, contents, picture, points)
        size = 4.5 if result.pairs.n <= _MANY else 3.0
        hull = outline(view.seen(result.pairs.target)[:, :2])
        handles: list[Any] = view.ax.plot(*hull.T, color=BLUE, lw=0.8, ls=":", label="hull of the fiducials", zorder=3)
        handles += _dots(view, result.pairs.target, "o", "fiducials, as localised", color=BLUE, mfc="none", ms=size + 1.5)
        handles += _dots(view, predicted, "+", "fiducials, as predicted", color=ORANGE, ms=size + 1.0)
        handles += _dots(view, targets, "D", "targets, as predicted", color="black", mec="white", ms=4.0)
        handles += _marked(view, contents)
        canvas.legend(view.ax, handles)

    words = (f"Target space, in {unit_word(contents.unit)}. Rings: the {result.pairs.n} fiducials as they were localised; "
             "crosses: where the registration puts them. At this scale most deviations cannot be seen; the next figure "
             "magnifies them. The dotted line is the hull of the fiducials: outside it predictions are extrapolated.")
    return Drawing("overlay", "Fiducials on the target", words, drawn(result, _room(points, picture), contents.unit, draw))


def _residuals(contents: Contents, picture: Picture | None) -> Drawing:
    """Residuals as magnified arrows."""
    result = contents.result
    foot = result.transform.apply(result.pairs.source)
    times = _times(float(np.linalg.norm(result.residuals, axis=-1).max()), foot)

    def draw(view: View) -> None:
        plot_residuals(view.result, view.ax, _pixels(picture), magnification=times, **_place(picture))
        view.ax.set_title("")

    words = (f"Each arrow is a residual, target minus prediction, drawn {times:g} times as long as it is; r.m.s. length (FRE) "
             f"{number(float(result.fre_rms))} {unit_word(contents.unit)}. Neighbours that point the same way are a sign of "
             "deformation; one long arrow is a sign of a misplaced fiducial.")
    return Drawing("residuals", "Residuals, magnified", words, drawn(result, _room(foot, picture), contents.unit, draw))


def _regions(contents: Contents, picture: Picture | None) -> Drawing:
    """The 95 % regions of the TRE."""
    shown, method = contents.drawn, _method(contents)
    points = np.concatenate([contents.result.pairs.target, shown.mean])
    times = _enlarged(contents, points, picture)

    def draw(view: View) -> None:
        plot_regions(view.result, view.seen(shown.prediction.targets), "tre", method=method, image=_pixels(picture),
                     names=shown.names, magnification=times, ax=view.ax, resolution=96 if len(view.order) == 2 else 32,
                     **_place(picture))
        view.ax.set_title("")

    what = "targets" if contents.found.targets is not None else "some fiducials"
    size = "to scale" if times == 1 else f"drawn {times:g} times as large as they are"
    words = (f"95 % regions of the TRE at {what}, {size}: each holds the true place of its target with 95 % confidence, if the "
             "model holds.")
    words += " Drawn are the quick Wald ellipses, not the score regions that the numbers tell of." if method == "wald" else ""
    return Drawing("regions", "95 % regions", words, drawn(contents.result, _room(points, picture), contents.unit, draw))


def _map(contents: Contents, picture: Picture | None) -> Drawing:
    """The 95 % radius over the field."""
    result = contents.result
    points = result.pairs.target if contents.found.targets is None else \
        np.concatenate([result.pairs.target, contents.drawn.mean])
    low, high = _field(points, picture)
    views: list[View] = []

    def draw(view: View) -> None:
        found = _plane(view, view.seen(low), view.seen(high))
        plot_map(found, view.result, view.ax, plane=None if found.dimension == 2 else 0)
        along = "" if found.dimension == 2 else f"{'xyz'[view.order[2]]} = {number(found.origin[2])} {unit_word(contents.unit)}"
        view.ax.set_title(along, fontsize=SMALL + 1)
        views.append(view)

    figure = drawn(result, np.stack([low, high]), contents.unit, draw)
    _one_scale(views)
    words = (f"95 % radius of the TRE, in {unit_word(contents.unit)}, over the target: how far the true place of a point may lie "
             "from where it is mapped. It is the largest half-axis of the quick Wald ellipse, which with few fiducials is "
             "smaller than the region. Hatched: extrapolated.")
    words += " Planes through the centroid of the fiducials." if len(low) == 3 else ""
    return Drawing("map", "Map of the 95 % radius", words, figure)


# Parts


def _method(contents: Contents) -> str:
    """The regions that can be drawn: not those whose points each take a search, nor surfaces without the library for them."""
    volume = contents.result.pairs.dimension == 3
    return "wald" if contents.costly or (volume and find_spec("skimage") is None) else "score"


def _sheet(view: View, contents: Contents, picture: Picture | None, points: np.ndarray) -> None:
    """Axes around points, or around the image."""
    edges = canvas.frame(view.seen(points)[:, :2]) if picture is None else picture.edges
    canvas.axes(view.ax, contents.unit, edges)
    if picture is not None:
        canvas.show_image(view.ax, picture.pixels, edges)


def _dots(view: View, points: np.ndarray, marker: str, label: str, **style: Any) -> list[Any]:
    """Marks at points, and their share of the legend."""
    if not len(points):
        return []
    seen = view.seen(points)[:, :2]
    return view.ax.plot(*seen.T, marker, label=label, zorder=5, mew=1.0, path_effects=canvas.halo(width=1.8), **style)


def _marked(view: View, contents: Contents) -> list[Any]:
    """Squares around suspicious fiducials, with their names; all names where there are few."""
    names, target = contents.result.pairs.names, contents.result.pairs.target
    bad = [i for i, name in enumerate(names) if name in contents.suspicious]
    named = list(range(len(names))) if len(names) <= _MOST_NAMES else bad[:_MOST_NAMES]
    canvas.name_points(view.ax, view.seen(target)[named, :2], [names[i] for i in named], "black")
    if not bad:
        return []
    return _dots(view, target[bad], "s", "suspicious", color="black", mfc="none", ms=11.0)


def _times(longest: float, points: np.ndarray) -> float:
    """A round magnification that makes the longest arrow about a sixth of the picture."""
    width = float((points.max(0) - points.min(0)).max())
    return 1.0 / round_number(6.0 * longest / width) if longest > 0 and width > 0 else 1.0


def _enlarged(contents: Contents, points: np.ndarray, picture: Picture | None) -> float:
    """1 over an image and for regions that can be seen, else a round number that makes them so."""
    sizes = radius(contents.drawn.region)
    largest = float(max(sizes[np.isfinite(sizes)], default=0.0))
    width = float((points.max(0) - points.min(0)).max())
    return 1.0 if not 0 < largest < _DOT * width else round_number(_SEEN * width / largest)


def _room(points: np.ndarray, picture: Picture | None) -> np.ndarray:
    return points if picture is None else picture.corners


def _pixels(picture: Picture | None) -> Any:
    return None if picture is None else picture.pixels


def _place(picture: Picture | None) -> dict[str, Any]:
    return {} if picture is None else {"spacing": picture.spacing, "origin": picture.origin}


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
    count = np.maximum(np.rint(_MAP[d] * sides / sides.max()), 2.0).astype(int)
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


