"""Which exporters are wanted: the setting, else OpenTelemetry's standard variables, else none."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

__all__ = ["Choice", "ExporterName", "choose"]

ExporterName = Literal["none", "console", "otlp-grpc", "otlp-http"]

_Signal = Literal["TRACES", "METRICS"]

# The words of the specification, and the names by which Python's SDK knows the same exporters.
_BY_NAME: Final[Mapping[str, ExporterName]] = {
    "console": "console",
    "otlp_proto_grpc": "otlp-grpc",
    "otlp_proto_http": "otlp-http",
}
_BY_PROTOCOL: Final[Mapping[str, ExporterName]] = {"grpc": "otlp-grpc", "http/protobuf": "otlp-http"}


class Choice(NamedTuple):
    """Exporters of each signal, none for no export, and what the user should know about it."""

    traces: tuple[ExporterName, ...] = ()
    metrics: tuple[ExporterName, ...] = ()
    warnings: tuple[str, ...] = ()


def choose(exporter: ExporterName | None, environ: Mapping[str, str]) -> Choice:
    """Decide what is exported where.

    Args:
        exporter: the setting, for both signals; None leaves it to the environment.
        environ: the environment's variables. An endpoint in it says where to, and never whether.
    """
    if exporter == "none":
        return Choice()
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        # The SDK obeys this variable by itself: its providers would silently do nothing.
        asked = f"OTEL_SDK_DISABLED is true, so nothing is exported by {exporter!r}. Unset it to export."
        return Choice(warnings=(asked,) if exporter else ())
    if exporter is not None:
        return Choice((exporter,), (exporter,))
    traces, about_traces = _from_environment("TRACES", environ)
    metrics, about_metrics = _from_environment("METRICS", environ)
    return Choice(traces, metrics, (*about_traces, *about_metrics))


def _from_environment(signal: _Signal, environ: Mapping[str, str]) -> tuple[tuple[ExporterName, ...], list[str]]:
    variable = f"OTEL_{signal}_EXPORTER"
    chosen: list[ExporterName] = []
    warnings = []
    for word in environ.get(variable, "").lower().split(","):
        name = word.strip()
        if name in {"", "none"}:
            continue
        exporter = _BY_NAME.get(name)
        if name == "otlp":
            source = f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"
            if not environ.get(source):
                source = "OTEL_EXPORTER_OTLP_PROTOCOL"
            protocol = environ.get(source, "").strip() or "grpc"
            exporter = _BY_PROTOCOL.get(protocol)
            if exporter is None:
                warnings.append(
                    f"{source}={protocol} is not one of {', '.join(_BY_PROTOCOL)}: no {signal.lower()} are exported."
                )
        elif exporter is None:
            # The specification wants unknown exporters ignored: the variable may be meant for the measured program.
            warnings.append(f"{variable}={name} is not one of none, console, otlp, and is ignored.")
        if exporter is not None and exporter not in chosen:
            chosen.append(exporter)
    return tuple(chosen), warnings
