"""Telemetry of a measurement: where it goes, when it goes nowhere, and what is said when it does not arrive."""

import io
import json
import logging
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA
from otlp_receiver import Receiver, attributes, grpc_receiver, http_receiver

from durameter.errors import UsageError
from durameter.telemetry import ExporterName, Telemetry, open_telemetry
from durameter_collectors.otel import UnitTelemetry
from durameter_collectors.units import TaskLabel, Unit

TASK = TaskLabel("durameter/support_agent", "default", "task-1")
START = datetime(2026, 11, 23, 10, tzinfo=UTC)
END = START + timedelta(seconds=9)

UNIT = Unit(
    engine="temporal",
    workload=TASK.workload,
    variant=TASK.variant,
    task=TASK.task,
    run="run-1",
    kind="schedule_activity",
    cause="call_model",
    step="message 1 / call_model 1",
    attempt=1,
    quantity=Decimal(1),
    reading="documented",
    rule="activity",
    time=START,
    source="history",
    evidence="5",
)
SPANS = 4  # of a task with one unit: task, run, step, unit


def record(telemetry: UnitTelemetry | None, units: list[Unit] | None = None) -> None:
    assert telemetry is not None
    telemetry.record_task(
        units or [UNIT], task=TASK, engine="temporal", state="completed", started=START, ended=END
    )


def measure(exporter: ExporterName | None = None, **options: Any) -> Telemetry:
    """One measurement with one task of one unit."""
    telemetry = open_telemetry(exporter, **options)
    with telemetry as units:
        record(units)
    return telemetry


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without the OTEL_* variables that the tests' own machine may have."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture(scope="module")
def running_grpc() -> Iterator[Receiver]:
    with grpc_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def running_http() -> Iterator[Receiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def grpc(running_grpc: Receiver) -> Receiver:
    running_grpc.clear()
    return running_grpc


@pytest.fixture
def http(running_http: Receiver) -> Receiver:
    running_http.clear()
    return running_http


@pytest.fixture(params=["otlp-grpc", "otlp-http"])
def exporter(request: pytest.FixtureRequest) -> ExporterName:
    name: ExporterName = request.param
    return name


@pytest.fixture
def receiver(exporter: ExporterName, grpc: Receiver, http: Receiver, environment: pytest.MonkeyPatch) -> Receiver:
    """The receiver that the exporter's endpoint points to."""
    chosen = grpc if exporter == "otlp-grpc" else http
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", chosen.endpoint)
    return chosen


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port on which connections would be seen, and are never answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


def url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


# Where it goes


def test_a_setting_exports_both_signals(receiver: Receiver, exporter: ExporterName) -> None:
    telemetry = measure(exporter)
    assert telemetry.warnings == []
    assert sorted(span.name for span in receiver.spans()) == [
        "message 1 / call_model 1",
        "run",
        "schedule_activity",
        "task",
    ]
    (point,) = receiver.points()
    assert (point.metric, point.value) == ("durameter.temporal.actions", 1)
    assert len(receiver.metrics) == 1  # the shutdown does not send them again


@pytest.mark.parametrize(
    ("variables", "traces", "metrics"),
    [
        ({}, "", ""),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "grpc", ""),  # gRPC is the SDK's own default
        ({"OTEL_METRICS_EXPORTER": "otlp"}, "", "grpc"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp"}, "grpc", "grpc"),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_METRICS_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
            "http",
            "http",
        ),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_METRICS_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
            },
            "grpc",
            "http",
        ),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_METRICS_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            "http",
            "grpc",
        ),
        ({"OTEL_TRACES_EXPORTER": " OTLP ", "OTEL_METRICS_EXPORTER": "None"}, "grpc", ""),
        ({"OTEL_TRACES_EXPORTER": "otlp_proto_http", "OTEL_METRICS_EXPORTER": "otlp_proto_grpc"}, "http", "grpc"),
        ({"OTEL_TRACES_EXPORTER": "otlp,otlp_proto_http"}, "grpc http", ""),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "True"}, "", ""),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "false"}, "grpc", ""),
    ],
)
def test_the_standard_variables_choose(
    grpc: Receiver,
    http: Receiver,
    environment: pytest.MonkeyPatch,
    variables: dict[str, str],
    traces: str,
    metrics: str,
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    for signal, wanted in (("TRACES", traces), ("METRICS", metrics)):
        to_http = wanted == "http"
        endpoint = http.endpoint + f"/v1/{signal.lower()}" if to_http else grpc.endpoint
        environment.setenv(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", endpoint)
    if traces == "grpc http":  # two exporters of one signal share its variable, so each needs its own way
        environment.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        environment.setattr("opentelemetry.exporter.otlp.proto.http._common._DEFAULT_ENDPOINT", http.endpoint)
        environment.setattr("opentelemetry.exporter.otlp.proto.grpc.exporter.urlparse", _to(grpc.endpoint))

    telemetry = open_telemetry()
    with telemetry as units:
        assert (units is not None) == bool(traces or metrics)
        if units is not None:
            record(units)

    assert telemetry.warnings == []
    arrived = [(r.protocol, len(r.spans()), len(r.points())) for r in (grpc, http)]
    assert arrived == [(p, SPANS * (p in traces), int(p in metrics)) for p in ("grpc", "http")]
