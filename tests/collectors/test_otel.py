"""Units as counters and traces, as an OTLP receiver gets them from the SDK."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from durameter_collectors.otel import UnitTelemetry, names
from durameter_collectors.units import TaskLabel, Unit
from otlp_receiver import (
    ReceivedPoint,
    ReceivedSpan,
    Receiver,
    decimal,
    grpc_receiver,
    http_receiver,
)

UNIT_NAMES = {"temporal": "Action", "inngest": "execution"}

TASK = TaskLabel("durameter/support_agent", "default", "task-7f3a")
START = datetime(2026, 11, 23, 10, 0, 0, 123457, tzinfo=UTC)
END = START + timedelta(seconds=9)
NANOSECONDS = 1_795_428_000_123_457_000  # START: 1 795 428 000 s, and 123 457 µs
SECOND = 10**9


def unit(**changes: Any) -> Unit:
    values: dict[str, Any] = {
        "engine": "temporal",
        "workload": TASK.workload,
        "variant": TASK.variant,
        "task": TASK.task,
        "run": "run-1",
        "kind": "schedule_activity",
        "cause": "call_model",
        "step": "message 1 / call_model 1",
        "attempt": 1,
        "quantity": Decimal(1),
        "reading": "documented",
        "rule": "activity",
        "time": START + timedelta(seconds=1),
        "source": "history",
        "evidence": "5",
    }
    return Unit(**values | changes)


def record(telemetry: UnitTelemetry, units: Sequence[Unit], task: TaskLabel = TASK) -> None:
    engine = units[0].engine if units else "temporal"
    telemetry.record_task(units, task=task, engine=engine, state="completed", started=START, ended=END)


@pytest.fixture(scope="module", params=[grpc_receiver, http_receiver], ids=["grpc", "http"])
def any_receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    with request.param() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def http() -> Iterator[Receiver]:
    with http_receiver() as receiver:
        yield receiver


@contextmanager
def export_to(receiver: Receiver) -> Iterator[UnitTelemetry]:
    """Providers as a program of its own would make them; flushed at the end."""
    receiver.clear()
    if receiver.protocol == "grpc":
        spans: Any = GrpcSpanExporter(endpoint=receiver.endpoint)
        counters: Any = GrpcMetricExporter(endpoint=receiver.endpoint)
    else:
        spans = HttpSpanExporter(endpoint=f"{receiver.endpoint}/v1/traces")
        counters = HttpMetricExporter(endpoint=f"{receiver.endpoint}/v1/metrics")
    tracers = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(spans, max_queue_size=10_000))
    meters = MeterProvider([PeriodicExportingMetricReader(counters)], shutdown_on_exit=False)
    try:
        yield UnitTelemetry(meters, tracers, UNIT_NAMES)
    finally:
        tracers.shutdown()
        meters.shutdown()


def rows(spans: Sequence[ReceivedSpan]) -> list[tuple[Any, ...]]:
    """The ledger's rows, read back from traces alone."""
    by_id = {span.span_id: span for span in spans}
    parents = {span.parent_id for span in spans}
    found = []
    for span in spans:
        if not span.parent_id or span.span_id in parents:
            continue
        step = by_id[span.parent_id]
        run = by_id[step.parent_id]
        root = by_id[run.parent_id]
        assert {step.trace_id, run.trace_id, root.trace_id} == {span.trace_id}
        assert run.name == "run"
        assert root.name == "task"
        assert not root.parent_id
        assert span.start == span.end
        found.append(
            (
                root.attributes["durameter.engine"],
                root.attributes["durameter.workload"],
                root.attributes["durameter.variant"],
                root.attributes["durameter.task"],
                run.attributes["durameter.run"],
                span.name,
                span.attributes["durameter.cause"],
                step.attributes.get("durameter.step", ""),
                span.attributes["durameter.attempt"],
                decimal(span.attributes["durameter.quantity"]),
                span.attributes["durameter.reading"],
                span.attributes["durameter.rule"],
                datetime.fromtimestamp(0, UTC) + timedelta(microseconds=span.start // 1000),
                span.attributes["durameter.source"],
                span.attributes["durameter.evidence"],
            )
        )
    return sorted(found)


def as_rows(units: Sequence[Unit]) -> list[tuple[Any, ...]]:
    return sorted(tuple(getattr(unit, field) for field in Unit.model_fields) for unit in units)


def series(points: Sequence[ReceivedPoint]) -> dict[tuple[str, ...], float]:
    keys = ("engine", "workload", "variant", "kind", "source", "reading")
    found = {tuple(point.attributes[f"durameter.{key}"] for key in keys): point.value for point in points}
    assert len(found) == len(points)
    return found


def expected_series(units: Sequence[Unit]) -> dict[tuple[str, ...], float]:
    """Decimal sums, rounded to a float once."""
    sums: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for u in units:
        sums[u.engine, u.workload, u.variant, u.kind, u.source, u.reading] += u.quantity
    return {key: float(value) for key, value in sums.items()}


def test_counters_are_named_and_typed_as_documented(any_receiver: Receiver) -> None:
    with export_to(any_receiver) as telemetry:
        record(telemetry, [unit(), unit(), unit(kind="start_workflow", quantity=Decimal(2), source="describe")])
        record(telemetry, [unit(engine="inngest", kind="step", reading="upper", source="trace")])

    def attributes(engine: str, kind: str, source: str, reading: str) -> dict[str, str]:
        return {
            "durameter.engine": engine,
            "durameter.workload": "durameter/support_agent",
            "durameter.variant": "default",
            "durameter.kind": kind,
            "durameter.source": source,
            "durameter.reading": reading,
        }

    def actions(value: int, *labels: str) -> ReceivedPoint:
        return ReceivedPoint(
            "durameter.temporal.actions",
            "{action}",
            True,
            AGGREGATION_TEMPORALITY_CUMULATIVE,
            value,
            attributes("temporal", *labels),
        )

    assert sorted(any_receiver.points(), key=lambda point: point.attributes["durameter.kind"]) == [
        actions(2, "schedule_activity", "history", "documented"),
        actions(2, "start_workflow", "describe", "documented"),
        ReceivedPoint(
            "durameter.inngest.executions",
            "{execution}",
            True,
            AGGREGATION_TEMPORALITY_CUMULATIVE,
            1,
            attributes("inngest", "step", "trace", "upper"),
        ),
    ]
    assert {type(point.value) for point in any_receiver.points()} == {int}
    assert telemetry.errors == []
    assert telemetry.counted == 4


def test_a_trace_is_the_task_its_runs_steps_and_units(any_receiver: Receiver) -> None:
    def at(seconds: int) -> datetime:
        return START + timedelta(seconds=seconds)

    units = [
        unit(kind="start_workflow", cause="start", step="", time=at(1), evidence="1", rule="start"),
        unit(time=at(2), evidence="5"),
        unit(time=at(4), evidence="5", attempt=2, quantity=Decimal("0.5"), reading="upper", rule="retry"),
        unit(run="run-2", time=at(3), step="message 1 / sub-agent", cause="sub", kind="child", evidence="9"),
    ]
    with export_to(any_receiver) as telemetry:
        record(telemetry, units)

    spans = any_receiver.spans()
    name_of = {span.span_id: span.name for span in spans} | {b"": None}
    assert telemetry.spans == len(spans) == 1 + 2 + 3 + 4  # task, runs, steps, units
    assert len({span.trace_id for span in spans}) == 1

    def seen(name: str) -> list[tuple[Any, ...]]:
        return sorted(
            (name_of[s.parent_id], (s.start - NANOSECONDS) / SECOND, (s.end - NANOSECONDS) / SECOND)
            for s in spans
            if s.name == name
        )

    assert seen("task") == [(None, 0, 9)]
    assert seen("run") == [("task", 1, 4), ("task", 3, 3)]  # from a run's first unit to its last
    assert seen("start") == [("run", 1, 1)]  # no step name: the cause takes its place
    assert seen("start_workflow") == [("start", 1, 1)]
    assert seen("message 1 / call_model 1") == [("run", 2, 4)]
    assert seen("schedule_activity") == [("message 1 / call_model 1", 2, 2), ("message 1 / call_model 1", 4, 4)]
    assert seen("message 1 / sub-agent") == [("run", 3, 3)]
    assert seen("child") == [("message 1 / sub-agent", 3, 3)]

    by_name = {span.name: span for span in spans}
    assert by_name["task"].attributes == {
        "durameter.engine": "temporal",
        "durameter.workload": "durameter/support_agent",
        "durameter.variant": "default",
        "durameter.task": "task-7f3a",
        "durameter.state": "completed",
        "durameter.units.documented": 3,
        "durameter.units.upper": 3.5,
    }
    assert by_name["start"].attributes == {"durameter.cause": "start"}
    assert by_name["message 1 / sub-agent"].attributes == {"durameter.step": "message 1 / sub-agent"}
    retry = next(span for span in spans if span.attributes.get("durameter.attempt") == 2)
    assert retry.attributes == {
        "durameter.cause": "call_model",
        "durameter.attempt": 2,
        "durameter.quantity": 0.5,
        "durameter.reading": "upper",
        "durameter.rule": "retry",
        "durameter.source": "history",
        "durameter.evidence": "5",
    }
    assert type(by_name["child"].attributes["durameter.quantity"]) is int
    assert rows(spans) == as_rows(units)


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
any_unit = st.builds(
    unit,
    run=st.sampled_from(["run-1", "run-2", "run-3"]),
    kind=st.sampled_from(["start_workflow", "schedule_activity", "heartbeat", "timer"]),
    cause=st.sampled_from(["call_model", "run", "task", "ünï"]),
    step=st.just("") | words,
    attempt=st.integers(1, 1000),
    # Four places and six digits before them: ten digits, which a float gives back exactly.
    quantity=st.integers(1, 10).map(Decimal) | st.decimals("0.0001", "999999", places=4),
    reading=st.sampled_from(["documented", "upper"]),
    rule=words,
    time=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the strategy adds the zone
    source=st.sampled_from(["history", "describe"]),
    evidence=st.just("") | words,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(any_unit, max_size=12), min_size=1, max_size=3))
