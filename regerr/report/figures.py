"""The figures of a report: the fiducials on the target, their residuals, regions, and the map of the TRE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import canvas
from ..canvas import BLUE, ORANGE
from ..error_map import round_number
from ..hull import outline
from ..plotting import plot_residuals
from ..progress import watched
from ..reporting.text import number
from .outlines import outlines, style
from .radii import map_of
from .scene import Drawing, Scene
from .words import unit_word

if TYPE_CHECKING:
    from .contents import Contents
    from .picture import Picture
    from .views import View

_MOST_NAMES = 15
_SEEN = 0.06  # of the width: a region that can be seen
_DOT = 0.02  # and one that cannot


def figures(contents: Contents, picture: Picture | None = None) -> list[Drawing]:
    """All figures of a registration, over an image of the target where there is one."""
    scene = Scene(contents, picture)
    return [make(scene) for make in watched((_overlay, _residuals, _regions, map_of), "Report, figures")]


def _overlay(scene: Scene) -> Drawing:
    """Where the fiducials were localised, and where the registration puts them."""
    contents, result = scene.contents, scene.contents.result
    predicted = result.transform.apply(result.pairs.source)
    targets = contents.drawn.mean if contents.found.targets is not None else np.empty((0, result.pairs.dimension))
    points = np.concatenate([scene.target, predicted, targets])

    def draw(view: View) -> None:
        scene.sheet(view, points)
        hull = outline(view.seen(scene.target)[:, :2])
        handles: list[Any] = view.ax.plot(*hull.T, color=BLUE, lw=0.8, ls=":", label="hull of the fiducials", zorder=3,
                                         path_effects=canvas.halo(width=1.4))
        handles += _dots(view, scene.target, "o", "fiducials, as localised", color=BLUE, mfc="none", ms=scene.size + 1.5)
        handles += _dots(view, predicted, "+", "fiducials, as predicted", color=ORANGE, ms=scene.size + 1.0)
        handles += _dots(view, targets, "D", "targets, as predicted", color="black", mec="white", ms=4.0)
        handles += _marked(view, contents)
        canvas.legend(view.ax, handles)

    words = (f"Target space, in {unit_word(contents.unit)}. Rings: the {result.pairs.n} fiducials as they were localised; "
             "crosses: where the registration puts them. At this scale most deviations cannot be seen; the next figure "
             "magnifies them. The dotted line is the hull of the fiducials: outside it predictions are extrapolated.")
    return Drawing("overlay", "Fiducials on the target", words + scene.words, scene.figure(points, draw))


def _residuals(scene: Scene) -> Drawing:
    """Residuals as magnified arrows."""
    result = scene.contents.result
    foot = result.transform.apply(result.pairs.source)
    times = _times(float(np.linalg.norm(result.residuals, axis=-1).max()), foot)

    def draw(view: View) -> None:
        plot_residuals(view.result, view.ax, magnification=times, **scene.under(view))
        view.ax.set_title("")

    unit = unit_word(scene.contents.unit)
    words = (f"Each arrow is a residual, target minus prediction, drawn {times:g} times as long as it is; r.m.s. length (FRE) "
             f"{number(float(result.fre_rms))} {unit}. Neighbours that point the same way are a sign of deformation; one long "
             "arrow is a sign of a misplaced fiducial.")
    return Drawing("residuals", "Residuals, magnified", words, scene.figure(foot, draw))


def _regions(scene: Scene) -> Drawing:
    """The 95 % regions of the TRE."""
    contents, shown = scene.contents, scene.contents.drawn
    points = np.concatenate([scene.target, shown.mean])
    times = _enlarged(shown.radius, points)
    found = outlines(shown)
    larger = "" if times == 1 else f", magnified {times:g} times"

    def draw(view: View) -> None:
        scene.sheet(view, points)
        handles = _dots(view, scene.target, "o", "fiducials", color=BLUE, mfc="none", ms=scene.size)
        handles += _dots(view, shown.mean, "+", "predicted", color=ORANGE, ms=5.0)
        for one in found:
            one.draw(view, times)
        handles += _patches(f"95 % region{larger}", shown.bounded)
        if len(shown.names) <= _MOST_NAMES:
            canvas.name_points(view.ax, view.seen(shown.mean)[:, :2], shown.names, ORANGE)
        canvas.legend(view.ax, handles)

    what = "targets" if contents.found.targets is not None else "some fiducials"
    size = "to scale" if times == 1 else f"drawn {times:g} times as large as they are"
    words = (f"95 % regions of the TRE at {what}, {size}: each holds the true place of its target with 95 % confidence, if the "
             "model holds.")
    return Drawing("regions", "95 % regions", words, scene.figure(points, draw))


# Parts


def _patches(label: str, bounded: np.ndarray) -> list[Any]:
    """The legend's share of regions."""
    from matplotlib.patches import Patch

    handles = [Patch(label=label, **style(True))] if bounded.any() else []
    return handles if bounded.all() else [*handles, Patch(label=f"{label}, unbounded", **style(False))]


def _dots(view: View, points: np.ndarray, marker: str, label: str, **style: Any) -> list[Any]:
    """Marks at points, and their share of the legend."""
    if not len(points):
        return []
    seen = view.seen(points)[:, :2]
    return view.ax.plot(*seen.T, marker, label=label, zorder=5, mew=1.2, path_effects=canvas.halo(width=2.4), **style)


def _marked(view: View, contents: Contents) -> list[Any]:
    """Squares around suspicious fiducials, with their names; all names where there are few."""
    names, target = contents.result.pairs.names, contents.result.pairs.target
    bad = [i for i, name in enumerate(names) if name in contents.suspicious]
    rest = [i for i in range(len(names)) if i not in bad] if len(names) <= _MOST_NAMES else []
    named = [*bad, *rest][:_MOST_NAMES]
    canvas.name_points(view.ax, view.seen(target)[named, :2], [names[i] for i in named], "black")
    if not bad:
        return []
    return _dots(view, target[bad], "s", "suspicious", color="black", mfc="none", ms=11.0)


def _times(longest: float, points: np.ndarray) -> float:
    """A round magnification that makes the longest arrow about a sixth of the picture."""
    width = float((points.max(0) - points.min(0)).max())
    return 1.0 / round_number(6.0 * longest / width) if longest > 0 and width > 0 else 1.0


def _enlarged(sizes: np.ndarray, points: np.ndarray) -> float:
    """1 for regions that can be seen, else a round number that makes them so."""
    largest = float(max(sizes[np.isfinite(sizes)], default=0.0))
    width = float((points.max(0) - points.min(0)).max())
    return 1.0 if not 0 < largest < _DOT * width else round_number(_SEEN * width / largest)
