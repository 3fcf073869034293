"""What `npm start` costs, derived by hand from docs/rules-temporal.md. The program knows nothing of this.

Its roots are three workflows of two types; each onboarding has a child, and the reminder has three runs. No rule with
an open question applies, so the upper reading is the documented one.
"""

COMMAND = ("node", "lib/main.js")
"""In a copy of this folder, after `npm ci --ignore-scripts` and `npm run build` (see programs/npm.py).

It reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE; without them it connects to localhost:7233, namespace `default`.
"""

TYPES = {
    "customer-1/onboarding": "onboarding",
    "customer-2/onboarding": "onboarding",
    "customer-1/reminder": "reminder",
}

_ONBOARDING = {
    "start_workflow": 1,  # `start`: workflow.start in takeIn
    "schedule_activity": 3,  # `activity`: sendMail, checkName, and in the child copyArchive
    "start_timer": 1,  # `timer`: sleep in the workflow. condition() without a time-out starts none, and sleep() in an
    # activity is no timer of the workflow
    "start_child_workflow": 2,  # `child_intent` and `child_start`; the child's own start is no start_workflow
    "record_activity_markers": 1,  # `markers`: the local activity `price`
    "signal_workflow": 1,  # `signal`: confirmed
    "query_workflow": 1,  # `query`: stage, of a workflow that has ended
    # `heartbeat`: of copyArchive's calls the first one goes out at once. The SDK holds the others back for 8 s (0.8 of
    # the time-out of 10 s), and drops what it holds when the activity succeeds, after 60 or 80 ms.
    "record_activity_heartbeat": 1,
}

TASKS = {
    "customer-1/onboarding": _ONBOARDING
    | {
        "accept_workflow_update": 1,  # `update_accepted`: "team"
        "reject_workflow_update": 1,  # `update_rejected`: the validator knows no plan "gold"
    },  # 13
    "customer-2/onboarding": _ONBOARDING
    | {
        "accept_workflow_update": 2,  # both plans
        "retry_activity": 2,  # `activity_retry`: checkName fails at attempts 1 and 2
    },  # 15
    "customer-1/reminder": {
        "start_workflow": 1,
        "continue_as_new_workflow": 2,  # `continue_as_new`: rounds 2 → 1 → 0; a run that continues is no start_workflow
        "schedule_activity": 3,  # sendMail once in each of the three runs
        "start_timer": 3,  # nobody answers: each run's condition() has a time-out, which is a timer
    },  # 9
}
"""Root workflow → kind → Actions, both readings: the tasks when no task key is given."""

BY_CUSTOMER = {
    "customer-1": {
        "start_workflow": 2,
        "continue_as_new_workflow": 2,
        "schedule_activity": 6,
        "start_timer": 4,
        "start_child_workflow": 2,
        "record_activity_markers": 1,
        "signal_workflow": 1,
        "query_workflow": 1,
        "record_activity_heartbeat": 1,
        "accept_workflow_update": 1,
        "reject_workflow_update": 1,
    },  # 13 + 9
    "customer-2": TASKS["customer-2/onboarding"],
}
"""The same as the task key `id:^(customer-[0-9]+)/` groups them."""
