"""The page of Markov chain Monte Carlo."""

from genviz.studio.page import Page

page = Page("mcmc", default="grid25", knobs=())

page.idea(
    "Many models say only which of two states is more probable, and by what factor: the constant is not known. Monte Carlo makes samples of "
    "that by a walk that visits places as often as they are probable: a proposal moves, and a test, which needs nothing but the <b>ratio</b> "
    "of two probabilities, decides whether it goes or stays and counts again. In the long run that is exact. The weak point is <b>mixing</b>: a walk can "
    "stay in one mode for longer than anybody can wait, and nothing in it tells. Slopes (Langevin, orbits) help within a mode. Between "
    "modes heat helps: replicas at higher temperatures cross, and swap what they find down to the cold one.",
    ["x", "→ propose q(y|x) →", "y", "→ accept min(1, p*(y) q(x|y) / p*(x) q(y|x)) →", "y, or x again"],
)
bits = page.source is not None and page.source.images
modes = page.preset in ("grid25", "two-modes")
page.stage(["samples"] if bits else ["density", "data"])

page.race()  # samplers side by side, run by the browser
page.walk("gibbs")  # of bits: one unit at a time, beside the exact share of each state
page.pictures(["averages"] if bits else ["evaluations"], ["traces"], *([["agreeing"]] if modes else []), ["memory"])
page.film("ladder")  # replicas from hot to cold
page.film("orbit")  # a push, and what a leapfrog gets wrong
page.film("chain")
page.film("short_chains", of=("rbm", "bars-and-stripes"))  # contrastive divergence is a short chain
page.film("depths", of=("dbn", "mnist-deep"))  # chains in deeper layers of a network mix better
page.mathematics(
    [
        (
            "A random walk proposes a place nearby, farther the hotter it is,",
            r"y = x + \tfrac{\epsilon}{\sqrt\beta}\, \xi, \qquad \xi \sim N(0, I)",
            "rng.normal_like(walk.x)",
        ),
        (
            "and goes there with a probability for which no constant is needed; else it stays, and x counts again.",
            r"\min\big(1,\; e^{\beta (U(x) - U(y))}\, q(x|y) / q(y|x)\big), \qquad U = -\log p^*",
            "< log_ratio",
        ),
        (
            "Langevin proposals go uphill; what they prefer is put right by the ratio of the two ways.",
            r"\log q(b|a) = -\lVert b - a + \tfrac{\epsilon^2}{2} \nabla U(a) \rVert^2 / 2 \epsilon^2",
            "drift(score",
        ),
        (
            "A push sends it along an orbit of H: half a kick, then by turns drift and kick. The error of H is of the order of ε².",
            r"H = U(x) + \tfrac12 \lVert p \rVert^2, \qquad p \leftarrow p - \tfrac{\epsilon}{2} \nabla U, \quad x \leftarrow x + \epsilon p",
            "eps / 2",
        ),
        (
            "Given all the others, a coordinate can be drawn afresh: nothing is refused.",
            r"x_i \sim p(x_i \mid x_{-i})",
            "self.law.given(",
        ),
        (
            "Neighbours on a ladder of temperatures change places, and the product of all their laws stays as it is.",
            r"\min\big(1,\; e^{(\beta_j - \beta_k)(U(x_j) - U(x_k))}\big)",
            ".exp()",
        ),
    ],
    code=[
        ("samplers/metropolis.py", "step"),
        ("samplers/walk.py", "decide"),
        ("samplers/mala.py", "log_q"),
        ("samplers/hmc.py", "orbit"),
        ("samplers/gibbs.py", "step"),
        ("samplers/tempering.py", "exchange"),
    ],
)
page.claims(
    "Swendsen & Wang and Geyer let hot chains hand their places down to cold ones; Bengio and colleagues found that chains in the deeper layers "
    "of a network visit more classes (a Parzen score of 138 ± 2 for two layers of a deep belief network on MNIST, −244 ± 54 for a single "
    "machine). In miniature: modes so far apart that nothing local crosses, with the exact weights known.",
    "the twenty-five islands are built so that local moves fail: with wider ones (width 0.4) a plain walk finds four to seven of them, and a "
    "stride as long as the spacing jumps across with no slope and no heat. **No figure made of chains alone knows of a mode that none has "
    "visited**: five chains stuck in the lightest of two modes agree with R-hat 1.00, and are wrong. Of magnets the average energy is "
    "right at every temperature, while at the coldest no chain of a hundred ever turns over. A change of class counted by a classifier can "
    "be a blur between two digits: look at the frames.",
)
page.neighbours(
    {
        "rbm": "learns with such chains: contrastive divergence is one cut short, and tempering rescues it.",
        "boltzmann": "bits linked in pairs: one at a time, annealed from hot to cold.",
        "dbn": "chains that walk in a deeper layer, where classes lie nearer to each other.",
        "diffusion": "a chain that is learned, with an end: it comes to each mode by itself.",
        "dae": "a chain learned from noise that it removes, without an energy.",
    }
)
