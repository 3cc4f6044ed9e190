"""Pictures of levels that learn one after the other: what each adds, looks for and believes, and how its chain walks."""

from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from genviz.data import Data
from genviz.data.base import BITS
from genviz.layers import Bars, Curves, Images, Layer, Numbers, Pane, Points
from genviz.metrics.chains import hops, visited
from genviz.metrics.reading import reader
from genviz.model import BadInput, Bounds, LogProbs, Model, Stacks
from genviz.panels.energy import likelihoods
from genviz.panels.registry import Shoot, panel
from genviz.panels.space import made, picture
from genviz.rng import Rng

SHEET = 24  # samples of a level
SHOWN = 24  # rows whose bound is compared with the truth
DRAWS = 50  # of beliefs, for a bound
TESTED = 300  # rows of a mean
CHAINS, FRAMES, EVERY = 8, 60, 5  # of a film of all levels: chains of each, frames, sweeps from one to the next
NOISY = (0.0, 0.05, 0.1, 0.2, 0.3)  # shares of pixels that are flipped


# ---------------------------------------------------------------- what each level adds


@panel("upto", "bound", "monitor")
def stages(model: Model, data: Data, rng: Rng) -> list[Pane]:
    lines = [
        Curves(name="exact", columns=("test log-likelihood",), role="truth", label="log p, exact where it can be"),
        Curves(name="bound", columns=("test bound",), label="the bound"),
        Curves(name="first", columns=("first level alone",), role="noise", label="first level by itself"),
    ]
    falls = ""
    if getattr(model, "updown", 0):
        lines.append(Curves(name="before", columns=("bound before up-down",), role="noise", dash=1, label="before up-down"))
        falls = (
            " If the bound falls below the line from which up-down began, its steps are too large: stop, or take smaller ones."
        )
    reads = (
        "When a new level joins, the bound goes on where the first level stopped if it begins as that one turned over, and "
        "falls if it begins at random.{best}" + falls
    )
    how = (
        "At tenths of the run, on unseen rows: the variational bound, ten beliefs a row; log Z of the top level exact where a "
        "layer can be listed, else annealed over 200 temperatures."
    )
    return likelihoods("stages", "What does each level add?", lines, reads, how, model, data)


def unlisted(model: Model) -> str:
    assert isinstance(model, LogProbs)
    try:
        model.log_prob(torch.zeros(0, model.spec.dim))  # of no rows: it costs nothing
    except BadInput as error:
        return f"There is no exact answer to compare with: {error}."
    return ""


