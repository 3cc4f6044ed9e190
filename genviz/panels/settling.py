"""Pictures of layers that listen to each other: how they come to agree, what the top one asks for, where chains stand."""

import math
from collections.abc import Iterator
from itertools import islice

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from genviz.data import Data
from genviz.data.base import BITS
from genviz.layers import Curves, Images, Layer, Numbers, Pane
from genviz.metrics.partition import Listed, exact_log_z
from genviz.model import BadInput, Chains, HasPartition, LogProbs, Model, Settles, State
from genviz.panels.energy import PIXELS, likelihoods
from genviz.panels.registry import Shoot, panel
from genviz.panels.space import picture
from genviz.rng import Rng

ROUNDS = 20  # of a film
LONG = 50  # rounds after which layers are at rest
FLIPS = 23  # units of the top layer that are flipped, one at a time
STRIP = 10  # chains, and sweeps of each
MISSING = "What is missing to the dashed line is what independent units cannot say."
CUT_SHORT = "What is missing to the dashed line is what independent units cannot say, and what they have not heard."
FEWEST = 12  # listed units of which an exact answer is drawn with a film


def name_of(level: int) -> str:
    return "h" if level == 1 else f"h{level}"


def board(h: Float[Tensor, " m"]) -> Float[Tensor, "1 a b"]:
    """A layer of units as a picture, as square as can be."""
    side = math.ceil(math.sqrt(len(h)))
    return pad(h, (0, -len(h) % side)).reshape(1, -1, side)


def tiles(name: str, x: Float[Tensor, "n d"], data: Data, label: str = "", columns: int = 0, **how: object) -> Images:
    return Images(name=name, pixels=x.reshape(-1, *picture(data)), label=label or name, columns=columns, **how)  # pyright: ignore[reportArgumentType]


# ---------------------------------------------------------------- how layers come to agree


@panel("settling", film=True)
def settling(model: Model, data: Data, rng: Rng, shoot: Shoot) -> Iterator[tuple[str, list[Pane]]]:
    """How do the layers come to agree?"""
    assert isinstance(model, Settles)
    row = data.seen_row(model, max(shoot.point, 0))
    missing = None if shoot.clamp is None else shoot.clamp.isnan()
    x = row if shoot.clamp is None else torch.where(shoot.clamp.isnan(), row.new_full(row.shape, 0.5), shoot.clamp)
    states = [*islice(model.settling(x, missing), ROUNDS + 1)]
    bounds = torch.cat([state.aux["bound"] for state in states])
    exact = None if missing is not None else _exact(model, x)
    cut = not getattr(model, "feedback", True)  # a knob that a film may set
    heard = "no layer hears the one above" if cut else "each layer has heard the one above {}"
    for now, state in enumerate(states):
        names = [name_of(level) for level in range(1, model.levels + 1)]
        moved = 0.0 if not now else max(float((state.aux[n] - states[now - 1].aux[n]).abs().max()) for n in names)
        yield (
            f"Round {now}: {heard.format(f'{now} time' if now == 1 else f'{now} times')}."
            if now
            else "One pass up with doubled weights: nobody has heard anything from above.",
            [_seen(row, state, data, cut), _boards(state, names, cut), _rising(bounds, now, exact, moved, cut)],
        )


def _exact(model: Model, x: Tensor) -> float | None:
    """log p(x) + log Z, where it can be had at once."""
    it = model.partition() if isinstance(model, HasPartition) else None
    if not (isinstance(it, Listed) and it.listed <= FEWEST and isinstance(model, LogProbs)):
        return None
    try:
        return model.log_prob(x).item() + exact_log_z(it)
    except BadInput:  # grey pixels
        return None


def _seen(row: Tensor, state: State, data: Data, cut: bool) -> Pane:
    neighbours = "the layer below alone" if cut else "its neighbours"
    return Pane(
        name="settling",
        title="How do the layers come to agree?",
        kind="images",
        layers=[
            tiles("row", row, data, "real", role="data", static=True),
            tiles("known", state.x, data, "known or inferred"),
            tiles("p", state.aux["p"], data, "as h1 would draw it"),
        ],
        reads="Wipe over the real picture: what you wipe is forgotten, and the layers infer it as well. To choose "
        "another row, click it where the chain you play yourself asks “Where may it begin?”.",
        how=f"Mean field: each hidden layer from {neighbours} and, where v is not known, v from h1; one after the other.",
        alt="A row, what is known of it, and what the first hidden layer would draw.",
        clamp=len(data.spec.shape) == 2,
    )


def _boards(state: State, names: list[str], cut: bool) -> Pane:
    layers = [Images(name=name, pixels=board(state.aux[name][0]), label="h1" if name == "h" else name) for name in names]
    return Pane(
        name="boards",
        title="What does each layer believe?",
        kind="images",
        layers=layers,
        reads="A square a unit, the brighter the surer it is on. "
        + (
            "The feedback is cut: what the layer above believes changes nothing below."
            if cut
            else "Units in doubt after the first pass make up their mind when the layer above has spoken."
        ),
        how="The means of independent units, which stand in for the true posterior.",
        alt="Boards of the hidden layers.",
    )


