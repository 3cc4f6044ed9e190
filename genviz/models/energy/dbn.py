"""Deep belief network."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.data.base import Batch
from genviz.model import BadInput, Model, Preset, Spec, State, Step, action, knob
from genviz.models.energy.belief import Level
from genviz.models.energy.played import Played
from genviz.models.energy.stack import Stack
from genviz.models.energy.stacked import Stacked
from genviz.nets import falling
from genviz.rng import Rng

SEEN = 4000  # rows whose mean features a new level starts from
# Settings measured to converge: BAS sees all rows at each update; an epoch of digits is 28 updates, one of MNIST 80.
BAS = {"h1": 9, "h2": 9, "batch": 14, "updates": 10_000, "upper_updates": 8000, "copies": 8, "chains": 112}
DIGITS = {"batch": 50, "updates": 2800, "upper_updates": 2800, "momentum": 0.5, "binarize": "threshold"}
DREAMS = {**DIGITS, "h1": 128, "h2": 200, "upper_updates": 5600, "labels": True}
MNIST = {"start": "random", "upper": "cd", "momentum": 0.5, "lr": 0.05, "binarize": "fixed"}
QUICK = {**MNIST, "h1": 128, "h2": 128, "updates": 800, "upper_updates": 800}
DEEP = {**MNIST, "h1": 256, "h2": 256, "h3": 128, "updates": 640, "upper_updates": 640}


class DBN(Stacked, Model):
    r"""Machines stacked one at a time: the top two layers stay an associative memory, all below paint what it dreams.

    .. math::
        p(v, h^1, h^2) = p(v|h^1)\, p_{\text{top}}(h^1, h^2), \quad p(v_i = 1|h^1) = \sigma(b + h^1 W^{\mathsf T})_i, \quad
        q(h^1_j = 1|v) = \sigma(c + v W)_j

    Rows of bits are (n, d), densities nats. Level l learns what level l - 1 believes of the data. A `BadInput` names real or
    grey rows, layers too small to be begun turned over, labels where there are none, the cost of an answer too dear.

    Source: Hinton, Osindero & Teh, *A fast learning algorithm for deep belief nets*, Neural Computation 2006; the bound with
    log Z annealed: Salakhutdinov & Murray, ICML 2008.
    """

    h1: int = knob(64, 1, 1024, "units of the first hidden layer")
    h2: int = knob(64, 1, 1024, "units of the second hidden layer")
    h3: int = knob(0, 0, 1024, "units of the third hidden layer; 0: there is none")
    first: Literal["cd", "pcd"] = knob("cd", help="where fantasies of the first level start: data, or their own chains")
    upper: Literal["cd", "pcd"] = knob("pcd", help="where those of the levels above start")
    updates: int = knob(2000, 1, 1_000_000, "updates of the first level; its step size falls to 0 over them")
    upper_updates: int = knob(2000, 1, 1_000_000, "updates of each level above, likewise")
    start: Literal["transposed", "random"] = knob("transposed", help="how a new level begins: as the one below, turned over")
    k: int = knob(1, 1, 1000, "Gibbs sweeps before an update", live=True)
    chains: int = knob(100, 1, 50_000, "chains of each level, each a fantasy")
    lr: float = knob(0.1, 1e-4, 1.0, "step size at which each level begins", log=True, live=True)
    momentum: float = knob(0.0, 0.0, 0.99, "share of the last update that is made again", live=True)
    batch: int = knob(100, 1, 4096, "rows in a minibatch", live=True)
    copies: int = knob(1, 1, 64, "times a row's features are drawn for each update of a level above")
    labels: bool = knob(False, help="whether the top level sees the class beside the features")
    updown: int = knob(0, 0, 1_000_000, "updates of all levels together, up-down, when each has learned alone; 0: none")
    updown_lr: float = knob(0.005, 1e-5, 0.1, "their step size at the beginning", log=True, needs="updown")
    updown_k: int = knob(3, 1, 100, "their sweeps of the top level", needs="updown")
    binarize: Literal["none", "threshold", "dynamic", "fixed"] = knob("none", help="how grey pixels become bits")
    label: int = knob(-1, -1, 9, "the class to dream of; −1: any", looks="chain", needs="labels", called={-1: "any"})
    sweeps: int = knob(500, 1, 100_000, "sweeps of the top level before a sample is painted", looks="sample")

    phases = ("layer 1", "layer 2", "layer 3", "up-down")
    presets = {
        "bars-and-stripes": Preset(18_000, knobs=BAS, idea="a second layer mends what short chains did to the first, exactly"),
        "bars-and-stripes-random": Preset(18_000, "bars-and-stripes", {**BAS, "start": "random"}, listed=False),
        "digits": Preset(5600, knobs=DIGITS, idea="8×8 digits: a second level that begins as the first, turned over"),
        "digits-labels": Preset(8400, "digits", DREAMS, idea="choose a class, and the top level dreams digits of it"),
        "mnist": Preset(1600, knobs=QUICK, idea="28×28 digits through two layers of 128, in seconds"),
        "mnist-deep": Preset(1920, "mnist", DEEP, idea="three layers: chains that walk higher up change class more often"),
    }

    @classmethod
    def suits(cls, knobs: Any, spec: Spec) -> None:
        if spec.support == "real":
            raise BadInput("a deep belief network is made of bits, these data are real numbers: take rows of bits or pixels")
        sizes = [spec.dim, knobs.h1, knobs.h2, *([knobs.h3] if knobs.h3 else [])]
        for place in range(2, len(sizes)) if knobs.start == "transposed" else ():
            if sizes[place] < sizes[place - 2]:
                raise BadInput(
                    f"h{place} = {sizes[place]}: a level that begins as the one below turned over needs at least as many units "
                    f"as that one sees, {sizes[place - 2]}; take more, or start = random, which promises nothing"
                )
        if knobs.labels and not spec.classes:
            raise BadInput("labels = True: these data have no classes; leave it off, or take labelled data")
        if knobs.labels and knobs.label >= spec.classes:
            raise BadInput(f"label = {knobs.label} is no class of these data: take 0 … {spec.classes - 1}, or −1 for any")

    def build(self) -> None:
        sizes = [self.spec.dim, self.h1, self.h2, *([self.h3] if self.h3 else [])]
        last, classes = len(sizes) - 2, self.spec.classes if self.labels else 0
        self.stack = Stack(
            Level(
                sizes[i], sizes[i + 1], classes if i == last else 0, self.chains, self.updown > 0 and i < last, self.updown > 0
            )
            for i in range(last + 1)
        )
        self.stack.levels[0].there.fill_(1)

    def prepare(self, data: Data) -> None:
        self.stack.levels[0].start(data.seen(self, len(data.x)).mean(0))

    # ------------------------------------------------------------ learning

    def fit(self, data: Data, rng: Rng) -> Iterator[Step]:
        """Greedy: each level learns as an RBM what the levels below believe of the data; then, if wanted, all up-down."""
        batches = data.batches(self, rng)
        for place, net in enumerate(self.stack.levels):
            if place:
                rows, y = data.seen(self, SEEN), self._classes(data.y)
                self.stack.add(place, rows, y if y is None else y[: len(rows)], self.start == "transposed")
            updates, velocity = self.upper_updates if place else self.updates, [torch.zeros_like(t) for t in net.parameters()]
            for t, batch in zip(range(updates), batches, strict=False):
                v0 = self._features(batch, rng)
                v, p = v0, p0 = v0, net.up(v0).sigmoid()
                cd = (self.upper if place else self.first) == "cd"
                h = before = rng.coins(p0) if cd else net.fantasies
                for sweep in range(self.k):
                    h = rng.coins(p) if sweep else h
                    v, p = net.sweep(h, rng)
                net.keep(rng.coins(p))
                uphill = net.uphill(v0, p0, v, p)
                for moving, gradient in zip(velocity, uphill, strict=False):
                    moving.mul_(self.momentum).add_(gradient, alpha=falling(self.lr, t, updates))
                net.climb(velocity[: len(uphill)])
                show = {"x": batch.x, "h": p0} | ({} if place else {"sweep 1": v})
                said = "The level's weights move towards what it is shown, away from its fantasies."
                yield Step({"flipped": (p - before).abs().mean()}, self.phases[place], said, show)
        self.stack.top.end()
        for t, batch in zip(range(self.updown), batches, strict=False):
            rate, y = falling(self.updown_lr, t, self.updown), self._classes(batch.y)
            p0, p = self.stack.up_down(batch.x, y, self.updown_k, rate, rng)
            said = "Awake, painting learns from what was seen; asleep, recognition learns from what was painted."
            yield Step({"flipped": (p - p0).abs().mean()}, "up-down", said, {"x": batch.x, "h": p0})

    def _features(self, batch: Batch, rng: Rng) -> Float[Tensor, "n d"]:
        """What the top level learns from: the rows as the levels below believe them to be, and their classes."""
        more, y = (self.copies if self.stack.lower else 1), self._classes(batch.y)
        v = self.stack.rise(batch.x.repeat(more, 1), rng)[-1]
        return self.stack.top.join(v, y if y is None else y.repeat(more))

    def _classes(self, y: Tensor | None) -> Tensor | None:
        if self.labels and y is None:
            raise BadInput("labels = True, but these rows have none: leave it off, or take labelled data")
        return y if self.labels else None

    @action
    def learn_once(self, data: Any, dream: Any) -> None:
        """One update of the top level by hand: of what it sees of these rows less that of these dreams, times lr. Every class
        is as likely; a `BadInput` until that level is there."""
        top, rows = self.stack.levels[-1], (self.spec.rows(data, "data"), self.spec.rows(dream, "dream"))
        if not top.there:
            raise BadInput(f"learn_once teaches the top level, and level {len(self.stack.levels)} is not there yet: train on")
        seen = [top.beside(self.stack.rise_means(x), x.new_full((len(x), top.labels), 1 / max(top.labels, 1))) for x in rows]
        (v0, p0), (v, p) = ((v, top.up(v).sigmoid()) for v in seen)
        top.climb([self.lr * gradient for gradient in top.uphill(v0, p0, v, p)])

    # ------------------------------------------------------------ dreaming

    def chain(self, n: int, rng: Rng, start: Tensor | None = None, clamp: Tensor | None = None) -> Iterator[State]:
        """Gibbs sweeps of the top level, each painted downwards, from `start` as recognised, else from its own fantasies.

        Of pixels that are held the rest is dreamt by recognising, at every sweep, what was painted with them put back: a
        heuristic, as recognition is. `aux`: p the last mean, h1 … the bits on the way down, h those of the top, dark levels
        being those that have not learned yet; label the class.
        """
        x = None if start is None else self.spec.starts(start, n)
        known, levels = None if clamp is None else self.spec.known(clamp), self.stack.levels
        names = [*(f"h{i + 1}" for i in range(len(levels) - 1)), "h"]
        for nfe, (v, p, hidden, y) in enumerate(self.stack.dream(n, x, rng, known, self.label)):
            hidden += [v.new_zeros(n, len(net.c)) for net in levels[len(hidden) :]]
            told = {"label": y if y.shape[1] else v.new_zeros(n, levels[-1].labels)} if self.labels else {}
            yield State(v, {"p": p, **dict(zip(names, hidden, strict=True)), **told}, min(nfe, 1))

    def sample(self, n: int, rng: Rng) -> Float[Tensor, "n d"]:
        """Probabilities: of independent rows where the top can be listed, else after `sweeps` sweeps."""
        return self.dream(n, rng, self.sweeps)

    def dream(self, n: int, rng: Rng, sweeps: int = 20) -> Float[Tensor, "n d"]:
        """`sample` with few sweeps: from the model's own chains, which stand where training left them, they are enough."""
        top = self.stack.top
        if not top.few or (top.labels and self.label >= 0):
            return next(islice(self.stack.dream(n, None, rng, label=self.label, sweeps=sweeps), 1, None))[1]
        mean = top.mean(top.down(top.draw_exactly(n, rng)))
        return self.stack.fall(top.draw(mean, rng), mean, rng)[1]

    def client(self) -> dict[str, list[list[Any]]]:
        return Played(self.stack.levels, "stack").programs()
