"""Deep Boltzmann machine."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Bernoulli

from genviz.data import Data
from genviz.metrics.partition import MOST, ais, refuse, remembered
from genviz.model import BadInput, Model, Preset, Spec, State, Step, action, knob
from genviz.models.energy.deep import Deep, hidden
from genviz.nets import falling
from genviz.rng import Rng

TESTED, LOOK, EXACT = 500, {"temperatures": 200, "runs": 50}, 10  # rows of `monitor`, its annealing; h1 listed for an energy
AT_REST, GLANCE = {"rounds": 50, "tol": 1e-6}, {"rounds": 10, "tol": 1e-3}  # mean field of a bound, of many energies
BAS = {"h1": 9, "h2": 9, "batch": 14}  # all rows
JOINT = {**BAS, "pretrain": False, "joint": 8000}
DIGITS = {"binarize": "threshold", "batch": 50, "lr_pretrain": 0.05, "lr": 0.02, "greedy": 1120, "joint": 1680}
MNIST = {"h1": 128, "h2": 64, "binarize": "fixed", "lr_pretrain": 0.05, "lr": 0.01, "greedy": 800, "joint": 3200}


class DBM(Model):
    r"""Layers of features above a picture, each listening to the layer below and to the one above.

    .. math::
        E(v, h^1, h^2) = -b \cdot v - c^1 \cdot h^1 - c^2 \cdot h^2 - v W^1 h^1 - h^1 W^2 h^2, \quad
        \log p(v) = \log \sum_{h^1, h^2} e^{-E} / Z \ge -\langle E \rangle_\mu + H(\mu) - \log Z

    with bits v (n, d), h^l (n, m_l) and the means μ of independent hidden units. Rows are (n, d), grey values in [0, 1] are
    probabilities; nats. A `BadInput` names a value outside [0, 1], a wrong d, the cost of an answer too dear to be exact.

    Source: Salakhutdinov & Hinton, *Deep Boltzmann machines*, AISTATS 2009, and Neural Computation 2012.
    """

    h1: int = knob(64, 1, 1024, "units of the first hidden layer")
    h2: int = knob(32, 1, 1024, "units of the second hidden layer")
    h3: int = knob(0, 0, 1024, "units of a third hidden layer; 0: there is none")
    pretrain: bool = knob(True, help="whether each layer learns alone first, from the bottom up")
    greedy: int = knob(3000, 1, 100_000, "updates of each layer alone", needs="pretrain")
    joint: int = knob(5000, 1, 1_000_000, "updates of all layers together")
    lr_pretrain: float = knob(0.1, 1e-4, 1.0, "first step size of a layer alone, falling to 0", log=True, live=True)
    lr: float = knob(0.1, 1e-4, 1.0, "first step size of all layers together, falling to 0", log=True, live=True)
    settle: int = knob(10, 1, 100, "rounds of mean field for each update")
    k: int = knob(1, 1, 100, "Gibbs sweeps before an update", live=True)
    chains: int = knob(100, 1, 50_000, "persistent chains, each a fantasy")
    batch: int = knob(100, 1, 4096, "rows in a minibatch", live=True)
    binarize: Literal["none", "threshold", "dynamic", "fixed"] = knob("none", help="how grey pixels become bits")
    sweeps: int = knob(1000, 1, 100_000, "Gibbs sweeps before a sample is taken from a chain", looks="sample")
    feedback: bool = knob(True, help="whether a layer hears the one above", looks="chain")

    phases = ("layer 1", "layer 2", "layer 3", "joint")
    presets = {
        "bars-and-stripes": Preset(11_000, knobs=BAS, idea="fourteen legal pictures of 512, every probability exact"),
        "no-pretraining": Preset(8000, "bars-and-stripes", JOINT, idea="all layers at once"),
        "digits": Preset(3920, knobs=DIGITS, idea="8×8 digits: strokes, and which strokes go together"),
        "mnist": Preset(4800, knobs=MNIST, idea="28×28 digits from 128 features and 64 above them"),
    }
    fantasies: Tensor  # v and the even hidden layers side by side (chains, …): bits

    @classmethod
    def suits(cls, knobs: Any, spec: Spec) -> None:
        if spec.support == "real":
            raise BadInput("a deep Boltzmann machine has bits, these data are real numbers: take pixels in [0, 1], or an rbm")

    def build(self) -> None:
        self.net = Deep([self.spec.dim, self.h1, self.h2, *([self.h3] if self.h3 else [])])
        self.register_buffer("fantasies", (torch.rand(self.chains, sum(self.net.sizes[::2])) < 0.5).float())

    def prepare(self, data: Data) -> None:
        self.net.start(data.seen(self, len(data.x)).mean(0))

    def fit(self, data: Data, rng: Rng) -> Iterator[Step]:
        """Each layer alone, on what those below make of the data; then all, uphill on data, downhill on fantasies."""
        net, rows = self.net, (rng.coins(x) for x, *_ in data.batches(self, rng))
        for i in range(1, net.top + 1) if self.pretrain else ():
            known = net.rise(data.seen(self, len(data.x)))[i - 1].mean(0) if i > 1 else None
            rbm = net.pair(i, known)
            for t in range(self.greedy):
                v = next(rows)
                x0 = net.rise(v, rng, i - 1)[-1]
                x, mean, p = x0, x0, (p0 := rbm.rise(x0))
                for _ in range(self.k):
                    mean = rbm.fall(rng.coins(p))
                    x = rng.coins(mean)
                    p = rbm.rise(x)
                rbm.climb(x0, p0, x, p, falling(self.lr_pretrain, t, self.greedy))
                lost = {"reconstruction": (x0 - mean).square().sum(1).mean()}
                yield Step(lost, f"layer {i}", "A layer learns what the layers below see.", {"x": v, "h": p0})

        state = net.apart(self.fantasies, net.even)
        for t in range(self.joint):
            v = next(rows)
            mu = net.settle(v, self.settle)
            for _ in range(self.k):
                state, _ = net.sweep(state, rng)
            dreams = net.expected(state)
            net.climb(mu, dreams, falling(self.lr, t, self.joint))
            self.fantasies = net.together(state)
            apart = {"apart": (mu[1].mean(0) - dreams[1].mean(0)).abs().mean()}  # ⟨h1⟩ of data and of fantasies
            show = {"x": v, "h": mu[1], "sweep 1": state[0]}
            yield Step(apart, "joint", "Weights move towards the settled data, away from the fantasies.", show)

    @action
    def learn_once(self, data: Any, dream: Any) -> None:
        """One update by hand: of these rows less these dreams, both settled, times lr."""
        mu, dreams = (self.net.settle(self.spec.rows(*it), self.settle) for it in ((data, "data"), (dream, "dream")))
        self.net.climb(mu, dreams, self.lr)

    def chain(self, n: int, rng: Rng, start: Tensor | None = None, clamp: Tensor | None = None) -> Iterator[State]:
        """Block Gibbs sweeps from `start`, else from the model's own fantasies. `aux`: p the mean of x, h the bits of h1 that
        it came from, h2 those that came with x."""
        net, known = self.net, None if clamp is None else self.spec.known(clamp)
        if start is None:
            own = self.fantasies[torch.arange(n) % self.chains]
            x, p = net.sweep(net.apart(own, net.even), rng, self.feedback)
        else:
            x, p = net.begin(v := self.spec.starts(start, n), rng), v
        for nfe, (layers, mean) in enumerate(net.gibbs(x, p, rng, known, self.feedback)):
            yield State(layers[0], {"p": mean, **hidden(layers)}, min(nfe, 1))

    def sample(self, n: int, rng: Rng) -> Float[Tensor, "n d"]:
        """Probabilities of pixels: independent ones where h1 is small enough to list, else after `sweeps` sweeps."""
        return self.dream(n, rng, self.sweeps)

    def dream(self, n: int, rng: Rng, sweeps: int = 20) -> Float[Tensor, "n d"]:
        """`sample` with few sweeps: from the model's own chains, which stand where training left them, they are enough."""
        if self.net.few:
            return self.net.draw_exactly(n, rng)
        return next(islice(self.chain(n, rng), sweeps, None)).aux["p"]

    def settling(
        self, x: Float[Tensor, "n d"], missing: Tensor | None = None, top: Tensor | None = None, feedback: bool = True
    ) -> Iterator[State]:
        """Mean field, first one pass up. `aux`: p the mean of v; h, h2 those of the layers; bound that on log p + log Z."""
        for mu in self.net.settling(self.spec.check(x), missing, top, self.feedback and feedback):
            p = self.net.input(mu, 0).sigmoid()
            yield State(mu[0], {"p": p, "bound": -self.net.free(mu, missing), **hidden(mu)})

    def encode(self, x: Float[Tensor, "n d"]) -> Bernoulli:
        """The units of all hidden layers side by side, independent, with the means that mean field comes to."""
        return Bernoulli(torch.cat(self.net.settle(self.spec.check(x), **AT_REST)[1:], 1), validate_args=False)

    def reconstruct(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return self.net.input(self.net.settle(self.spec.check(x), **AT_REST), 0).sigmoid()

    def energy(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """The free energy F, nats: exact if h1 has at most 10 units, else what mean field finds, which is not less."""
        v = self.spec.check(x)
        return self.net.free_energy(v) if self.net.listed <= EXACT else self.net.free(self.net.settle(v, **GLANCE))

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """-F(x) - log Z, exact, nats; a `BadInput` above 20 units in h1, or if pixels are grey."""
        v = self.spec.bits(self.spec.check(x))
        refuse(self.net.listed)
        return -self.net.free_energy(v) - self.log_z

    def bound(self, x: Float[Tensor, "n d"], rng: Rng, k: int = 1) -> Float[Tensor, " n"]:
        """Below log p(x), nats: by mean field, or in expectation by `k` > 1 draws from it; grey pixels are tossed first. log Z
        is exact up to 20 units in h1, else annealed: if that is too small, this is too good."""
        mu = self.net.settle(rng.coins(self.spec.check(x)), **AT_REST)
        return (self.net.weighed(mu, rng, k) if k > 1 else -self.net.free(mu)) - self.log_z

    @property
    def log_z(self) -> float:
        """Exact up to 20 units in h1, else by annealing; found once for these weights."""
        return remembered(self.net).log_z

    @property
    def levels(self) -> int:
        return self.net.top

    def features(self, level: int = 1) -> Float[Tensor, "k d"]:
        """What each unit of h1 adds to the input of the visible ones; of a higher `level` through linear layers: W1 W2, …"""
        return self.net.features(level)

    def monitor(self, data: Data, rng: Rng) -> dict[str, float]:
        """Mean nats of rows: the bound, and log p where it is exact; what annealing says; energies of data and of chains."""
        train, test = (data.seen(self, TESTED, split) for split in ("train", "test"))
        if any((x != x.round()).any() for x in (train, test)):
            return {}  # grey rows have no probability
        net, found, exact = self.net, ais(self.net, rng, **LOOK), self.net.listed <= MOST
        log_z, known, mu = self.log_z if exact else found.log_z, net.settle(train, **AT_REST), net.settle(test, **AT_REST)
        seen, unseen = (-net.free(x).mean().item() - log_z for x in (known, mu))
        dreams = net.expected(net.apart(self.fantasies, net.even))
        energies = {"energy of data": net.energy(known).mean().item(), "energy of chains": net.energy(dreams).mean().item()}
        figures = {"test bound": unseen, "train-test gap": seen - unseen, "effective runs": found.ess, **energies}
        log_p, annealed = (-net.free_energy(test).mean().item() - z for z in (log_z, found.log_z)) if exact else (0.0, 0.0)
        more = {"test log-likelihood": log_p, "annealed log-likelihood": annealed, "gap": log_p - unseen}
        return {**figures, **(more if exact else {})}

    def partition(self) -> Deep:
        return self.net

    def client(self) -> dict[str, list[list[Any]]]:
        return self.net.programs("net", self.settle)
