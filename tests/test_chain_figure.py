"""The figure of the chain, drawn from a table that says what it must show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from paper_figures import chained
from validation.chain.running import COLUMNS
from validation.chain.steps import WAYS


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [{"title": title, "dimension": d, "model": "rigid", "way": way, "replicates": 40 * d, "tre": 0.93 + 0.003 * k,
             "tre_se": 0.002, "observation": 0.94 + 0.002 * k, "observation_se": 0.001, "typical": 0.01 * d * (k + 1),
             "silent": 0.001 * d}
            for title, d in (("typical", 2), ("volume", 3)) for k, way in enumerate(WAYS)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_dots_stand_where_the_table_says(table):
    drawn = chained.draw({"chain/chain": table})
    first, second, third = drawn.axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["typical, rigid", "volume, rigid"]
    for ax, kind in ((first, "tre"), (second, "observation")):
        for way in chained.HONEST:
            (dots,) = (artist for artist in ax.get_children() if artist.get_gid() == way)
            np.testing.assert_allclose(np.asarray(dots.get_xdata(), float), table.loc[table["way"] == way, kind])
            np.testing.assert_allclose(np.round(dots.get_ydata()), [0, 1])
    for way in chained.SPOILT:
        (dots,) = (artist for artist in third.get_children() if artist.get_gid() == way)
        np.testing.assert_allclose(np.asarray(dots.get_xdata(), float), 2 * [list(WAYS).index(way) + 1])


def test_the_caption_has_the_numbers_of_the_table(table):
    caption = chained.caption({"chain/chain": table})
    assert "80 pairs of images a row, and 120 pairs of volumes" in caption
    assert "as found, with covariances 0.930 to 0.930" in caption and "0.3 % of images at most" in caption
    worst = table.assign(silent=0.02)
    assert "2 % of images at most" in chained.caption({"chain/chain": worst})
