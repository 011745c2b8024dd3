"""Studies give the same numbers whoever computes them, keep what is done, and lose no failure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from regerr.errors import Failure, InputError, MissingExtraError, RegistrationError
from regerr.noise import Noise
from simulations import Experiment, Fixed, Gathered, Rigid, Uniform
from validation import content
from validation.analysis import analyse
from validation.content import content_of, digest
from validation.estimators import LeaveOneOutDisk, Registration
from validation.runner import Workers, collect, read, replay, run
from validation.study import Margins, Scenario, Study
from validation.tables import per_scenario, per_target

NOISE = Noise(source_covariance=1.0, target_covariance=1.0)


def scenario(n: int = 6, *estimators, redraw: bool = False, measured: int = 100) -> Scenario:
    experiment = Experiment(Gathered(n), Uniform(3), Rigid(), NOISE, redraw=redraw)
    asked = estimators or (Registration("rigid", "both", "wald"), LeaveOneOutDisk("rigid"))
    return Scenario({"n": n}, experiment, asked, ("observation", "tre"), volume_kinds=("tre",), measured=measured, truth="rigid")


def study(*scenarios: Scenario, replicates: int = 70, **options) -> Study:
    cells = scenarios or (scenario(6), scenario(9, redraw=True))
    return Study("trial", "A trial", cells, replicates=replicates, chunk=20, seed=5, **options)


def tables(a_study: Study, folder) -> tuple[pd.DataFrame, pd.DataFrame]:
    sums = collect(a_study, folder).sums
    return per_target(a_study, sums), per_scenario(a_study, sums)


def assert_same(left, right) -> None:
    for a, b in zip(left, right, strict=True):
        pd.testing.assert_frame_equal(a, b, check_exact=True)


def finished(a_study: Study, folder, workers: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    run(a_study, folder, Workers(workers))
    return tables(a_study, folder)


# The same numbers


def test_one_worker_many_and_interrupted_give_the_same_bits(tmp_path):
    """Also when scenarios come in another order, and a resumed run computes nothing twice."""
    one = finished(study(), tmp_path / "one")
    assert_same(one, finished(study(), tmp_path / "many", workers=3))

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(study(), tmp_path / "stopped", Workers(1), stop)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "stopped" / "chunks").iterdir()}
    assert len(before) == 3
    seen: list[tuple[int, int]] = []
    run(study(), tmp_path / "stopped", Workers(2), lambda *counts: seen.append(counts))
    assert seen[0] == (3, 8) and seen[-1] == (8, 8)
    assert all(p.stat().st_mtime_ns == time for p, time in before.items())
    assert_same(one, tables(study(), tmp_path / "stopped"))

    turned = study(scenario(9, redraw=True), scenario(6))
    run(turned, tmp_path / "turned", Workers(1))
    ordered = [t.sort_values(["scenario", "estimator", "kind", "level"], kind="stable", ignore_index=True) for t in one]
    assert_same(ordered, [t.sort_values(["scenario", "estimator", "kind", "level"], kind="stable", ignore_index=True)
                          for t in tables(turned, tmp_path / "turned")])


def test_more_scenarios_and_estimators_change_no_others(tmp_path):
    alone = finished(study(scenario(6)), tmp_path / "alone")[1]
    joined = study(scenario(4), scenario(6)).joined_by(Registration("affine", "target", "wald"))
    together = finished(joined, tmp_path / "together")[1]
    kept = together[together["scenario"].isin(alone["scenario"]) & together["estimator"].isin(alone["estimator"])]
    pd.testing.assert_frame_equal(alone, kept.reset_index(drop=True), check_exact=True)
    assert len(together) == 12 and set(together["estimator"]) > set(alone["estimator"])


def test_seed_chunk_size_and_content_are_part_of_the_numbers(tmp_path):
    base = finished(study(scenario(6)), tmp_path / "a")[0]["rms_tre"]
    for name, other in {"seed": replace(study(scenario(6)), seed=6), "chunk": replace(study(scenario(6)), chunk=30)}.items():
        assert not np.allclose(base, finished(other, tmp_path / name)[0]["rms_tre"], rtol=1e-9)
    a, b = scenario(6), scenario(6, redraw=True)
    assert a.content != b.content and a.content == scenario(6, Registration("affine")).content


def test_content_leaves_defaults_out_and_refuses_what_has_none():
    """An option that a generator learns later must not change what is drawn without it."""
    assert content_of(Gathered(5)) == content_of(Gathered(5, 2, centre=256.0))
    assert content_of(Gathered(5)) != content_of(Gathered(5, sd=3.0))
    assert content_of(Fixed(np.eye(2))) == content_of(Fixed([[1.0, 0.0], [0.0, 1.0]]))
    assert digest(NOISE) != digest(Noise(source_covariance=1.0, target_covariance=2.0))
    assert digest(0.1) == digest(np.float64(0.1)) != digest(np.nextafter(0.1, 1))
    with pytest.raises(InputError, match="no content"):
        content_of(object())


def test_changed_code_or_a_broken_file_is_computed_again(tmp_path, monkeypatch):
    a_study = study(scenario(6))
    first = finished(a_study, tmp_path)
    chunk, *_ = a_study.chunks()
    path = tmp_path / "chunks" / f"{chunk.name}.parquet"
    path.write_bytes(path.read_bytes()[:200])
    assert read(chunk, path.parent) is None
    with pytest.raises(InputError, match="lacks the chunk"):
        collect(a_study, tmp_path)
    assert_same(first, finished(a_study, tmp_path))
    monkeypatch.setattr("validation.study.code_digest", lambda: "another code")
    assert all(read(c, path.parent) is None for c in study(scenario(6)).chunks())
    assert content.code_digest() == content.code_digest() != "another code"


def test_nothing_is_left_half_written(tmp_path, monkeypatch):
    """A full disk in the middle of a file leaves no file, and one sentence."""

    def full(self, path, **options) -> None:
        path.write_bytes(b"PAR1 half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(InputError, match="No space left on device"):
        run(study(scenario(6)), tmp_path, Workers(1))
    assert list((tmp_path / "chunks").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot make the folder"):
        run(study(scenario(6)), tmp_path / "file" / "results", Workers(1))


# Failures


@dataclass(frozen=True)
class Choosy:
    """Fails on datasets whose first fiducial lies left of the true one's mean; covers the rest always."""

    name: str = "choosy"
    label: str = "choosy"
    coded: bool = True

    def predict(self, pairs, targets, kind):
        bad = pairs.source[:, 0, 0] < np.mean(pairs.source[:, 0, 0])
        shape = (*pairs.batch_shape, np.shape(targets)[-2])
        return _Answer(np.where(bad[:, None, None], np.nan, np.zeros((*shape, 2))), bad.astype(int) * 2 if self.coded else None)


