"""Configuration: the file, the variables, which wins, and what is said when either is wrong."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from durameter.config import load_config
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.temporal.config import TemporalConfig
from durameter.errors import UsageError
from durameter.times import parse_volume


def test_variables_win_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "durameter.toml").write_text('[temporal]\naddress = "file:1"\nnamespace = "n"\n[run]\ntasks = 3\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DURAMETER_TEMPORAL_ADDRESS", "variable:2")
    monkeypatch.setenv("DURAMETER_TEMPORAL_METRICS_URL", "http://m")
    config = load_config()
    assert (TemporalConfig.of(config).address, TemporalConfig.of(config).namespace) == ("variable:2", "n")
    assert (TemporalConfig.of(config).metrics_url, config.run.tasks) == ("http://m", 3)


def test_without_a_file_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config()
    assert (TemporalConfig.of(config).address, InngestConfig.of(config).address) == ("", "")
    assert config.telemetry.exporter is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[temporal]\nadress = 'x'", "temporal.adress"),
        ("[run]\ntasks = 0", "run.tasks"),
        ("[run", "not valid TOML"),
        ("[tempral]\n", "tempral"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_the_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "durameter.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        load_config(file)


def test_a_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURAMETER_TEMPORAL_API_KEY", "very-secret")
    assert "very-secret" not in repr(load_config())


@pytest.mark.parametrize(
    ("text", "tasks"),
    [("1M/month", 10**6), ("250k", 250_000), ("5000/day", 150_000), ("1.5m", 1_500_000), ("10_000/month", 10_000)],
)
def test_volumes(text: str, tasks: int) -> None:
    assert parse_volume(text) == Decimal(tasks)


@given(st.text(max_size=12))
@example("²/month")
@example("1e5")
@example("-1")
def test_any_other_volume_is_a_usage_error(text: str) -> None:
    try:
        assert parse_volume(text) >= 0
    except UsageError as error:
        assert "1M/month" in str(error)
