"""How long 12 volumes x all plans x 10 000 draws take, and how much memory.

Usage: `.venv/bin/python benchmarks/projection.py [RESULT] [--whole]`. Exits 1 when over 2 seconds or 500 MB. The result
is read, its means are drawn and its prices loaded before the clock starts. `--whole` also times a whole projection.
"""

import resource
import sys
import time
from decimal import Decimal
from pathlib import Path

import numpy as np

from durameter.cost.prices import load_books
from durameter.cost.projection import Ask, project
from durameter.cost.projection.ask import monthly_volumes
from durameter.cost.projection.assemble import pricers
from durameter.cost.projection.draws import draw_engines
from durameter.cost.projection.mix import parse_mix
from durameter.cost.projection.months import Chance, curve
from durameter.cost.projection.pricing import Pricer
from durameter.cost.projection.sample import sample
from durameter.results.folder import read_result

SHIPPED = Path(__file__).parents[1] / "tests/durameter/cli/results/agreeing"
DRAWS, VOLUMES = 10_000, 12
MOST_SECONDS, MOST_MEGABYTES = 2.0, 500.0


def main() -> int:
    """Measure, print, and say whether it is within bounds."""
    names = [name for name in sys.argv[1:] if name != "--whole"]
    result = read_result(Path(names[0]) if names else SHIPPED)
    ask = Ask(volume=Decimal(1_000_000), draws=DRAWS)
    engines = [each for each in result.measurement.engines if sample(each).tasks]
    found = pricers(engines, result.measurement.started.date(), ask, load_books())
    samples = [sample(each) for each in engines]
    drawn = draw_engines(samples, parse_mix("measured", samples[0]), [None] * len(samples), DRAWS, 0)
    rng = np.random.default_rng(0)
    chance = Chance(monthly_volumes(ask.volume, ask.growth, 1, DRAWS, rng), rng.standard_normal((1, DRAWS)))
    volumes = [Decimal(round(volume)) for volume in np.geomspace(1_000, 10_000_000, VOLUMES)]
    began = time.perf_counter()
    prices = 0
    for each, engine in zip(drawn, engines, strict=True):
        pricer = found[engine.engine, engine.variant]
        assert isinstance(pricer, Pricer)
        points = curve(each.series[0], volumes, chance, pricer)
        prices += sum(len(point.plans) for point in points) * DRAWS
    seconds = time.perf_counter() - began
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{VOLUMES} volumes, all plans, {DRAWS:,} draws: {prices:,} prices in {seconds:.2f} s, peak {megabytes:.0f} MB"
    )
    if "--whole" in sys.argv:
        began = time.perf_counter()
        project(result, ask)
        print(f"a whole projection: {time.perf_counter() - began:.2f} s")
    over = seconds > MOST_SECONDS or megabytes > MOST_MEGABYTES
    print(f"bounds: {MOST_SECONDS:g} s, {MOST_MEGABYTES:g} MB: {'OVER' if over else 'within'}")
    return int(over)


if __name__ == "__main__":
    raise SystemExit(main())
