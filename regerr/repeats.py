"""Localisation noise from repeats: the same points localised again, in other frames, by the same person or by several.

Two or more files of the same points tell the FLE without any registration: per axis, per person and per point. The points'
covariances, each drawn towards the others as far as the data say, serve a registration as its noise (theory, section 20).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError
from .noise import Noise
from .pairs import FiducialPairs
from .placements import LeftOut, checked, covariances_of, shifts, without_drift, without_far
from .shrinkage import Shrinkage, shrinkage
from .variance_components import Cells, Components, Estimate, components, person_offset, person_scatter, point_scatter

_MARK = "regerr_fle"


@dataclass(frozen=True, eq=False)
class Repeats:
    """The same points, localised several times.

    Parameters
    ----------
    placements : (p, n, d) array
        p files of n points, x before y before z, d = 2 or 3; a row of NaN where a file lacks a point.
    names : sequence of str, optional
        One per point; "1" to "n" by default.
    raters : sequence of str, optional
        Who placed each file; one person (or one detector) for all by default.
    files : sequence of str, optional
        What messages and tables call the files; "file 1" and so on by default.
    unit : str, optional
    drift : bool
        Whether each file may be shifted as a whole, as frames are when the stage moves: such shifts are then taken out.
    beyond : float, optional
        Leave out placements farther than this from the median of their point; ``left_out`` lists them.

    Raises
    ------
    InputError
        With all faults in one sentence: shapes, infinity, counts, repeated names, files that are copies, nothing placed twice.
    """

    placements: np.ndarray
    names: tuple[str, ...] = None  # type: ignore[assignment]  # filled in below, as the next two
    raters: tuple[str, ...] = None  # type: ignore[assignment]
    files: tuple[str, ...] = None  # type: ignore[assignment]
    unit: str | None = None
    drift: bool = False
    beyond: float | None = None

    def __post_init__(self) -> None:
        for name, value in checked(self.placements, self.names, self.raters, self.files, self.beyond).items():
            object.__setattr__(self, name, value)
        if not self._cells.repeated:
            raise InputError("no point is left that was placed twice: give more files, or a longer distance to leave out beyond")

    def __repr__(self) -> str:
        people = f" by {len(self.people)} people" if len(self.people) > 1 else ""
        unit = f", {self.unit}" if self.unit else ""
        return f"<Repeats: {self.n} points in {self.dimension}D, {len(self.files)} files{people}{unit}>"

    @property
    def n(self) -> int:
        """Number of points."""
        return int(self.placements.shape[1])

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return int(self.placements.shape[2])

    @cached_property
    def people(self) -> tuple[str, ...]:
        """The raters, each once, in the order of the files."""
        return tuple(dict.fromkeys(self.raters))

    @property
    def separable(self) -> bool:
        """Whether somebody placed a point again, so that a person's scatter is told from that between people."""
        return self._per_person.repeated

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Placements beyond the distance that was set, the farthest first."""
        return self._kept[1]

    @property
    def used(self) -> np.ndarray:
        """The placements, NaN also where they were left out, (p, n, d)."""
        return self._kept[0]

    @property
    def shifts(self) -> np.ndarray:
        """Shift of each file as a whole against the mean of all, (p, d)."""
        return shifts(self.used)

    @cached_property
    def components(self) -> Components:
        """Variances per axis: of one person who places again, between people, in all."""
        return components(self._cells)

    @cached_property
    def scatter(self) -> np.ndarray:
        """Covariance S_l of each point's repeats by one person, (n, d, d); 0 where there are none."""
        return point_scatter(self._cells)[0]

    @cached_property
    def degrees(self) -> np.ndarray:
        """Degrees of freedom k_l of each scatter, (n,): placements minus people.

        Where nobody placed a point twice, people are the repeats and it is placements minus one.
        """
        return point_scatter(self._cells)[1]

    @cached_property
    def shrinkage(self) -> Shrinkage:
        """How unequal the points are, and what is typical of them."""
        return shrinkage(self.scatter, self.degrees)

    @cached_property
    def covariances(self) -> np.ndarray:
        """Covariance of one placement of each point by one person, drawn towards the typical one, (n, d, d)."""
        return self.shrinkage.covariances(self.scatter, self.degrees)

    @cached_property
    def mean(self) -> np.ndarray:
        """Mean place of each point, (n, d); NaN where it was never placed."""
        return self._cells.centre

    @cached_property
    def mean_covariance(self) -> np.ndarray:
        """Covariance of each mean place, (n, d, d): of its placements, and of its people where they differ."""
        count = np.maximum(self._cells.count.sum(0), 1.0)[:, None, None]
        between = self.components.between
        if between is None:
            return np.asarray(self.covariances / count)
        share = ((self._cells.count / count[:, 0].T) ** 2).sum(0)[:, None, None]
        values, axes = np.linalg.eigh(between.covariance)
        return np.asarray(self.covariances / count + share * ((axes * np.maximum(values, 0.0)) @ axes.T))

    @property
    def person_fle(self) -> Estimate:
        """Squared r.m.s. FLE of each of the ``people`` who places again, (R,)."""
        return person_scatter(self._per_person)

    @property
    def person_offset(self) -> np.ndarray:
        """R.m.s. distance of each person's mean places from those of the others, (R,)."""
        return person_offset(self._per_person)

    def covariances_of(self, names: Sequence[str]) -> np.ndarray:
        """Covariances (len(names), d, d) of points by name; the typical one for names without repeats.

        Raises
        ------
        InputError
            When none of the names was repeated.

        Warns
        -----
        RegistrationWarning
            Naming the points without repeats.
        """
        return covariances_of(names, self.names, self.covariances, self.shrinkage.typical)

    def noise(self, pairs: FiducialPairs, space: str = "both") -> Noise:
        """What to assume of the pairs' noise, ``fit(pairs, noise=...)``: covariances known up to a common scale.

        Parameters
        ----------
        pairs : FiducialPairs
            With the names of the points that were repeated.
        space : {"source", "target", "both"}
            Where the points are localised as here; the other space then counts as free of noise.
        """
        source, target = _spaces(space)
        found = self.covariances_of(pairs.names)
        return Noise(source_covariance=found if source else None, target_covariance=found if target else None)

    def attach(self, pairs: FiducialPairs, space: str = "both") -> FiducialPairs:
        """The pairs with the points' covariances in one space or in both, as `fit` uses them; the other space keeps its own.

        Two sets of repeats, one for each image: ``red.attach(green.attach(pairs, "source"), "target")``.
        """
        source, target = _spaces(space)
        units = {"source": pairs.source_unit if source else self.unit, "target": pairs.target_unit if target else self.unit}
        faults = [f"the repeats are in {self.unit} and the pairs' {where} is in {unit}" for where, unit in units.items()
                  if unit != (self.unit or unit)]
        if faults:
            raise InputError("; ".join(faults) + ": give both in one unit")
        found = self.covariances_of(pairs.names)
        return replace(pairs, source_covariance=found if source else pairs.source_covariance,
                       target_covariance=found if target else pairs.target_covariance)

    def summary(self) -> str:
        """What a person asks of repeats: FLE per axis, per person and per point, in words and tables."""
        from .reporting.repeats import summary

        return summary(self)

    def to_dict(self) -> dict[str, Any]:
        """What `summary` prints as plain numbers, and the placements from which it can be made again."""
        from .reporting.repeats import to_dict

        return {_MARK: 1, **to_dict(self)}

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write JSON, or with the suffix ``.csv`` the mean places with their s.d.: a file of points to fit."""
        from .reporting.repeats import write

        write(self, Path(path), force=force)

    @classmethod
    def load(cls, path: str | Path) -> Repeats:
        """Read the JSON that `save` wrote."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as fault:
            raise InputError(f"cannot read {path}: {fault.strerror or fault}") from None
        except ValueError:
            raise InputError(f"{path} is no JSON text: give a file that 'regerr fle' saved as .json") from None
        if not isinstance(data, dict) or _MARK not in data:
            raise InputError(f"{path} holds no repeats: give a file that 'regerr fle' saved as .json")
        given = data["given"]
        placements = np.array([[[np.nan if v is None else v for v in x] for x in row] for row in given["placements"]], float)
        return cls(placements, given["names"], given["raters"], given["files"], given["unit"], given["drift"], given["beyond"])

    @cached_property
    def _kept(self) -> tuple[np.ndarray, tuple[LeftOut, ...]]:
        return without_far(self.placements, self.beyond, self.drift, self.names, self.files)

    @cached_property
    def _per_person(self) -> Cells:
        x = self.used
        return Cells.of(without_drift(x) if self.drift else x, np.array([self.people.index(r) for r in self.raters]))

    @cached_property
    def _cells(self) -> Cells:
        """By person where somebody placed a point again, else all placements as repeats of one."""
        if self._per_person.repeated:
            return self._per_person
        x = self.used
        return Cells.of(without_drift(x) if self.drift else x, np.zeros(len(x), int))


def _spaces(space: str) -> tuple[bool, bool]:
    """Whether the source and whether the target is meant."""
    if space not in ("source", "target", "both"):
        raise InputError(f"space is {space!r}: use 'source', 'target' or 'both'")
    return space != "target", space != "source"
