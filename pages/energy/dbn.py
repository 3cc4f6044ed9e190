"""The page of the deep belief network."""

import math

from genviz.studio.page import Page
from genviz.studio.sweep import curves_over

page = Page(
    "dbn",
    default="bars-and-stripes",
    knobs=("h1", "h2", "h3", "start", "upper", "lr"),
    figures={
        "test bound": (
            "bound on the log-likelihood of unseen rows, nats",
            "Mean over at most 500 test rows at tenths of the run, ten beliefs a row; log Z of the top level exact up to 20 units in a layer, "
            "else annealed over 200 temperatures × 50 runs.",
        ),
        "first level alone": (
            "the first level by itself, nats",
            "The same rows under the first machine as it stood when its turn was over: exact, or with log Z annealed.",
        ),
        "gained by up-down": (
            "gained by up-down, nats: stop if it falls below 0",
            "The bound now less the bound when up-down began, of the same rows and draws of beliefs. Below 0 up-down destroys what the levels "
            "had learned: go back, and take a smaller step size. Where log Z is annealed, a difference of some hundredths may be chance.",
        ),
        "effective runs": (
            "annealing runs that count, of 50",
            "(Σw)²/Σw² of the runs behind log Z of the top level; below 10 the bound is likely too good. Exact answers have none.",
        ),
        "test error": (
            "classes guessed wrong",
            "Share of at most 500 test rows whose class has not the lowest free energy beside what the top level sees of them.",
        ),
    },
)

page.idea(
    "Train an RBM on the data. Take what its hidden units believe of each row, freshly drawn, as <b>new data</b> for a second RBM, and so "
    "on. Stacked, only the <b>top two layers</b> stay an undirected memory; everything below becomes a painter. To dream, let the memory "
    "run for a while, then paint downwards once. If a new level begins as the one below <b>turned over</b>, nothing changes at that "
    "moment, and learning on can only raise a lower bound on the likelihood. From another start nothing is promised, and this page "
    "shows what that costs. What higher levels are good at is something else: their chains change their mind more easily.",
    ["v", "⇄ p(v|h¹) = σ(b + h¹W₁ᵀ), belief q(h¹|v) ⇄", "h¹", "↔ p(h¹, h²), an RBM ↔", "h²"],
)
pictures = page.source is None or page.source.images
page.stage(["samples", "stages"] if pictures else ["data", "stages"])

page.walk("gibbs")  # the whole stack in the browser: the memory, and what it paints
page.film("chain")  # dreaming; with labels, of a chosen class
page.film("depths")
page.film("completing")
page.pictures(["gap"], ["states"], ["sheets"], ["hierarchy"], ["cleaning"], ["energies"], ["filters"], ["annealing"])
curves_over(
    page,
    "test log-likelihood",
    {"turned over": "bars-and-stripes", "random": "bars-and-stripes-random"},
    title="What is a good beginning worth?",
    y_label="log-likelihood, nats",
    ceiling=-math.log(14),
    reads="Bars and stripes, 3 × 3: the exact log-likelihood of all fourteen. At update 10,000 the second level joins: turned over "
    "it goes on where the first one stopped, at random it begins far below and does not catch up.",
    how="The shipped presets, seed 0; the ceiling is −log 14.",
)
page.mathematics(
    [
        (
            "The top level is an RBM over the features of the level below, and paints them downwards.",
            r"\begin{aligned} p(v,h^1,h^2) &= p(v|h^1)\,p_{\text{top}}(h^1,h^2) \\ p_{\text{top}} &\propto e^{b_1 \cdot h^1 + c_2 \cdot h^2 + h^1 W_2 h^2} \end{aligned}",
            "self.stack.levels",
        ),
        (
            "A new level begins as the one below turned over: the same p(v), beliefs that are exact.",
            r"W_2 = W_1^{\mathsf T}, \quad b_1 = c_1, \quad c_2 = b_0",
            "self.stack.add(",
        ),
        (
            "Its data are beliefs, drawn anew at each update: not their means, which would belong to another bound.",
            r"h^1 \sim q(h^1|v) = \sigma(c_1 + v W_1)",
            "self._features(",
        ),
        (
            "It learns them as any RBM does,",
            r"\nabla_{W_2} = \langle h^1\, p(h^2|h^1)^{\mathsf T} \rangle_{\text{beliefs}} - \langle \cdot \rangle_{\text{fantasies}}",
            "net.uphill(",
        ),
        (
            "which raises the part of the bound that is its own.",
            r"\log p(v) \ge E_q\left[\log p(v|h^1) + \log p_{\text{top}}(h^1)\right] + H(q)",
            "net.climb(",
        ),
        (
            "At last all levels together, if wanted: awake, painting learns what was recognised; asleep, recognition what was painted.",
            r"\Delta W = \eta\,(h - \hat h)\, h'^{\mathsf T}",
            "self.stack.up_down(",
        ),
    ]
)
page.claims(
    "Hinton, Osindero & Teh reached 1.25 % test error on MNIST with 784-500-500-2000 and ten label units after up-down training, about "
    "2.5 % before it. Salakhutdinov & Murray measured a bound of −86.2 nats for 500-2000, beside −86.3 for a single RBM. Bengio et al. "
    "found that chains in deeper levels visit more classes. In miniature: a network so small that every probability is exact, and three "
    "levels of MNIST.",
    "**a second level mends, it adds no power here**: a single RBM with persistent chains ends about as high as the stack, or higher: what "
    "the second level mends is what CD-1 had left of the first. **A random start ended below the turned-over one** with each shipped seed; "
    "these figures stand with the first claim. On well trained digits a second level does not raise the bound, and on MNIST's three levels, "
    "begun at random, **each level lowers it** while samples get better. **Level 2 may change class less often than level 1**: it did with "
    "most of the shipped seeds, see the second claim, whose rule is one of the mean. A blurred picture between two digits can flip the reader, "
    "too: look at the frames. And **Parzen scores mislead**: in 784 dimensions they depend on the bandwidth and on the number of samples, "
    "which is why the score of as many real pictures stands beside them.",
)
page.neighbours(
    {
        "rbm": "one level of this; its page tells how an RBM learns.",
        "dbm": "the same stack, but every layer listens up and down.",
        "helmholtz": "wake and sleep alone, without a memory on top.",
        "mcmc": "why chains get stuck, and what walking higher up does about it.",
        "autoencoder": "the stack unrolled, then trained through by back-propagation.",
    }
)
