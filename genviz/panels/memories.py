"""Pictures of associative memories: their weights and what crosstalk does to them, where states fall, how much fits."""

import math
from itertools import combinations, product

import torch
from jaxtyping import Float, Int
from torch import Tensor

from genviz.data import Data
from genviz.data.binary import bits
from genviz.layers import Caption, Curves, Images, Numbers, Pane, Points
from genviz.model import BadInput, HasCouplings, HasMemories, Model
from genviz.panels.bits import places
from genviz.panels.registry import panel
from genviz.panels.space import picture, reach, signed
from genviz.rng import Rng
from genviz.samplers.spins import TIE, energy, settle

SHOWN = 20  # stored rows, the newest
SEEN = 64  # units whose weights are drawn
BINS = 48
LISTED = 16  # units of which all states are followed
RESTING = 18  # of their fixed points, those drawn
HUES = 9  # basins with a colour of their own
DOTS, FEWEST, WIDTH = 1200, 4, 1.4  # of all states; of a cell; how wide its square may be


def unlinked(model: Model) -> str:
    """Why there are no weights to look at."""
    assert isinstance(model, HasCouplings)
    try:
        model.couplings()
    except BadInput as error:
        return f"{error}."
    return ""


def spins(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Rows of bits as ±1, whether they were that or 0 and 1."""
    low = -1.0 if bool((x < 0).any()) else 0.0
    return torch.where(x > (1 + low) / 2, 1.0, -1.0)


def folded(x: Float[Tensor, "n d"], data: Data) -> Float[Tensor, "n h w"]:
    """Rows as pictures in [0, 1]; rows of many numbers are folded, as square as can be."""
    height, width = picture(data)
    if height == 1:
        height = next(h for h in range(math.isqrt(width), 0, -1) if width % h == 0)
    low = -1.0 if bool((x < 0).any()) and data.spec.support == "real" else 0.0
    return ((x - low) / (1 - low)).clamp(0, 1).reshape(len(x), height, -1)


# ---------------------------------------------------------------- while patterns are stored


@panel("memories")
def stored(model: Model, data: Data, rng: Rng) -> list[Pane]:
    assert isinstance(model, HasMemories)
    if data.spec.plane:
        return []
    x, room = model.memories(), min(SHOWN, len(model.chosen(data)))
    pixels = folded(torch.cat([x[-room:], torch.full((max(0, room - len(x)), data.spec.dim), 0.5)]), data)
    pixels[len(x) :] = 0.5
    return [
        Pane(
            name="stored",
            title="What does it remember?",
            kind="images",
            layers=[Images(name="stored", pixels=pixels, columns=math.ceil(math.sqrt(room)))],
            reads="The rows that are stored by now; each step adds the next. Grey: nothing yet.",
            how=f"At most the {SHOWN} newest, as the network keeps them.",
            alt="Pictures of the stored rows.",
        )
    ]


@panel("couplings", unless=unlinked)
def weights(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """What do the weights look like?"""
    assert isinstance(model, HasCouplings)
    W, _ = model.couplings()
    n = min(SEEN, len(W))
    some = "" if n == len(W) else f" the first {n} of {len(W)} units,"
    return [
        Pane(
            name="weights",
            title="What do the weights look like?",
            kind="images",
            layers=[signed("weights", W[None, :n, :n])],
            reads="Row i, column j: what unit j says to unit i; a colour for “be as I am”, another for “be my opposite”. Play "
            "the run to see them grow.",
            how=f"W between units ±1,{some} from minus to plus its largest entry, rounded up to 1, 2, 5, 10 …; "
            "nothing on the diagonal.",
            alt="The matrix of weights as a picture.",
        ),
    ]


@panel("couplings", "memories", unless=unlinked)
def crosstalk(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """Does every stored bit hold itself?"""
    assert isinstance(model, HasCouplings)
    assert isinstance(model, HasMemories)
    (W, theta), xi = model.couplings(), spins(model.memories())
    held = ((xi @ W - theta) * xi).flatten()
    side = reach(held.abs().max().item()) if len(held) else 1.0
    edges = torch.linspace(-side, side, BINS + 1)
    middles, share = (edges[1:] + edges[:-1]) / 2, torch.histogram(held, edges).hist / max(1, len(held))
    curve = torch.stack([middles, share], 1)
    load, lost = len(xi) / len(W), (held < 0).float().mean().item() if len(held) else 0.0
    rows = [
        ("patterns a unit, α", load, "", f"{len(xi)} patterns, {len(W)} units"),
        ("bits that would flip", 100 * lost, "%", "of the stored patterns, h_i ξ_i < 0: the first step of recall loses them"),
        ("if Hebb stored as many random ones", 100 * one_step(load), "%", "½ erfc √(1/2α): a normal law of the crosstalk"),
    ]
    return [
        Pane(
            name="crosstalk",
            title="Does every stored bit hold itself?",
            kind="curves",
            layers=[
                Curves(name="held", xy=curve[BINS // 2 :], label="bits that hold"),
                Curves(name="lost", xy=curve[: BINS // 2 + 1], role="error", label="bits that would flip"),
                Numbers(name="numbers", rows=rows),
                Caption(name="full", text=full(xi) if len(xi) else ""),
            ],
            x_label="h_i ξ_i",
            y_label="share of all stored bits",
            reads="What all other units say to a stored bit, times the bit: left of 0 they outvote it. The spread is the "
            "crosstalk of the other patterns, and grows with each.",
            how=f"h = Wξ − θ of every unit of every stored pattern, in {BINS} bins.",
            alt=f"A histogram; {lost:.1%} of the stored bits would flip.",
        )
    ]


def one_step(load: float) -> float:
    """The share of bits that Hebb's rule loses in one step, of random patterns, `load` = P/N."""
    return math.erfc(math.sqrt(1 / (2 * load))) / 2 if load else 0.0


def full(xi: Float[Tensor, "k d"]) -> str:
    """What to say of patterns that depend on each other, or are as many as the units."""
    rank = int(torch.linalg.matrix_rank(xi.double(), rtol=1e-6))
    if rank == xi.shape[1]:
        return "These patterns span all states: a projector onto them would let every state rest, and recall none."
    if rank < len(xi):
        return (
            f"Only {rank} of these {len(xi)} patterns are independent: the others are mixtures, and add nothing to a projector."
        )
    return ""


# ---------------------------------------------------------------- all states of few units


def too_many(model: Model) -> str:
    if why := unlinked(model):
        return why
    d = model.spec.dim
    return "" if d <= LISTED else f"All states are followed of at most {LISTED} units; these rows have {d}."


def resting(model: HasCouplings, d: int) -> tuple[Float[Tensor, "n d"], Float[Tensor, "k d"]]:
    """All states of d spins, and those of them in which nothing moves."""
    (W, theta), every = model.couplings(), 2 * bits(d) - 1
    return every, every[((every @ W - theta) * every >= -TIE).all(1)]


def kinds(rest: Float[Tensor, "k d"], xi: Float[Tensor, "m d"]) -> list[str]:
    """What each resting state is to the patterns: one of them, an inverse, a mixture of three, or none of these."""
    known: dict[int, str] = {}
    for three in combinations(range(min(len(xi), HUES)), 3):
        for sign in product((1.0, -1.0), repeat=3):
            mixed = torch.tensor(sign) @ xi[list(three)]
            known[int(places(mixed[None]))] = "mixture of " + ", ".join(
                f"{'−' if s < 0 else ''}{mu + 1}" for s, mu in zip(sign, three, strict=True)
            )
    for mu in reversed(range(len(xi))):
        known |= {int(places(-xi[mu : mu + 1])): f"inverse of {mu + 1}"}
    for mu in reversed(range(len(xi))):
        known |= {int(places(xi[mu : mu + 1])): f"stored {mu + 1}"}
    return [known.get(place, "none of these") for place in places(rest).tolist()]


def brief(kind: str) -> str:
    """A kind of resting state in a few letters."""
    what, _, mu = kind.rpartition(" ")
    return {"stored": f"ξ{mu}", "inverse of": f"−ξ{mu}"}.get(what, "mixed" if what.startswith("mixture") else "other")


@panel("couplings", "memories", "energy", unless=too_many)
def valleys(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """Where can it rest?"""
    assert isinstance(model, HasCouplings)
    assert isinstance(model, HasMemories)
    xi = spins(model.memories())
    _, rest = resting(model, data.spec.dim)
    E = energy(rest, *model.couplings())
    order = E.argsort(stable=True)[:RESTING]
    named = kinds(rest[order], xi)
    pixels = torch.full((RESTING, data.spec.dim), 0.5)
    pixels[: len(order)] = (rest[order] + 1) / 2
    captions = [f"{brief(name)} {e:.1f}".replace("-", "−") for name, e in zip(named, E[order].tolist(), strict=True)]
    return [
        Pane(
            name="valleys",
            title="Where can it rest?",
            kind="images",
            layers=[
                Images(
                    name="valleys",
                    pixels=folded(pixels, data),
                    columns=6,
                    captions=[*captions, *[""] * (RESTING - len(captions))],
                ),
                Caption(name="count", text=f"{len(rest):,} of {2**data.spec.dim:,} states rest."),
            ],
            reads="Every state in which no unit wants to move, the lowest first. Beside what was stored: the inverse of each "
            "pattern, and mixtures of three, as if two memories had outvoted a third. Below each its energy.",
            how=f"All {2**data.spec.dim:,} states are tried; at most {RESTING} of those that rest are drawn.",
            alt="; ".join(named),
        )
    ]


@panel("couplings", "memories", "energy", asked=True, whole=True, unless=too_many)
def basins(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """Where does every state fall?

    Every state is followed down to where it rests, and has the colour of that place. Across: in how many bits it differs from
    the first stored pattern; up: from the second. The table counts what falls where, spurious states among them.
    """
    assert isinstance(model, HasCouplings)
    assert isinstance(model, HasMemories)
    d, xi = data.spec.dim, spins(model.memories())
    if not len(xi):
        raise BadInput("nothing is stored yet, so that every state rests: go on by a step")
    (W, theta), every = model.couplings(), 2 * bits(d) - 1
    end = settle(every, W, theta, rng)
    rest, which, size = end.unique(dim=0, return_inverse=True, return_counts=True)
    order = size.argsort(descending=True, stable=True)
    rank = order.argsort()
    named = [kinds(rest[order], xi)[k] for k in range(len(order))]
    E = energy(rest[order], W, theta).tolist()
    colours, others = rank[which].clamp(max=HUES), ["others"] if len(order) > HUES else []
    distances = [((every != pattern).sum(1)).long() for pattern in (xi[0], xi[1] if len(xi) > 1 else -xi[0])]
    xy, labels = mosaic(distances[0], distances[1], colours, max(1, len(every) // DOTS))
    rows = [
        (name, 100 * int(n) / len(every), "%", f"energy {e:.2f}; {int(n):,} of {len(every):,} states fall there")
        for name, n, e in zip(named, size[order].tolist(), E, strict=True)
    ]
    dots = Points(name="states", xy=xy, labels=labels, classes=[*named[:HUES], *others], role="label", size=0.8, label="states")
    return [
        Pane(
            name="basins",
            title="Where does every state fall?",
            layers=[dots, Numbers(name="numbers", rows=rows)],
            x=(-0.7, d + 0.7),
            y=(-0.7, d + 0.7),
            x_label="bits that differ from pattern 1",
            y_label=f"bits that differ from {'pattern 2' if len(xi) > 1 else 'its inverse'}",
            alt="; ".join(f"{name}: {value:.1f} %" for name, value, _, _ in rows),
        )
    ]


def mosaic(
    across: Int[Tensor, " n"], up: Int[Tensor, " n"], colours: Int[Tensor, " n"], thin: int
) -> tuple[Float[Tensor, "k 2"], Int[Tensor, " k"]]:
    """A dot for every `thin` states of each cell (a few of a small one), by colour, in a square about the cell's middle."""
    wide = int(up.max()) + 1
    cell = across * wide + up
    step = WIDTH / math.ceil(math.sqrt(int(cell.bincount().max()) / thin))
    places, labels = [], []
    for one in cell.unique().tolist():
        inside = colours[cell == one].sort().values
        every = min(thin, max(1, len(inside) // FEWEST))
        inside = inside[every // 2 :: every]
        i, side = torch.arange(len(inside)), math.ceil(math.sqrt(len(inside)))
        spot = torch.stack([i % side, i // side], 1) - (side - 1) / 2
        places.append(torch.tensor(divmod(one, wide)) + step * spot)
        labels.append(inside)
    return torch.cat(places), torch.cat(labels)
