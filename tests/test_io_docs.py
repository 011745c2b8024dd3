"""The page of formats says what the code does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from regerr.io.formats import ALL
from regerr.io.writing import WRITERS

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("formats_page", DOCS / "formats.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(maker: ModuleType) -> None:
    assert (DOCS / "formats.md").read_text(encoding="utf-8") == maker.page(), "run python docs/formats.py"


def test_each_format_stands_on_the_page() -> None:
    page = (DOCS / "formats.md").read_text(encoding="utf-8")
    kinds = [one.CARD.kind for one in ALL]
    assert len(kinds) == len(set(kinds)) >= 35
    assert all(f"| {kind} |" in page for kind in [*kinds, *(writer.kind for writer in WRITERS.values())])


def test_cards_are_cells_of_a_table() -> None:
    cells = [value for one in ALL for value in vars(one.CARD).values()]
    assert all("|" not in cell and "\n" not in cell for cell in cells)
