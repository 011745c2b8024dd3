"""Numbers in the text of an option."""

from __future__ import annotations

import math

from ..errors import InputError


def along_axes(option: str, text: str, d: int) -> tuple[float, ...]:
    """One number for all axes, or one for each."""
    found = numbers_in(text)
    if len(found) not in (1, d):
        raise InputError(f"{option} is {text!r}: give one number, or {d} with commas between them, x before y")
    return found * d if len(found) == 1 else found


def positive(option: str, text: str) -> tuple[float, ...]:
    """One positive number, or one for each of two or three axes."""
    found = numbers_in(text)
    if len(found) not in (1, 2, 3) or min(found) <= 0:
        raise InputError(f"{option} is {text!r}: give one positive number, or one for each axis with commas between them, x "
                         "before y")
    return found


def numbers_in(text: str, between: str = ",") -> tuple[float, ...]:
    """The numbers of a text; none where one of them is no finite number."""
    try:
        found = tuple(float(part) for part in text.split(between))
    except ValueError:
        return ()
    return found if all(map(math.isfinite, found)) else ()
