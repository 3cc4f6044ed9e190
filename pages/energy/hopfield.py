"""The page of the Hopfield network."""

import math

from genviz.studio.page import Page

page = Page(
    "hopfield",
    default="digits",
    knobs=("rule", "patterns", "every"),
    figures={
        "load": (
            "patterns a unit, α",
            "Stored patterns over units. Hebb's rule breaks near 0.138 of random patterns, far earlier of patterns that are alike.",
        ),
        "unstable": (
            "stored bits that would flip",
            "Share of all bits of all stored patterns whose input h_i has the other sign: what the first step of recall would lose.",
        ),
        "recalled": (
            "stored rows found again",
            "Of at most 100 stored rows, 15 % of each spoilt: the share recalled bit for bit; by the modern net, of points, the share that "
            "rests nearest to where it began. At tenths of the run.",
        ),
    },
)

page.idea(
    "A Hopfield network is a set of on/off units, all wired to each other with symmetric weights: a <b>memory addressed by content</b>. "
    "Storing a pattern lowers its energy, so that memories become valleys of a landscape. Recall starts from a damaged pattern and lets "
    "one unit at a time do what lowers the energy, until nothing changes. Store too many, and valleys merge into false memories: the "
    "famous limit is 0.138 patterns a unit. The <b>modern</b> network keeps the patterns themselves and averages them by a softmax, "
    "which is the attention of transformers. Play the run: each step stores one more, and going back forgets it.",
    ["damaged s", "→ h = Ws →", "s_i ← sign h_i", "→ unit by unit →", "a valley of E"],
)
plane = page.source is not None and not page.source.images and page.source.info["spec"]["shape"] == [2]
modern = page.source is not None and page.source.info["knobs"].get("rule") == "modern"
few = page.source is not None and math.prod(page.source.info["spec"]["shape"]) <= 16  # units whose states can all be followed
page.stage(["data"] if plane else ["stored"] if modern else ["stored", "weights"])

damaged = {"begin": "data", "flips": 0.15, "temperature": 0}
page.walk("gibbs", begin=None if plane else damaged)  # a board to paint on, unit by unit, with heat
page.film("recalling")
page.film("landscape")
page.film("completing")
if few and not modern:
    page.pictures(["basins"], ["valleys"], height=380)
page.pictures(["splitting" if plane else "halves"] if modern else ["crosstalk"], [] if modern else ["rules"])
page.pictures([] if modern else ["cliff"], ["samples"], ["energies"])
if not modern:
    page.damage()  # the cliff painted by hand, run by the browser; all units at once, as a demonstration
page.mathematics(
    [
        (
            "States are ±1, weights symmetric, no unit sees itself. Patterns are written on top of each other: by Hebb, what is alike is "
            "linked; by Storkey, less what the network knows already; or W is the projector on their span.",
            r"\begin{aligned} W &\leftarrow W + \tfrac1N\, \xi \xi^{\mathsf T} \\ W_{ij} &\leftarrow W_{ij} + \tfrac1N (\xi_i \xi_j - "
            r"\xi_i h_{ji} - h_{ij} \xi_j) \\ W &= \Xi^{+}\Xi, \qquad W_{ii} = 0 \end{aligned}",
            "RULES[self.rule](",
        ),
        (
            "The modern network keeps them as they are, and needs no weights: a query becomes an average, near patterns first.",
            r"q \leftarrow \sum_i w_i x_i, \quad w = \mathrm{softmax}_i\!\left(-\tfrac{\beta}{2} \lVert q - x_i \rVert^2\right) \ \text{or}\ "
            r"\mathrm{softmax}_i(\beta\, q \cdot x_i)",
            "net.keep(",
        ),
        (
            "In recall a unit falls to the sign of its input, which never raises the energy; with heat T a coin decides.",
            r"\begin{aligned} E(s) &= -\tfrac12 s^{\mathsf T} W s + \theta^{\mathsf T} s, \qquad h = Ws - \theta \\ \Delta E &= -(s_i' - s_i)\, "
            r"h_i \le 0, \qquad p(s_i = 1) = \sigma(2h_i/T) \end{aligned}",
            "net.field(",
        ),
        (
            "A stored bit holds if the crosstalk of the other patterns does not outvote it; of P = αN random ones Hebb's rule loses at once",
            r"P(h_i \xi_i < 0) = \tfrac12 \operatorname{erfc} \sqrt{1/(2\alpha)}",
            'figures["unstable"]',
        ),
    ]
)
page.claims(
    "Hopfield saw in 1982 that about 0.15 N memories can be recalled before errors are severe; Amit, Gutfreund and Sompolinsky computed the "
    "cliff: α = 0.138, where 1.6 % of the bits are still wrong and then, at once, nearly all is lost. Almost every pattern is free of "
    "errors up to N/(2 ln N), all at once up to N/(4 ln N). In a small network the cliff is a slope, as the plane "
    "of damage shows. Storkey's rule holds more and stays local; the projector holds up to N − 1 patterns, with useful valleys to about N/2. Ramsauer and others showed that a softmax retrieves exponentially many in one update.",
    "these figures are of **random** patterns. Digits are alike, and Hebb's rule collapses: from 15 % flipped bits it recalls three digits in "
    "a quarter of the trials and five never (preset `digits-hebb`), Storkey's rule ten in a quarter, the projector in nine of ten; taking "
    "the mean picture off first does not rescue Hebb. Half the resting states of any network of bits are inverses nobody stored. With dot "
    "products the modern network never finds points **inside** the hull of the others: one update with β = 1000 finds 9 of 200 points of the "
    "moons, by distances 193; and the one average splits at β = 1/λ (0.70 on moons) only where it weighs all points alike: by distances "
    "there is one valley up to β ≈ 1.7. A memory is no density: what it makes from noise is stored, inverse or mixed.",
)
page.neighbours(
    {
        "boltzmann": "the same energy with heat, and hidden units; it learns a law instead of storing rows.",
        "rbm": "hidden units, and no links within a layer: features in the place of patterns.",
        "autoencoder": "repairs damaged rows as well, by a function that is learned and runs once.",
    }
)
