"""The section `[toy]` of durameter.toml."""

from typing import Self

from durameter.engines import Config, Section

__all__ = ["ToyConfig"]


class ToyConfig(Section):
    """Where the toy is. Without an address a server in memory is started."""

    address: str = ""
    """`host:port` of a server that is there already."""
    metered: bool = True
    """Whether there is a meter to hold the log against."""

    @classmethod
    def of(cls, config: Config) -> Self:
        """What is configured for the toy."""
        return config.section("toy", cls)
