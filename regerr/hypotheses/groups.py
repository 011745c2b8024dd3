"""Landmarks that belong together: left and right, or neighbours, that one person places alike."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..reporting.text import listed

Groups = Sequence[Hashable] | Mapping[str, Hashable] | np.ndarray


def parse_groups(groups: Any, names: Sequence[str]) -> tuple[int, ...] | None:
    """A number for each landmark, counted from 0 in the order in which groups occur; None for no groups.

    Parameters
    ----------
    groups : sequence of n labels, or mapping of names to labels
        Landmarks with one label belong together. In a mapping, landmarks that it does not name stand alone; so does, in both, a
        landmark whose label is None or empty.
    names : sequence of str
        Of the landmarks.

    Raises
    ------
    InputError
        For a wrong length, names that no landmark has, and a single group.
    """
    if groups is None:
        return None
    labels = _of_mapping(groups, names) if isinstance(groups, Mapping) else _of_sequence(groups, names)
    found: dict[Any, int] = {}
    keys = [("alone", i) if label is None or label == "" else ("group", label) for i, label in enumerate(labels)]
    codes = tuple(found.setdefault(key, len(found)) for key in keys)
    if len(found) == 1 and len(names) > 1:
        raise InputError(f"all {len(names)} landmarks are in one group, {labels[0]!r}: give each group of related landmarks a "
                         "label of its own")
    return codes


def group_codes(groups: tuple[int, ...] | None, n: int) -> np.ndarray:
    """A group number for each of n landmarks, each alone when none are given; raises InputError for a wrong length."""
    if groups is None:
        return np.arange(n)
    if len(groups) != n:
        raise InputError(f"groups has {len(groups)} labels and there are {n} landmarks: give one label for each")
    return np.unique(np.asarray(groups), return_inverse=True)[1]


def _of_mapping(groups: Mapping[Any, Any], names: Sequence[str]) -> list[Any]:
    strangers = [str(name) for name in groups if name not in set(names)]
    if strangers:
        raise InputError(f"groups names landmarks that the pairs do not have: {listed(strangers)}; they have {listed(names)}")
    return [groups.get(name) for name in names]


def _of_sequence(groups: Any, names: Sequence[str]) -> list[Any]:
    if isinstance(groups, str) or not hasattr(groups, "__len__"):
        raise InputError(f"groups is {groups!r}: give one label for each landmark, or a mapping of names to labels")
    labels = groups.tolist() if isinstance(groups, np.ndarray) else list(groups)
    if len(labels) != len(names):
        raise InputError(f"groups has {len(labels)} labels and there are {len(names)} landmarks: give one label for each")
    strange = next((label for label in labels if not isinstance(label, Hashable) or label != label), None)
    if strange is not None:
        raise InputError(f"groups holds {strange!r}: give texts or numbers as labels")
    return labels
