"""Explicit random streams: no draw in genviz ever touches torch's global generator."""

import hashlib
from typing import Self

import torch
from torch import Generator, Tensor


class Rng:
    """A named stream of random numbers.

    `Rng(seed, "fit")` and `Rng(seed, "look")` are independent: the key is hashed, so that no two names or seeds share a
    stream by accident, as they would if small integers were added.
    """

    def __init__(self, seed: int, *names: str | int) -> None:
        self.key = (int(seed), *names)
        digest = hashlib.blake2b(repr(self.key).encode(), digest_size=8).digest()
        self.generator = Generator().manual_seed(int.from_bytes(digest, "little") >> 1)

    def child(self, *names: str | int) -> Self:
        """An independent stream named below this one; drawing from it leaves this one as it was."""
        return type(self)(*self.key, *names)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator)

    def normal_like(self, x: Tensor) -> Tensor:
        return torch.randn(x.shape, generator=self.generator, dtype=x.dtype)

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.generator)

    def uniform_like(self, x: Tensor) -> Tensor:
        return torch.rand(x.shape, generator=self.generator, dtype=x.dtype)

    def bernoulli(self, p: Tensor) -> Tensor:
        """0/1 draws, of the shape and type of the probabilities `p`."""
        return torch.bernoulli(p, generator=self.generator)

    def coins(self, p: Tensor) -> Tensor:
        """As `bernoulli`, three times as fast, by another use of the stream: what was drawn there must come again."""
        return torch.rand(p.shape, generator=self.generator).lt_(p).to(p.dtype)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Integers in [low, high)."""
        return torch.randint(low, high, shape, generator=self.generator)

    def permutation(self, n: int) -> Tensor:
        return torch.randperm(n, generator=self.generator)

    def categorical(self, p: Tensor, n: int) -> Tensor:
        """`n` indices drawn with probabilities proportional to `p`, shape (k,) -> (n,)."""
        return torch.multinomial(p, n, replacement=True, generator=self.generator)
