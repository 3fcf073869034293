"""Variables by which the SDKs for TypeScript, Python and Go find an Inngest server."""

from durameter.config import InngestConfig

__all__ = ["variables"]


def variables(address: str, inngest: InngestConfig, *, keyed: bool) -> dict[str, str]:
    """For a server at this address; with its keys where it is `keyed`, and so no dev server."""
    found = {
        "INNGEST_BASE_URL": address,
        "INNGEST_API_BASE_URL": address,
        "INNGEST_EVENT_API_BASE_URL": address,
    }
    if not keyed:
        return found | {"INNGEST_DEV": address}
    keys = {"INNGEST_SIGNING_KEY": inngest.signing_key, "INNGEST_EVENT_KEY": inngest.event_key}
    return found | {name: key.get_secret_value() for name, key in keys.items() if key is not None}
