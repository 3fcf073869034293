"""What `run_orders.py` costs, derived by hand from docs/rules-temporal.md. The program knows nothing of this.

Its roots are three workflows of two types; each checkout has a child. No rule with an open question applies, so the
upper reading is the documented one.
"""

COMMAND = ("run_orders.py",)
"""For the interpreter that has `temporalio`, in this folder. It connects to localhost:7233, namespace `default`."""

TYPES = {
    "order-1/checkout": "CheckoutWorkflow",
    "order-2/checkout": "CheckoutWorkflow",
    "order-1/invoice": "InvoiceWorkflow",
}

_CHECKOUT = {
    "start_workflow": 1,  # `start`: start_workflow in take_order
    "schedule_activity": 3,  # `activity`: reserve_stock, charge_card, and in the child pack_parcel
    "start_timer": 1,  # `timer`: asyncio.sleep. wait_condition without a time-out starts none
    "start_child_workflow": 2,  # `child_intent` and `child_start`; the child's own start is no start_workflow
    "signal_workflow": 1,  # `signal`: approve
    "query_workflow": 1,  # `query`: current_status
    # `heartbeat`: of pack_parcel's calls the first one goes out at once. The SDK holds the others back for 8 s (0.8 of
    # the time-out of 10 s), and drops what it holds when the activity succeeds, which takes no time.
    "record_activity_heartbeat": 1,
}

TASKS = {
    "order-1/checkout": _CHECKOUT
    | {
        "accept_workflow_update": 1,  # `update_accepted`: "1 Main Street"
        "reject_workflow_update": 1,  # `update_rejected`: the validator refuses ""
    },  # 12
    "order-2/checkout": _CHECKOUT
    | {
        "accept_workflow_update": 2,  # both addresses
        "retry_activity": 2,  # `activity_retry`: charge_card fails at attempts 1 and 2
    },  # 14
    "order-1/invoice": {
        "start_workflow": 1,
        "schedule_activity": 2,  # nobody pays, so send_invoice is scheduled in both rounds
        "start_timer": 2,  # each round's wait_condition has a time-out, which is a timer
    },  # 5
}
"""Root workflow → kind → Actions, both readings: the tasks when no task key is given."""

BY_ORDER = {
    "order-1": {
        "start_workflow": 2,
        "schedule_activity": 5,
        "start_timer": 3,
        "start_child_workflow": 2,
        "signal_workflow": 1,
        "query_workflow": 1,
        "record_activity_heartbeat": 1,
        "accept_workflow_update": 1,
        "reject_workflow_update": 1,
    },  # 12 + 5
    "order-2": TASKS["order-2/checkout"],
}
"""The same as the task key `id:^(order-[0-9]+)/` groups them: the checkout and the invoice of order 1 are one task."""
