"""Tables for a page: a caption that defines the columns, and a box of their own in which wide and long ones scroll."""

from __future__ import annotations

from collections.abc import Sequence

from .markup import Markup, element, joined


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
    head = element("tr", *(element("th", cell, scope="col") for cell in header))
    body = [element("tr", *_cells(row), class_="marked" if mark else None) for row, mark in zip(rows, marks, strict=True)]
    caption = element("caption", element("strong", title), words)
    whole = element("table", caption, element("thead", head), element("tbody", joined(body)))
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=title)


def _cells(row: Sequence[object]) -> list[Markup]:
    return [element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])]
