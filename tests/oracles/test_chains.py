"""Section 7 of the sheet on mode mixing, of the metrics of chains; and arviz's figures, which the browser is tested against."""

import json
import math
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from genviz.data import Mixture, dataset
from genviz.metrics.chains import (
    NOT_MIXED,
    autocorrelation,
    coverage,
    diagnose,
    diagnose_modes,
    ess,
    gap,
    hops,
    r_hat,
    round_trips,
    time,
    visited,
)
from genviz.metrics.mixing import NEAR, assign, perfect_quality
from genviz.model import BadInput
from genviz.rng import Rng

SCRIPTS = Path(__file__).parents[2] / "scripts"


def two_states(a: float, b: float, chains: int, states: int, rng: Rng) -> Tensor:
    """A chain on 0 and 1 that flips with a from 0 and b from 1, from its stationary law."""
    k = torch.zeros(chains, states, dtype=torch.int64)
    k[:, 0] = rng.uniform(chains) < a / (a + b)
    u = rng.uniform(chains, states)
    for t in range(1, states):
        flips = u[:, t] < torch.where(k[:, t - 1] == 0, a, b)
        k[:, t] = k[:, t - 1] ^ flips
    return k


def test_a_chain_of_two_states_is_known_by_its_two_rates() -> None:
    a, b = 0.05, 0.1
    k = two_states(a, b, 40, 2000, Rng(0, "two"))
    found, well = hops(k, 2), diagnose_modes(k, 2)
    assert abs(found.rate - 2 * a * b / (a + b)) < 3 * found.rate_se and found.rate_se < 0.002
    n, tau = found.total.sum(1), (2 - a - b) / (a + b)
    error = math.sqrt(a * (1 - a) / n[0] + b * (1 - b) / n[1])
    assert abs(found.gap - (a + b)) < 3 * error
    assert gap(k, 2, lag=5) == pytest.approx(a + b, abs=0.01)
    assert abs(well.tau - tau) < 3 * tau * math.sqrt(2 * (2 * 5 * tau + 1) / k.numel())
    assert time(k.double()) == pytest.approx(well.tau, rel=0.1)
    assert abs(well.ess - k.numel() / tau) < 0.15 * well.ess


def test_independent_draws_mix_as_well_as_can_be() -> None:
    law = dataset("8gaussians").density
    assert isinstance(law, Mixture)
    k = assign(law.sample(32 * 500, Rng(1, "exact")), law).view(32, 500)
    inside = (k >= 0).double().mean().item()
    assert inside == pytest.approx(perfect_quality(2), abs=0.003) and NEAR == 3
    assert hops(k, 8).rate == pytest.approx(0.875, abs=0.01)
    well = diagnose_modes(k, 8)
    assert well.mixed and well.tau == pytest.approx(1.0, abs=0.1) and well.r_hat < 1.005
    assert well.per_thousand(4) == pytest.approx(250, rel=0.1)
    assert coverage(k, 8) == pytest.approx(21.7, abs=9)


def test_a_walk_in_a_circle_hops_always_and_mixes_never() -> None:
    k = (torch.arange(4)[:, None] + torch.arange(240)) % 6
    found = hops(k, 6)
    assert found.rate == 1.0 and found.current == pytest.approx(1.0) and found.gap == pytest.approx(0.0, abs=1e-6)
    assert found.current_p(Rng(2)) < 0.2
    still = hops(two_states(0.3, 0.3, 30, 400, Rng(3)), 2)
    assert still.current < 0.02 and still.current_p(Rng(2)) > 0.02


def test_frozen_chains_are_not_mixed_whatever_the_estimator_says() -> None:
    k = torch.arange(8).repeat_interleave(4)[:, None].expand(32, 500)
    well = diagnose_modes(k, 8)
    assert not well.mixed and well.said == NOT_MIXED and math.isnan(well.per_thousand(1))
    noisy = k + 1e-6 * Rng(4).normal(32, 500)
    assert ess(noisy) < 100 and diagnose(noisy).said == NOT_MIXED  # nonsense near the number of chains
    assert diagnose(torch.ones(4, 100)).said == NOT_MIXED and r_hat(k.double()) == math.inf
    assert hops(k, 8).rate == 0 and hops(k, 8).rate_se == pytest.approx(3 / (32 * 499))
    assert coverage(k, 8) == math.inf and time(k.double()) == math.inf


