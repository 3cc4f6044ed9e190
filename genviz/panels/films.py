"""Films: the model's chain at the newest weights, a frame for each of its states.

The seed of a film is that of its noise, so that films with other knobs, or of other weights, can be compared.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from genviz.data import Data, Mixture
from genviz.layers import Arrows, Curves, Ellipses, Images, Layer, Numbers, Pane, Points, Trace
from genviz.metrics.mixing import NEAR, visits
from genviz.model import Chains, Diffuses, Model, Noises, RunsInBrowser, Scores, State, Undoes
from genviz.panels.latent import HUES
from genviz.panels.registry import Shoot, panel
from genviz.panels.space import axes, covariance, flat, limits, pixels, real
from genviz.rng import Rng

FRAMES = 100  # of a film of pictures; a longer chain is thinned
MOMENTS = 200  # of a film of points, which are small
WHISKERS, MAGNIFIED = 200, 10.0  # particles whose steps are compared with the exact ones, and how much larger that is drawn
PARTICLES = 600
TILES = 64
COMPLETIONS = 12
GRID = 12  # arrows a side
BINS = 48  # of a histogram
SECTORS = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")


# ---------------------------------------------------------------- the chain, whatever the rows are


@panel("chain", film=True)
def chain(model: Model, data: Data, rng: Rng, shoot: Shoot) -> Iterator[tuple[str, list[Pane]]]:
    """How does it make a row out of noise?"""
    points = len(data.spec.shape) == 1
    small = points and data.spec.support == "real"
    states = filmed(model, data, rng, shoot, *((PARTICLES, MOMENTS) if small else (TILES, FRAMES)))
    last, spent = states[-1].x, 0
    labels, classes = ends(last, data) if points else (None, ())
    frame = across(data, states[0].x, last) if points else {}
    for i, state in enumerate(states):
        spent += state.nfe
        yield (
            said(state, i),
            [
                *(_points(state, data, labels, classes, frame) if small else _rows(state, data)),
                *_quality(state, data, spent),
                *_conditional(state, data, shoot),
            ],
        )


def filmed(model: Model, data: Data, rng: Rng, shoot: Shoot, n: int, most: int = FRAMES) -> list[State]:
    """All states of a chain that counts down its time, `most` + 1 of a longer one; `FRAMES` + 1 of one that never ends."""
    assert isinstance(model, Chains)
    start = None
    if shoot.point >= 0:
        start = data.seen_row(model, shoot.point).expand(n, -1)
        if isinstance(model, Noises):  # the row as the noise leaves it
            *_, end = model.forward_chain(start, rng.child("forward"))
            start = end.x
    states = model.chain(n, rng.child("chain"), start, shoot.clamp)
    first = next(states)
    if "t" not in first.aux:
        return [first, *islice(states, FRAMES)]
    whole = [first, *states]
    places = torch.linspace(0, len(whole) - 1, min(len(whole), most + 1)).round().long().tolist()
    spent = [sum(state.nfe for state in whole[a + 1 : b + 1]) for a, b in zip([-1, *places], places, strict=False)]
    return [State(whole[i].x, whole[i].aux, nfe) for i, nfe in zip(places, spent, strict=True)]


def said(state: State, i: int) -> str:
    """Where the chain stands, in words."""
    if "t" not in state.aux:
        return f"Step {i} of the chain." if i else "Where the chain starts."
    t = int(state.aux["t"])
    return f"The noise of {t} {'step' if t == 1 else 'steps'} is left." if t else "Nothing is left to undo."


def ends(x: Float[Tensor, "n d"], data: Data) -> tuple[Int[Tensor, " n"] | None, tuple[str, ...]]:
    """What colours a particle: the label of the training row nearest to where it ends, else the direction of that place."""
    if data.y is not None and 1 < data.spec.classes <= HUES:
        return data.y[torch.cdist(x, data.x[:4000]).argmin(1)], data.class_names
    if data.spec.dim < 2:
        return None, ()
    across, up = ((x - data.x.mean(0)) / data.x.std(0).clamp(min=1e-6))[:, :2].unbind(1)
    return (torch.atan2(up, across) / (math.pi / 4)).round().long() % 8, SECTORS


def across(data: Data, *clouds: Tensor) -> dict[str, Any]:
    """The axes of a plane that holds the data and nearly all of these clouds."""
    wide = [flat(data.x), *(flat(cloud).clamp(*bounds(flat(cloud))) for cloud in clouds)]
    x, y = limits(torch.cat(wide), margin=0.05)
    return {**axes(data), "x": x, "y": y}


def bounds(x: Float[Tensor, "n 2"]) -> tuple[Tensor, Tensor]:
    return x.quantile(0.005, 0), x.quantile(0.995, 0)


def particles(name: str, x: Tensor, labels: Tensor | None, classes: tuple[str, ...], **how: Any) -> Points:
    role = "model" if labels is None else "label"
    return Points(name=name, xy=flat(x), labels=labels, classes=classes, role=role, **how)


def _points(state: State, data: Data, labels: Tensor | None, classes: tuple[str, ...], frame: dict[str, Any]) -> list[Pane]:
    return [
        Pane(
            name="chain",
            title="How does it make a row out of noise?",
            layers=[real(data), particles("particles", state.x, labels, classes, label="samples on their way")],
            **frame,
            reads="Each particle is a sample on its way, in the colour of the place where it will end."
            + " Drag a grip on a border to hold that coordinate." * (data.spec.dim == 2),
            how=f"{len(state.x)} runs of the model's own chain.",
            alt="Points that move from noise to the places of the data.",
            clamp=data.spec.dim == 2,
        )
    ]


def _rows(state: State, data: Data) -> list[Pane]:
    """Pictures; or rows of bits beneath each other, a picture in which every line is a row."""
    mean = state.aux.get("p")
    shown = {"x": state.x} if mean is None else {"p": mean, "x": state.x}
    if len(data.spec.shape) == 1:
        layers = [Images(name=name, pixels=x[None], columns=1) for name, x in shown.items()]
        reads = "Every line is a row: left the probability of each bit, right the bits themselves."
    else:
        name, x = next(iter(shown.items()))
        layers, reads = [Images(name=name, pixels=pixels(x, data), columns=8)], "Each tile is a run of the chain of its own."
    return [
        Pane(
            name="chain",
            title="How does it make a row out of noise?",
            kind="images",
            layers=layers,
            reads=reads if len(layers) > 1 or len(data.spec.shape) == 2 else "Every line is a row of bits.",
            how=f"{len(state.x)} runs of the model's own chain" + ("." if mean is None else "; probabilities of the bits."),
            alt="Rows that form out of noise.",
        )
    ]


def _quality(state: State, data: Data, spent: int) -> list[Pane]:
    """How near to the modes of the truth the particles are by now."""
    if not (isinstance(law := data.density, Mixture) and law.apart):
        return []
    seen = visits(state.x, law)
    n = f"of {len(state.x)} particles"
    rows = [
        ("HQ", 100 * seen.hq, "%", f"share {n} within {NEAR:g} standard deviations of a mode"),
        ("modes", float(seen.covered), f"of {len(law.weights)}", f"with at least a fifth of their fair share {n}"),
        ("TV", seen.tv, "", f"½ Σ |share − weight| of the modes; {seen.floor:.2g} for exact samples, as many"),
        ("evaluations", float(spent), "a sample", "of the network, so far"),
    ]
    return [
        Pane(
            name="quality",
            title="How good are they by now?",
            kind="numbers",
            layers=[Numbers(name="quality", rows=rows)],
            reads="Sharp, complete and in proportion is good; fewer evaluations are cheaper.",
        )
    ]


def _conditional(state: State, data: Data, shoot: Shoot) -> list[Pane]:
    """Beside completions of a plane: the exact law of the free coordinate, given the known one."""
    if shoot.clamp is None or data.spec.dim != 2 or not isinstance(law := data.density, Mixture):
        return []
    free = int(shoot.clamp.isnan().nonzero()[0])
    exact = law.conditional(free, 1 - free, float(shoot.clamp[1 - free]))
    low, high = axes(data)["y" if free else "x"]
    at = torch.linspace(low, high, 4 * BINS)
    counts = torch.histc(state.x[:, free], BINS, low, high) / len(state.x) / ((high - low) / BINS)
    middle = low + (high - low) * (torch.arange(BINS) + 0.5) / BINS
    truth = Curves(
        name="exact", xy=torch.stack([at, exact.log_prob(at[:, None]).exp()], 1), role="truth", static=True, label="exact"
    )
    return [
        Pane(
            name="conditional",
            title="Are the completions those of the truth?",
            kind="curves",
            layers=[Curves(name="completions", xy=torch.stack([middle, counts], 1), label="completions"), truth],
            x_label=f"x{free + 1}",
            reads="Dashed: the exact density of the free coordinate, given the known one; solid: that of the completions.",
            how=f"A histogram of {len(state.x)} completions in {BINS} bins; the mixture's conditional in closed form.",
            alt="A histogram of completions and the exact conditional density.",
        )
    ]


def no_picture(model: Model) -> str:
    return "" if len(model.spec.shape) == 2 else "Only of pictures a part can be wiped away; these rows are none."


@panel("chain", film=True, unless=no_picture)
def completing(model: Model, data: Data, rng: Rng, shoot: Shoot) -> Iterator[tuple[str, list[Pane]]]:
    """What belongs where nothing is known?"""
    assert isinstance(model, Chains)
    some = data.seen_row(model, max(shoot.point, 0)) if len(data.x) else next(model.chain(1, rng.child("row"))).x
    row = Images(name="row", pixels=pixels(some, data), role="data", static=True, label="real" if len(data.x) else "coins")
    for i, state in enumerate(filmed(model, data, rng, replace(shoot, point=-1), COMPLETIONS)):
        made = pixels(state.aux.get("p", state.x), data)
        yield (
            said(state, i),
            [
                Pane(
                    name="completing",
                    title="What belongs where nothing is known?",
                    kind="images",
                    layers=[row, Images(name="completions", pixels=made, columns=4, label="completions")],
                    reads="Wipe over the real picture: what you wipe is forgotten, the rest is known, each tile completes it.",
                    how=f"{COMPLETIONS} runs of the model's chain in which the known pixels are held.",
                    alt="A real picture of which a part can be wiped away, and completions by the model.",
                    clamp=True,
                )
            ],
        )


# ---------------------------------------------------------------- both directions of a chain that is undone


def not_a_plane(model: Model) -> str:
    if not model.spec.plane:
        return "Both directions of a step are drawn in a plane; these rows are no points in one."
    return ""


@panel("chain", "forward_chain", "undo", "score", film=True, unless=not_a_plane)
def undoing(model: Model, data: Data, rng: Rng, shoot: Shoot) -> Iterator[tuple[str, list[Pane]]]:
    """What does the noise do, and how is it undone?"""
    assert isinstance(model, Undoes)
    assert isinstance(model, Noises)
    assert isinstance(model, Scores)
    states = filmed(model, data, rng, shoot, PARTICLES, MOMENTS)
    rows = data.seen(model, PARTICLES)
    path = [state.x for state in model.forward_chain(rows, rng.child("noise"))]
    clock = [int(state.aux["t"]) for state in states]
    frame, (labels, classes) = across(data, path[-1], states[0].x), ends(states[-1].x, data)
    own, names = ends(rows, data)
    line = [torch.linspace(frame[axis][0], frame[axis][1], GRID + 2)[1:-1] for axis in ("x", "y")]
    grid, cell = torch.cartesian_prod(*line), float(line[0][1] - line[0][0])
    trace, why = _trace(model, clock)
    for i, (t, state) in enumerate(zip(clock, states, strict=True)):
        push = model.score(grid, torch.tensor(max(t, 1)))
        length = push.norm(dim=1).quantile(0.95).clamp(min=1e-6)
        arrows: list[Layer] = [Arrows(name="score", start=grid, end=grid + cell * push / length, label="the model's score")]
        if isinstance(law := data.density, Mixture) and isinstance(model, Diffuses):
            true = noisy(model, law, max(t, 1)).score(grid)
            end = grid + cell * true / length
            arrows.append(Arrows(name="exact", start=grid, end=end, role="truth", hidden=True, label="the exact score"))
            arrows += whiskers(model, law, state.x[:WHISKERS], t)
        yield (
            said(state, i),
            [
                Pane(
                    name="forward",
                    title="What does the noise do to the data?",
                    layers=[
                        particles("rows", path[t], own, names, pick=True, label="data under noise"),
                        *microscope(model, rows, path[t], t),
                    ],
                    **frame,
                    reads="Choose a row: dashed, where it came from exactly; solid, where the model thinks it did.",
                    how=f"The first {len(rows)} training rows, one path of noise each; ellipses at 1σ and 2σ.",
                    alt="Points of the data, dissolving into a cloud of noise.",
                ),
                Pane(
                    name="reverse",
                    title="How does the model undo it?",
                    layers=[
                        *arrows,
                        particles("particles", state.x, labels, classes, label="samples on their way"),
                        *trace,
                    ],
                    **frame,
                    reads="The same moment, made by the model out of noise. Arrows point uphill on its density." + why,
                    how=f"{len(state.x)} runs of the model's chain; the longest arrows are scaled to one cell of their grid.",
                    alt="A cloud of noise that parts into the places of the data, and arrows of the score.",
                ),
            ],
        )


class Exact(Diffuses, Undoes, Protocol):
    """A chain whose step back is known exactly where the law of the data is."""


def noisy(model: Diffuses, law: Mixture, t: int) -> Mixture:
    """The exact law of x_t, raw units, if x_0 has the law of the data: again a mixture."""
    q, (at_zero, at_one) = model.diffuse(law.modes, t), model.diffuse(torch.tensor([[0.0, 0.0], [1.0, 1.0]]), t).mean
    slope = (at_one - at_zero).double().diag()
    return Mixture(law.weights, q.mean, covariance=slope @ law.covariance @ slope + q.variance.double().diag_embed())


def exact_step(model: Exact, law: Mixture, x: Float[Tensor, "n 2"], t: int) -> Float[Tensor, "n 2"]:
    """The mean of x_{t−1} given x_t, raw units, if x_0 has the law of the data. It is that of the step back which knows x_0, at
    E[x_0|x_t], as that step's mean is linear in x_0; and E[x_0|x_t] is Tweedie's formula."""
    q = model.diffuse(torch.tensor([[0.0, 0.0], [1.0, 1.0]]), t)
    slope = q.mean[1] - q.mean[0]
    origin = (x + q.variance[0] * noisy(model, law, t).score(x) - q.mean[0]) / slope
    return model.undo(x, t, origin).mean


def whiskers(model: Exact, law: Mixture, x: Float[Tensor, "n 2"], t: int) -> list[Layer]:
    """How far the model's step back is from the exact one."""
    error = model.undo(x, t).mean - exact_step(model, law, x, t) if t else torch.zeros_like(x)
    length = error.norm(dim=1).mean().item()
    how = f"mean distance between the model's mean step and the exact one, {len(x)} particles, in units of the plane"
    return [
        Arrows(
            name="whiskers", start=x, end=x + MAGNIFIED * error, role="error", label=f"error of a step, {MAGNIFIED:g} times"
        ),
        Numbers(name="error", rows=[("error of a step", length, "", how)]),
    ]


