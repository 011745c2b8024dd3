"""What the figures of a report share: the registration as seen from each side, and the image behind it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .. import canvas
from .views import View, drawn, sides_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from matplotlib.figure import Figure

    from ..results import RegistrationResult
    from .contents import Contents
    from .picture import Picture

_MANY = 40  # fiducials from which on they are drawn smaller
_LARGER = 2.0  # points, over an image


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


@dataclass(frozen=True, eq=False)
class Scene:
    """What all figures show.

    Attributes
    ----------
    contents : Contents
    picture : Picture or None
        An image of the target.
    """

    contents: Contents
    picture: Picture | None

    @cached_property
    def sides(self) -> list[RegistrationResult]:
        """The registration as seen from each side."""
        return sides_of(self.contents.result)

    @property
    def target(self) -> np.ndarray:
        """The fiducials (n, d) in the target."""
        return self.contents.result.pairs.target

    @property
    def size(self) -> float:
        """Of a mark, in points."""
        return (4.5 if len(self.target) <= _MANY else 3.0) + (0.0 if self.picture is None else _LARGER)

    @property
    def words(self) -> str:
        """What is to be said of the image."""
        return "" if self.picture is None else self.picture.words

    def figure(self, points: np.ndarray, draw: Callable[[View], None]) -> Figure:
        """A figure with room for the image, or for points (m, d) where there is none."""
        return drawn(self.sides, points if self.picture is None else self.picture.corners, self.contents.unit, draw)

    def under(self, view: View) -> dict[str, Any]:
        """The image of a view, as the functions of `regerr.plotting` take it."""
        if self.picture is None:
            return {}
        plane = self.picture.seen(view.order)
        return {"image": plane.pixels, "spacing": plane.spacing, "origin": plane.origin}

    def sheet(self, view: View, points: np.ndarray) -> None:
        """Axes around the image, or around points (m, d)."""
        plane = None if self.picture is None else self.picture.seen(view.order)
        edges = canvas.frame(view.seen(points)[:, :2]) if plane is None else plane.edges
        canvas.axes(view.ax, self.contents.unit, edges)
        if plane is not None:
            canvas.show_image(view.ax, plane.pixels, edges)
