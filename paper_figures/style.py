"""How every figure looks: sizes, letters, one colour and marker per method, and files that come out the same each time.

Colours are those of Okabe & Ito (2008), which stay apart for colour-blind eyes; markers tell methods apart without colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib.style
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

COLUMN, PAGE = 85.0, 180.0  # widths of a figure, mm
SMALL, LEGEND, TEXT = 6.0, 6.5, 7.0  # letters, points
INK, GREY, PALE, LINE = "black", "0.45", "0.86", "0.65"

_LETTERS = "DejaVu Sans"  # come with Matplotlib, so they are the same everywhere
_HANDLE, _AFTER_HANDLE, _BETWEEN = 1.8, 0.5, 1.4  # of the size of a legend's letters: its handles, and the gaps beside them
INCH, _POINTS = 25.4, 72.0  # mm, points
_RESOLUTION = 300
_LONGEST_LABEL = 44

_SETTINGS: dict[str, Any] = {
    "font.family": _LETTERS,
    "font.size": TEXT, "axes.titlesize": TEXT, "axes.labelsize": TEXT, "figure.titlesize": TEXT,
    "xtick.labelsize": SMALL, "ytick.labelsize": SMALL, "legend.fontsize": LEGEND,
    "axes.linewidth": 0.5, "axes.spines.top": False, "axes.spines.right": False, "axes.titlepad": 3.0, "axes.labelpad": 2.0,
    "lines.linewidth": 0.8, "lines.markersize": 3.0, "lines.markeredgewidth": 0.7, "hatch.linewidth": 0.4,
    "xtick.major.width": 0.5, "ytick.major.width": 0.5, "xtick.minor.width": 0.4, "ytick.minor.width": 0.4,
    "xtick.major.size": 2.2, "ytick.major.size": 2.2, "xtick.minor.size": 1.2, "ytick.minor.size": 1.2,
    "xtick.major.pad": 2.0, "ytick.major.pad": 2.0,
    "legend.frameon": False,
    "legend.handlelength": _HANDLE, "legend.columnspacing": _BETWEEN, "legend.handletextpad": _AFTER_HANDLE,
    "figure.constrained_layout.use": True, "figure.constrained_layout.h_pad": 0.02, "figure.constrained_layout.w_pad": 0.02,
    "pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "regerr",
}


@dataclass(frozen=True)
class Look:
    """Colour, marker and name in legends of one method.

    Attributes
    ----------
    key : str
        The method, or the name of an estimator that is not ours.
    label, colour, marker : str
    """

    key: str
    label: str
    colour: str
    marker: str

    def handle(self, **options: Any) -> Line2D:
        """What stands for it in a legend."""
        return Line2D([], [], **{"color": self.colour, "marker": self.marker, "linestyle": "none", "label": self.label} | options)


METHODS = (
    Look("published", "published", "#D55E00", "^"),
    Look("score", "score", "#0072B2", "o"),
    Look("likelihood-ratio", "likelihood ratio", "#56B4E9", "s"),
    Look("wald", "first-order ellipse", "#E69F00", "v"),
    Look("leave-one-out", "leave-one-out disk", "#6E6E6E", "D"),
)
_GUESTS = (("#009E73", "P"), ("#CC79A7", "X"), ("#000000", "*"), ("#B79F00", "h"), ("#7B3294", "d"))
VERDICTS = {  # colour and the letters on it
    "covers": ("#0072B2", "white"), "under-covers": ("#D55E00", "white"), "over-covers": ("#F0C75E", "black"),
    "undecided": ("#DDDDDD", "black"), "cannot": ("#6E6E6E", "white"),
}


def looks(table: pd.DataFrame) -> dict[str, Look]:
    """The look of each estimator of a table, by its name, in the table's order.

    Ours are named after family and method, and one that its label calls published looks so. Any other estimator keeps its own
    label and takes the next colour of a cycle, in the order of names: the same in every figure of a study.
    """
    ours = {look.key: look for look in METHODS}
    known = table[["estimator", "label"]].dropna().drop_duplicates("estimator")
    keys = {str(name): _method(str(name), str(label)) for name, label in known.itertuples(index=False)}
    guests = sorted(name for name, key in keys.items() if key not in ours)
    labels = dict(zip(known["estimator"], known["label"], strict=True))
    strangers = {name: Look(name, plain(labels[name]), *_GUESTS[i % len(_GUESTS)]) for i, name in enumerate(guests)}
    return {name: ours.get(key) or strangers[name] for name, key in keys.items()}


def legend_order(found: dict[str, Look]) -> list[Look]:
    """Each look once: ours in the order of `METHODS`, then others."""
    present = set(found.values())
    return [look for look in METHODS if look in present] + sorted(present.difference(METHODS), key=lambda look: look.key)


def plain(text: str, longest: int = _LONGEST_LABEL) -> str:
    """A user's text as Matplotlib should print it: on one line, not too long, and a dollar is a dollar."""
    words = " ".join(text.split())
    words = words if len(words) <= longest else f"{words[: longest - 1]}…"
    return words.replace("$", r"\$")


def fitted(text: str, room: float, size: float = SMALL) -> str:
    """A user's text, shortened until it fits into so many millimetres."""
    longest = _LONGEST_LABEL
    while longest > 1 and text_width(plain(text, longest), size) > room * _POINTS / INCH:
        longest -= 1
    return plain(text, longest)


def entry_width(label: str) -> float:
    """Width of an entry of a legend, with its handle and the gap to the next one, millimetres."""
    return (text_width(label, LEGEND) + LEGEND * (_HANDLE + _AFTER_HANDLE + _BETWEEN)) * INCH / _POINTS


def text_width(text: str, size: float) -> float:
    """Width of a text in letters of a size, both in points."""
    return float(TextPath((0.0, 0.0), text, size=size, prop=FontProperties(family=_LETTERS)).get_extents().width)


def _method(name: str, label: str) -> str:
    """The method of one of our estimators; empty for any other."""
    family, _, method = name.partition("-")
    if family not in ("rigid", "similarity", "affine"):
        return ""
    return "published" if label.endswith("(published)") else method


P = ParamSpec("P")
R = TypeVar("R")


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """A function that draws with these settings, whatever a user's own settings are."""

    @wraps(function)
    def with_style(*args: P.args, **kwargs: P.kwargs) -> R:
        with settings():
            return function(*args, **kwargs)

    return with_style


@contextmanager
def settings() -> Iterator[None]:
    """These settings over Matplotlib's own defaults."""
    with matplotlib.style.context(["default", _SETTINGS]):
        yield


def figure(width: float, height: float) -> Figure:
    """An empty figure of a size in millimetres."""
    return Figure(figsize=(width / INCH, height / INCH))


@styled
def save(drawn: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Write a figure as PDF and as PNG; the same figure gives the same bytes. Its panels are laid out once, for both."""
    vector, picture = folder / f"{name}.pdf", folder / f"{name}.png"
    drawn.savefig(vector, format="pdf", metadata={"Creator": "regerr", "Producer": None, "CreationDate": None, "ModDate": None})
    drawn.set_layout_engine("none")
    drawn.savefig(picture, format="png", dpi=_RESOLUTION, metadata={"Software": None})
    return vector, picture
