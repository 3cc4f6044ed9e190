"""The page of the diffusion model."""

from genviz.studio.page import Page

page = Page(
    "diffusion",
    default="8gaussians",
    knobs=("T", "schedule", "readout", "hidden", "lr", "batch"),
    figures={
        "loss": (
            "loss of a step back",
            "Mean over the minibatch, a time drawn for each row: nats of the divergence (sd15, bits), or the squared error of the guess "
            "(eps, x0).",
        ),
        "test bound": (
            "bound on unseen rows (K), nats",
            "Mean over at most 32 test rows at tenths of the run, all T steps, one draw of the noise for each. Of grey pixels the read-outs eps and x0 "
            "keep a fixed spread: their bound is far below that of sd15, and says little of the samples.",
        ),
        "HQ": (
            "samples near a mode (HQ)",
            "Share of 100 samples within three standard deviations of the nearest mean of the true mixture; exact samples reach 0.989.",
        ),
    },
)

page.idea(
    "Stir ink into water slowly: its shape is lost in many tiny steps, each so small that a step as simple can undo it. A diffusion model "
    "does that to data: <i>T</i> times it adds a little <b>noise</b>, until nothing is left but noise. A network sees a noisy row and the "
    "time and learns where it came from: the mean and the spread of one <b>step back</b>. To make something new, start from noise and take "
    "<i>T</i> steps back. As both directions are explicit probabilities, the model also gives a lower bound on log&nbsp;<i>p</i>(<i>x</i>) "
    "in bits, and what is known of a row steers each step: half a picture can be completed.",
    ["x₀", "→ noise q(xₜ|xₜ₋₁) →", "x_T", "→ network p(xₜ₋₁|xₜ) →", "x₀"],
)
bits = page.source is not None and page.source.info["spec"]["support"] == "binary"
page.stage(["raster"] if bits else ["data", "samples"])

page.film("undoing")  # points in a plane, both ways
page.film("chain")  # any rows
page.film("completing")  # pictures; what is known stays
page.pictures(["budget"], ["signal"], ["rates"], ["erased"])
page.mathematics(
    [
        (
            "Any amount of noise can be added at once; a time is drawn for each row,",
            r"q(x_t|x_0) = N\big(\sqrt{A_t}\, x_0, (1 - A_t) I\big), \quad A_t = \prod_{s \le t} (1 - \beta_s)",
            "self.noise.q(",
        ),
        (
            "for a known beginning the step back is known exactly, and the network guesses it without,",
            r"\begin{aligned} q(x_{t-1}|x_t, x_0) &= N(c_0 x_0 + c_1 x_t, \tilde\beta_t I) \\ p(x_{t-1}|x_t) &= N(\mu_\theta, \Sigma_\theta) \end{aligned}",
            "truth, guess",
        ),
        (
            "the guess pays in nats for being another law,",
            r"KL(q \| p) = \tfrac12 \sum_j \Big[ \ln\frac{\Sigma_j}{\tilde\beta_t} + \frac{\tilde\beta_t + (m_j - \mu_j)^2}{\Sigma_j} - 1 \Big]",
            "self.noise.kl(",
        ),
        (
            "and all steps together bound the likelihood.",
            r"\begin{aligned} \log p(x_0) \ge K = E_q\Big[&\log p(x_0|x_1) - \sum_{t=2}^T KL_t \\ &- KL\big(q(x_T|x_0) \| p(x_T)\big)\Big] \end{aligned}",
            "minimize",
        ),
        (
            "DDPM's shorter road: guess the noise that was added, with a plain squared error. It is the score of the noisy data.",
            r"\| \varepsilon - \varepsilon_\theta(x_t, t) \|^2, \qquad -\frac{\varepsilon_\theta}{\sqrt{1 - A_t}} \approx \nabla \log q_t(x_t)",
            "self.error(",
        ),
        (
            "Weights are averaged over the second half; the average draws the samples.",
            r"\bar\theta \leftarrow \bar\theta + 0.005\, (\theta - \bar\theta)",
            "follow(",
        ),
    ]
)
page.claims(
    "The paper gives lower bounds for six data sets (swiss roll 2.35 bits, binary heartbeat −2.414 bits a sequence against a truth of "
    "−2.322, dead leaves, bark, CIFAR-10) and Parzen estimates on MNIST (220 nats); DDPM adds the best picture quality of its time. In "
    "miniature: a bound in bits beside the truth where the truth is known, and every mode of a mixture in the right proportion.",
    "stopped early, the samples are **fog** between the islands, and predicting the noise, the habit since DDPM, clears it more slowly in "
    "the plane than SD15's own bound does (both measured above). The `erase` schedule never erases all of real-valued data: its samples start "
    "from a slightly wrong cloud, as the *end* of the budget tells. Of grey pixels the bound counts 256 levels with a fixed spread, and the read-out x0 is "
    "careless in the last steps, which an eye forgives and the bound does not: see the first bars of the budget of the digits. Completing a row by replacing what is known is only nearly right: the "
    "free half sees the known half through the same noise, and the histogram of completions differs from the exact conditional.",
)
page.neighbours(
    {
        "infusion": "no fixed noise: the chain itself is trained, nudged towards the data at each step.",
        "walkback": "learns the way into the noise, too: it heats its own chain and learns to cool it.",
        "dae": "one amount of noise instead of all of them; its chain wanders near the data for ever.",
        "vae": "one big step with a learned encoder, instead of many small ones with a fixed one.",
    }
)
