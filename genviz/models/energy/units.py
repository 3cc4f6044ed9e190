"""What a memory makes of raw rows: which of them it stores, and in what units."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from genviz.data import Data
from genviz.errors import BadInput
from genviz.nets import Standardize


def chosen(data: Data, every: int, patterns: int) -> Tensor:
    """The places of the rows to store: the first of each class, then the others in order; or every so many-th of these."""
    n, places = len(data.x), torch.arange(len(data.x))
    if data.y is not None:
        first = torch.stack([places[data.y == c][0] for c in data.y.unique()])
        places = torch.cat([first, places[~torch.isin(places, first)]])
    return places[min(every, n) - 1 :: every][:patterns]


class Units(Standardize):
    """Raw rows to the units of a memory and back; `slope` and `rise` of the way in travel as well, for client programs."""

    slope: Tensor
    rise: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.register_buffer("slope", torch.ones(dim))
        self.register_buffer("rise", torch.zeros(dim))

    def fit(self, x: Float[Tensor, "n d"]) -> None:
        super().fit(x)
        self.set(self.shift, self.scale)

    def choose(self, x: Float[Tensor, "n d"], name: str, kept: str) -> None:
        """±1 stay as they are; where values need not be bits, `kept` being their support, grey pixels are centred and real
        numbers standardised; else values in [0, 1] become ±1."""
        if bool((x.abs() == 1).all() and (x < 0).any()):
            self.set(0.0, 1.0)
        elif kept == "real":
            self.fit(x)
        elif kept == "unit":
            self.set(x.mean(0), 1.0)
        elif bool((outside := (x < 0) | (x > 1)).any()):
            alien = outside & (x.abs() != 1)
            raise strange(x, alien if bool(alien.any()) else x.abs() != 1, name)  # -1 beside values that are no bits
        else:
            self.set(0.5, 0.5)

    def set(self, shift: Tensor | float, scale: Tensor | float) -> None:
        self.shift[:], self.scale[:] = shift, scale
        self.slope.copy_(1 / self.scale)
        self.rise.copy_(-self.shift / self.scale)

    def spins(self, x: Float[Tensor, "n d"], name: str) -> Float[Tensor, "n d"]:
        """Rows as ±1: -1 and 1 as they are, or values in [0, 1] cut at ½; whichever these units were made for."""
        s = self(x)
        wrong = s.abs() != 1 if bool((self.scale == 1).all()) else s.abs() > 1
        if bool(wrong.any()):
            raise strange(x, wrong, name)
        return torch.where(s > 0, 1.0, -1.0).to(x.dtype)


def strange(x: Float[Tensor, "n d"], wrong: Bool[Tensor, "n d"], name: str) -> BadInput:
    row, column = wrong.nonzero()[0].tolist()
    return BadInput(
        f"{name} holds {x[row, column].item():.4g} at row {row}, column {column}: weights link bits; give -1 and 1 alone, "
        f"or values in [0, 1], which are cut at ½, or take rule = modern"
    )