@dataclass(frozen=True, eq=False)
class _Answer:
    mean: np.ndarray
    failure: np.ndarray | None

    @property
    def rms(self) -> np.ndarray:
        return np.ones(self.mean.shape[:-1])

    def region(self, level: float) -> _Answer:
        return self

    def contains(self, points) -> np.ndarray:
        return np.ones(self.mean.shape[:-1], bool)

    @property
    def volume(self) -> np.ndarray:
        return np.ones(self.mean.shape[:-1])


@pytest.mark.parametrize("coded", [True, False])
def test_failures_count_as_not_covered_and_can_be_drawn_again(tmp_path, coded):
    a_study = study(scenario(6, Choosy(coded=coded)))
    run(a_study, tmp_path, Workers(1))
    found = collect(a_study, tmp_path)
    sums, failures = found.sums, found.failures
    row = per_scenario(a_study, sums).iloc[0]
    assert row["failed"] == len(failures) / 70 == pytest.approx(1 - row["coverage_mean"])
    assert 0.3 < row["failed"] < 0.7
    assert set(failures["reason"]) == {Failure.COLLINEAR.sentence if coded else ""}
    chunks = {c.index: c.draw() for c in a_study.chunks()}
    for name, chunk, replicate in failures[["scenario", "chunk", "replicate"]].head(5).itertuples(index=False, name=None):
        again, batch = replay(a_study, name, chunk, replicate), chunks[chunk]
        assert again.pairs.batch_shape == () and again.targets.true_source.shape == (3, 2)
        assert np.array_equal(again.pairs.source, batch.pairs.source[replicate])
        assert again.pairs.source[0, 0] < batch.pairs.source[:, 0, 0].mean()
    with pytest.raises(InputError, match="no replicate 99"):
        replay(a_study, failures["scenario"][0], 0, 99)