def test_what_arrives_equals_the_ledger(http: Receiver, tasks: list[list[Unit]]) -> None:
    # One task per list, in a trace of its own.
    tasks = [[u.model_copy(update={"task": f"task-{n}"}) for u in units] for n, units in enumerate(tasks)]
    ledger = [u for units in tasks for u in units]
    with export_to(http) as telemetry:
        for n, units in enumerate(tasks):
            record(telemetry, units, TASK._replace(task=f"task-{n}"))

    assert telemetry.errors == []
    assert series(http.points()) == expected_series(ledger)
    spans = http.spans()
    assert len({span.span_id for span in spans}) == len(spans) == telemetry.spans
    assert len({span.trace_id for span in spans}) == len(tasks)
    assert rows(spans) == as_rows(ledger)
    by_id = {span.span_id: span for span in spans}
    for span in spans:
        if span.parent_id:
            parent = by_id[span.parent_id]
            assert parent.start <= span.start <= span.end <= parent.end


def test_fractions_add_up_as_in_the_ledger(http: Receiver) -> None:
    tenth = unit(quantity=Decimal("0.1"))
    assert sum([0.1] * 10) != 1  # so a sum of floats would not
    with export_to(http) as telemetry:
        record(telemetry, [tenth] * 10)
    (point,) = http.points()
    assert point.value == 1
    assert isinstance(point.value, float)  # a series keeps its type, also at a whole sum


