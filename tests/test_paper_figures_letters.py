"""Room for words in figures: legends stay inside the page, and names in front of numbers are shortened."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figures import panels, style

WIDE, NARROW = "W" * 39 + "…", "score"


def with_legend(labels: list[str], columns: int) -> Figure:
    with style.settings():
        figure, _ = panels.grid(1, 1, style.PAGE, 60.0)
        panels.legend(figure, [Line2D([], [], label=label) for label in labels], columns)
        figure.draw_without_rendering()
    return figure


def columns_of(figure: Figure) -> int:
    (legend,) = figure.legends
    return len({round(text.get_window_extent().x0) for text in legend.get_texts()})


@pytest.mark.parametrize("labels", [[NARROW] * 9, [*[NARROW] * 8, WIDE], [WIDE, *[NARROW] * 4, WIDE], [WIDE] * 7])
def test_a_legend_stays_inside_its_figure_and_off_the_panels(labels):
    figure = with_legend(labels, 5)
    (legend,) = figure.legends
    with style.settings():
        box, panel = legend.get_window_extent(), figure.axes[0].get_tightbbox()
    assert box.x0 >= 0.0 and box.x1 <= figure.bbox.width and not panel.overlaps(box)
    assert columns_of(figure) == 5 or WIDE in labels


def test_a_legend_that_fits_keeps_its_columns_and_a_wide_one_keeps_what_it_can():
    assert columns_of(with_legend([NARROW] * 9, 5)) == 5
    assert columns_of(with_legend([WIDE] * 7, 5)) == 1
    assert columns_of(with_legend(["a" * 40] * 7, 5)) == 2


def test_a_legend_that_is_too_wide_is_seen():
    with style.settings():
        figure, _ = panels.grid(1, 1, style.PAGE, 60.0)
        figure.legend(handles=[Line2D([], [], label=WIDE) for _ in range(4)], loc="outside lower center", ncols=4)
        figure.draw_without_rendering()
        box = figure.legends[0].get_window_extent()
    assert box.x0 < 0.0 or box.x1 > figure.bbox.width


@pytest.mark.parametrize("name", [
    "rigid, first order (published)", "W" * 200, "i" * 200, "costs 5 $ and $x$ more, and goes on and on",
])
def test_a_name_is_shortened_to_its_room(name):
    with style.settings():
        text = style.fitted(name, 34.0)
        assert style.text_width(text, style.SMALL) <= 34.0 / 25.4 * 72.0
    shown = text.replace("\\$", "$")
    assert shown == name or (shown.endswith("…") and name.startswith(shown[:-1].rstrip()) and len(shown) > 10)
