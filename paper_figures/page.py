"""The page that shows all results: one file, offline, readable in light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from .style import VERDICTS
from .words import count, number

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
figure { margin: 1.5rem 0; }
figure img { width: 100%; max-width: 46rem; background: white; border: 1px solid var(--line); }
figcaption { font-size: .9rem; max-width: 46rem; }
table { border-collapse: collapse; font-size: .9rem; display: block; overflow-x: auto; }
th, td { padding: .15rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
thead { background: var(--soft); } nav ul { padding: 0; list-style: none; columns: 24rem; } nav li { break-inside: avoid; }
"""
_STUDIES = {"icip": "The ICIP 2021 study", "regions": "Regions against the number of fiducials and the noise",
            "grand": "Every estimator, in the block of scenarios where all is as assumed"}


@dataclass(frozen=True)
class Drawn:
    """A figure that was written.

    Attributes
    ----------
    name, title, caption : str
    files : tuple of str
        Their names in the folder of figures: PDF and PNG first.
    """

    name: str
    title: str
    caption: str
    files: tuple[str, ...]


def page(drawn: Sequence[Drawn], tables: Mapping[str, pd.DataFrame], files: Sequence[str]) -> str:
    """The whole page.

    Parameters
    ----------
    drawn : sequence of Drawn
    tables : mapping
        By name, ``study/table``.
    files : sequence of str
        Tables to link to, relative to the page.
    """
    links = "".join(f'<li><a href="#{escape(d.name)}">{escape(d.title)}</a></li>' for d in drawn)
    verdicts = "".join(f"<h3>{escape(title)}</h3>{_size(tables[f'{study}/summary'])}{verdict_table(tables[f'{study}/summary'])}"
                       for study, title in _STUDIES.items() if f"{study}/summary" in tables)
    listed = "".join(f'<li><a href="{escape(name)}">{escape(name)}</a></li>' for name in files)
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>regerr: results</title><style>{_STYLE}</style></head>\n<body>\n"
            f"<h1>How wrong is a registration, and do its regions say so?</h1>\n"
            f"<p>Monte Carlo studies of confidence regions for registrations from matched points. "
            f"Every number on this page is read from the tables below.</p>\n<h2>Verdicts</h2>\n"
            f"<p>Number of scenarios in which the mean coverage of 95 % regions was judged so, against a margin declared "
            f"beforehand, with the right model.</p>\n{verdicts}\n<h2>Figures</h2>\n<nav><ul>{links}</ul></nav>\n"
            f"{''.join(map(_figure, drawn))}\n<h2>Tables</h2>\n<ul>{listed}</ul>\n</body></html>\n")


def _size(summary: pd.DataFrame) -> str:
    """How large a study was, so that nobody takes a quick one for the whole."""
    failed = summary.groupby(["scenario", "estimator"])["failed"].first()
    return (f"<p>{count(summary['scenario'].nunique())} scenarios, {count(summary['replicates'].max())} replicates each. "
            f"Datasets without a fit, at most in a scenario: {number(100 * failed.max())} %.</p>")


def verdict_table(summary: pd.DataFrame) -> str:
    """Counts of verdicts at level 0.95 for each estimator and question, where its model is right."""
    rows = summary[summary["level"] == 0.95]
    if "truth" in rows:
        rows = rows[(rows["model"] == rows["truth"]) | (rows["model"] == "")]
    if "block" in rows:
        rows = rows[rows["block"] == rows["block"].iloc[0]]
    groups = rows.groupby(["label", "kind"], sort=False)
    counts = groups["verdict"].value_counts().unstack(fill_value=0).reindex(columns=list(VERDICTS), fill_value=0)
    spans = groups["coverage_mean"].agg(["min", "max"])
    counts = counts.reindex(spans.index)
    head = "".join(f"<th>{escape(name)}</th>" for name in ("estimator", "question", *counts.columns, "coverage"))
    body = "".join(_row(label, kind, line, span) for (label, kind), line, span in
                   zip(counts.index.to_list(), counts.to_numpy(), spans.to_numpy(), strict=True))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(label: str, kind: str, counts: np.ndarray, span: np.ndarray) -> str:
    cells = [label, kind, *map(str, counts), f"{span[0]:.3f} to {span[1]:.3f}"]
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _figure(drawn: Drawn) -> str:
    picture = next(name for name in drawn.files if name.endswith(".png"))
    links = ", ".join(f'<a href="figures/{escape(name)}">{escape(name.rpartition(".")[2].upper())}</a>' for name in drawn.files)
    return (f'<figure id="{escape(drawn.name)}"><a href="figures/{escape(picture)}"><img src="figures/{escape(picture)}" '
            f'alt="{escape(drawn.title)}" loading="lazy"></a>\n<figcaption><b>{escape(drawn.title)}.</b> {escape(drawn.caption)} '
            f"({links})</figcaption></figure>\n")
