"""Configuration: `durameter.toml` in the working folder, and `DURAMETER_*` variables, which win.

`[temporal] metrics_url` is `DURAMETER_TEMPORAL_METRICS_URL`: section and key, joined by an underscore.
"""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_state_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from durameter.errors import UsageError
from durameter.gates.budget import Budget
from durameter_collectors.rulebook import Answer

__all__ = ["CONFIG_FILE", "Config", "load_config", "parse_volume"]

CONFIG_FILE = "durameter.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TemporalConfig(_Section):
    """Where Temporal is. Without an address a dev server of durameter's own is started."""

    binary: Path | None = None
    """The `temporal` CLI to start; by default the one that came with durameter."""
    address: str = ""
    """`host:port` of a server that is already there (its frontend)."""
    namespace: str = ""
    """Use this namespace of that server; by default one is registered for each measurement."""
    metrics_url: str = ""
    """That server's Prometheus page, such as `http://127.0.0.1:9233/metrics`: the meter."""
    api_key: SecretStr | None = None
    """For an address that asks for one. Better from the environment; never written to a result."""
    tls: bool = False
    """Speak TLS to the address; a key or a certificate implies it."""
    tls_ca: Path | None = None
    """PEM file with the authorities to trust, instead of the system's."""
    tls_cert: Path | None = None
    """PEM file with a client certificate, and `tls_key` its key, for a server that asks for one (mTLS)."""
    tls_key: Path | None = None
    tls_server_name: str = ""
    """The name in the server's certificate, where it is not the address's."""
    tap: bool = True
    """Look at the wire between clients, workers and the server. Without it, queries, heartbeats and rejected updates
    are noticed and cannot be laid to a task."""


class InngestConfig(_Section):
    """Where Inngest is. Without an address a dev server of durameter's own is started."""

    binary: Path | None = None
    """The `inngest` program to start."""
    version: str = ""
    """The only version to start, found, fetched or built: 1.44.0 or 1.12.1. By default whatever is on the PATH, or else
    1.44.0."""
    address: str = ""
    """Base URL of a server that is already there, such as `http://127.0.0.1:8288`."""
    signing_key: SecretStr | None = None
    """Of a server that asks for one (`inngest start`); `durameter watch --attach` also takes INNGEST_SIGNING_KEY. Never
    written to a result."""
    event_key: SecretStr | None = None
    """For programs that are watched on such a server; they also get INNGEST_EVENT_KEY as it is."""
    app_host: str = "127.0.0.1"
    """The name by which that server reaches this machine; `host.docker.internal` for one in Docker."""
    app_bind: str = "127.0.0.1"
    """The interface on which the measured app listens, or the tap before it."""
    store: Path | None = None
    """The `main.db` of a server that is already there: a source of its own. Read-only; it must be in WAL mode."""
    tap: bool = True
    """Whether clients and apps are connected through a tap that counts what passes."""


class RunConfig(_Section):
    """Defaults of `durameter run`."""

    workload: str = "support_agent"
    tasks: int = Field(default=10, ge=1)
    concurrency: int = Field(default=10, ge=1)
    seed: int = 0
    timeout: float = Field(default=180.0, gt=0)
    """Seconds that one task may take."""
    volume: str = "100k/month"
    """Tasks per month, for the bill."""
    results: Path = Path("durameter-results")
    """Where result folders are made."""


class TelemetryConfig(_Section):
    """Export of units through OpenTelemetry; off unless asked for."""

    exporter: Literal["none", "console", "otlp-grpc", "otlp-http"] | None = None


class CacheConfig(_Section):
    """Where built and fetched servers are kept."""

    dir: Path | None = None


class ServersConfig(_Section):
    """Servers of `durameter servers up`."""

    state: Path = Field(default_factory=lambda: user_state_path("durameter") / "servers")
    """Where their state and logs are."""


class Config(BaseSettings):
    """All settings, frozen."""

    model_config = SettingsConfigDict(
        env_prefix="DURAMETER_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
    )

    temporal: TemporalConfig = TemporalConfig()
    inngest: InngestConfig = InngestConfig()
    run: RunConfig = RunConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    cache: CacheConfig = CacheConfig()
    servers: ServersConfig = ServersConfig()
    prices: Path | None = None
    """A price file of your own, beside the ones that ship."""
    answers: dict[str, dict[str, Answer]] = Field(default_factory=dict)
    """Open questions about what is billed, answered otherwise than by default: `[answers.temporal] patches = "billed"`.
    `durameter rules` prints them."""
    workloads: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options of workloads: `[workloads."durameter/support_agent"]`."""
    budgets: dict[str, Budget] = Field(default_factory=dict)
    """Limits that `durameter check` holds a result against: `[budgets.NAME]`."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - part of the signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - part of the signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_config(file: Path | None = None) -> Config:
    """Read the configuration.

    Args:
        file: the TOML file; by default `durameter.toml` in the working folder, if it is there.

    Raises:
        UsageError: the file is missing, is not TOML, or a key or value in it or in the environment is wrong.
    """
    path = file or Path(CONFIG_FILE)
    if file is not None and not file.is_file():
        raise UsageError(f"There is no configuration file {file}.")

    class _FromFile(Config):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        return _FromFile()
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(
            f"The configuration ({path} or DURAMETER_* variables) is wrong: {wrong}. "
            "docs/configuration.md lists every key."
        ) from error


def parse_volume(text: str) -> Decimal:
    """Tasks per month from words such as `1M/month`, `250k`, `10000/day`.

    A day is 1/30 of a month, as in the vendors' own calculators.

    Raises:
        UsageError: it is not such a volume.
    """
    number, _, period = text.strip().replace("_", "").partition("/")
    factor = {"k": Decimal(1000), "m": Decimal(10**6)}.get(number[-1:].lower(), Decimal(1))
    per_month = {"": 1, "month": 1, "day": 30}.get(period.strip().lower())
    digits = number[:-1] if factor != 1 else number
    if per_month is None or not digits.replace(".", "", 1).isdecimal():
        raise UsageError(f"{text!r} is not a volume of tasks. Write it as 1M/month, 250k/month or 5000/day.")
    return Decimal(digits) * factor * per_month
