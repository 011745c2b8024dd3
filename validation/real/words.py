"""What the tables say, in sentences: where ours reach their level on measured points, where not, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from regerr.reporting.text import paragraph

from ..catalogue import DEFAULT
from .diagnosis import Diagnosis
from .hits import Answers

LEVEL = 0.95
_ALIKE, _SHIFTED, _OUTSIDE = 0.2, 0.05, 0.1  # from which on a diagnosis is named
_HEAD = ("Coverage on measured points, level 0.95. Errors in brackets come from leaving out whole raters, fields, subjects or "
         "images (blocks of neighbours where there are fewer than four), never from counting points. Radii are medians over the "
         "first-order region's.")
_JUDGED = {"holds": "its level", "below": "below its level", "above": "above its level",
           "undecided": "the units are too few to tell"}
_MIDDLE, _TAIL = 0.03, 0.005  # first-order region too wide at 0.5 and too short at 0.99: unequal points or heavy tails


def report(table: pd.DataFrame, found: Sequence[tuple[Answers, Mapping[str, Diagnosis]]], skipped: Mapping[str, str]) -> str:
    """The whole text."""
    parts = [paragraph(_HEAD), _short(table)]
    parts += [_question(table, answers, family, diagnosis) for answers, each in found for family, diagnosis in each.items()]
    parts.append(_count(table))
    parts += [paragraph(f"Not asked: {name}: {reason}.") for name, reason in skipped.items()]
    return "\n\n".join(parts) + "\n"


def why(table: pd.DataFrame, diagnosis: Diagnosis, family: str, identity: bool = False) -> list[str]:
    """Reasons that the data give for regions of the wrong size.

    Parameters
    ----------
    table : DataFrame
        Rows of one question and family.
    identity : bool
        Whether the true transformation is known to be the identity.
    """
    first = table[table["estimator"] == f"{family}-wald"].set_index("level")["coverage"]
    said = []
    if diagnosis.outside > _OUTSIDE:
        said.append(f"{diagnosis.outside:.0%} of the points lie outside the fiducials, where what the model lacks grows and the "
                    "residuals do not show it")
    if diagnosis.shifted > _SHIFTED:
        said.append(f"{diagnosis.shifted:.0%} of the squared deviation is a shift of a whole case, which no residual shows")
    if diagnosis.alike > max(_ALIKE, 3 * diagnosis.alike_error):
        cause = "people misplace neighbours alike" if identity else f"the truth bends, it is not {family}"
        said.append(f"neighbours deviate alike (mean cosine {diagnosis.alike:.2f}): {cause}")
    if first[0.5] > 0.5 + _MIDDLE and first[0.99] < 0.99 - _TAIL:
        said.append(f"points are unequal or their noise has heavy tails: the first-order region holds {first[0.5]:.2f} where 0.5 "
                    f"is asked and {first[0.99]:.3f} where 0.99 is")
    return said


def _short(table: pd.DataFrame) -> str:
    """Where the default stands, at a glance."""
    own = table[(table["level"] == LEVEL) & (table["estimator"] == table["family"] + f"-{DEFAULT}")]
    said = [f"The default (score) holds its level in {(own['verdict'] == 'holds').sum()} of {len(own)} questions."]
    starts = {"below": "It falls short in", "above": "It holds too much in", "undecided": "Too few units tell in"}
    for verdict, words in starts.items():
        rows = own[own["verdict"] == verdict]
        each = [f"{row.dataset}, {row.question} ({row.family}): {row.coverage:.3f}" for row in rows.itertuples()]
        said += [f"{words} {'; '.join(each)}."] if each else []
    return paragraph(" ".join(said))


def _question(table: pd.DataFrame, answers: Answers, family: str, diagnosis: Diagnosis) -> str:
    asked = answers.question
    rows = table[(table["dataset"] == asked.dataset) & (table["question"] == asked.name) & (table["family"] == family)]
    at = rows[rows["level"] == LEVEL]
    ours = at[at["estimator"] == f"{family}-{DEFAULT}"].iloc[0]
    sizes = ((ours["cases"], "registration"), (ours["points"], "point"), (ours["units"], ours["unit"]))
    said = [f"{asked.dataset}, {asked.name} ({family}; {', '.join(_counted(*size) for size in sizes)}). The default holds "
            f"{_share(ours)}: {_JUDGED[ours['verdict']]}."]
    causes = "; ".join(why(rows, diagnosis, family, asked.identity))
    if causes:
        start = {"holds": "It does so although ", "undecided": "What speaks against it: "}.get(ours["verdict"], "Why: ")
        said.append(start + causes + ".")
    elif ours["verdict"] in ("below", "above"):
        said.append("The deviations do not tell why.")
    return paragraph(" ".join([*said, *_others(at, ours)]))


def _others(at: pd.DataFrame, ours: pd.Series) -> list[str]:
    """Where the default does not hold its level, the smallest regions that do; everywhere, those that fall short."""
    rest = at[at["estimator"] != ours["estimator"]]
    said = []
    if ours["verdict"] in ("below", "above"):
        near = (rest["verdict"] == "holds") & np.isfinite(rest["radius"])
        each = [f"{row['label']} {_share(row)} at {row['radius']:.2f} times the radius"
                for _, row in rest[near].sort_values("radius").head(3).iterrows()]
        said.append(f"What holds: {'; '.join(each)}." if each else "No other is shown to hold.")
    short = rest[rest["verdict"] == "below"].sort_values("coverage")
    if len(short):
        more = f" and {len(short) - 4} more" if len(short) > 4 else ""
        said.append(f"Below: {', '.join(f'{row.label} {row.coverage:.3f}' for row in short.head(4).itertuples())}{more}.")
    return said


def _count(table: pd.DataFrame) -> str:
    """How many questions each method answered at its level, the best first."""
    at = table[table["level"] == LEVEL]
    names = zip(at["estimator"], at["family"], strict=True)
    way = pd.Series([name.removeprefix(f"{family}-") for name, family in names], at.index)
    lines = []
    for name, own in at.groupby(way, sort=False):
        counts = own["verdict"].value_counts()
        said = ", ".join(f"{counts[v]} {v}" for v in _JUDGED if v in counts)
        lines.append((-counts.get("holds", 0) / len(own), f"  {name:30} {said}"))
    return "\n".join(["Questions (each family counts once) by estimator, level 0.95:", *(line for _, line in sorted(lines))])


def _share(row: pd.Series) -> str:
    return f"{row['coverage']:.3f} ({row['coverage_se']:.3f})"


def _counted(count: int, unit: str) -> str:
    plural = {"block of neighbours": "blocks of neighbours", "set of landmarks": "sets of landmarks"}.get(unit, f"{unit}s")
    return f"{count:,} {unit if count == 1 else plural}"
