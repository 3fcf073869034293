"""Names of what the open-source server's meter counts, the label `action_type` of its counter `action`."""

__all__ = [
    "ACCEPTED",
    "ACTIVITY",
    "CHILD",
    "CHILD_EXTRA",
    "CONTINUED",
    "EXTERNAL_SIGNAL",
    "HEARTBEAT",
    "HEARTBEAT_BY_ID",
    "MARKERS",
    "MEMO",
    "NEXUS",
    "NEXUS_CANCEL",
    "OPTIONS",
    "OPTIONS_BY_MULTI_OPERATION",
    "OPTIONS_BY_START",
    "PAUSED",
    "QUERY",
    "REJECTED",
    "RESET",
    "RETRY",
    "SCHEDULE_CREATED",
    "SCHEDULE_DELETED",
    "SCHEDULE_PATCHED",
    "SCHEDULE_UPDATED",
    "SIGNAL",
    "SIGNAL_WITH_START",
    "STARTED",
    "STARTED_BY_MULTI_OPERATION",
    "TIMER",
    "UNPAUSED",
    "UPSERT",
]

STARTED = "grpc_StartWorkflowExecution"
STARTED_BY_MULTI_OPERATION = "grpc_ExecuteMultiOperation"
OPTIONS_BY_START = "grpc_StartWorkflowExecution_UpdateWorkflowExecutionOptions"
OPTIONS_BY_MULTI_OPERATION = "grpc_ExecuteMultiOperation_UpdateWorkflowExecutionOptions"
OPTIONS = "grpc_UpdateWorkflowExecutionOptions"
SIGNAL = "grpc_SignalWorkflowExecution"
SIGNAL_WITH_START = "grpc_SignalWithStartWorkflowExecution"
QUERY = "grpc_QueryWorkflow"
RESET = "grpc_ResetWorkflowExecution"
PAUSED = "grpc_PauseWorkflowExecution"
UNPAUSED = "grpc_UnpauseWorkflowExecution"
HEARTBEAT = "grpc_RecordActivityTaskHeartbeat"
HEARTBEAT_BY_ID = "grpc_RecordActivityTaskHeartbeatById"
SCHEDULE_CREATED = "grpc_CreateSchedule"
SCHEDULE_UPDATED = "grpc_UpdateSchedule"
SCHEDULE_PATCHED = "grpc_PatchSchedule"
SCHEDULE_DELETED = "grpc_DeleteSchedule"

ACTIVITY = "command_ScheduleActivityTask"
RETRY = "activity_retry"
TIMER = "command_StartTimer"
MARKERS = "command_BatchMarkers"
"""One per workflow task that recorded any."""
CHILD = "command_StartChildWorkflowExecution"
CHILD_EXTRA = "command_StartChildWorkflowExecution_Extra"
CONTINUED = "command_ContinueAsNewWorkflowExecution"
EXTERNAL_SIGNAL = "command_SignalExternalWorkflowExecution"
UPSERT = "command_UpsertWorkflowSearchAttributes"
MEMO = "command_ModifyWorkflowProperties"
NEXUS = "command_ScheduleNexusOperation"
NEXUS_CANCEL = "command_RequestCancelNexusOperation"

ACCEPTED = "message_UpdateWorkflowExecution_Acceptance"
REJECTED = "message_UpdateWorkflowExecution_Rejection"