def test_a_dataset_of_a_redrawn_scene_is_replayed_whole():
    a_study = study(scenario(6, redraw=True))
    chunk = next(a_study.chunks())
    one, batch = replay(a_study, chunk.scenario.identity, 0, 7), chunk.draw()
    assert np.array_equal(one.true_source, batch.true_source[7])
    assert np.allclose(one.true_transform.apply(one.true_source), one.true_target)
    assert np.array_equal(one.targets.target, batch.targets.target[7])


@dataclass(frozen=True)
class Unable:
    """Refuses every dataset at once."""

    name: str = "unable"
    label: str = "unable"

    def predict(self, pairs, targets, kind):
        raise RegistrationError("this one never works")


def test_an_estimator_that_refuses_the_pairs_covers_nothing(tmp_path):
    a_study = study(scenario(6, Unable()))
    run(a_study, tmp_path, Workers(1))
    found = collect(a_study, tmp_path)
    sums, failures = found.sums, found.failures
    rows = per_scenario(a_study, sums)
    assert (rows["coverage_mean"] == 0).all() and (rows["failed"] == 1).all() and (rows["verdict"] == "cannot").all()
    assert set(failures["reason"]) == {"this one never works"}


def test_an_estimator_that_answers_nothing_that_is_asked_says_so():
    @dataclass(frozen=True)
    class Other(Choosy):
        kinds: tuple[str, ...] = ("lre",)

    table = analyse(next(study(scenario(6, Other())).chunks()))
    assert table.attrs["failures"][0]["reason"] == "choosy answers lre, and this scenario asks observation, tre"
    assert set(table["measure"]) == {"failed"}


# What can be asked for


def test_volumes_are_taken_on_the_first_replicates_unless_they_are_cheap(tmp_path):
    """Counts per cell: all replicates for ellipses, the first 25 (across two chunks of 20) for others."""

    @dataclass(frozen=True)
    class Slow(Choosy):
        name: str = "slow"

        def predict(self, pairs, targets, kind):
            shape = (*pairs.batch_shape, np.shape(targets)[-2], 2)
            return _Answer(np.zeros(shape), None)

    a_study = study(scenario(6, Slow(), Registration("rigid", "both", "wald"), measured=25))
    assert [c.measured for c in a_study.chunks()] == [20, 5, 0, 0]
    parts = [analyse(c) for c in a_study.chunks()]
    counts = pd.concat(parts)[lambda t: (t["measure"] == "volume") & (t["kind"] == "tre") & (t["target"] == 0)]
    assert counts.groupby("estimator")["count"].sum().to_dict() == {"slow": 25, "rigid-both-wald": 70}


@pytest.mark.parametrize(("options", "sentence"), [
    ({"backend": "slurm"}, "backend 'slurm' is unknown"), ({"count": 0}, "number of workers is 0"),
    ({"backend": "dask"}, "--scheduler"), ({"scheduler": "tcp://here:1"}, "--backend dask")])
def test_workers_are_checked(options, sentence):
    with pytest.raises(InputError, match=sentence):
        Workers(**options)


def test_dask_is_optional_and_says_so(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match="pip install distributed"):
        run(study(scenario(6)), tmp_path, Workers(backend="dask", scheduler="tcp://127.0.0.1:8786"))


def test_studies_are_checked():
    with pytest.raises(InputError, match="replicates is 0"):
        study(replicates=0)
    with pytest.raises(InputError, match="twice"):
        study(scenario(6), scenario(6))
    with pytest.raises(InputError, match="named 'choosy'"):
        scenario(6, Choosy(), Choosy())
    with pytest.raises(InputError, match="'nonsense' is unknown"):
        replace(scenario(6), kinds=("nonsense",))
    with pytest.raises(InputError, match=r"no margin was declared for level 0\.9"):
        Margins().at(0.9)
