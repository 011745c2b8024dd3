"""Landmarks that people placed again and again in one brain: whom to register to whom, and whom to ask."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from regerr import FiducialPairs, datasets
from regerr.io import read_points
from regerr.repeats import Repeats

from .cases import Case, Size, left_out, spread

GROSS = 10.0  # mm from the median of all placements, beyond which a landmark was mistaken for another one
_FEWEST = 25  # landmarks of a file; those of a training hold less

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


def raters(same: bool, gross: float) -> Callable[[datasets.Dataset, Size], list[Case]]:
    """One rater registered to another, or to himself; placements beyond ``gross`` left out."""
    def cases(data: datasets.Dataset, size: Size) -> list[Case]:
        out = []
        for template, files in _placed(data, gross).items():
            for a, b in _couples(files, same):
                labels, (x, y) = _common(files[a], files[b])
                pairs = FiducialPairs(x, y, tuple(labels))
                if pairs.n >= _FEWEST:
                    name = f"{template}: {' '.join(a)} to {' '.join(b)}"
                    out.append(left_out(name, pairs, sorted({a[0], b[0]}), size.points))
        return spread(out, size.cases)
    return cases


def repeated(data: datasets.Dataset, size: Size) -> list[Case]:
    """Raters a and b, with covariances of the landmarks from all placements of the six others."""
    out = []
    for template, files in _placed(data, GROSS).items():
        for a, b in _couples(files, False):
            others = {key: own for key, own in files.items() if key[0] not in (a[0], b[0])}
            labels, (x, y) = _common(files[a], files[b])
            placements = np.array([[own.get(label, np.full(3, np.nan)) for label in labels] for own in others.values()])
            known = Repeats(placements, tuple(labels), tuple(rater for rater, _ in others)).covariances
            if len(labels) >= _FEWEST:
                pairs = FiducialPairs(x, y, tuple(labels), source_covariance=known, target_covariance=known)
                name = f"{template}: {' '.join(a)} to {' '.join(b)}"
                out.append(left_out(name, pairs, sorted({a[0], b[0]}), size.points))
    return spread(out, size.cases)


def third_rater(data: datasets.Dataset, size: Size) -> list[Case]:
    """Rater a registered to b without a landmark, and asked where a third rater put it."""
    out = []
    for template, files in _placed(data, GROSS).items():
        people = sorted({rater for rater, _ in files})
        for i, (a, b) in enumerate(_couples(files, False)):
            others = [c for c in sorted(files) if c[0] not in (a[0], b[0])]
            c = others[(7 * i) % len(others)]
            labels, (x, y, z) = _common(files[a], files[b], files[c])
            if len(labels) >= _FEWEST and len(people) > 2:
                name = f"{template}: {' '.join(a)} to {' '.join(b)}, asked {' '.join(c)}"
                out.append(left_out(name, FiducialPairs(x, y, tuple(labels)), (a[0], b[0], c[0]), size.points, z))
    return spread(out, size.cases)
