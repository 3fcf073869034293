"""The billing rules of an engine as data: versioned, dated, each with its source."""

import tomllib
from datetime import datetime
from decimal import Decimal
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from durameter_collectors.units import Reading, TaskLabel, Unit

__all__ = ["Rule", "Rulebook", "load_rulebook"]


class Rule(BaseModel):
    """One line of a vendor's billing rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: str
    """The vendor's own name for what is billed."""
    quantity: Decimal = Field(ge=0)
    """Units per occurrence."""
    when: str
    """The condition, in words."""
    reading: Reading = "documented"
    """`upper` marks an open question: the unit is shown as a range, not in the documented count."""
    grade: Literal["read", "measured", "inferred", "open"] = "read"
    """How it is known: read in the vendor's text, measured on a dev server, inferred, or an open question."""
    sources: tuple[str, ...]
    """Which sources of a count can see it; empty where no local source can."""
    meter: tuple[str, ...] = ()
    """Names under which the server's own meter counts it, one unit each."""


class Rulebook(BaseModel):
    """All rules of one engine at one date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    unit: str
    """What the vendor calls one unit, in the singular."""
    version: str
    checked: str
    evidence: tuple[str, ...]
    """Documents and source files that were read, with their commits."""
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _ids_differ(self) -> "Rulebook":
        ids = [rule.id for rule in self.rules]
        if len(ids) != len(set(ids)):
            raise ValueError("two rules have the same id")
        return self

    def rule(self, rule_id: str) -> Rule:
        """The rule of that id.

        Raises:
            KeyError: there is none.
        """
        return self.by_id[rule_id]

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
        """The kind that the server's meter counts under this name, or None when no rule knows the name."""
        return next((rule.kind for rule in self.rules if meter_name in rule.meter), None)


@cache
def load_rulebook(engine: str) -> Rulebook:
    """The rulebook that ships for `engine`.

    Raises:
        FileNotFoundError: there is none.
    """
    text = files("durameter_collectors").joinpath(engine, "rules.toml").read_text()
    data: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    return Rulebook.model_validate(data)
