"""Records for the tests of the page: a real result, and a profile and a projection made by hand beside it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from durameter.cost.prices import (
    PriceBook,
    Usage,
    load_books,
    monthly_cost,
)
from durameter.cost.prices import book as book_of
from durameter.cost.prices.books import Pricing
from durameter.cost.profile import (
    Coefficient,
    Covariate,
    KindLine,
    Lines,
    Noise,
    Profile,
    Term,
    WorstTask,
)
from durameter.cost.profile.records import ReadingName
from durameter.cost.projection import (
    BookUsed,
    CapacityRow,
    Crossover,
    CurvePoint,
    EngineProjection,
    MixUsed,
    MonthAhead,
    PlanMonth,
    Projection,
    Quantiles,
    ReadingProjection,
    ScenarioUsed,
    Sensitivity,
)
from durameter.report import Report, build_report
from durameter.results.folder import Result, read_result

AGREEING = Path(__file__).parents[1] / "cli" / "results" / "agreeing"
VOLUME = Decimal(1_000_000)
BOOKS = load_books()
DAY = date(2026, 11, 23)
SHARES = (Decimal("0.95"), Decimal(1), Decimal("1.05"))
"""p5, p50 and p95 of the stand-in, as shares of the mean."""


def result() -> Result:
    return read_result(AGREEING)


def report(found: Result | None = None, volume: Decimal = VOLUME) -> Report:
    return build_report(found or result(), volume=volume, pricing=Pricing(books=BOOKS), folder="agreeing")


def profile(engine: str = "temporal", *, exact: bool = True, tasks: int = 30) -> Profile:
    """One Action for the start, two per model call, one per tool call; where it is not exact, retries besides."""
    fixed = {"fixed": 1.0, "model_calls": 2.0, "tool_calls": 1.0}
    noise = Noise(
        terms=(Term(name="calls", weights={"model_calls": 1.0}),),
        values=(0.2,),
        covariance=((0.0009,),),
        degrees=29,
        spread=0.3,
        within=2.0,
        between=0.5,
    )

    def lines(reading: ReadingName) -> Lines:
        total = tuple(Coefficient(covariate=name, value=value, error=0) for name, value in fixed.items())
        if not exact:
            total = (total[0], Coefficient(covariate="model_calls", value=2.2, error=0.03), total[2])
        return Lines(
            reading=reading,
            kinds=(
                KindLine(
                    kind="schedule_activity",
                    basis="exact",
                    coefficients=(total[1], total[2]),
                    mean=20,
                    spare=20,
                ),
            ),
            mean=36,
            exact_part=fixed,
            noise=None if exact else noise,
            total=total,
            per_retry=1,
        )

    return Profile(
        engine=engine,
        unit="Action" if engine == "temporal" else "execution",
        workload="durameter/support_agent",
        variant="update" if engine == "temporal" else "run_per_message",
        tasks=tasks,
        clusters=tasks,
        left_out={},
        left_out_mean={},
        covariates=tuple(
            Covariate(name=name, mean=10, low=1, high=20, tasks=tasks) for name in ("model_calls", "tool_calls")
        ),
        readings=(lines("documented"), lines("upper"), lines("lower")),
        retries=None,
        worst=()
        if exact
        else (
            WorstTask(task="conversation-0002", cluster="28", reading="documented", units=42, fitted=40.5, retries=2),
        ),
        unseen=(),
        warnings=("hand_overs was 0 in every task: its marginal is not known",),
    )


def quantiles(middle: Decimal) -> Quantiles:
    return Quantiles(p5=middle * SHARES[0], p50=middle, p95=middle * SHARES[2])


def _price(book: PriceBook, units: Decimal) -> dict[str, Quantiles | None]:
    found: dict[str, Quantiles | None] = {}
    for plan in book.plans:
        amounts = [monthly_cost(plan, Usage(units=(units * share).quantize(Decimal(1)))).amount for share in SHARES]
        known = [amount for amount in amounts if amount is not None]
        found[plan.id] = Quantiles(p5=known[0], p50=known[1], p95=known[2]) if len(known) == len(SHARES) else None
    return found


def _best(book: PriceBook, prices: dict[str, Quantiles | None]) -> str:
    estimates = {plan.id for plan in book.plans if plan.estimate}
    offers = {plan: price.p50 for plan, price in prices.items() if price is not None and plan not in estimates}
    return min(offers, key=lambda plan: offers[plan]) if offers else ""


def _reading(name: ReadingName, book: PriceBook, per_task: Decimal, volume: Decimal) -> ReadingProjection:
    prices = _price(book, per_task * volume)
    best = _best(book, prices)
    chosen = prices.get(best)
    return ReadingProjection(
        reading=name,
        units_per_task=quantiles(per_task),
        units=quantiles(per_task * volume),
        plans=tuple(
            PlanMonth(
                plan=plan.id,
                name=plan.name,
                estimate=plan.estimate,
                dollars=prices[plan.id],
                why_not=monthly_cost(plan, Usage(units=per_task * volume)).why_not,
                without_price=0 if prices[plan.id] else 1,
                cheapest=1 if plan.id == best else 0,
                omitted=("active storage: not known",) if prices[plan.id] else (),
            )
            for plan in book.plans
        ),
        plan=best,
        why_none="" if best else "no plan has a price",
        dollars=chosen,
        dollars_per_task=None,
        dollars_next_task=None,
    )


def engine_projection(
    engine: str,
    unit: str,
    variant: str,
    per_task: dict[ReadingName, Decimal],
    volumes: Sequence[Decimal],
    volume: Decimal,
) -> EngineProjection:
    book = book_of(engine, DAY, BOOKS)
    curve = []
    for each in volumes:
        prices = _price(book, per_task["documented"] * each)
        curve.append(
            CurvePoint(
                volume=each, units=quantiles(per_task["documented"] * each), plans=prices, plan=_best(book, prices)
            )
        )
    readings = tuple(_reading(name, book, units, volume) for name, units in per_task.items())
    return EngineProjection(
        engine=engine,
        unit=unit,
        variant=variant,
        troubles=(),
        refused="",
        tasks=30,
        clusters=10,
        exact=False,
        book=BookUsed(
            id=book.id,
            vendor=book.vendor,
            currency=book.currency,
            effective_from=book.effective_from,
            checked=book.checked,
            chosen="in force on the day of the measurement",
            sources=book.sources,
        ),
        why_no_book="",
        scenarios=(
            ScenarioUsed(
                name="rate_limit_storm",
                description="Every tenth model call is refused.",
                share=0.02,
                why="A default.",
                extra_units=Decimal("4.5"),
                extra_error=Decimal("0.4"),
                tasks=30,
                extrapolated=False,
            ),
        ),
        readings=readings,
        curve=tuple(curve),
        months=tuple(
            MonthAhead(
                month=month,
                volume=quantiles(volume * month),
                units=quantiles(per_task["documented"] * volume * month),
                plan=readings[0].plan,
                dollars=readings[0].dollars,
                why_none="",
            )
            for month in (1, 2)
        ),
        all_months=None,
        capacity=(
            CapacityRow(what="active storage", value="12.5 GBh", why="bytes per run, times how long it is open"),
        ),
        near=("Half of the concurrent steps are used.",),
        assumptions=("Runs are spread over the day like office hours.",),
        usage={"active_gbh": Decimal("12.5"), "seats": None},
        not_covered=("seats: not known",),
    )


def projection(volume: Decimal = VOLUME) -> Projection:
    """A month of 35.3 Actions or 37 to 40 executions per task."""
    volumes = [(Decimal(1000) * Decimal(10) ** (Decimal(step) / 6)).quantize(Decimal(1)) for step in range(26)]
    engines = (
        engine_projection("temporal", "Action", "update", {"documented": Decimal("35.3")}, volumes, volume),
        engine_projection(
            "inngest",
            "execution",
            "run_per_message",
            {"documented": Decimal(37), "upper": Decimal(40)},
            volumes,
            volume,
        ),
    )
    return Projection(
        measurement="m",
        workload="durameter/support_agent",
        measured=DAY,
        headline="Independent sources agree on every kind of unit.",
        trusted=True,
        volume=volume,
        growth=(Decimal(0), Decimal(0)),
        mix=MixUsed(name="measured", words="the tasks as they were measured", covariates={"model_calls": 10}, tasks=30),
        draws=10_000,
        seed=0,
        engines=engines,
        cheaper={"temporal": 0.0, "inngest": 1.0},
        crossovers=(
            Crossover(
                between="engines",
                engine="",
                first="temporal",
                second="inngest",
                volume=Decimal(56_000),
                units=None,
                dollars=None,
                searched=(Decimal(1000), Decimal(10_000_000)),
                words="temporal is cheaper below about 56,000 tasks a month, inngest above",
            ),
        ),
        sensitivities=(
            Sensitivity(
                kind="covariate",
                engine="temporal",
                name="model_calls",
                what="one more model call on average",
                units_per_task=quantiles(Decimal(2)),
                dollars=quantiles(Decimal(80)),
                plan="business",
            ),
        ),
        assumptions=("Every month is 744 hours long.",),
        not_covered=("Discounts by agreement.",),
    )
