"""The page as a document: its sections, with the tables of a report and those of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from durameter.cost.prices import PriceBook
from durameter.cost.profile import Profile
from durameter.cost.projection import EngineProjection, Projection
from durameter.formatting import count
from durameter.report.document import Block, Bullets, Document, Note, Paragraph, Plot, Section, Side, Table
from durameter.report.measurement import EngineReport, Report
from durameter.report.measurement_document import breakdown_table, capacity_table, comparison_table, types_table
from durameter.report.measurement_words import estimated, worth_knowing
from durameter.report.page import tables
from durameter.report.page.captions import Picture, Pictures
from durameter.report.page.headline import currency_of, dollars_between, units_between, whole

__all__ = ["page_document"]

_READINGS = {
    "documented": "As documented",
    "upper": "If every open question is billed",
    "lower": "If every open question is free",
}
_OF_THE_MEAN = (
    "Of the mean of the measured tasks. The dollars at the top and below are of the projection, which also has the mix "
    "and the scenarios, and says how sure they are."
)
_DRAWS = (
    "p5, p50, p95: one draw in twenty costs less than p5, every second one less than p50, one in twenty more than p95."
)


def page_document(
    report: Report,
    profiles: Sequence[Profile],
    projection: Projection | None,
    books: Sequence[PriceBook],
    pictures: Pictures,
) -> Document:
    """Everything below the page's head.

    Args:
        report: the figures; all of them are on the page.
        profiles: one per engine and variant, where there are.
        projection: the month at the user's volume, if there is one.
        books: price books, for their sources.
        pictures: the plots, and why some are not there.
    """
    page = _Page(report, profiles, projection, books, pictures)
    sections = [page.side_by_side(), page.units(), page.turns(), page.month()]
    if projection is not None:
        sections += [page.changes(projection), page.limits(projection)]
    return Document((*sections, page.trust(), page.not_covered(), page.prices()), report.workload)


@dataclass(frozen=True)
class _Page:
    """What the sections are made of."""

    report: Report
    profiles: Sequence[Profile]
    projection: Projection | None
    books: Sequence[PriceBook]
    pictures: Pictures

    def side_by_side(self) -> Section:
        blocks: list[Block] = [comparison_table(self.report)]
        if self.projection is not None:
            blocks.append(Note("info", _OF_THE_MEAN))
        return Section("Side by side", tuple(blocks), anchor="side")

    def units(self) -> Section:
        engines = list(enumerate(self.report.engines))
        blocks = [self._plots("kinds")]
        for place, engine in engines:
            if engine.types:
                table = _captioned(types_table(engine.types), engine.engine)
                blocks.append(_of_engine(f"{engine.engine}: by type of task", place, table))
        for place, engine in engines:
            if engine.estimates:
                lines = Bullets(tuple(estimated(engine)))
                blocks.append(_of_engine(f"{engine.engine}: estimates, in no count", place, lines))
        blocks += [_every_kind(engine) for engine in self.report.engines if engine.kinds]
        return Section("Where the units come from", tuple(blocks), anchor="units")

    def turns(self) -> Section:
        nothing = "There is no profile: what one more turn, tool call or message costs is not said here."
        profiles = [block for each in self.profiles for block in self._profile(each)] or [Note("info", nothing)]
        return Section("Units against turns", (self._plots("turns"), *profiles), anchor="turns")

    def _profile(self, profile: Profile) -> list[Block]:
        basis = "Exact: no task is off its line."
        if not profile.lines().exact:
            basis = "± is one standard error, clustered by task."
        of = f"Units per one more of each, from {profile.tasks} tasks in {profile.clusters} groups. {basis}"
        blocks: list[Block] = [Note("info", of), tables.marginals(profile)]
        if profile.retries:
            blocks.append(Note("info", _retries(profile)))
        if profile.worst:
            blocks.append(Section("Tasks that fit worst", (tables.worst(profile),), folded="closed"))
        return [_of_engine(f"{profile.engine}: what one task costs", self._place(profile), *blocks)]

    def month(self) -> Section:
        projection, pictures = self.projection, self.pictures
        blocks: list[Block] = [Note("info", words) for name, words in pictures.missing.items() if name == "money"]
        if projection is not None:
            month = f"{whole(projection.volume)} tasks a month; {projection.mix.words}"
            blocks.append(Paragraph(f"{month}; {projection.draws:,} draws, seed {projection.seed}."))
        crossings = [Bullets(tuple(each.words for each in projection.crossovers))] if projection else []
        crossed = [Section("Where lines cross", tuple(crossings), level=3)] if crossings and crossings[0].lines else []
        blocks += [Side((*_drawn(pictures.engines), *crossed)), Side(_drawn(pictures.costs))]
        if pictures.plans:
            blocks.append(Section("Which plan", (Side(_drawn(pictures.plans)),), level=3))
        if projection is not None:
            explained = next((each for each in projection.engines[:1] if each.readings), None)
            for engine in projection.engines:
                blocks.append(self._every_plan(engine, projection.volume, explained=engine is explained))
        return Section("The month\N{RIGHT SINGLE QUOTATION MARK}s bill", tuple(blocks), anchor="month")

    def _every_plan(self, engine: EngineProjection, volume: Decimal, *, explained: bool) -> Section:
        blocks: list[Block] = []
        if why := engine.refused or engine.why_no_book:
            blocks.append(Note("error", why))
        elif not engine.readings:
            blocks.append(Note("info", "Nothing was counted, so there is nothing to project."))
        if explained:
            blocks.append(Note("info", _DRAWS))
        for reading in engine.readings:
            units = f"{units_between(reading.units)} {engine.unit}s"
            if len(engine.readings) > 1:
                blocks.append(Paragraph(f"{_READINGS[reading.reading]}: {units}."))
            else:
                blocks.append(Paragraph(f"{units} a month{'' if reading.units.sure else ' (18 of 20 draws)'}."))
            if reading.plans:
                blocks.append(tables.plan_table(engine, reading))
        return _of_engine(f"{engine.engine}: every plan at {whole(volume)} tasks a month", self._place(engine), *blocks)

    def changes(self, projection: Projection) -> Section:
        changes: Block = Note("info", "Nothing was found that can be changed on its own.")
        if projection.sensitivities:
            changes = tables.sensitivities(projection)
        scenarios = tables.scenarios(projection)
        measured = "Measured in real runs with faults injected; they are in the figures above."
        in_figures: tuple[Block, ...] = (Note("info", measured), scenarios)
        if not scenarios.rows:
            in_figures = (Note("info", "None is in the figures: rates of faults are those of the measured run."),)
        ahead = [self._months_ahead(engine) for engine in projection.engines if len(engine.months) > 1]
        blocks = (changes, Section("Scenarios", in_figures, level=3), *ahead)
        return Section("What would change it", blocks, anchor="change")

    def _months_ahead(self, engine: EngineProjection) -> Section:
        blocks: list[Block] = [tables.months(engine)]
        if engine.all_months:
            amount = dollars_between(engine.all_months, currency_of(engine))
            blocks.append(Note("info", f"All {len(engine.months)} months together: {amount}."))
        return _of_engine(f"{engine.engine}: months ahead", self._place(engine), *blocks)

    def limits(self, projection: Projection) -> Section:
        found = tables.limits(projection)
        nothing = Note("info", "The month meets no limit of those that were looked at.")
        blocks: list[Block] = [found if found.rows else nothing]
        for engine in projection.engines:
            own: list[Block] = [Bullets(engine.near)] if engine.near else []
            if engine.capacity:
                own.append(_captioned(capacity_table(engine.capacity), engine.engine))
            if own:
                blocks.append(_of_engine(f"{engine.engine}: storage and capacity", self._place(engine), *own))
        return Section("Storage, capacity and limits", tuple(blocks), anchor="limits")

    def trust(self) -> Section:
        blocks: list[Block] = []
        if (projection := self.projection) is not None:
            headline = projection.headline
            blocks.append(Paragraph(headline) if projection.trusted else Note("error", headline))
            for engine in projection.engines:
                if engine.exact:
                    words = f"{engine.engine}: nothing that was measured varies, so no figure has an interval."
                    blocks.append(Paragraph(words))
                if engine.troubles:
                    blocks.append(Bullets(engine.troubles))
        sections = [
            ("How sure the means are", tables.sureness(self.report)),
            ("Sources against each other", tables.checks(self.report)),
        ]
        blocks += [Section(heading, (table,), level=3) for heading, table in sections if table.rows]
        for profile in self.profiles:
            if profile.warnings:
                warnings = Bullets(profile.warnings, "warning")
                blocks.append(Section(f"{profile.engine}: what the profile cannot tell", (warnings,), level=3))
        if lines := worth_knowing(self.report):
            blocks.append(Section("Warnings", (Bullets(tuple(lines)),), level=3))
        return Section("How sure we are", tuple(blocks), anchor="sure")

    def not_covered(self) -> Section:
        in_count = Bullets(self.report.not_covered, "gap")
        blocks: tuple[Block, ...] = (in_count,)
        if (found := self.projection) is not None:
            own = {
                "In the projection": Bullets(_of_all(found, "not_covered"), "gap"),
                "Assumed": Bullets(_of_all(found, "assumptions"), "assumption"),
                "In the count and in the table side by side": in_count,
            }
            blocks = tuple(Section(heading, (lines,), level=3) for heading, lines in own.items())
        return Section("What is not covered", blocks, anchor="not-covered")

    def prices(self) -> Section:
        table = tables.price_books(self.report, self.projection, self.books)
        dated = "Prices are dated: “checked” is the day on which they were last compared with their source."
        blocks: tuple[Block, ...] = (table, Note("info", dated))
        if not table.rows:
            blocks = (Note("info", "No price book was used: nothing on this page is in dollars."),)
        return Section("Prices", blocks, anchor="prices")

    def _plots(self, name: str) -> Block:
        drawn = _drawn(getattr(self.pictures, name))
        return Side(drawn) if drawn else Note("info", self.pictures.missing[name])

    def _place(self, each: Profile | EngineProjection) -> int:
        """Number of an engine in the report: its colour."""
        keys = [(engine.engine, engine.variant) for engine in self.report.engines]
        key = (each.engine, each.variant)
        return keys.index(key) if key in keys else 0


def _drawn(pictures: Sequence[Picture]) -> tuple[Block, ...]:
    return tuple(Plot(each.svg, each.caption) for each in pictures)


def _of_engine(heading: str, place: int, *blocks: Block) -> Section:
    return Section(heading, blocks, level=3, series=place)


def _captioned(table: Table, engine: str) -> Table:
    return replace(table, caption=f"{engine} {table.caption}")


def _every_kind(engine: EngineReport) -> Section:
    found = (breakdown_table("kind", engine.kinds), breakdown_table("cause", engine.causes))
    side = Side(tuple(_captioned(table, engine.engine) for table in found))
    return Section(f"{engine.engine}: every kind and cause, with its range", (side,), folded="closed")


def _of_all(projection: Projection, name: str) -> tuple[str, ...]:
    """Sentences of the projection and of its engines, each once."""
    own = [f"{engine.engine}: {line}" for engine in projection.engines for line in getattr(engine, name)]
    return tuple(dict.fromkeys([*getattr(projection, name), *own]))


def _retries(profile: Profile) -> str:
    """How often something was tried again, and what each time costs."""
    found = profile.retries
    if found is None:
        return ""
    mean, low, high = (count(Decimal(str(value))) for value in (found.mean, found.low, found.high))
    each = count(Decimal(str(profile.lines().per_retry)))
    plural = "" if each == "1" else "s"
    return (
        f"{found.seen} retries of {', '.join(found.causes)} in {found.attempts:,} first attempts: {mean} "
        f"per task ({low}–{high}, 95 %). One more adds {each} {profile.unit}{plural}."
    )
