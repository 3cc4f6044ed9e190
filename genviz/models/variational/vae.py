"""Variational autoencoder."""

import math
from collections.abc import Iterator
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Normal
from torch.optim import Adam

from genviz.data import Data
from genviz.data.base import BITS
from genviz.layers import Curves, Pane
from genviz.model import BadInput, Model, Preset, Spec, Step, knob
from genviz.nets import Activation, Standardize, minimize, mlp, program
from genviz.rng import Rng

TESTED = 500  # unseen rows looked at while training
LOG_2PI = math.log(2 * math.pi)

# Settings measured to converge: points in 75 epochs of 4,000 rows, 8×8 digits in 100 of 1,400, MNIST in 20 to 30 of 8,000.
POINTS = {"hidden": 64, "depth": 2, "activation": "tanh", "lr": 2e-3}
DIGITS = {"hidden": 128, "batch": 50, "binarize": "threshold"}
MNIST = {"hidden": 200, "binarize": "dynamic"}


class VAE(Model):
    r"""Auto-encoding variational Bayes: a picture x is explained by a short code z.

    .. math::
        \log p(x) \ge L(x) = E_{q(z|x)}[\log p(x|z)] - \beta\, KL(q(z|x) \| p(z)),
        \qquad q(z|x) = N(\mu(x), \mathrm{diag}\, e^{\ell(x)}), \quad p(z) = N(0, I)

    with p(x|z) Bernoulli for pixels in [0, 1], and N(f(z), σ²I) with one learned σ for real data. All bounds are in nats
    a row, for β = 1 and in raw units, whatever β trained them. Inputs are (n, d) raw rows; a `BadInput` names a row and
    column that is not finite or not in [0, 1], or a wrong d.

    Source: Kingma & Welling, *Auto-Encoding Variational Bayes*, ICLR 2014, arXiv 1312.6114; β: Higgins et al., ICLR 2017.
    """

    latent: int = knob(2, 1, 64, "dimension of the code z")
    hidden: int = knob(200, 8, 1024, "units in each hidden layer")
    depth: int = knob(1, 1, 4, "hidden layers of the encoder and of the decoder")
    activation: Activation = knob("relu", help="what hidden units do with their input")
    beta: float = knob(1.0, 0.0, 1000.0, "price of a nat of code: weight of the KL term", live=True)
    warmup: int = knob(0, 0, 100_000, "steps over which beta grows from 0 to its value")
    estimator: Literal["closed", "sampled"] = knob("closed", help="KL in closed form (SGVB-B) or sampled (SGVB-A)", live=True)
    lr: float = knob(1e-3, 1e-5, 1e-1, "step size of Adam", log=True, live=True)
    batch: int = knob(100, 1, 4096, "rows in a minibatch", live=True)
    binarize: Literal["none", "threshold", "dynamic", "fixed"] = knob("none", help="how grey pixels become bits", live=True)

    presets = {
        "moons": Preset(3000, knobs=POINTS, idea="two bent moons: how a plane is folded onto them"),
        "8gaussians": Preset(3000, knobs=POINTS, idea="eight islands, and the bridges a continuous decoder must build"),
        "swissroll": Preset(3000, knobs=POINTS, idea="a rolled-up ribbon"),
        "pinwheel": Preset(3000, knobs=POINTS, idea="five arms, labelled"),
        "digits": Preset(2800, knobs=DIGITS, idea="8×8 digits on a plane of codes"),
        "digits-10": Preset(2800, data="digits", knobs={**DIGITS, "latent": 10}, idea="8×8 digits with ten code dimensions"),
        **{
            f"beta-{b:g}": Preset(2800, data="digits", knobs={**DIGITS, "latent": 10, "beta": b}, listed=False)
            for b in (0.25, 0.5, 2.0, 4.0)
        },
        "mnist": Preset(1600, knobs={**MNIST, "latent": 20}, idea="28×28 digits with twenty code dimensions"),
        "mnist-plane": Preset(2400, data="mnist", knobs={**MNIST, "hidden": 256}, idea="28×28 digits on a plane of codes"),
    }

    @classmethod
    def suits(cls, knobs: Any, spec: Spec) -> None:
        if spec.support == "real" and knobs.binarize != "none":
            raise BadInput(f"binarize = {knobs.binarize} makes bits of pixels: these data are real numbers, leave it at none")

    def build(self) -> None:
        d, widths = self.spec.dim, [self.hidden] * self.depth
        self.encoder = mlp([d, *widths, 2 * self.latent], self.activation)
        self.decoder = mlp([self.latent, *widths, d], self.activation)
        head = self.encoder[-1]
        assert isinstance(head, nn.Linear)
        nn.init.zeros_(head.weight[self.latent :])  # so that q starts with unit variance
        nn.init.zeros_(head.bias[self.latent :])
        self.gaussian = self.spec.support == "real"
        if self.gaussian:
            self.units = Standardize(d)
            self.log_sigma = nn.Parameter(torch.tensor(-1.0))

    def prepare(self, data: Data) -> None:
        if self.gaussian:
            self.units.fit(data.x)

    def fit(self, data: Data, rng: Rng) -> Iterator[Step]:
        """Algorithm 1 with L = 1 sample a row."""
        adam = Adam(self.parameters(), self.lr, fused=True)
        for t, (x, *_) in enumerate(data.batches(self, rng), start=1):
            mu, log_var = self.q(x)
            std = (log_var / 2).exp()
            z = mu + std * rng.normal_like(mu)  # eq. 4: noise comes from outside
            log_px = self.log_likelihood(x, z)
            kl = self.kl(mu, log_var).sum(1) if self.estimator == "closed" else self.sampled_kl(mu, log_var, z)
            beta = self.beta * min(1.0, t / self.warmup) if self.warmup else self.beta
            reconstruction, rate = log_px.mean(), kl.mean()
            minimize(adam, beta * rate - reconstruction, lr=self.lr)  # eq. 10
            reconstruction, rate = reconstruction.detach(), rate.detach()
            yield Step(
                {"elbo": reconstruction - rate, "reconstruction": reconstruction, "kl": rate},
                caption="Every weight moves a little uphill on the bound.",
                show={"x": x, "mean": mu, "std": std, "z": z},
            )

    # ------------------------------------------------------------ the two networks and the two terms

    def q(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        """Mean and log-variance of q(z|x)."""
        mu, log_var = self.encoder(self.units(x) if self.gaussian else x).chunk(2, dim=1)
        return mu, log_var.clamp(-12, 8)

    def log_likelihood(self, x: Float[Tensor, "n d"], z: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
        """log p(x|z), nats in raw units."""
        if self.gaussian:
            s = self.log_sigma.clamp(-5, 3)  # unbounded when data repeats: keep the clamp
            error = (self.units(x) - self.decoder(z)).square().sum(1)
            return -error / (2 * (2 * s).exp()) - self.spec.dim * (s + LOG_2PI / 2) + self.units.log_det
        return -F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="none").sum(1)

    @staticmethod
    def kl(mu: Float[Tensor, "n k"], log_var: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """KL(q(z_j|x) ‖ N(0, 1)) of each dimension, nats (appendix B)."""
        return (mu.square() + log_var.exp() - 1 - log_var) / 2

    @staticmethod
    def sampled_kl(mu: Float[Tensor, "n k"], log_var: Float[Tensor, "n k"], z: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
        """log q(z|x) − log p(z): the same mean as `kl`, with noise (SGVB-A, eq. 6)."""
        return ((z.square() - (z - mu).square() / log_var.exp() - log_var) / 2).sum(1)

    # ------------------------------------------------------------ capabilities

    def encode(self, x: Float[Tensor, "n d"]) -> Normal:
        """q(z|x), of batch shape (n, k)."""
        mu, log_var = self.q(self.spec.check(x))
        return Normal(mu, (log_var / 2).exp(), validate_args=False)

    def prior(self) -> Normal:
        return Normal(torch.zeros(self.latent), torch.ones(self.latent), validate_args=False)

    def decode(self, z: Float[Tensor, "n k"]) -> Float[Tensor, "n d"]:
        """The mean of p(x|z): pixels' probabilities, or points in raw units."""
        out = self.decoder(z)
        return self.units.undo(out) if self.gaussian else out.sigmoid()

    def reconstruct(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return self.decode(self.encode(x).mean)

    def sample(self, n: int, rng: Rng) -> Float[Tensor, "n d"]:
        """Pixels' probabilities, or points drawn with the learned noise."""
        x = self.decode(rng.normal(n, self.latent))
        return x + self.log_sigma.clamp(-5, 3).exp() * self.units.scale * rng.normal_like(x) if self.gaussian else x

    def log_joint(self, x: Float[Tensor, "n d"], z: Float[Tensor, "m k"]) -> Float[Tensor, "n m"]:
        """log p(x_i|z_j) + log p(z_j) for every pair, nats in raw units."""
        x, prior = self.spec.check(x), -(z.square() + LOG_2PI).sum(1) / 2
        out = self.decoder(z)
        if self.gaussian:
            s = self.log_sigma.clamp(-5, 3)
            error = torch.cdist(self.units(x), out, compute_mode="donot_use_mm_for_euclid_dist").square()
            return prior - error / (2 * (2 * s).exp()) - self.spec.dim * (s + LOG_2PI / 2) + self.units.log_det
        return prior + x @ out.T - F.softplus(out).sum(1)

    def bound(self, x: Float[Tensor, "n d"], rng: Rng, k: int = 1) -> Float[Tensor, " n"]:
        """log (1/k) Σ p(x|z)p(z)/q(z|x) with z ~ q(z|x): the ELBO for k = 1, nearer to log p(x) from below as k grows."""
        mu, log_var = self.q(self.spec.check(x))
        log_w = []
        for _ in range(k):
            z = mu + (log_var / 2).exp() * rng.normal_like(mu)
            log_w.append(self.log_likelihood(x, z) - self.sampled_kl(mu, log_var, z))
        return torch.logsumexp(torch.stack(log_w), 0) - math.log(k)

    def monitor(self, data: Data, rng: Rng) -> dict[str, float]:
        """Mean bound (β = 1) and KL of unseen rows, nats a row, and how many dimensions cost more than 0.01 nat."""
        x = data.seen(self, TESTED, "test")
        mu, log_var = self.q(x)
        z = mu + (log_var / 2).exp() * rng.normal_like(mu)
        kl = self.kl(mu, log_var)
        reconstruction = self.log_likelihood(x, z).mean().item()
        figures = {"test elbo": reconstruction - kl.sum(1).mean().item(), "test kl": kl.sum(1).mean().item()}
        return {**figures, "active dimensions": float((kl.mean(0) > 0.01).sum())}

    def layers(self, data: Data, rng: Rng) -> list[Pane]:
        """The anatomy of the loss: what is lost in the picture, what is paid for the code, and the bound on unseen rows."""
        areas = Curves(name="loss", columns=("reconstruction", "kl"), signs=(-1, 1), stack=True, label="−reconstruction + KL")
        lines = {"columns": ("elbo", "test elbo"), "signs": (-1, -1), "label": "−ELBO, train and test"}
        test = f"{min(TESTED, len(data.test_x))} unseen rows{BITS[self.binarize]}, at tenths of the run, one sample of z a row"
        how = f"Means over a minibatch at each step, closed-form KL; test: {test}."
        reads = "The two areas add up to the negative bound: a longer code costs more and is repaid in sharper pictures."
        title, curves = "What does the bound pay for?", [areas, Curves(name="bound", role="truth", **lines)]
        return [Pane(name="anatomy", title=title, kind="curves", layers=curves, reads=reads, how=how, y_label="nats")]

    def client(self) -> dict[str, list[list[Any]]]:
        last = [["affine", "units.shift", "units.scale"]] if self.gaussian else [["sigmoid"]]
        return {"decode": program(self.decoder, "decoder") + last}
