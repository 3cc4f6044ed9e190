"""Films of recall: a damaged row falls into a memory, and a cloud of points slides down a landscape."""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.layers import Arrows, Bars, Curves, Field, Images, Layer, Numbers, Pane, Points, Trace
from genviz.model import Attends, BadInput, Energies, HasMemories, Model, RunsInBrowser
from genviz.panels.films import filmed
from genviz.panels.memories import folded
from genviz.panels.registry import Shoot, panel
from genviz.panels.space import axes, lattice
from genviz.rng import Rng

RUNS = 6  # of recall, each from another row
STRIP = 18  # states drawn beside each other
FOLLOWED = 10  # memories whose overlap is drawn
CLOUD, MOMENTS = 200, 40  # particles, and their updates
SIDE, GRID = 60, 14  # of the landscape, and of the arrows on it
HEAVIEST = 12  # memories of the chosen point


def landscape_instead(model: Model) -> str:
    return "Points in a plane are filmed on their landscape." if model.spec.plane else ""


@panel("chain", "memories", "energy", film=True, unless=landscape_instead)
def recalling(model: Model, data: Data, rng: Rng, shoot: Shoot) -> Iterator[tuple[str, list[Pane]]]:
    """Which memory does it fall into?"""
    assert isinstance(model, HasMemories)
    assert isinstance(model, Energies)
    states, memories = filmed(model, data, rng, shoot, RUNS), model.memories()
    path = torch.stack([state.x for state in states])  # (states, runs, d)
    time = torch.stack([state.aux.get("sweep", torch.tensor(float(i))) for i, state in enumerate(states)])
    energy = torch.stack([model.energy(x) for x in path])
    m = overlaps(path[:, 0], memories[:FOLLOWED], data)
    names = [f"memory {mu + 1}" for mu in range(m.shape[1])]
    nearest = memories[torch.cdist(path[-1, :1], memories).argmin(1)] if len(memories) else torch.zeros(1, data.spec.dim)
    low, high = energy.min().item(), energy.max().item()
    pad = 0.06 * (high - low) + 1e-3
    across = (0.0, max(time[-1].item(), 1e-3))
    places = torch.linspace(0, len(path) - 1, min(STRIP, len(path))).round().long()
    first = Images(name="start", pixels=folded(path[0, :1], data), role="noise", static=True, label="the first, damaged")
    near = Images(name="near", pixels=folded(nearest, data), role="data", static=True, label="the memory it ends nearest to")
    lines = ["the first run", "the others", *[""] * (RUNS - 2)]
    for i, x in enumerate(path):
        flips = int((x[0] != path[max(i, 1) - 1, 0]).sum())
        flipped = f" {flips} units of the first run changed." if i and bool((x == x.round()).all()) else ""
        yield (
            f"After {time[i]:.3g} {'sweep' if time[i] == 1 else 'sweeps'}.{flipped}" if i else "The damaged rows.",
            [
                Pane(
                    name="recalling",
                    title="Which memory does it fall into?",
                    kind="images",
                    layers=[Images(name="now", pixels=folded(x, data), columns=3, label="six runs, a row each"), first, near],
                    reads="Damaged rows, repaired unit by unit: each falls to the sign of what all others tell it.",
                    how=f"{RUNS} runs of the network's own recall; they take the same order of units, with fates of their own.",
                    alt="Pictures that lose their noise.",
                ),
                Pane(
                    name="strip",
                    title="How did it get there?",
                    kind="images",
                    layers=[Images(name="strip", pixels=strip(path[:, 0], places, i, data), columns=9)],
                    reads="The first run, from left to right. Grey: still to come.",
                    how=f"At most {STRIP} of its {len(path)} states.",
                    alt="The states of one recall beside each other.",
                ),
                Pane(
                    name="staircase",
                    title="Does the energy ever rise?",
                    kind="curves",
                    layers=[
                        Curves(name=f"run {k}", xy=so_far(time, energy[:, k], i), role="noise" if k else "model", label=label)
                        for k, label in enumerate(lines)
                    ],
                    x=across,
                    y=(low - pad, high + pad),
                    x_label="sweep",
                    y_label="energy, nats",
                    reads="Without heat a staircase that only goes down; with heat it climbs now and then, and "
                    "leaves shallow valleys.",
                    alt="Curves of the energy of each run.",
                ),
                *([_overlaps(time, m, i, names, across)] if len(memories) else []),
            ],
        )


def overlaps(x: Float[Tensor, "t d"], memories: Float[Tensor, "k d"], data: Data) -> Float[Tensor, "t k"]:
    """The cosine between states and memories, bits as ±1; of bits it is (1/N) ξ·s."""
    signed = data.spec.support == "real"
    s, xi = (rows if signed else 2 * rows - 1 for rows in (x, memories))
    return torch.nn.functional.normalize(s, dim=1) @ torch.nn.functional.normalize(xi, dim=1).T


