"""The page of the restricted Boltzmann machine."""

import math

from genviz.studio.page import Page
from genviz.studio.sweep import curves_over

page = Page(
    "rbm",
    default="bars-and-stripes",
    knobs=("hidden", "algorithm", "k", "chains", "lr", "batch"),
    figures={
        "test log-likelihood": (
            "log-likelihood of unseen rows, nats",
            "Mean over at most 500 test rows at tenths of the run: exact up to 20 units in the smaller layer, else with log Z from annealed "
            "importance sampling, 200 temperatures × 50 runs.",
        ),
        "effective runs": (
            "annealing runs that count, of 50",
            "(Σw)²/Σw² of the runs behind log Z; below 10 the log-likelihood is likely too good. Exact answers have none.",
        ),
        "reconstruction": (
            "reconstruction error (not the objective)",
            "Squared error a row, up and down again without noise, mean over at most 500 test rows at tenths of the run.",
        ),
    },
)

page.idea(
    "An RBM has two layers: visible units <i>v</i> hold the data, hidden units <i>h</i> are feature detectors. As nothing is linked "
    "<b>within</b> a layer, all features can be drawn at once given the picture, and all pixels at once given the features. Going up and "
    "down like this, the machine <b>dreams</b>. Learning makes data more probable than dreams: what data show goes up, what fantasies show "
    "goes down. The art, and the lesson of this page, is where fantasies come from: a few sweeps from the data (CD), chains that go "
    "on for ever (PCD), or chains that are heated to cross barriers.",
    ["v", "→ p(h|v) = σ(c + vW) →", "h", "→ p(v|h) = σ(b + hWᵀ) →", "v"],
)
pictures = page.source is None or page.source.images
page.stage(["samples", "filters"] if pictures else ["data", "density"])

page.walk("gibbs")  # the microscope, of bits
page.film("chain")
page.film("completing")
page.pictures(
    ["states"], ["likelihood"], ["energies"], ["annealing"], ["components"], ["codes"], *([] if pictures else [["filters"]])
)
curves_over(
    page,
    "test log-likelihood",
    {"CD-1": "cd-1", "CD-10": "cd-10", "PCD-1": "bars-and-stripes", "FPCD-1": "fpcd", "tempering": "pt"},
    title="Which fantasies teach best?",
    y_label="log-likelihood, nats",
    ceiling=-math.log(14),
    reads="Bars and stripes, 3 × 3: the exact log-likelihood of all fourteen. CD-1 looks at its own reconstructions and stays below; "
    "chains that go on, or longer ones, come near the dashed ceiling.",
    how="The shipped presets, 10,000 updates at a rate falling from 0.1 to 0, seed 0; the ceiling is −log 14.",
)
page.mathematics(
    [
        (
            "The energy of a picture and its features; a picture alone has the free energy.",
            r"\begin{aligned} E(v,h) &= -b \cdot v - c \cdot h - vWh \\ F(v) &= -b \cdot v - \textstyle\sum_j \mathrm{softplus}(c + vW)_j \end{aligned}",
            "net = self.net",
        ),
        (
            "Given the data, all features at once,",
            r"p(h_j = 1|v) = \sigma(c + vW)_j",
            "net.up(v0)",
        ),
        (
            "fantasies start at the data, or where their own chains stand,",
            r"h \sim p(h|v_0) \ \text{(CD)}, \qquad h = \text{the chains' (PCD)}",
            "before, shown",
        ),
        (
            "and take k sweeps down and up, hotter and colder ones side by side if tempered.",
            r"v \sim p(v|h) = \sigma(b + hW^{\mathsf T}), \qquad h \sim p(h|v)",
            "net.sweep(",
        ),
        (
            "What data show, less what fantasies show, is the gradient.",
            r"\nabla_W \log p = \langle v\, p(h|v)^{\mathsf T} \rangle_{\text{data}} - \langle v\, p(h|v)^{\mathsf T} \rangle_{\text{model}}",
            "net.uphill(",
        ),
        (
            "Weights follow it at a falling rate, and are pulled to zero a little.",
            r"\theta \leftarrow \theta + \eta_t\, (\nabla \log p - \lambda W)",
            "falling(",
        ),
    ]
)
page.claims(
    "On MNIST with 500 hidden units Salakhutdinov & Murray measured −125.5 nats for CD-1, −105.5 for CD-3 and −86.3 for CD-25, with log Z "
    "from annealed importance sampling; Tieleman found persistent chains better than CD-1 in the same time. In miniature: machines so small "
    "that every probability is exact.",
    "with a constant rate and few chains, **persistent chains collapse** while the reconstruction stays perfect: reconstruction is not the "
    "objective. With real-valued units the noise σ and the first weights decide everything: what works on eight islands fails on two "
    "moons, worse than one Gaussian (preset `moons-narrow`). On MNIST few of the annealing runs count, so its log-likelihood, likely "
    "too good, is shown with their number; stochastic bits of the 8×8 digits are almost noise, so these are thresholded.",
)
page.neighbours(
    {
        "hopfield": "the same energy without hidden units or coins: its memories are the valleys.",
        "boltzmann": "links within the layers as well: one unit at a time, and far slower dreams.",
        "dbn": "these machines stacked, each learning the features of the one below.",
        "dbm": "stacked, too, but every layer listens up and down.",
        "autoencoder": "unrolled: the up and down of a stack of RBMs, then trained through by back-propagation.",
    }
)
