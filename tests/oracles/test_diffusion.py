"""Section 7 of the sheet on diffusion, item by item."""

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal

import genviz
from genviz.claims import diffusion as claimed
from genviz.data import Finite, Mixture, find, kind, names
from genviz.layers import Curves
from genviz.metrics.likelihood import grey_level
from genviz.metrics.mixing import Visits, visits
from genviz.model import BadInput, Spec
from genviz.models.chains.diffusion import Diffusion
from genviz.models.chains.noise import Binomial, Gaussian, Noise, normal, tabulate
from genviz.models.chains.reverse import Reversible
from genviz.models.chains.schedules import rates
from genviz.nets import Standardize
from genviz.rng import Rng
from genviz.run import Run, looking

ENDS = (0.1, 20.0, 0.008)
Guess = Callable[[Tensor, Tensor], Any]


class Oracle(Reversible):
    """The chain of a guess that is known in closed form."""

    def __init__(self, noise: Noise, guess: Guess, d: int, support: Any = "real") -> None:
        self.noise, self.own, self.spec, self.bits = noise, guess, Spec((d,), support), support == "binary"
        self.units, self.repeats, self.ddim_steps, self.eta = Standardize(d), torch.tensor(False), 0, 0.0
        self.T = len(noise.table) - 1

    def guess(self, xt: Tensor, t: Tensor) -> Any:
        return self.own(xt, t)


def gaussian(kind: Any, T: int, readout: Any = "sd15") -> Gaussian:
    """Noise whose table is in float64."""
    noise = Gaussian(beta := rates(kind, T, *ENDS), readout)
    noise.table = tabulate(beta, readout)
    return noise


def binomial(T: int) -> Binomial:
    noise = Binomial(beta := rates("erase", T, *ENDS, bits=True))
    noise.table = tabulate(beta, "sd15")
    return noise


def at(t: int, n: int) -> Tensor:
    return torch.full((n,), t)


def close(samples: Tensor, exact: Tensor | float, errors: float = 4) -> bool:
    """Whether the mean over the first axis is within so many standard errors of the exact answer."""
    se = samples.std(0) / math.sqrt(len(samples))
    return bool(((samples.mean(0) - exact).abs() <= errors * se + 1e-6).all())


@cache
def eight() -> tuple[genviz.Data, Mixture]:
    data = genviz.dataset("8gaussians")
    assert isinstance(data.density, Mixture)
    return data, data.density


@cache
def model(data: str = "8gaussians", steps: int = 0, **knobs: Any) -> Diffusion:
    rows = genviz.dataset(data)
    made = genviz.create("diffusion", rows, **knobs)
    assert isinstance(made, Diffusion)
    run = Run(made, rows)
    if steps:
        run.advance(steps=steps)
    return made


# ---------------------------------------------------------------- 1: closed form


