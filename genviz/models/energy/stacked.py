"""What can be asked of a deep belief network: what a row is worth, exactly and by its bound, its class, its levels."""

import copy
import math
from functools import reduce
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.metrics.partition import MOST, refuse, remembered
from genviz.model import BadInput, Spec
from genviz.models.energy.belief import Level
from genviz.models.energy.stack import LISTED, Stack
from genviz.rng import Rng

TESTED, DRAWS = 500, 10  # rows of `monitor`, and beliefs drawn of each
LOOK = {"temperatures": 200, "runs": 50}  # of annealing, for a look
QUICK = 12  # hidden units below the top up to which an energy is a sum over their states


class Stacked:
    """A model that is a `Stack`: raw rows (n, d) in, nats (n,) out, and each of its levels by itself."""

    spec: Spec
    stack: Stack
    labels: bool

    def energy(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """-log p(x) - log Z of the top level: exact up to 12 hidden units below it, else minus the variational bound of one
        belief, the same at every look, nats."""
        x = self.spec.check(x)
        if self.stack.hidden <= QUICK:
            return -self.stack.log_star(x).to(x.dtype)
        return -self.stack.log_weights(x, Rng(0, "energy"))

    def believed(self, x: Float[Tensor, "n d"], rng: Rng, draws: int = DRAWS) -> Float[Tensor, " n"]:
        """The variational bound, log Z left out: a mean over draws of what the levels below the top believe."""
        return torch.stack([self.stack.log_weights(x, rng) for _ in range(draws)]).mean(0)

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Exact, nats; a `BadInput` above 16 hidden units below the top or 20 in its smaller layer, or if pixels are grey."""
        x, top = self.spec.bits(self.spec.check(x)), self.stack.top
        refuse(top.listed)
        return (self.stack.log_star(x) - remembered(top).log_z).to(x.dtype)

    def bound(self, x: Float[Tensor, "n d"], rng: Rng, k: int = 1) -> Float[Tensor, " n"]:
        """log (1/k) Σ p(x, h)/q(h|x) with h ~ q(h|x): the variational bound for k = 1, nats.

        log Z is exact up to 20 units in a layer of the top, else annealed: then likely too small, and the bound too good. Grey
        pixels are taken in the place of bits.
        """
        x = self.spec.check(x)
        found = torch.stack([self.stack.log_weights(x, rng) for _ in range(k)])
        return found.logsumexp(0) - math.log(k) - remembered(self.stack.top).log_z

    def classify(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n c"]:
        """p(class | features), of the free energy of each class beside what the top level sees; all alike until it is there."""
        if not self.labels:
            raise BadInput("it has seen no classes: train it with labels = True")
        v, classes = self.stack.rise_means(self.spec.check(x)), self.spec.classes
        return self.stack.top.votes(v).softmax(1) if self.stack.top.labels else v.new_full((len(v), classes), 1 / classes)

    def monitor(self, data: Data, rng: Rng) -> dict[str, float]:
        """Mean bound on unseen rows, nats; the exact log-likelihood where it can be had; that of the first level by itself; and
        what the bound was before levels learned together, of the same draws: they should stop if they lose."""
        x, stack, top, first = data.seen(self, TESTED, "test"), self.stack, self.stack.top, self.stack.levels[0].alone
        lost = {"reconstruction": (x - stack.reconstruct(x)).square().sum(1).mean().item()}
        if (x != x.round()).any():
            return lost  # grey rows have no probability
        found, draws = remembered(top, **LOOK), Rng(*rng.key)
        figures = {"test bound": self.believed(x, rng).mean().item() - found.log_z}
        if before := stack.before:
            was = torch.stack([before.log_weights(x, draws) for _ in range(DRAWS)]).mean().item()
            was -= remembered(before.top, **LOOK).log_z
            figures |= {"bound before up-down": was, "gained by up-down": figures["test bound"] - was}
        figures["first level alone"] = first.log_star(x).mean().item() - remembered(first, **LOOK).log_z
        if stack.hidden <= LISTED and top.listed <= MOST:
            figures["test log-likelihood"] = stack.log_star(x).mean().item() - found.log_z
        if self.labels and data.test_y is not None:
            figures["test error"] = (self.classify(x).argmax(1) != data.test_y[: len(x)]).float().mean().item()
        return figures | lost | found.told

    # ------------------------------------------------------------ up, down, and level by level

    def reconstruct(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """Up to the top by recognition and painted down again, means instead of coins."""
        return self.stack.reconstruct(self.spec.check(x))

    @property
    def levels(self) -> int:
        """Those that have begun to learn."""
        return len(self.stack.there)

    def upto(self, level: int) -> Self:
        """The model of its first `level` levels alone, as it was when the last of them had learned; of all, as it is now."""
        if not 1 <= level <= self.levels:
            raise BadInput(f"level = {level}: this network has {self.levels} by now, take 1 … {self.levels}")
        twin = copy.copy(self)  # the parameters are shared, the list of levels is not
        nets = self.stack.levels[:level]
        twin.__dict__["_modules"] = {"stack": Stack(nets if level == self.levels else (net.alone for net in nets))}
        return twin

    def features(self, level: int = 1) -> Float[Tensor, "k d"]:
        """What each unit of that level adds to the input of the visible ones, as if all between were linear."""
        nets = self.stack.levels
        if not 1 <= level <= len(nets):
            raise BadInput(f"level = {level}: this network has {len(nets)}, take 1 … {len(nets)}")
        return reduce(torch.matmul, [nets[0].W, *(net.W[: net.size] for net in nets[1:level])]).T

    def partition(self) -> Level:
        return self.stack.top
