"""What varies between machines, recorded with every result."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `durameter --version` needs no pydantic
    from pydantic import JsonValue

__all__ = ["durameter_version", "environment"]

_PACKAGES = ("fastapi", "uvicorn", "opentelemetry-sdk", "openai", "polars")


def durameter_version() -> str:
    """Version of the installed distribution."""
    return version("durameter")


def environment(packages: Sequence[str] = ()) -> "dict[str, JsonValue]":
    """Python, platform, processors and the versions of what takes part in a measurement.

    Args:
        packages: distributions that the measured engines bring, beside durameter's own.
    """
    versions: dict[str, JsonValue] = {}
    for name in (*packages, *_PACKAGES):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "packages": versions,
    }