@pytest.mark.parametrize("kind", ["linear", "erase", "cosine", "learned"])
def test_steps_of_noise_add_up_to_the_closed_form(kind: Any) -> None:
    n, T, noise, rng = 100_000, 20, Gaussian(rates(kind, 20, *ENDS)), Rng(0, kind)
    x0 = torch.tensor([[1.5, -0.3]]).expand(n, 2)
    chain = Oracle(noise, lambda x, t: None, 2).forward_chain(x0, rng)
    for state in chain:
        if (t := int(state.aux["t"])) in (1, T // 2, T):
            law = noise.q(x0[:1], at(t, 1))
            assert close(state.x, law.mean[0], 3)
            assert close((state.x - law.mean[0]).square(), law.variance[0], 3)


def test_bits_forget_as_the_closed_form_says() -> None:
    n, T, rng = 100_000, 20, Rng(0, "bits")
    x0 = torch.tensor([[1.0, 0.0]]).expand(n, 2)
    noise = Binomial(rates("erase", T, *ENDS, bits=True))
    for state in Oracle(noise, lambda x, t: None, 2, "binary").forward_chain(x0, rng):
        if (t := int(state.aux["t"])) in (1, T // 2, T):
            assert close(state.x, noise.q(x0[:1], at(t, 1)).mean[0], 3)
    assert noise.q(x0[:1], at(T, 1)).probs.tolist() == [[0.5, 0.5]]  # erase ends with a fair coin, exactly


# ---------------------------------------------------------------- 2: the posterior is Bayes' rule


@pytest.mark.parametrize("kind", ["linear", "erase", "cosine", "learned"])
@pytest.mark.parametrize("t", [2, 25, 50])
def test_the_exact_step_back_is_bayes_rule(kind: Any, t: int) -> None:
    noise, x0, xt = gaussian(kind, 50), torch.tensor([[0.7]]).double(), torch.tensor([[-0.4]]).double()
    back = noise.back(x0, xt, at(t, 1))
    grid = (back.mean + back.stddev * torch.linspace(-4, 4, 41)[:, None]).double()
    n = len(grid)
    product = noise.step(grid, at(t, n)).log_prob(xt) + noise.q(x0, at(t - 1, 1)).log_prob(grid)
    rest = (product - back.log_prob(grid)).flatten()
    assert (rest - rest[0]).abs().max() < 1e-10 * max(1, float(rest[0].abs()))


@pytest.mark.parametrize("t", [1, 2, 20, 40])
def test_the_exact_step_back_of_bits_is_bayes_rule(t: int) -> None:
    noise = binomial(40)
    for x0 in (0.0, 1.0):
        for xt in (0.0, 1.0):
            one, two = torch.tensor([[x0]]).double(), torch.tensor([[xt]]).double()
            joint = [
                (noise.step(b, at(t, 1)).log_prob(two) + noise.q(one, at(t - 1, 1)).log_prob(b)).exp().item()
                for b in (torch.zeros(1, 1).double(), torch.ones(1, 1).double())
            ]
            assert noise.back(one, two, at(t, 1)).probs.item() == pytest.approx(joint[1] / sum(joint), abs=1e-7)


# ---------------------------------------------------------------- 3: the bound of Gaussian data


def exactly(noise: Gaussian, s2: float) -> Guess:
    """The exact reverse of N(0, s2): a linear mean and its variance."""

    def guess(xt: Tensor, t: Tensor) -> Normal:
        v = noise.table[:, 1].square() * s2 + noise.table[:, 2].square()  # of x_t
        v0, v1 = v[t - 1][:, None], v[t][:, None]
        m = (1 - noise.at(t).beta).sqrt() * v0 / v1
        return normal(m * xt, (v0 - m.square() * v1).sqrt())

    return guess


def expected(noise: Gaussian, guess: Guess, s2: float, edge: bool) -> float:
    """E K over x_0 ~ N(0, s2) and x_t: every term is quadratic in both, so three nodes of Gauss and Hermite are exact."""
    node, weight = torch.tensor([-math.sqrt(3), 0, math.sqrt(3)]).double(), torch.tensor([1, 4, 1]).double() / 6
    x0, eps = (grid.reshape(-1, 1) for grid in torch.meshgrid(node * math.sqrt(s2), node, indexing="ij"))
    w, T = torch.outer(weight, weight).flatten(), len(noise.table) - 1
    k = 0.0
    for t in range(1, T + 1):
        law = noise.q(x0, at(t, 9))
        xt = law.loc + law.scale * eps
        kl = noise.kl(noise.back(x0, xt, at(t, 9)), guess(xt, at(t, 9)), at(t, 9))
        k -= (math.log(2 * math.pi * math.e * noise.table[1, 0]) / 2) if edge and t == 1 else float(w @ kl)
    return k - float(w @ noise.end(x0))


@pytest.mark.parametrize(
    ("s2", "kind", "T", "edge", "k"),
    [
        (1.0, "linear", 50, False, -1.41894),
        (1.0, "erase", 40, False, -1.41894),
        (1.0, "cosine", 100, False, -1.41894),
        (0.25, "linear", 50, False, -0.72579),
        (0.04, "linear", 50, False, 0.19050),
        (0.04, "erase", 40, False, 0.19038),
        (0.25, "linear", 50, True, -0.72878),
        (0.25, "linear", 200, True, -0.72654),
        (0.25, "erase", 40, True, -0.76203),
        (0.04, "linear", 50, True, 0.16706),
        (0.04, "linear", 200, True, 0.18454),
        (0.04, "erase", 40, True, -0.04463),
    ],
)
def test_the_bound_of_gaussian_data_is_the_known_one(s2: float, kind: Any, T: int, edge: bool, k: float) -> None:
    noise = gaussian(kind, T)
    assert expected(noise, exactly(noise, s2), s2, edge) == pytest.approx(k, abs=1e-5)
    oracle = Oracle(noise, exactly(noise, s2), 1)
    x = math.sqrt(s2) * Rng(1, kind).normal(4000, 1)
    found = -oracle.budget(x.double(), Rng(2, kind), edge).sum(1)
    assert close(found, k)


@pytest.mark.parametrize("kind", ["linear", "erase", "learned"])
def test_an_untrained_net_undoes_the_noise_of_normal_data_exactly(kind: Any) -> None:
    """A zero output is the forward kernel, which N(0, 1) does not see: the bound is the likelihood, row by row."""
    rows = Rng(3, "normal").normal(4, 2)
    fresh = Diffusion(Spec((2,)), schedule=kind)
    with looking(fresh) as rng:
        bound = fresh.bound(rows.repeat(2000, 1), rng).view(2000, 4)
    assert close(bound, Normal(0.0, 1.0).log_prob(rows).sum(1))


# ---------------------------------------------------------------- 4: the exact score samples the mixture


def by_score(noise: Gaussian, law: Mixture) -> Guess:
    """μ = (x_t − β_t ε/√(1 − A_t))/√a_t for the exact noise ε = −√(1 − A_t) ∇ log q_t."""
    diffused = [law.diffused(float(row[1]), float(row[2])) for row in noise.table]

    def guess(xt: Tensor, t: Tensor) -> Normal:
        r = noise.at(t)
        mean = (xt + r.beta * diffused[int(t[0])].score(xt)) / (1 - r.beta).sqrt()
        return normal(mean, r.spread.sqrt())

    return guess


def standard(law: Mixture) -> tuple[Mixture, Tensor]:
    data, _ = eight()
    scale = data.x.std(0, correction=0)
    return Mixture(law.weights, law.means / scale.double(), 0.2 / float(scale.mean())), scale


def test_the_exact_score_samples_every_mode_in_proportion() -> None:
    law, _ = standard(eight()[1])
    noise = Gaussian(rates("linear", 200, *ENDS), "eps")
    seen = visits(Oracle(noise, by_score(noise, law), 2).sample(6000, Rng(5, "score")), law)
    assert seen.hq >= 0.95 and seen.covered == 8
    assert seen.tv <= 2 * seen.floor


def test_the_score_is_the_gradient_of_the_diffused_density_in_raw_units() -> None:
    raw, noise = eight()[1], Gaussian(rates("linear", 50, *ENDS), "eps")
    law, scale = standard(raw)
    oracle = Oracle(noise, by_score(noise, law), 2)
    oracle.units.scale.copy_(scale.mean().expand(2))
    x = raw.sample(100, Rng(6, "score"))
    for t in (1, 30):
        u = oracle.units(x)
        exact = law.diffused(*map(float, noise.table[t, 1:3])).score(u) / oracle.units.scale
        torch.testing.assert_close(oracle.score(x, torch.tensor(t)), exact, rtol=1e-3, atol=2e-3)


# ---------------------------------------------------------------- 5: DDIM


def test_ddim_with_all_its_noise_is_the_exact_step_back() -> None:
    noise, rng = gaussian("linear", 50), Rng(7, "ddim")
    x0, xt = rng.normal(40, 2).double(), rng.normal(40, 2).double()
    for t in (2, 3, 25, 50):
        jump, back = noise.jump(x0, xt, at(t, 40), at(t - 1, 40), 1.0), noise.back(x0, xt, at(t, 40))
        torch.testing.assert_close(jump.mean, back.mean, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(jump.variance, back.variance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("readout", ["sd15", "eps", "x0"])
def test_ddim_without_noise_repeats_itself_and_can_be_run_upwards(readout: Any) -> None:
    made = model(steps=150, readout=readout, ddim_steps=50)
    with looking(made):
        start = Rng(8, "start").normal(20, 2)
        ends = [[state.x for state in made.chain(20, Rng(seed, "x"), start)] for seed in (0, 1)]
        assert torch.equal(ends[0][-1], ends[1][-1])
        torch.testing.assert_close(ends[0][0], start)
        many = [state for state in model(steps=150, readout=readout, ddim_steps=7).chain(5, Rng(9))]
        assert [int(state.aux["t"]) for state in many] == [50, 43, 36, 29, 21, 14, 7, 0]
        # upwards with the noise that the net sees at x_{t−1}: the columns rise_x and rise_f are that formula
        u, t = made.units(ends[0][-3]), 3
        here = at(t, 20)
        r, f = made.noise.at(here), made.average(u, made.times[here])[:, :2]
        assert isinstance(made.noise, Gaussian)
        x0 = made.noise.origin(r.keep * u + r.push * f, u, here)
        eps, below = (u - r.signal * x0) / r.noise, made.noise.at(here - 1)
        up = r.signal * (u - below.noise * eps) / below.signal + r.noise * eps
        torch.testing.assert_close(r.rise_x * u + r.rise_f * f, up, rtol=1e-3, atol=1e-4)


def test_fewer_steps_start_from_the_same_noise() -> None:
    a, b = (next(iter(model(ddim_steps=s).chain(9, Rng(10, "same")))).x for s in (0, 5))
    assert torch.equal(a, b)


# ---------------------------------------------------------------- 6: evidence and known values


def test_gaussian_evidence_gives_the_analytic_conditional() -> None:
    noise, y, sd = Gaussian(rates("linear", 50, *ENDS)), torch.tensor([1.0, math.nan]), 0.5
    oracle = Oracle(noise, exactly(noise, 1.0), 2)
    *_, end = oracle.chain(20_000, Rng(11, "evidence"), clamp=y, sd=sd)
    mean, var = 1 / (1 + sd**2), sd**2 / (1 + sd**2)
    assert (end.x.mean(0) - torch.tensor([mean, 0.0])).abs().max() <= 0.02
    assert (end.x.var(0) - torch.tensor([var, 1.0])).abs().max() <= 0.03


def test_known_values_are_noised_as_the_data_are_and_exact_in_the_end() -> None:
    made, clamp = model(steps=150), torch.tensor([1.4, math.nan])
    with looking(made):
        states = list(made.chain(4000, Rng(12, "known"), clamp=clamp))
    for state in (states[0], states[25]):
        t = int(state.aux["t"])
        law = made.noise.q(made.units(torch.tensor([[1.4, 0.0]])), at(t, 1))
        u = made.units(state.x)[:, :1]
        assert close(u, law.mean[0, :1]) and close((u - law.mean[0, 0]).square(), law.variance[0, :1])
    torch.testing.assert_close(states[-1].x[:, 0], torch.full((4000,), 1.4))
    assert states[-1].x[:, 1].std() > 0.1


def test_known_bits_stay_and_the_beat_is_completed() -> None:
    made = model("heartbeat", steps=600)
    clamp = torch.full((20,), math.nan)
    clamp[:5] = torch.tensor([0.0, 0.0, 1.0, 0.0, 0.0])
    with looking(made) as rng:
        *_, end = made.chain(500, rng, clamp=clamp)
    assert (end.x[:, :5] == clamp[:5]).all() and ((end.x == 0) | (end.x == 1)).all()
    beat = torch.eye(5)[2].repeat(4)
    assert (end.x == beat).all(1).float().mean() > 0.3  # of five phases, so a fifth by chance at best


@pytest.mark.parametrize(
    ("clamp", "says"),
    [
        (torch.tensor([math.nan, math.nan]), "everything free"),
        (torch.tensor([1.0, 2.0]), "nothing free"),
        (torch.tensor([math.inf, math.nan]), "finite"),
        (torch.tensor([1.0, math.nan, 0.0]), "2 finite values"),
    ],
)
def test_clamps_that_make_no_sense_are_refused(clamp: Tensor, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        next(iter(model().chain(3, Rng(0), clamp=clamp)))


@pytest.mark.parametrize(
    ("data", "knobs", "says"),
    [
        ("8gaussians", {"T": 1}, "T = 1"),
        ("8gaussians", {"T": 10}, "beta_last = 20 over T = 10 steps.* above 1"),
        ("8gaussians", {"T": 2, "beta_last": 2.0, "beta_first": 5.0}, "beta_first = 5 over T = 2 steps.* above 1"),
        ("8gaussians", {"T": 2, "beta_last": 2.0, "beta_first": 5.0, "schedule": "learned"}, "beta_first = 5 over T = 2 steps"),
        ("8gaussians", {"ddim_steps": 51}, "ddim_steps"),
        ("8gaussians", {"schedule": "learned", "readout": "eps"}, "sd15"),
        ("heartbeat", {"readout": "x0"}, "bits"),
        ("heartbeat", {"ddim_steps": 5}, "bits"),
    ],
)
def test_settings_that_make_no_sense_are_refused(data: str, knobs: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        model(data, **knobs)


def test_what_cannot_be_answered_is_refused_in_words() -> None:
    with pytest.raises(BadInput, match="no gradient"):
        model("heartbeat").score(torch.zeros(1, 20))
    with pytest.raises(BadInput, match="evidence"):
        next(iter(model(ddim_steps=5).chain(3, Rng(0), clamp=torch.tensor([1.0, math.nan]), sd=0.1)))
    for sd in (-0.1, math.nan, math.inf):
        with pytest.raises(BadInput, match=f"sd = {sd:g}"):
            next(iter(model().chain(3, Rng(0), clamp=torch.tensor([1.0, math.nan]), sd=sd)))
    for t in (0, 51, -1):
        with pytest.raises(BadInput, match=r"from 1 to T = 50"):
            model().undo(torch.zeros(2, 2), t)
        with pytest.raises(BadInput, match=r"from 1 to T = 50"):
            model().score(torch.zeros(2, 2), torch.tensor(t))
    for x, says in ((torch.zeros(2, 3), "3 columns"), (torch.full((2, 2), math.nan), "nan")):
        with pytest.raises(BadInput, match=says):
            model().undo(x, 1)
        with pytest.raises(BadInput, match=says):
            model().score(x)
    with pytest.raises(BadInput, match="start"):
        next(iter(model().chain(3, Rng(0), start=torch.full((3, 2), math.nan))))
    points = model("two-points")  # −1 or 1: the density of a fitted model would grow without limit
    with pytest.raises(BadInput, match="without limit"):
        points.bound(genviz.dataset("two-points").x[:3], Rng(0))
    with looking(points) as rng:
        assert "test bound" not in points.monitor(genviz.dataset("two-points"), rng)


def of(*columns: Tensor) -> tuple[Diffusion, genviz.Data]:
    """A model that has seen these columns, untrained."""
    x = torch.stack(columns, 1)
    made = genviz.create("diffusion", data := genviz.Data("mine", x, x[:10], Spec((len(columns),))))
    assert isinstance(made, Diffusion)
    Run(made, data)
    return made, data


COLUMN = Rng(0, "column").normal(60)
SPARSE: dict[str, tuple[Tensor, bool]] = {
    "real": (COLUMN.flip(0), False),
    "constant": (torch.zeros(60), True),
    "0 and 1": ((COLUMN > 0).float(), True),
    "ages": ((40 + 4 * COLUMN).round(), True),
    "just enough": (COLUMN[:30].repeat(2), False),
    "just too few": (COLUMN[:29].repeat(3)[:60], True),
}


@pytest.mark.parametrize("case", SPARSE)
def test_a_column_of_few_distinct_values_beside_a_real_one_has_no_bound(case: str) -> None:
    column, few = SPARSE[case]
    made, data = of(COLUMN, column)
    assert bool(made.repeats) is few
    with looking(made) as rng:
        assert ("test bound" in made.monitor(data, rng)) is not few
        if few:
            with pytest.raises(BadInput, match="few distinct values .* without limit.* add even noise"):
                made.bound(data.x, rng)


def test_rows_that_repeat_and_too_few_to_tell_have_no_bound() -> None:
    for columns, few in (((COLUMN[:9].repeat(7),) * 2, True), ((torch.zeros(2), COLUMN[:2]), True), ((COLUMN[:2],) * 2, False)):
        assert bool(of(*columns)[0].repeats) is few


def test_of_the_points_that_are_shipped_only_those_at_two_places_have_no_bound() -> None:
    points = [name for name in names() if kind(name) == "points" and find(name).has_rows]
    assert {"moons", "8gaussians", "grid25", "swissroll"} <= {*points}
    assert [name for name in points if model(name).repeats] == ["two-points"]


# ---------------------------------------------------------------- 7: no bound above the truth


@pytest.mark.parametrize("knobs", [{}, {"readout": "eps"}, {"readout": "x0"}, {"schedule": "learned"}, {"schedule": "cosine"}])
@pytest.mark.parametrize("steps", [0, 150])
def test_no_net_bounds_the_likelihood_from_above(knobs: dict[str, Any], steps: int) -> None:
    made, (data, law) = model(steps=steps, **knobs), eight()
    x = data.test_x[:400]
    with looking(made) as rng:
        above = made.bound(x, rng) - law.log_prob(x)
    assert above.mean() <= 3 * above.std() / 20


@pytest.mark.parametrize(("mean", "std"), [(0.3, 0.02), (-0.99, 0.1), (1.0, 0.004), (0.0, 2.0)])
def test_grey_levels_are_probabilities(mean: float, std: float) -> None:
    levels = torch.linspace(-1, 1, 256)[:, None]
    p = grey_level(normal(torch.full((256, 1), mean), torch.tensor(std)), levels, 2 / 255).double().exp()
    assert p.sum().item() == pytest.approx(1, abs=1e-5)
    inside = (Normal(mean, std).cdf(levels + 1 / 255) - Normal(mean, std).cdf(levels - 1 / 255))[1:-1]
    torch.testing.assert_close(p[1:-1].float(), inside, rtol=0, atol=2e-6)


def test_the_bound_of_pictures_is_a_probability() -> None:
    """At most 0 nats a row, and training raises it."""
    x, found = genviz.dataset("digits").test_x[:20], []
    for steps in (20, 200):
        with looking(made := model("digits", steps=steps)) as rng:
            found.append(made.bound(x, rng))
    assert (found[1] < 0).all() and (found[1] > found[0]).all()


# ---------------------------------------------------------------- 8: the best factorised step back for bits


def best(noise: Binomial, law: Finite) -> Guess:
    """p(x_{t−1,i} = 1|x_t) = Σ_phase w(phase|x_t) q(x_{t−1,i} = 1|x_t, phase), w by Bayes."""
    states = law.states

    def guess(xt: Tensor, t: Tensor) -> Bernoulli:
        k = noise.at(t).signal.square()
        keep, flip = ((1 + k) / 2).log(), ((1 - k) / 2).log()
        agree = xt @ states.T + (1 - xt) @ (1 - states).T
        w = (agree * (keep - flip)).softmax(1)
        of, seen = (
            torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(len(xt), 4),
            torch.tensor([[0.0, 1.0, 0.0, 1.0]]).expand(len(xt), 4),
        )
        z0, z1, o0, o1 = noise.back(of, seen, t).probs.split(1, 1)  # a bit of a state 0 or 1, seen as 0 or 1
        zero, one = z0 + (z1 - z0) * xt, o0 + (o1 - o0) * xt
        return Bernoulli((zero + (one - zero) * (w @ states)).clamp(1e-7, 1 - 1e-7), validate_args=False)

    return guess


@pytest.mark.parametrize(
    ("T", "k", "se", "n"), [(20, -2.580, 0.005, 50_000), (40, -2.440, 0.005, 50_000), (100, -2.382, 0.008, 10_000)]
)
def test_the_best_factorised_chain_of_bits_has_the_known_bound(T: int, k: float, se: float, n: int) -> None:
    law, noise = genviz.dataset("heartbeat").density, Binomial(rates("erase", T, *ENDS, bits=True))
    assert isinstance(law, Finite)
    oracle = Oracle(noise, best(noise, law), 20, "binary")
    bits = oracle.bound(law.sample(n, Rng(13, T)), Rng(14, T)) / math.log(2)
    own = float(bits.std()) / math.sqrt(n)
    assert abs(bits.mean() - k) <= 4 * math.hypot(se, own)
    assert bits.mean() < -math.log2(5)


def test_a_trained_net_stays_below_the_best_chain() -> None:
    made, x = model("heartbeat", steps=600), genviz.dataset("heartbeat").test_x
    with looking(made) as rng:
        bits = made.bound(x, rng) / math.log(2)
    assert bits.mean() <= -2.440 + 4 * float(bits.std()) / math.sqrt(len(x))
    assert bits.mean() > -14.44  # of independent bits with the right mean


# ---------------------------------------------------------------- training


def test_the_learned_schedule_follows_the_gradient_of_the_bound() -> None:
    """By finite differences of the very loss, with its noise frozen; the first rate stays where it is."""
    made = model(schedule="learned", T=8, beta_last=6.0, steps=0)
    x = eight()[0].x[:200]
    t = Rng(15).integers(1, 9, 200)

    def loss(logits: Tensor) -> Tensor:
        made.logits.data.copy_(logits)
        made.noise.table = made.learned()
        x0 = made.units(x)
        law = made.noise.q(x0, t)
        xt = law.mean + law.stddev * Rng(16).normal_like(x0)
        kl = made.noise.kl(made.noise.back(x0, xt, t), made.guess(xt, t), t)
        return kl.mean() + made.noise.end(x0).mean() / 8

    start = made.logits.detach().clone()
    made.train()
    for p in made.net.parameters():
        torch.nn.init.normal_(p, std=0.1, generator=Rng(17).generator)
    loss(start).backward()
    assert made.logits.grad is not None
    for i in range(7):
        step = 0.02 * torch.eye(7)[i]
        slope = (loss(start + step) - loss(start - step)).item() / 0.04
        assert made.logits.grad[i].item() == pytest.approx(slope, abs=1e-3, rel=0.02)
    moved = model(schedule="learned", steps=100)
    first, *rest = (moved.noise.table[1:, 0] - rates("learned", 50, *ENDS)).tolist()
    assert first == pytest.approx(0, abs=1e-9) and max(map(abs, rest)) > 1e-3


def test_weights_that_sample_are_an_average_of_the_second_half() -> None:
    data = eight()[0]
    made = genviz.create("diffusion", data, decay=20)
    assert isinstance(made, Diffusion)
    run, slow = Run(made, data), {}
    for step in range(1, 16):
        run.advance(steps=1)
        for name, fast in made.net.named_parameters():
            new = fast.detach().clone()
            slow[name] = new if step < 10 else slow[name] + 0.005 * (new - slow[name])
    for name, average in made.average.named_parameters():
        torch.testing.assert_close(average, slow[name], rtol=1e-6, atol=1e-7)


def test_the_monitor_counts_modes_as_the_metrics_do() -> None:
    made, (data, law) = model(steps=150), eight()
    with looking(made) as rng:
        told = made.monitor(data, rng)
        seen = visits(made.sample(20_000, rng), law)
    n = 100
    assert abs(told["HQ"] - seen.hq) <= 4 * math.sqrt(seen.hq * (1 - seen.hq) / n)
    assert 0 <= told["TV"] <= seen.tv + 0.25


@pytest.mark.parametrize(
    ("counts", "blind", "sharp", "even"),
    [
        ([220] * 8, [65] * 8, True, True),
        ([212] * 8, [30] * 8, False, True),  # 84.8 %, however bad the untrained chain
        ([270] * 7 + [40], [65] * 8, False, False),  # a mode is missing
        ([220] * 8, [90] * 8, False, True),  # 36 % by the untrained chain
        ([300, 140] * 4, [70] * 8, True, False),
    ],
)
def test_claims_hold_by_the_figures_of_the_sheet(
    monkeypatch: pytest.MonkeyPatch, counts: list[int], blind: list[int], sharp: bool, even: bool
) -> None:
    def seen(name: str, seed: int, steps: int = claimed.WHOLE) -> Visits:
        return Visits(2000, torch.tensor(blind if steps == claimed.NOT else counts), torch.full((8,), 1 / 8).double())

    monkeypatch.setattr(claimed, "sampled", seen)
    monkeypatch.setattr(claimed, "trained", lambda *asked: model())
    assert claimed.every_mode(0).holds is sharp
    assert claimed.right_weights(0).holds is even


def test_the_chart_has_every_schedule_that_the_data_allow() -> None:
    for name, kinds in (("8gaussians", ["linear", "erase", "cosine", "learned"]), ("heartbeat", ["linear", "erase", "cosine"])):
        for pane in model(name).layers(genviz.dataset(name), Rng(0)):
            curves = [layer for layer in pane.layers if isinstance(layer, Curves)]
            assert sorted(layer.name for layer in curves) == sorted(kinds)
            assert curves[-1].label.endswith(", in force")  # on top
            assert len({(layer.role, layer.dash) for layer in curves}) == len(curves)


def test_the_schedules_are_those_of_the_papers() -> None:
    linear, erase, cosine = (rates(kind, 1000, *ENDS) for kind in ("linear", "erase", "cosine"))
    assert (linear[0], linear[-1]) == (pytest.approx(1e-4), pytest.approx(0.02))  # DDPM's
    kept = (1 - rates("erase", 40, *ENDS, bits=True)).cumprod(0)
    torch.testing.assert_close(kept, 1 - torch.arange(1, 41).double() / 40)  # 1/T at each step
    assert (1 - rates("erase", 40, *ENDS)).prod().item() == pytest.approx(0.023, abs=5e-4)
    assert (1 - erase).cumprod(0)[499].item() == pytest.approx(0.5, abs=2e-3)
    half = (1 - cosine).cumprod(0)[499].item()
    assert half == pytest.approx((math.cos(0.508 / 1.008 * math.pi / 2) / math.cos(0.008 / 1.008 * math.pi / 2)) ** 2, abs=1e-9)
    for beta in (linear, erase, cosine):
        assert all(0 < b < 1 for b in beta) and all(a <= b for a, b in pairwise(beta.tolist()))
