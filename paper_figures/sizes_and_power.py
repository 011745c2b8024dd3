"""The tests of deformation: how often each rejects what is true, and what is not."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import panels, rejections, style, words

TITLE = "Tests of deformation: sizes with few pairs, unequal noise and biased people, and power"
NEEDS = ("deformation/rejections",)
POWER_N = 10  # landmarks of the panels of power with a uniform layout
_LAWS = {"Gaussian": "Gaussian", "t3": "t3", "log-normal s.d.": "log-normal", "s.d. growing outwards": "growing outwards"}


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Three rows: sizes with few pairs; with noise that F does not take, and people; power curves."""
    rows = rejections.shown(tables["deformation/rejections"])
    drawn = style.figure(style.PAGE, 170.0)
    places = drawn.subplot_mosaic("aabb\ncdee\nfghi")
    axes = [places[key] for key in "abcdefghi"]
    _few(axes[:2], rows)
    _unequal(axes[2:4], rows)
    _people(axes[4], rows)
    _power(axes[5:], rows)
    for ax in (axes[0], axes[2], axes[5]):
        ax.set_ylabel("share rejected")
    for ax, letter in zip(axes, "abcdefghi", strict=True):
        ax.set_title(letter, loc="left", fontweight="bold")
    panels.legend(drawn, rejections.handles(rejections.present(rows)), 6)
    return drawn


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """The scenes, the margin, and the span of each test."""
    rows = rejections.shown(tables["deformation/rejections"])
    few, law = (_null(rows, block) for block in ("few pairs", "laws"))
    small = law[law["simpler"] == "rigid"]
    return " ".join([
        f"Share of {words.count(rows['replicates'].max())} replicates in which the wider model is preferred at 5 %, with 99 % "
        "intervals, rigid against affine unless said. a, b: true rigid motions, Gaussian noise alike in both spaces; "
        f"{rejections.spans(few)}. c, d: noise that is not alike for all landmarks or not Gaussian; {rejections.spans(small)}. "
        "e: left-right partners that are placed alike, and four people in each image with a strain of their own. "
        "f to i: power against a stretch of one axis; noise 1 in each space, landmarks uniform over a square or cube (f, g), or "
        "with the spread of those of a brain, 15, 16 and 25 times the noise (h, i). Dashed: margin declared beforehand, "
        f"{rows['margin'].iloc[0]:g}. "
        f"Parametric bootstrap: the first {words.count(rows.loc[rows['test'] == 'bootstrap', 'replicates'].max())} of them.",
    ])


def _null(rows: pd.DataFrame, block: str) -> pd.DataFrame:
    return rows[(rows["block"] == block) & rows["null"]]


def _few(axes: list[Axes], rows: pd.DataFrame) -> None:
    """Against n, a panel for each dimension."""
    few = _null(rows, "few pairs")
    for ax, dimension in zip(axes, (2, 3), strict=True):
        part = few[few["dimension"] == dimension]
        rejections.dots(ax, part, sorted(part["n"].unique()), "n")
        rejections.size_axis(ax, part)
        ax.set_title(f"{dimension}D, true rigid motion")
        ax.set_xlabel("fiducials n")


def _unequal(axes: list[Axes], rows: pd.DataFrame) -> None:
    """Against the law of the noise."""
    laws = _null(rows, "laws")
    laws = laws[laws["simpler"] == "rigid"]
    for ax, dimension in zip(axes, (2, 3), strict=True):
        part = laws[laws["dimension"] == dimension]
        part = part[part["n"] == (POWER_N if dimension == 2 else part["n"].max())]
        part = part.assign(law=part["law"].map(_LAWS))
        rejections.dots(ax, part, [word for word in _LAWS.values() if (part["law"] == word).any()], "law")
        rejections.size_axis(ax, part)
        ax.set_title(f"{dimension}D, n = {part['n'].iloc[0]}, noise")
        ax.tick_params("x", rotation=45, labelsize=style.SMALL)


def _people(ax: Axes, rows: pd.DataFrame) -> None:
    """Landmarks and raters that are not independent."""
    people = rows[rows["block"].isin(["relations", "raters"]) & rows["null"]]
    names = ("partners, n = " + people["n"].astype(str)).where(people["block"] == "relations", "raters, " + people["wider"])
    people = people.assign(what=names)
    rejections.dots(ax, people, list(dict.fromkeys(names)), "what")
    rejections.size_axis(ax, people)
    ax.set_title("3D, landmarks placed by people")


def _power(axes: list[Axes], rows: pd.DataFrame) -> None:
    power = rows[rows["block"] == "power"]
    uniform = power["layout"].str.startswith("uniform")
    brain = power[~uniform & (power["n"] == power.loc[~uniform, "n"].max())]
    parts = [power[uniform & (power["n"] == POWER_N) & (power["dimension"] == d)] for d in (2, 3)]
    parts += [brain[brain["law"] == law] for law in ("Gaussian", "t3")]
    for ax, part in zip(axes, parts, strict=True):
        rejections.curve(ax, part)
        first = part.iloc[0]
        scene = "over 512 px" if first["layout"].startswith("uniform") else first["law"]
        ax.set_title(f"{first['dimension']}D, n = {first['n']}, {scene}")
        ax.set_xlabel("stretch (%)")
