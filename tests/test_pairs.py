"""Matched points: what is stored, what can be done with it, and one test per refusal."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regerr.errors import InputError, RegistrationWarning
from regerr.pairs import FiducialPairs, Unused

RNG = np.random.default_rng(11)
X = RNG.normal(size=(6, 3))
Y = RNG.normal(size=(6, 3))
NAMES: Any = ("a", "b", "c", "d", "e", "f")


def pairs(**changes: Any) -> FiducialPairs:
    """Six pairs in 3D, with changes."""
    given_ = {"source": X, "target": Y, "names": NAMES, "source_unit": "px", "target_unit": "nm"} | changes
    return FiducialPairs(**given_)


# What is stored


def test_arrays_are_stored_as_they_are_and_cannot_be_written() -> None:
    p = pairs()
    np.testing.assert_array_equal(p.source, X)
    np.testing.assert_array_equal(p.target, Y)
    assert p.source.dtype == p.target.dtype == np.float64 and p.source.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        p.source[0, 0] = 1.0
    with pytest.raises(AttributeError):
        p.source = X  # type: ignore[misc]


def test_the_callers_array_stays_writable_and_one_dataset_does_not_follow_it() -> None:
    x = X.copy()
    p = pairs(source=x)
    x[0, 0] = 1e9
    assert x.flags.writeable and p.source[0, 0] == X[0, 0]


def test_a_batch_is_not_copied() -> None:
    x, y = RNG.normal(size=(2, 5, 6, 3))
    p = FiducialPairs(x, y)
    assert np.shares_memory(p.source, x) and np.shares_memory(p.target, y) and x.flags.writeable


def test_whole_numbers_and_transposed_arrays_become_contiguous_floats() -> None:
    lists: Any = [[float(i), 2.0 * i * i] for i in range(6)]
    p = FiducialPairs(np.arange(12).reshape(2, 6).T, lists)
    assert p.source.dtype == np.float64 and p.source.flags.c_contiguous and p.source[1, 1] == 7.0


def test_sizes_names_and_units() -> None:
    p = pairs()
    assert (p.n, p.dimension, p.batch_shape) == (6, 3, ())
    assert FiducialPairs(X, Y).names == ("1", "2", "3", "4", "5", "6")
    assert (FiducialPairs(X, Y).source_unit, p.target_unit) == ("px", "nm")
    assert FiducialPairs(np.stack([X, Y]), np.stack([Y, X])).batch_shape == (2,)
    assert repr(p) == "<FiducialPairs: 6 pairs in 3D, px to nm>"


# What can be done with it


def test_swap_exchanges_everything_and_twice_is_nothing() -> None:
    covariance = np.tile(np.diag([1.0, 2.0, 3.0]), (6, 1, 1))
    p = pairs(source_covariance=covariance, unused=(Unused("g", "dropped", (1.0, 2.0, 3.0), None),))
    q = p.swap()
    np.testing.assert_array_equal(q.source, Y)
    assert (q.source_unit, q.target_unit, q.names) == ("nm", "px", NAMES)
    assert q.source_covariance is None and q.target_covariance is not None
    assert q.unused == (Unused("g", "dropped", None, (1.0, 2.0, 3.0)),)
    assert q.swap().to_dict() == p.to_dict()


def test_from_where_each_space_counts_stays_with_it() -> None:
    p = pairs(source_origin="corner", target_origin="centre", gate=0.9, source_step=2.0)
    told = ("corner", "centre", 0.9)
    kept = (p.drop("a"), p.scaled(3.0), p.quantised("target"), FiducialPairs.from_dict(json.loads(json.dumps(p.to_dict()))),
            FiducialPairs(X[None], Y[None], source_origin="corner", target_origin="centre", gate=0.9)[0])
    assert all((q.source_origin, q.target_origin, q.gate) == told for q in kept)
    assert (p.swap().source_origin, p.swap().target_origin) == ("centre", "corner") and p.swap().swap().to_dict() == p.to_dict()
    assert p.scaled(3.0).source_step == 6.0 and (pairs().source_origin, pairs().target_origin) == (None, None)
    assert not {"source_origin", "target_origin"} & pairs().to_dict().keys()


def test_drop_keeps_names_and_says_what_is_gone() -> None:
    covariance = np.arange(1.0, 7.0)[:, None, None] * np.eye(3)
    p = pairs(target_covariance=covariance).drop("b", "e")
    assert p.names == ("a", "c", "d", "f") and p.n == 4
    np.testing.assert_array_equal(p.source, X[[0, 2, 3, 5]])
    assert p.target_covariance is not None
    np.testing.assert_array_equal(p.target_covariance, covariance[[0, 2, 3, 5]])
    assert [(u.name, u.reason) for u in p.unused] == [("b", "dropped"), ("e", "dropped")]
    assert p.unused[0].source == tuple(X[1])
    assert p.drop("a", reason="moved").unused[-1].reason == "moved"


def test_drop_works_on_a_batch() -> None:
    p = FiducialPairs(np.stack([X, X + 1]), np.stack([Y, Y + 1])).drop("2")
    assert (p.n, p.batch_shape, p.names[:2]) == (5, (2,), ("1", "3"))
    assert p.unused == (Unused("2", "dropped", None, None),)


def test_drop_names_what_it_does_not_know_and_what_is_near() -> None:
    p = FiducialPairs(X[:3], Y[:3], ("bead 1", "bead 2", "grid"))
    with pytest.raises(InputError, match=r"no pair named 'baed 1': the nearest names are 'bead 1'.*no pair named 'zzz'"):
        p.drop("baed 1", "zzz")
    with pytest.raises(InputError, match="all 3 pairs leaves nothing"):
        p.drop("bead 1", "bead 2", "grid")


@pytest.mark.parametrize("index", [1, -1, slice(1, 3), (0,), [2, 0], np.array([True, False, True, False]), ...])
def test_an_index_runs_over_the_batch(index: Any) -> None:
    x, y = RNG.normal(size=(2, 4, 6, 3))
    covariance = np.abs(RNG.normal(size=(4, 6, 1, 1))) * np.eye(3) + np.eye(3)
    p = FiducialPairs(x, y, source_covariance=covariance, target_covariance=covariance[0])[index]
    plain = index[0] if isinstance(index, tuple) else index
    np.testing.assert_array_equal(p.source, x[plain])
    np.testing.assert_array_equal(p.target, y[plain])
    assert p.source_covariance is not None and p.target_covariance is not None
    np.testing.assert_array_equal(p.source_covariance, covariance[plain])
    np.testing.assert_array_equal(p.target_covariance, covariance[0])
    assert p.names == ("1", "2", "3", "4", "5", "6")


def test_an_index_never_reaches_pairs_or_coordinates() -> None:
    p = FiducialPairs(*RNG.normal(size=(2, 4, 5, 6, 3)))
    assert p[1].batch_shape == (5,) and p[..., 2].batch_shape == (4,) and p[1, 2].batch_shape == ()
    with pytest.raises(IndexError):
        p[0, 0, 0]
    with pytest.raises(InputError, match="one dataset and not a batch"):
        pairs()[0]


def test_json_there_and_back() -> None:
    covariance = np.tile(np.diag([1.0, 2.0, 3.0]), (6, 1, 1))
    p = pairs(source_covariance=covariance, unused=(Unused("g", "not placed in the target", (1.0, 2.0, 3.0)),))
    q = FiducialPairs.from_dict(json.loads(json.dumps(p.to_dict(), allow_nan=False)))
    assert q.to_dict() == p.to_dict() and q.unused == p.unused and q.names == p.names
    assert q.source_covariance is not None
    np.testing.assert_array_equal(q.source_covariance, covariance)


@pytest.mark.parametrize("data", [{}, {"source": [[1, 2]]}, {"source": [[1, 2]], "target": [[1, 2]], "unused": [{}]},
                                  {"source": [[1, 2]], "target": "x"}, {"source": [[1, 2]], "target": [[1, 2]], "unused": 3}])
def test_json_of_something_else_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        FiducialPairs.from_dict(data)


# Bad input: one sentence each


def with_value(value: float, *where: int) -> np.ndarray:
    out = X.copy()
    out[where] = value
    return out


REFUSED: list[tuple[Callable[[], FiducialPairs], str]] = [
    (lambda: pairs(source="points"), "source is not an array of numbers"),
    (lambda: pairs(source=[[1, 2], [3]]), "source is not an array of numbers"),
    (lambda: pairs(source=X + 1j), "source is not an array of numbers"),
    (lambda: pairs(source=X[0]), r"source has shape \(3,\): give \(n, 2\) or \(n, 3\)"),
    (lambda: pairs(source=X[:, :1]), r"source has shape \(6, 1\)"),
    (lambda: pairs(source=RNG.normal(size=(6, 4))), r"source has shape \(6, 4\)"),
    (lambda: pairs(source=X[:0]), r"source has shape \(0, 3\).*n of at least 1"),
    (lambda: pairs(source=np.ma.masked_greater(X, 0.0)), "source has masked entries"),
    (lambda: pairs(target=Y[:5]), "source has 6 points and target has 5"),
    (lambda: pairs(target=Y[:, :2]), "source is 3D and target is 2D"),
    (lambda: pairs(source=np.stack([X, X])), r"batch of shape \(2,\) and target of shape \(\)"),
    (lambda: pairs(source=with_value(np.nan, 2, 1)), "source holds NaN or infinity in pair 'c'"),
    (lambda: pairs(target=with_value(np.inf, 4, 0)), "target holds NaN or infinity in pair 'e'"),
    (lambda: FiducialPairs(np.stack([X, with_value(np.nan, 0, 0)]), np.stack([Y, Y])), "in pair '1' of dataset 1"),
    (lambda: pairs(names=("a", "b")), "2 names for 6 pairs"),
    (lambda: pairs(names=("a", "b", "a", "c", "d", "e")), "names must be unique, and these are not: 'a'"),
    (lambda: pairs(names="abcdef"), "names is the text 'abcdef'"),
    (lambda: pairs(source_unit=""), "source_unit is ''"),
    (lambda: pairs(target_unit=3), "target_unit is 3"),
    (lambda: pairs(source_covariance=np.eye(3)), r"source_covariance has shape \(3, 3\): give one matrix per pair, \(6, 3, 3\)"),
    (lambda: pairs(target_covariance=np.tile(-np.eye(3), (6, 1, 1))), "target_covariance is not a positive definite"),
    (lambda: pairs(target_covariance="wide"), "target_covariance is not an array of numbers"),
    (lambda: pairs(source_origin="edge"), "source_origin is 'edge': give 'centre' or 'corner', or nothing"),
    (lambda: pairs(target_origin=0.5), "target_origin is 0.5: give 'centre'"),
    (lambda: pairs(source=X[[0, 1, 2, 0, 4, 5]], target=Y[[0, 1, 2, 0, 4, 5]]), "pairs 'a' and 'd' are equal in both spaces"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message[:50] for _, message in REFUSED])
def test_refused(call: Callable[[], FiducialPairs], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_all_faults_come_in_one_sentence() -> None:
    with pytest.raises(InputError) as caught:
        FiducialPairs(with_value(np.nan, 3, 0), Y[:5, :2], names=("a", "a"), source_covariance=np.eye(2), target_unit=" ")
    message = str(caught.value)
    for part in ("source is 3D and target is 2D", "6 points and target has 5", "2 names", "must be unique",
                 "NaN or infinity in pair 4", "source_covariance has shape", "target_unit is ' '"):
        assert part in message
    assert "\n" not in message


# Equal pairs


def test_equal_in_one_space_is_a_warning_that_names_both() -> None:
    with pytest.warns(RegistrationWarning, match="pairs 'b' and 'f' lie at one place in the source"):
        pairs(source=X[[0, 1, 2, 3, 4, 1]])
    with pytest.warns(RegistrationWarning, match="pairs 'a' and 'b' lie at one place in the target"):
        pairs(target=Y[[0, 0, 2, 3, 4, 5]])


def test_equal_in_one_space_is_no_news_in_a_batch() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FiducialPairs(np.stack([X[[0, 0, 2, 3, 4, 5]]] * 3), np.stack([Y] * 3))


def test_equal_pairs_are_found_in_a_batch() -> None:
    x, y = RNG.normal(size=(2, 50, 9, 2))
    x[31, 7], y[31, 7] = x[31, 2], y[31, 2]
    with pytest.raises(InputError, match="pairs '3' and '8' of dataset 31 are equal in both spaces"):
        FiducialPairs(x, y)


@given(st.lists(st.tuples(*[st.sampled_from([0.0, -0.0, 1.0, 1.0 + 2**-52, 1e300, -1e300, 1e-300])] * 4), min_size=1, max_size=6))
def test_equal_pairs_are_found_exactly(rows: list[tuple[float, ...]]) -> None:
    """Neighbouring floating-point numbers are not equal, zeros of either sign are, and nothing overflows."""
    points = np.array(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", RegistrationWarning)
        if len({tuple(row) for row in (points + 0.0).tolist()}) == len(rows):
            FiducialPairs(points[:, :2], points[:, 2:])
        else:
            with pytest.raises(InputError, match="equal in both spaces"):
                FiducialPairs(points[:, :2], points[:, 2:])


def test_the_door_costs_a_batch_little() -> None:
    """10,000 sets of 10 pairs within a few times the drawing of their coordinates (about 2.5 ms)."""
    rng = np.random.default_rng(5)
    start = time.perf_counter()
    x, y = rng.standard_normal((2, 10_000, 10, 2))
    drawing = time.perf_counter() - start
    took = []
    for _ in range(7):
        start = time.perf_counter()
        FiducialPairs(x, y)
        took.append(time.perf_counter() - start)
    assert min(took) < max(3 * drawing, 0.010)
