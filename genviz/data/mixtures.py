"""Points in one, two or ten dimensions, nearly all of them drawn from a finite Gaussian mixture whose truth is exact."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Literal, Unpack

import torch
from jaxtyping import Float, Int
from torch import Tensor

from genviz.data.base import Count, Data, Drawn, Each, Finite, Points, Seed, Size, Std, draw
from genviz.model import BadInput, Spec
from genviz.rng import Rng

CURVE = 256  # components of one curve


class Mixture(Drawn):
    """Σ_k w_k N(x; mean_k, C_k): its density, score, samples, diffused versions and conditionals, all in closed form.

    `weights` (k,) need not be normalised, `means` (k, d). `std` is shared or (k,), for C_k = std_k² I; or give `covariance`
    (k, d, d). All is computed in float64 and returned in the type of `x`.
    """

    def __init__(
        self,
        weights: Float[Tensor, " k"],
        means: Float[Tensor, "k d"],
        std: Tensor | float = 1.0,
        covariance: Tensor | None = None,
    ) -> None:
        self.weights, self.means = weights.double() / weights.double().sum(), means.double()
        k, d = means.shape
        variance = torch.as_tensor(std, dtype=torch.float64).square().expand(k)
        isotropic = variance[:, None, None] * torch.eye(d, dtype=torch.float64)
        self.covariance = isotropic if covariance is None else covariance.double()
        self.root = torch.linalg.cholesky(self.covariance)
        self.precision = torch.cholesky_inverse(self.root)
        self.pull = (self.precision @ self.means[:, :, None]).squeeze(2)  # precision times mean
        log_det = 2 * self.root.diagonal(dim1=1, dim2=2).log().sum(1)
        self.constant = self.weights.log() - (log_det + d * math.log(2 * math.pi) + (self.pull * self.means).sum(1)) / 2

    @property
    def modes(self) -> Float[Tensor, "k d"]:
        """The means of the components; of a curve, the points it is made of."""
        return self.means.float()

    @property
    def std(self) -> Float[Tensor, " k"]:
        """The standard deviation of each component, per dimension (root mean square over dimensions)."""
        return self.covariance.diagonal(dim1=1, dim2=2).mean(1).sqrt().float()

    def _log_joint(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        """log w_k N(x; mean_k, C_k). The square is expanded, so that two matrix products do for all rows and components."""
        squares = (x[:, :, None] * x[:, None, :]).flatten(1) @ self.precision.flatten(1).T
        return self.constant + x @ self.pull.T - squares / 2

    def _score(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        share = self._log_joint(x).softmax(1)
        precision = (share @ self.precision.flatten(1)).view(-1, *self.precision.shape[1:])
        return share @ self.pull - (precision @ x[:, :, None]).squeeze(2)

    def _by_chunks(self, f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        return torch.cat([f(rows.double()) for rows in x.split(max(1, 2**22 // len(self.weights)))]).to(x.dtype)

    def log_prob(self, x: Points) -> Each:
        """log p(x) in nats: (n, d) -> (n,)."""
        return self._by_chunks(lambda rows: self._log_joint(rows).logsumexp(1), x)

    def score(self, x: Points) -> Points:
        """∇ log p(x): (n, d) -> (n, d)."""
        return self._by_chunks(self._score, x)

    def responsibilities(self, x: Points) -> Float[Tensor, "n k"]:
        """p(component | x): (n, d) -> (n, k)."""
        return self._by_chunks(lambda rows: self._log_joint(rows).softmax(1), x)

    def nearest(self, x: Points) -> tuple[Int[Tensor, " n"], Each]:
        """The component whose mean is nearest, and how many standard deviations away it is: √((x − mean)ᵀ C⁻¹ (x − mean))."""

        def squares(rows: Tensor) -> Tensor:
            quadratic = (rows[:, :, None] * rows[:, None, :]).flatten(1) @ self.precision.flatten(1).T
            return quadratic - 2 * rows @ self.pull.T + (self.pull * self.means).sum(1)

        far, k = self._by_chunks(squares, x).clamp(min=0).min(1)
        return k, far.sqrt()

    @cached_property
    def apart(self) -> bool:
        """Whether there are several modes, any two of them six standard deviations apart, so that no row belongs to both."""
        between = torch.pdist(self.means)
        return len(between) > 0 and bool(between.min() >= 6 * self.covariance.diagonal(dim1=1, dim2=2).max().sqrt() - 1e-9)

    def draw(self, n: int, rng: Rng) -> tuple[Tensor, Tensor]:
        k = rng.categorical(self.weights, n)
        noise = rng.normal(n, self.means.shape[1]).double()
        return (self.means[k] + (self.root[k] @ noise[:, :, None]).squeeze(2)).float(), k

    def diffused(self, scale: float = 1.0, sigma: float = 0.0) -> "Mixture":
        """The exact law of scale · x + sigma · ε: again a mixture, with its own `log_prob` and `score`."""
        eye = torch.eye(self.means.shape[1], dtype=torch.float64)
        return Mixture(self.weights, scale * self.means, covariance=scale**2 * self.covariance + sigma**2 * eye)

    def denoise(self, x: Points, scale: float = 1.0, sigma: float = 0.0) -> Points:
        """E[x₀ | scale · x₀ + sigma · ε = x], the best possible denoiser (Miyasawa 1961, Tweedie): (n, d) -> (n, d)."""
        return (x + sigma**2 * self.diffused(scale, sigma).score(x)) / scale

    def conditional(self, i: int, j: int, value: float) -> "Mixture":
        """p(x_i | x_j = value), exactly: a mixture in one dimension."""
        m, c = self.means, self.covariance
        log_w = self.weights.log() - (c[:, j, j].log() + (value - m[:, j]).square() / c[:, j, j]) / 2
        mean = m[:, i] + c[:, i, j] / c[:, j, j] * (value - m[:, j])
        variance = c[:, i, i] - c[:, i, j].square() / c[:, j, j]
        return Mixture(log_w.softmax(0), mean[:, None], covariance=variance[:, None, None])

    def given(self, x: Float[Tensor, "n d"], i: int) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"], Float[Tensor, " k"]]:
        """p(x_i | all other columns) of each row, a mixture in one dimension: log weights, not normalised, means, deviations.

        With P the precision and r = Σ_j P_ij (x_j - m_j), the mean is x_i - r/P_ii, the weight that of x times exp(r²/2P_ii).
        """
        rows, own = x.double(), self.precision[:, i, i]
        r = ((rows[:, None] - self.means) * self.precision[:, i]).sum(2)
        log_w = self._log_joint(rows) + r.square() / (2 * own) - own.log() / 2
        return log_w, rows[:, i, None] - r / own, own.rsqrt()

    def knowing(self, clamp: Float[Tensor, " d"]) -> "Mixture":
        """p of the columns that are NaN in `clamp`, given the values of the others: a mixture over those columns alone."""
        free, known = clamp.isnan(), ~clamp.isnan()
        within = self.precision[:, free][:, :, free]
        miss = clamp[known].double() - self.means[:, known]
        pull = torch.linalg.solve(within, (self.precision[:, free][:, :, known] @ miss[:, :, None])).squeeze(2)
        covariance = torch.linalg.inv(within)
        of_known = self.covariance[:, known][:, :, known]
        log_w = torch.distributions.MultivariateNormal(self.means[:, known], of_known).log_prob(clamp[known].double())
        return Mixture((self.weights.log() + log_w).softmax(0), self.means[:, free] - pull, covariance=covariance)


class Checkerboard(Drawn):
    """Uniform on the 8 dark squares of [-2, 2]²; the component of a row is its square."""

    corners = torch.tensor([(i, j) for i in range(-2, 2) for j in range(-2, 2) if (i + j) % 2 == 0]).float()

    def log_prob(self, x: Float[Tensor, "n 2"]) -> Each:
        """-log 8 nats on a dark square, -inf elsewhere: (n, 2) -> (n,)."""
        dark = (x.floor().sum(1) % 2 == 0) & (x.abs() < 2).all(1)
        return torch.where(dark, -math.log(8), -math.inf).to(x.dtype)

    def score(self, x: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
        """Zero wherever it exists."""
        return torch.zeros_like(x)

    def draw(self, n: int, rng: Rng) -> tuple[Tensor, Tensor]:
        square = rng.integers(0, 8, n)
        return self.corners[square] + rng.uniform(n, 2), square


class Banana(Drawn):
    """x ~ N(0, 1), y ~ N(x², s²)."""

    def __init__(self, s: float) -> None:
        self.s = s

    def log_prob(self, x: Float[Tensor, "n 2"]) -> Each:
        """log p in nats: (n, 2) -> (n,)."""
        a, b = x.double().unbind(1)
        return (-(a.square() + ((b - a.square()) / self.s).square()) / 2 - math.log(2 * math.pi * self.s)).to(x.dtype)

    def score(self, x: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
        """∇ log p: (n, 2) -> (n, 2)."""
        a, b = x.double().unbind(1)
        miss = (b - a.square()) / self.s**2
        return torch.stack([2 * a * miss - a, -miss], 1).to(x.dtype)

    def draw(self, n: int, rng: Rng) -> tuple[Tensor, Tensor]:
        a, noise = rng.normal(2, n)
        return torch.stack([a, a.square() + self.s * noise], 1), torch.zeros(n, dtype=torch.int64)


# ---------------------------------------------------------------- the sets; `**size` are n, test and seed of `draw`


def polar(radius: Tensor | float, angle: Tensor) -> Float[Tensor, "k 2"]:
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)


def even(k: int) -> Float[Tensor, " k"]:
    """k values spread evenly over (0, 1): (i + ½)/k."""
    return (torch.arange(k, dtype=torch.float64) + 0.5) / k


def of(curves: list[Tensor], std: float, classes: tuple[str, ...] = (), **size: Unpack[Size]) -> Data:
    """Equal components along each curve; the label is the curve."""
    means = torch.cat(curves)
    labels = torch.arange(len(curves)).repeat_interleave(len(curves[0]))
    return draw(Mixture(torch.ones(len(means)), means, std), labels, classes, **size)


def blobs(means: Tensor, std: float, weights: Tensor | None = None, **size: Unpack[Size]) -> Data:
    """One component a mean; the label is the component."""
    weights = torch.ones(len(means)) if weights is None else weights
    return draw(Mixture(weights, means, std), torch.arange(len(means)), **size)


def eight_gaussians(s: Std = 0.2, weights: Literal["equal", "ramp"] = "equal", **size: Unpack[Size]) -> Data:
    k = torch.arange(8, dtype=torch.float64)
    return blobs(polar(2.0, 2 * math.pi * k / 8), s, k + 1 if weights == "ramp" else None, **size)


def grid25(spacing: Annotated[float, (1e-3, 100.0)] = 1.0, s: Std = 0.1, **size: Unpack[Size]) -> Data:
    line = spacing * torch.arange(-2, 3, dtype=torch.float64)
    return blobs(torch.cartesian_prod(line, line), s, **size)


def two_modes(s: Std = 0.5, **size: Unpack[Size]) -> Data:
    return blobs(torch.tensor([[-4.0, 0.0], [4.0, 0.0]]), s, torch.tensor([0.2, 0.8], dtype=torch.float64), **size)


def moons(s: Std = 0.07, **size: Unpack[Size]) -> Data:
    t = math.pi * even(CURVE)
    upper, lower = polar(1.0, t), torch.stack([1 - t.cos(), 0.5 - t.sin()], 1)
    return of([upper, lower], s, ("upper", "lower"), **size)


def rings(s: Std = 0.08, **size: Unpack[Size]) -> Data:
    t = 2 * math.pi * even(CURVE)
    return of([polar(1.0, t), polar(2.0, t)], s, ("inner", "outer"), **size)


def ring(s: Std = 0.2, **size: Unpack[Size]) -> Data:
    return of([polar(3.0, 2 * math.pi * even(CURVE))], s, **size)


def swissroll(s: Std = 0.25, **size: Unpack[Size]) -> Data:
    t = 1.5 * math.pi * (1 + 2 * even(CURVE))
    return blobs(polar(t, t), s, **size)


def spiral(s: Std = 0.05, **size: Unpack[Size]) -> Data:
    u = even(CURVE)
    return of([polar(0.3 + 1.7 * u, 3 * math.pi * u + arm * math.pi) for arm in range(2)], s, **size)


def pinwheel(s: Std = 0.1, **size: Unpack[Size]) -> Data:
    radius = 1 + 0.3 * torch.special.ndtri(even(64))
    return of([polar(radius, 2 * math.pi * arm / 5 + 0.25 * radius.exp()) for arm in range(5)], s, **size)


def square(s: Std = 0.2, **size: Unpack[Size]) -> Data:
    """p(x) = ∫ N(z; 0, 1) N(x; z², s²) dz by the trapezoid rule on z ≥ 0 (the integrand is even): a mixture, too."""
    z = torch.linspace(0, 7, 2001, dtype=torch.float64)
    weights = (-z.square() / 2).exp()
    weights[0] /= 2
    return draw(Mixture(weights, z.square()[:, None], s), **size)


def two_points(**size: Unpack[Size]) -> Data:
    return draw(Finite(torch.tensor([[-1.0], [1.0]])), torch.arange(2), ("-1", "1"), **size)


def correlated(rho: Annotated[float, (-0.999, 0.999)] = 0.9, **size: Unpack[Size]) -> Data:
    covariance = torch.tensor([[[1, rho], [rho, 1]]], dtype=torch.float64)
    return draw(Mixture(torch.ones(1), torch.zeros(1, 2), covariance=covariance), **size)


def checkerboard(**size: Unpack[Size]) -> Data:
    return draw(Checkerboard(), torch.arange(8), **size)


def banana(s: Std = 0.3, **size: Unpack[Size]) -> Data:
    return draw(Banana(s), **size)


def planted_tree(n: Count = 300, test: Count = 1000, seed: Seed = 0) -> Data:
    third = 2 * math.pi * torch.arange(3, dtype=torch.float64) / 3
    leaves = polar(18.0, third)[:, None] + polar(6 / math.sqrt(3), third)
    return blobs(leaves.flatten(0, 1), 1.0, n=n, test=test, seed=seed)


def drawn(points: str = "-1 0;-0.5 -0.5;0 -1;0.5 -0.25;1 0.5;1.5 1.25", s: Std = 0.15, **size: Unpack[Size]) -> Data:
    """The points are text, "x y;x y;…", so that the set's name alone rebuilds it."""
    try:
        means = torch.tensor([[float(v) for v in point.split()] for point in points.split(";")], dtype=torch.float64)
        assert means.shape[1] == 2 and len(means) <= 4000 and (means.abs() < 1e3).all()
    except (ValueError, AssertionError, IndexError):
        raise BadInput(
            f"points = {points[:40]!r} is no drawing: give 1 to 4,000 points 'x y;x y;…', each within ±1000"
        ) from None
    return draw(Mixture(torch.ones(len(means)), means, s), **size)


def sine() -> Data:
    def rows(x: Tensor) -> Tensor:
        return torch.stack([x, (2 * x).sin()], 1).float()

    x = torch.linspace(-3, 3, 60, dtype=torch.float64)
    return Data("", rows(x), rows((x[1:] + x[:-1]) / 2), Spec((2,)), columns=("x", "y"))


def ard(weights: Annotated[float, (0.01, 10.0)] = 1.0, n: Count = 150, test: Count = 1000, seed: Seed = 0) -> Data:
    """z ~ N(0, I₂) → tanh of 6 units → 10 columns, noise 0.05; both weight matrices ~ N(0, `weights`²)."""
    rng = Rng(seed, "data")
    first, second = weights * rng.normal(2, 6), weights * rng.normal(6, 10)

    def rows(n: int) -> Tensor:
        return (rng.normal(n, 2) @ first).tanh() @ second + 0.05 * rng.normal(n, 10)

    return Data("", rows(n), rows(test), Spec((10,)))
