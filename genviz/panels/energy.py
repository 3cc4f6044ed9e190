"""Pictures of what is known up to a constant: features, energies, states that can be listed, and the constant itself."""

import inspect
import math
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import MultivariateNormal

from genviz.data import Data, Finite
from genviz.data.base import BITS, Density
from genviz.data.binary import bits
from genviz.layers import Arrows, Bars, Caption, Curves, Field, Images, Layer, Numbers, Pane, Path, Points
from genviz.metrics.partition import MOST, Anneals, Listed, ais, exact_log_z
from genviz.model import (
    BadInput,
    Chains,
    Energies,
    HasComponents,
    HasFeatures,
    HasLevels,
    HasPartition,
    LogProbs,
    Model,
    Samples,
)
from genviz.panels.bits import LISTED, places
from genviz.panels.registry import panel
from genviz.panels.space import axes, flat, lattice, part, picture, pixels, real, signed
from genviz.rng import Rng

FILTERS, PIXELS = 36, 12_600  # pictures of features, and pixels of all of them: they travel with every frame
HEAVIEST = 24  # components of a mixture
TESTED, FEWER, NUMBERS = 200, 100, 80_000  # rows of each kind whose energies are counted; of wide rows, that a picture is quick
BINS = 36
FANTASIES, SWEEPS = 1000, 30  # chains, and how long they run before their states are counted
SIDE = 80  # of a density map
AFFORDED = 16  # units in the smaller layer whose states can be listed at each frame: 5 ms
FEW = 8  # rows that tell whether all are bits
FOUR, SAME = 4, 1e-3  # states that tell whether energies are exact: then they differ from -log p by the same, nats
RUNS, TEMPERATURES = 100, (30, 100, 300, 1000)  # of annealing, for a look


# ---------------------------------------------------------------- features


def featureless(model: Model) -> str:
    assert isinstance(model, HasFeatures)
    return "" if len(model.features()) else "It has no hidden units that could look for anything."


