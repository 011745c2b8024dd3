"""A report as one page: no scripts, no addresses, nothing to fetch."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from . import sections
from .markup import Markup, element, joined
from .meanings import meanings
from .vector import inline

if TYPE_CHECKING:
    from .contents import Contents
    from .scene import Drawing

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(contents: Contents, drawings: Sequence[Drawing], title: str | None = None) -> str:
    """The whole page.

    Parameters
    ----------
    contents : Contents
    drawings : sequence of Drawing
        Shown in their order.
    title : str, optional
        Its heading; the names of the files by default.
    """
    from .. import __version__

    pairs, model = contents.result.pairs, contents.result.model.card.name
    heading = title or ", ".join(contents.files) or f"{pairs.n} fiducials"
    header = element("header", element("p", "Registration report", class_="kind"), element("h1", heading),
                     element("p", f"{pairs.n} fiducials in {pairs.dimension}D, {model} transformation, source "
                                  f"({pairs.source_unit}) to target ({pairs.target_unit})", class_="under"))
    body = element("main", header, sections.verdict(contents), sections.next_steps(contents),
                   pictures(drawings, pairs.dimension == 3), sections.predictions(contents),
                   sections.fiducials(contents), sections.deformation(contents),
                   sections.done(contents), sections.transformation(contents), sections.for_methods(contents),
                   meanings(contents), element("footer", f"Made by regerr {__version__}. This file needs no network."))
    return f"<!DOCTYPE html>\n{element('html', _head(heading), element('body', body), lang='en')}\n"


def pictures(drawings: Sequence[Drawing], broad: bool) -> Markup:
    """The figures, each with what it shows; broad ones of three panels."""
    shown = [element("figure", inline(one.figure, one.name, one.title),
                     element("figcaption", element("strong", one.title), ". ", one.words)) for one in drawings]
    return element("section", element("h2", "Pictures"), element("div", *shown, class_="figures broad" if broad else "figures"))


def _head(heading: str) -> Markup:
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return element("head", joined((
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"Registration report: {heading}"),
        element("style", Markup(style)))))
