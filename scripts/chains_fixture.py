"""Writes chains.fixture.json: chains, and what arviz says of them, for the browser's own diagnostics to be tested against."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genviz.metrics.chains import arviz, autocorrelation, coverage, diagnose, hops, r_hat, time, visited
from genviz.rng import Rng

PATH = Path(__file__).parents[1] / "genviz" / "stage" / "frontend" / "src" / "chains.fixture.json"
LAGS = 30


def first_order(phi: float, chains: int, states: int, rng: Rng) -> Tensor:
    """x' = φ x + noise, from its stationary law."""
    noise = rng.normal(chains, states).double()
    x = [noise[:, 0] / (1 - phi**2) ** 0.5]
    for e in noise.unbind(1)[1:]:
        x.append(phi * x[-1] + e)
    return torch.stack(x, 1)


def cases() -> dict[str, Tensor]:
    rng = Rng(0, "fixture")
    slow = first_order(0.9, 4, 400, rng)
    apart = first_order(0.5, 4, 200, rng) + 3 * torch.arange(4.0)[:, None]
    return {
        "independent": first_order(0.0, 4, 250, rng),
        "slow": slow,
        "odd length": first_order(0.7, 3, 301, rng),
        "one chain": slow[:1],
        "two modes": (slow > 0).double(),
        "antithetic": first_order(-0.5, 4, 250, rng),
        "apart": apart,
        "constant": torch.ones(4, 50),
        "frozen apart": torch.arange(4.0)[:, None].expand(4, 50),
    }


def of_series() -> list[dict[str, Any]]:
    """Of each: x (chains, states); ρ as `metrics.chains.autocorrelation` about the mean of all, and as arviz of the first chain
    about its own; τ by the window; split R-hat, arviz's ess(method="mean"), null where it is no number; whether mixed."""
    found = []
    for name, x in cases().items():
        x = x.float().double()
        well = diagnose(x)
        moves = not bool((x == x[:, :1]).all())
        entry: dict[str, Any] = {"name": name, "x": [[float(f"{v:.7g}") for v in row] for row in x.tolist()]}
        x = torch.tensor(entry["x"], dtype=torch.float64)
        entry |= {"autocorrelation": autocorrelation(x, LAGS).tolist() if moves else None}
        entry |= {"arviz_autocorrelation": arviz().autocorr(x[0].numpy()).tolist()[:LAGS] if moves else None}
        entry |= {"tau_window": finite(time(x)), "r_hat": finite(r_hat(x)), "mixed": well.mixed}
        entry |= {"ess": finite(float(arviz().ess(x.numpy(), method="mean"))) if moves else None}
        found.append(entry)
    return found


def of_modes() -> dict[str, Any]:
    """Modes of each state, −1 between modes: moves, hop rate, modes visited so far, coverage, current, P and its gap."""
    rng, m = Rng(1, "fixture"), 3
    stays = rng.uniform(3, 60) < 0.7
    k = rng.integers(-1, m, 3, 60)
    for t in range(1, 60):
        k[:, t] = torch.where(stays[:, t], k[:, t - 1], k[:, t])
    moved = hops(k, m)
    figures = {"rate": moved.rate, "rate_se": moved.rate_se, "current": moved.current, "gap": moved.gap}
    seen = {"visited": visited(k, m).tolist(), "coverage": finite(coverage(k, m))}
    return {"k": k.tolist(), "modes": m, "counts": moved.total.tolist(), "matrix": moved.matrix.tolist(), **figures, **seen}


def fixture() -> dict[str, Any]:
    return {"series": of_series(), "modes": of_modes()}


def finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


if __name__ == "__main__":
    PATH.write_text(json.dumps(fixture(), separators=(",", ":")) + "\n", "utf-8")
