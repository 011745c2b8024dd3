"""XML, read without the parts of it that are dangerous.

Document types and entities are refused: no format here has any, and they can make a small file fill the memory or name other
files.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from ..errors import InputError
from .document import Document
from .sheet import refusal, short

Element = ElementTree.Element
_UNSAFE = re.compile(r"<!(doctype|entity|attlist|notation)\b", re.IGNORECASE)
_FIRST = re.compile(r"(?>\s*(?:<\?[^>]*\?>|<!--.*?-->))*+\s*<([\w.:-]{1,80})", re.DOTALL)
_DEEPEST = 200


def root_tag(document: Document) -> str:
    """The name of the first element, without its namespace prefix; empty for what is no XML."""
    match = _FIRST.match(document.head) if document.head.startswith("<") else None
    return match[1].rpartition(":")[2] if match else ""


def parse(document: Document) -> Element:
    """The root of an XML text, its tags without namespaces.

    Raises
    ------
    InputError
        For document types, entities, damaged text and elements nested more than 200 deep.
    """
    if _UNSAFE.search(document.text):
        raise refusal(document.path, ["it declares a document type or entities, which no format of points needs: it is not read"])
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    root: Element | None = None
    depth = 0
    try:
        parser.feed(document.text.strip())
        parser.close()
        for event, element in parser.read_events():
            depth += 1 if event == "start" else -1
            if depth > _DEEPEST:
                raise refusal(document.path, [f"its XML is nested more than {_DEEPEST} deep: it is not read"])
            root = element if root is None else root
            element.tag = element.tag.rpartition("}")[2]
    except InputError:
        raise
    except (ElementTree.ParseError, ValueError, LookupError) as fault:
        said = f"it starts like XML and is damaged ({short(fault)}): save it again, or export the points as CSV"
        raise refusal(document.path, [said]) from None
    if root is None:
        raise refusal(document.path, ["it starts like XML and is damaged (it has no element): save it again"])
    return root


def text_of(element: Element | None, path: str = "") -> str:
    """The text of an element, or of one below it, without blanks around it; empty where there is none."""
    found = element.find(path) if element is not None and path else element
    return ((found.text if found is not None else None) or "").strip()


def unknown(document: Document) -> str:
    """What to say of XML that no reader knows."""
    first = short(f"<{root_tag(document)}>")
    return f"it is XML of no kind that is read here (it starts with {first}): export the points as CSV"