def microscope(model: Undoes, rows: Float[Tensor, "n 2"], x: Float[Tensor, "n 2"], t: int) -> list[Layer]:
    """One step back under the lens, for each row: where it came from, where the model thinks it came from, the difference."""
    if t == 0:
        still = Normal(x, torch.zeros_like(x), validate_args=False)
        true, guess, kl = still, still, torch.zeros(len(x))
    else:
        true, guess = model.undo(x, t, rows), model.undo(x, t)
        kl = (kl_divergence(true, guess) if t > 1 else -guess.log_prob(rows)).sum(1) / math.log(2)
    what = "exact step ‖ guess" if t > 1 else "−log p(x0|x1)" if t else "nothing left to undo"
    return [
        Ellipses(name="true", mean=true.mean, cov=covariance(true), role="truth", follow="selection", label="exact step back"),
        Ellipses(name="guess", mean=guess.mean, cov=covariance(guess), follow="selection", label="the model's guess"),
        Numbers(
            name="divergence",
            rows=[(f"KL, {what}" if t > 1 else what, 0.0, "bits", "closed form, for the chosen row")],
            figures=kl[:, None],
            follow="selection",
        ),
    ]


def _trace(model: Model, clock: list[int]) -> tuple[list[Layer], str]:
    """A particle to be dragged, if the browser can take every step of this chain; else why there is none."""
    programs = model.client() if isinstance(model, RunsInBrowser) else {}
    if not {"reverse", "invert"} <= programs.keys():
        return [], " No particle can be dragged: the browser does not know this chain's steps."
    if clock != list(range(clock[0], -1, -1)):
        return [], " No particle can be dragged: the browser takes every step, and this film leaves some out."
    return [Trace(name="trace", ahead="reverse", back="invert", clock=clock, label="drag a particle")], ""
