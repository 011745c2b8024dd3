"""The measured data sets, and what is asked of each; a set is data, its cases are read when it is run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from regerr import FiducialPairs, datasets
from regerr.io import read_pairs, read_points
from regerr.repeats import Repeats

from .cases import Case, left_out, transfer

LEFT_OUT, TRANSFER = "left out", "transfer"
GROSS = 10.0  # mm from the median of all placements, beyond which a landmark was mistaken for another one


@dataclass(frozen=True)
class Size:
    """How much is asked.

    Attributes
    ----------
    points : int
        At most of one registration.
    cases : int
        At most of one question, evenly spaced.
    measured : int
        Regions without a closed form that are measured, of one question.
    """

    points: int = 60
    cases: int = 90
    measured: int = 24


QUICK = Size(8, 6, 2)
EVERY = 10**6  # points


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


def _beads(data: datasets.Dataset, size: Size) -> list[Case]:
    return [left_out(key, pairs, (key,), size.points) for key, pairs in _fields(data).items()]


def _other_fields(data: datasets.Dataset, size: Size) -> list[Case]:
    couples = itertools.permutations(_fields(data).items(), 2)
    return [transfer(f"{a} to {b}", x, y, (a, b), size.points) for (a, x), (b, y) in couples]


def _fields(data: datasets.Dataset) -> dict[str, FiducialPairs]:
    return {key: pairs for key, pairs in data.pairs.items() if key.startswith("Pos")}


def _grids(data: datasets.Dataset, size: Size) -> list[Case]:
    return [left_out(key, pairs, (key,), size.points) for key, pairs in data.pairs.items()]


Placed = dict[str, dict[tuple[str, str], dict[str, np.ndarray]]]


def _placed(data: datasets.Dataset, gross: float) -> Placed:
    """Placements by template, then rater and session, then landmark; none beyond ``gross`` of the landmark's median."""
    out: Placed = {}
    for file, path in data.files.items():
        if path.suffix == ".fcsv":
            template, _, rater, session, _ = file.split("_")
            points = read_points(path)
            out.setdefault(template, {})[rater, session] = dict(zip(points.names, points.points, strict=True))
    for files in out.values():
        for label in sorted(set(itertools.chain(*files.values()))):
            middle = np.median([own[label] for own in files.values() if label in own], axis=0)
            for own in files.values():
                if label in own and np.linalg.norm(own[label] - middle) > gross:
                    del own[label]
    return out


def _common(*files: Mapping[str, np.ndarray]) -> tuple[list[str], list[np.ndarray]]:
    labels = [label for label in files[0] if all(label in own for own in files)]
    return labels, [np.array([own[label] for label in labels]) for own in files]


def _couples(files: Iterable[tuple[str, str]], same: bool) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Files of one rater and of another (or of the same): for each couple of raters one couple of sessions."""
    found: dict[tuple[str, str], list[tuple[tuple[str, str], tuple[str, str]]]] = {}
    for a, b in itertools.combinations(sorted(files), 2):
        if (a[0] == b[0]) is same:
            found.setdefault((a[0], b[0]), []).append((a, b))
    # another couple of sessions for each couple of raters, the same every time
    return [both[(5 * i) % len(both)] for i, both in enumerate(found.values())]


def _raters(same: bool, gross: float) -> Callable[[datasets.Dataset, Size], list[Case]]:
    def cases(data: datasets.Dataset, size: Size) -> list[Case]:
        out = []
        for template, files in _placed(data, gross).items():
            for a, b in _couples(files, same):
                labels, (x, y) = _common(files[a], files[b])
                pairs = FiducialPairs(x, y, tuple(labels))
                if pairs.n >= 25:  # not a file of a training with a few landmarks
                    name = f"{template}: {' '.join(a)} to {' '.join(b)}"
                    out.append(left_out(name, pairs, sorted({a[0], b[0]}), size.points))
        return _spread(out, size.cases)
    return cases


def _repeated(data: datasets.Dataset, size: Size) -> list[Case]:
    """Raters a and b, with covariances of the landmarks from all placements of the six others."""
    out = []
    for template, files in _placed(data, GROSS).items():
        for a, b in _couples(files, False):
            others = {key: own for key, own in files.items() if key[0] not in (a[0], b[0])}
            labels, (x, y) = _common(files[a], files[b])
            placements = np.array([[own.get(label, np.full(3, np.nan)) for label in labels] for own in others.values()])
            known = Repeats(placements, tuple(labels), tuple(rater for rater, _ in others)).covariances
            if len(labels) >= 25:
                pairs = FiducialPairs(x, y, tuple(labels))
                name = f"{template}: {' '.join(a)} to {' '.join(b)}"
                out.append(left_out(name, pairs, sorted({a[0], b[0]}), size.points, covariance=known))
    return _spread(out, size.cases)


def _third_rater(data: datasets.Dataset, size: Size) -> list[Case]:
    """Rater a registered to b without a landmark, and asked where a third rater put it."""
    out = []
    for template, files in _placed(data, GROSS).items():
        people = sorted({rater for rater, _ in files})
        for i, (a, b) in enumerate(_couples(files, False)):
            others = [c for c in sorted(files) if c[0] not in (a[0], b[0])]
            c = others[(7 * i) % len(others)]
            labels, (x, y, z) = _common(files[a], files[b], files[c])
            if len(labels) >= 25 and len(people) > 2:
                name = f"{template}: {' '.join(a)} to {' '.join(b)}, asked {' '.join(c)}"
                out.append(left_out(name, FiducialPairs(x, y, tuple(labels)), (a[0], b[0], c[0]), size.points, z))
    return _spread(out, size.cases)


def _annotators(data: datasets.Dataset, size: Size) -> list[Case]:
    return [left_out(key, pairs, (key.split(": ")[1].split(",")[0],), size.points) for key, pairs in data.pairs.items()
            if "JB" in key]


def _sections(data: datasets.Dataset, size: Size) -> list[Case]:
    chosen = [(key, pairs) for key, pairs in data.pairs.items() if "JB" not in key]
    few = max(size.points // 4, 4)
    return _spread([left_out(key, pairs, (key.split(":")[0],), few) for key, pairs in chosen], size.cases)


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


def _spread(cases: list[Case], most: int) -> list[Case]:
    return [cases[i] for i in np.unique(np.linspace(0, len(cases) - 1, min(len(cases), most)).round().astype(int))]


QUESTIONS: tuple[Question, ...] = (
    Question("pyf2f_beads", "beads left out", LEFT_OUT, ("similarity", "affine"), "field", _beads),
    Question("pyf2f_beads", "one field to the others", TRANSFER, ("similarity", "affine"), "field", _other_fields),
    Question("ebeam_grid_optical", "spots left out", LEFT_OUT, ("affine",), "image", _grids, "target"),
    Question("afids_templates", "between raters", LEFT_OUT, ("rigid", "affine"), "rater", _raters(False, GROSS), landmarks=True),
    Question("afids_templates", "within a rater", LEFT_OUT, ("rigid",), "rater", _raters(True, GROSS), landmarks=True),
    Question("afids_templates", "between raters, nothing removed", LEFT_OUT, ("rigid",), "rater", _raters(False, np.inf),
             landmarks=True),
    Question("afids_templates", "between raters, repeats of six others", LEFT_OUT, ("rigid",), "rater", _repeated, landmarks=True,
             given="repeats"),
    Question("afids_templates", "two raters to a third", TRANSFER, ("rigid",), "rater", _third_rater, landmarks=True),
    Question("histology_two_annotators", "between annotators", LEFT_OUT, ("rigid", "affine"), "image", _annotators),
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
