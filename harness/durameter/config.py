"""Configuration: `durameter.toml` in the working folder, and `DURAMETER_*` variables, which win.

`[run] tasks` is `DURAMETER_RUN_TASKS`: section and key, joined by an underscore. Each installed engine has a section of
its own, by the model that its plug-in names.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from platformdirs import user_state_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from durameter.budgets import Budget
from durameter.errors import UsageError
from durameter.plugins import ENGINES, load_point, points
from durameter_collectors.rulebook import Answer

__all__ = ["CONFIG_FILE", "Config", "Section", "load_config", "make_config"]

CONFIG_FILE = "durameter.toml"


class Section(BaseModel):
    """A table of the configuration. An engine's own is a subclass of this."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RunConfig(Section):
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


class TelemetryConfig(Section):
    """Export of units through OpenTelemetry; off unless asked for."""

    exporter: Literal["none", "console", "otlp-grpc", "otlp-http"] | None = None


class CacheConfig(Section):
    """Where built and fetched servers are kept."""

    dir: Path | None = None


class ServersConfig(Section):
    """Servers of `durameter servers up`."""

    state: Path = Field(default_factory=lambda: user_state_path("durameter") / "servers")
    """Where their state and logs are."""


_SectionT = TypeVar("_SectionT", bound=Section)


class Config(BaseSettings):
    """All settings, frozen; `make_config` and `load_config` give it with the sections of the installed engines."""

    model_config = SettingsConfigDict(
        env_prefix="DURAMETER_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
    )

    run: RunConfig = RunConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    cache: CacheConfig = CacheConfig()
    servers: ServersConfig = ServersConfig()
    prices: Path | None = None
    """A price file of your own, beside the ones that ship."""
    answers: dict[str, dict[str, Answer]] = Field(default_factory=dict)
    """Open questions about what is billed, answered otherwise than by default: `[answers.ENGINE] QUESTION = "billed"`.
    `durameter rules` prints them."""
    workloads: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Options of workloads: `[workloads."durameter/support_agent"]`."""
    budgets: dict[str, Budget] = Field(default_factory=dict)
    """Limits that `durameter check` holds a result against: `[budgets.NAME]`."""

    def section(self, engine: str, model: type[_SectionT]) -> _SectionT:
        """The section of an engine; its defaults where nothing is configured."""
        found = getattr(self, engine, None)
        return found if isinstance(found, model) else model()

    def with_section(self, engine: str, section: Section) -> Self:
        """The same configuration with another section of an engine."""
        return self.model_copy(update={engine: section})

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

    class _FromFile(_with_engines()):  # type: ignore[misc]  # the installed engines are known at run time only
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


def make_config(**settings: Any) -> Config:
    """A configuration from Python, without a file: core settings by name, and a section per engine.

    Raises:
        pydantic.ValidationError: a setting does not exist, or its value is wrong.
    """
    return _with_engines()(**settings)


@cache
def _with_engines() -> type[Config]:
    """The configuration's model with a section for each installed engine.

    Raises:
        UsageError: an engine cannot be loaded, or takes the name of another section.
    """
    sections: dict[str, Any] = {}
    for name, point in points(ENGINES).items():
        if name in Config.model_fields:
            raise UsageError(f"The engine {name} from {point.value} has the name of a section of the configuration.")
        model = load_point(point).config
        sections[name] = (model, model())
    return create_model("Config", __base__=Config, **sections)
