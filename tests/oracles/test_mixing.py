"""Section 7 of the sheet on mode mixing, as far as the metrics are built."""

import math

import pytest
import torch

from genviz.data import Mixture, dataset
from genviz.metrics.mixing import Visits, assign, high_quality, mmd, perfect_quality, tv_floor, visits
from genviz.model import BadInput
from genviz.rng import Rng


def mixture(name: str) -> Mixture:
    density = dataset(name).density
    assert isinstance(density, Mixture)
    return density


@pytest.mark.parametrize("name", ["8gaussians", "grid25"])
def test_exact_draws_score_what_a_perfect_sampler_scores(name: str) -> None:
    n, law = 40_000, mixture(name)
    assert perfect_quality(2) == pytest.approx(1 - math.exp(-4.5), abs=1e-12)
    seen = visits(law.sample(n, Rng(0, "exact")), law)
    assert abs(seen.hq - perfect_quality(2)) <= 4 * seen.hq_se
    assert seen.covered == len(law.weights)
    assert seen.tv <= 2 * seen.floor


def test_a_perfect_sampler_in_three_dimensions() -> None:
    means = 10 * torch.eye(3)
    law, n = Mixture(torch.ones(3), means, 0.5), 40_000
    hq = high_quality(law.sample(n, Rng(1, "exact")), law)
    want = perfect_quality(3)  # erf(3/√2) − √(2/π) 3 e^(−9/2)
    assert want == pytest.approx(math.erf(3 / math.sqrt(2)) - math.sqrt(2 / math.pi) * 3 * math.exp(-4.5), abs=1e-12)
    assert abs(hq - want) <= 4 * math.sqrt(want * (1 - want) / n)


@pytest.mark.parametrize(("k", "n"), [(8, 1000), (8, 16_000), (25, 1000), (25, 16_000), (10, 2000)])
def test_the_floor_of_total_variation_is_that_of_exact_counts(k: int, n: int) -> None:
    w, rng = torch.full((k,), 1 / k, dtype=torch.float64), Rng(2, "floor")
    counts = [torch.bincount(rng.categorical(w, n), minlength=k) for _ in range(400)]
    tv = torch.tensor([Visits(n, c, w).tv for c in counts])
    assert abs(tv.mean() - tv_floor(w, n)) <= 4 * tv.std() / 20 + 0.01 * tv_floor(w, n)


def test_what_lies_between_modes_is_skipped_and_a_small_mode_is_not_covered() -> None:
    law = Mixture(torch.tensor([0.5, 0.3, 0.2]), torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]), 1.0)
    rows = [[0.0, 2.9], [0.0, 3.1], [5.0, 0.0], [10.0, 0.0], [12.0, 0.0], [0.0, -1.0]]
    x = torch.tensor(rows)
    assert assign(x, law).tolist() == [0, -1, -1, 1, 1, 0]
    seen = visits(x, law)
    assert (seen.counts.tolist(), seen.covered) == ([2, 2, 0], 2)
    assert seen.hq == pytest.approx(4 / 6)
    assert seen.tv == pytest.approx((0.0 + 0.2 + 0.2) / 2)
    nowhere = visits(torch.full((5, 2), 50.0), law)
    assert (nowhere.hq, nowhere.tv, nowhere.covered) == (0.0, pytest.approx(0.5), 0)


def test_the_names_of_modes_change_nothing() -> None:
    law = mixture("8gaussians:weights=ramp")
    order = Rng(3, "order").permutation(8)
    renamed = Mixture(law.weights[order], law.means[order], covariance=law.covariance[order])
    x = mixture("8gaussians").sample(3000, Rng(4, "rows"))
    a, b = visits(x, law), visits(x, renamed)
    assert (a.hq, a.covered) == (b.hq, b.covered)
    assert a.tv == pytest.approx(b.tv) and a.tv > 0.2
    assert torch.equal(a.counts[order], b.counts)


def test_the_points_of_a_curve_are_no_modes() -> None:
    assert not mixture("moons").apart
    with pytest.raises(BadInput, match="too near"):
        visits(dataset("moons").x, mixture("moons"))


def test_mmd_is_zero_between_equals_and_known_between_normals() -> None:
    """For N(0, 1) against N(μ, 1) each kernel of width h gives 2 h/√(h² + 2) (1 − exp(−μ²/2(h² + 2)))."""
    rng, n = Rng(5, "mmd"), 2000
    x, y, z = rng.normal(n, 1), rng.normal(n, 1), rng.normal(n, 1) + 1.5
    same, se = mmd(x, y)
    assert abs(same) <= 4 * se
    widths = [0.1, 0.2, 0.5, 1.0, 2.0]
    exact = sum(2 * h / math.sqrt(h * h + 2) * (1 - math.exp(-2.25 / (2 * (h * h + 2)))) for h in widths) / 5
    found, se = mmd(x, z)
    assert found == pytest.approx(exact, abs=4 * se) and found > 10 * se
    with pytest.raises(BadInput, match="at least 40"):
        mmd(x[:30], y[:30])
