"""Rows of the wire → runs, with their steps and attempts: the source that is independent of trace and store."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from durameter_collectors.inngest.opcodes import FREE_OPS, STEP_OPS, units_per_run
from durameter_collectors.inngest.wire.rows import Operation, WireCheckpoint, WireProblem, WireRequest, WireRow

__all__ = ["RunOnWire", "StepOnWire", "counts_on_wire", "runs_on_wire", "sent_by_steps"]

_ENDS = frozenset({"RunComplete", "SyncRunComplete"})
_ANY_STEP = "step"


@dataclass(slots=True)
class StepOnWire:
    """One step of a run, as the app reported it or the server asked for it."""

    name: str
    rule: str
    attempts: int = 1
    """1 + the highest attempt number of a request that asked for it or whose reply reported it."""
    kind: str = ""
    """What the SDK says that it is, such as `step.ai.wrap`; Python says it of few."""
    sent: list[str] = field(default_factory=list)
    """Ids of the events that it sent."""
    answered: bool = True
    """Whether any reply tells of it. If not, the server asked for it by name: it was begun, and perhaps done."""


@dataclass(slots=True)
class RunOnWire:
    """One run, as it passed."""

    function: str = ""
    requests: int = 0
    unanswered: int = 0
    """Requests without a whole reply: the app died, or the server gave up."""
    failed: int = 0
    """Requests that are unanswered, or whose reply is an error of the function."""
    checkpoints: int = 0
    begun_by_app: bool = False
    """Whether the app began it without an event (durable endpoints)."""
    request_bytes: int = 0
    """Bodies of what the server sent to the app."""
    reply_bytes: int = 0
    """Bodies of the app's replies, and of its checkpoints."""
    steps: dict[str, StepOnWire] = field(default_factory=dict)
    """By step id: those that were reported as done, or asked for by name."""
    planned: dict[str, str] = field(default_factory=dict)
    """Names by step id of steps that were planned and never asked for."""
    asked: set[str] = field(default_factory=set)
    """Ids of steps for which the server asked by name, answered or not."""
    function_retries: int = 0
    """Requests that tried again what had failed, and that no step shows as its attempts: errors outside steps, and
    steps whose every attempt became an error of the function, which leaves no step id."""
    ended: bool = False
    """Whether a reply said that the run is complete, or failed for good as far as the app is concerned."""
    problems: list[str] = field(default_factory=list)
    skipped: bool = False
    """Never: what the server skips, it does not ask for."""


def runs_on_wire(rows: Iterable[WireRow]) -> dict[str, RunOnWire]:
    """Put the rows together, per run id; rows of no run are left out.

    A step is one that was reported as done (or failed, or begun, for what the server does), by a reply or by a
    checkpoint that the server took, or one that the server asked for by its id, since it then had been planned: also
    if the app died over it.
    """
    runs: dict[str, RunOnWire] = defaultdict(RunOnWire)
    pieces: dict[tuple[str, str], list[WireRequest]] = defaultdict(list)
    for row in rows:
        if isinstance(row, WireRequest) and row.run:
            _request(runs[row.run], row)
            pieces[row.run, _piece(row)].append(row)
        elif isinstance(row, WireCheckpoint) and row.run:
            _checkpoint(runs[row.run], row)
        elif isinstance(row, WireProblem) and row.run and row.grave:
            runs[row.run].problems.append(row.what)
    for (run, _), requests in pieces.items():
        runs[run].function_retries += _unseen_retries(requests)
    for seen in runs.values():
        seen.planned = {step: name for step, name in seen.planned.items() if step not in seen.steps}
        for step in seen.steps.values():
            step.sent = list(dict.fromkeys(step.sent))
    return dict(runs)


def _piece(row: WireRequest) -> str:
    """Which piece of the server's queue: all its attempts have the same job, or, on old servers, ask for the same."""
    return row.job or row.step


def _request(run: RunOnWire, row: WireRequest) -> None:
    run.function = run.function or row.function
    run.requests += 1
    if row.step != _ANY_STEP:
        run.asked.add(row.step)
    run.request_bytes += row.request_bytes
    run.reply_bytes += row.reply_bytes
    run.unanswered += not row.status
    run.failed += _failed(row)
    if row.status == 200 or (row.no_retry and _failed(row)) or any(each.op in _ENDS for each in row.operations):
        run.ended = True
    for operation in row.operations:
        _operation(run, operation, attempts=1 + row.attempt)
    if row.step != _ANY_STEP:
        name = run.planned.get(row.step, "")
        _done(run, row.step, name, "step_run", 1 + row.attempt, answered=bool(row.status))


def _checkpoint(run: RunOnWire, row: WireCheckpoint) -> None:
    run.checkpoints += 1
    run.begun_by_app = run.begun_by_app or row.begins
    run.reply_bytes += row.request_bytes
    if not row.status < 300:
        return  # not taken: the app replies with these steps, or tries again
    for operation in row.operations:
        # A checkpoint is made in a first attempt only; after a failure the SDK replies instead (TypeScript 4.24).
        _operation(run, operation, attempts=1)
        run.ended = run.ended or operation.op in _ENDS


def _operation(run: RunOnWire, operation: Operation, *, attempts: int) -> None:
    rule = STEP_OPS.get(operation.op)
    if rule is not None:
        step = _done(run, operation.id, operation.name, rule, attempts)
        step.sent += operation.sent
        step.kind = step.kind or operation.kind
    elif operation.op == "StepPlanned":
        run.planned.setdefault(operation.id, operation.name)
    elif operation.op not in FREE_OPS:
        run.problems.append(f"no rule knows the opcode {operation.op}")


def _done(run: RunOnWire, step_id: str, name: str, rule: str, attempts: int, *, answered: bool = True) -> StepOnWire:
    step = run.steps.get(step_id)
    if step is None:
        step = run.steps[step_id] = StepOnWire(name, rule, answered=answered)
    if answered and not step.answered:
        step.rule, step.answered = rule, True
    step.name = step.name or name
    step.attempts = max(step.attempts, attempts)
    return step


def _failed(row: WireRequest) -> bool:
    return row.status == 0 or row.status >= 300


def _unseen_retries(requests: Iterable[WireRequest]) -> int:
    """Retries among the requests of one piece of the queue that no step's attempts show."""
    retries, attempt = 0, 0
    for row in requests:
        if row.step != _ANY_STEP:
            return 0  # they are the attempts of that step
        if row.attempt < attempt:  # on servers that name no job, the next piece
            retries, attempt = retries + attempt, 0
        attempt = row.attempt
        if any(each.op in STEP_OPS for each in row.operations):
            attempt = 0  # the step shows them
    return retries + attempt


def sent_by_steps(runs: Mapping[str, RunOnWire]) -> dict[str, dict[str, list[str]]]:
    """Run → step → ids of the events that it sent; every run that passed is named, also one that sent none."""
    return {
        run_id: {step_id: step.sent for step_id, step in run.steps.items() if step.sent} for run_id, run in runs.items()
    }


def counts_on_wire(runs: Mapping[str, RunOnWire]) -> dict[str, dict[str, Decimal]]:
    """Run → kind → units of both readings, by the rulebook, as the ledger counts them."""
    return units_per_run(runs)
