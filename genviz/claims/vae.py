"""The variational autoencoder's claims, measured on digits that a laptop can afford."""

from functools import cache

from genviz.claims import Measured, claim
from genviz.data import Binarize, Data, dataset
from genviz.face import create, preset_for
from genviz.metrics import mixture_of_bernoullis
from genviz.metrics.likelihood import importance_bound
from genviz.models.variational.vae import VAE
from genviz.rng import Rng
from genviz.run import Run, looking

PAPER = "Kingma & Welling 2014, arXiv 1312.6114"
BETA_PAPER = "Higgins et al., ICLR 2017"
BETAS = (0.25, 1.0, 4.0, 10.0)
mnist, digits = cache(lambda: dataset("mnist")), cache(lambda: dataset("digits"))


@cache
def trained(preset: str, data: Data, seed: int, beta: float = 1.0) -> VAE:
    """The preset of that name, trained for its steps."""
    model = create("vae", data, seed, preset=preset, beta=beta)
    assert isinstance(model, VAE)
    Run(model, data, seed).advance(steps=preset_for(VAE, data, preset)[1].steps)
    return model


def mixture(data: Data, k: int, how: Binarize, seed: int) -> float:
    """Mean exact held-out log-likelihood of `k` Bernoullis, nats a picture."""
    fitted = mixture_of_bernoullis.fit(data.binarized(how), k, Rng(seed, "mixture"))
    return fitted.log_prob(data.binarized(how, "test")).mean().item()


def elbo(model: VAE, data: Data, how: Binarize) -> float:
    """Mean held-out evidence lower bound (β = 1), nats a picture."""
    with looking(model) as rng:
        return model.bound(data.binarized(how, "test"), rng).mean().item()


@claim(
    model="vae",
    says="Trained by back-propagation through its code, a lower bound explains unseen pictures far better than templates do.",
    paper=PAPER,
    measure="Held-out evidence lower bound of 20 code dimensions after 20 epochs on 8,000 MNIST digits, bits drawn afresh "
    "at each visit, against the exact log-likelihood of 50 Bernoulli templates fitted by EM; 2,000 test pictures, one fixed "
    "draw of bits.",
)
def beats_templates_on_mnist(seed: int) -> Measured:
    model = trained("mnist", mnist(), seed)
    with looking(model) as rng:
        iw = importance_bound(model, mnist().binarized("fixed", "test")[:300], rng, 100).mean
    return Measured(elbo(model, mnist(), "fixed"), mixture(mnist(), 50, "fixed", seed), 20.0, details={"IW-100, 300 rows": iw})


@claim(
    model="vae",
    says="The bound tightened by importance sampling beats the exact likelihood of a mixture, even on tiny digits.",
    paper=PAPER,
    measure="Importance bound with 500 samples of 10 code dimensions on 397 unseen 8×8 digits, against the exact "
    "log-likelihood of 20 Bernoulli templates fitted by EM; pixels above ½ count as 1.",
    fast=True,
)
def beats_templates_on_digits(seed: int) -> Measured:
    model = trained("digits-10", digits(), seed)
    with looking(model) as rng:
        iw = importance_bound(model, digits().binarized("threshold", "test"), rng, 500)
    return Measured(iw.mean, mixture(digits(), 20, "threshold", seed), 0.4, details={"standard error": iw.se})


@claim(
    model="vae",
    says="More code dimensions do not overfit: the bound regularises them.",
    paper=PAPER,
    measure="Held-out evidence lower bound on 397 unseen 8×8 digits, 10 code dimensions against 2.",
    fast=True,
)
def more_dimensions_help(seed: int) -> Measured:
    ten, two = (elbo(trained(preset, digits(), seed), digits(), "threshold") for preset in ("digits-10", "digits"))
    return Measured(ten, two, 1.0)


@claim(
    model="vae",
    says="β trades rate against distortion: a larger β buys a shorter code with a worse picture, until the code is empty.",
    paper=BETA_PAPER,
    measure="Four models with β = 0.25, 1, 4, 10 on 8×8 digits, 10 code dimensions: the smallest of the falls of the rate "
    "(KL) and rises of the distortion (−E log p(x|z)) from one β to the next, on 397 unseen digits; it must not be negative.",
)
def beta_orders_rate_and_distortion(seed: int) -> Measured:
    x, details = digits().binarized("threshold", "test"), {}
    for beta in BETAS:
        model = trained("digits-10", digits(), seed, beta)
        with looking(model) as rng:
            mu, log_var = model.q(x)
            kl = model.kl(mu, log_var)
            z = mu + (log_var / 2).exp() * rng.normal_like(mu)
            details[f"β={beta:g} rate"] = kl.sum(1).mean().item()
            details[f"β={beta:g} distortion"] = -model.log_likelihood(x, z).mean().item()
            details[f"β={beta:g} active"] = float((kl.mean(0) > 0.01).sum())
    rate, distortion = ([details[f"β={beta:g} {what}"] for beta in BETAS] for what in ("rate", "distortion"))
    steps = [a - b for a, b in zip(rate, rate[1:], strict=False)] + [
        b - a for a, b in zip(distortion, distortion[1:], strict=False)
    ]
    return Measured(min(steps), 0.0, 0.0, details=details)
