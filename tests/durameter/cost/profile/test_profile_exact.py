"""Which counts are an exact function of the covariates: properties, and cases by hand."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from durameter.cost.profile.exact import Design, as_fraction

SMALL = st.integers(0, 9)


def design(rows: list[list[int]]) -> Design:
    return Design([[Fraction(1), *map(Fraction, row)] for row in rows])


def rank(rows: list[list[int]]) -> int:
    """By the null space, which another test holds against the rows."""
    found = design(rows)
    return found.width - len(found.never_varied)


@st.composite
def tables(draw: st.DrawFn, low: int = 8, high: int = 14) -> list[list[int]]:
    width = draw(st.integers(1, 4))
    count = draw(st.integers(low, high))
    return draw(st.lists(st.lists(SMALL, min_size=width, max_size=width), min_size=count, max_size=count))


def rank_of(table: list[list[int]]) -> int:
    return int(np.linalg.matrix_rank(np.array(table))) if table and table[0] else 0


def weighted_by(marginals: Mapping[int, Fraction], rows: list[list[int]]) -> list[Fraction]:
    return [sum((m * [1, *row][c] for c, m in marginals.items()), Fraction(0)) for row in rows]


def weighted(marginals: list[Fraction], rows: list[list[int]]) -> list[Fraction]:
    return [sum((m * x for m, x in zip(marginals, [1, *row], strict=True)), Fraction(0)) for row in rows]


@settings(max_examples=200, deadline=None)
@given(tables(), st.lists(SMALL, min_size=5, max_size=5))
@example([[0, 0, 0, 0]] * 5 + [[0, 0, 1, 0], [0, 1, 0, 1], [2, 0, 0, 1]], [1, 1, 1, 1, 1])
@example([[0, 0, 0, 0]] * 6 + [[0, 1, 0, 1], [2, 0, 0, 1]], [0, 1, 1, 0, 1])
def test_a_line_with_whole_marginals_is_found_and_says_every_value(rows: list[list[int]], truth: list[int]) -> None:
    marginals = [Fraction(m) for m in truth[: len(rows[0]) + 1]]
    values = weighted(marginals, rows)
    line = design(rows).line(values)
    needed = [column for column, marginal in enumerate(marginals) if marginal]
    if rank_of([[[1, *row][column] for column in needed] for row in rows]) < len(needed):
        # Of the lines that say every value, the tasks cannot tell the true one; none with so many columns is tried.
        if line is not None:
            assert weighted_by(line.marginals, rows) == values
            assert len(line.marginals) <= rank(rows)
        return
    assert line is not None
    assert weighted_by(line.marginals, rows) == values
    assert line.whole
    if rank(rows) == len(marginals):  # the tasks tell every marginal: there is only one line
        assert line.marginals == {c: m for c, m in enumerate(marginals) if m}
    else:  # another may say the same, but no larger one is chosen
        assert len(line.marginals) <= len(needed)


@settings(max_examples=200, deadline=None)
@given(tables(), st.data())
def test_one_unit_too_many_in_one_task_is_no_exact_line(rows: list[list[int]], data: st.DataObject) -> None:
    """The other rows tell every marginal, so that nothing can be bent to fit the one that is off."""
    values = weighted([Fraction(1)] * (len(rows[0]) + 1), rows)
    wrong = data.draw(st.integers(0, len(rows) - 1))
    others = [row for i, row in enumerate(rows) if i != wrong]
    values[wrong] += 1
    if rank(others) == len(rows[0]) + 1:
        assert design(rows).line(values) is None


@settings(max_examples=200, deadline=None)
@given(tables(low=2))
def test_what_never_varied_sums_to_zero_in_every_task_and_is_all_of_it(rows: list[list[int]]) -> None:
    found = design(rows)
    for weights in found.never_varied:
        assert weights
        assert all(sum(w * row[c] for c, w in weights.items()) == 0 for row in found.rows)
    # Each has a column of its own with weight 1 that no other has: none is a sum of others.
    own = [max(weights) for weights in found.never_varied]
    assert len(set(own)) == len(own)
    # Rows and null space together fill the width (numpy's rank of small whole numbers is safe).
    assert np.linalg.matrix_rank(np.array(found.rows, dtype=float)) == found.width - len(found.never_varied)


def test_a_third_of_a_unit_is_exact_too() -> None:
    rows = [[n] for n in range(1, 10)]
    line = design(rows).line([Fraction(n, 3) for n in range(1, 10)])
    assert line is not None
    assert line.marginals == {1: Fraction(1, 3)}
    assert line.spare == 8


def test_a_float_means_what_people_write() -> None:
    assert as_fraction(0.1) == Fraction(1, 10)
    assert as_fraction(12.5) == Fraction(25, 2)


def test_noise_on_as_many_tasks_as_covariates_is_not_believed() -> None:
    """Any three values lie on some plane of three parameters: that is no evidence."""
    assert design([[2, 7], [5, 1], [3, 3]]).line([Fraction(n) for n in (4, 9, 1)]) is None


def test_whole_marginals_go_before_fractions() -> None:
    """The second covariate is always half of the first: 5 of the second is whole, 2.5 of the first is not."""
    rows = [[2, 1], [4, 2], [6, 3], [8, 4], [2, 1], [4, 2], [6, 3], [8, 4]]
    line = design(rows).line([Fraction(5 * row[1]) for row in rows])
    assert line is not None
    assert line.marginals == {2: 5}


@pytest.mark.parametrize(
    ("rows", "alone"),
    [
        # Only one task has the second covariate: what it costs rests on that task.
        ([[1, 0], [2, 0], [3, 0], [4, 0], [5, 1]], (2,)),
        ([[1, 0], [2, 0], [3, 1], [4, 0], [5, 1]], ()),
    ],
)
def test_a_marginal_that_one_task_tells_is_named(rows: list[list[int]], alone: tuple[int, ...]) -> None:
    line = design(rows).line([Fraction(a + 2 * b) for a, b in rows])
    assert line is not None
    assert line.marginals == {1: 1, 2: 2}
    assert line.rests_on_one == alone
