"""The billing rules of an engine as data: versioned, dated, each with its source."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from durameter_collectors.units import Reading, TaskLabel, Unit

__all__ = ["Answer", "Evidence", "Rule", "Rulebook", "Switch", "load_rulebook"]

Answer = Literal["billed", "free"]
"""How an open question is answered."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Evidence(_Entry):
    """A document or source file that was read, or a measurement."""

    id: str
    what: str
    """Repository, path and commit; or what was measured on what."""
    checked: str
    """Year and month in which it was read or measured."""


class Switch(_Entry):
    """An open question about what is billed, and the answer that headlines use."""

    name: str
    question: str
    default: Answer
    """What the vendor's documents say; where they are silent, what the meter does."""
    because: str


class Rule(_Entry):
    """One line of a vendor's billing rules."""

    id: str
    kind: str
    """The vendor's own name for what is billed."""
    quantity: Decimal = Field(ge=0)
    """Units per occurrence."""
    when: str
    """The condition, in words."""
    switch: str = ""
    """The open question that it depends on."""
    reading: Reading = "documented"
    """`upper` while the switch is answered `free`: shown as a range, not in the headline. Not written by hand."""
    grade: Literal["read", "measured", "inferred", "open"] = "read"
    """How it is known: read in the vendor's text, measured on a dev server, inferred, or an open question."""
    evidence: str
    """Id of the document or measurement that says so; it has the date."""
    sources: tuple[str, ...]
    """Which sources of a count can see it; empty where no local source can."""
    meter: tuple[str, ...] = ()
    """Names under which the server's own meter counts it, one unit each."""
    cloud_only: bool = False
    """No local server has it: it enters with the price, not with the count."""
    scenarios: tuple[str, ...] = ()
    """Scenarios of the conformance suite that exercise it."""


class Rulebook(_Entry):
    """All rules of one engine at one date."""

    engine: str
    unit: str
    """What the vendor calls one unit, in the singular."""
    version: str
    evidence: tuple[Evidence, ...]
    switches: tuple[Switch, ...] = ()
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _is_whole(self) -> "Rulebook":
        for what, names in (
            ("rules", [rule.id for rule in self.rules]),
            ("switches", [switch.name for switch in self.switches]),
            ("pieces of evidence", [each.id for each in self.evidence]),
        ):
            if len(names) != len(set(names)):
                raise ValueError(f"two {what} have the same name")
        for rule in self.rules:
            if rule.switch and rule.switch not in {switch.name for switch in self.switches}:
                raise ValueError(f"rule {rule.id} depends on {rule.switch!r}, which is no switch")
            if rule.evidence not in {each.id for each in self.evidence}:
                raise ValueError(f"rule {rule.id} names {rule.evidence!r}, which is no evidence")
        return self

    def rule(self, rule_id: str) -> Rule:
        """The rule of that id.

        Raises:
            KeyError: there is none.
        """
        return self.by_id[rule_id]

    def answered(self, answers: Mapping[str, Answer]) -> "Rulebook":
        """This rulebook with some open questions answered otherwise than by default.

        Args:
            answers: name of a switch → answer.

        Raises:
            KeyError: there is no such switch.
        """
        defaults = {switch.name: switch.default for switch in self.switches}
        for name in answers:
            if name not in defaults:
                raise KeyError(name)
        chosen = {**defaults, **answers}
        rules = tuple(
            rule.model_copy(update={"reading": "upper" if chosen[rule.switch] == "free" else "documented"})
            if rule.switch
            else rule
            for rule in self.rules
        )
        return Rulebook(  # not a copy: that would keep the index of the old rules
            engine=self.engine,
            unit=self.unit,
            version=self.version,
            evidence=self.evidence,
            switches=self.switches,
            rules=rules,
        )

    def read(self, units: Iterable[Unit]) -> list[Unit]:
        """Units in this rulebook's reading: the rows stay, what is headline and what is range may change."""
        return [
            unit
            if unit.reading == self.rule(unit.rule).reading
            else unit.model_copy(update={"reading": self.rule(unit.rule).reading})
            for unit in units
        ]

    def is_open(self, unit: Unit) -> bool:
        """Whether the unit depends on an open question."""
        return bool(self.rule(unit.rule).switch)

    def units(
        self,
        rule_id: str,
        label: TaskLabel,
        *,
        run: str,
        cause: str,
        time: datetime,
        source: str,
        evidence: str,
        step: str = "",
        attempt: int = 1,
        times: int = 1,
    ) -> list[Unit]:
        """What one rule makes of one piece of evidence: a row per unit, and one for a fraction that is left.

        Args:
            rule_id: the rule that applies.
            label: whose units these are.
            run: the engine's run id.
            cause: what in the agent made them.
            time: the server's own time of the evidence.
            source: the source of the count.
            evidence: where to look it up.
            step: the agent-level step, where it is known.
            attempt: which attempt they belong to, from 1.
            times: how often the rule applies here.

        Raises:
            KeyError: there is no such rule.
        """
        rule = self.rule(rule_id)
        whole, part = divmod(rule.quantity * times, 1)
        return [
            Unit(
                engine=self.engine,
                workload=label.workload,
                variant=label.variant,
                task=label.task,
                run=run,
                kind=rule.kind,
                cause=cause,
                step=step,
                attempt=attempt,
                quantity=quantity,
                reading=rule.reading,
                rule=rule.id,
                time=time,
                source=source,
                evidence=evidence,
            )
            for quantity in [Decimal(1)] * int(whole) + ([part] if part else [])
        ]

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        """Every rule by its id; looked up once per unit, hence made once."""
        return {rule.id: rule for rule in self.rules}

    def metered_kind(self, meter_name: str) -> str | None:
        """The kind that the server's meter counts under this name, or None when no rule knows the name.

        Where several kinds share a name, as retries of standalone activities do, the first one has it.
        """
        return next((rule.kind for rule in self.rules if meter_name in rule.meter), None)


@cache
def load_rulebook(engine: str) -> Rulebook:
    """The rulebook that ships for `engine`, every open question answered by default.

    Raises:
        FileNotFoundError: there is none.
    """
    text = files("durameter_collectors").joinpath(engine, "rules.toml").read_text()
    data: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    return Rulebook.model_validate(data).answered({})
