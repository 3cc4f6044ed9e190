"""Section 7 of the VAE's sheet, item by item."""

import math
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import genviz
from genviz.metrics.likelihood import grid_log_prob, grid_posterior, importance_bound, kl_to_grid
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
def trained(steps: int = 700, seed: int = 0, preset: str = "digits", **knobs: float) -> VAE:
    model = genviz.create("vae", digits(), seed, preset=preset, **knobs)
    assert isinstance(model, VAE)
    Run(model, digits(), seed).advance(steps=steps)
    return model


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
    model, rng = trained(), Rng(1, "sgvb")
    x = bits()[:1].expand(100_000, -1)
    with looking(model):
        mu, log_var = model.q(x)
        z, other = (mu + (log_var / 2).exp() * rng.normal_like(mu) for _ in range(2))
        a = model.log_likelihood(x, z) - model.sampled_kl(mu, log_var, z)
        b = model.log_likelihood(x, other) - model.kl(mu, log_var).sum(1)
    assert (a.mean() - b.mean()).abs() < 4 * ((a.var() + b.var()) / len(a)).sqrt()


def test_gradients_flow_through_the_noise() -> None:
    mu, sigma = torch.full((100_000,), 0.7, requires_grad=True), torch.full((100_000,), 1.3, requires_grad=True)
    (mu + sigma * Rng(2, "noise").normal_like(mu)).square().sum().backward()
    assert mu.grad is not None and sigma.grad is not None
    assert near(mu.grad, 2 * 0.7) and near(sigma.grad, 2 * 1.3)


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
def test_the_gap_of_the_bound_is_the_divergence_from_the_true_posterior(latent: int) -> None:
    model, x, k = trained(latent=latent), bits()[:20], 5000
    with looking(model) as rng:
        log_w = model.bound(x.repeat(k, 1), rng).view(k, 20)
    elbo, elbo_se = log_w.mean(0), log_w.std(0) / math.sqrt(k)
    w = (log_w - log_w.max(0).values).exp()
    iw, iw_se = log_w.logsumexp(0) - math.log(k), w.std(0) / w.mean(0) / math.sqrt(k)
    exact = grid_log_prob(model, x, side=400, span=6.0)
    assert (exact >= iw - 4 * iw_se - 1e-4).all()
    assert (exact >= elbo - 4 * elbo_se).all()
    gap, kl = exact - elbo, kl_to_grid(model, x, side=400, span=6.0)
    assert ((gap - kl).abs() <= 0.02 + 4 * elbo_se).all()
    assert (gap - kl).mean().abs() <= 0.02


def test_the_posterior_on_the_grid_agrees_with_weighted_samples() -> None:
    model, x, side, span = trained(), bits()[:1], 400, 6.0
    density, cell, line = grid_posterior(model, x, side, span), (2 * span / (side - 1)) ** 2, torch.linspace(-span, span, side)
    assert (density.sum() * cell).item() == pytest.approx(1, abs=1e-4)
    exact = torch.stack([(density.sum(0) * line).sum(), (density.sum(1) * line).sum()]) * cell  # columns are z₁, rows z₂
    with looking(model) as rng:
        q = model.encode(x)
        z = q.mean + 2 * q.stddev * rng.normal(50_000, 2)  # wider than q, so that the weights stay tame
        share = (model.log_joint(x, z)[0] + ((z - q.mean) / q.stddev).square().sum(1) / 8).softmax(0)
    assert (share @ z - exact).abs().max() < 0.02


def test_more_samples_tighten_the_bound() -> None:
    model, x = trained(), bits()
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
        model, x = trained(preset="digits-10", beta=beta), bits()
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


def test_same_seed_same_weights() -> None:
    a, b, c = (trained.__wrapped__(steps=20, seed=seed) for seed in (5, 5, 6))
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert not torch.equal(next(a.parameters()), next(c.parameters()))


def test_saved_and_loaded_decodes_alike(tmp_path: Path) -> None:
    model, z = trained(), Rng(4, "codes").normal(9, 2)
    model.save(str(tmp_path / "vae.safetensors"))
    again = genviz.load(tmp_path / "vae.safetensors")
    assert isinstance(again, VAE)
    with looking(model):
        assert torch.equal(model.decode(z), again.decode(z))


def test_rows_do_not_see_each_other() -> None:
    model, x = trained(), bits()[:64]
    order = Rng(5, "order").permutation(64)
    with looking(model):
        torch.testing.assert_close(model.reconstruct(x[order]), model.reconstruct(x)[order], rtol=0, atol=1e-6)
