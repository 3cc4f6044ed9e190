"""Pictures of samplers: the same price for each, a ladder of temperatures, an orbit, figures that can and cannot be trusted.

A panel asks the model for a kernel by the sampler's name; what it walks on is the model's own density.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from genviz.data import Data, Mixture
from genviz.data.binary import bits
from genviz.layers import Bars, Caption, Curves, Field, Layer, Numbers, Pane, Path, Points, Role
from genviz.metrics.chains import autocorrelation, diagnose, round_trips, time, visited
from genviz.metrics.mixing import assign
from genviz.model import Chains, Energies, HasKernels, Model
from genviz.panels.registry import Shoot, panel
from genviz.panels.space import axes, lattice
from genviz.rng import Rng
from genviz.samplers.walk import run

CHAINS, BUDGET = 5, 4000  # of the comparison; evaluations a chain
START = 0.3  # standard deviation of where they begin, round the centre
SAMPLERS = {"mh": "Metropolis", "mala": "MALA", "hmc": "HMC", "pt": "tempered"}
ROLES: tuple[Role, ...] = ("noise", "error", "data", "model")
LEAPFROG, LADDER = 20, {"temperatures": 8, "hottest": 10**-2.4}
TRACED, SHOWN, BURNT = 2000, 300, 100  # states that are judged, drawn, and left out before
PAID = 10_000  # evaluations a chain that judging may cost
LAGS = 60
RUNS, FRAMES, STRIDE, MAPS, SIDE = 24, 100, 2, 4, 48  # of the ladder
HUES = 8
ALIKE = 1e-3  # weights this near to each other, relative, are the same
LIMIT, FAR = 1000.0, 1e6  # nats of error, and how far off, that are as good as infinite
STEPS = 60  # of an orbit that is gone again and again, with other steps
COLD, SWEEPS, SIGN = (0.6, 1.0, 1.4, 2.0), 300, 0.3  # of magnets: inverse temperatures, sweeps, what counts as a sign
FEWEST, MOST = 3, 16  # bits of which all states are listed


def real_points(model: Model) -> str:
    return "" if model.spec.support == "real" and len(model.spec.shape) == 1 else "Only points have slopes to walk along."


def in_a_plane(model: Model) -> str:
    return "" if model.spec.plane else "Drawn of points in a plane alone."


def few_bits(model: Model) -> str:
    if model.spec.support == "binary" and FEWEST <= model.spec.dim <= MOST:
        return ""
    return f"Exact averages are sums over all states: shown of {FEWEST} to {MOST} bits."


def modes_of(data: Data) -> Mixture | None:
    """The mixture behind the data, if its components are modes."""
    return law if isinstance(law := data.density, Mixture) and law.apart else None


def width(data: Data) -> float:
    """The narrowest standard deviation there is: of a mixture, exactly; else of the columns."""
    if isinstance(law := data.density, Mixture):
        return torch.linalg.eigvalsh(law.covariance).min().sqrt().item()
    return float(getattr(data.density, "s", data.x.std(0).min()))


def names_of(data: Data) -> tuple[str, str]:
    across, up = (*data.columns, "x₁", "x₂")[:2] if len(data.columns) >= 2 else ("x₁", "x₂")
    return across, up


def line(y: Tensor, x: Tensor | None = None) -> Float[Tensor, "n 2"]:
    """A curve over its own places, or over `x`."""
    at = torch.arange(len(y)) if x is None else x
    return torch.stack([at.float(), y.float()], 1)


# ---------------------------------------------------------------- the same price


@panel("kernel", asked=True, whole=True, unless=real_points, kind="curves")
def evaluations(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """What does each sampler find for the same price?

    Four samplers, as many evaluations of the density or its slope for each. Within a mode slopes help; between modes that lie
    far apart only heat does.
    """
    assert isinstance(model, HasKernels)
    law, s = modes_of(data), width(data)
    lengths = {"mh": 5 / 3 * s, "mala": 4 / 3 * s, "hmc": s / 2, "pt": 5 / 3 * s}
    layers: list[Layer] = []
    stuck: list[str] = []
    rows: list[tuple[str, float, str, str]] = []
    for (name, said), role in zip(SAMPLERS.items(), ROLES, strict=True):
        kernel = model.kernel(name, eps=lengths[name], leapfrog=LEAPFROG, **LADDER)
        walk = kernel.step(kernel.begin(torch.zeros(1, data.spec.dim)), rng.child("cost"))
        steps, cost = BUDGET // walk.nfe, walk.nfe
        x, share = _gone(kernel, START * rng.normal(CHAINS, data.spec.dim), rng.child(name), steps)
        how = f"{steps:,} steps of {cost} evaluation{'s' * (cost > 1)}, eps {lengths[name]:.2g}; {share:.0%} accepted"
        if law:
            k = assign(x.flatten(0, 1), law).view(CHAINS, -1)
            found = visited(k, len(law.weights)).double().mean(0)
            rows.append((said, found[-1].item(), f"of {len(law.weights)} modes", how))
            every = max(1, steps // 200)
            curve = line(found[::every], cost * torch.arange(1, steps + 1)[::every])
        else:
            slowest = max((x[:, :, i] for i in range(x.shape[2])), key=time)
            well = diagnose(slowest)
            if well.mixed:
                rows.append((said, well.per_thousand(cost), "samples", how))
            else:
                stuck.append(said)
            curve = line(autocorrelation(slowest, 1 + LAGS * 10 // cost), cost * torch.arange(1 + LAGS * 10 // cost))
        layers.append(Curves(name=name, xy=curve, role=role, label=said))
    what = f"found, a mean over {CHAINS} chains" if law else "effective samples for 1,000 evaluations, of the slower coordinate"
    return [
        Pane(
            name="evaluations",
            title="What does each sampler find for the same price?",
            kind="curves",
            layers=[*layers, Numbers(name="numbers", rows=rows), Caption(name="stuck", text=_unmixed(stuck))],
            x_label="evaluations a chain",
            y_label="modes visited" if law else "correlation with the state before",
            reads=(
                f"Modes that a chain has visited by then, of {len(law.weights)}."
                if law
                else "How much a chain remembers after so many evaluations: the sooner it is 0, the better."
            ),
            how=f"{CHAINS} chains each from the centre, {BUDGET:,} evaluations of the density or its slope; numbers: {what}. "
            "Step lengths are fixed multiples of the narrowest width there is.",
            alt="; ".join(f"{name}: {value:.3g} {unit}" for name, value, unit, _ in rows),
        )
    ]


def _unmixed(names: list[str]) -> str:
    return f"Not mixed: {' and '.join(names)}. No number of effective samples would mean anything." if names else ""


def _gone(kernel: Any, start: Tensor, rng: Rng, steps: int) -> tuple[Float[Tensor, "c t d"], float]:
    """Where chains go from `start`, (chains, steps, d), and how many of their proposals were accepted."""
    walks = [*islice(run(kernel, start, rng), 1, steps + 1)]
    return torch.stack([w.x for w in walks], 1), torch.stack([w.accepted.double().mean() for w in walks]).mean().item()


# ---------------------------------------------------------------- can it be trusted?


@panel("kernel", "chain", asked=True, whole=True, kind="curves")
def traces(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """Do its chains agree?

    Chains of the model's own sampler, a line each. Where they have mixed, no line can be told from another, R-hat is near 1,
    and the effective samples say how many independent ones they are worth.
    """
    assert isinstance(model, HasKernels)
    title, reads = "Do its chains agree?", "Where they have mixed, no line can be told from another."
    return [_traced("traces", title, _own(model, data, rng), data, reads)]


@panel("kernel", asked=True, whole=True, unless=real_points, kind="curves")
def agreeing(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """Can chains that agree be wrong?

    Chains of Metropolis that all start in one mode, the lightest if some are lighter. They agree with each other, R-hat is 1,
    and their mean is wrong: no figure made of chains alone knows of a place that none of them has been to.
    """
    assert isinstance(model, HasKernels)
    title = "Can chains that agree be wrong?"
    if (law := modes_of(data)) is None:
        reads = "Not here: this density has no modes that lie far apart. Take two-modes or grid25 to see it."
        return [Pane(name="agreeing", title=title, kind="curves", reads=reads)]
    s, lightest = width(data), int(law.weights.argmin())
    start = law.means[lightest] + s * rng.normal(CHAINS, data.spec.dim)
    x = _gone(model.kernel("mh", eps=5 / 3 * s), start, rng.child("walk"), TRACED + BURNT)[0][:, BURNT:]
    seen = visited(assign(x.flatten(0, 1), law).view(CHAINS, -1), len(law.weights))[:, -1].max().item()
    where = (
        "the lightest mode" if law.weights.min() < law.weights.max() * (1 - ALIKE) else f"one of {len(law.weights)} equal modes"
    )
    reads = f"All began in {where}{' and stayed' if seen == 1 else ''}: R-hat sees nothing wrong, the exact mean does."
    more = [("modes visited", float(seen), f"of {len(law.weights)}", "the most that one of the chains has found")]
    return [_traced("agreeing", title, _watched(x, data), data, reads, more)]


def _own(model: HasKernels, data: Data, rng: Rng) -> Float[Tensor, "c t"]:
    """Chains of the model's own sampler, from where it would start: as many states as some evaluations pay for."""
    assert isinstance(model, Chains)
    start, kernel = next(model.chain(CHAINS, rng.child("start"))).x, model.kernel()
    cost = kernel.step(kernel.begin(start), rng.child("cost")).nfe
    x, _ = _gone(kernel, start, rng.child("walk"), BURNT + max(SHOWN, min(TRACED, PAID // cost)))
    return _watched(x[:, BURNT:], data)


def _watched(x: Float[Tensor, "c t d"], data: Data) -> Float[Tensor, "c t"]:
    """The figure that is followed: the first column; of bits the share that is on."""
    return x[:, :, 0] if data.spec.support == "real" else x.mean(2)


def _exact(data: Data) -> float | None:
    """Its exact mean, if that is known."""
    law = data.density
    return round(float(law.weights @ law.means[:, 0]), 9) + 0.0 if isinstance(law, Mixture) else None


def _traced(
    name: str,
    title: str,
    x: Float[Tensor, "c t"],
    data: Data,
    reads: str,
    more: list[tuple[str, float, str, str]] | None = None,
) -> Pane:
    well, tau, exact = diagnose(x), time(x), _exact(data)
    layers: list[Layer] = [
        Curves(name=f"chain {i + 1}", xy=line(chain[:SHOWN]), role=ROLES[i % 4], dash=i // 4) for i, chain in enumerate(x)
    ]
    n = f"{len(x)} chains of {x.shape[1]:,} states"
    rows = [("R-hat", well.r_hat, "", f"split over {n}; above 1.05 nothing can be trusted, at 1.00 not everything")]
    rows = rows if math.isfinite(well.r_hat) else []
    if well.mixed:
        rows.append(("effective samples", well.ess, f"of {x.numel():,}", "arviz's estimate, by Geyer's pairs"))
        rows.append(("autocorrelation time", tau, "steps", "up to the first lag beyond five times itself"))
    stuck = "" if well.mixed else _unmixed(["these chains"])
    rows.append(("mean", x.mean().item(), "", f"of all {n}"))
    if exact is not None:
        rows.append(("exact mean", exact, "", "in closed form"))
        ends = torch.tensor([[0.0, exact], [float(SHOWN - 1), exact]])
        layers.append(Curves(name="exact", xy=ends, role="truth", label="exact mean"))
    rows += more or []
    return Pane(
        name=name,
        title=title,
        kind="curves",
        layers=[*layers, Numbers(name="numbers", rows=rows), Caption(name="stuck", text=stuck)],
        x_label="step",
        y_label=names_of(data)[0] if data.spec.support == "real" else "share of bits that are on",
        reads=reads,
        how=f"The first {SHOWN} of {x.shape[1]:,} states of {len(x)} chains, after {BURNT} that are left out.",
        alt="; ".join(f"{label}: {value:.3g} {unit}" for label, value, unit, _ in rows),
    )


@panel("kernel", "chain", asked=True, whole=True, kind="curves")
def memory(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """How long does it remember?

    The correlation of a state with the one so many steps before. The area under it is half the autocorrelation time: so many
    steps make one independent sample.
    """
    assert isinstance(model, HasKernels)
    x = _own(model, data, rng)
    rho, tau = autocorrelation(x, LAGS + 1), time(x)
    own = torch.stack([autocorrelation(chain[None], LAGS + 1) for chain in x])
    how = "1 + 2 Σ ρ, up to the first lag beyond five times itself"
    return [
        Pane(
            name="memory",
            title="How long does it remember?",
            kind="curves",
            layers=[
                *(Curves(name=f"chain {i + 1}", xy=line(each), role="noise") for i, each in enumerate(own)),
                Curves(name="all", xy=line(rho), label="all chains"),
                Numbers(name="numbers", rows=[("autocorrelation time", tau, "steps", how)] if math.isfinite(tau) else []),
                Caption(name="long", text="" if math.isfinite(tau) else "It remembers longer than these chains can tell."),
            ],
            x_label="steps between",
            y_label="correlation",
            reads="The sooner it falls to 0, the more a step is worth. Grey: each chain about its own mean.",
            how=f"{CHAINS} chains of {x.shape[1]:,} states, about the mean of all.",
            alt=f"Correlation over {LAGS} steps; the time is {tau:.3g}.",
        )
    ]


# ---------------------------------------------------------------- a ladder of temperatures


@panel("kernel", "chain", "energy", film=True, unless=in_a_plane, knobs=("eps", "temperatures", "hottest"))
def ladder(model: Model, data: Data, rng: Rng, shoot: Shoot) -> Iterator[tuple[str, list[Pane]]]:
    """Does what the hot ones find come down?"""
    assert isinstance(model, HasKernels)
    assert isinstance(model, Chains)
    assert isinstance(model, Energies)
    kernel, law = model.kernel("pt"), modes_of(data)
    start = next(model.chain(RUNS, rng.child("start"))).x
    if shoot.point >= 0:
        start = data.seen_row(model, shoot.point).expand(RUNS, -1)
    k, frame = len(kernel.betas), axes(data)
    shown = sorted(set(torch.linspace(0, k - 1, min(MAPS, k)).round().long().tolist()))
    maps = {rung: _heat(model, data, float(kernel.betas[rung])) for rung in shown}
    tried, swapped, seen, who = torch.zeros(k - 1), torch.zeros(k - 1), [], []
    for i, walk in enumerate(islice(run(kernel, start, rng.child("walk")), 0, FRAMES * STRIDE + 1)):
        tried, swapped = tried + walk.tried, swapped + walk.swapped.double().mean(1)
        who.append(walk.who)
        if law:
            seen.append(assign(walk.x, law))
        if i % STRIDE == 0:
            told = _found(torch.stack(seen, 1), law) if law else []
            told.append(
                ("round trips", round_trips(torch.stack(who)).double().mean().item(), "a chain", "hot, cold, hot again")
            )
            panes = [_rung(rung, walk, kernel.betas, maps[rung], frame) for rung in shown]
            yield _step(i), [*panes, _swaps(swapped / tried.clamp(min=1), kernel.betas, told)]


def _step(i: int) -> str:
    return f"Step {i}: each replica has moved, then neighbours tried to change places." if i else "All replicas begin alike."


def _found(k: Int[Tensor, "c t"], law: Mixture) -> list[tuple[str, float, str, str]]:
    n = len(law.weights)
    return [("modes visited", visited(k, n)[:, -1].double().mean().item(), f"of {n}", f"by the coldest, mean of {RUNS} chains")]


def _heat(model: Energies, data: Data, beta: float) -> Field:
    """The density at that temperature, its highest place 1."""
    grid, area = lattice(axes(data), SIDE)
    energy = beta * model.energy(grid)
    values = (energy.min() - energy).exp().view(SIDE, SIDE)
    return Field(name="density", values=values, extent=area, static=True, role="truth")


def _rung(rung: int, walk: Any, betas: Float[Tensor, " k"], heat: Field, frame: dict[str, Any]) -> Pane:
    """The replicas that stand on a rung, in the colour of where they began."""
    k, (x0, x1), (y0, y1) = len(betas), frame["x"], frame["y"]
    low, high = torch.tensor([x0, y0]), torch.tensor([x1, y1])
    xy = walk.states[rung].float().clamp(low, high)  # who left the map stands at its border
    hues = min(k, HUES)
    labels = walk.who[rung] * hues // k
    classes = [f"began {'coldest' if j == hues - 1 else 'hottest' if j == 0 else f'rung {j + 1}'}" for j in range(hues)]
    place = "The coldest: these are the samples" if rung == k - 1 else "The hottest" if rung == 0 else f"Rung {rung + 1} of {k}"
    many = Points(name="replicas", xy=xy, labels=labels, classes=classes, role="label")
    one = Points(name="first", xy=xy[:1], labels=labels[:1], classes=classes, role="label", size=3)
    return Pane(
        name=f"rung {rung + 1}",
        title=f"{place}, β = {betas[rung]:.3g}",
        layers=[heat, many, one],
        **frame,
        reads="A dot a replica, in the colour of the rung on which it began; large, that of the first chain.",
        how=f"{RUNS} chains; the map is the density to the power β.",
        alt="Replicas on the density at one temperature.",
    )


def _swaps(rates: Float[Tensor, " pairs"], betas: Float[Tensor, " k"], told: list[tuple[str, float, str, str]]) -> Pane:
    names = [f"β {a:.2g} and {b:.2g}" for a, b in zip(betas[:-1].tolist(), betas[1:].tolist(), strict=True)]
    return Pane(
        name="swaps",
        title="How often do neighbours change places?",
        kind="bars",
        layers=[Bars(name="swaps", values=rates.float(), names=names, threshold=0.2), Numbers(name="numbers", rows=told)],
        reads="Between 0.2 and 0.6 is good: below, nothing comes down; above, rungs could be spared.",
        how=f"Share of the swaps tried so far that were made, {RUNS} chains.",
        alt="Bars of the swap rates.",
    )


# ---------------------------------------------------------------- an orbit


@panel("kernel", "energy", film=True, unless=in_a_plane, knobs=("eps", "leapfrog"))
def orbit(model: Model, data: Data, rng: Rng, shoot: Shoot) -> Iterator[tuple[str, list[Pane]]]:
    """How far does an orbit go, and how far off is it?"""
    assert isinstance(model, HasKernels)
    row = data.seen_row(model, max(shoot.point, 0))[0].double()
    held = row.clone()
    held[0] = math.nan
    kernel = model.kernel("hmc", clamp=held)
    z, p = row[:1, None], rng.child("push").normal(1, 1).double()
    points, momenta, _ = kernel.orbit(z, p, kernel.score(z), kernel.eps)
    q, v = (torch.cat(rows).flatten() for rows in (points, momenta))
    h = kernel.energy(q.nan_to_num(0.0)[:, None]) + v.square() / 2
    error = (h - h[0]).where(q.isfinite() & v.isfinite(), torch.full_like(h, math.inf))
    (x0, x1), top = _about(q, float(row[0]), data), max(4.0, 1.5 * abs(float(p)))
    frame, ground = {"x": (x0, x1), "y": (-top, top)}, _landscape(kernel, (x0, x1), top)
    fine = _errors(kernel, z, p)
    places = torch.linspace(0, len(q) - 1, min(len(q), FRAMES + 1)).round().long().tolist()
    for at in places:
        xy = torch.stack([q, v], 1)[: at + 1].nan_to_num(0.0, 2 * x1, 2 * x0).float()
        off = error[: at + 1].clamp(-LIMIT, LIMIT).float()
        yield (
            _off(float(error[at]), at),
            [_phase(xy, len(q), ground, frame, names_of(data)[0]), _energy_error(off, len(q)), fine],
        )


def _about(q: Float[Tensor, " n"], at: float, data: Data) -> tuple[float, float]:
    """Limits that hold the orbit, as far as the data reach."""
    low, high = axes(data)["x"]
    far = (q - at).abs().nan_to_num(math.inf).max().item()
    half = min((high - low) / 2, max(5 * width(data), 1.3 * far))
    return at - half, at + half


def _off(error: float, at: int) -> str:
    if not at:
        return "A push in a random direction."
    if not abs(error) <= LIMIT:
        return f"Step {at}: the energy is off by more than {LIMIT:,.0f} nats. The orbit has diverged, and will be rejected."
    chance = min(1.0, math.exp(-max(error, 0.0)))
    return f"Step {at}: the energy is off by {error:+.3g} nats; here it would be accepted with probability {chance:.2f}."


def _landscape(kernel: Any, across: tuple[float, float], top: float) -> Field:
    """The energy H of every place and momentum, above the lowest of them."""
    x = torch.linspace(*across, SIDE, dtype=torch.float64)
    u = kernel.energy(x[:, None])
    h = (u - u.min())[None] + torch.linspace(-top, top, SIDE, dtype=torch.float64).square()[:, None] / 2
    return Field(
        name="energy", values=(-h).exp().float(), extent=(*across, -top, top), style="contour", role="truth", static=True
    )


def _phase(xy: Float[Tensor, "n 2"], whole: int, ground: Field, frame: dict[str, Any], name: str) -> Pane:
    padded = torch.cat([xy, xy[-1:].expand(whole - len(xy), -1)])  # frames of one size
    return Pane(
        name="phase",
        title="Where does a push take it?",
        layers=[ground, Path(name="orbit", xy=padded, label="the orbit"), Points(name="now", xy=xy[-1:], size=3)],
        **frame,
        x_label=name,
        y_label="momentum",
        reads="Lines of equal energy: an exact orbit follows one of them for ever. Larger steps leave it.",
        how="The first coordinate, the others held as in the chosen row; energy is −log p plus half the squared momentum.",
        alt="An orbit in the plane of place and momentum.",
    )


def _energy_error(off: Float[Tensor, " n"], whole: int) -> Pane:
    padded = torch.cat([off, off[-1:].expand(whole - len(off))])
    at = torch.arange(whole).clamp(max=len(off) - 1)
    return Pane(
        name="error",
        title="What does a step get wrong?",
        kind="curves",
        layers=[Curves(name="error", xy=line(padded, at), role="error", label="energy, less that at the start")],
        x_label="leapfrog step",
        y_label="nats",
        reads="The error rises and falls but does not grow, as long as steps are short enough; then it explodes.",
        how=f"H at each step less H at the start; cut at ±{LIMIT:,.0f} nats, where the orbit has diverged.",
        alt="The error of the energy along the orbit.",
    )


def _errors(kernel: Any, z: Float[Tensor, "1 1"], p: Float[Tensor, "1 1"]) -> Pane:
    """The largest error along the same stretch of time, with shorter and longer steps."""
    steps = min(kernel.leapfrog, STEPS)
    stretch, found = steps * kernel.eps, []
    for count in sorted({max(1, round(steps * 2 ** (-octave / 2))) for octave in range(-6, 7)}, reverse=True):
        points, momenta, _ = replace(kernel, leapfrog=count).orbit(z, p, kernel.score(z), stretch / count)
        x, v = torch.cat(points)[:, :1].nan_to_num(0.0, FAR, -FAR).clamp(-FAR, FAR), torch.cat(momenta)[:, 0]
        h = kernel.energy(x) + v.square() / 2
        worst = (h - h[0]).abs().nan_to_num(LIMIT, LIMIT, LIMIT).max().clamp(1e-6, LIMIT)
        found.append([math.log10(stretch / count), math.log10(float(worst))])
    at, error = torch.tensor(found).unbind(1)
    half = error[0] + 2 * (at - at[0])
    scale = Path(name="worst", xy=line(error, at), role="error", static=True, label="largest error")
    square = Path(name="square", xy=line(half.clamp(-6, 3), at), role="truth", static=True, label="as the square of eps")
    high = torch.cat([error, half.clamp(-6, 3)])
    return Pane(
        name="steps",
        title="How short must the steps be?",
        layers=[square, scale],
        x=(at[0].item(), at[-1].item()),
        y=(high.min().item() - 0.2, high.max().item() + 0.2),
        x_label="eps",
        x_log=True,
        y_label="log₁₀ of the error, nats",
        reads="Halve the step and the error falls to a quarter, until at the right it explodes: there every orbit is rejected.",
        how="The largest error of the energy on the same stretch of time, from the same place with the same push.",
        alt="The largest energy error against the length of a step.",
    )


# ---------------------------------------------------------------- averages that hide a mode


@panel("kernel", "energy", asked=True, whole=True, unless=few_bits, kind="curves")
def averages(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """Does a right average mean that a chain has been everywhere?

    Chains that all begin with every bit on, at four temperatures. The colder, the rarer a chain turns most bits over; the
    average energy is right all the same, as both sides have the same.
    """
    assert isinstance(model, HasKernels)
    assert isinstance(model, Energies)
    d, n = data.spec.dim, 100
    u = model.energy(bits(d)).double()
    betas = torch.tensor(COLD, dtype=torch.float64)
    exact = torch.stack([(-b * u).softmax(0) @ u for b in betas])
    kernel = replace(model.kernel("gibbs"), beta=betas.repeat_interleave(n))
    energy, flips, sign = torch.zeros(len(COLD), n), torch.zeros(len(COLD), n), torch.ones(len(COLD), n)
    kept = 0
    for i, walk in enumerate(islice(run(kernel, torch.ones(len(COLD) * n, d), rng.child("walk")), 1, SWEEPS + 1)):
        m = (2 * walk.x - 1).mean(1).view(len(COLD), n)
        now = torch.where(m.abs() > SIGN, m.sign(), sign.double()).float()
        flips += now != sign
        sign = now
        if i >= SWEEPS // 10:
            energy += walk.energy.view(len(COLD), n).float()
            kept += 1
    found = energy / kept
    never = (flips == 0).double().mean(1)
    off = (found.mean(1) - exact).abs() / (exact - u.mean()).abs().clamp(min=1e-9)
    rows: list[tuple[str, float, str, str]] = []
    for b, mean, true, some in zip(COLD, found.mean(1).tolist(), exact.tolist(), flips.mean(1).tolist(), strict=True):
        rows.append((f"β × {b:g}, mean energy", mean, "nats", f"exactly {true:.4g}"))
        rows.append((f"β × {b:g}, turned over", some, "times a chain", f"in {SWEEPS} sweeps"))
    return [
        Pane(
            name="averages",
            title="Does a right average mean that a chain has been everywhere?",
            kind="curves",
            layers=[
                Curves(name="never", xy=line(never, betas), role="error", label="chains that never turned over"),
                Curves(name="off", xy=line(off, betas), role="model", label="error of the mean energy"),
                Numbers(name="numbers", rows=rows),
            ],
            x_label="inverse temperature, times its own",
            y_label="share",
            reads="Colder, hardly a chain ever turns most bits over, so that half of what is probable is never seen; the "
            "average energy is right all the same, as both halves have the same.",
            how=f"{n} chains a temperature from all bits on, {SWEEPS} sweeps of Gibbs sampling; turned over: the mean of ±1 "
            f"beyond ±{SIGN:g} with the other sign. Exact averages by listing all 2^{d} states; the error is a share of the "
            "distance from the average of coins.",
            alt="; ".join(f"{label} {value:.4g} {unit}" for label, value, unit, _ in rows),
        )
    ]
