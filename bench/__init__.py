"""Figures that must not get worse. A module a room of the house; a bench is a function that returns its figure."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Bench:
    """`run()` gives the figure in `unit`, which should be at most `bound` (at least, if `least`); `about` says of what."""

    about: str
    bound: float
    unit: str
    least: bool
    run: Callable[[], float]

    def meets(self, figure: float) -> bool:
        return figure >= self.bound if self.least else figure <= self.bound


BENCHES: dict[str, Bench] = {}


def bench(
    about: str, bound: float, unit: str = "×", least: bool = False
) -> Callable[[Callable[[], float]], Callable[[], float]]:
    """Register a function under its name."""

    def register(run: Callable[[], float]) -> Callable[[], float]:
        BENCHES[run.__name__] = Bench(about, bound, unit, least, run)
        return run

    return register


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """CPU seconds of one call of `work`, the mean over `times` in a row; other processes do not count."""
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times
