"""How long it takes to price draws, and in how much memory: exits with 1 when it is too much.

    .venv/bin/python benchmarks/pricing.py [--draws N]

12 volumes, from 10 thousand units a month to 400 million, x every plan of every shipped book x 10 000 draws of units,
storage, events and concurrent steps. Bars: 2 s, and 500 MB of memory at the peak of the whole process.
"""

import argparse
import resource
import sys
import time
from decimal import Decimal

import numpy as np

from durameter.cost.prices import (
    UsageDraws,
    load_books,
    monthly_cost,
    price_draws,
)

VOLUMES = 12
BAR_SECONDS, BAR_MEGABYTES = 2.0, 500.0


def months(draws: int) -> UsageDraws:
    """Draws as a projection makes them: every quantity in proportion to units, and noisy."""
    rng = np.random.default_rng(0)
    volumes = np.geomspace(1e4, 4e8, VOLUMES)[:, np.newaxis]
    units = rng.lognormal(0.0, 0.1, (VOLUMES, draws)) * volumes
    return UsageDraws(
        units=units,
        active_gbh=units * 1e-5,
        retained_gbh=units * 1e-3,
        events=np.rint(units / 4).astype(np.int64),
        concurrent_steps=np.ceil(units / 1e6).astype(np.int64),
        connect_workers=Decimal(3),
        seats=Decimal(5),
        fairness_share=Decimal("0.25"),
    )


def peak_megabytes() -> float:
    """Of this process; `ru_maxrss` is in kB, on macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the pricing of draws.")
    parser.add_argument("--draws", type=int, default=10_000)
    draws: int = parser.parse_args().draws
    books = load_books()
    plans = [plan for book in books for plan in book.plans]
    usage = months(draws)
    started = time.perf_counter()
    results = [price_draws(plan, usage) for plan in plans]
    seconds = time.perf_counter() - started
    megabytes = peak_megabytes()
    priced = sum(int((~result.no_price).sum()) for result in results)
    # A price book that priced nothing would be fast: compare some draws with the price of one month.
    for plan, result in zip(plans, results, strict=True):
        for index in range(0, VOLUMES * draws, VOLUMES * draws // 20):
            assert result.amount(index) == monthly_cost(plan, usage.at(index)).amount
    print(
        f"{VOLUMES} volumes x {len(plans)} plans of {len(books)} books x {draws:,} draws: {seconds:.2f} s "
        f"(bar {BAR_SECONDS:g}), {megabytes:.0f} MB at the peak (bar {BAR_MEGABYTES:g}); {priced:,} have a price"
    )
    return 0 if seconds < BAR_SECONDS and megabytes < BAR_MEGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