def so_far(time: Float[Tensor, " t"], values: Float[Tensor, " t"], i: int) -> Float[Tensor, "t 2"]:
    """A curve up to state i; what is still to come waits there."""
    at = torch.arange(len(time)).clamp(max=i)
    return torch.stack([time[at], values[at]], 1)


def strip(path: Float[Tensor, "t d"], places: Tensor, i: int, data: Data) -> Float[Tensor, "k h w"]:
    pixels = folded(path[places], data)
    pixels[places > i] = 0.5
    return pixels


def _overlaps(time: Tensor, m: Tensor, i: int, names: list[str], across: tuple[float, float]) -> Pane:
    dots = torch.cat([so_far(time, m[:, mu], i) for mu in range(m.shape[1])])
    labels = torch.arange(m.shape[1]).repeat_interleave(len(time))
    return Pane(
        name="overlaps",
        title="Which memory wins?",
        layers=[Points(name="overlaps", xy=dots, labels=labels, classes=names, role="label", label="overlap of the first run")],
        x=(across[0], across[1] * 1.02),
        y=(-1.05, 1.05),
        x_label="sweep",
        y_label="overlap",
        reads="1: it is that memory; −1: its inverse; 0: they know nothing of each other. Several in between: a mixture.",
        how=f"The cosine between the first run and each of the first {len(names)} memories, bits as ±1.",
        alt="Dots of the overlap with each memory over time.",
    )


# ---------------------------------------------------------------- a landscape in a plane


def not_a_plane(model: Model) -> str:
    return "" if model.spec.plane else "A landscape is drawn of points in a plane; these rows are none."


@panel("chain", "memories", "attend", "energy", film=True, unless=not_a_plane)
def landscape(model: Model, data: Data, rng: Rng, shoot: Shoot) -> Iterator[tuple[str, list[Pane]]]:
    """One valley, or many?"""
    assert isinstance(model, HasMemories)
    assert isinstance(model, Attends)
    assert isinstance(model, Energies)
    memories = model.memories()
    if not len(memories):
        raise BadInput("nothing is stored yet, so that the landscape is flat: go on by a step")
    states = filmed(model, data, rng, shoot, CLOUD)[: MOMENTS + 1]
    frame = axes(data)
    (grid, area), (at, _) = lattice(frame, SIDE), lattice(frame, GRID)
    depth = -model.energy(grid).reshape(SIDE, SIDE)
    still: list[Layer] = [
        Field(name="energy", values=depth, extent=area, static=True, label="depth"),
        Arrows(name="steps", start=at, end=model.attend(at) @ memories, static=True, hidden=True, label="one update"),
        Points(name="memories", xy=memories, role="data", static=True, label="stored points"),
    ]
    drag = isinstance(model, RunsInBrowser) and "gibbs" in model.client()
    clock = list(range(len(states) - 1, -1, -1))
    trace: list[Layer] = [Trace(name="trace", ahead="gibbs", clock=clock, label="drag a query")] if drag else []
    for i, state in enumerate(states):
        w = model.attend(state.x[:1])[0]
        top = w.argsort(descending=True, stable=True)[:HEAVIEST]
        top = torch.cat([top, top.new_zeros(max(0, HEAVIEST - len(top)))])  # of fewer memories the last ones are no others
        shares = torch.where(torch.arange(HEAVIEST) < len(w), w[top], 0.0)
        rows = [("points that count", 1 / w.square().sum().item(), f"of {len(w)}", "1 / Σ w²: so many equal weights")]
        yield (
            f"After {i} {'update' if i == 1 else 'updates'}." if i else "Where the queries begin.",
            [
                Pane(
                    name="landscape",
                    title="One valley, or many?",
                    layers=[
                        *still,
                        Points(name="queries", xy=state.x, label="queries on their way"),
                        Points(name="query", xy=state.x[:1], role="error", size=2.5, label="the one whose weights are told"),
                        *trace,
                    ],
                    **frame,
                    reads="The stronger the colour, the deeper. A query becomes an average of the stored points, near ones "
                    "first, and so slides down. Drag one to see where it goes; turn β up, and one valley becomes many.",
                    how=f"−E on {SIDE} × {SIDE} points; {len(state.x)} queries, the same softmax for all.",
                    alt="A landscape with stored points, and queries that slide into its valleys.",
                ),
                Pane(
                    name="attention",
                    title="Whom does it listen to?",
                    kind="bars",
                    layers=[
                        Bars(name="weights", values=shares, names=[f"{j + 1}" for j in top.tolist()], label="its weight"),
                        Numbers(name="numbers", rows=rows),
                    ],
                    reads="The softmax weights of the marked query, the heaviest first: attention, with the stored points as "
                    "keys and as values.",
                    alt="Bars: the heaviest softmax weights of one query.",
                ),
            ],
        )
