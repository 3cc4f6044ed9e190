"""What several claims measure alike, where every probability is exact."""

import math
from typing import Any

from genviz.claims import Measured
from genviz.data import Data
from genviz.face import create, preset_for
from genviz.metrics.partition import ais, exact_log_z
from genviz.run import Run, looking


def trained(slug: str, preset: str, rows: Data, seed: int, steps: int = 0, **knobs: Any) -> Any:
    """The model's preset of that name, trained for its steps, or for so many."""
    model = create(slug, rows, seed, preset=preset, **knobs)
    Run(model, rows, seed).advance(steps=steps or preset_for(type(model), rows, preset)[1].steps)
    return model


def annealed(model: Any, seed: int, most: float) -> Measured:
    """Minus the distance between log Z by 1,000 temperatures and 100 runs and the exact sum, nats; at most that far."""
    net, details, error = model.partition(), {}, math.nan
    exact = exact_log_z(net)
    for temperatures in (100, 5000, 1000):
        with looking(model, seed) as rng:
            found = ais(net, rng, temperatures, runs=100)
        error = abs(found.log_z - exact)
        details |= {f"error, {temperatures:,} temperatures": error, f"runs that count of 100, {temperatures:,}": found.ess}
    return Measured(-error, 0.0, -most, details=details)