def test_no_id_is_in_a_metric(http: Receiver) -> None:
    with export_to(http) as telemetry:
        record(telemetry, [unit(run="run-0c1d", evidence="event-99", step="message 1 / x")])
    (request,) = http.metrics
    for word in (b"task-7f3a", b"run-0c1d", b"event-99", b"message 1"):
        assert word not in request.SerializeToString()
        assert word in http.traces[0].SerializeToString()


def test_a_task_without_units_still_has_its_trace(http: Receiver) -> None:
    with export_to(http) as telemetry:
        telemetry.record_task([], task=TASK, engine="inngest", state="timed_out", started=START, ended=END)
    (root,) = http.spans()
    assert (root.name, root.start, root.end) == ("task", NANOSECONDS, NANOSECONDS + 9 * SECOND)
    assert root.attributes["durameter.state"] == "timed_out"
    assert root.attributes["durameter.units.documented"] == 0
    assert http.points() == []


def test_the_root_is_widened_to_units_outside(http: Receiver) -> None:
    # The server's clock may differ from ours.
    early, late = START - timedelta(seconds=2), END + timedelta(seconds=3)
    with export_to(http) as telemetry:
        record(telemetry, [unit(time=early), unit(time=late)])
    root = next(span for span in http.spans() if span.name == "task")
    assert (root.start, root.end) == (NANOSECONDS - 2 * SECOND, NANOSECONDS + 12 * SECOND)


def test_an_engine_of_a_plug_in_counts_units(http: Receiver) -> None:
    with export_to(http) as telemetry:
        record(telemetry, [unit(engine="restate", quantity=Decimal(3))])
    (point,) = http.points()
    assert (point.metric, point.unit, point.value) == ("durameter.restate.units", "{unit}", 3)


def test_a_span_that_is_current_does_not_adopt_the_task(http: Receiver) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("the measured program")
    with export_to(http) as telemetry, tracer.start_as_current_span("its own"):
        record(telemetry, [unit()])
    assert sum(not span.parent_id for span in http.spans()) == 1
    (point,) = http.metrics[0].resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points
    assert point.as_int == 1


