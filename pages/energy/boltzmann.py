"""The page of the Boltzmann machine."""

from math import prod

from genviz.studio.page import Page
from genviz.studio.sweep import curves_over

page = Page(
    "boltzmann",
    default="bars-and-stripes",
    knobs=("hidden", "averages", "k", "chains", "lr", "links"),
    figures={
        "KL from the data": (
            "KL from the data to the machine, nats",
            "G of 1985: Σ p(x) log p(x)/q(x) over the legal rows, exact, at tenths of the run; where all states can be listed.",
        ),
        "test log-likelihood": (
            "log-likelihood of unseen rows, nats",
            "Mean over at most 500 test rows at tenths of the run: exact up to 20 units in all; else log Z is annealed (200 temperatures × "
            "50 runs), and of more than ten hidden units mean field gives a lower bound in place of the sum over them.",
        ),
        "moved": (
            "units that a sweep changes, share",
            "Of the free chains, in the last sweep before the update. Below 0.01 the chains are frozen: their averages mean little.",
        ),
    },
)

page.idea(
    "A Boltzmann machine is a Hopfield network with noise: each unit looks at all others and switches on with a probability. Left alone it "
    "wanders over all states, and is found in each with probability ∝ e<sup>−energy</sup>. Some units are visible and hold the data, others are "
    "hidden and explain them; every pair may be linked. Learning needs two local averages: how often two units are on together while data "
    "are held (<b>awake</b>), and while the machine runs free (<b>asleep</b>). The difference flows into their weight. This is exact maximum "
    "likelihood, and it is slow: both averages ask for equilibrium, one unit at a time.",
    ["v", "↔ every pair linked, p(s_i = 1) = σ(Σ_j W_ij s_j + b_i) ↔", "h"],
)
pictures = page.source is None or page.source.images
few = page.source is None or prod(page.source.info["spec"]["shape"]) <= 20
hidden = page.source is None or page.source.info["knobs"].get("hidden", 4) != 0
page.stage(
    ["samples", "coactivation" if few else "filters" if hidden else "weights"] if pictures else ["states", "coactivation"]
)

page.walk("gibbs")
page.film("chain")
page.film("completing")
page.pictures(
    ["corners"],
    ["states"],
    *([] if few else [["coactivation"]]),
    ["agreement"],
    ["likelihood"],
    ["cooling"],
    ["sweeping"],
    ["energies"],
    ["annealing"],
    ["filters"] if hidden else ["weights"],
)
curves_over(
    page,
    "KL from the data",
    {"lists": "exact", "persistent chains": "bars-and-stripes", "annealed chains": "anneal"},
    title="Does it matter how the averages are had?",
    y_label="KL from the data, nats",
    ceiling=0.0,
    reads="Bars and stripes, 3 × 3, four hidden units. Averages over a hundred chains that go on, or that are cooled anew each time as in "
    "1985, teach nearly as much as sums over all 8,192 states. None has arrived: the dashed 0 lies at infinite weights.",
    how="The shipped presets, 2,000 updates at a rate falling from 0.2 to 0, seed 0, exact at tenths of the run.",
)
curves_over(
    page,
    "KL from the data",
    {"two hidden units": "parity", "none": "parity-visible", "two, small first weights": "saddle"},
    key="-parity",
    title="What are hidden units for?",
    y_label="KL from the data, nats",
    ceiling=0.0,
    reads="Three bits of which an even number is on. Every pair of them looks like two fair coins, so without hidden units there is nothing to "
    "learn: all eight states stay equally likely. With two, the four legal ones light up. From small first weights exact averages see no "
    "slope either, as the machine is too symmetric; chance, in first weights or in chains, breaks that.",
    how="The shipped presets, 1,500 updates at a rate falling from 1 to 0, seed 0; the flat lines are at log 2. The third averages by lists.",
)
page.mathematics(
    [
        (
            "The energy of all units together; each is drawn given all others, one after the other.",
            r"E(s) = -\tfrac12 s^{\mathsf T} W s - b \cdot s, \qquad p(s_i = 1 | \text{rest}) = \sigma(\textstyle\sum_j W_{ij} s_j + b_i)",
            "net, d, rows, own",
        ),
        (
            "Asleep, all units are drawn; the chains go on from update to update.",
            r"(v, h) \sim p(v, h)",
            "minus, self.dreams, before = net.settle(",
        ),
        (
            "By lists instead: all states of the hidden units for each row, all states of all units for the free machine.",
            r"\langle s_i s_j \rangle_{\text{free}} = \textstyle\sum_s p(s)\, s_i s_j",
            "net.held(v), net.free()",
        ),
        (
            "Awake, rows are held and only hidden units are drawn.",
            r"h \sim p(h|v)",
            "plus, awake, _ = net.settle(",
        ),
        (
            "What is on together awake, less what is asleep, is the gradient of the log-likelihood.",
            r"\partial \log p / \partial W_{ij} = \langle s_i s_j \rangle_{\text{held}} - \langle s_i s_j \rangle_{\text{free}}",
            "difference =",
        ),
        (
            "Weights and biases follow it at a falling rate; weights are pulled to zero a little, if asked for.",
            r"W \leftarrow W + \eta_t (\nabla \log p - \lambda W)",
            "falling(",
        ),
    ]
)
page.claims(
    "In 1985 all of 250 runs of the 4-2-4 encoder found a code of its own for each of four patterns, half of them within 110 learning cycles, "
    "and a 40-10-40 encoder completed 98.6 % of its patterns. Here, in miniature, what can be summed exactly: whether sampled averages learn "
    "what exact ones do, and what hidden units are needed for.",
    "bars and stripes do **not** need hidden units, four of them gain a tenth of a nat: parity is the case that does. Neither sampled nor exact "
    "averages have **converged** after 2,000 updates; without hidden units the ceiling −log 14 = −2.639 lies at infinite weights, and 20,000 "
    "exact updates come to −2.642. The 4-2-4 encoder often **fails** under exact gradients: from most "
    "first weights two patterns come to share a code and stay so (preset `stuck`), from some all four are told apart. What 1985 did besides "
    "was no luxury: averages annealed anew, held bits that flip now and then and steps of one size lead out of it (preset `as-in-1985`, from "
    "the first weights of `stuck`), at the price of completions that are noisy themselves. From elsewhere, press Train with other seeds "
    "until there are four; the figures beside the square of codes are exact. About one parity run in a hundred stays at the "
    "saddle. On digits log Z is annealed and the hidden units bounded, so those figures are estimates; and 14 × 14 digits are slow on "
    "purpose: 228 units, one after the other.",
)
page.neighbours(
    {
        "hopfield": "the same net without noise or hidden units: it falls into the nearest valley and stays.",
        "rbm": "no links within a layer: all hidden units at once, then all visible ones; that is why it took over.",
        "dbm": "layers of hidden units, linked to the next ones only: mean field awake, chains asleep.",
        "dbn": "links with a direction below the top: dreams without waiting for equilibrium.",
    }
)
