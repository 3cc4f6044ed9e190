"""How much an associative memory holds: rules on the same rows, the cliff of random patterns, sharpness of an average."""

import math
from collections.abc import Iterator
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.layers import Layer, Numbers, Pane, Path, Points, Role
from genviz.model import Attends, BadInput, HasMemories, Model
from genviz.nets import Standardize
from genviz.panels.memories import one_step, spins, unlinked
from genviz.panels.registry import panel
from genviz.rng import Rng
from genviz.samplers.spins import settle

COPIES = 20  # of each stored row, spoilt, on which rules are compared
FLIPS, SPREAD = 0.15, 3.0  # share of their bits; between two rules
UNITS, SEEDS, SWEEPS = 200, 3, 20  # of the laboratory of random patterns
LOADS = (10, 16, 20, 24, 28, 32, 36, 40, 50, 60)  # patterns
BETA, TIMES = 0.25, 3  # of the modern net beside them: sharpness, and updates
NOISE = 0.1  # share of bits that are flipped before recall
CLIFF = 0.138  # patterns a unit, where Hebb's memory breaks
ROLES: tuple[Role, ...] = ("model", "data", "noise", "error")  # of rules, in turn
UPDATES, SPLITS = 200, 40  # until a state rests; values of β
APART = 0.05  # standard deviations between two valleys
PROBES, BETAS = 200, (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)  # of halves of pictures


# ---------------------------------------------------------------- rules beside each other


