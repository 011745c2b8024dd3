"""Navigator files of SerialEM, as text or XML: registration points, or points on the stage.

Two items with the same registration point (``RegPt``) in two registrations (``Regis``) are a fiducial pair; the lower
registration is the source. A file without such pairs gives its point items. Stage coordinates are µm with y upwards. Notes
and paths to maps are not kept.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import RegistrationWarning
from .document import Document
from .frame import Frame
from .markup import parse, root_tag, text_of
from .sheet import Card, Sheet, Side, refusal, sheet_of, short
from .table import finite

CARD = Card("SerialEM navigator", ".nav", "pairs or points", "µm of the stage", "y upwards",
            "items with one RegPt in two registrations are pairs, else point items are read; maps and polygons are unused")
_START = re.compile(r"(AdocVersion\s*=|\[Item\s*=)")
_ITEM = re.compile(r"\[Item\s*=(.*)\]\Z")
_KINDS = {"1": "a polygon", "2": "a map"}
_STAGE = Frame(upward=True)


@dataclass(frozen=True)
class Item:
    """One item: its label and its fields."""

    label: str
    fields: dict[str, str]

    def field(self, name: str) -> str:
        """A field, empty when it is lacking."""
        return self.fields.get(name, "")


def recognises(document: Document) -> bool:
    """Whether the file is SerialEM's text or XML."""
    return _START.match(document.head) is not None or root_tag(document) == "navigator"


def read(document: Document) -> Sheet:
    """Registration points as pairs, or all point items; raises InputError when there are neither."""
    items = list(_from_xml(document) if document.head.startswith("<") else _from_text(document))
    faults: list[str] = []
    pairs = _registration_points(document, items)
    if pairs:
        sides = [Side(np.array([_position(pair[k], faults) for pair in pairs])[:, :2], "µm", frame=_STAGE) for k in range(2)]
        return sheet_of(document.path, CARD.kind, sides, names=[f"RegPt {pair[0].field('RegPt')}" for pair in pairs],
                        faults=faults)
    reasons = [_KINDS.get(item.field("Type"), "") for item in items]
    if not items or all(reasons):
        raise refusal(document.path, ["it holds no registration points and no point items: add points in SerialEM's navigator"])
    rows = [_position(item, faults if not reason else []) for item, reason in zip(items, reasons, strict=True)]
    side = Side(np.array(rows)[:, :2], "µm", frame=_STAGE)
    return sheet_of(document.path, CARD.kind, [side], names=[item.label for item in items],
                    reasons=[reason and f"{reason} and not a point" for reason in reasons], faults=faults)


def _registration_points(document: Document, items: list[Item]) -> list[tuple[Item, Item]]:
    """Items of the two lowest registrations that have registration points in common."""
    marked = [item for item in items if item.field("RegPt").isdecimal() and item.field("Regis").isdecimal()]
    registrations = sorted({int(item.field("Regis")[:9]) for item in marked})
    if len(registrations) < 2:
        return []
    if len(registrations) > 2:
        warnings.warn(f"{document.path} has registration points in {len(registrations)} registrations: {registrations[0]} and "
                      f"{registrations[1]} are read", RegistrationWarning, stacklevel=5)
    first, second = ({item.field("RegPt"): item for item in marked if int(item.field("Regis")[:9]) == number}
                     for number in registrations[:2])
    return [(first[number], second[number]) for number in first if number in second]


def _position(item: Item, faults: list[str]) -> list[float]:
    cells = item.field("StageXYZ").split()
    if len(cells) != 3:
        faults.append(f"item {short(item.label)} has the StageXYZ {short(item.field('StageXYZ'))}: give x, y and z")
        return [np.nan] * 3
    return [finite(cell, f"item {short(item.label)}, StageXYZ", faults) for cell in cells]


def _from_text(document: Document) -> Iterable[Item]:
    item = None
    for text in document.lines:
        head = _ITEM.match(text.rstrip())
        if head or text.startswith("["):
            if item is not None:
                yield item
            item = Item(head[1].strip(), {}) if head else None
        elif item is not None and "=" in text:
            key, _, value = text.partition("=")
            item.fields.setdefault(key.strip(), value.strip())
    if item is not None:
        yield item


def _from_xml(document: Document) -> Iterable[Item]:
    for element in parse(document).iter("Item"):
        yield Item(element.get("name", ""), {child.tag: text_of(child) for child in element})
