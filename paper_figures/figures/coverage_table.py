"""The table of minimum, mean, s.d. and maximum coverage over targets, with the interval of the mean; also as CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import style, tabular, words
from ..asked import asked

TITLE = "Coverage over targets: min, mean, s.d., max"
NEEDS = ("icip/summary",)

_LINE, _TOP, _BLOCK, _EDGE = 3.1, 9.5, 86.5, 0.5  # mm: height of a line, where lines begin, width of a block of columns, margin
_NAME = 34.0  # mm: room for a name in front of the first number
_GAP = style.PAGE - 2 * (_BLOCK + _EDGE)
_COLUMNS = {"min": 45.5, "mean": 54.0, "99 % interval": 69.5, "s.d.": 78.0, "max": _BLOCK}  # right edges, mm


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """A page with a block of columns for each truth."""
    found = tabular.coverage_rows(asked(tables["icip/summary"]))
    blocks = [block for _, block in found.groupby("truth", sort=False)]
    lines = max(sum(len(cell) + 1 for _, cell in block.groupby(["layout", "n"])) for block in blocks)
    width = len(blocks) * _BLOCK + (len(blocks) - 1) * _GAP + 2 * _EDGE
    height = _TOP + _LINE * lines + 1.0
    drawn = style.figure(width, height)
    drawn.set_layout_engine("none")
    ax = drawn.add_axes((0.0, 0.0, 1.0, 1.0), xlim=(0.0, width), ylim=(height, 0.0))
    ax.set_axis_off()
    for i, block in enumerate(blocks):
        _block(ax, block, _EDGE + i * (_BLOCK + _GAP))
    return drawn


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """What the columns are, and the extremes of ours and the published with the right model."""
    summary = asked(tables["icip/summary"])
    right = summary[summary["model"] == summary["truth"]]
    return " ".join([
        f"Coverage of {words.percent(float(summary['level'].iloc[0]))} regions {words.KINDS[summary['kind'].iloc[0]]} over "
        f"{words.count(summary['targets'].max())} targets: minimum, mean, standard deviation and maximum; "
        f"{words.count(summary['replicates'].max())} replicates. The 99 % interval is that of the mean, from its Monte "
        f"Carlo standard error over replicates, which is {summary['coverage_mean_se'].max():.4f} at most.",
        f"Mean with the right model: {words.by_method(right, style.looks(summary))}.",
    ])


EXTRAS = {
    "csv": lambda tables: tabular.as_csv(tabular.coverage_rows(tables["icip/summary"])),
    "tex": lambda tables: tabular.as_latex(tabular.coverage_rows(tables["icip/summary"]), ("kind", "truth", "layout", "n")),
}


def _block(ax: Axes, block: pd.DataFrame, left: float) -> None:
    right = left + _BLOCK
    _write(ax, left, 2.6, f"{block['truth'].iloc[0]} truth", weight="bold", size=style.TEXT)
    for name, edge in _COLUMNS.items():
        _write(ax, left + edge, 6.4, name, ha="right")
    for y, width in ((4.5, 0.6), (8.0, 0.4)):
        ax.plot([left, right], [y, y], color=style.INK, lw=width)
    y = _TOP
    for (layout, n), cell in block.groupby(["layout", "n"], sort=False):
        _write(ax, left, y, f"{layout}, n = {n}", style="italic")
        for name, *numbers in cell[["estimator", *_COLUMNS]].itertuples(index=False, name=None):
            y += _LINE
            _write(ax, left + 2.0, y, style.fitted(name, _NAME))
            for text, edge in zip(numbers, _COLUMNS.values(), strict=True):
                _write(ax, left + edge, y, text, ha="right")
        y += _LINE
    ax.plot([left, right], [y - 0.5 * _LINE] * 2, color=style.INK, lw=0.6)


def _write(ax: Axes, x: float, y: float, text: str, **look: object) -> None:
    ax.text(x, y, text, **{"size": style.SMALL, "va": "center", **look})  # type: ignore[arg-type]