@panel("couplings", "memories", asked=True, whole=True, unless=unlinked)
def rules(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """Which rule finds these rows again?

    The same stored rows, the same damage, four ways to keep them: the share of probes that are recalled bit for bit. Small dots
    are seeds.
    """
    assert isinstance(model, HasMemories)
    xi = spins(model.memories())
    if not len(xi):
        raise BadInput("nothing is stored yet, so nothing can be found again: go on by a step")
    n, d = xi.shape
    copies = max(2, min(COPIES, 12_800 // (n * d)))
    W = {rule: write(xi) for rule, write in model.rules.items()}
    ways: list[str] = [*W, "modern"]
    dots, found, rows = [], [], []
    for x, name in enumerate(ways):
        rates = []
        for seed in range(SEEDS):
            own, right = rng.child(seed), xi.repeat(copies, 1)  # the same probes for each way
            probes = torch.where(own.uniform(*right.shape) < FLIPS, -right, right)
            end = settle(probes, W[name], xi.new_zeros(d), own) if name in W else attended(probes, xi, BETA)
            rates.append((end == right).all(1).float().mean().item())
        mean = sum(rates) / SEEDS
        dots += [[SPREAD * x, rate] for rate in rates]
        found.append([SPREAD * x, mean])
        rows.append((name, 100 * mean, "%", f"mean of {SEEDS} seeds, {copies} spoilt copies of each of {n} rows"))
    return [
        Pane(
            name="rules",
            title="Which rule finds these rows again?",
            layers=[
                Points(name="seeds", xy=torch.tensor(dots), role="noise", label="a seed each"),
                Points(name="found", xy=torch.tensor(found), names=ways, size=2, label="recalled bit for bit, mean"),
                Numbers(name="numbers", rows=rows),
            ],
            x=(-0.5 * SPREAD, 3.9 * SPREAD),
            y=(-0.06, 1.1),
            x_label=f"{FLIPS:.0%} of the bits flipped; at most 50 sweeps, or {TIMES} updates with β = {BETA:g}",
            y_label="share recalled",
            alt="; ".join(f"{name}: {value:.0f} %" for name, value, _, _ in rows),
        )
    ]


def attended(q: Float[Tensor, "n d"], xi: Float[Tensor, "k d"], beta: float) -> Float[Tensor, "n d"]:
    """Some updates of the modern net, and the signs."""
    for _ in range(TIMES):
        q = (beta * q @ xi.T).softmax(1) @ xi
    return torch.where(q > 0, 1.0, -1.0)


@panel("couplings", "memories", asked=True, whole=True, unless=unlinked)
def cliff(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """How many memories fit?

    Random patterns in a laboratory of its own: recall from 10 % flipped bits. Hebb's memory holds, and then breaks all at once
    near 0.138 patterns a unit, dashed; other rules go on. Purple: the share of Hebb's bits that are right, beside the normal
    law of one step from clean patterns. The cliff is sharper the larger the network is.
    """
    assert isinstance(model, HasMemories)
    dots: dict[str, list[list[float]]] = {rule: [] for rule in model.rules}
    for load, rule, overlap in laboratory(model, rng):
        dots[rule].append([load, overlap])
    layers: list[Layer] = []
    rows = []
    for i, name in enumerate(model.rules):
        seen, role = torch.tensor(dots[name]), ROLES[i % len(ROLES)]
        mean = seen.reshape(SEEDS, len(LOADS), 2).mean(0)
        layers += [
            Path(name=name, xy=mean, role=role, label=f"{name}, mean and each seed"),
            Points(name=f"{name} seeds", xy=seen, role=role),
        ]
        if not i:  # the first of the rules
            good = torch.stack([mean[:, 0], (1 + mean[:, 1]) / 2], 1)
            layers.append(Path(name="bits", xy=good, role="error", label=f"{name}, share of bits that are right"))
        rows += [(f"{name}, α = {a:.2f}", m, "", f"mean overlap of {SEEDS} seeds") for a, m in mean[[2, 7]].tolist()]
    loads = torch.linspace(0.03, LOADS[-1] / UNITS, 40)
    bound = torch.tensor([[load, 1 - one_step(load)] for load in loads.tolist()])
    layers += [
        Path(name="one step", xy=bound, role="truth", label="1 − ½ erfc √(1/2α), and α = 0.138"),
        Path(name="cliff", xy=torch.tensor([[CLIFF, 0.3], [CLIFF, 1.05]]), role="truth"),
        Numbers(name="numbers", rows=rows),
    ]
    return [
        Pane(
            name="cliff",
            title="How many memories fit?",
            layers=layers,
            x=(0.03, LOADS[-1] / UNITS + 0.02),
            y=(0.3, 1.05),
            x_label=f"patterns a unit, of {UNITS} units",
            y_label="overlap after recall",
            alt="; ".join(f"{name}: {value:.2f}" for name, value, _, _ in rows),
        )
    ]


def laboratory(model: HasMemories, rng: Rng) -> Iterator[tuple[float, str, float]]:
    """Load, rule and mean overlap after recall of all patterns, for each seed, rule and number of patterns."""
    for seed in range(SEEDS):
        own = rng.child(seed)
        xi = 2.0 * own.integers(0, 2, LOADS[-1], UNITS) - 1
        start = torch.where(own.uniform(*xi.shape) < NOISE, -xi, xi)
        for (rule, write), load in product(model.rules.items(), LOADS):
            end = settle(start[:load], write(xi[:load]), xi.new_zeros(UNITS), own, SWEEPS)
            yield load / UNITS, rule, (end * xi[:load]).mean().item()


# ---------------------------------------------------------------- memories that are averaged


def averages(model: Model) -> str:
    """Why nothing is averaged."""
    assert isinstance(model, Attends)
    try:
        model.attend(torch.zeros(1, model.spec.dim))
    except BadInput as error:
        return f"{error}."
    return ""


def flat_only(model: Model) -> str:
    if not model.spec.plane:
        return "How the valley splits is drawn of points in a plane; these rows are none."
    return averages(model)


@panel("memories", "attend", asked=True, whole=True, unless=flat_only)
def splitting(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """When does one valley become many?

    At each sharpness β all stored points slide to where they rest; a dot is such a place, by its first coordinate. To the left
    one average of all; some way past the dashed line it splits, at last into single points.
    """
    assert isinstance(model, HasMemories)
    assert isinstance(model, Attends)
    x = model.memories()
    if not len(x):
        raise BadInput("nothing is stored yet, so there is no valley: go on by a step")
    units = Standardize(2)
    units.fit(data.x)
    critical = 1 / torch.linalg.eigvalsh(units(x).double().T.cov(correction=0)).max().item() if len(x) > 1 else 1.0
    dots, rows = [], []
    for beta in torch.logspace(math.log10(0.25), 3, SPLITS).tolist():
        q = rests(model, x, beta)
        dots.append(torch.stack([torch.full((len(q),), math.log10(beta)), q[:, 0]], 1))
        if len(dots) % 6 == 4 or len(dots) == SPLITS:
            own = (torch.cdist(units(q), units(x)).argmin(1) == torch.arange(len(x))).sum().item()
            how = f"places apart by more than {APART:g} standard deviations; {own} of {len(x)} points end nearest to themselves"
            rows.append(
                (f"valleys, β = {beta:.0f}" if beta > 100 else f"valleys, β = {beta:.2g}", float(apart(units(q))), "", how)
            )
    low, high = data.x[:, 0].min().item(), data.x[:, 0].max().item()
    edge = torch.tensor([[math.log10(critical), low], [math.log10(critical), high]])
    rows.append(
        (
            "β, dashed",
            critical,
            "",
            "1 / the largest variance: an average with equal weights splits here",
        )
    )
    return [
        Pane(
            name="splitting",
            title="When does one valley become many?",
            layers=[
                Points(name="places", xy=torch.cat(dots), size=0.6, label="where stored points come to rest"),
                Path(name="critical", xy=edge, role="truth", label="1 / the largest variance"),
                Numbers(name="numbers", rows=rows),
            ],
            x=(math.log10(0.25) - 0.05, 3.05),
            y=(low - 0.1, high + 0.1),
            x_label="β",
            x_log=True,
            y_label="first coordinate",
            alt="; ".join(f"{name}: {value:.3g}" for name, value, _, _ in rows),
        )
    ]


def rests(model: Attends, x: Float[Tensor, "n d"], beta: float, times: int = UPDATES) -> Float[Tensor, "n d"]:
    """Rows after so many updates at that sharpness, or where they rest: each next state is a mean of the memories."""
    assert isinstance(model, HasMemories)
    memories = model.memories()
    low, high = memories.amin(0), memories.amax(0)
    for _ in range(times):
        before, x = x, (model.attend(x, beta) @ memories).clamp(low, high)  # but for rounding a mean is within
        if (x - before).abs().max() < 1e-5:
            break
    return x


def apart(x: Float[Tensor, "n d"]) -> int:
    """How many groups of rows there are, those of a group being near to each other one by one."""
    near, label = torch.cdist(x, x) < APART, torch.arange(len(x))
    while not torch.equal(label, least := torch.where(near, label, len(x)).amin(1)):
        label = least
    return len(label.unique())


def no_pictures(model: Model) -> str:
    return averages(model) if len(model.spec.shape) == 2 else "Only of pictures a half can be wiped away; these rows are none."


@panel("memories", "attend", asked=True, whole=True, unless=no_pictures)
def halves(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """Does half a picture call back the whole?

    Of stored pictures the lower half is replaced by that of the mean; three updates later: is it the very picture again, and if
    not, one of the same class? With a small β every probe ends in one average.
    """
    assert isinstance(model, HasMemories)
    assert isinstance(model, Attends)
    x = model.memories()
    if not len(x):
        raise BadInput("nothing is stored yet, so nothing can be called back: go on by a step")
    own = rng.permutation(len(x))[:PROBES]
    half, mean = torch.arange(data.spec.dim) < data.spec.dim // 2, x.mean(0)
    probes = torch.where(half, x[own], mean)
    label = None if data.y is None else data.y[torch.cdist(x, data.seen(model, len(data.x))).argmin(1)]
    exact, right, rows = [], [], []
    for beta in BETAS:
        q = rests(model, probes, beta, TIMES)
        found = torch.cdist(q, x).argmin(1)
        exact.append([math.log10(beta), (found == own).float().mean().item()])
        rows.append((f"the very picture, β = {beta:g}", 100 * exact[-1][1], "%", f"of {len(own)} probes, {len(x):,} stored"))
        if label is not None:
            right.append([math.log10(beta), (label[found] == label[own]).float().mean().item()])
    layers: list[Layer] = [
        Path(name="exact", xy=torch.tensor(exact), label="the very picture is nearest"),
        Points(name="exact dots", xy=torch.tensor(exact)),
    ]
    if right:
        layers.append(Path(name="class", xy=torch.tensor(right), role="data", label="a picture of its class is nearest"))
        layers.append(Points(name="class dots", xy=torch.tensor(right), role="data"))
        rows += [(f"its class, β = {b:g}", 100 * r, "%", "") for b, (_, r) in zip(BETAS, right, strict=True)]
    return [
        Pane(
            name="halves",
            title="Does half a picture call back the whole?",
            layers=[*layers, Numbers(name="numbers", rows=rows)],
            x=(math.log10(BETAS[0]) - 0.1, math.log10(BETAS[-1]) + 0.1),
            y=(-0.05, 1.05),
            x_label="β",
            x_log=True,
            y_label="share of probes",
            alt="; ".join(f"{name}: {value:.0f} %" for name, value, _, _ in rows),
        )
    ]
