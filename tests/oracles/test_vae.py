"""Section 7 of the VAE's sheet, item by item."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

import genviz
from genviz.metrics.likelihood import importance_bound, lattice, on_grid
from genviz.model import Spec
from genviz.models.variational.vae import VAE
from genviz.rng import Rng
from genviz.run import Run, looking


def near(samples: Tensor, exact: Tensor | float, errors: float = 4) -> bool:
    """Whether the means over the first axis are within so many standard errors of the exact answer."""
    se = samples.std(0) / math.sqrt(len(samples))
    return bool(((samples.mean(0) - exact).abs() <= errors * se + 1e-6).all())


@cache
def digits() -> genviz.Data:
    return genviz.dataset("digits")


@cache
def points() -> genviz.Data:
    """Two moons in raw units far from standard ones, so that a forgotten scale shows."""
    moons = genviz.dataset("moons")
    scale, shift = torch.tensor([5.0, 0.6]), torch.tensor([20.0, -3.0])
    return replace(moons, name="stretched", x=moons.x * scale + shift, test_x=moons.test_x * scale + shift, density=None)


@cache
def trained(data: genviz.Data, preset: str, steps: int = 700, seed: int = 0, **knobs: Any) -> VAE:
    model = genviz.create("vae", data, seed, preset=preset, **knobs)
    assert isinstance(model, VAE)
    Run(model, data, seed).advance(steps=steps)
    return model


def on_digits(**knobs: Any) -> VAE:
    return trained(digits(), "digits", **knobs)


def on_points(**knobs: Any) -> VAE:
    return trained(points(), "moons", **knobs)


def bits() -> Tensor:
    return digits().binarized("threshold", "test")


# ---------------------------------------------------------------- 1, 2: the estimators


def test_kl_in_closed_form_is_the_mean_of_the_sampled_one() -> None:
    rng = Rng(0, "kl")
    mu, log_var = 2 * rng.normal(1, 4), rng.normal(1, 4)
    z = mu + (log_var / 2).exp() * rng.normal(200_000, 4)
    sampled = VAE.sampled_kl(mu.expand_as(z), log_var.expand_as(z), z)
    assert near(sampled, VAE.kl(mu, log_var).sum())


def test_both_estimators_of_the_bound_have_the_same_mean() -> None:
    model, rng = on_digits(), Rng(1, "sgvb")
    x = bits()[:1].expand(100_000, -1)
    with looking(model):
        mu, log_var = model.q(x)
        z, other = (mu + (log_var / 2).exp() * rng.normal_like(mu) for _ in range(2))
        a = model.log_likelihood(x, z) - model.sampled_kl(mu, log_var, z)
        b = model.log_likelihood(x, other) - model.kl(mu, log_var).sum(1)
    assert (a.mean() - b.mean()).abs() < 4 * ((a.var() + b.var()) / len(a)).sqrt()


class Constant(nn.Module):
    """An encoder that guesses one and the same cloud for every row."""

    def __init__(self, mu: float, sigma: float) -> None:
        super().__init__()
        self.mu, self.log_var = nn.Parameter(torch.tensor(mu)), nn.Parameter(torch.tensor(2 * math.log(sigma)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.mu, self.log_var]).expand(len(x), 2)


@pytest.mark.parametrize("estimator", ["closed", "sampled"])
def test_gradients_of_a_step_flow_through_the_noise(estimator: str) -> None:
    """Rows are 0, the decoder is z itself and σ² = ½: the loss is E[z²] + β KL, whose gradients are known."""
    (mu, sigma), beta, zeros = (0.7, 1.3), 0.5, torch.zeros(4096, 1)
    data = genviz.Data("zeros", zeros, zeros, Spec((1,), "real"))
    model = VAE(data.spec, latent=1, lr=1e-5, batch=4096, beta=beta, estimator=estimator)
    encoder = Constant(mu, sigma)
    model.encoder, model.decoder = nn.Sequential(encoder), nn.Sequential(nn.Identity())
    nn.init.constant_(model.log_sigma, math.log(0.5) / 2)
    run, found = Run(model, data), []
    for _ in range(60):  # so small a step that the parameters stay where they are
        run.advance(steps=1)
        assert encoder.mu.grad is not None and encoder.log_var.grad is not None
        found.append(torch.stack([encoder.mu.grad, encoder.log_var.grad]))
    by_mu, by_log_var = 2 * mu + beta * mu, sigma**2 + beta * (sigma**2 - 1) / 2  # d/dℓ = σ/2 d/dσ
    assert near(torch.stack(found), torch.tensor([by_mu, by_log_var]))


def test_warmup_raises_beta_step_by_step() -> None:
    """The same weights as a run without it, whose beta is edited before each step."""
    warm, plain = (
        Run(genviz.create("vae", digits(), 3, preset="digits", beta=2.0, warmup=warmup), digits()) for warmup in (4, 0)
    )
    for t in range(1, 7):
        plain.edit("beta", 2.0 * min(1.0, t / 4))
        assert warm.tick() and plain.tick()
    for name, tensor in warm.model.state_dict().items():
        assert torch.equal(tensor, plain.model.state_dict()[name]), name


# ---------------------------------------------------------------- 3: the linear VAE is probabilistic PCA


class LinearEncoder(nn.Module):
    """V(x - b) and a variance that all rows share."""

    def __init__(self, decoder: nn.Linear) -> None:
        super().__init__()
        self.centre, self.v = decoder.bias, nn.Linear(decoder.out_features, decoder.in_features, bias=False)
        self.log_var = nn.Parameter(torch.zeros(decoder.in_features))

    def forward(self, x: Tensor) -> Tensor:
        mu = self.v(x - self.centre)
        return torch.cat([mu, self.log_var.expand_as(mu)], 1)


def test_linear_vae_reaches_the_likelihood_of_ppca() -> None:
    x, k = digits().x, 5
    n, d = x.shape
    model = VAE(Spec((d,), "real"), latent=k)
    decoder = nn.Linear(k, d)
    model.decoder, model.encoder = nn.Sequential(decoder), nn.Sequential(LinearEncoder(decoder))

    def elbo() -> Tensor:  # all of it is quadratic in z, so the expectation is exact
        mu, log_var = model.q(x)
        spread = (log_var.exp() * decoder.weight.square().sum(0)).sum(1) / (2 * (2 * model.log_sigma).exp())
        return (model.log_likelihood(x, mu) - spread - model.kl(mu, log_var).sum(1)).mean()

    torch.manual_seed(0)
    adam = torch.optim.Adam(model.parameters(), fused=True)
    for lr, steps in ((1e-2, 1500), (1e-3, 500)):
        adam.param_groups[0]["lr"] = lr
        for _ in range(steps):
            adam.zero_grad()
            (-elbo()).backward()
            adam.step()
    eigenvalues = torch.linalg.eigvalsh(torch.cov(x.double().T, correction=0)).flip(0)
    noise = eigenvalues[k:].mean()
    exact = -(d * math.log(2 * math.pi) + eigenvalues[:k].log().sum() + (d - k) * noise.log() + d) / 2
    assert abs(elbo().item() - exact.item()) <= 0.05
    assert (2 * model.log_sigma).exp().item() == pytest.approx(noise.item(), rel=0.01)


# ---------------------------------------------------------------- 4, 5: exact likelihood, bounds and the gap


@pytest.mark.parametrize("latent", [1, 2])
@pytest.mark.parametrize(("make", "rows"), [(on_digits, bits), (on_points, lambda: points().test_x)], ids=["digits", "points"])
def test_the_gap_of_the_bound_is_the_divergence_from_the_true_posterior(
    make: Callable[..., VAE], rows: Callable[[], Tensor], latent: int
) -> None:
    model, x, k = make(latent=latent), rows()[:20], 5000
    with looking(model) as rng:
        log_w = model.bound(x.repeat(k, 1), rng).view(k, 20)
        sums = on_grid(model, x, lattice(latent, side=400))
        exact, kl = sums.log_prob, sums.kl(model.encode(x))
    elbo, elbo_se = log_w.mean(0), log_w.std(0) / math.sqrt(k)
    w = (log_w - log_w.max(0).values).exp()
    iw, iw_se = log_w.logsumexp(0) - math.log(k), w.std(0) / w.mean(0) / math.sqrt(k)
    assert (exact >= iw - 4 * iw_se - 1e-4).all()
    assert (exact >= elbo - 4 * elbo_se).all()
    gap = exact - elbo
    assert ((gap - kl).abs() <= 0.02 + 4 * elbo_se).all()
    assert (gap - kl).mean().abs() <= 0.02


def test_the_posterior_on_the_grid_agrees_with_weighted_samples() -> None:
    model, x, grid = on_digits(), bits()[:1], lattice(2, side=400)
    with looking(model) as rng:
        mass = (on_grid(model, x, grid).log_posterior[0] + grid.cell).exp()
        assert mass.sum().item() == pytest.approx(1, abs=1e-4)
        q = model.encode(x)
        z = q.mean + 2 * q.stddev * rng.normal(50_000, 2)  # wider than q, so that the weights stay tame
        share = (model.log_joint(x, z)[0] + ((z - q.mean) / q.stddev).square().sum(1) / 8).softmax(0)
    assert (share @ z - mass @ grid.codes).abs().max() < 0.02


@pytest.mark.parametrize("latent", [1, 2])
def test_the_density_over_the_raw_plane_integrates_to_one(latent: int) -> None:
    model = on_points(latent=latent, steps=100)  # still smooth: coarse grids do
    side, reach = 60, 5.0
    line = torch.linspace(-reach, reach, side)
    scale = points().x.std(0, correction=0)
    x = points().x.mean(0) + scale * torch.cartesian_prod(line, line)
    with looking(model):
        log_p = on_grid(model, x, lattice(latent, side=60)).log_prob
    cell = (2 * reach / (side - 1)) ** 2 * scale.prod()
    assert (log_p.exp().sum() * cell).item() == pytest.approx(1, abs=1e-2)


def test_samples_of_points_have_the_learned_noise() -> None:
    """Var x = Var of the decoded codes + σ² scale², column by column, in raw units."""
    model, n = on_points(steps=100), 100_000
    with looking(model) as rng:
        x, means = model.sample(n, rng.child("samples")), model.decode(rng.normal(n, 2))
        noise = (2 * model.log_sigma).exp() * points().x.var(0, correction=0)
    squares = (x - x.mean(0)).square() - (means - means.mean(0)).square()
    assert near(squares, noise)
    assert not near(squares, 0.0)
    assert near(x - means, 0.0)


def half_silent() -> VAE:
    return trained(digits(), "digits-10", beta=4.0)


@pytest.mark.parametrize(
    ("make", "data"),
    [(on_digits, digits), (half_silent, digits), (on_points, points)],
    ids=["digits", "some dimensions off", "points"],
)
def test_the_monitor_tells_the_bound_and_the_rate_on_unseen_rows(
    make: Callable[..., VAE], data: Callable[[], genviz.Data]
) -> None:
    model, x = make(), data().binarized("threshold" if data is digits else "none", "test")[:500]
    with looking(model) as rng:
        told = [model.monitor(data(), rng.child(i)) for i in range(40)]
        bounds = torch.stack([model.bound(x, rng).mean() for _ in range(40)])
        kl = kl_divergence(model.encode(x), Normal(0.0, 1.0)).mean(0)
    elbos = torch.tensor([figures["test elbo"] for figures in told])
    assert (elbos.mean() - bounds.mean()).abs() < 4 * ((elbos.var() + bounds.var()) / 40).sqrt()
    assert told[0]["test kl"] == pytest.approx(kl.sum().item(), rel=1e-4)
    assert told[0]["active dimensions"] == (kl > 0.01).sum()


def test_more_samples_tighten_the_bound() -> None:
    model, x = on_digits(), bits()
    with looking(model) as rng:
        mu, log_var = model.q(x)
        k1 = torch.stack([model.bound(x, rng, 1) for _ in range(40)]).mean(1)
        z = (mu + (log_var / 2).exp() * rng.normal_like(mu) for _ in range(40))
        elbo = torch.stack([model.log_likelihood(x, code).mean() for code in z]) - model.kl(mu, log_var).sum(1).mean()
        assert (k1.mean() - elbo.mean()).abs() < 4 * ((k1.var() + elbo.var()) / 40).sqrt()
        assert importance_bound(model, x, rng, 500).mean > elbo.mean()


# ---------------------------------------------------------------- 6: rate and distortion


def test_beta_orders_rate_and_distortion() -> None:
    def point(beta: float) -> tuple[float, float]:
        model, x = trained(digits(), "digits-10", beta=beta), bits()
        with looking(model) as rng:
            kl = model.kl(*model.q(x)).sum(1).mean().item()
            return kl, model.bound(x, rng).mean().item() + kl

    (_, free), *ordered, (crushed, _) = (point(beta) for beta in (0.0, 0.25, 1.0, 4.0, 10.0, 1000.0))
    rates, reconstructions = zip(*ordered, strict=True)
    assert list(rates) == sorted(rates, reverse=True)
    assert list(reconstructions) == sorted(reconstructions, reverse=True)
    assert free > reconstructions[1]  # β = 0 against β = 1
    assert crushed < 0.05


# ---------------------------------------------------------------- 7: the same again


def test_the_first_picture_stands_where_the_data_are() -> None:
    """Rows far from the origin and of unequal scales: standardised before step 0, not with the first step."""
    moons = genviz.dataset("moons")
    data = genviz.dataset((moons.x * torch.tensor([100.0, 0.01]) + 1000).numpy())
    model = genviz.create("vae", data)
    assert isinstance(model, VAE)
    genviz.Run(model, data)
    torch.testing.assert_close(model.units.shift, data.x.mean(0))
    far = (model.sample(200, Rng(0)) - data.x.mean(0)).abs() / data.x.std(0)
    assert far.max() < 10


def test_same_seed_same_weights() -> None:
    a, b, c = (trained.__wrapped__(digits(), "digits", steps=20, seed=seed) for seed in (5, 5, 6))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not torch.equal(next(a.parameters()), next(c.parameters()))


def test_saved_and_loaded_decodes_alike(tmp_path: Path) -> None:
    model, z = on_digits(), Rng(4, "codes").normal(9, 2)
    model.save(str(tmp_path / "vae.safetensors"))
    again = genviz.load(tmp_path / "vae.safetensors")
    assert isinstance(again, VAE)
    with looking(model):
        assert torch.equal(model.decode(z), again.decode(z))


def test_rows_do_not_see_each_other() -> None:
    model, x = on_digits(), bits()[:64]
    order = Rng(5, "order").permutation(64)
    with looking(model):
        torch.testing.assert_close(model.reconstruct(x[order]), model.reconstruct(x)[order], rtol=0, atol=1e-6)
