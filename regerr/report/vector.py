"""Figures as part of a page: vector graphics without scripts, addresses or names that two figures share."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from .markup import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REFERENCE = re.compile(r"url\(#([^)]*)\)")
_DPI = 150  # of pictures within a figure
_DROPPED = ("metadata", "script")
# Names are drawn as they are: a dollar sign begins no formula. The salt makes two runs give one file.
DRAWN: dict[str, Any] = {"text.parse_math": False, "svg.hashsalt": "regerr", "svg.fonttype": "path", "pdf.fonttype": 42,
                         "savefig.transparent": False}


def inline(figure: Figure, name: str, words: str) -> Markup:
    """A figure as an ``svg`` element.

    Parameters
    ----------
    figure : matplotlib Figure
        Drawn under the settings `DRAWN`.
    name : str
        Stands before all ids within it.
    words : str
        What it shows, for those who cannot see it.
    """
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None}, dpi=_DPI)
    root = ElementTree.fromstring(text.getvalue())
    _cleaned(root, f"{name}-")
    width, height = (root.attrib.pop(side) for side in ("width", "height"))
    root.attrib |= {"role": "img", "aria-label": words, "style": f"max-width:{_pixels(width):g}px"}
    assert height  # the picture keeps its proportions by its viewBox
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=False))


def _cleaned(node: ElementTree.Element, prefix: str) -> None:
    """Take off namespaces, which a page has no need of, and put a prefix before each id and each reference to one."""
    node.tag = node.tag.rpartition("}")[2]
    plain = [(key.rpartition("}")[2], value) for key, value in node.attrib.items()]
    node.attrib = {key: _referring(key, value, prefix) for key, value in plain}
    for child in list(node):
        if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in _DROPPED:
            node.remove(child)
        else:
            _cleaned(child, prefix)


def _referring(key: str, value: str, prefix: str) -> str:
    if key == "id":
        return prefix + value
    if key == "href" and value.startswith("#"):
        return f"#{prefix}{value[1:]}"
    return _REFERENCE.sub(lambda found: f"url(#{prefix}{found[1]})", value)


def _pixels(length: str) -> float:
    """A length of a picture, in points, as pixels of a page."""
    return float(length.removesuffix("pt")) * 4.0 / 3.0
