"""What a workflow changes about itself, or somebody about it: patches, search attributes, memo, pause."""

import uuid
from typing import Any

from temporalio.api.workflowservice.v1 import PauseWorkflowExecutionRequest, UnpauseWorkflowExecutionRequest
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from durameter_workloads.conformance.temporal.bench import Bench
from durameter_workloads.conformance.temporal.meter import (
    MARKERS,
    MEMO,
    PAUSED,
    SIGNAL,
    STARTED,
    TIMER,
    UNPAUSED,
    UPSERT,
)
from durameter_workloads.conformance.temporal.needs import SEARCH_ATTRIBUTES, WORKFLOW_PAUSE
from durameter_workloads.conformance.temporal.scenario import Scenario, run_of
from durameter_workloads.conformance.temporal.workflows import COLOUR, SIZE

__all__ = ["SCENARIOS"]

_EMPTY = {"start_workflow": 1}


async def _attributes_at_start(on: Bench) -> None:
    pairs: list[SearchAttributePair[Any]] = [SearchAttributePair(COLOUR, "red"), SearchAttributePair(SIZE, 3)]
    await on.run(search_attributes=TypedSearchAttributes(pairs))


async def _paused(on: Bench) -> None:
    root = await on.start("hold")
    await on.idle(root)
    service, namespace = on.client.workflow_service, on.client.namespace
    await service.pause_workflow_execution(
        PauseWorkflowExecutionRequest(namespace=namespace, workflow_id=root.id, request_id=uuid.uuid4().hex)
    )
    await on.seen(root, "WORKFLOW_EXECUTION_PAUSED")
    await service.unpause_workflow_execution(
        UnpauseWorkflowExecutionRequest(namespace=namespace, workflow_id=root.id, request_id=uuid.uuid4().hex)
    )
    await on.finish(root)


SCENARIOS = (
    # The marker, and the search attribute that the SDK sets beside it: not in the documents, both on the meter.
    Scenario(
        "patch",
        run_of("patch"),
        _EMPTY,
        {STARTED: 1, MARKERS: 1, UPSERT: 1},
        {"record_activity_markers": 1, "upsert_workflow_search_attributes": 1},
        differences={"markers_of_patches": 1, "upsert_by_patch": 1},
    ),
    # Two markers in one workflow task are one; each has its upsert.
    Scenario(
        "two patches",
        run_of("patch", "second_patch"),
        _EMPTY,
        {STARTED: 1, MARKERS: 1, UPSERT: 2},
        {"record_activity_markers": 1, "upsert_workflow_search_attributes": 2},
        differences={"markers_of_patches": 1, "upsert_by_patch": 2},
    ),
    # Timers around the second one: two workflow tasks with a marker each.
    Scenario(
        "two patches in different tasks",
        run_of("patch", "patch_too"),
        _EMPTY | {"start_timer": 2},
        {STARTED: 1, MARKERS: 2, UPSERT: 2, TIMER: 2},
        {"record_activity_markers": 2, "upsert_workflow_search_attributes": 2},
        differences={"markers_of_patches": 2, "upsert_by_patch": 2},
    ),
    # One marker Action by the local activity, patch or not; the patch's search attribute stays open.
    Scenario(
        "patch and local activity",
        run_of("patch", "local"),
        _EMPTY | {"record_activity_markers": 1},
        {STARTED: 1, MARKERS: 1, UPSERT: 1},
        {"upsert_workflow_search_attributes": 1},
        differences={"upsert_by_patch": 1},
    ),
    # One command, two attributes.
    Scenario(
        "search attributes",
        run_of("attributes"),
        _EMPTY | {"upsert_workflow_search_attributes": 1},
        {STARTED: 1, UPSERT: 1},
        needs=(SEARCH_ATTRIBUTES,),
    ),
    # Given with the start, they are part of it.
    Scenario(
        "search attributes at the start",
        _attributes_at_start,
        _EMPTY,
        {STARTED: 1},
        needs=(SEARCH_ATTRIBUTES,),
    ),
    Scenario("memo", run_of("memo"), _EMPTY | {"modify_workflow_properties": 1}, {STARTED: 1, MEMO: 1}),
    Scenario(
        "workflow paused and unpaused",
        _paused,
        _EMPTY | {"pause_workflow": 2, "signal_workflow": 1},
        {STARTED: 1, PAUSED: 1, UNPAUSED: 1, SIGNAL: 1},
        needs=(WORKFLOW_PAUSE,),
    ),
)
