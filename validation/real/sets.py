"""The measured data sets, and what is asked of each; a set is data, its cases are read when it is run."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from regerr import FiducialPairs, datasets
from regerr.io import read_pairs

from .cases import Case, Size, left_out, spread, transfer
from .images import found
from .raters import GROSS, raters, repeated, third_rater

LEFT_OUT, TRANSFER = "left out", "transfer"


@dataclass(frozen=True)
class Question:
    """One question to one data set.

    Attributes
    ----------
    dataset : str
        Name in `regerr.datasets`.
    name : str
        What is asked, in a few words.
    way : {"left out", "transfer"}
    families : tuple of str
        Transformations that are plausible there, or wrong on purpose.
    unit : str
        What the independent units are called.
    cases : callable
        From the loaded data set and a `Size`.
    noise : str
        Where the points are noisy.
    landmarks : bool
        Whether the same landmarks come again in other cases.
    given : str
        Where the covariances of the points come from, where there are any.
    identity : bool
        Whether the true transformation is the identity, as between two people's landmarks in one image.
    """

    dataset: str
    name: str
    way: str
    families: tuple[str, ...]
    unit: str
    cases: Callable[[datasets.Dataset, Size], list[Case]]
    noise: str = "both"
    landmarks: bool = False
    given: str = ""
    identity: bool = False


def _beads(data: datasets.Dataset, size: Size) -> list[Case]:
    return [left_out(key, pairs, (key,), size.points) for key, pairs in _fields(data).items()]


def _other_fields(data: datasets.Dataset, size: Size) -> list[Case]:
    couples = itertools.permutations(_fields(data).items(), 2)
    return [transfer(f"{a} to {b}", x, y, (a, b), size.points) for (a, x), (b, y) in couples]


def _fields(data: datasets.Dataset) -> dict[str, FiducialPairs]:
    return {key: pairs for key, pairs in data.pairs.items() if key.startswith("Pos")}


def _grids(data: datasets.Dataset, size: Size) -> list[Case]:
    return [left_out(key, pairs, (key,), size.points) for key, pairs in data.pairs.items()]


def _annotators(data: datasets.Dataset, size: Size) -> list[Case]:
    return [left_out(key, pairs, (key.split(": ")[1].split(",")[0],), size.points) for key, pairs in data.pairs.items()
            if "JB" in key]


def _sections(data: datasets.Dataset, size: Size) -> list[Case]:
    chosen = [(key, pairs) for key, pairs in data.pairs.items() if "JB" not in key]
    few = max(size.points // 4, 4)
    return spread([left_out(key, pairs, (key.split(":")[0],), few) for key, pairs in chosen], size.cases)


def _other_annotator(data: datasets.Dataset, size: Size) -> list[Case]:
    """One annotator's registration of two sections predicts the landmarks of the other's."""
    images: dict[str, dict[str, dict[str, Path]]] = {}
    for file, path in data.files.items():
        if file.endswith(".csv"):
            tissue, user, image = file.split("/")
            images.setdefault(tissue, {}).setdefault(user[5:7], {})[image] = path
    out = []
    for tissue, users in images.items():
        if len(users) < 2:
            continue
        a, b = sorted(users["JB"])[:2]
        both = {user: read_pairs(users[user][a], users[user][b], partial=True) for user in ("PS", "JB")}
        out += [transfer(f"{tissue}: {x} to {y}", both[x], both[y], (tissue,), size.points)
                for x, y in (("PS", "JB"), ("JB", "PS"))]
    return out


def _whole(unit: Callable[[str], str], *keys: str) -> Callable[[datasets.Dataset, Size], list[Case]]:
    def cases(data: datasets.Dataset, size: Size) -> list[Case]:
        return [left_out(key, data.pairs[key], (unit(key),), size.points) for key in keys or data.pairs]
    return cases


def _dense(data: datasets.Dataset, size: Size) -> list[Case]:
    return [transfer(f"case {k}", data.pairs[f"case {k}, improved"], data.pairs[f"case {k}, dense"], (f"case {k}",),
                     4 * size.points) for k in (1, 6)]


def _shell(data: datasets.Dataset, size: Size) -> list[Case]:
    whole, inner = data.pairs["CT to MR"], data.pairs["CT to MR, within 100 mm"]
    return [transfer("inner markers to the shell", inner, whole.drop(*inner.names), ("phantom",), 2 * size.points)]


QUESTIONS: tuple[Question, ...] = (
    Question("pyf2f_beads", "beads left out", LEFT_OUT, ("similarity", "affine"), "field", _beads),
    Question("pyf2f_beads", "one field to the others", TRANSFER, ("similarity", "affine"), "field", _other_fields),
    Question("pyf2f_beads", "from images alone, matched by similarity", TRANSFER, ("similarity",), "field", found("similarity"),
             given="detection"),
    Question("pyf2f_beads", "from images alone, matched by affine", TRANSFER, ("affine",), "field", found("affine"),
             given="detection"),
    Question("ebeam_grid_optical", "spots left out", LEFT_OUT, ("affine",), "image", _grids, "target"),
    Question("afids_templates", "between raters", LEFT_OUT, ("rigid", "affine"), "rater", raters(False, GROSS), landmarks=True,
             identity=True),
    Question("afids_templates", "within a rater", LEFT_OUT, ("rigid",), "rater", raters(True, GROSS), landmarks=True,
             identity=True),
    Question("afids_templates", "between raters, nothing removed", LEFT_OUT, ("rigid",), "rater", raters(False, np.inf),
             landmarks=True, identity=True),
    Question("afids_templates", "between raters, repeats of six others", LEFT_OUT, ("rigid",), "rater", repeated, landmarks=True,
             given="repeats", identity=True),
    Question("afids_templates", "two raters to a third", TRANSFER, ("rigid",), "rater", third_rater, landmarks=True,
             identity=True),
    Question("histology_two_annotators", "between annotators", LEFT_OUT, ("rigid", "affine"), "image", _annotators,
             identity=True),
    Question("histology_two_annotators", "between sections", LEFT_OUT, ("affine",), "tissue", _sections),
    Question("histology_two_annotators", "one annotator to the other", TRANSFER, ("affine",), "tissue", _other_annotator),
    Question("lung_4dct", "landmarks left out", LEFT_OUT, ("affine",), "subject",
             _whole(lambda key: key.split(",")[0], *(f"case {k}, {v}" for k in (1, 6) for v in ("original", "improved")))),
    Question("lung_4dct", "300 landmarks to the dense ones", TRANSFER, ("affine",), "subject", _dense),
    Question("fafb_lm_em", "landmarks left out", LEFT_OUT, ("similarity", "affine"), "set of landmarks", _whole(str)),
    Question("mri_distortion_phantom", "markers left out", LEFT_OUT, ("affine",), "phantom",
             _whole(lambda _: "phantom", "CT to MR", "MR, one polarity to the other")),
    Question("mri_distortion_phantom", "inner markers to the shell", TRANSFER, ("rigid",), "phantom", _shell),
    Question("sk42_sk95", "points left out", LEFT_OUT, ("similarity",), "network", _whole(str), "target"),
)
