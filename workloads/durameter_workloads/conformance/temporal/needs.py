"""What some scenarios need of the server, and how it is seen to."""

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    CreateNexusEndpointRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, ListBatchOperationsRequest

from durameter_workloads.conformance.temporal.bench import Bench
from durameter_workloads.conformance.temporal.scenario import Need
from durameter_workloads.conformance.temporal.workflows import COLOUR, SIZE, endpoint_of

__all__ = [
    "BATCH",
    "EAGER_START",
    "NEXUS_ENDPOINT",
    "OPERATOR_COMMANDS",
    "SEARCH_ATTRIBUTES",
    "STANDALONE_ACTIVITIES",
    "STANDALONE_NEXUS",
    "WORKFLOW_PAUSE",
]


async def _search_attributes(on: Bench) -> bool:
    keyword, number = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, IndexedValueType.INDEXED_VALUE_TYPE_INT
    wanted = {COLOUR.name: keyword, SIZE.name: number}
    namespace = on.client.namespace
    there = await on.client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    missing = {name: kind for name, kind in wanted.items() if name not in there.custom_attributes}
    if missing:
        await on.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=namespace, search_attributes=missing)
        )
    return True


async def _nexus_endpoint(on: Bench) -> bool:
    worker = EndpointTarget.Worker(namespace=on.client.namespace, task_queue=on.task_queue)
    spec = EndpointSpec(name=endpoint_of(on.task_queue), target=EndpointTarget(worker=worker))
    await on.client.operator_service.create_nexus_endpoint(CreateNexusEndpointRequest(spec=spec))
    return True


async def _batch(on: Bench) -> bool:
    await on.client.workflow_service.list_batch_operations(ListBatchOperationsRequest(namespace=on.client.namespace))
    return True


def _capability(name: str) -> Need:
    """Something that the server says of itself, by the name of the field."""

    async def said(on: Bench) -> bool:
        answer = await on.client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=on.client.namespace)
        )
        return bool(getattr(answer.namespace_info.capabilities, name))

    return Need(name.replace("_", " "), said)


SEARCH_ATTRIBUTES = Need(f"the search attributes {COLOUR.name} (Keyword) and {SIZE.name} (Int)", _search_attributes)
NEXUS_ENDPOINT = Need("the creation of a Nexus endpoint", _nexus_endpoint)
BATCH = Need("batch operations", _batch)
STANDALONE_ACTIVITIES = _capability("standalone_activities")
OPERATOR_COMMANDS = _capability("standalone_activity_operator_commands")
STANDALONE_NEXUS = _capability("standalone_nexus_operation")
"""On a dev server: `--dynamic-config-value nexusoperation.enableStandalone=true`."""
WORKFLOW_PAUSE = _capability("workflow_pause")
"""On a dev server: `--dynamic-config-value frontend.WorkflowPauseEnabled=true`."""
EAGER_START = _capability("eager_workflow_start")
