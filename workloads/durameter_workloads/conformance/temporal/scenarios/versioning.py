"""Worker versioning. What the server's own deployment workflows do is on the meter, and in no task."""

from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import WorkerDeploymentConfig

from durameter_workloads.conformance.temporal.bench import Bench, until, worker
from durameter_workloads.conformance.temporal.meter import ACTIVITY, STARTED
from durameter_workloads.conformance.temporal.scenario import Scenario
from durameter_workloads.conformance.temporal.workflows import Steps

__all__ = ["SCENARIOS"]


async def _versioned(on: Bench) -> None:
    queue = on.id("versioned")
    version = WorkerDeploymentVersion(deployment_name=on.id("deployment"), build_id="1.0")
    config = WorkerDeploymentConfig(
        version=version,
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )
    async with worker(on.client, queue, deployment_config=config):

        async def is_current() -> bool:
            try:
                await on.client.workflow_service.set_worker_deployment_current_version(
                    SetWorkerDeploymentCurrentVersionRequest(
                        namespace=on.client.namespace,
                        deployment_name=version.deployment_name,
                        build_id=version.build_id,
                    )
                )
            except RPCError:  # until the worker's poll has made the version known
                return False
            return True

        await until(is_current, "the version as the current one")
        await on.client.execute_workflow(Steps.run, ["activity"], id=on.id("root"), task_queue=queue)


SCENARIOS = (
    # The workflow itself costs what it costs without a version.
    Scenario(
        "versioned worker made current",
        _versioned,
        {"start_workflow": 1, "schedule_activity": 1},
        {STARTED: 1, ACTIVITY: 1},
        system="TemporalWorkerDeployment",
    ),
)
