"""Boltzmann machine."""

import math
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Bernoulli

from genviz.data import Data, Finite
from genviz.metrics.partition import MOST, constant, duration, exact_log_z
from genviz.model import BadInput, Model, Preset, Spec, State, Step, action, knob
from genviz.models.energy.pairwise import Pairwise, linked
from genviz.nets import falling
from genviz.rng import Rng

SETTLING, MELTED, DREAMT = 3, 4.0, 800  # sweeps of fresh hidden units; where samples begin to cool; units a dream may turn
OFF, ON = 0.15, 0.05  # noisy clamping of 1985: how often a bit is switched off, on
TESTED, LOOK = 500, {"temperatures": 200, "runs": 50}  # of `monitor`: rows, annealing
BAS, SMALL = {"hidden": 4, "k": 2, "lr": 0.2, "decay": 2000, "init": 0.1}, {"hidden": 32, "lr": 0.02, "decay": 1000}
PARITY = {"hidden": 2, "k": 1, "lr": 1.0, "decay": 1500, "init": 2.0}
ENCODER = {"hidden": 2, "averages": "exact", "lr": 2.0, "decay": 1500, "init": 0.3, "links": "halves"}
DIGITS = {"hidden": 16, "k": 1, "lr": 0.05, "decay": 600, "init": 0.01, "weight_decay": 1e-4, "binarize": "threshold"}
OLD = {**ENCODER, "averages": "anneal", "noisy": True, "signs": True, "lr": 0.2, "decay": 0}