def _rising(bounds: Float[Tensor, " k"], now: int, exact: float | None, moved: float, cut: bool) -> Pane:
    at, last = torch.arange(len(bounds)).float(), float(len(bounds) - 1)
    rows = [
        ("gained since the single pass", (bounds[now] - bounds[0]).item(), "nats", "of the bound on log p of what is known"),
        ("largest change of a unit", moved, "", "in this round"),
    ]
    layers: list[Layer] = [
        Curves(name="bound", xy=torch.stack([at.clamp(max=now), bounds[at.long().clamp(max=now)]], 1), label="the bound"),
        Curves(name="pass", xy=torch.stack([at, bounds[:1].expand(len(at))], 1), role="noise", label="after one pass"),
    ]
    low, high = bounds.min().item(), bounds.max().item() if exact is None else max(exact, bounds.max().item())
    if exact is not None:
        line = torch.tensor([[0.0, exact], [last, exact]])
        layers.append(Curves(name="exact", xy=line, role="truth", label="exact: log p + log Z"))
        rows.append(("KL from the true posterior", exact - bounds[now].item(), "nats", "what is left to the exact value"))
    margin = 0.08 * (high - low) + 1e-3
    return Pane(
        name="rising",
        title="How good is what they agree on?",
        kind="curves",
        layers=[*layers, Numbers(name="gained", rows=rows)],
        x=(0.0, last),
        y=(low - margin, high + margin),
        x_label="round",
        y_label="bound + log Z, nats",
        reads=(
            "It may fall: with the feedback cut, a layer moves without regard to the one above, which is not what is best for "
            "both. "
            if cut
            else "It never falls, as one layer moves at a time, to what is best given the others. "
        )
        + ("" if exact is None else CUT_SHORT if cut else MISSING),
        how="−⟨E⟩ + H of the layers' means, without the constant log Z, which does not change here.",
        alt=f"The bound after {now} rounds.",
    )


@panel("settling", kind="images", asked=True)
def topdown(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """What does the top layer ask for?

    The chosen row is forgotten, only the top layer is kept: what the layers below make of that. Then one of its units is
    flipped. Without feedback they do not hear it.
    """
    assert isinstance(model, Settles)
    row, top = data.seen_row(model, point), name_of(model.levels)
    settled = next(islice(model.settling(row), LONG, None)).aux[top].round()
    units = min(FLIPS, settled.shape[1])
    held = settled.repeat(units + 1, 1)
    held[torch.arange(units) + 1, torch.arange(units)] = 1 - settled[0, :units]
    free, rows = torch.ones(data.spec.dim, dtype=torch.bool), row.new_full((len(held), data.spec.dim), 0.5)
    heard = next(islice(model.settling(rows, free, held), LONG, None)).aux["p"]
    deaf = next(islice(model.settling(rows[:1], free, held[:1], False), LONG, None)).aux["p"]
    changed = (heard[1:] - heard[:1]).abs().sum(1)
    order = changed.argsort(descending=True)
    captions = [f"{i + 1} {'off' if settled[0, i] else 'on'}" for i in order.tolist()]
    signed = 0.5 + (heard[1:] - heard[:1])[order] / 2
    how = f"h{model.levels} of the row after {LONG} rounds, as bits; then all other layers and v settle, {LONG} rounds"
    told = [
        ("pixels that the most heard unit moves", changed.max().item(), "", f"Σ |change of p|, of {units} units tried"),
        ("units that move at least one pixel", float((changed >= 1).sum()), f"of {units}", "the same sum at least 1"),
    ]
    return [
        Pane(
            name="topdown",
            title="What does the top layer ask for?",
            kind="images",
            layers=[
                tiles("row", row, data, "the row", role="data"),
                tiles("heard", heard[:1], data, "with feedback"),
                tiles("deaf", deaf, data, "feedback cut"),
                tiles("flipped", heard[1:][order], data, "one unit flipped", columns=6, captions=captions),
                tiles("change", signed, data, "what that changes", columns=6, diverging=1.0),
                Numbers(name="told", rows=told),
            ],
            reads="With feedback the picture is rebuilt from the top layer alone; with it cut, the layers below only know "
            "each other. Then one unit each is flipped, those that change most first.",
            how=f"{how}{BITS[getattr(model, 'binarize', 'none')]}.",
            alt="Pictures made from the top layer, and with one of its units flipped.",
        )
    ]


# ---------------------------------------------------------------- while it trains


@panel("settling", "chain")
def fantasies(model: Model, data: Data, rng: Rng) -> list[Pane]:
    assert isinstance(model, Chains)
    side = max(2, min(STRIP, math.isqrt(PIXELS // data.spec.dim)))
    states = torch.stack([state.aux.get("p", state.x) for state in islice(model.chain(side, rng), side)], 1)
    return [
        Pane(
            name="fantasies",
            title="Where do its own chains stand?",
            kind="images",
            layers=[tiles("strips", states.flatten(0, 1), data, columns=side)],
            reads="A line a chain: on the left where training left it, then one Gibbs sweep after the other. A chain that "
            "changes from frame to frame but hardly along its line is moved by learning, not by sweeps.",
            how=f"The first {side} persistent chains, {side - 1} sweeps on; p(v = 1|h1) of each. Before the layers learn "
            "together the chains rest where they were thrown.",
            alt="Strips of pictures, one for each chain.",
        )
    ]


@panel("settling", "bound", "monitor")
def microscope(model: Model, data: Data, rng: Rng) -> list[Pane]:
    lines = [
        Curves(name="exact", columns=("test log-likelihood",), role="truth", label="log p, exact where it can be"),
        Curves(name="bound", columns=("test bound",), label="mean-field bound"),
        Curves(name="annealed", columns=("annealed log-likelihood",), role="noise", dash=1, label="log p, log Z annealed"),
    ]
    reads = (
        "Higher is better.{best} Between the bound and log p lies KL(q‖p): what independent hidden units miss. The annealed "
        "value errs to either side by chance."
    )
    how = (
        "At tenths of the run, on unseen rows; log Z exact up to 20 units in h1, else annealed over 200 temperatures, as that "
        "of the annealed curve always is."
    )
    return likelihoods("microscope", "How close is the bound?", lines, reads, how, model, data)
