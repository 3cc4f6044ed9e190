"""Waking and dreaming: what an update compares, how states cool, what a code is made of, and what one sweep costs."""

import math
import time
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.data.binary import bits
from genviz.layers import Caption, Curves, Images, Layer, Numbers, Pane, Path, Points, Role
from genviz.model import Compares, Cools, Encodes, Energies, Model
from genviz.panels.registry import panel
from genviz.panels.space import signed
from genviz.rng import Rng
from genviz.samplers.sequential import sweep

ROWS = 200  # held while pairs are counted
UNITS = 32  # of which all pairs are drawn: they travel with every frame
FROZEN = 0.01  # of the units change in a sweep: less is a chain that stands still
RUNS, BINS = 400, 40  # of cooling
HOT, COLD = 4.0, 0.1  # temperatures between which it cools
SIZES, CHAINS, TIMES = (16, 64, 128, 256, 512, 784), 100, 3  # units, states side by side, sweeps of which the fastest counts
HALF = 5  # bits of a half row that is completed: all 32 of them are compared


# ---------------------------------------------------------------- two phases


@panel("compare")
def coactivation(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """Which units are on together, awake and asleep?"""
    assert isinstance(model, Compares)
    x = data.seen(model, ROWS)
    awake, asleep, moved = model.compare(x, rng)
    difference, d, title = awake - asleep, data.spec.dim, "Which units are on together, awake and asleep?"
    still = "The chains are frozen: fewer than one unit in a hundred changes in a sweep. Lower the step size, or cool anew."
    rows = [
        ("awake less asleep", difference.abs().mean().item(), "", "mean size over all pairs; learning ends where it is 0"),
        ("units that a sweep changes", 100 * moved, "%", "of the free chains, one sweep on from where they stand"),
    ]
    told: list[Layer] = [Numbers(name="numbers", rows=rows), Caption(name="frozen", text=still if moved < FROZEN else "")]
    if len(awake) > UNITS:
        reads = (
            f"{len(awake)} units have {len(awake) ** 2:,} pairs, too many for a picture at each step: up to {UNITS} units do."
        )
        return [Pane(name="coactivation", title=title, kind="numbers", layers=told, reads=reads)]
    maps = [
        Images(name="awake", pixels=awake.clamp(0, 1)[None], label="awake"),
        Images(name="asleep", pixels=asleep.clamp(0, 1)[None], label="asleep"),
        signed("difference", difference[None], label="difference"),
    ]
    hidden = f", the last {len(awake) - d} hidden" if len(awake) > d else ""
    return [
        Pane(
            name="coactivation",
            title=title,
            kind="images",
            layers=[*maps, *told],
            reads=f"A row and a column a unit: the first {d} visible{hidden}. Pairs that stand out are on together; where "
            "waking is ahead of dreaming the weight grows, where it is behind it falls. At the end the two agree.",
            how=f"⟨s_i s_j⟩ with {len(x)} training rows held, and of the free machine, the means of single units on the "
            "diagonal; exact where units are few enough to list, else mean field's and those of its own chains.",
            alt="Three maps of pairs of units: on together awake, asleep, and the difference.",
        )
    ]


@panel("compare")
def agreement(model: Model, data: Data, rng: Rng) -> list[Pane]:
    return [
        Pane(
            name="agreement",
            title="Do waking and dreaming agree yet?",
            kind="curves",
            layers=[
                Curves(name="difference", columns=("difference",), label="awake less asleep, mean over pairs"),
                Curves(
                    name="moved", columns=("moved",), role="noise", hidden=True, label="share of units that a sweep changes"
                ),
            ],
            y_label="share",
            reads="Learning ends where the two phases agree. Chains add noise to both, so their line never comes to rest by "
            "itself: the falling step size makes it harmless.",
            how="Mean of |⟨s_i s_j⟩ awake − ⟨s_i s_j⟩ asleep| that each update used, single units included.",
            alt="A curve of the difference between the two phases over updates.",
        )
    ]


# ---------------------------------------------------------------- a code for a few patterns


@panel("encode", "energy")
def corners(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """Does each pattern own a corner? Of rows whose second half is to be told from the first, through two hidden units."""
    assert isinstance(model, Encodes)
    assert isinstance(model, Energies)
    shape, k = data.spec.shape, data.spec.dim // 2
    if data.spec.support != "binary" or len(shape) != 2 or shape[0] != 2 or k > HALF:
        return []
    x = data.x.unique(dim=0).flip(0)
    code = model.encode(x).mean
    if code.shape[1] != 2:
        return []
    owned, n = len((code > 0.5).unique(dim=0)), len(x)
    pairs = torch.cat([x[:, None, :k].expand(-1, 2**k, -1), bits(k).expand(n, -1, -1)], 2)
    law = (-model.energy(pairs.flatten(0, 1)).view(n, -1)).softmax(1)
    right = law[(pairs == x[:, None]).all(2)].mean().item()
    want = min(n, 4)
    said = (
        f"All {want} codes are used: the first half tells the second."
        if owned == want
        else f"{owned} codes for {n} patterns: some share one, and are mixed up. Another seed may find the others."
    )
    names = ["".join(str(int(bit)) for bit in row[:k]) for row in x]
    square = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    layers: list[Layer] = [
        Points(name="square", xy=square, role="noise", static=True, size=3, label="the four codes"),
        Points(name="inputs", xy=code, names=names, size=2, label="an input each"),
        Numbers(
            name="numbers",
            rows=[
                ("codes in use", float(owned), f"of {want}", "corners nearest to an input"),
                ("completed rightly", 100 * right, "%", "exact p(second half | first half), a mean over the inputs"),
            ],
        ),
        Caption(name="said", text=said),
    ]
    return [
        Pane(
            name="corners",
            title="Does each pattern own a corner?",
            layers=layers,
            x=(-0.15, 1.15),
            y=(-0.15, 1.15),
            x_label="p(h1 = 1 | row)",
            y_label="p(h2 = 1 | row)",
            reads="The square of the two hidden units. Patterns with a corner each are told apart; two at one corner are not.",
            how="The exact means of the hidden units given each row; completions by listing all second halves.",
            alt=f"{owned} of {want} corners of a square are used by {n} patterns.",
        )
    ]


# ---------------------------------------------------------------- cooling


def cooling_from(hot: float, cold: float, sweeps: int) -> list[float]:
    return torch.logspace(math.log10(hot), math.log10(cold), sweeps).tolist()


@panel("cool", asked=True, whole=True)
def cooling(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """Does slow cooling find the deepest valley?

    From chance states, some runs fall straight downhill and stop at the first valley; others are cooled from temperature 4 to
    0.1 before, and leave shallow valleys in time. At temperature 1 it never settles: that is the machine's own law.
    """
    assert isinstance(model, Cools)
    fall = [0.0] * 20
    plans: dict[str, tuple[Role, list[float]]] = {
        "straight down": ("error", fall),
        "cooled in 10 sweeps": ("noise", [*cooling_from(HOT, COLD, 10), *fall]),
        "cooled in 200 sweeps": ("model", [*cooling_from(HOT, COLD, 200), *fall]),
        "at temperature 1": ("data", [1.0] * 50),
    }
    ends, ground = {}, math.nan
    for name, (_, temperatures) in plans.items():
        energies, ground = model.cool(RUNS, rng.child(name), temperatures)
        ends[name] = energies[-1]
    every = torch.cat([*ends.values()])
    exact, lowest = not math.isnan(ground), every.min().item()
    floor = ground if exact else lowest
    high = every.quantile(0.98).item()
    edges = torch.linspace(min(floor, lowest) - 0.05, max(high, floor + 0.1), BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    layers: list[Layer] = []
    rows: list[tuple[str, float, str, str]] = []
    highest = 0.0
    for name, (role, _) in plans.items():
        share = 100 * torch.histogram(ends[name], edges).hist / RUNS
        highest = max(highest, share.max().item())
        layers.append(Path(name=name, xy=torch.stack([middles, share], 1), role=role, label=name))
        if name != "at temperature 1":
            at = (ends[name] <= floor + 1e-2).float().mean().item()
            mean = ends[name].mean().item() - floor
            rows.append((name, 100 * at, "%", f"of {RUNS} runs end in the deepest valley; on average {mean:.2f} nats above it"))
    what = "by listing all states" if exact else "the deepest that any run found: there are too many states to list"
    rows.append(("the deepest valley", floor, "nats", what))
    return [
        Pane(
            name="cooling",
            title="Does slow cooling find the deepest valley?",
            layers=[*layers, Numbers(name="numbers", rows=rows)],
            x=(edges[0].item(), edges[-1].item()),
            y=(-0.03 * highest, 1.05 * highest),
            x_label="energy of the whole state, nats",
            y_label="% of the runs",
            reads="Falling straight down stops at the first valley; cooling slowly leaves shallow ones in time. At "
            "temperature 1 it never settles: that is the machine's own law.",
            how=f"{RUNS} states of coins; temperatures from {HOT:g} to {COLD:g} by equal factors, then {len(fall)} downhill.",
            alt="; ".join(f"{name}: {value:.1f} {unit}" for name, value, unit, _ in rows),
        )
    ]


# ---------------------------------------------------------------- what a sweep costs


@panel("cool", asked=True, whole=True)
def sweeping(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """Why forbid links within a layer?

    Units that are linked must be drawn one after the other. If there are two layers without links inside, each can be drawn
    at once: two products of matrices, however many units.
    """
    slow, fast = [], []
    for n in SIZES:
        W, b = torch.zeros(n, n), torch.zeros(n)
        s, across, half = rng.coins(torch.full((CHAINS, n), 0.5)), torch.zeros(n // 2, n // 2), n // 2

        def layers_at_once(s: Tensor = s, across: Tensor = across, half: int = half) -> None:
            h = rng.coins((s[:, :half] @ across).sigmoid())
            rng.coins((h @ across.T).sigmoid())

        slow.append(1000 * fastest(lambda s=s, W=W, b=b: sweep(s, W, b, rng)))
        fast.append(1000 * fastest(layers_at_once))
    at = torch.tensor(SIZES, dtype=torch.float32)

    def curve(times: list[float]) -> Float[Tensor, "n 2"]:
        return torch.stack([at, torch.tensor(times)], 1)

    rows = [
        (f"{SIZES[-1]} units, one by one", slow[-1], "ms", f"a sweep of {CHAINS} chains, the fastest of {TIMES}"),
        (f"{SIZES[-1]} units, in two layers", fast[-1], "ms", f"{slow[-1] / fast[-1]:,.0f} times as fast"),
    ]
    return [
        Pane(
            name="sweeping",
            title="Why forbid links within a layer?",
            layers=[
                Path(name="one by one", xy=curve(slow), role="error", label="every unit linked: one after the other"),
                Path(name="at once", xy=curve(fast), role="model", label="two layers, no links inside: each at once"),
                Numbers(name="numbers", rows=rows),
            ],
            x=(0.0, 1.05 * SIZES[-1]),
            y=(-0.03 * slow[-1], 1.1 * max(slow)),
            x_label="units",
            y_label="milliseconds a sweep",
            reads="One after the other, a sweep of twice the units takes at least twice as long; two layers are drawn in two "
            "steps, whatever their size. That is why the restricted machine took over.",
            how=f"Measured on this computer just now: {CHAINS} chains side by side, without any links in the weights.",
            alt=f"A sweep of {SIZES[-1]} units takes {slow[-1]:.2g} ms one by one, {fast[-1]:.2g} ms in two layers.",
        )
    ]


def fastest(work: Callable[[], object]) -> float:
    """Seconds."""
    found = []
    for _ in range(TIMES):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)