def test_the_global_providers_are_left_alone(http: Receiver) -> None:
    with export_to(http) as telemetry:
        record(telemetry, [unit()])
    assert not isinstance(trace.get_tracer_provider(), TracerProvider)
    assert not isinstance(metrics.get_meter_provider(), MeterProvider)


def test_tasks_may_end_at_the_same_time_in_several_threads(http: Receiver) -> None:
    units = [unit(quantity=Decimal("0.3")), unit(kind="timer")]
    with export_to(http) as telemetry:
        threads = [Thread(target=record, args=[telemetry, units]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(point.value for point in http.points()) == [2.4, 8]  # 8 x 0.3, 8 x 1
    assert len({span.trace_id for span in http.spans()}) == 8
    assert len(http.spans()) == telemetry.spans == 8 * 5  # task, run, step, two units


@pytest.mark.parametrize(
    ("units", "started", "what"),
    [
        # A metric's name may not have a blank: no counter, but the trace is there.
        ([unit(engine="my engine")], START, "the counters lack task task-7f3a"),
        # A time without a zone cannot be placed: no trace, but the counter is there.
        ([unit()], START.replace(tzinfo=None), "the trace of task task-7f3a is missing or incomplete"),
    ],
)
def test_an_error_is_remembered_and_does_not_reach_the_caller(
    http: Receiver, caplog: pytest.LogCaptureFixture, units: list[Unit], started: datetime, what: str
) -> None:
    with export_to(http) as telemetry, caplog.at_level(logging.WARNING, "durameter_collectors"):
        telemetry.record_task(units, task=TASK, engine="x", state="completed", started=started, ended=END)
        record(telemetry, [unit(kind="timer")], TASK._replace(task="next"))

    (error,) = telemetry.errors
    assert error.startswith(what)
    assert [r.getMessage() for r in caplog.records] == [f"Telemetry is incomplete: {error}"]
    counted = {point.attributes["durameter.kind"]: point.value for point in http.points()}
    traced = [span.attributes["durameter.task"] for span in http.spans() if span.name == "task"]
    if "counters" in what:
        assert counted == {"timer": 1}
        assert traced == ["task-7f3a", "next"]
    else:
        assert counted == {"schedule_activity": 1, "timer": 1}
        assert traced == ["next"]


def test_an_error_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = UnitTelemetry(None, TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False))
    record(telemetry, [unit()])
    record(telemetry, [unit()])
    assert len(telemetry.errors) == len(caplog.records) == 1


def test_any_failure_of_a_provider_stays_inside() -> None:
    class Broken:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            if name.startswith("get_"):
                return lambda *_: self
            raise OSError(f"no {name}")

    broken: Any = Broken()
    telemetry = UnitTelemetry(broken, broken, UNIT_NAMES)
    record(telemetry, [unit()])
    assert len(telemetry.errors) == 2
    assert telemetry.spans == telemetry.counted == 0


def test_a_provider_that_samples_is_an_error() -> None:
    tracers = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    telemetry = UnitTelemetry(None, tracers, UNIT_NAMES)
    record(telemetry, [unit()])
    (error,) = telemetry.errors
    assert "ALWAYS_ON" in error


def test_more_attribute_sets_than_the_sdk_keeps_apart_are_an_error(http: Receiver) -> None:
    with export_to(http) as telemetry:
        record(telemetry, [unit(kind=f"kind-{n}") for n in range(2001)])
    (error,) = telemetry.errors
    assert "2000" in error
    assert sum(point.value for point in http.points()) == 2001  # the sum is right all the same


def test_either_signal_alone() -> None:
    tracers = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
    meters = MeterProvider(shutdown_on_exit=False)
    for telemetry, counted, spans in [
        (UnitTelemetry(meters, None, UNIT_NAMES), 1, 0),
        (UnitTelemetry(None, tracers, UNIT_NAMES), 0, 4),
    ]:
        record(telemetry, [unit()])
        assert (telemetry.counted, telemetry.spans, telemetry.errors) == (counted, spans, [])


def test_the_documentation_lists_every_name() -> None:
    page = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text("utf-8")
    words = [value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)]
    words += [
        word
        for counter in (names.counter_name("temporal", "Action"), names.counter_name("inngest", "execution"))
        for word in (counter.name, counter.unit)
    ]
    assert len(words) == 17 + 1 + 4  # attributes, scope, two counters
    assert [word for word in words if f"`{word}`" not in page] == []
