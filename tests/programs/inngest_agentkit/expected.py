"""Executions of one ticket, derived by hand from `src/` and the vendor's rule: runs + steps.

AgentKit makes these steps by itself: one for the network's run (`generate-network-id`), and for each agent's call one
for its id (`generate-agent-ids`) and one that asks the model (`step.ai`, named after the agent). The router is a
function: it asks no model. Two agents are called, the researcher and then the writer.
"""

PLAIN = {
    "function_run": 1,  # answer-ticket
    # the network 1, ids of two agents' calls 2, the tool's own step look-up-order 1, save-answer 1
    "step.run": 5,
    "step.ai": 2,  # researcher, writer
}
"""A ticket that is not urgent: 8 executions."""

URGENT = {
    "function_run": 2,  # page-team too, which the event of tell-team starts
    "step.run": 7,  # as above, tell-team, and page in the other function
    "step.ai": 2,
}
"""An urgent ticket: 11 executions."""