def test_agreement_in_one_mode_of_two_looks_perfect() -> None:
    """The warning: R-hat knows nothing of what no chain has found."""
    inside = Rng(5, "inside").normal(5, 1000) - 4.0
    well = diagnose(inside)
    assert well.mixed and well.r_hat < 1.01 and not diagnose_modes((inside > 0).long(), 2).mixed


def test_states_between_modes_are_skipped_and_names_change_nothing() -> None:
    k = torch.tensor([[0, -1, 0, -1, 1]])
    assert hops(k, 2).total.tolist() == [[1, 1], [0, 0]] and hops(k, 2).rate == 0.5
    assert visited(k, 2).tolist() == [[1, 1, 1, 1, 2]] and coverage(k, 2) == 5
    k = Rng(6).integers(0, 4, 5, 300)
    order = torch.tensor([2, 0, 3, 1])
    a, b = hops(k, 4), hops(order[k], 4)
    assert (a.rate, a.rate_se, a.current) == (b.rate, b.rate_se, b.current) and a.gap == pytest.approx(b.gap)
    assert diagnose_modes(k, 4).ess == pytest.approx(diagnose_modes(order[k], 4).ess)


def test_split_r_hat_is_the_formula() -> None:
    x = Rng(7).normal(5, 400).double() + 0.2 * torch.arange(5.0)[:, None]
    half = torch.cat([x[:, :200], x[:, 200:]])
    w, b = half.var(1).mean(), 200 * half.mean(1).var()
    assert r_hat(x) == pytest.approx(((199 / 200 * w + b / 200) / w).sqrt().item(), rel=1e-12)
    one = torch.cat([x[:1, :200], x[:1, 200:]])
    w, b = one.var(1).mean(), 200 * one.mean(1).var()
    assert r_hat(x[:1]) == pytest.approx(((199 / 200 * w + b / 200) / w).sqrt().item(), rel=1e-12)


def test_the_two_estimates_of_a_first_order_chain_agree() -> None:
    """320,000 states of φ = 0.9 are worth 16,842 independent ones."""
    from scipy.signal import lfilter

    x = torch.tensor(lfilter([1], [1, -0.9], Rng(8).normal(32, 10_100).double().numpy(), axis=1))[:, 100:]
    assert x.numel() / time(x) == pytest.approx(ess(x), rel=0.1) and ess(x) == pytest.approx(16_842, rel=0.1)
    torch.testing.assert_close(autocorrelation(x, 4), 0.9 ** torch.arange(4).double(), rtol=0, atol=0.03)


def test_round_trips_are_counted_by_replica() -> None:
    up = [[0, 1, 2], [1, 0, 2], [1, 2, 0], [1, 0, 2], [0, 1, 2]]  # replica 0 goes down the ladder and comes back
    assert round_trips(torch.tensor(up)[:, :, None]).tolist() == [1]
    assert round_trips(torch.tensor(up[:4])[:, :, None]).tolist() == [0]
    assert round_trips(torch.tensor([[0, 1], [1, 0]] * 3)[:, :, None]).tolist() == [4]


def test_what_is_no_chain_is_refused() -> None:
    for bad in (torch.zeros(2, 3), torch.tensor([[0.0, 1.0, math.nan, 2.0]])):
        with pytest.raises(BadInput, match="chains"):
            r_hat(bad)


def test_the_fixture_of_the_browser_is_what_arviz_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    from chains_fixture import PATH, fixture  # pyright: ignore[reportMissingImports]

    kept, made = json.loads(PATH.read_text("utf-8")), json.loads(json.dumps(fixture()))
    del sys.modules["chains_fixture"]

    def alike(a: object, b: object) -> bool:
        if isinstance(a, float) and isinstance(b, float):
            return a == pytest.approx(b, rel=1e-9, abs=1e-9)
        if isinstance(a, list) and isinstance(b, list):
            return len(a) == len(b) and all(map(alike, a, b))
        if isinstance(a, dict) and isinstance(b, dict):
            return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
        return a == b

    assert alike(kept, made)
