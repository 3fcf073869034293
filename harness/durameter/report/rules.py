"""A rulebook for people: in the terminal, and as Markdown."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from durameter.formatting import plain
from durameter.report.render_markdown import markdown
from durameter_collectors.rulebook import Rule, Rulebook

__all__ = ["rules_markdown", "show_rules"]


def seen_by(rule: Rule) -> str:
    """Which sources can see it, in words."""
    if rule.cloud_only:
        return "the vendor's cloud only"
    return ", ".join(rule.sources) or "nothing"


def _metered(rules: Rulebook) -> list[tuple[str, list[str]]]:
    """Names of the server's meter, each with the rules that count under it."""
    names = sorted({name for rule in rules.rules for name in rule.meter})
    return [(name, [rule.id for rule in rules.rules if name in rule.meter]) for name in names]


def rules_markdown(rules: Rulebook) -> str:
    """The rulebook as GitHub-flavoured Markdown."""
    return markdown("rules.md.j2", rules=rules, metered=_metered(rules), plain=plain, seen_by=seen_by)


def show_rules(rules: Rulebook, console: Console) -> None:
    """Print the rulebook."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("rule", no_wrap=True)
    table.add_column(f"{rules.unit}s", justify="right")
    table.add_column("when", min_width=30)
    table.add_column("seen by")
    table.add_column("scenarios", justify="right")
    for rule in rules.rules:
        when = f"{rule.when} (open: {rule.switch})" if rule.switch else rule.when
        table.add_row(rule.id, plain(rule.quantity), Text(when), seen_by(rule), str(len(rule.scenarios) or "–"))
    console.print(Text(f"{rules.engine}: what one {rules.unit} is, version {rules.version}", style="bold"), table)
    if rules.switches:
        console.print(Text("Open questions", style="bold"))
        for switch in rules.switches:
            console.print(Text.assemble((f"  {switch.name}: ", "bold"), switch.question))
            console.print(Text(f"    {switch.default} by default. {switch.because}."))
        console.print(Text(f"  Answer one otherwise: --answer {rules.engine}.{rules.switches[0].name}=billed"))
    console.print(Text("Evidence", style="bold"))
    for each in rules.evidence:
        console.print(Text(f"  {each.id}: {each.what} ({each.checked})"))
