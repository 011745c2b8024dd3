"""The language of column headers: which column is which coordinate of which space, in which unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

SOURCE = ("source", "src", "moving", "mov", "from", "lm", "fm", "1")
TARGET = ("target", "tgt", "destination", "dest", "dst", "fixed", "fix", "to", "em", "fib", "reference", "ref", "2")
_SIDE_OF = dict.fromkeys(SOURCE, "source") | dict.fromkeys(TARGET, "target") | {"": ""}
_NAMES = ("name", "label", "fiducial", "landmark", "bead", "point", "id", "index", "")  # the first found is taken
_USED = ("used", "use", "active", "enabled", "include", "included")
_QUALITY = ("photons", "background", "significance", "misfit", "nearest", "size_x", "size_y", "size_z")
"""What `regerr detect` says of a spot beside its place, for people and other programs."""
_UNITS = {"pixel": "px", "pixels": "px", "pix": "px", "um": "µm", "micron": "µm", "microns": "µm", "micrometer": "µm",
          "\N{GREEK SMALL LETTER MU}m": "µm", "voxels": "voxel"}

_SIDES = "|".join((*SOURCE, *TARGET))
_DEVIATION = "sigma|sd|std|uncertainty"
_POINT = re.compile(rf"(?P<sigma>(?:{_DEVIATION})_?)?"
                    rf"(?:(?P<axis>[xyz])_?(?P<side>{_SIDES})?|(?P<side2>{_SIDES})_?(?P<axis2>[xyz]))$")
_SIGMA = re.compile(rf"(?:{_DEVIATION})_?(?P<side>{_SIDES})$|(?:sd|std|uncertainty)$")  # a bare sigma is a spot's width
_ORIGIN = re.compile(rf"pixel_origin(?:_(?P<side>{_SIDES}))?$")
_LONGEST = 200  # characters of a header that are looked at
_UNIT = re.compile(r"\s*[\[(]\s*([^\])]*?)\s*[\])]\s*$")
_UNIT_SUFFIX = re.compile(r"(?<=[a-z0-9])_(px|pixels?|nm|um|µm|\N{GREEK SMALL LETTER MU}m|mm)$")


@dataclass
class Layout:
    """Where the columns of a table are.

    Attributes
    ----------
    points, sigmas : dict
        For each side ("source", "target", or "" for a file of one space that does not say which): the columns of x, y and z; one
        column for a standard deviation that all coordinates share.
    units : dict
        Per side, None when not said.
    name, used, reason, gate : int or None
    origins : dict
        For each side, or "" for all, the column that says what of the first pixel lies at zero.
    unknown : list of str
        Headers that mean nothing here.
    faults : list of str
    """

    points: dict[str, list[int]] = field(default_factory=dict)
    sigmas: dict[str, list[int]] = field(default_factory=dict)
    units: dict[str, str | None] = field(default_factory=dict)
    name: int | None = None
    used: int | None = None
    reason: int | None = None
    gate: int | None = None
    origins: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def normal_unit(unit: str) -> str:
    """One spelling per unit: "px", "µm"; others as they stand."""
    return _UNITS.get(unit.strip().lower(), unit.strip())


def unit_of(header: str) -> tuple[str, str | None]:
    """The bare header in lower case with underscores, and its unit: ``X source [um]`` is ``x_source``, ``µm``."""
    header = header[:_LONGEST]
    match = _UNIT.search(header)
    bare = re.sub(r"[\s\-.]+", "_", (header[:match.start()] if match else header).strip().lower())
    suffix = None if match else _UNIT_SUFFIX.search(bare)
    if suffix:
        return bare[:suffix.start()], normal_unit(suffix[1])
    return bare, normal_unit(match[1]) or None if match else None


def layout_of(headers: Sequence[str]) -> Layout:
    """Read a header row."""
    layout = Layout()
    bare = [unit_of(header) for header in headers]
    _place_others(layout, [text for text, _ in bare])
    found: dict[tuple[str, str, str], int] = {}
    for i, (text, unit) in enumerate(bare):
        key = _meaning(text)
        if key is None:
            if i not in (layout.reason, layout.gate, *layout.origins.values()) and text not in (*_NAMES, *_USED, *_QUALITY):
                layout.unknown.append(headers[i])
        elif key in found:
            layout.faults.append(f"columns {headers[found[key]]!r} and {headers[i]!r} both say {_say(key)}")
        else:
            found[key] = i
            _note_unit(layout, key, unit, headers[i])
    _place(layout, found)
    return layout


def _place_others(layout: Layout, texts: Sequence[str]) -> None:
    """Columns that hold no coordinates; a reason is one only beside a switch."""
    layout.name, layout.used, reason, layout.gate = (next((texts.index(word) for word in words if word in texts), None)
                                                     for words in (_NAMES, _USED, ("reason",), ("gate",)))
    layout.reason = None if layout.used is None else reason
    layout.origins = {_SIDE_OF[match["side"] or ""]: i for i, text in enumerate(texts) if (match := _ORIGIN.match(text))}


def _meaning(text: str) -> tuple[str, str, str] | None:
    """("point" or "sigma", side, axis), the axis "" for all; None for anything else."""
    match = _POINT.match(text)
    if match:
        side = match["side"] or match["side2"] or ""
        return "sigma" if match["sigma"] else "point", _SIDE_OF[side], match["axis"] or match["axis2"]
    match = _SIGMA.match(text)
    return ("sigma", _SIDE_OF[match["side"] or ""], "") if match else None


def _say(key: tuple[str, str, str]) -> str:
    kind, side, axis = key
    return " ".join(filter(None, ("the s.d. of" if kind == "sigma" else "", axis, f"of the {side}" if side else "of a point")))


def _note_unit(layout: Layout, key: tuple[str, str, str], unit: str | None, header: str) -> None:
    _, side, _ = key
    known = layout.units.setdefault(side, unit)
    if unit and known and unit != known:
        layout.faults.append(f"column {header!r} is in {unit} and the others of its space are in {known}: use one unit per space")
    layout.units[side] = known or unit


def _place(layout: Layout, found: dict[tuple[str, str, str], int]) -> None:
    for side in dict.fromkeys(side for _, side, _ in found):
        where = f"the {side}" if side else "the points"
        axes, sigmas = ({axis: i for (kind, s, axis), i in found.items() if (kind, s) == (wanted, side)}
                        for wanted in ("point", "sigma"))
        lacking = [axis for axis in ("xyz" if "z" in axes else "xy") if axis not in axes]
        if lacking:
            layout.faults.append(f"{where} lacks {' and '.join(lacking)}")
        else:
            layout.points[side] = [axes[axis] for axis in sorted(axes)]
            _place_sigmas(layout, side, where, sigmas)


def _place_sigmas(layout: Layout, side: str, where: str, sigmas: dict[str, int]) -> None:
    """One column for all coordinates, or one for each."""
    given = sorted(sigmas)
    if given == [""] or given == ["x", "y", "z"][: len(layout.points[side])]:
        layout.sigmas[side] = [sigmas[axis] for axis in given]
    elif given:
        said = ", ".join(axis or "all" for axis in given)
        layout.faults.append(f"the s.d. of {where} is given for {said}: give one column for all coordinates, or one each")
