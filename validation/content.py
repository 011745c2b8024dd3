"""Naming things by what they are: a stable text of nested frozen objects, and a digest of the code that made a number.

A scenario's seed comes from its content, so that adding, removing or reordering scenarios changes no other's numbers. Fields that
hold their default are left out, so that a generator which learns a new option keeps its old numbers too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from regerr.errors import InputError

_CODE = ("regerr", "simulations", "validation")


def content_of(thing: Any) -> Any:
    """Plain lists, texts and numbers that say all there is to say about a frozen object; raises InputError for others."""
    if thing is None or isinstance(thing, (bool, int, str)):
        return thing
    if isinstance(thing, float):
        return float(thing).hex()
    if isinstance(thing, (np.ndarray, np.generic)):
        return content_of(thing.tolist())
    if isinstance(thing, (tuple, list)):
        return [content_of(item) for item in thing]
    if isinstance(thing, Mapping):
        return [[str(key), content_of(thing[key])] for key in sorted(thing, key=str)]
    if is_dataclass(thing) and not isinstance(thing, type):
        values = {f: getattr(thing, f.name) for f in fields(thing)}
        given = [[f.name, content_of(value)] for f, value in values.items() if not _is_default(f, value)]
        return [type(thing).__qualname__, given]
    raise InputError(f"a {type(thing).__qualname__} has no content to make a seed from: use a frozen dataclass")


def digest(*things: Any) -> str:
    """A stable hexadecimal digest of the content of things."""
    text = json.dumps([content_of(thing) for thing in things], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def code_digest() -> str:
    """Digest of the source of the packages that make a study's numbers, and of numpy's version."""
    state = hashlib.sha256(np.__version__.encode())
    root = Path(__file__).resolve().parent.parent
    for path in sorted(p for package in _CODE for p in (root / package).rglob("*.py")):
        state.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return state.hexdigest()


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default is not MISSING:
        return type(value) is type(field.default) and bool(np.all(value == field.default))
    return field.default_factory is not MISSING and bool(np.all(value == field.default_factory()))
