"""Names that somebody chose, in the Markdown of a report and of a difference."""

import pytest
from page_samples import report

from durameter.gates.diff import Refused
from durameter.report.diff import diff_document
from durameter.report.measurement_document import report_document
from durameter.report.render_markdown import markdown

HOSTILE = ["a|b", "two\nlines", "<img src=x onerror=alert(1)>", "</details>", "| --- |\n| x |"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_breaks_no_table(name: str) -> None:
    plain = report()
    first = plain.engines[0]
    causes = (first.causes[0].model_copy(update={"name": name}), *first.causes[1:])
    hostile = plain.model_copy(
        update={"workload": name, "engines": (first.model_copy(update={"causes": causes}), *plain.engines[1:])}
    )
    before, after = markdown(report_document(plain)).splitlines(), markdown(report_document(hostile)).splitlines()
    assert len(after) == len(before)
    for one, other in zip(before, after, strict=True):
        assert one.startswith("|") == other.startswith("|")
        assert one.count("|") == other.count("|") - other.count("\\|")
    assert "<img" not in "\n".join(after)
    assert "</details>" not in "\n".join(after)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_refusal_with_hostile_names_has_as_many_lines(name: str) -> None:
    def lines(base: str, reason: str) -> list[str]:
        refused = Refused(base=base, head="head", untrusted=False, reasons=(reason,))
        return markdown(diff_document(refused)).splitlines()

    assert len(lines(name, name)) == len(lines("base", "another workload"))
    assert "<img" not in "".join(lines(name, name))
