"""A rulebook as a document."""

from durameter.formatting import plain
from durameter.report.document import MARKDOWN, TERMINAL, Block, Bullets, Column, Document, Paragraph, Section, Table
from durameter_collectors.rulebook import Rule, Rulebook, Switch

__all__ = ["rules_document"]

_EVIDENCE = (Column(""), Column("what"), Column("checked"))


def rules_document(rules: Rulebook) -> Document:
    """What is billed and when, the open questions, and the evidence."""
    unit, engine = rules.unit, rules.engine
    what = f"what one {unit} is, version {rules.version}"
    blocks: list[Block] = [
        Paragraph(f"{engine}: {what}", strong=True, forms=TERMINAL),
        Paragraph(f"W{what[1:]}. Written by `durameter rules {engine} --markdown`.", forms=MARKDOWN),
        _rules(rules),
    ]
    if rules.switches:
        blocks.append(Section("Open questions", _questions(rules)))
    if metered := _metered(rules):
        columns = (Column("`action_type`"), Column("rules"))
        rows = tuple((f"`{name}`", ", ".join(ids)) for name, ids in metered)
        blocks.append(Section("The server's own meter", (Table(columns, rows),), forms=MARKDOWN))
    evidence = tuple((each.id, each.what, f"{each.checked}") for each in rules.evidence)
    lines = tuple(f"{id_}: {what} ({checked})" for id_, what, checked in evidence)
    blocks.append(Section("Evidence", (Bullets(lines, forms=TERMINAL), Table(_EVIDENCE, evidence, forms=MARKDOWN))))
    if any(rule.scenarios for rule in rules.rules):
        lines = tuple(f"`{rule.id}`: {'; '.join(rule.scenarios)}" for rule in rules.rules if rule.scenarios)
        how = Paragraph(f"`durameter conformance {engine} -k NAME` runs one.")
        blocks.append(Section("Scenarios", (how, Bullets(lines)), forms=MARKDOWN))
    return Document(tuple(blocks), f"Rulebook: {engine}")


def _rules(rules: Rulebook) -> Table:
    columns = (
        Column("rule", code=True, fit="whole"),
        Column("kind", code=True, forms=MARKDOWN),
        Column(f"{rules.unit}s", figures=True),
        Column("when", width=30),
        Column("seen by"),
        Column("grade", forms=MARKDOWN),
        Column("evidence", forms=MARKDOWN),
        Column("scenarios", figures=True),
    )
    rows = tuple(
        (
            rule.id,
            rule.kind,
            plain(rule.quantity),
            f"{rule.when} (open question: {rule.switch})" if rule.switch else rule.when,
            seen_by(rule),
            rule.grade,
            rule.evidence,
            f"{len(rule.scenarios) or '–'}",
        )
        for rule in rules.rules
    )
    return Table(columns, rows)


def seen_by(rule: Rule) -> str:
    """Which sources can see it, in words."""
    if rule.cloud_only:
        return "the vendor's cloud only"
    return ", ".join(rule.sources) or "nothing"


def _questions(rules: Rulebook) -> tuple[Block, ...]:
    columns = (Column("question", code=True), Column(""), Column("answer by default"), Column("because"))
    rows = tuple((each.name, each.question, each.default, each.because) for each in rules.switches)
    answered = f"--answer {rules.engine}.{rules.switches[0].name}=billed"
    how = f"`{answered}` (or `=free`) answers one otherwise; reports show the range over both answers."
    return (
        *(_asked(each) for each in rules.switches),
        Paragraph(f"Answer one otherwise: {answered}", indent=2, forms=TERMINAL),
        Table(columns, rows, forms=MARKDOWN),
        Paragraph(how, forms=MARKDOWN),
    )


def _asked(switch: Switch) -> Block:
    lines = (f"{switch.name}: {switch.question}", f"  {switch.default} by default. {switch.because}.")
    return Bullets(lines, bare=True, forms=TERMINAL)


def _metered(rules: Rulebook) -> list[tuple[str, list[str]]]:
    """Names of the server's meter, each with the rules that count under it."""
    names = sorted({name for rule in rules.rules for name in rule.meter})
    return [(name, [rule.id for rule in rules.rules if name in rule.meter]) for name in names]
