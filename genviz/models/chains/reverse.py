"""What follows from a guess of each undoing step: the chain back to the data, its bound, its score."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from genviz.metrics.likelihood import LEVELS, grey_level
from genviz.model import BadInput, Spec, State
from genviz.models.chains.noise import LOG_2PI, Gaussian, Noise, Rows, Times, draw, normal
from genviz.nets import Standardize
from genviz.rng import Rng

TOGETHER = 4096  # rows in one call of the network


class Reversible:
    """Capabilities of a model that has `noise`, the fixed half, and a `guess` of p(x_{t−1}|x_t). Raw units, but for `guess`."""

    spec: Spec
    units: Standardize
    noise: Noise
    bits: bool
    repeats: Tensor
    T: int
    ddim_steps: int
    eta: float

    def guess(self, xt: Rows, t: Times) -> Any:
        raise NotImplementedError

    # ------------------------------------------------------------ sampling

    @torch.no_grad()
    def chain(
        self, n: int, rng: Rng, start: Tensor | None = None, clamp: Tensor | None = None, sd: float = 0.0
    ) -> Iterator[State]:
        """x_T … x_0, T + 1 states, or `ddim_steps` + 1 by DDIM; no noise at the end.

        Where `clamp` knows x_0, x_s is replaced by a draw from q(x_s|x_0) at each step. If it was measured with an error `sd`,
        raw units, each step is multiplied by that evidence instead, see `Gaussian.seen`. A `BadInput` for a start of another
        shape, a clamp of all or of nothing, a negative sd, and evidence for bits or DDIM.
        """
        for s, x, law in self.steps(n, rng, start, clamp, sd):
            aux = {"t": torch.tensor(s)}
            if s < self.T:
                law = self.raw(law)
                aux |= {"p": law.mean} if self.bits else {"mean": law.mean, "var": law.variance}
            yield State(self.units.undo(x), aux, nfe=int(s < self.T))

    @torch.no_grad()
    def sample(self, n: int, rng: Rng) -> Rows:
        """The last state of the chain; pixels within their range."""
        *_, (_, x, _) = self.steps(n, rng)
        x = self.units.undo(x)
        return x.clamp(0, 1) if self.spec.support == "unit" else x

    def steps(
        self, n: int, rng: Rng, start: Tensor | None = None, clamp: Tensor | None = None, sd: float = 0.0
    ) -> Iterator[tuple[int, Rows, Any]]:
        """The chain in standardised units: each time, its state and the law that it was drawn from."""
        known = None if clamp is None else self.units(self.spec.known(clamp)[None])[0]
        begin = None if start is None else self.units(self.noised.starts(start, n))
        error = sd / self.units.scale
        if not 0 <= sd < math.inf:
            raise BadInput(f"sd = {sd:g}: the error of a measurement is a number from 0 on")
        if sd and (self.bits or self.ddim_steps):
            raise BadInput(f"sd = {sd:g}: evidence multiplies the model's own steps, not those of bits or of DDIM (ddim_steps)")

        def land(law: Any, s: int) -> tuple[int, Rows, Any]:
            to = torch.full((n,), s)
            if sd and known is not None and isinstance(self.noise, Gaussian):
                law = self.noise.seen(law, known, error, to)
            x = draw(law, rng) if s or self.bits else law.loc
            if known is not None and not sd:
                x = x.where(known.isnan(), draw(self.noise.q(known.nan_to_num().expand_as(x), to), rng))
            return s, x, law

        now = land(self.noise.last(n, self.spec.dim), self.T)
        if begin is not None:
            now = self.T, begin, now[2]
        yield now
        for t, s in pairwise(self.moments()):
            now = land(self.jump(now[1], t, s), s)
            yield now

    def moments(self) -> list[int]:
        """The times at which the chain stands, from T to 0."""
        return torch.linspace(self.T, 0, (self.ddim_steps or self.T) + 1).round().long().tolist()

    def jump(self, x: Rows, t: int, s: int) -> Any:
        """The law of x_s after x_t, standardised: the model's own if `ddim_steps` is 0, or DDIM's."""
        here = torch.full((len(x),), t)
        law = self.guess(x, here)
        if self.ddim_steps and isinstance(self.noise, Gaussian):
            origin = self.noise.origin(law.mean, x, here)
            return self.noise.jump(origin, x, here, torch.full((len(x),), s), self.eta)
        return law

    @torch.no_grad()
    def forward_chain(self, x: Rows, rng: Rng) -> Iterator[State]:
        """x_0 … x_T: one path of the noise for each row."""
        x = self.units(self.spec.check(x))
        yield State(self.units.undo(x), {"t": torch.tensor(0)}, nfe=0)
        for t in range(1, self.T + 1):
            x = draw(self.noise.step(x, torch.full((len(x),), t)), rng)
            yield State(self.units.undo(x), {"t": torch.tensor(t)}, nfe=0)

    def diffuse(self, x: Rows, t: int) -> Distribution:
        """q(x_t | x_0) of rows x_0."""
        u = self.units(self.spec.check(x))
        return self.raw(self.noise.q(u, self.times_of(x, torch.tensor(t))))

    def undo(self, x: Rows, t: int, origin: Tensor | None = None) -> Distribution:
        """The law of x_{t−1} for rows x_t: the model's guess, or the truth for those that came from the rows `origin`."""
        u, here = self.units(self.noised.check(x)), self.times_of(x, torch.tensor(t))
        if origin is None:
            return self.raw(self.guess(u, here))
        return self.raw(self.noise.back(self.units(self.spec.check(origin, "origin")), u, here))

    @property
    def noised(self) -> Spec:
        """What rows under noise are: bits as ever, but no pixels between 0 and 1."""
        return Spec(self.spec.shape, "binary" if self.bits else "real")

    def times_of(self, x: Rows, t: Tensor) -> Times:
        """A time for each row, 1 … T; a `BadInput` if there is none."""
        if t.numel() not in (1, len(x)) or ((t < 1) | (t > self.T)).any():
            raise BadInput(f"t = {t.tolist()}: give one time for all {len(x)} rows or one for each, from 1 to T = {self.T}")
        return t.expand(len(x))

    def raw(self, law: Any) -> Distribution:
        return law if self.bits else normal(self.units.undo(law.loc), law.scale * self.units.scale)

    def score(self, x: Rows, t: Tensor | None = None) -> Rows:
        """∇ log q_t(x) = −ε/√(1 − A_t), as the guess at time t (one, or one a row; 1 if not given) has it, in raw units."""
        if not isinstance(self.noise, Gaussian):
            raise BadInput("bits have no gradient, and so no score")
        here = self.times_of(self.noised.check(x), torch.tensor(1) if t is None else t)
        u, r = self.units(x), self.noise.at(here)
        origin = self.noise.origin(self.guess(u, here).mean, u, here)
        return (r.signal * origin - u) / r.noise.square() / self.units.scale

    # ------------------------------------------------------------ the bound

    def budget(self, x: Rows, rng: Rng, edge: bool = False) -> Float[Tensor, "n parts"]:
        """What log p(x) costs each row, nats, (n, T + 1): −log p(x_0|x_1), the divergences of the steps back from 2 … T, and
        that of the end. Minus their sum is a bound on log p(x), with one draw of x_t for each t.

        Of pixels, the first is that of one of 256 grey levels (as in DDPM, §3.3). With `edge` the last step is not the model's
        but frozen to the noise's (SD15, appendix B). A `BadInput` for real rows with a column of few distinct values: no bound
        holds of their density.
        """
        if self.repeats:
            raise BadInput(
                "a column of few distinct values (0 and 1, whole numbers, rows that repeat) has a density without limit, and "
                "no bound: add even noise as wide as the gaps between the values, or leave the column out"
            )
        x0 = self.units(self.spec.check(x))
        parts = [self.parts(rows, rng) for rows in x0.split(max(1, TOGETHER // self.T))]
        each = torch.cat([torch.cat(parts), self.noise.end(x0)[:, None]], 1)
        if edge:
            each[:, 0] = self.spec.dim * (LOG_2PI + 1 + self.noise.table[1, 0].log()) / 2
        if self.spec.support == "real":
            each[:, 0] -= self.units.log_det
        return each

    def parts(self, rows: Rows, rng: Rng) -> Float[Tensor, "n times"]:
        x0, t = rows.repeat_interleave(self.T, 0), torch.arange(1, self.T + 1).repeat(len(rows))
        xt = draw(self.noise.q(x0, t), rng)
        law = self.guess(xt, t)
        kl = self.noise.kl(self.noise.back(x0, xt, t), law, t).view(len(rows), self.T)
        if self.spec.support == "unit":
            first = normal(law.loc[:: self.T], law.scale[:: self.T])
            kl[:, 0] = -grey_level(first, rows, 2 / (LEVELS - 1)).sum(1)
        return kl

    def bound(self, x: Rows, rng: Rng, k: int = 1) -> Float[Tensor, " n"]:
        """K of each row, nats: the mean over `k` draws of its noise. At most log p(x) in expectation."""
        return -torch.stack([self.budget(x, rng).sum(1) for _ in range(k)]).mean(0)
