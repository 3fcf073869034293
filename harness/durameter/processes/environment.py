"""The environment of the measuring process, in which the SDKs of the measured agent run too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import getproxies_environment

__all__ = ["undisturbed"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@contextmanager
def undisturbed(*prefixes: str) -> Iterator[None]:
    """Keep what the user's shell says to an SDK away from the measured agent, while the context lasts.

    Variables that begin with a prefix are hidden, and a proxy for the outside world is not used for the servers on this
    machine. Afterwards the environment is as it was.

    Args:
        prefixes: beginnings of names, such as `VENDOR_`.
    """
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(prefixes)}
    proxies = getproxies_environment()
    before = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")} if proxies else {}
    for name in before:
        os.environ[name] = ",".join(filter(None, [proxies.get("no", ""), *_LOOPBACK]))
    try:
        yield
    finally:
        os.environ.update(hidden)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
