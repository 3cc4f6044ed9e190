"""Diffusion probabilistic model."""

import math
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution
from torch.optim import Adam

from genviz.data import Data, Mixture
from genviz.layers import Pane
from genviz.metrics.mixing import high_quality, visits
from genviz.model import BadInput, Model, Preset, Spec, Step, knob
from genviz.models.chains.noise import Binomial, Gaussian, Rates, Readout, Rows, Times, draw, normal, tabulate
from genviz.models.chains.reverse import Reversible
from genviz.models.chains.schedules import FIRST, Schedule, chart, rates
from genviz.nets import FourierMLP, ResidualMLP, Standardize, TimeGated, clock, follow, minimize
from genviz.rng import Rng

EMA = 0.995  # of the weights that sample, over the second half of the training
FEW = 32  # unseen rows whose bound is measured while training, at all T times; a quarter of them if they are pictures
DRAWN = 100  # samples whose modes are counted
PICTURES = {"readout": "x0", "schedule": "cosine", "T": 100, "lr": 1e-3, "batch": 128, "ddim_steps": 25}
BITS = {"schedule": "erase", "T": 40, "hidden": 64, "lr": 4e-3, "batch": 200}


class Diffusion(Reversible, Model):
    r"""Noise takes the data apart in T small steps; a network learns to undo each of them.

    .. math::
        q(x_t|x_{t-1}) = N(\sqrt{1-\beta_t}\, x_{t-1}, \beta_t I), \qquad p(x_{t-1}|x_t) = N(\mu(x_t, t), \Sigma(x_t, t)), \\
        \log p(x_0) \ge K = E_q\Big[\log p(x_0|x_1) - \sum_{t=2}^T KL\big(q(x_{t-1}|x_t, x_0) \| p(x_{t-1}|x_t)\big)
        - KL\big(q(x_T|x_0) \| p(x_T)\big)\Big]

    and, for bits, q(x_t=1|x_{t-1}) = (1 − β_t) x_{t-1} + β_t/2 with p a coin for each bit. Rows are (n, d) in raw units, K is
    in nats a row: a density for real data, the probability of one of 256 grey levels for pixels in [0, 1]. A `BadInput` names a
    value that is not finite, a clamp of everything or of nothing, and asks no bound of real columns of few distinct values.

    Source: Sohl-Dickstein, Weiss, Maheswaranathan & Ganguli, ICML 2015, arXiv 1503.03585; read-outs eps and x0: Ho, Jain &
    Abbeel 2020, arXiv 2006.11239; fewer steps: Song, Meng & Ermon 2021, arXiv 2010.02502.
    """

    times: Tensor
    gain: Tensor
    offset: Tensor
    net: nn.Module
    T: int = knob(50, 2, 1000, "steps of noise")
    schedule: Schedule = knob("linear", help="how the noise grows; learned: it starts linear, then climbs the bound")
    readout: Readout = knob("sd15", help="the network gives a step's mean and variance (sd15), the noise (eps), or x0")
    beta_first: float = knob(0.1, 0.001, 5.0, "first noise rate of the linear schedule, times T", log=True)
    beta_last: float = knob(20.0, 1.0, 100.0, "last noise rate of the linear schedule, times T")
    cosine_offset: float = knob(0.008, 0.0, 0.5, "how far along its curve the cosine schedule starts")
    hidden: int = knob(128, 8, 1024, "units in each hidden layer")
    depth: int = knob(3, 1, 6, "hidden layers (bits have two)")
    lr: float = knob(2e-3, 1e-5, 1e-1, "step size of Adam at the start", log=True, live=True)
    decay: int = knob(3000, 1, 1_000_000, "steps over which lr falls to a hundredth; from half of them on weights average")
    batch: int = knob(256, 1, 4096, "rows in a minibatch", live=True)
    ddim_steps: int = knob(0, 0, 1000, "sample in so many steps by DDIM; 0: in all T, by the model's own chain", looks="chain")
    eta: float = knob(0.0, 0.0, 1.0, "noise of a DDIM step: 0 none, 1 as the noising", looks="chain", needs="ddim_steps")

    presets = {
        "8gaussians": Preset(3000, idea="eight islands out of one cloud, every island found"),
        "grid25": Preset(8000, knobs={"decay": 8000}, idea="twenty-five small islands: what patience buys"),
        "swissroll": Preset(3000, idea="the paper's own first example: a rolled-up line"),
        "moons": Preset(3000, idea="two bent moons, parted only in the last steps"),
        "heartbeat": Preset(3000, knobs=BITS, idea="twenty bits, a beat every five: noise by coins"),
        "digits": Preset(3000, knobs={**PICTURES, "hidden": 256}, idea="8×8 digits, guessed whole at each step"),
        "mnist": Preset(6000, knobs={**PICTURES, "hidden": 384, "decay": 6000}, idea="28×28 digits out of noise"),
    }

    @classmethod
    def suits(cls, knobs: Any, spec: Spec) -> None:
        for name in ("beta_first", "beta_last") if knobs.schedule in ("linear", "learned") else ():
            if (rate := getattr(knobs, name)) > knobs.T:
                raise BadInput(f"{name} = {rate:g} over T = {knobs.T} steps is a noise rate above 1: give at most T")
        if knobs.ddim_steps > knobs.T:
            raise BadInput(f"ddim_steps = {knobs.ddim_steps}: give 1 to T = {knobs.T} steps, or 0 for the model's own chain")
        if spec.support == "binary" and (
            knobs.readout != "sd15" or knobs.schedule == "learned" or knobs.ddim_steps or knobs.eta
        ):
            raise BadInput("bits have one read-out (sd15), no learned schedule, no DDIM (ddim_steps, eta = 0): leave them so")
        if knobs.schedule == "learned" and knobs.readout != "sd15":
            raise BadInput(f"schedule = learned climbs the bound, readout = {knobs.readout} does not: take sd15")

    def build(self) -> None:
        d, self.bits, grey = self.spec.dim, self.spec.support == "binary", self.spec.support == "unit"
        self.units = Standardize(d, 0.5, 0.5) if grey else Standardize(d)  # pixels become −1 … 1
        beta = rates(self.schedule, self.T, self.beta_first, self.beta_last, self.cosine_offset, self.bits)
        self.noise = Binomial(beta) if self.bits else Gaussian(beta, self.readout)
        if self.schedule == "learned":
            self.logits = nn.Parameter(beta[1:].logit().float())
        self.register_buffer("times", clock(self.T))
        self.register_buffer("gain", torch.ones(d))  # standardised = raw · gain + offset, for the browser
        self.register_buffer("offset", torch.zeros(d))
        self.register_buffer("repeats", torch.tensor(False))  # whether a column does (all do where rows do): no density
        out, clues = 2 * d if self.readout == "sd15" else d, self.times.shape[1]
        if self.bits:
            self.net = TimeGated(d, self.hidden, clues)
        elif self.spec.kind == "points":
            self.net = FourierMLP([d, *[self.hidden] * self.depth, out], clues)
        else:
            self.net = ResidualMLP(d, self.hidden, self.depth, out, clues)
        self.average = deepcopy(self.net).requires_grad_(False)

    def prepare(self, data: Data) -> None:
        if self.spec.support == "real":
            self.units.fit(data.x)
            self.repeats.fill_(min(len(column.unique()) for column in data.x.T) < max(2, len(data.x) / 2))
        self.gain.copy_(1 / self.units.scale)
        self.offset.copy_(-self.units.shift / self.units.scale)

    def fit(self, data: Data, rng: Rng) -> Iterator[Step]:
        """A time for each row, drawn evenly, and its term of the bound; for eps and x0 the squared error of the guess."""
        adam = Adam([p for p in self.parameters() if p.requires_grad], self.lr, fused=True)
        for step, (x, *_) in enumerate(data.batches(self, rng), start=1):
            if self.schedule == "learned":
                self.noise.table = self.learned()  # with its gradients
            x0, t = self.units(x), rng.integers(1, self.T + 1, len(x))
            xt = draw(self.noise.q(x0, t), rng)  # x_t ~ q(x_t|x_0)
            if self.bits or self.readout == "sd15":
                truth, guess = self.noise.back(x0, xt, t), self.guess(xt, t)
                loss = self.noise.kl(truth, guess, t).mean()
            else:
                loss = self.error(x0, xt, t)
            if self.schedule == "learned":
                loss = loss + self.noise.end(x0).mean() / self.T
            fall = 0.505 + 0.495 * math.cos(math.pi * min(1.0, step / self.decay))
            minimize(adam, loss, lr=self.lr * fall)
            follow(self.average, self.net, 1.0 if step < self.decay / 2 else 1 - EMA)
            if self.schedule == "learned":
                self.noise.table = self.learned().detach()
            show = {"x": x, "noised": self.units.undo(xt)}
            yield Step({"loss": loss.detach()}, caption="The network learns to say where each came from.", show=show)

    def learned(self) -> Float[Tensor, "times columns"]:
        """What follows from the learned rates; the first of them is fixed."""
        beta = torch.cat([torch.full((1,), FIRST, dtype=torch.float64), self.logits.double().sigmoid()])
        return tabulate(beta, self.readout).float()

    def error(self, x0: Rows, xt: Rows, t: Times) -> Float[Tensor, ""]:
        """Of the simpler read-outs: how far the network's answer is from the noise in x_t, or from x_0."""
        r = self.noise.at(t)
        target = x0 if self.readout == "x0" else (xt - r.signal * x0) / r.noise
        return (self.net(xt, self.times[t]) - target).square().mean()

    def guess(self, xt: Rows, t: Times) -> Distribution:
        """p(x_{t−1}|x_t), in standardised units; by the averaged weights unless in training."""
        net = self.net if self.training else self.average
        if self.bits:
            return Bernoulli(logits=net(2 * xt - 1, self.times[t]), validate_args=False)
        f, r = net(xt, self.times[t]), self.noise.at(t)
        var = r.spread.expand_as(xt)
        if self.readout == "sd15":
            f, s = f.chunk(2, 1)
            var = (r.logit + s / math.sqrt(self.T)).sigmoid()
        mean = r.keep * xt + r.push * f
        if self.spec.support == "unit" and isinstance(self.noise, Gaussian) and not self.training:  # x_0 is within its range
            mean = r.c0 * self.noise.origin(mean, xt, t).clamp(-1, 1) + r.c1 * xt
        return normal(mean, var.sqrt())

    # ------------------------------------------------------------ looking

    def monitor(self, data: Data, rng: Rng) -> dict[str, float]:
        """Mean bound of unseen rows, nats a row; of a mixture HQ, and TV where it is clear to which mode a row belongs."""
        few = data.test_x[: FEW if self.spec.kind == "points" else FEW // 4]
        figures = {} if self.repeats else {"test bound": self.bound(few, rng).mean().item()}
        if isinstance(law := data.density, Mixture):
            x = self.sample(DRAWN, rng)
            figures["HQ"] = high_quality(x, law)
            if law.apart:
                figures["TV"] = visits(x, law).tv
        return figures

    def layers(self, data: Data, rng: Rng) -> list[Pane]:
        return chart(self, self.bits, self.noise.table[1:, 0])

    def client(self) -> dict[str, list[list[Any]]]:
        """One step back, drawn, and one step up without noise; for points, by the model's own chain."""
        if self.ddim_steps or not isinstance(net := self.average, FourierMLP):
            return {}
        d, sd15 = self.spec.dim, self.readout == "sd15"
        raw, wider = ["affine", "units.shift", "units.scale"], ["affine", 0, "units.scale"]
        fixed = [["get", "u"], ["affine", 1, 0], ["mul", "spread"]]
        own = [["get", "out"], ["slice", d, 2 * d], ["affine", 0, self.T**-0.5], ["add", "logit"], ["sigmoid"]]
        noise = [*(own if sd15 else fixed), ["mul", "stir"], wider, wider, ["put", "var"], ["get", "mean"], ["gaussian", "var"]]

        def linear(x: str, f: str, *more: str) -> list[list[Any]]:
            """The raw x · u + f · (the network's output) for columns of `Rates`; `more` of them are put into registers."""
            places = {name: Rates._fields.index(name) for name in (x, f, *more)}
            columns = [[["row", "noise.table"], ["slice", j, j + 1], ["put", name]] for name, j in places.items()]
            into = [*sum(columns, []), ["get", "x"], ["affine", "offset", "gain"], ["put", "u"]]
            out = [*net.program("average", "times"), ["put", "out"], *([["slice", 0, d]] if sd15 else [])]
            return [*into, *out, ["mul", f], ["put", "part"], ["get", "u"], ["mul", x], ["add", "part"], raw]

        mean = [*linear("keep", "push", "spread", "logit", "stir"), ["put", "mean"]]
        return {"reverse": mean + noise, "invert": linear("rise_x", "rise_f")}
