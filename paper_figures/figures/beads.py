"""One simulated dataset: fiducials, the regions of beads that were held out, and where these beads landed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .. import style, words

TITLE = "Predicted regions and where held-out beads landed"
NEEDS = ("icip/beads",)

_LINES = ("-", (0, (3, 1.2)), (0, (1, 1)))


@style.styled
def draw(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """The target image with the outline of every region; below, enlarged, the beads nearest to the fiducials and farthest."""
    beads = tables["icip/beads"]
    found = style.looks(beads[beads["role"] == "prediction"])
    drawn = style.figure(style.COLUMN, 138.0)
    places = drawn.subplot_mosaic([["whole", "whole"], ["near", "far"]], height_ratios=(2.1, 1.0))
    for ax in places.values():
        handles = _scene(ax, beads, found)
        ax.set_aspect("equal")
        ax.yaxis.set_inverted(True)
    fiducials = beads[beads["role"] == "fiducial"]
    nearest, farthest = _nearest_and_farthest(beads)
    _look_at(places["near"], pd.concat([fiducials, nearest]), "nearest bead, enlarged")
    _look_at(places["far"], farthest, "farthest bead, enlarged")
    for name, ax in places.items():
        ax.set_xlabel("x in the target (px)")
        ax.set_ylabel("y in the target (px)" if name != "far" else "")
    drawn.legend(handles=handles, loc="outside lower center", ncols=2)
    drawn.draw_without_rendering()  # squares find their size, so that what stands around them gets its room
    return drawn


def caption(tables: Mapping[str, pd.DataFrame]) -> str:
    """How many fiducials and beads there are, and how many beads landed in the regions of each method."""
    beads = tables["icip/beads"]
    predicted = beads[beads["role"] == "prediction"]
    found = style.looks(predicted)
    counts = [f"{words.count(rows['inside'].astype(bool).sum())} in the {found[str(name)].label} regions"
              for name, rows in predicted.groupby("estimator", sort=False)]
    first = next(iter(found.values())).label
    return (f"One simulated dataset in the target image: {words.count((beads['role'] == 'fiducial').sum())} fiducials "
            f"and 95 % regions for where {words.count((beads['role'] == 'landing').sum())} "
            f"further beads will be localised. Of these beads, "
            f"there landed {words.listed(counts)}; crosses: outside of the {first} region.")


def _scene(ax: Axes, beads: pd.DataFrame, found: Mapping[str, style.Look]) -> list[Line2D]:
    """All there is to see; returns what stands in the legend."""
    lines = dict(zip(found, cycle(_LINES)))
    for name, look in found.items():
        mine = beads[(beads["role"] == "boundary") & (beads["estimator"] == name)].sort_values("vertex")
        for _, curve in mine.groupby(["bead", "piece"]):
            ax.plot(curve["x"], curve["y"], color=look.colour, ls=lines[name], lw=0.9, zorder=2, gid=f"boundary {name}")
    regions = [look.handle(marker="none", linestyle=lines[name], lw=0.9, label=f"{look.label} region")
               for name, look in found.items()]
    fiducials = _points(ax, beads[beads["role"] == "fiducial"], "fiducial", marker="s", mfc="none")
    return [*regions, fiducials, *_landings(ax, beads, next(iter(found)))]


def _landings(ax: Axes, beads: pd.DataFrame, first: str) -> list[Line2D]:
    """Where beads landed: a dot inside the region of the first estimator, a cross outside of it."""
    predicted = beads[(beads["role"] == "prediction") & (beads["estimator"] == first)].set_index("bead")["inside"].astype(bool)
    landed = beads[beads["role"] == "landing"]
    inside = predicted.reindex(landed["bead"]).to_numpy(bool)
    return [_points(ax, landed[inside], "bead, landed inside", marker="o", ms=2.2),
            _points(ax, landed[~inside], "bead, landed outside", marker="x", ms=4.0, mew=1.0)]


def _points(ax: Axes, rows: pd.DataFrame, label: str, **look: Any) -> Line2D:
    options: dict[str, Any] = {"ls": "none", "color": style.INK, "ms": 2.6, "mew": 0.6, "zorder": 4, **look}
    (points,) = ax.plot(rows["x"], rows["y"], label=label, gid=label, **options)
    return points


def _nearest_and_farthest(beads: pd.DataFrame) -> list[pd.DataFrame]:
    """What belongs to the beads whose predictions lie nearest to the fiducials' mean and farthest from it."""
    predicted, others = beads[beads["role"] == "prediction"], beads[beads["role"] != "fiducial"]
    away = (predicted[["x", "y"]] - beads.loc[beads["role"] == "fiducial", ["x", "y"]].mean()).pow(2).sum(axis=1)
    return [others[others["bead"] == predicted["bead"].iloc[int(place)]] for place in (away.argmin(), away.argmax())]


def _look_at(ax: Axes, points: pd.DataFrame, title: str) -> None:
    """Show a square about some points."""
    low, high = points[["x", "y"]].min(), points[["x", "y"]].max()
    half = 0.58 * float((high - low).max())
    middle = (low + high) / 2
    ax.set_xlim(middle["x"] - half, middle["x"] + half)
    ax.set_ylim(middle["y"] + half, middle["y"] - half)
    ax.set_title(title)
