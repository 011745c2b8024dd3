"""The chain from two images to regions: coverage at beads that were held out, and what wrong pairs cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import panels, style, words
from .asked import LEVEL

TITLE = "From two images to regions: coverage at held-out beads, and the price of wrong pairs"
NEEDS = ("chain/chain",)
MARGIN = 0.01  # declared beforehand
HONEST = {
    "chain": style.Look("chain", "as found, with covariances", "#0072B2", "o"),
    "places alone": style.Look("places alone", "as found, places alone", "#56B4E9", "s"),
    "true pairs": style.Look("true pairs", "true pairs, with covariances", "#009E73", "D"),
}
SPOILT = {
    "1 wrong pair": style.Look("1 wrong pair", "one wrong pair", "#E69F00", "^"),
    "3 wrong pairs": style.Look("3 wrong pairs", "three wrong pairs", "#D55E00", "v"),
    "1 wrong pair, outliers removed": style.Look("1 removed", "one, outliers removed", "#CC79A7", "P"),
    "3 wrong pairs, outliers removed": style.Look("3 removed", "three, outliers removed", "#7B3294", "X"),
}
_KINDS = {"tre": "true places (tre)", "observation": "where they are seen (observation)"}
_ROW, _FEET = 7.5, 28.0  # mm


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Three panels with one row for each kind of images."""
    table = tables["chain/chain"]
    names = list(dict.fromkeys(_names(table)))
    drawn, grid = panels.grid(1, 3, style.PAGE, _FEET + _ROW * len(names), sharey=True)
    for ax, (kind, title) in zip(grid[0], _KINDS.items(), strict=False):
        _coverages(ax, table, names, kind)
        ax.set_title(title)
        ax.set_xlabel("coverage of 95 % regions")
    _prices(grid[0, 2], table, names)
    grid[0, 0].set_yticks(range(len(names)), names)
    grid[0, 0].set_ylim(len(names) - 0.5, -0.5)
    for ax, letter in zip(grid[0], "abc", strict=True):
        ax.set_title(letter, loc="left", fontweight="bold")
        ax.tick_params("y", length=0)
    panels.legend(drawn, [look.handle() for look in (*HONEST.values(), *SPOILT.values())], 4)
    return drawn


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """What was drawn and hidden, the spans of coverage, and of what wrong pairs cost."""
    table = tables["chain/chain"]
    flat = table[table["dimension"] == 2]
    price = {way: _price(table, way) for way in SPOILT}
    silent = table.loc[table["way"] == "chain", "silent"]
    return " ".join([
        f"Simulated light and electron micrographs of the same beads (two channels: two light micrographs), "
        f"{words.count(flat['replicates'].max())} pairs of images a row"
        f"{_volumes(table)}. Beads are detected and matched without any knowledge of which is which; some that both images show "
        "are hidden from matching and registration, and asked afterwards. Bars: 99 % intervals over images; grey: the declared "
        f"margin, {LEVEL - MARGIN:g} to {LEVEL + MARGIN:g}.",
        *(f"{letter}: {title}; {_spans(table, kind)}." for letter, (kind, title) in zip("ab", _KINDS.items(), strict=True)),
        "c: r.m.s. TRE that is told, median over images, over that without wrong pairs, after the partner of some pairs was "
        "moved to a random place; " + "; ".join(f"{SPOILT[way].label} {words.number(p.min())} to {words.number(p.max())}"
                                                for way, p in price.items()) + ".",
        f"Most of held-out beads outside their 99.9 % regions, or most pairs wrong, without a warning: "
        f"{100 * silent.max():.2g} % of images at most.",
    ])


def _names(table: pd.DataFrame) -> pd.Series:
    return table["title"] + ", " + table["model"]


def _volumes(table: pd.DataFrame) -> str:
    deep = table[table["dimension"] == 3]
    return f", and {words.count(deep['replicates'].max())} pairs of volumes" if len(deep) else ""


def _spans(table: pd.DataFrame, kind: str) -> str:
    return "; ".join(f"{look.label} {words.span(table.loc[table['way'] == way, kind])}" for way, look in HONEST.items())


def _price(table: pd.DataFrame, way: str) -> pd.Series:
    """For each kind of images, in their order."""
    names = list(dict.fromkeys(_names(table)))
    return _of(table, way, names)["typical"] / _of(table, "chain", names)["typical"]


def _of(table: pd.DataFrame, way: str, names: Sequence[str]) -> pd.DataFrame:
    """The rows of one way, by kind of images."""
    part = table[table["way"] == way]
    return part.assign(name=_names(part)).set_index("name").reindex(list(names))


def _coverages(ax: Axes, table: pd.DataFrame, names: Sequence[str], kind: str) -> None:
    ax.axvspan(LEVEL - MARGIN, LEVEL + MARGIN, color=style.PALE, lw=0, zorder=0, gid="margin")
    ax.axvline(LEVEL, color=style.INK, lw=0.6, zorder=1, gid="nominal")
    for (way, look), step in zip(HONEST.items(), panels.steps(len(HONEST), 0.6), strict=True):
        rows = _of(table, way, names)
        ax.errorbar(rows[kind], np.arange(len(names)) + step, xerr=panels.normal_quantile() * rows[f"{kind}_se"],
                    fmt=look.marker, color=look.colour, elinewidth=0.6)[0].set_gid(way)


def _prices(ax: Axes, table: pd.DataFrame, names: Sequence[str]) -> None:
    for (way, look), step in zip(SPOILT.items(), panels.steps(len(SPOILT), 0.6), strict=True):
        ax.plot(_price(table, way), np.arange(len(names)) + step, look.marker, color=look.colour, gid=way)
    ax.set_xscale("log")
    ax.axvline(1.0, color=style.INK, lw=0.6, zorder=1)
    ax.set_title("price of wrong pairs")
    ax.set_xlabel("r.m.s. TRE told, over that without them")