class Boltzmann(Model):
    r"""Bits that are linked in pairs, visible ones v that data hold and hidden ones h that explain them, fall by coins.

    .. math::
        E(s) = -\tfrac12 s^{\mathsf T} W s - b \cdot s, \quad s = (v, h), \quad p(s) = e^{-E(s)} / Z, \quad
        p(s_i = 1 \mid \text{rest}) = \sigma(\textstyle\sum_j W_{ij} s_j + b_i)

    Rows are (n, d) bits, densities in nats; grey values in [0, 1] become bits as `binarize` says. A `BadInput` names a value
    that is not finite or not in [0, 1], a wrong d, the cost of an answer that is too dear to be exact.

    Source: Ackley, Hinton & Sejnowski, *A learning algorithm for Boltzmann machines*, Cognitive Science 1985; mean field:
    Peterson & Anderson 1987; persistent chains: Neal 1992, Salakhutdinov 2008.
    """

    hidden: int = knob(4, 0, 256, "hidden units: 0 leaves the visible ones and their pairs alone")
    averages: Literal["persistent", "exact", "anneal"] = knob("persistent", help="how both averages are had: chains, lists")
    k: int = knob(1, 1, 100, "Gibbs sweeps before an update (persistent)", live=True)
    chains: int = knob(100, 1, 10_000, "free chains, each a dream")
    clamped: int = knob(100, 1, 10_000, "chains with a row held, shared by all rows; of more rows, minibatches are held")
    mean_field: bool = knob(False, help="whether hidden units show means, not coins, while a row is held")
    lr: float = knob(0.1, 1e-4, 5.0, "step size", log=True, live=True)
    decay: int = knob(0, 0, 1_000_000, "steps after which the step size has fallen to 0; 0: it never falls")
    weight_decay: float = knob(0.0, 0.0, 0.1, "pull of every weight to 0", live=True)
    init: float = knob(0.1, 1e-4, 5.0, "standard deviation of the first weights", log=True)
    links: Literal["all", "halves", "layers"] = knob("all", help="no links between halves of a row; or none within a layer")
    noisy: bool = knob(False, help="whether held bits flip now and then, as in 1985, so that weights stay finite")
    signs: bool = knob(False, help="whether every step has the same size, as in 1985: the sign of the difference alone")
    batch: int = knob(100, 1, 4096, "rows in a minibatch", live=True)
    binarize: Literal["dynamic", "threshold", "fixed"] = knob("dynamic", help="how grey pixels become bits")
    temperature: float = knob(1.0, 0.05, 20.0, "temperature of the chain that is looked at", log=True, looks="chain")
    sweeps: int = knob(200, 1, 100_000, "Gibbs sweeps that cool from 4 to 1 before a sample is taken", looks="sample")

    presets = {
        "bars-and-stripes": Preset(2000, knobs=BAS, idea="fourteen legal pictures of 512, learned awake and asleep"),
        **{how: Preset(2000, "bars-and-stripes", {**BAS, "averages": how}, listed=False) for how in ("exact", "anneal")},
        "parity": Preset(1500, knobs=PARITY, idea="three bits, an even number on: no pair of them knows it"),
        "parity-visible": Preset(1500, "parity", {**PARITY, "hidden": 0}, idea="without hidden units: nothing to learn"),
        "saddle": Preset(1500, "parity", {**PARITY, "averages": "exact", "init": 0.1}, idea="exact, but no slope to follow"),
        "encoder424": Preset(1500, knobs=ENCODER, seed=2, idea="four patterns through two hidden units: a code must be found"),
        "stuck": Preset(1500, "encoder424", ENCODER, idea="the same from other first weights: two patterns share a code"),
        "as-in-1985": Preset(600, "encoder424", OLD, idea="from these very weights noise and coarse steps lead out"),
        "digits": Preset(600, knobs=DIGITS, idea="8×8 digits, every pixel linked to every other"),
        "mnist-14x14": Preset(1000, "mnist:side=14", {**DIGITS, **SMALL}, idea="slow on purpose: 228 units, one by one"),
    }
    dreams: Tensor  # (chains, N): where the free chains stand
    awake: Tensor  # (clamped, hidden): where the hidden units of the held chains stand

    @classmethod
    def suits(cls, knobs: Any, spec: Spec) -> None:
        if spec.support == "real":
            raise BadInput("units of a Boltzmann machine are bits, these rows are real numbers: take rows of bits or pixels")
        if knobs.averages == "exact" and (n := spec.dim + knobs.hidden) > MOST:
            dear = f"averages = exact sums over the 2^{n} states of {n} units an update, about {duration(2.0 ** (n - MOST))}"
            raise BadInput(f"{dear}: at most {MOST} units are listed; take averages = persistent")
        if knobs.links == "halves" and spec.dim % 2:
            raise BadInput(f"links = halves: a row of {spec.dim} has no two halves; take links = all")

    def build(self) -> None:
        d, n = self.spec.dim, self.spec.dim + self.hidden
        self.net = Pairwise(d, self.hidden, self.init, linked(self.links, d, n))
        self.register_buffer("dreams", (torch.rand(self.chains, n) < 0.5).float())
        self.register_buffer("awake", (torch.rand(self.clamped, self.hidden) < 0.5).float())

    def prepare(self, data: Data) -> None:
        self.net.start(data.seen(self, len(data.x)).mean(0))

    @torch.no_grad()
    def fit(self, data: Data, rng: Rng) -> Iterator[Step]:
        """Pairs that are on together while rows are held, less those while the machine is free."""
        net, d, rows, own = self.net, self.spec.dim, data.batches(self, rng), len(data.x) <= self.clamped
        for t in count():
            v = data.binarized(self.binarize, rng=rng) if own else next(rows).x
            v = v.repeat(self.clamped // len(v), 1) if own else v  # each row has as many chains as any other
            v = rng.coins(ON + (1 - ON - OFF) * v) if self.noisy else v
            k = 0 if self.averages == "anneal" else self.k
            minus, self.dreams, before = net.settle(self.dreams, rng, k)
            told, shown = {"moved": (self.dreams - before).abs().mean()}, {"x": v, "dream": self.dreams[:, :d]}
            if self.averages == "exact":  # the chains follow, and teach nothing
                (plus, energies, _), (minus, log_z) = net.held(v), net.free()
                told["log-likelihood"] = -energies.mean() - log_z
            else:
                h = self.awake[: len(v)] if own else net.coins(len(v), rng)[:, d:]
                if self.mean_field or not self.hidden:
                    plus = net.statistics(awake := net.mean_field(v))
                else:
                    plus, awake, _ = net.settle(torch.cat([v, h], 1), rng, k if own else k and max(k, SETTLING), net.hidden)
                    self.awake[: len(v)] = awake[: len(self.awake), d:]
                shown["h"] = awake[:, d:]
            difference = (plus - minus).sign() if self.signs else plus - minus
            net.climb(falling(self.lr, t, self.decay) * (difference - self.weight_decay * net.W))
            told = {"difference": (plus - minus).abs().mean(), **told}
            yield Step(told, caption="Pairs that are on together awake are tied closer.", show=shown)

    @action
    def learn_once(self, data: Any, dream: Any) -> None:
        """One update by hand: the statistics of these rows less those of these dreams, times lr."""
        held, dreamt = (self.net.explained(self.spec.rows(*it))[0] for it in ((data, "data"), (dream, "dream")))
        self.net.climb(self.lr * (held - dreamt))

    def chain(self, n: int, rng: Rng, start: Tensor | None = None, clamp: Tensor | None = None) -> Iterator[State]:
        """Sweeps from `start` and hidden coins, else from its own dreams. `aux`: p, at which units of x fell; the bits h."""
        d, s = self.spec.dim, self.dreams[torch.arange(n) % self.chains]
        if start is not None:
            s = torch.cat([self.spec.starts(start, n), self.net.coins(n, rng)[:, d:]], 1)
        known = None if clamp is None else self.spec.known(clamp)
        for nfe, (now, p) in enumerate(self.net.gibbs(s, rng, known, self.temperature)):
            yield State(now[:, :d], {"p": p, **({"h": now[:, d:]} if self.hidden else {})}, min(nfe, 1))

    def sample(self, n: int, rng: Rng) -> Float[Tensor, "n d"]:
        """Bits: independent ones where all states can be listed, else after `sweeps` sweeps that cool from 4 to 1."""
        if self.net.few:
            return self.net.draw_exactly(n, rng)[:, : self.spec.dim]
        *_, s = self.net.cooled(n, rng, torch.logspace(math.log10(MELTED), 0, self.sweeps).tolist())
        return s[:, : self.spec.dim]

    def dream(self, n: int, rng: Rng) -> Float[Tensor, "n d"]:
        """As `sample`, or a few sweeps on from where training left the model's own chains."""
        sweeps = max(1, DREAMT // self.net.listed)
        return self.sample(n, rng) if self.net.few else next(islice(self.chain(n, rng), sweeps, None)).x

    def energy(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """The free energy -log Σ_h exp(-E(v, h)), exact up to ten hidden units; of more, mean field's, never below it; nats."""
        return self.net.explained(self.spec.check(x))[1]

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """-F(x) - log Z, exact, nats; a `BadInput` above 20 units in all, or if pixels are grey."""
        v = self.spec.bits(self.spec.check(x))
        return -exact_log_z(self.net) - self.net.free_energy(v)  # the first of them names the cost, if it is too dear

    def bound(self, x: Float[Tensor, "n d"], rng: Rng, k: int = 1) -> Float[Tensor, " n"]:
        """Mean field's lower bound on log p(x), best of `k` starts; maybe too high where log Z is annealed (above 20 units)."""
        return self.net.bound(self.spec.check(x), rng, k) - constant(self.net, rng, **LOOK).log_z

    def encode(self, x: Float[Tensor, "n d"]) -> Bernoulli:
        """p(h_j = 1|x): exact up to ten hidden units, else by mean field."""
        return Bernoulli(self.net.explained(self.spec.check(x))[2], validate_args=False)

    def features(self) -> Float[Tensor, "k d"]:
        """The links of each hidden unit to the visible ones."""
        return self.net.W[self.spec.dim :, : self.spec.dim]

    def couplings(self) -> tuple[Float[Tensor, "d d"], Float[Tensor, " d"]]:
        """W and θ between the bits of a row as spins ±1; a `BadInput` if there are hidden units, which have a say as well."""
        return self.net.as_spins()

    def compare(self, x: Float[Tensor, "n d"], rng: Rng) -> tuple[Tensor, Tensor, float]:
        _, after, before = self.net.settle(self.dreams, rng, 1)
        asleep = self.net.free()[0] if self.net.few else self.net.statistics(after)
        return self.net.explained(self.spec.check(x))[0], asleep, (after - before).abs().mean().item()

    def cool(self, n: int, rng: Rng, temperatures: Sequence[float]) -> tuple[Float[Tensor, "k n"], float]:
        return torch.stack([self.net.energy(s) for s in self.net.cooled(n, rng, temperatures)]), self.net.ground()

    def monitor(self, data: Data, rng: Rng) -> dict[str, float]:
        """Mean log p of rows seen and unseen, nats: exact up to 20 units in all, else from `energy` and an annealed log Z."""
        found = constant(self.net, rng, **LOOK)
        F = self.energy if found.told else self.net.free_energy  # listed where log Z is, however many units are hidden
        seen, unseen = (-F(data.seen(self, TESTED, split)).mean().item() - found.log_z for split in ("train", "test"))
        figures = {"test log-likelihood": unseen, "train-test gap": seen - unseen}
        figures["mean weight"] = self.net.W.abs().mean().item()
        if isinstance(truth := data.density, Finite) and not found.told:
            log_p = -F(truth.states).double() - found.log_z
            figures["KL from the data"] = -truth.entropy() - (truth.probs @ log_p).item()
        return figures | found.told

    def partition(self) -> Pairwise:
        return self.net

    def client(self) -> dict[str, list[list[Any]]]:
        return self.net.programs("net")