@panel("upto", "bound", "log_prob", unless=unlisted)
def gap(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """How far is the bound from the truth?"""
    assert isinstance(model, Bounds)
    assert isinstance(model, LogProbs)
    x = data.seen(model, SHOWN)
    if bool((x != x.round()).any()):
        return []
    exact, bound = model.log_prob(x), model.bound(x.repeat(DRAWS, 1), rng).reshape(DRAWS, -1).mean(0)
    many = f"the first {len(x)} training rows" if len(x) < len(data.x) else f"all {len(x)} rows"
    rows = [
        ("log p", exact.mean().item(), "nats", f"exact, mean over {many}"),
        ("bound", bound.mean().item(), "nats", f"{DRAWS} beliefs a row"),
        ("gap", (exact - bound).mean().item(), "nats", "what the beliefs of the levels below cost"),
    ]
    bars = Bars(
        name="rows",
        values=-exact,
        marks=-bound,
        marked="−bound",
        upright=True,
        label="−log p of each row",
        unit="nats",
    )
    return [
        Pane(
            name="gap",
            title="How far is the bound from the truth?",
            kind="bars",
            layers=[bars, Numbers(name="numbers", rows=rows)],
            y_label="nats",
            reads="A bar a row: how surprising it is, exactly; the dash is what the bound says. It is never below the bar, but "
            "for chance, and on it where what the levels believe of a row is the truth.",
            how=f"Of {many}{BITS[getattr(model, 'binarize', 'none')]}: a sum over hidden states, and {DRAWS} draws of beliefs.",
            alt="Bars of the exact surprise of rows, with dashes at the bound.",
        )
    ]


@panel("upto", "sample", "bound", kind="images", asked=True, whole=True)
def sheets(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """What would it dream up with fewer levels?

    Samples of the network cut after its first level, after its second, …, and what each makes of unseen rows.
    """
    assert isinstance(model, Stacks)
    layers: list[Layer] = []
    rows: list[tuple[str, float, str, str]] = []
    x = data.seen(model, TESTED, "test")
    grey = bool((x != x.round()).any())
    for level in range(1, model.levels + 1):
        cut = model.upto(level)
        dreamt = made(cut, SHEET, rng.child(level)).reshape(-1, *picture(data))
        label = f"{level} {'level' if level == 1 else 'levels'}"
        layers.append(Images(name=label, pixels=dreamt, columns=12, label=label))
        if not grey:
            bound = torch.stack([cut.bound(x, rng.child("bound", level)) for _ in range(4)]).mean().item()
            rows.append((f"bound, {label}", bound, "nats a row", f"mean over {len(x)} unseen rows"))
    return [
        Pane(
            name="sheets",
            title="What would it dream up with fewer levels?",
            kind="images",
            layers=[*layers, Numbers(name="numbers", rows=rows)],
            reads="Each sheet is what the network dreams if it ends there: the last level is a memory, those below paint. They "
            "are probabilities, smoother than samples of bits.",
            how="The whole network with the weights at the playhead, a shorter one as it was when its last level had learned; "
            "each level's chains go on from where its training left them.",
            alt=f"Sheets of samples of {model.levels} levels.",
        )
    ]


# ---------------------------------------------------------------- what it looks for, what it believes


@panel("upto", "reconstruct", kind="images", asked=True)
def cleaning(model: Model, data: Data, rng: Rng, point: int) -> list[Pane]:
    """Does it believe in the noise?

    The chosen row with more and more pixels flipped; beneath, what the network paints when it has recognised that.
    """
    assert isinstance(model, Stacks)
    row = data.seen_row(model, point)
    flips = torch.cat([rng.coins(row.new_full(row.shape, share)) for share in NOISY])
    noisy = (row - flips).abs()
    captions = [f"{share:.0%}" for share in NOISY]

    def sheet(name: str, x: Tensor, **more: object) -> Images:
        return Images(name=name, pixels=x.clamp(0, 1).reshape(-1, *picture(data)), columns=len(NOISY), label=name, **more)  # pyright: ignore[reportArgumentType]

    layers: list[Layer] = [sheet("flipped", noisy, captions=captions, role="data")]
    rows: list[tuple[str, float, str, str]] = []
    for level in range(1, model.levels + 1):
        made = model.upto(level).reconstruct(noisy)
        layers.append(sheet(f"up {level} and down", made))
        wrong = ((made[2] > 0.5) != (row[0] > 0.5)).float().sum().item()
        rows.append(
            (f"still wrong of {int(flips[2].sum())}, up {level}", wrong, "pixels", "at 10 % flipped, pixels above ½ as 1")
        )
    return [
        Pane(
            name="cleaning",
            title="Does it believe in the noise?",
            kind="images",
            layers=[*layers, Numbers(name="numbers", rows=rows)],
            reads="From left to right more pixels are flipped. Going up, each level keeps what it has features for; going "
            "down, that is painted again. The higher the turn, the more the picture is the network's own.",
            how="Up by recognition, once through the level at the turn, down again; means instead of coins. The whole network "
            "as it is, a shorter one as it was when its last level had learned.",
            alt="A row with noise, and what each level makes of it.",
        )
    ]


# ---------------------------------------------------------------- chains at each level


def unread(model: Model) -> str:
    return "" if model.spec.classes > 1 else "These rows have no classes that chains could change between."


@panel("chain", "upto", film=True, unless=unread)
def depths(model: Model, data: Data, rng: Rng, shoot: Shoot) -> Iterator[tuple[str, list[Pane]]]:
    """Which level changes its mind most often?"""
    assert isinstance(model, Stacks)
    reads, levels = reader(data), range(1, model.levels + 1)
    start = data.seen(model, CHAINS, "test") if shoot.point < 0 else data.seen_row(model, shoot.point)
    chains = [
        model.upto(level).chain(CHAINS, rng.child("level", level), start.expand(CHAINS, -1), shoot.clamp) for level in levels
    ]
    means = [[state.aux.get("p", state.x) for state in islice(c, 0, FRAMES * EVERY + 1, EVERY)] for c in chains]
    classes, n = [torch.stack([reads.read(p) for p in level], 1) for level in means], data.spec.classes  # (chains, frames)
    been = {level: visited(seen, n) for level, seen in zip(levels, classes, strict=True)}
    for now in range(FRAMES + 1):
        until = torch.arange(FRAMES + 1).clamp(max=now)
        rows = []
        for level, seen in zip(levels, classes, strict=True):
            told = f"of {now} steps of {EVERY} sweeps, {CHAINS} chains"
            rows.append((f"class changes, level {level}", hops(seen[:, : now + 1], n).rate if now else 0.0, "a step", told))
            rows.append((f"classes seen, level {level}", been[level][:, now].double().mean().item(), "a chain", told))
        yield (
            f"{now * EVERY} sweeps at each level." if now else "Every chain begins at the same real rows.",
            [
                Pane(
                    name="depths",
                    title="Which level changes its mind most often?",
                    kind="images",
                    layers=[
                        Images(
                            name=f"level {level}",
                            pixels=p[now].reshape(-1, *picture(data)),
                            columns=CHAINS,
                            label=f"chains of level {level}",
                        )
                        for level, p in zip(levels, means, strict=True)
                    ],
                    reads="The same start, as many sweeps; what a chain of a higher level walks through is painted down.",
                    how=f"{CHAINS} chains a level, a frame every {EVERY} sweeps; the probabilities of the last step down. The "
                    "whole network as it is, a shorter one as it was when its last level had learned.",
                    alt="Pictures of chains at each level.",
                ),
                Pane(
                    name="ribbons",
                    title="What is each chain taken for?",
                    layers=[_ribbons(classes, until, data), Numbers(name="numbers", rows=rows)],
                    x=(-1.0, FRAMES + 1.0),
                    y=(-(CHAINS + 1.0) * len(levels), 1.0),
                    x_label=f"steps of {EVERY} sweeps",
                    y_label=f"chains, level 1 on top, level {len(levels)} at the bottom" if len(levels) > 1 else "chains",
                    reads="A line a chain, in the colour of the class a reader takes it for: where the colour changes, the "
                    "chain has gone from one kind of row to another, or through a blurred one between.",
                    how=f"Logistic regression trained on real rows; on unseen ones it is right in {reads.accuracy:.1%}.",
                    alt="Lines of dots, coloured by predicted class.",
                ),
            ],
        )


def _ribbons(classes: list[Tensor], until: Tensor, data: Data) -> Points:
    """A dot a chain and a step, level beneath level; steps to come lie on the newest one."""
    xy, labels = [], []
    for place, seen in enumerate(classes):
        height = -torch.arange(CHAINS).float() - place * (CHAINS + 1)
        xy.append(torch.cartesian_prod(until.float(), height))
        labels.append(seen.T[until].flatten())
    return Points(
        name="classes",
        xy=torch.cat(xy),
        labels=torch.cat(labels),
        classes=data.class_names,
        role="label",
        label="class it is read as",
    )
