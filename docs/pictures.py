"""Draw the pictures of the README from simulated beads: ``python docs/pictures.py``."""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

import regerr
from regerr import plotting

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "0.55"
FOLDER = Path(__file__).parent / "images"
PIXEL = 0.25


def overview() -> None:
    """Map of expected TRE in the source image, and 95 % regions in the target: five beads, 0.4 µm noise in each image."""
    rng = np.random.default_rng(8)
    turn = np.deg2rad(12.0)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    beads = np.array([[22.0, 24], [34, 18], [46, 27], [37, 41], [25, 38]])
    source, target = (x + 0.4 * rng.standard_normal(beads.shape) for x in (beads, beads @ rotation.T + [9, -4]))
    pairs = regerr.FiducialPairs(source, target, source_unit="µm", target_unit="µm")
    targets = np.array([[33.0, 30], [12, 12], [60, 16], [62, 52], [14, 56], [40, 66]])
    result = regerr.fit(pairs)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.1), layout="constrained", width_ratios=(1.15, 1))
    plotting.plot_map(result.error_map((300, 300), spacing=PIXEL), result, ax=left)
    plotting.plot_regions(result, targets, "observation", names=[f"target {i}" for i in range(1, 7)], ax=right)
    left.set_title("expected TRE in the source image", fontsize=9)
    right.set_title("95 % regions in the target image", fontsize=9)
    save(figure, "overview")


def kinds() -> None:
    """What each kind of region asks, on one large simulated error."""
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.1), layout="constrained")
    questions = {"tre": "tre: where does the true point land?",
                 "lre": "lre: it was localised here;\nwhere is it truly, in the target?",
                 "observation": "observation: it was localised here;\nwhere will it be localised in the target?"}
    for ax, (kind, question) in zip(axes, questions.items(), strict=True):
        draw_kind(ax, kind)
        ax.set_title(question, fontsize=9)
    save(figure, "kinds")


def draw_kind(ax: Axes, kind: str) -> None:
    """Repetitions of the question: predictions shifted onto one another, and where the answer was."""
    rng = np.random.default_rng(3)
    fiducials = np.array([[-14.0, -9], [12, -11], [-10, 12], [13, 10], [0, -2], [4, 13]])
    truth = np.array([[9.0, 3.0]])
    replicates = 300
    source, target = (fiducials + rng.standard_normal((replicates, 6, 2)) for _ in range(2))
    result = regerr.fit(regerr.FiducialPairs(source, target))
    asked = truth + (rng.standard_normal((replicates, 1, 2)) if kind != "tre" else np.zeros((replicates, 1, 2)))
    answers = truth + (rng.standard_normal((replicates, 1, 2)) if kind == "observation" else np.zeros((replicates, 1, 2)))
    prediction = result.predict(asked, kind)
    inside = prediction.region(0.95).contains(answers)[:, 0]
    away = (answers - prediction.mean)[:, 0]
    typical = int(np.argmin(np.abs(result.fle_rms - np.sqrt(4.0))))
    one = result[typical].predict(asked[typical], kind)
    curve = one.region(0.95).boundary(128)[0][0] - one.mean[0]
    ax.fill(*curve.T, facecolor=BLUE, alpha=0.15)
    ax.plot(*curve.T, color=BLUE, lw=1.5, label="a 95 % region")
    ax.plot(0, 0, "+", color=BLUE, ms=11, mew=2, label="prediction")
    ax.scatter(*away.T, s=5, color=ORANGE, label=f"the answer, {replicates} repetitions", zorder=3)
    ax.set(aspect="equal", xlim=(-5.4, 5.4), ylim=(5.4, -5.4), xlabel="px", yticks=[-4, 0, 4], xticks=[-4, 0, 4])
    ax.text(0.03, 0.03, f"{inside.mean():.0%} inside their own region", transform=ax.transAxes, fontsize=8, color="0.3",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5})
    if kind == "tre":
        ax.legend(fontsize=7, loc="upper left", frameon=False)


def save(figure: plt.Figure, name: str) -> None:
    """Write a PNG without a date, the same bytes each time."""
    FOLDER.mkdir(exist_ok=True)
    figure.savefig(FOLDER / f"{name}.png", dpi=130, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    warnings.simplefilter("error")
    overview()
    kinds()
