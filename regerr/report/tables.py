"""Tables for a page: a caption that defines the columns, and below it a box of their own in which wide and long ones scroll."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .markup import Markup, element, joined

_WORDS = re.compile(r"[a-z]{3,} [a-z]{2,}")  # a column with a phrase in it reads from the left


def table(title: str, words: str, header: Sequence[str], rows: Sequence[Sequence[object]], marked: Sequence[bool] = ()) -> Markup:
    """A table whose first column names its rows.

    Parameters
    ----------
    title, words : str
        What it shows; what follows that, such as what its columns mean.
    header : sequence of str
    rows : sequence of sequences
        As long as the header.
    marked : sequence of bool, optional
        Rows that a person should look at.
    """
    marks = list(marked) or [False] * len(rows)
    kinds = ["words" if any(_WORDS.search(str(row[k])) for row in rows) else None for k in range(len(header))]
    head = element("tr", *(element("th", cell, scope="col", class_=kind) for cell, kind in zip(header, kinds, strict=True)))
    body = [element("tr", *_cells(row, kinds), class_="marked" if mark else None) for row, mark in zip(rows, marks, strict=True)]
    whole = element("table", element("thead", head), element("tbody", joined(body)))
    box = element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=title)
    return element("figure", element("figcaption", element("strong", title), words), box, class_="table")


def _cells(row: Sequence[object], kinds: Sequence[str | None]) -> list[Markup]:
    first = element("th", row[0], scope="row")
    return [first, *(element("td", cell, class_=kind) for cell, kind in zip(row[1:], kinds[1:], strict=True))]
