"""Options that several commands share: which pairs, and how they are fitted.

A command takes them as frozen records; `shared` spreads the fields of those records out as its options.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from ..errors import RegistrationWarning
from .numbers import positive

if TYPE_CHECKING:
    from ..io import Points
    from ..models import Model
    from ..noise import Noise
    from ..pairs import FiducialPairs
    from ..results import RegistrationResult


def given_by(metavar: str, words: str) -> Any:
    """An option whose default needs no showing."""
    return typer.Option(metavar=metavar, help=words, show_default=False)


@dataclass(frozen=True)
class Input:
    """Where the pairs come from."""

    file: Annotated[Path, typer.Argument(
        metavar="FILE", show_default=False,
        help="Matched points: a table of pairs, BigWarp landmarks, an ec-CLEM or Slicer file, or a JSON that regerr saved.")]
    file2: Annotated[Path | None, typer.Argument(
        metavar="FILE2", show_default=False, help="The points of the target, when FILE holds those of the source alone.")] = None
    exclude: Annotated[list[str] | None, given_by("NAME", "Leave out this fiducial; may be repeated.")] = None
    swap: Annotated[bool, typer.Option("--swap", help="The way back: register the target to the source.")] = False
    columns: Annotated[str | None, given_by("A,B,...", "Columns of a table to take: x, y[, z] of the source, then of the "
                                                       "target.")] = None
    partial: Annotated[bool, typer.Option("--partial", help="With two files, use the points that both name.")] = False
    source_unit: Annotated[str | None, given_by("UNIT", "Unit of the source, where the file does not say it.")] = None
    target_unit: Annotated[str | None, given_by("UNIT", "Unit of the target, where the file does not say it.")] = None
    source_pixel: Annotated[str | None, given_by("S[,S[,S]]", "Pixel size of the source along x, y[, z], for a file that counts "
                                                              "pixels; in the source's unit.")] = None
    target_pixel: Annotated[str | None, given_by("S[,S[,S]]", "The same of the target.")] = None
    source_fle: Annotated[Path | None, given_by("FILE", "How precisely the points of the source are localised: a JSON that "
                                                        "regerr fle saved.")] = None
    target_fle: Annotated[Path | None, given_by("FILE", "The same of the target.")] = None
    quantised: Annotated[str | None, given_by("SPACE", "Coordinates of the source, the target or both are whole pixels: rounding "
                                                       "counts as noise, and equal places are no fault.")] = None
    gate: Annotated[float | None, given_by("P", "The pairs were chosen by a gate that a true pair passes with this probability: "
                                                "the noise is corrected for it.  [default: what the file says, as that of regerr "
                                                "match does]")] = None

    def read(self) -> FiducialPairs:
        """All pairs of the files."""
        if self.quantised is None:
            return self._read()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "pairs .* lie at one place", RegistrationWarning)
            return self._read()

    def _read(self) -> FiducialPairs:
        from ..io import read_pairs

        saved = self.saved()
        columns = None if self.columns is None else [name.strip() for name in self.columns.split(",")]
        pairs = saved.pairs if saved is not None else read_pairs(
            self.file, self.file2, columns=columns, partial=self.partial, source_unit=self.source_unit,
            target_unit=self.target_unit, source_pixel_size=_pixel("--source-pixel", self.source_pixel),
            target_pixel_size=_pixel("--target-pixel", self.target_pixel))
        pairs = self._rounded(self._localised(pairs))
        pairs = pairs if self.gate is None else replace(pairs, gate=self.gate)
        return pairs.swap() if self.swap else pairs

    def _rounded(self, pairs: FiducialPairs) -> FiducialPairs:
        """The pairs with the step that ``--quantised`` states: a pixel, r.m.s. over its sides, in the unit of the coordinates."""
        if self.quantised is None:
            return pairs
        known = pairs.quantised(self.quantised)
        for space, text in (("source", self.source_pixel), ("target", self.target_pixel)):
            if text is not None and self.quantised in (space, "both"):
                sizes = positive(f"--{space}-pixel", text)
                known = known.quantised(space, (sum(size**2 for size in sizes) / len(sizes)) ** 0.5)
        return known

    def _localised(self, pairs: FiducialPairs) -> FiducialPairs:
        """The pairs with the covariances that repeats tell, before any swap."""
        from ..repeats import Repeats

        for space, file in (("source", self.source_fle), ("target", self.target_fle)):
            pairs = pairs if file is None else Repeats.load(file).attach(pairs, space)
        return pairs

    def without_excluded(self, pairs: FiducialPairs) -> FiducialPairs:
        """The pairs but for those that ``--exclude`` names."""
        return pairs.drop(*self.exclude, reason="excluded") if self.exclude else pairs

    def saved(self) -> RegistrationResult | None:
        """The registration that the file holds, if regerr saved it."""
        from ..records import is_record, load

        return load(self.file) if is_record(self.file) else None


@dataclass(frozen=True)
class Assumption:
    """What is assumed of the noise; what is not given comes from a saved registration, or is noise in both spaces."""

    noise: Annotated[str | None, given_by("NOISE", "Where the fiducials are noisy: both, target or source (alike in all "
                                                   "directions), or full (any covariance; affine only).  [default: both]")] = None
    noise_ratio: Annotated[float | None, given_by("RATIO", "Noise variance of the source over that of the target, as seen in "
                                                           "the target.")] = None
    noise_sd: Annotated[float | None, given_by("SD", "Known s.d. per coordinate of the noise of a pair, in target units; "
                                                     "estimated otherwise.")] = None
    source_sd: Annotated[str | None, given_by("SD[,SD[,SD]]", "Noise s.d. of the source along x, y[, z], in its own units, known "
                                                              "up to a factor that is estimated.")] = None
    target_sd: Annotated[str | None, given_by("SD[,SD[,SD]]", "The same of the target.")] = None
    stated: Annotated[bool, typer.Option("--stated", help="Take the noise that options or files state as it stands, without a "
                                                          "factor.")] = False
    tails: Annotated[float | None, given_by("NU", "Heavy tails: Student's t with NU degrees of freedom, such as 4, in place of "
                                                  "Gaussian noise.")] = None

    def assumed(self, given: Input) -> Noise:
        """The noise that the options name, or that of a saved registration."""
        from ..noise import Noise, parse_noise

        if self.source_sd is not None or self.target_sd is not None:
            return self._along_axes()
        if self.stated:
            return Noise(shape="given", scale=1.0)
        saved = given.saved()
        noise = parse_noise(self.noise or (saved.noise if saved is not None else "both"))
        if given.swap and self.noise is None and saved is not None:
            noise = noise.swapped()
        if self.noise_ratio is not None:
            noise = replace(noise, ratio=self.noise_ratio)
        if self.noise_sd is not None:
            noise = replace(noise, scale=self.noise_sd, floor=None, gate=None)
        return noise if self.tails is None else replace(noise, tails=self.tails, floor=None, gate=None)

    def _along_axes(self) -> Noise:
        """The noise that ``--source-sd`` and ``--target-sd`` name, of the pairs as they are fitted."""
        import numpy as np

        from ..errors import InputError
        from ..noise import Noise

        if self.noise is not None or self.noise_ratio is not None or self.noise_sd is not None or self.tails is not None:
            raise InputError("--source-sd and --target-sd say all there is to say of the noise: leave out --noise, "
                             "--noise-ratio, --noise-sd and --tails")
        sizes = [None if text is None else np.square(positive(option, text))
                 for option, text in (("--source-sd", self.source_sd), ("--target-sd", self.target_sd))]
        source, target = (None if v is None else float(v[0]) if len(v) == 1 else np.diag(v) for v in sizes)
        return Noise(source_covariance=source, target_covariance=target, scale=1.0 if self.stated else None)


@dataclass(frozen=True)
class Fitting(Assumption):
    """How the pairs are fitted; a saved registration keeps its model, and all others are rigid."""

    model: Annotated[str | None, given_by("MODEL", "rigid, similarity or affine.  [default: rigid]")] = None
    scale: Annotated[str | None, given_by("S", "Known scale of a rigid map, target units per source unit: a number, or the pixel "
                                               "size of the source over that of the target, such as 0.65/0.108.")] = None

    def chosen(self, given: Input) -> Model:
        """The model that the options name, or that of a saved registration."""
        from ..records import model_of
        from .checking import ratio

        saved = given.saved()
        if self.scale is not None:
            return model_of(self.model or "rigid", ratio("--scale", self.scale))
        if self.model is not None or saved is None:
            return model_of(self.model or "rigid")
        return model_of(saved.model.card.name, saved.model.scale ** (-1 if given.swap else 1))

    def fit(self, given: Input, pairs: FiducialPairs) -> RegistrationResult:
        """Register pairs."""
        from ..results import fit

        return fit(pairs, self.chosen(given), self.assumed(given))


def _pixel(option: str, text: str | None) -> float | tuple[float, ...] | None:
    sizes = None if text is None else positive(option, text)
    return sizes[0] if sizes is not None and len(sizes) == 1 else sizes


def read_targets(path: Path | None, pairs: FiducialPairs | None = None) -> Points | None:
    """Targets of a file, or None; of the pairs that are given, pixels are counted as those of the source."""
    return None if path is None else targets_of(path, pairs)


def targets_of(path: Path, pairs: FiducialPairs | None) -> Points:
    """The same of a file that is there."""
    from ..io import read_points
    from ..io.origins import counted_alike

    points = read_points(path)
    return points if pairs is None else counted_alike(points, pairs, f"the targets in {path}")


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """Spread each parameter of a command that is a record of options out into its fields."""
    hints = get_type_hints(command, include_extras=True)
    records: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        name = parameter.name
        parameters += _spread(records[name]) if name in records else [_keyword(name, parameter.default, hints[name])]

    def spread(**values: Any) -> None:
        built = {name: record(**{f.name: values.pop(f.name) for f in fields(record)}) for name, record in records.items()}
        command(**built, **values)

    functools.update_wrapper(spread, command)
    del spread.__wrapped__  # type: ignore[attr-defined]  # whose signature would be read instead of this one
    spread.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    spread.__annotations__ = {p.name: p.annotation for p in parameters}
    return spread


def _spread(record: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(record, include_extras=True)
    return [_keyword(p.name, p.default, hints[p.name]) for p in inspect.signature(record).parameters.values()]


def _keyword(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
