"""The regression against statsmodels, which has it all and weighs 90 MB; and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import WLS

from durameter.cost.profile.regression import Regression


@given(st.integers(1, 4), st.integers(2, 30), st.integers(0, 999))
def test_values_errors_and_degrees_against_statsmodels(terms: int, more: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = np.column_stack([rng.gamma(2, 5, terms + more) + 1, *rng.gamma(1, 3, (terms - 1, terms + more))])
    units = columns @ rng.gamma(2, 2, terms) + rng.normal(0, 3, terms + more)
    found, theirs = Regression(columns, units), WLS(units, columns, weights=1 / columns[:, 0]).fit()
    assert found.values == pytest.approx(theirs.params)
    assert found.squares == pytest.approx(theirs.ssr)
    assert found.degrees == theirs.df_resid
    if found.leverages.max() < 0.999:
        assert found.covariance() == pytest.approx(theirs.get_robustcov_results("HC3").cov_params(), rel=1e-6)


def test_columns_that_go_together_leave_a_degree() -> None:
    """The least of all solutions: twice the same column shares the value of 21 / 10 units per exposure."""
    once = np.array([1.0, 2, 3, 4])
    found = Regression(np.column_stack([once, once]), np.array([2.0, 5, 5, 9]))
    assert found.degrees == 3
    assert found.values == pytest.approx([1.05, 1.05])


def test_hc3_by_hand() -> None:
    """MacKinnon and White 1985 for one column x = 1, 1, 2, variance in proportion to it, and y = 1, 3, 5.

    The value is Σy / Σx = 9/4. Whitened by √x, x is 1, 1, √2 with Σ = 4, so h = 1/4, 1/4, 1/2 and the residuals are
    -5/4, 3/4 and (1/2)/√2. HC3: Σ x² e² / (1 - h)² / 4² = (25/9 + 1 + 2 * (1/8) / (1/4)) / 16.
    """
    found = Regression(np.array([[1.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]))
    assert found.values == pytest.approx([9 / 4])
    assert found.leverages == pytest.approx([1 / 4, 1 / 4, 1 / 2])
    assert found.covariance() == pytest.approx(np.array([[(25 / 9 + 1 + 1) / 16]]))