@panel("features", unless=featureless)
def filters(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """What does each hidden unit look for?"""
    assert isinstance(model, HasFeatures)
    f = model.features()
    n = min(FILTERS, max(1, PIXELS // data.spec.dim))
    how = f"All {len(f)} features" if len(f) <= n else f"The first {n} of {len(f)} features"
    title = "What does each hidden unit look for?"
    if data.spec.plane:
        centre = data.x.mean(0).expand(len(f), -1)
        arrows = Arrows(name="features", start=centre, end=centre + f, label="a hidden unit each")
        reads = "An arrow a hidden unit: that way, and that far, the point moves when the unit is on."
        return [
            Pane(name="filters", title=title, layers=[real(data), arrows], **axes(data), reads=reads, how=f"{how}, raw units.")
        ]
    return [
        Pane(
            name="filters",
            title=title,
            kind="images",
            layers=[signed("filters", f[:n].reshape(-1, *picture(data)))],
            reads="A picture a hidden unit: the pixels that switch it on, and that it switches on, in one colour, those that "
            "switch it off in the other.",
            how=f"{how}: weights, on a scale from minus to plus the largest of them, rounded up to 1, 2, 5, 10 …",
            alt="Weights of hidden units as pictures.",
        )
    ]


@panel("levels", kind="images", asked=True, whole=True)
def hierarchy(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """What do higher levels look for?

    The units of each level as pictures: the strokes of the first, and what a unit above adds up of them.
    """
    assert isinstance(model, HasLevels)
    most, layers = max(1, min(FILTERS, PIXELS // data.spec.dim // model.levels)), []
    for level in range(1, model.levels + 1):
        f = model.features(level)
        f = f[f.norm(dim=1).argsort(descending=True)[:most]]
        layers.append(signed(f"level {level}", f.reshape(-1, *picture(data)), columns=12, label=f"level {level}"))
    products = "".join(f", {''.join(f'W{i}' for i in range(1, level + 1))}" for level in range(2, model.levels + 1))
    return [
        Pane(
            name="hierarchy",
            title="What do higher levels look for?",
            kind="images",
            layers=layers,
            reads="A picture a unit: the first level has strokes; a unit above adds up many of them, by its own weights.",
            how=f"At most {most} units of each level, the strongest first: W1{products}. The sigmoids between levels are left "
            "out, so higher pictures show a direction, not what such a unit paints. Each level has a scale of its own.",
            alt="Weights of units of each level as pictures.",
        )
    ]


# ---------------------------------------------------------------- energies


def fantasies(model: Model, n: int, rng: Rng, sweeps: int = SWEEPS) -> Tensor:
    """Rows that the model dreams: of its own chains, gone on for some sweeps; else its samples."""
    if isinstance(model, Chains):
        for sweep, state in enumerate(model.chain(n, rng)):
            if sweep >= sweeps:
                return state.x
    assert isinstance(model, Samples)
    x = model.sample(n, rng)
    return x if model.spec.support == "real" else rng.coins(x)


def told(method: Any) -> str:
    """The first sentence of a method's docstring: what it computes, in the model's own words."""
    first, end, _ = " ".join((inspect.getdoc(method) or "").split()).partition(".")
    return f"{first}{end}"


@panel("energy", "sample")
def energies(model: Model, data: Data, rng: Rng) -> list[Pane]:
    assert isinstance(model, Energies)
    if not len(data.x):  # an energy for samplers
        return []
    n = min(TESTED, max(FEWER, NUMBERS // data.spec.dim))
    seen, unseen = data.seen(model, n), data.seen(model, n, "test")
    mean, spread = seen.mean(0), seen.std(0, correction=0)
    noise = rng.normal(len(seen), data.spec.dim) * spread + mean
    if data.spec.support != "real":
        noise = rng.coins(mean.expand(len(seen), -1))
    elif bool((seen.abs() == 1).all()):  # bits by another name
        noise = 2 * rng.coins(((mean + 1) / 2).expand(len(seen), -1)) - 1
    found = {
        "train": model.energy(seen),
        "test": model.energy(unseen),
        "noise": model.energy(noise),
        "fantasies": model.energy(fantasies(model, n, rng, 2)),
    }
    every = torch.cat([*found.values()])
    low, high = every.min().item(), every.quantile(0.98).item()
    edges = torch.linspace(low, max(high, low + 1e-3), BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2

    def curve(energy: Tensor) -> Float[Tensor, "n 2"]:  # shares of bins, not of nats: one scale for narrow and wide
        return torch.stack([middles, torch.histogram(energy, edges).hist / len(energy)], 1)

    gap = (found["test"].mean() - found["train"].mean()).item()
    return [
        Pane(
            name="energies",
            title="What does it find likely?",
            kind="curves",
            layers=[
                Curves(name="train", xy=curve(found["train"]), role="data", label="training rows"),
                Curves(name="test", xy=curve(found["test"]), role="data", dash=1, label="unseen rows"),
                Curves(name="noise", xy=curve(found["noise"]), role="noise", label="noise with the same means"),
                Curves(name="fantasies", xy=curve(found["fantasies"]), role="model", label="its fantasies"),
                Caption(
                    name="gap",
                    text=f"On average unseen rows lie {abs(gap):.2g} nats {'above' if gap > 0 else 'below'} training rows.",
                ),
            ],
            x_label="energy, nats",
            y_label="share of the rows",
            reads="Low energy is likely. Noise should lie to the right, fantasies on the data; where unseen rows drift away "
            "from training rows, it learns these by heart.",
            how=f"Energies of {len(seen)} training rows and {len(unseen)} test rows{BITS[getattr(model, 'binarize', 'none')]}, "
            f"of independent {'normal numbers' if data.spec.support == 'real' else 'bits'} with the same means, and of "
            f"{n} fantasies, in {BINS} bins; the constant log Z is left out, so only differences mean something. "
            f"{told(model.energy)}",
            alt="Histograms of energies of training rows, unseen rows, noise and fantasies.",
        )
    ]


def likelihoods(name: str, title: str, layers: list[Curves], reads: str, how: str, model: Model, data: Data) -> list[Pane]:
    """Curves of nats a row, of unseen rows; not of grey ones under a model of bits. `{best}` in `reads`: the best there is."""
    rows = data.seen(model, FEW, "test")
    if model.spec.support != "real" and bool((rows != rows.round()).any()):
        no = "Grey rows have no probability under a model of bits: draw them as bits with binarize to see one."
        return [Pane(name=name, title=title, kind="numbers", reads=no)]
    best = f" The best there can be is −{truth.entropy():.2f}." if isinstance(truth := data.density, Finite) else ""
    alt = f"Curves over training: {', '.join(layer.label for layer in layers)}."
    reads = reads.replace("{best}", best)
    return [Pane(name=name, title=title, kind="curves", layers=layers, y_label="nats a row", reads=reads, how=how, alt=alt)]


@panel("energy", "monitor")
def likelihood(model: Model, data: Data, rng: Rng) -> list[Pane]:
    lines = [
        Curves(name="test", columns=("test log-likelihood",), label="log p of unseen rows"),
        Curves(name="guess", columns=("pseudo-likelihood",), role="noise", hidden=True, label="pseudo-likelihood, cheap"),
    ]
    reads = (
        "Higher is better.{best} When it falls again, the fantasies have left the data, or the training rows are learned by "
        "heart."
    )
    how = (
        "At tenths of the run; exact where a layer can be listed, else with log Z by annealed importance sampling. The "
        "pseudo-likelihood guesses each bit from all others."
    )
    return likelihoods("likelihood", "How probable does it make what it never saw?", lines, reads, how, model, data)


def exactly(model: Model, rows: Float[Tensor, "n d"]) -> bool:
    """Whether its energies of these rows are those of its own law, up to a constant; some models can only estimate them."""
    if not isinstance(model, LogProbs):
        return True
    assert isinstance(model, Energies)
    try:
        constant = model.log_prob(rows).double() + model.energy(rows).double()
    except BadInput:  # too dear to be known
        return False
    return (constant.max() - constant.min()).item() < SAME * max(1.0, model.energy(rows).abs().max().item() / 1000)


@panel("energy", "sample")
def states(model: Model, data: Data, rng: Rng) -> list[Pane]:
    assert isinstance(model, Energies)
    d = data.spec.dim
    if data.spec.support != "binary" or d > LISTED:
        return []
    every = bits(d)
    p = (-model.energy(every).double()).softmax(0).float()
    share = places(fantasies(model, FANTASIES, rng)).bincount(minlength=2**d) / FANTASIES
    layers: list[Layer] = []
    exact = exactly(model, every[:: 2**d // FOUR])
    off = (share - p).abs().sum().item() / 2
    rows = [("distance of the fantasies", off, "", "total variation from the exact bars")] if exact else []
    labels, classes, legal = None, (), torch.zeros(2**d, dtype=torch.bool)
    if isinstance(truth := data.density, Finite):
        legal = truth.log_prob(every).isfinite()
        labels, classes = legal.long(), ("other", "legal")
        log_p = (truth.probs * p.double()[places(truth.states)].log()).sum().item()
        if exact:
            best = f"exact, of {int(legal.sum())} legal states; the best is −{truth.entropy():.3f}"
            rows.append(("log-likelihood", log_p, "nats", best))
        rows += [
            ("legal, exactly" if exact else "legal, estimated", p[legal].sum().item(), "", "the sum of the legal bars"),
            ("legal fantasies", share[legal].sum().item(), "", f"of {FANTASIES:,}, {SWEEPS} sweeps after its own chains"),
            ("kinds of legal fantasies", float((share[legal] > 0).sum()), "", f"of {int(legal.sum())}"),
        ]
    layers.append(
        Bars(
            name="states",
            values=p,
            labels=labels,
            classes=classes,
            role="model" if labels is None else "label",
            marks=share,
            marked="share of fantasies",
            upright=True,
            label="probability of each state",
        )
    )
    layers.append(Numbers(name="numbers", rows=rows))
    return [
        Pane(
            name="states",
            title="Where does the probability go?",
            kind="bars",
            layers=layers,
            y_label="p(x)",
            reads=f"A bar for each of the {2**d} states, from all off to all on. Mass on states that are not legal is still "
            "to be unlearned; dashes off their bars are "
            + ("chains that do not mix." if exact else "chains that do not mix, or bars that are estimates."),
            how=("" if exact else f"Estimated, as its energies are. {told(model.energy)} ")
            + f"exp(-energy) over its sum over all {2**d} states; dashes: {FANTASIES:,} chains, {SWEEPS} sweeps on from "
            "where the model's own stand.",
            alt=f"Bars: the probability of each of {2**d} states.",
        )
    ]


# ---------------------------------------------------------------- densities of real rows


def unlisted(model: Model) -> str:
    """Why there is no exact density at each frame."""
    it = model.partition() if isinstance(model, HasPartition) else None
    if model.spec.shape != (2,) or model.spec.support != "real" or not isinstance(it, Listed) or it.listed <= AFFORDED:
        return ""
    return (
        f"Not drawn: its constant is a sum over 2^{it.listed} states, too long for every frame. Take at most {AFFORDED} "
        "hidden units to see the density while it learns."
    )


@panel("log_prob", unless=unlisted)
def density(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """Where does it expect points?"""
    assert isinstance(model, LogProbs)
    if not data.spec.plane:
        return []
    frame = axes(data)
    grid, area = lattice(frame, SIDE)
    x = data.test_x[:TESTED]
    found, one = model.log_prob(torch.cat([grid, x])), _gaussian(data.x, x)
    mean = found[len(grid) :].mean().item()
    heat = Field(name="density", values=found[: len(grid)].exp().reshape(SIDE, SIDE), extent=area, label="its density")
    layers: list[Layer] = [heat]
    if (exact := _truth(data)) is not None:
        layers.append(Field(name="truth", values=exact, extent=area, style="contour", role="truth", static=True, label="truth"))
    layers.append(real(data))
    worse = f"Worse than a single Gaussian by {one - mean:.2f} nats a row: more training or other first values may help."
    test = f"exact, mean over {len(x)} unseen rows"
    rows = [
        ("log p(x)", mean, "nats", test),
        ("one Gaussian", one, "nats", "fitted to the training rows; on the same unseen rows"),
    ]
    layers += [Numbers(name="numbers", rows=rows), Caption(name="worse", text=worse if mean < one else "")]
    return [
        Pane(
            name="density",
            title="Where does it expect points?",
            layers=layers,
            **frame,
            reads="The stronger the colour, the likelier; dots are data, dashed lines the truth, if it is known.",
            how=f"Exact p(x) on {SIDE} × {SIDE} points.",
            alt="The model's density as a heat map under the data.",
        )
    ]


@lru_cache(maxsize=4)  # of a set made of hundreds of Gaussians it takes longer than the rest of the frame
def _truth(data: Data) -> Tensor | None:
    density = data.density
    return density.log_prob(lattice(axes(data), SIDE)[0]).exp().reshape(SIDE, SIDE) if isinstance(density, Density) else None


def _gaussian(x: Float[Tensor, "n d"], test: Float[Tensor, "m d"]) -> float:
    """Mean log-likelihood of unseen rows under one Gaussian fitted to the others, nats."""
    covariance = x.double().T.cov() + 1e-6 * torch.eye(x.shape[1])
    return MultivariateNormal(x.double().mean(0), covariance).log_prob(test.double()).mean().item()


@panel("components")
def components(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """Which patterns of features make which rows?"""
    assert isinstance(model, HasComponents)
    title, reads = "Which patterns of features make which rows?", "A code a component: which hidden units are on."
    try:
        weights, mean, code = model.components()
    except BadInput as error:  # known only by asking
        return [Pane(name="components", title=title, kind="numbers", reads=f"Not drawn: {error}.")]
    order = weights.argsort(descending=True)[:HEAVIEST]
    names = ["".join("1" if bit > 0.5 else "0" for bit in row) for row in code[order].tolist()]
    bars = Bars(name="weights", values=weights[order], names=names, label="weight", unit="")
    how = f"The {len(order)} heaviest of {len(weights):,} components, one for each state of the hidden units."
    if len(data.spec.shape) == 2:
        shares = [f"{weight:.1%}" for weight in weights[order].tolist()]
        layer: Layer = Images(name="components", pixels=pixels(mean[order], data), columns=8, captions=shares)
        pane = Pane(name="components", title=title, kind="images", layers=[layer], reads="The mean picture of each.", how=how)
    else:
        few = [name if place < 6 else "" for place, name in enumerate(names)]
        means = Points(name="means", xy=flat(mean[order]), names=few, role="model", size=2, label="means, the heaviest named")
        pane = Pane(name="components", title=title, layers=[real(data), means], **axes(data), reads=reads + part(data), how=how)
    codes = Pane(name="codes", title="How heavy is each pattern?", kind="bars", layers=[bars], reads=reads, how=how)
    return [pane, codes]


# ---------------------------------------------------------------- the constant


@panel("partition", asked=True, whole=True)
def annealing(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """How sure is log Z?

    Each dot is a run of annealed importance sampling from independent units to this model: what it says of log Z. With more
    temperatures the runs agree; few that count, far apart, mean an estimate that is too small.
    """
    assert isinstance(model, HasPartition)
    it = model.partition()
    assert isinstance(it, Anneals)
    layers: list[Layer] = []
    rows: list[tuple[str, float, str, str]] = []
    runs, estimates, warning = [], [], ""
    exact = exact_log_z(it) if isinstance(it, Listed) and it.listed <= MOST else None
    for temperatures in TEMPERATURES:
        found, x = ais(it, rng, temperatures, RUNS), math.log10(temperatures)
        spread = x + 0.06 * torch.linspace(-1, 1, RUNS)
        runs.append(torch.stack([spread, (found.log_w + found.log_z_base).float()], 1))
        low, high = found.interval
        estimates.append([x, found.log_z])
        said = f"{found.ess:.0f} of {RUNS} runs count"
        value = found.log_z if exact is None else found.log_z - exact
        rows.append((f"{temperatures:,} temperatures{'' if exact is None else ', off by'}", value, "nats", said))
        warning = found.warning
        ends = torch.tensor([[x, max(low, found.log_z - 5)], [x, high]])
        layers.append(Path(name=f"interval {temperatures}", xy=ends, role="model"))
    if exact is None:
        states = f"2^{it.listed} states" if isinstance(it, Listed) else "all states"
        layers.append(
            Caption(name="unlisted", text=f"No exact line: that would be a sum over {states}, at most 2^{MOST} are listed.")
        )
    dots = Points(name="runs", xy=torch.cat(runs), role="noise", label="log w + log Z of the base, a run each")
    mean = Points(name="estimates", xy=torch.tensor(estimates), role="model", size=3, label="estimate ± 3 sd")
    how = f"{RUNS} runs for each number of temperatures, evenly from β = 0 to 1."
    across = (math.log10(TEMPERATURES[0]) - 0.2, math.log10(TEMPERATURES[-1]) + 0.2)
    if exact is not None and isinstance(it, Listed):
        line = Path(name="exact", xy=torch.tensor([[across[0], exact], [across[1], exact]]), role="truth", label="exact")
        layers.append(line)
        rows.append(("exact", exact, "nats", f"the sum over 2^{it.listed} states"))
    heights = torch.cat([dots.xy[:, 1], torch.tensor([estimates[-1][1] if exact is None else exact])])
    low, high = heights.quantile(0.02).item(), heights.max().item()
    pad = 0.1 * (high - low) + 0.05
    return [
        Pane(
            name="annealing",
            title="How sure is log Z?",
            layers=[dots, *layers, mean, Numbers(name="numbers", rows=rows), Caption(name="warning", text=warning)],
            x=across,
            y=(low - pad, high + pad),
            x_label="temperatures",
            x_log=True,
            y_label="log Z, nats",
            reads="With more temperatures the runs agree; a few that count, far above the others, mean an estimate too small.",
            how=how,
            alt="; ".join(f"{name}: {value:.2f}" for name, value, _, _ in rows),
        )
    ]
