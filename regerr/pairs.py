"""Matched points in two spaces, validated once and then never changed.

A dataset is n pairs in 2 or 3 dimensions; whatever stands before ``n`` in the shape is a batch of datasets. Every check of
an input happens here, at the door, and all faults of one input are reported in one sentence; below, arrays are trusted.
"""

from __future__ import annotations

import difflib
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .equal_rows import equal_rows, have_equals, weighted_sum
from .errors import InputError, RegistrationWarning
from .noise import check_covariance, checked_gate

ORIGINS = ("centre", "corner")
"""What of the first pixel may lie at zero."""
_SPACES = ("source", "target")
_LISTED = 5  # names spelled out in a message before "and k more"

# Fixed weights without simple ratios, one per coordinate of a pair: two pairs are equal only if their weighted sums are. Each is
# below 1/6, so that no sum of six finite coordinates overflows.
_WEIGHTS = (0.1308996938995747, 0.0953101798043249, 0.1591549430918953, 0.0741444692712881, 0.1114772728236221, 0.144269504088896)


@dataclass(frozen=True)
class Unused:
    """A pair that a file holds and a registration leaves out, with the reason.

    Attributes
    ----------
    name : str
    reason : str
        Why, in words: "disabled in the file", "not placed in the target", "dropped".
    source, target : tuple of float, or None
        Its coordinates where they are known.
    """

    name: str
    reason: str
    source: tuple[float, ...] | None = None
    target: tuple[float, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"name": self.name, "reason": self.reason,
                "source": None if self.source is None else list(self.source),
                "target": None if self.target is None else list(self.target)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Unused:
        """The inverse of :meth:`to_dict`."""
        source, target = (None if data[s] is None else tuple(map(float, data[s])) for s in _SPACES)
        return cls(str(data["name"]), str(data["reason"]), source, target)


@dataclass(frozen=True, eq=False)
class FiducialPairs:
    """Fiducials located in a source and in a target space.

    Parameters
    ----------
    source, target : (..., n, d) array
        Points as rows, x before y before z, d = 2 or 3; each in its own unit. Kept as read-only float64: one dataset is copied, a
        batch is not when it already is contiguous float64, so leave a batch's arrays unchanged afterwards.
    names : sequence of str, optional
        One unique name per pair; "1" to "n" by default.
    source_unit, target_unit : str
        The units of length, as text for summaries.
    source_covariance, target_covariance : (n, d, d) or (..., n, d, d) array, optional
        Localisation covariance of each fiducial, in squared units of its space.
    unused : sequence of Unused
        Pairs left out, kept for the record.
    source_step, target_step : float, optional
        The coordinates of that space were rounded to multiples of this length, in its unit: pixels or voxels. Rounding adds a
        variance of 1/12 step squared per coordinate, and pairs that are equal for it are no fault.
    gate : float, optional
        Probability with which a true pair passes the gate by which these pairs were chosen, as in `regerr.match`.
    source_origin, target_origin : {"centre", "corner"}, optional
        What of the first pixel of that image lies at zero; None when nobody says.

    Raises
    ------
    InputError
        With all faults in one sentence: shapes, unequal counts, mixed 2D and 3D, NaN or infinity, repeated names, pairs that are
        equal in both spaces, covariances that are not positive definite.

    Warns
    -----
    RegistrationWarning
        When two pairs of a single dataset are equal in one of the spaces.
    """

    source: np.ndarray
    target: np.ndarray
    names: tuple[str, ...] = None  # type: ignore[assignment]  # filled in below; a tuple for everyone who reads it
    source_unit: str = "px"
    target_unit: str = "px"
    source_covariance: np.ndarray | None = None
    target_covariance: np.ndarray | None = None
    unused: tuple[Unused, ...] = ()
    source_step: float | None = None
    target_step: float | None = None
    gate: float | None = None
    source_origin: str | None = None
    target_origin: str | None = None

    def __post_init__(self) -> None:
        faults: list[str] = []
        source, target = (_points(space, getattr(self, space), faults) for space in _SPACES)
        if source is None or target is None:
            raise InputError(_sentence(faults))
        faults += _shape_faults(source.shape, target.shape)
        names = _names(self.names, source.shape[-2], faults)
        faults += [fault for space, x in zip(_SPACES, (source, target), strict=True) for fault in _finite_faults(space, x, names)]
        faults += [f"{space}_unit is {unit!r}: give a text such as 'px' or 'nm'" for space in _SPACES
                   if not isinstance(unit := getattr(self, f"{space}_unit"), str) or not unit.strip()]
        covariances = [_covariance(f"{space}_covariance", getattr(self, f"{space}_covariance"), source.shape, faults)
                       for space in _SPACES]
        faults += [f"{space}_origin is {origin!r}: give 'centre' or 'corner', or nothing" for space in _SPACES
                   if (origin := getattr(self, f"{space}_origin")) not in (None, *ORIGINS)]
        steps = [_step(f"{space}_step", getattr(self, f"{space}_step"), faults) for space in _SPACES]
        if not faults and steps == [None, None]:
            faults += _duplicate_faults(source, target, names)
        if faults:
            raise InputError(_sentence(faults))
        self._set(source, target, names, self.source_unit, self.target_unit, *covariances, tuple(self.unused),
                  *steps, None if self.gate is None else checked_gate(self.gate), self.source_origin, self.target_origin)

    def _set(self, *values: Any) -> None:
        for field, value in zip(self.__dataclass_fields__, values, strict=True):
            object.__setattr__(self, field, value)

    def _changed(self, *values: Any) -> FiducialPairs:
        """A copy from values that need no second check."""
        new = object.__new__(FiducialPairs)
        new._set(*values)
        return new

    @property
    def n(self) -> int:
        """Number of pairs of one dataset."""
        return int(self.source.shape[-2])

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return int(self.source.shape[-1])

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of the batch; ``()`` for one dataset."""
        return self.source.shape[:-2]

    def __repr__(self) -> str:
        batch = f", batch {self.batch_shape}" if self.batch_shape else ""
        unused = f", {len(self.unused)} unused" if self.unused else ""
        return f"<FiducialPairs: {self.n} pairs in {self.dimension}D, {self.source_unit} to {self.target_unit}{batch}{unused}>"

    def swap(self) -> FiducialPairs:
        """The way back: target and source exchanged, with all that is known of them."""
        unused = tuple(Unused(u.name, u.reason, u.target, u.source) for u in self.unused)
        return self._changed(self.target, self.source, self.names, self.target_unit, self.source_unit,
                             self.target_covariance, self.source_covariance, unused, self.target_step, self.source_step,
                             self.gate, self.target_origin, self.source_origin)

    def quantised(self, spaces: str = "both", step: float = 1.0) -> FiducialPairs:
        """The same pairs, whose coordinates are known to be rounded to whole pixels or voxels.

        Parameters
        ----------
        spaces : {"source", "target", "both"}
        step : float
            Size of a pixel in the unit of the coordinates.

        Raises
        ------
        InputError
            For another word, or a step that is not positive.
        """
        chosen = {"both": _SPACES, "source": ("source",), "target": ("target",)}.get(spaces)
        if chosen is None:
            raise InputError(f"quantised is {spaces!r}: name the space whose coordinates are whole pixels, 'source', 'target' or "
                             "'both'")
        source_step, target_step = (step if space in chosen else getattr(self, f"{space}_step") for space in _SPACES)
        return replace(self, source_step=source_step, target_step=target_step)

    def scaled(self, factor: float) -> FiducialPairs:
        """The source, with its covariances, in units that are that many times smaller."""
        if factor == 1.0:
            return self
        covariance = None if self.source_covariance is None else self.source_covariance * factor**2
        step = None if self.source_step is None else self.source_step * factor
        return self._changed(_read_only(self.source * factor), self.target, self.names, self.source_unit, self.target_unit,
                             covariance, self.target_covariance, self.unused, step, self.target_step, self.gate,
                             self.source_origin, self.target_origin)

    @property
    def rounding(self) -> float | None:
        """S.d. per coordinate that rounding makes, seen in the target; None without steps.

        ``sqrt((step_t^2 + s^2 step_s^2)/12)``, the scale s from the ratio of the spreads, its r.m.s. over a batch.
        """
        if self.source_step is None and self.target_step is None:
            return None
        squared = np.mean(self.target.var(-2).sum(-1) / self.source.var(-2).sum(-1)) if self.source_step else 0.0
        return float(np.sqrt(((self.target_step or 0.0) ** 2 + squared * (self.source_step or 0.0) ** 2) / 12.0))

    def drop(self, *names: str, reason: str = "dropped") -> FiducialPairs:
        """Leave out pairs by name; they are listed in ``unused`` with the reason.

        Raises
        ------
        InputError
            For a name that is not there, with the nearest names, and when no pair would be left.
        """
        gone, known = set(names), set(self.names)
        unknown = [_unknown_name(name, self.names) for name in names if name not in known]
        if unknown:
            raise InputError(_sentence(unknown))
        keep = [i for i, name in enumerate(self.names) if name not in gone]
        if not keep:
            raise InputError(f"dropping all {self.n} pairs leaves nothing to register: keep some")
        unused = tuple(Unused(self.names[i], reason, *self._coordinates(i)) for i in range(self.n) if self.names[i] in gone)
        return self._rebuilt(lambda a: a[..., keep, :], lambda c: c[..., keep, :, :],
                             tuple(self.names[i] for i in keep), self.unused + unused)

    def __getitem__(self, index: Any) -> FiducialPairs:
        """One dataset, or a part, of a batch: the index runs over the batch, never over pairs or coordinates."""
        if not self.batch_shape:
            raise InputError("these pairs are one dataset and not a batch, so there is nothing to index: "
                             "use pairs.source[i], or pairs.drop(name)")
        full = (*(index if isinstance(index, tuple) else (index,)), slice(None), slice(None))
        per_set = self.source.ndim + 1
        return self._rebuilt(lambda a: a[full], lambda c: c[(*full, slice(None))] if c.ndim == per_set else c, self.names,
                             self.unused)

    def _rebuilt(self, points: Callable[[np.ndarray], np.ndarray], covariances: Callable[[np.ndarray], np.ndarray],
                 names: tuple[str, ...], unused: tuple[Unused, ...]) -> FiducialPairs:
        source, target = (_read_only(points(getattr(self, s))) for s in _SPACES)
        both = (getattr(self, f"{s}_covariance") for s in _SPACES)
        return self._changed(source, target, names, self.source_unit, self.target_unit,
                             *(None if c is None else _read_only(covariances(c)) for c in both), unused, self.source_step,
                             self.target_step, self.gate, self.source_origin, self.target_origin)

    def _coordinates(self, i: int) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
        if self.batch_shape:
            return None, None
        return tuple(self.source[i].tolist()), tuple(self.target[i].tolist())

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain lists, numbers and texts for JSON."""
        out: dict[str, Any] = {space: getattr(self, space).tolist() for space in _SPACES}
        out |= {"names": list(self.names), "source_unit": self.source_unit, "target_unit": self.target_unit}
        for field in ("source_covariance", "target_covariance"):
            out[field] = None if getattr(self, field) is None else getattr(self, field).tolist()
        known = ("source_step", "target_step", "gate", "source_origin", "target_origin")
        out |= {field: value for field in known if (value := getattr(self, field)) is not None}
        return out | {"unused": [u.to_dict() for u in self.unused]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> FiducialPairs:
        """The inverse of :meth:`to_dict`; checks everything again and raises InputError."""
        try:
            unused = tuple(Unused.from_dict(u) for u in data.get("unused", ()))
            source, target = data["source"], data["target"]
            names: Any = data.get("names")
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise InputError(f"these are no pairs written by regerr: {type(fault).__name__} at {fault}") from None
        return cls(source, target, names, data.get("source_unit", "px"), data.get("target_unit", "px"),
                   data.get("source_covariance"), data.get("target_covariance"), unused, data.get("source_step"),
                   data.get("target_step"), data.get("gate"), data.get("source_origin"), data.get("target_origin"))


def _sentence(faults: Iterable[str]) -> str:
    return "; ".join(faults)


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return ", ".join(items[:_LISTED]) + more


def _read_only(array: np.ndarray) -> np.ndarray:
    """A read-only contiguous array with the same values: a view where possible, so the caller's own flags stay."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _points(space: str, points: Any, faults: list[str]) -> np.ndarray | None:
    """Points (..., n, d) as read-only float64, or None and a fault."""
    if np.ma.is_masked(points):
        faults.append(f"{space} has masked entries: leave out these points")
        return None
    try:
        x = np.asarray(points)
        if np.iscomplexobj(x):
            raise TypeError
        x = np.array(x, float) if x.ndim <= 2 else np.asarray(x, float)
    except (TypeError, ValueError):
        faults.append(f"{space} is not an array of numbers: give rows of equal length (n, 2) or (n, 3)")
        return None
    if x.ndim < 2 or x.shape[-1] not in (2, 3) or x.shape[-2] == 0:
        faults.append(f"{space} has shape {x.shape}: give (n, 2) or (n, 3), one row per fiducial, with n of at least 1")
        return None
    return _read_only(x)


def _shape_faults(source: tuple[int, ...], target: tuple[int, ...]) -> list[str]:
    faults = []
    if source[-1] != target[-1]:
        faults.append(f"source is {source[-1]}D and target is {target[-1]}D: give both in one dimension")
    if source[-2] != target[-2]:
        faults.append(f"source has {source[-2]} points and target has {target[-2]}: give one target point per source point")
    if source[:-2] != target[:-2]:
        faults.append(f"source is a batch of shape {source[:-2]} and target of shape {target[:-2]}: give equal batch shapes")
    return faults


def _names(names: Sequence[str] | None, n: int, faults: list[str]) -> tuple[str, ...]:
    if names is None:
        return tuple(map(str, range(1, n + 1)))
    if isinstance(names, str):
        faults.append(f"names is the text {names!r}: give a list with one name per pair")
        return tuple(map(str, range(1, n + 1)))
    out = tuple(map(str, names))
    if len(out) != n:
        faults.append(f"there are {len(out)} names for {n} pairs: give one name per pair")
    repeated = [repr(name) for name, count in Counter(out).items() if count > 1]
    if repeated:
        faults.append(f"names must be unique, and these are not: {_listed(repeated)}")
    return out


def _name(names: tuple[str, ...], i: int) -> str:
    return repr(names[i]) if i < len(names) else str(i + 1)


def _finite_faults(space: str, x: np.ndarray, names: tuple[str, ...]) -> list[str]:
    finite = np.isfinite(x)
    if finite.all():
        return []
    where = [f"{_name(names, int(i[-1]))}{_of_dataset(i[:-1])}" for i in np.argwhere(~finite.all(-1))]
    return [f"{space} holds NaN or infinity in pair {_listed(where)}: leave out such pairs"]


def _of_dataset(index: Sequence[int] | np.ndarray) -> str:
    """Which dataset of a batch; nothing to say for one dataset."""
    return f" of dataset {', '.join(str(int(i)) for i in index)}" if len(index) else ""


def _covariance(field: str, value: Any, shape: tuple[int, ...], faults: list[str]) -> np.ndarray | None:
    if value is None:
        return None
    wanted = (shape[-2], shape[-1], shape[-1])
    try:
        covariance = np.array(value, float)
    except (TypeError, ValueError):
        faults.append(f"{field} is not an array of numbers: give one matrix per pair, {wanted}")
        return None
    if covariance.shape not in (wanted, (*shape[:-2], *wanted)):
        faults.append(f"{field} has shape {covariance.shape}: give one matrix per pair, {wanted}")
        return None
    try:
        return _read_only(check_covariance(field, covariance))
    except InputError as fault:
        faults.append(str(fault))
        return None


def _step(field: str, value: Any, faults: list[str]) -> float | None:
    if value is None:
        return None
    try:
        step = float(value)
    except (TypeError, ValueError):
        step = np.nan
    if not 0 < step < np.inf:
        faults.append(f"{field} is {value!r}: give the size of a pixel, a positive number")
    return step


def _duplicate_faults(source: np.ndarray, target: np.ndarray, names: tuple[str, ...]) -> list[str]:
    d = source.shape[-1]
    keys = weighted_sum(source, _WEIGHTS[:d]), weighted_sum(target, _WEIGHTS[d:])
    suspects = np.argwhere(have_equals(keys[0] + keys[1]))
    found = [(tuple(i), pair) for i in suspects
             for pair in equal_rows(np.concatenate([source[tuple(i)], target[tuple(i)]], -1))]
    if found:
        where = [f"{names[a]!r} and {names[b]!r}" + _of_dataset(i) for i, (a, b) in found]
        return [f"pairs {_listed(where)} are equal in both spaces: leave one of each two out"]
    if source.ndim == 2:
        for space, x, key in zip(_SPACES, (source, target), keys, strict=True):
            _warn_equal(space, x, key, names)
    return []


def _warn_equal(space: str, x: np.ndarray, key: np.ndarray, names: tuple[str, ...]) -> None:
    same = equal_rows(x) if have_equals(key) else []
    if same:
        where = _listed([f"{names[a]!r} and {names[b]!r}" for a, b in same])
        warnings.warn(f"pairs {where} lie at one place in the {space} and not in the other space: check the matching",
                      RegistrationWarning, stacklevel=5)


def _unknown_name(name: str, names: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5) or list(names[:3])
    return f"there is no pair named {name!r}: the nearest names are {', '.join(map(repr, near))}"
