"""A session that counts what somebody else began: it ends nothing, and knows its tasks' runs from a list."""

from collections import Counter
from collections.abc import Sequence

from durameter.engines.base import TaskCount
from durameter.engines.temporal.session import TemporalSession
from durameter.results.reconcile import Reconciliation
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.temporal.links import RunLink
from durameter_collectors.temporal.wire.rows import WireAction
from durameter_collectors.units import Elsewhere, TaskLabel, Unit, nowhere

__all__ = ["WatchSession"]

_MORE_AT = {
    ("ledger", "meter"): 1,
    ("wire", "meter"): 1,
    ("history", "wire"): -1,
    ("ledger", "wire"): -1,
}
"""Where other programs work on the server too: the source that may have more for it, 1 for the second one."""
_BESIDE = (
    "other programs may work on this server, beside the tap: what the sources differ in may be theirs, and nobody can "
    "say. Measure on a server of its own (without --attach) to have it checked"
)


class WatchSession(TemporalSession):
    """Counts the workflows of a watch."""

    links: dict[str, list[RunLink]]
    """Root → its runs, as listed. A root without any is a schedule that never fired, a standalone activity."""

    @property
    def owns_namespace(self) -> bool:
        """Whether nobody else works there."""
        return self._own_namespace

    async def actions(self) -> Sequence[WireAction]:
        """What the tap saw until now; nothing without a tap."""
        await self._settle()
        return self._seen()

    async def count(self, roots: Sequence[str], label: TaskLabel, *, elsewhere: Elsewhere = nowhere) -> TaskCount:
        """As ever, but a signal makes no workflow the task's: here each is a task itself, or none of the watch's."""

        def others(name: str) -> bool:
            return name not in roots or elsewhere(name)

        return await super().count(roots, label, elsewhere=others)

    async def _workflows_of(self, roots: Sequence[str]) -> list[RunLink]:
        return [link for root in roots for link in self.links.get(root, [])]

    def other_namespaces(self) -> list[str]:
        """Namespaces beside this one in which the tap saw something billable."""
        if self._tap is None:
            return []
        return [name for name in self._tap.log.namespaces() if name != self.client.namespace]

    def older(self) -> list[str]:
        """What the command did to workflows that are in no task, in words, once all tasks are counted."""
        rules = load_rulebook("temporal")
        known = self._known()
        lost = Counter(
            action.owner
            for action in self._seen()
            if action.subject == "workflow" and action.owner not in known and rules.rule(action.rule).quantity
        )
        if not lost:
            return []
        some = ", ".join(sorted(lost)[:3])
        told = f"{lost.total()} calls of the command on {len(lost)} workflows that are in no task, since they began "
        return [f"{told}before the watch or are not in the query: {some}"]

    def _known(self) -> set[str]:
        """Ids of all workflows that are in a task."""
        return {run.link.workflow for run in self._runs.values()} | set(self.links)

    def _expected_in_tasks(self, actions: Sequence[WireAction]) -> Sequence[WireAction]:
        """Where others work too, calls on their and on older workflows are said in another place: `older`."""
        if self._own_namespace:
            return actions
        known = self._known()
        return [each for each in actions if each.subject != "workflow" or each.owner in known]

    async def _unattributed(self) -> list[str]:
        lines = [
            f"the command also worked in the namespace {name}: that is in no count. "
            f"DURAMETER_TEMPORAL_NAMESPACE={name} watches there"
            for name in self.other_namespaces()
        ]
        return lines + await super()._unattributed()

    async def reconcile(self, units: Sequence[Unit]) -> tuple[Reconciliation, ...]:
        """As ever; where others work on the server too, what may be theirs proves nothing."""
        found = await super().reconcile(units)
        return found if self._own_namespace else tuple(_beside(each) for each in found)


def _beside(found: Reconciliation) -> Reconciliation:
    """`not checked` instead of `differs` where all that is left is more of what others may have done."""
    more = _MORE_AT.get((found.source, found.other), 0)
    rest = [line.unexplained for line in found.lines if line.unexplained]
    if found.state != "differs" or not more or not rest or any(units * more < 0 for units in rest):
        return found
    return found.model_copy(update={"state": "not checked", "notes": (_BESIDE, *found.notes)})
