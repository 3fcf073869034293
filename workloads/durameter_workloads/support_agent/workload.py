"""The reference agent as a workload."""

from collections.abc import Sequence
from typing import Any

from durameter import Implementation, Scenario, Task, Workload
from durameter_workloads.support_agent.inngest.variants import inngest_variants
from durameter_workloads.support_agent.options import SupportAgentOptions
from durameter_workloads.support_agent.scenarios import scenarios_of
from durameter_workloads.support_agent.shapes import draw_conversations, run_away
from durameter_workloads.support_agent.temporal.variants import temporal_variants

__all__ = ["SupportAgent", "workload"]


class SupportAgent(Workload):
    """A support agent whose conversations have the shapes of recorded runs."""

    description = "reference support agent: model, tools, approval, hand-over, reminder"
    options_model = SupportAgentOptions

    def tasks(self, count: int, seed: int, options: Any) -> Sequence[Task]:
        """`count` conversations, drawn by seed."""
        parsed = SupportAgentOptions.model_validate(options)
        conversations = draw_conversations(count, seed, parsed.overlay)
        if parsed.runaway:
            conversations = [run_away(each) for each in conversations]
        return [
            Task(
                id=f"conversation-{number:04d}",
                shape=conversation.model_dump(mode="json"),
                covariates=conversation.covariates(),
                cluster=conversation.source.partition("/")[0],  # trials of one case
            )
            for number, conversation in enumerate(conversations, 1)
        ]

    def implementations(self, options: Any) -> Sequence[Implementation[Any]]:
        """The default of each engine first."""
        parsed = SupportAgentOptions.model_validate(options)
        return [*temporal_variants(parsed), *inngest_variants(parsed)]

    def scenarios(self, options: Any) -> Sequence[Scenario]:
        """Bad days, with the scripted model."""
        return scenarios_of(SupportAgentOptions.model_validate(options))


workload = SupportAgent()
