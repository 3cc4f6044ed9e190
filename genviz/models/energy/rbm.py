"""Restricted Boltzmann machine."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.metrics.partition import constant, exact_log_z
from genviz.model import BadInput, Model, Preset, Spec, State, Step, action, knob
from genviz.models.energy.harmonium import Harmonium
from genviz.nets import Standardize, falling
from genviz.rng import Rng

TESTED, BITS, LOOK = 500, 20, {"temperatures": 200, "runs": 50}  # of `monitor`: rows, bits of each to guess, annealing
# Settings measured to converge. Points: moons in 150 epochs of 4,000 rows, 8 Gaussians in 100.
MOONS = {"hidden": 12, "chains": 200, "lr": 0.2, "decay": 6000, "hold": 0.6, "init": 1.0}
NARROW = {"hidden": 12, "chains": 200, "lr": 0.05, "decay": 4000, "init": 0.1, "k": 5}
DIGITS = {"batch": 50, "decay": 5600, "weight_decay": 1e-4, "binarize": "threshold"}
MNIST = {"hidden": 128, "decay": 2400, "weight_decay": 1e-4, "binarize": "fixed"}
BAS, BAS4 = ({"hidden": hidden, "batch": rows, "decay": 10_000} for hidden, rows in ((9, 14), (12, 30)))  # all rows
CD = {**BAS, "algorithm": "cd", "momentum": 0.5}
OTHERS = {"cd-1": CD, "cd-10": {**CD, "k": 10}, **{other: {**BAS, "algorithm": other} for other in ("fpcd", "pt")}}


class RBM(Model):
    r"""A picture v and its features h, with links across but never within a layer: each layer is sampled at once.

    .. math::
        E(v, h) = -b \cdot v - c \cdot h - v W h, \quad p(v) = \sum_h e^{-E(v, h)} / Z = e^{-F(v)} / Z, \quad
        F(v) = -b \cdot v - \sum_j \mathrm{softplus}(c + v W)_j

    for bits; E = ‖v - b‖²/2σ² - c·h - vWh/σ² for real data, standardised. Rows are (n, d) in raw units, densities in nats. A
    `BadInput` names a value that is not finite or not in [0, 1], a wrong d, the cost of an answer too dear to be exact.

    Source: Smolensky 1986; Hinton, *Training products of experts by minimizing contrastive divergence*, Neural Computation
    2002; PCD: Tieleman, ICML 2008; FPCD: Tieleman & Hinton, ICML 2009; tempering: Desjardins et al., AISTATS 2010.
    """

    hidden: int = knob(64, 1, 1024, "hidden units: features that a picture may have")
    algorithm: Literal["cd", "pcd", "fpcd", "pt"] = knob("pcd", help="where fantasies start: data, own chains, tempered ones")
    k: int = knob(1, 1, 1000, "Gibbs sweeps before an update", live=True)
    chains: int = knob(100, 1, 50_000, "persistent chains, each a fantasy")
    lr: float = knob(0.1, 1e-4, 1.0, "step size", log=True, live=True)
    decay: int = knob(0, 0, 1_000_000, "steps after which the step size has fallen to 0; 0: it never falls")
    hold: float = knob(0.0, 0.0, 0.99, "share of these steps before it begins to fall, linearly")
    momentum: float = knob(0.0, 0.0, 0.99, "share of the last update that is made again", live=True)
    weight_decay: float = knob(0.0, 0.0, 0.1, "pull of every weight to 0", live=True)
    temperatures: int = knob(10, 1, 50, "rungs of the ladder of parallel tempering (pt)")
    fast: float = knob(0.1, 0.0, 1.0, "step size of the fast weights that stir the chains (fpcd): take the first lr")
    sigma: float = knob(0.25, 0.07, 1.4, "noise of real-valued units, in standard deviations of the data")
    learn_sigma: bool = knob(False, help="whether sigma is learned as well")
    init: float = knob(0.01, 1e-4, 3.0, "standard deviation of the first weights", log=True)
    batch: int = knob(100, 1, 4096, "rows in a minibatch", live=True)
    binarize: Literal["none", "threshold", "dynamic", "fixed"] = knob("none", help="how grey pixels become bits")
    sweeps: int = knob(1000, 1, 100_000, "Gibbs sweeps before a sample is taken from a chain", looks="sample")

    presets = {
        "moons": Preset(6000, knobs=MOONS, idea="two bent moons out of 4,096 Gaussians that share twelve features"),
        "8gaussians": Preset(4000, knobs={**NARROW, "sigma": 0.15}, idea="eight islands, and chains that must jump"),
        "moons-narrow": Preset(4000, data="moons", knobs={**NARROW, "sigma": 0.2}, idea="the same settings fail on moons"),
        "digits": Preset(5600, knobs=DIGITS, idea="8×8 digits: strokes as features, chains that wander among digits"),
        "bars-and-stripes": Preset(10_000, knobs=BAS, idea="fourteen legal pictures of 512, every probability exact"),
        **{name: Preset(10_000, data="bars-and-stripes", knobs=knobs, listed=False) for name, knobs in OTHERS.items()},
        "bars-and-stripes-4x4": Preset(10_000, "bars-and-stripes:side=4", BAS4, idea="thirty legal pictures of 65,536"),
        "mnist": Preset(2400, knobs=MNIST, idea="28×28 digits from 128 features"),
    }
    fantasies: Tensor  # h (chains, hidden); for pt v and h side by side, (temperatures, chains, d + hidden)

    @classmethod
    def suits(cls, knobs: Any, spec: Spec) -> None:
        real = spec.support == "real"
        if real and knobs.binarize != "none":
            raise BadInput(f"binarize = {knobs.binarize} makes bits of pixels: these data are real numbers, leave it at none")
        if real and knobs.algorithm == "pt":
            raise BadInput("algorithm = pt: real-valued units fly off at infinite temperature; take cd, pcd or fpcd here")
        if knobs.learn_sigma and not real:
            raise BadInput("learn_sigma = True: bits have no sigma; leave it off for pixels")

    def build(self) -> None:
        d, sigma = self.spec.dim, self.sigma if self.spec.support == "real" else 0.0
        self.net = Harmonium(d, self.hidden, self.init, sigma, self.learn_sigma)
        self.units = Standardize(d)  # leaves bits as they are
        shape = (self.temperatures, self.chains, d + self.hidden) if self.algorithm == "pt" else (self.chains, self.hidden)
        self.register_buffer("fantasies", (torch.rand(shape) < 0.5).float())

    def prepare(self, data: Data) -> None:
        if self.net.real:
            return self.units.fit(data.x)
        self.net.start(data.seen(self, len(data.x)).mean(0))

    def fit(self, data: Data, rng: Rng) -> Iterator[Step]:
        """Uphill on the data, downhill on fantasies; the algorithms differ in where these start and how they move."""
        net, fast, tempering = self.net, torch.zeros_like(self.net.W), self.net.tempering(self.temperatures)
        velocity = [torch.zeros_like(theta) for theta in net.parameters()]
        for t, (x, *_) in enumerate(data.batches(self, rng)):
            v0 = self.units(x) if net.real else x
            v, p = v0, p0 = v0, net.up(v0).sigmoid()
            h = rng.coins(p0) if self.algorithm == "cd" else self.fantasies
            before, shown = h if self.algorithm == "cd" else self.standing, {"x": x, "h": p0}
            for sweep in range(self.k):
                if self.algorithm == "pt":
                    h = tempering.step(h, rng)
                    v, p = net.coldest(h)
                else:
                    h = rng.coins(p) if sweep else h
                    v, p = net.sweep(h, rng, net.W + fast if self.algorithm == "fpcd" else net.W)
                shown[f"sweep {sweep + 1}"] = self.units.undo(v) if net.real else v
            if self.algorithm != "cd":
                self.fantasies = h if self.algorithm == "pt" else rng.coins(p)
            uphill = net.uphill(v0, p0, v, p, self.weight_decay)
            for moving, gradient in zip(velocity, uphill, strict=False):
                moving.mul_(self.momentum).add_(gradient, alpha=falling(self.lr, t, self.decay, self.hold))
            net.climb(velocity[: len(uphill)])
            if self.algorithm == "fpcd":
                fast.mul_(19 / 20).add_(uphill[0], alpha=self.fast)
            flipped = {"flipped": (p - before).abs().mean()}  # of the hidden bits, in expectation
            yield Step(flipped, caption="Weights move towards the data, away from the fantasies.", show=shown)

    @action
    def learn_once(self, data: Any, dream: Any) -> None:
        """One update by hand: the statistics of these rows less those of these dreams, times lr."""
        v0, v = (self.units(self.spec.rows(given, name)) for given, name in ((data, "data"), (dream, "dream")))
        p0, p = (self.net.up(rows).sigmoid() for rows in (v0, v))
        self.net.climb([self.lr * gradient for gradient in self.net.uphill(v0, p0, v, p)])

    @property
    def standing(self) -> Float[Tensor, "m k"]:
        """The hidden bits at which the model's own chains stand, the coldest ones."""
        return self.fantasies.reshape(-1, self.fantasies.shape[-1])[-self.chains :, -self.hidden :]

    def chain(self, n: int, rng: Rng, start: Tensor | None = None, clamp: Tensor | None = None) -> Iterator[State]:
        """Gibbs sweeps from `start`, else from the model's own fantasies. `aux`: p the mean of x, h the bits it came from."""
        h = self.standing[torch.arange(n) % self.chains] if start is None else None
        first = None if start is None else self.units(self.spec.starts(start, n))
        known = None if clamp is None else self.units(self.spec.known(clamp)[None])
        for nfe, (v, p, bits) in enumerate(self.net.gibbs(first, h, rng, known)):
            yield State(self.units.undo(v), {"p": self.units.undo(p), "h": bits}, min(nfe, 1))

    def sample(self, n: int, rng: Rng) -> Float[Tensor, "n d"]:
        """Independent ones where a layer is small enough to list, else after `sweeps` sweeps; of pixels, probabilities."""
        return self.dream(n, rng, self.sweeps)

    def dream(self, n: int, rng: Rng, sweeps: int = 20) -> Float[Tensor, "n d"]:
        """`sample` with few sweeps: from the model's own chains, which stand where training left them, they are enough."""
        if not self.net.few:
            last = next(islice(self.chain(n, rng), sweeps, None))
            return last.x if self.net.real else last.aux["p"]
        mean = self.net.mean(self.net.down(self.net.draw_exactly(n, rng)))
        return self.units.undo(self.net.draw(mean, rng)) if self.net.real else mean

    def reconstruct(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return self.units.undo(self.net.reconstruct(self.units(self.spec.check(x))))

    def energy(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """An energy is the free energy F, hidden units summed out; of grey pixels, with them in the place of bits. Nats."""
        return self.net.free_energy(self.units(self.spec.check(x)))

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """-F(x) - log Z, exact, nats in raw units; a `BadInput` above 20 units in the smaller layer, or if pixels are grey."""
        energy = self.energy(x if self.net.real else self.spec.bits(self.spec.check(x)))
        return self.units.log_det - energy - exact_log_z(self.net)

    def score(self, x: Float[Tensor, "n d"], t: Tensor | None = None) -> Float[Tensor, "n d"]:
        """∇ log p(x) = -∇F, raw units; of real rows."""
        if not self.net.real:
            raise BadInput("a score is a slope, and bits have none: train on real rows to see it")
        v = self.units(self.spec.check(x))
        return (self.net.reconstruct(v) - v) / self.net.s2 / self.units.scale

    def features(self) -> Float[Tensor, "k d"]:
        """What each hidden unit adds to the input of the visible ones."""
        return self.net.W.T * self.units.scale

    def components(self) -> tuple[Float[Tensor, " k"], Float[Tensor, "k d"], Float[Tensor, "k m"]]:
        weights, h = self.net.hidden_states()
        return weights, self.units.undo(self.net.mean(self.net.down(h))), h

    def monitor(self, data: Data, rng: Rng) -> dict[str, float]:
        """Mean log p of rows seen and unseen, nats: exact up to 20 units in the smaller layer, else annealed, with its ESS."""
        rows = [data.seen(self, TESTED, split) for split in ("train", "test")]
        if not self.net.real and any((x != x.round()).any() for x in rows):
            return {}  # grey rows have no probability
        found = constant(self.net, rng, **LOOK)
        seen, unseen = ((self.units.log_det - self.energy(x)).mean().item() - found.log_z for x in rows)
        v, size = self.units(rows[1]), self.net.W.abs().mean().item()
        lost = (v - self.net.reconstruct(v)).square().sum(1).mean().item()
        figures = {"test log-likelihood": unseen, "train-test gap": seen - unseen, "reconstruction": lost, "mean weight": size}
        figures |= {} if self.net.real else {"pseudo-likelihood": self.net.pseudo_likelihood(v, rng, BITS)}
        return figures | found.told

    def partition(self) -> Harmonium:
        return self.net

    def client(self) -> dict[str, list[list[Any]]]:
        return {} if self.net.real else self.net.programs("net")
