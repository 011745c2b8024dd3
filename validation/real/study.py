"""Runs all questions, and writes what was found: tables, reasons, and the text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

import regerr
from regerr import datasets
from regerr.errors import InputError, MissingExtraError, RegistrationError

from ..kept import write_csv, write_parquet, write_whole
from .cases import EVERY, Size
from .diagnosis import Diagnosis, diagnose
from .hits import Answers, ask, estimators
from .sets import QUESTIONS, Question
from .tables import by_case, summary
from .words import report

Found = list[tuple[Answers, Mapping[str, Diagnosis]]]
Report = Callable[[int, int], None]  # questions done, questions in all
SIMULATED = {"ecclem_reference": "its pairs are simulated", "formats": "its files are examples for readers"}


def run(data: Path | None, size: Size, questions: Sequence[Question] = QUESTIONS, slow: bool = True,
        report_progress: Report | None = None) -> tuple[Found, dict[str, str]]:
    """Put all questions to all estimators; what is absent is skipped with its reason.

    Parameters
    ----------
    data : Path, optional
        Folder of the data sets; without it public ones are fetched.
    """
    found: Found = []
    skipped = {name: why for name, why in SIMULATED.items() if data is not None and (data / name).is_dir()}
    loaded: dict[str, datasets.Dataset] = {}
    for done, question in enumerate(questions):
        if report_progress:
            report_progress(done, len(questions))
        if question.dataset not in loaded and question.dataset not in skipped:
            try:
                loaded[question.dataset] = datasets.load(question.dataset, data)
            except RegistrationError as fault:
                skipped[question.dataset] = str(fault)
        if question.dataset in loaded:
            try:
                found.append(_found(question, loaded[question.dataset], size, slow))
            except MissingExtraError as fault:
                skipped[f"{question.dataset}, {question.name}"] = str(fault)
    if report_progress:
        report_progress(len(questions), len(questions))
    if not found:
        raise InputError(f"there is none of the data sets ({'; '.join(skipped.values())}): give the folder that holds them with "
                         "--data")
    return found, skipped


def _found(question: Question, data: datasets.Dataset, size: Size, slow: bool) -> tuple[Answers, Mapping[str, Diagnosis]]:
    """What one question finds, and the diagnosis of each family from all points."""
    cases, every = question.cases(data, size), question.cases(data, replace(size, points=EVERY))
    reasons = {family: diagnose(every, family, question.noise) for family in question.families}
    asked = {family: estimators(question, family, slow) for family in question.families}
    return ask(question, cases, size.measured, asked), reasons


def write(found: Found, skipped: Mapping[str, str], folder: Path) -> str:
    """Write everything to a folder; returns the text."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise InputError(f"cannot write to {folder} ({fault.strerror or fault}): choose another folder for --output") from None
    table = summary([answers for answers, _ in found])
    text = report(table, found, skipped)
    frames = {"coverage": table, "cases": by_case([answers for answers, _ in found]), "hits": _together(found, "hits"),
              "reasons": _reasons(found), "refused": _together(found, "refused")}
    for name, frame in frames.items():
        write_parquet(folder / f"{name}.parquet", frame)
        if name != "hits":
            write_csv(folder / f"{name}.csv", frame)
    write_whole(folder / "real.txt", lambda path: path.write_text(text, encoding="utf-8"))
    write_whole(folder / "study.json", lambda path: path.write_text(json.dumps(_facts(found, skipped), indent=1) + "\n",
                                                                    encoding="utf-8"))
    return text


def _together(found: Found, name: str) -> pd.DataFrame:
    return pd.concat([getattr(answers, name).assign(dataset=answers.question.dataset, question=answers.question.name)
                      for answers, _ in found], ignore_index=True)


def _reasons(found: Found) -> pd.DataFrame:
    return pd.DataFrame([{"dataset": answers.question.dataset, "question": answers.question.name, "family": family, **vars(one)}
                         for answers, each in found for family, one in each.items()])


def _facts(found: Found, skipped: Mapping[str, str]) -> dict[str, object]:
    return {"name": "real", "version": regerr.__version__, "skipped": dict(skipped),
            "questions": [{"dataset": a.question.dataset, "question": a.question.name, "cases": [c.name for c in a.cases],
                           "seconds": round(a.seconds, 2)} for a, _ in found]}
