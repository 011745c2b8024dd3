"""HTML in which every text is escaped, unless it was made here.

Names of fiducials and files come from anywhere. An element escapes all of its children and attributes that are not `Markup`, and
nothing else in this package writes a tag, so no name can become one.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable

_VOID = ("br", "meta")
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # control characters, marks that turn the direction of writing, halves of characters
_SPACES = "\t\n\r"


class Markup(str):
    """Text that already is HTML."""

    __slots__ = ()


def escaped(text: object) -> Markup:
    """A text as HTML; HTML as it is."""
    return text if isinstance(text, Markup) else Markup(html.escape(visible(str(text)), quote=True))


def visible(text: str) -> str:
    """A text with a replacement mark for every character that shows nothing or turns the direction of what follows."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _HIDDEN and c not in _SPACES else c for c in text)


def element(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element; ``class_`` and ``aria_label`` become ``class`` and ``aria-label``, attributes that are None are left out."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"' for key, value in attributes.items()
                    if value is not None)
    return Markup(f"<{name}{given}>" if name in _VOID else f"<{name}{given}>{joined(children)}</{name}>")


def joined(parts: Iterable[object]) -> Markup:
    """Parts one after the other, each escaped unless it is HTML."""
    return Markup("".join(map(escaped, parts)))


def listed(items: Iterable[object], kind: str = "ul") -> Markup:
    """A list with one item each."""
    return element(kind, *(element("li", item) for item in items))
