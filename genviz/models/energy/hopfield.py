"""Hopfield network."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.model import BadInput, Model, Preset, Spec, State, Step, action, knob
from genviz.models.energy.attention import Softmax
from genviz.models.energy.memories import PARTS, RULES, WRITTEN, Couplings, spoil, told
from genviz.models.energy.units import Units, chosen
from genviz.rng import Rng

STEPS, WIDEST, SENT = 200, 2000, 100_000  # at most: steps that store; units whose weights fit; numbers a browser is sent
PROBES, SPOILT = 100, 0.15  # of `monitor`: stored rows, and the share of each that is spoilt
DIGITS = {"rule": "pinv", "binarize": "threshold"}
HEBB, BARS = {**DIGITS, "rule": "hebb", "patterns": 5}, {"patterns": 3, "every": 5}
PLANE = {"rule": "modern", "patterns": 200, "flips": 1.0}
WHOLE = {"rule": "modern", "patterns": 500, "form": "dot", "beta": 2.0, "flips": 0.5}  # grey


class Hopfield(Model):
    r"""A memory addressed by content: patterns are valleys of an energy, and a damaged one rolls down into the nearest.

    .. math::
        E(s) = -\tfrac12 s^\top W s + \theta^\top s, \quad h = W s - \theta, \quad s_i \leftarrow \mathrm{sign}(h_i), \quad
        \Delta E = -(s_i' - s_i) h_i \le 0

    for bits s = ±1, unit by unit, W symmetric with a zero diagonal, θ = 0. The modern net keeps the patterns x_i themselves:

    .. math::
        E(q) = -\tfrac1\beta \log \sum_i e^{-\beta \|q - x_i\|^2/2}, \quad q \leftarrow \sum_i w_i x_i, \quad
        w = \mathrm{softmax}_i(-\beta \|q - x_i\|^2/2)

    or, as `form` dot, with β q·x_i. Rows are (n, d) in raw units, energies in nats at temperature 1. A `BadInput` names a
    value that is no bit, a knob without meaning for a rule, a memory that would be full.

    Source: Hopfield, PNAS 1982; pseudo-inverse: Personnaz, Guyon & Dreyfus 1985; Storkey, ICANN 1997; modern: Ramsauer et al.,
    *Hopfield networks is all you need*, 2020.
    """

    rule: Literal["hebb", "storkey", "pinv", "modern"] = knob("hebb", help="how patterns are kept: in weights, or as they are")
    patterns: int = knob(10, 1, 10_000, "rows that are stored: the first of each class, then the others")
    every: int = knob(1, 1, 1000, "of these rows, every so many-th is stored")
    form: Literal["distance", "dot"] = knob("distance", help="what the modern net's softmax compares", looks="chain")
    beta: float = knob(1.0, 0.02, 1000.0, "sharpness of that softmax: how few patterns count", log=True, looks="chain")
    temperature: float = knob(0.0, 0.0, 3.0, "heat: 0 rolls downhill, more lets units fall uphill by chance", looks="chain")
    flips: float = knob(0.15, 0.0, 1.0, "share of a stored row that is spoilt before recall", looks="chain")
    sweeps: int = knob(50, 1, 10_000, "sweeps, or updates, from noise to a sample", looks="sample")
    binarize: Literal["none", "threshold"] = knob("none", help="whether grey pixels become bits; weights see bits in any case")

    presets = {
        "bars-and-stripes": Preset(3, "bars-and-stripes:side=4", BARS, idea="three memories; where all 65,536 states fall"),
        "digits": Preset(10, knobs=DIGITS, idea="ten digits, a projector for weights: found again"),
        "digits-hebb": Preset(5, "digits", HEBB, idea="five digits, too much alike: Hebb's valleys merge"),
        "random-patterns": Preset(60, knobs={"patterns": 60}, idea="500 units and sixty patterns, just below the cliff"),
        "moons": Preset(200, knobs={**PLANE, "beta": 16.0}, idea="a modern net: one valley or two hundred, as β will have it"),
        "8gaussians": Preset(200, knobs={**PLANE, "beta": 4.0}, idea="eight islands, between one average and single points"),
        "mnist": Preset(20, knobs={**DIGITS, "patterns": 20}, idea="twenty pictures of 28×28 pixels in one matrix of weights"),
        "mnist-modern": Preset(167, "mnist", WHOLE, idea="five hundred pictures kept as they are: half of one recalls it"),
    }
    rules = WRITTEN

    @classmethod
    def suits(cls, knobs: Any, spec: Spec) -> None:
        declared, modern = cls.knobs_declared(), knobs.rule == "modern"
        if spec.support == "real" and knobs.binarize != "none":
            raise BadInput(f"binarize = {knobs.binarize} makes bits of pixels: these data are real numbers, leave it at none")
        if modern and knobs.temperature:
            raise BadInput(f"temperature = {knobs.temperature:g}: the modern net has no coins to heat, leave it at 0")
        for name in () if modern else ("form", "beta"):
            if (value := getattr(knobs, name)) != declared[name].default:
                raise BadInput(f"{name} = {value} is for rule = modern: with {knobs.rule} leave it at {declared[name].default}")
        if not modern and not 2 <= spec.dim <= WIDEST:
            raise BadInput(f"rule = {knobs.rule} links units in pairs: give rows of 2 … {WIDEST:,} numbers, or take modern")
        if knobs.rule == "pinv" and knobs.patterns >= spec.dim:
            full = f"the memory of {spec.dim} units is full, its projector the identity and every state a memory"
            raise BadInput(f"patterns = {knobs.patterns}: {full}; with pinv store at most {spec.dim - 1}")

    def build(self) -> None:
        self.units, places = Units(self.spec.dim), (self.spec.dim, self.patterns)
        self.net: Couplings | Softmax = Softmax(*places) if self.rule == "modern" else Couplings(*places)

    def prepare(self, data: Data) -> None:
        kept = "" if self.rule != "modern" or self.binarize != "none" else self.spec.support
        self.units.choose(data.x, data.name, kept)

    @torch.no_grad()
    def fit(self, data: Data, rng: Rng) -> Iterator[Step]:
        """One pattern after the other is written down; nothing is tried twice."""
        made, net, rows = torch.tensor(0.0), self.net, self.inner(data.binarized(self.binarize)[self.chosen(data)])
        for some in rows.split(math.ceil(self.patterns / STEPS)):
            for x in some:
                net.keep(x)
                if isinstance(net, Couplings):
                    learnt = net.W - made  # by hand: the projector is made anew and forgets it, other rules build on it
                    net.W.copy_(made := RULES[self.rule](net.W, x, net.stored))
                    net.W.add_(learnt if self.rule == "pinv" else 0.0)
            figures = {"load": net.count / self.spec.dim}
            if isinstance(net, Couplings):
                h = net.field(net.stored)
                figures["unstable"] = (h * net.stored < 0).float().mean()
            caption = told(self.rule, net.stored, len(rows), self.patterns, self.every)
            yield Step(figures, caption=caption, show={"x": self.outer(some)})

    @action
    def learn_once(self, data: Any, dream: Any) -> None:
        """Hebb's step for these rows, and its undoing for these dreams; not for the modern net, which has no weights."""
        self.net.relearn(self.inner(self.spec.rows(data, "data")), self.inner(self.spec.rows(dream, "dream")))

    def chosen(self, data: Data) -> Tensor:
        """The places of the rows to store: the first of each class, then the others in order; or every so many-th of these."""
        return chosen(data, self.every, self.patterns)

    def inner(self, x: Float[Tensor, "n d"], name: str = "x") -> Float[Tensor, "n d"]:
        """Rows in the net's own units; bits as ±1."""
        x = self.spec.check(x, name)
        return self.units.spins(x, name) if isinstance(self.net, Couplings) else self.units(x)

    def outer(self, s: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return self.units.undo(s) if self.spec.support == "real" else self.units.undo(s).clamp(0, 1)  # but for rounding

    def recall(self, s: Float[Tensor, "n d"], rng: Rng, free: Tensor) -> Iterator[Float[Tensor, "n d"]]:
        if isinstance(self.net, Couplings):
            return self.net.recall(s, rng, free, self.temperature)
        return self.net.recall(s, free, self.beta, self.form)

    def settle(self, s: Float[Tensor, "n d"], rng: Rng, sweeps: int) -> Float[Tensor, "n d"]:
        """Where recall ends; or stands after so many sweeps, or updates."""
        steps, free = sweeps * (PARTS if isinstance(self.net, Couplings) else 1), torch.ones(self.spec.dim).bool()
        *_, last = islice(self.recall(s, rng, free), 1 + steps)
        return last

    def chain(self, n: int, rng: Rng, start: Tensor | None = None, clamp: Tensor | None = None) -> Iterator[State]:
        """Recall until it rests, from `start`, else spoilt rows, or noise if some is known; a state each ⅛ of a sweep."""
        known = torch.full((self.spec.dim,), math.nan) if clamp is None else self.spec.known(clamp)
        free = known.isnan()
        begin = self.spoilt(n, rng, self.flips) if clamp is None else self.noise(n, rng)
        s = begin if start is None else self.inner(self.spec.starts(start, n), "start")
        s = torch.where(free, s, self.inner(known.masked_fill(free, 1.0)[None], "clamp"))
        for i, state in enumerate(self.recall(s, rng, free)):
            sweep = torch.tensor(i / PARTS if isinstance(self.net, Couplings) else float(i))
            yield State(torch.where(free, self.outer(state), known), {"sweep": sweep}, min(i, 1))

    def spoilt(self, n: int, rng: Rng, share: float) -> Float[Tensor, "n d"]:
        if not self.net.count:
            return self.noise(n, rng)
        return spoil(self.net.stored[torch.arange(n) % self.net.count], share, self.spec.support == "unit", rng)

    def noise(self, n: int, rng: Rng) -> Float[Tensor, "n d"]:
        x = rng.normal(n, self.spec.dim)
        return x if isinstance(self.net, Softmax) else x.sign()

    def sample(self, n: int, rng: Rng) -> Float[Tensor, "n d"]:
        """Where noise comes to rest; with heat, where it is after all the sweeps."""
        return self.outer(self.settle(self.noise(n, rng), rng, self.sweeps))

    def dream(self, n: int, rng: Rng) -> Float[Tensor, "n d"]:
        """`sample` with as few sweeps as a moment affords."""
        return self.outer(self.settle(self.noise(n, rng), rng, min(20, max(1, 600 // self.spec.dim))))

    def energy(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        if isinstance(self.net, Couplings):
            return self.net.energy(self.inner(x))
        return self.net.energy(self.inner(x), self.beta, self.form)

    def memories(self) -> Float[Tensor, "k d"]:
        return self.outer(self.net.stored)

    def couplings(self) -> tuple[Float[Tensor, "d d"], Float[Tensor, " d"]]:
        """W and θ between bits ±1; a `BadInput` for the modern net, which has none."""
        if isinstance(self.net, Softmax):
            raise BadInput("The modern net has no weights: it keeps the patterns themselves")
        return self.net.W, -self.net.bias

    def attend(self, x: Float[Tensor, "n d"], beta: float | None = None) -> Float[Tensor, "n k"]:
        """What each stored row weighs in the next state of x, at another sharpness if one is given; of the modern net."""
        if isinstance(self.net, Couplings):
            raise BadInput(f"With {self.rule} the stored rows are in the weights: nothing is averaged, take rule = modern")
        return self.net.attend(self.inner(x), self.beta if beta is None else beta, self.form)[:, : self.net.count]

    def monitor(self, data: Data, rng: Rng) -> dict[str, float]:
        """The share of stored rows, partly spoilt (points: not at all), found again: bit for bit, by the modern net nearest."""
        own, n, modern = self.net.stored, min(PROBES, int(self.net.count)), isinstance(self.net, Softmax)
        if not n:
            return {}
        end = self.settle(self.spoilt(n, rng, 0.0 if modern and self.spec.support == "real" else SPOILT), rng, self.sweeps)
        found = torch.cdist(end, own).argmin(1) == torch.arange(n) if modern else (end == own[:n]).all(1)
        return {"recalled": found.float().mean().item()}

    def client(self) -> dict[str, list[list[Any]]]:
        if isinstance(self.net, Softmax):
            return self.net.programs("net", "units", self.beta, self.form) if self.net.xi.numel() <= SENT else {}
        return {} if self.spec.support == "real" else self.net.programs("net")
