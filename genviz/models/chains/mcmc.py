"""Markov chain Monte Carlo."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Banana, Data, Ising, Mixture
from genviz.data.mixtures import Checkerboard
from genviz.metrics.partition import exact_log_z
from genviz.model import BadInput, Model, Preset, Spec, State, knob, nearest
from genviz.models.chains.target import SIZED, Blobs, Held, Spins
from genviz.rng import Rng
from genviz.samplers.gibbs import Coins, Conditionals
from genviz.samplers.hmc import Hamiltonian, Slide
from genviz.samplers.langevin import Langevin
from genviz.samplers.mala import Mala
from genviz.samplers.metropolis import Metropolis, flip
from genviz.samplers.tempering import Replicas, Tempered, geometric
from genviz.samplers.walk import Walk, run

MOST_COLUMNS, MOST_SPINS = 16, 1024
CENTRE = 0.3  # standard deviation of where chains start, round the origin
FAR = 1e6  # beyond it a proposal is shown, not where it is
SLOPES, UNTUNED = ("ula", "mala", "hmc"), ("gibbs", "ula", "pt")
TARGETS = (
    "a sampler walks on a known density: take two-modes, grid25, ring, correlated, banana, another set of Gaussians, or ising"
)


class MCMC(Model):
    r"""A walk that visits places as often as they are probable, though only ratios of probabilities are known to it.

    .. math::
        U(x) = -\log p^*(x), \qquad x \to y \ \text{with probability}\ \min(1, e^{U(x) - U(y)}\, q(x|y) / q(y|x))

    and with its neighbours: coordinate by coordinate (gibbs), uphill with noise (ula, mala), along orbits (hmc), on a ladder
    of temperatures (pt). Nothing is learned: the target is the data's own density, and its rows are only for comparison.
    Rows are (n, d) in raw units, energies in nats; a `BadInput` names data that have no density, or a sampler unfit for them.

    Source: Metropolis et al. 1953; Hastings 1970; gibbs: Geman & Geman 1984; hmc: Duane et al. 1987; mala: Roberts & Tweedie
    1996; pt: Swendsen & Wang 1986; Geyer 1991.
    """

    trains = False
    sized = SIZED
    sampler: Literal["mh", "gibbs", "ula", "mala", "hmc", "pt"] = knob("mh", help="how a chain moves", looks="chain")
    eps: float = knob(
        0.5, 1e-3, 10.0, "length of a step, in units of the data", log=True, looks="chain", needs="sampler!=gibbs"
    )
    leapfrog: int = knob(20, 1, 500, "steps of an orbit before it is judged (hmc)", looks="chain", needs="sampler=hmc")
    temperatures: int = knob(8, 2, 32, "replicas on the ladder (pt)", looks="chain", needs="sampler=pt")
    hottest: float = knob(
        0.004, 0.003, 1.0, "the hottest's inverse temperature (pt)", log=True, looks="chain", needs="sampler=pt"
    )
    burn: int = knob(0, 0, 10_000, "steps before the first one that is kept", looks="chain")
    adapt: bool = knob(False, help="whether eps is tuned in those steps, then frozen", looks="chain", needs="burn")
    sweeps: int = knob(500, 1, 100_000, "steps before a sample is taken from a chain", looks="sample")

    presets = {
        "grid25": Preset(
            0,
            "grid25:spacing=4,s=0.3",
            {"sampler": "pt"},
            idea="twenty-five islands, thirteen widths apart: who finds them all?",
        ),
        "two-modes": Preset(
            0,
            knobs={"sampler": "pt", "eps": 0.8, "temperatures": 6, "hottest": 0.01},
            idea="two places, one four times as probable: is each visited as often as it should be?",
        ),
        "correlated": Preset(0, knobs={"sampler": "gibbs"}, idea="a narrow ridge, along which coordinate steps are short"),
        "ring": Preset(0, knobs={"sampler": "hmc", "eps": 0.1}, idea="a valley that closes: orbits slide along it"),
        "banana": Preset(0, knobs={"sampler": "hmc", "eps": 0.1}, idea="a bent ridge: no single step length suits all of it"),
        "ising": Preset(0, "ising:side=4,beta=0.5", {"sampler": "gibbs"}, idea="sixteen magnets, every probability exact"),
    }

    @classmethod
    def suits(cls, knobs: Any, spec: Spec) -> None:
        points = spec.support == "real" and len(spec.shape) == 1 and spec.dim <= MOST_COLUMNS
        square = spec.support == "binary" and len(spec.shape) == 2 and spec.dim <= MOST_SPINS
        if not points and not square:
            raise BadInput(f"rows of shape {spec.shape}: {TARGETS}, up to {MOST_COLUMNS} columns or {MOST_SPINS:,} spins")
        if knobs.adapt and knobs.sampler in UNTUNED:
            raise BadInput(f"adapt = yes: sampler = {knobs.sampler} has no acceptance to tune eps by; take mh, mala or hmc")
        if square and knobs.adapt:
            raise BadInput("adapt = yes: bits are flipped, there is no step length to tune; leave it at no")
        if square and knobs.sampler in SLOPES:
            raise BadInput(f"sampler = {knobs.sampler} follows slopes, and bits have none: take gibbs, mh or pt")

    def build(self) -> None:
        self.target = Spins(self.spec.dim) if self.spec.support == "binary" else Blobs(self.spec.dim)

    def prepare(self, data: Data) -> None:
        """The target is the density of the data; nothing is taken from their rows."""
        known = Ising if isinstance(self.target, Spins) else Mixture | Banana
        if not isinstance(data.density, known):
            flat = isinstance(data.density, Checkerboard)
            no = "is flat where it is not 0: no slope to follow, no ratio but 0 or 1" if flat else "has no density to walk on"
            raise BadInput(f"{data.name} {no}; {TARGETS}")
        self.target.adopt(data.density)  # pyright: ignore[reportArgumentType]

    def kernel(self, sampler: str = "", clamp: Tensor | None = None, **settings: Any) -> Any:
        """The sampler of that name on the columns that `clamp` (d,) leaves free; what is not given is as the knobs have it."""
        held, of = Held(self.law, clamp), {**dict(self.knobs), **settings}
        U, eps, spins = held.energy, of["eps"], isinstance(self.target, Spins)
        match sampler or self.sampler:
            case "mh":
                return Metropolis(U, eps, propose=flip if spins else None)
            case "gibbs":
                return Coins(U) if spins else Conditionals(held.law())
            case "ula":
                return Langevin(U, held.score, eps)
            case "mala":
                return Mala(U, held.score, eps)
            case "hmc":
                return Hamiltonian(U, held.score, eps, of["leapfrog"])
            case "pt":
                return Tempered(Coins(U) if spins else Metropolis(U, eps), geometric(of["temperatures"], of["hottest"]))
        raise BadInput(f"there is no sampler {sampler!r}{nearest(sampler, self.knobs_declared()['sampler'].choices)}")

    def chain(self, n: int, rng: Rng, start: Tensor | None = None, clamp: Tensor | None = None) -> Iterator[State]:
        """Steps from `start`, else from round the origin, or from fair coins. `aux`: see `told`."""
        spins = isinstance(self.target, Spins)
        x = rng.coins(torch.full((n, self.spec.dim), 0.5)) if spins else CENTRE * rng.normal(n, self.spec.dim)
        x = x if start is None else self.spec.starts(start, n)
        held = Held(self.law, None if clamp is None else self.spec.known(clamp))
        for walk in run(self.kernel(clamp=held.clamp), held.part(x.double()), rng, self.burn, self.adapt):
            yield State(held.whole(walk.x).float(), told(walk, held), walk.nfe)

    @property
    def law(self) -> Any:
        return self.target if isinstance(self.target, Spins) else self.target.laid()

    def sample(self, n: int, rng: Rng) -> Float[Tensor, "n d"]:
        """Where each of `n` chains stands after `sweeps` steps: right only if they have mixed by then."""
        return self.dream(n, rng, self.sweeps)

    def dream(self, n: int, rng: Rng, sweeps: int = 100) -> Float[Tensor, "n d"]:
        """`sample` after fewer steps."""
        return next(islice(self.chain(n, rng), sweeps, None)).x

    def energy(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """U(x), nats; of points, with its constant."""
        x = self.spec.check(x)
        return self.law.energy(self.spec.bits(x) if isinstance(self.target, Spins) else x)

    def score(self, x: Float[Tensor, "n d"], t: Tensor | None = None) -> Float[Tensor, "n d"]:
        """∇ log p(x) = -∇U, of points."""
        if isinstance(self.target, Spins):
            raise BadInput("a score is a slope, and bits have none: take points to see it")
        return self.law.score(self.spec.check(x))

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Exact, nats; of bits by listing all states, a `BadInput` above 20 of them."""
        energy = self.energy(x)
        return -energy - (exact_log_z(self.target) if isinstance(self.target, Spins) else 0.0)

    def client(self) -> dict[str, list[list[Any]]]:
        return self.target.programs()


def told(walk: Walk, held: Held) -> dict[str, Tensor]:
    """What a step was: `energy` (n,), `proposal` (n, d), `accepted` (n,), `lost` proposals so far; where there is one, the
    `path` (points, n, d) that led there, the `error` of an orbit and `divergences` so far; `replicas` (k, n, d), coldest
    last, at `beta` (k,), `who` stands on which rung (k, n), and which pairs `swapped`."""
    proposal = held.whole(walk.proposal.nan_to_num(0.0, FAR, -FAR).clamp(-FAR, FAR)).float()
    aux = {"energy": walk.energy.float(), "proposal": proposal, "accepted": walk.accepted.float(), "lost": walk.lost}
    if (path := getattr(walk, "path", None)) is not None:
        aux["path"] = held.whole(path.nan_to_num(0.0, FAR, -FAR).clamp(-FAR, FAR)).float()
    if isinstance(walk, Slide):
        aux |= {"error": walk.error.nan_to_num(FAR, FAR, -FAR).float(), "divergences": walk.divergences}
    if isinstance(walk, Replicas):
        aux |= {"replicas": held.whole(walk.states).float(), "beta": walk.betas, "who": walk.who, "swapped": walk.swapped}
    return aux
