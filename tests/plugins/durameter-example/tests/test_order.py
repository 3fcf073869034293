"""Counts of orders are what was derived by hand in workload.py. Real servers are started: some 20 s."""

import subprocess
import sys
from pathlib import Path

import pytest

import durameter

DURAMETER = Path(sys.executable).with_name("durameter")


@pytest.fixture(scope="module")
def measurement(tmp_path_factory):
    """Three orders on both engines, whose payments fail once."""
    folder = tmp_path_factory.mktemp("measured") / "result"
    order = [DURAMETER, "run", "example/order", "--tasks", "3", "-o", "payment_failures=1", "--out", folder]
    subprocess.run(order, check=True)
    return durameter.read_result(folder).measurement


@pytest.mark.parametrize(("engine", "lower", "upper"), [("temporal", 4, 4), ("inngest", 3, 4)])
def test_units_of_an_order(measurement, engine, lower, upper):
    """One item costs one unit; the failed payment is one more where it is billed, or may be."""
    [measured] = [each for each in measurement.engines if each.engine == engine]
    for task in measured.tasks:
        assert task.units_lower == task.shape["items"] + lower
        assert task.units_upper == task.shape["items"] + upper
