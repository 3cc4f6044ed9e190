"""The page of the variational autoencoder."""

from genviz.studio.page import Page
from genviz.studio.sweep import rate_distortion

page = Page(
    "vae",
    default="moons",
    knobs=("latent", "hidden", "beta", "lr", "batch"),
    figures={
        "elbo": (
            "bound (ELBO), nats",
            "Mean over the minibatch of this step, one sample of z a row, KL as the estimator has it, β = 1.",
        ),
        "test elbo": (
            "bound on unseen rows, nats",
            "Mean over at most 500 test rows at tenths of the run, one sample of z a row, β = 1.",
        ),
        "kl": (
            "code (KL), nats",
            "KL(q(z|x) ‖ p(z)), closed or sampled as the estimator says, mean over the minibatch of this step.",
        ),
    },
)

page.idea(
    "A VAE explains each picture <i>x</i> by a short code <i>z</i> drawn from a bell curve and turned into a picture by a network, the "
    "<b>decoder</b>. Nobody can compute which code produced a given picture, so a second network, the <b>encoder</b>, guesses a small cloud "
    "of plausible codes. Training raises a lower bound on log&nbsp;<i>p</i>(<i>x</i>): reconstruct well, but pay for every nat by "
    "which the guessed cloud differs from the bell curve. The noise comes from outside, <i>z</i> = <i>μ</i> + <i>σε</i>, so that gradients "
    "flow through a random code.",
    ["x", "→ encoder q(z|x) →", "μ, σ", "→ + σ·ε →", "z", "→ decoder p(x|z) →", "x̂"],
)
page.stage(["data", "plane", "decoded", "samples"])
page.pictures(["posterior"], ["kl"], ["anatomy"], ["traversal"])
rate_distortion(
    page,
    knob="beta",
    presets={0.25: "beta-0.25", 0.5: "beta-0.5", 1.0: "digits-10", 2.0: "beta-2", 4.0: "beta-4"},
    reads="8×8 digits, ten code dimensions. Left: a silent code and blurred pictures; right: a talkative code and sharp ones.",
    how="The shipped presets on 397 unseen digits, pixels above ½ as 1, one sample of z a row.",
)
page.mathematics(
    [
        (
            "The encoder guesses a cloud for each row,",
            r"q_\phi(z|x) = N\big(\mu(x), \operatorname{diag} e^{\ell(x)}\big)",
            "self.q(x)",
        ),
        (
            "a code is drawn from it, with noise from outside,",
            r"z = \mu + e^{\ell/2} \odot \varepsilon, \quad \varepsilon \sim N(0, I)",
            "normal_like",
        ),
        ("the decoder says how probable the row is,", r"\log p_\theta(x|z)", "log_likelihood"),
        ("the cloud is paid for in nats,", r"KL = \tfrac12 \sum_j \big(\mu_j^2 + e^{\ell_j} - 1 - \ell_j\big)", "kl ="),
        (
            "and both networks climb the bound.",
            r"L_\beta(x) = E_q[\log p_\theta(x|z)] - \beta\, KL \;\le\; \log p(x) \ \ (\beta = 1)",
            "minimize",
        ),
    ]
)
page.claims(
    "The paper shows that this bound beats wake–sleep for every size of code on MNIST and Frey faces (curves, no single number). "
    "In miniature: a *lower bound* on the VAE's held-out log-likelihood is better than the *exact* one of a mixture of Bernoullis.",
    "on 2-D points a VAE does not beat a mixture of Gaussians: a continuous decoder must leave bridges between islands. On 8×8 digits it "
    "only just beats a mixture of Bernoullis; its advantage shows at 28×28. With β ≥ 4 on digits the code collapses: every picture gets the "
    "same cloud.",
)
page.neighbours(
    {
        "helmholtz": "its ancestor: the same two networks, trained by wake–sleep instead of one bound.",
        "iwae": "the same networks, several weighted guesses a row: a tighter bound.",
        "autoencoder": "no cloud and no prior: a code that reconstructs but cannot be sampled.",
    }
)
