"""The one noun of genviz: a `Model` declares its knobs, builds its parameters and yields the steps of its `fit`."""

import hashlib
import importlib
import inspect
import math
import pkgutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal, Protocol, cast, get_args, get_origin, runtime_checkable

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo
from torch import Tensor, nn
from torch.distributions import Distribution

from genviz.errors import BadInput as BadInput  # every file that knows models needs it: found here too
from genviz.errors import nearest as nearest
from genviz.rng import Rng

Support = Literal["real", "unit", "binary"]
Looks = Literal["", "chain", "sample"]
MODELS: dict[str, type["Model"]] = {}  # slug -> class, filled as model files are imported
_BUILDING = threading.Lock()  # parameters are initialised from torch's global stream, one model at a time


@dataclass(frozen=True)
class Spec:
    """What a model must know of its data before it sees any: the shape of a row, its support, the number of classes."""

    shape: tuple[int, ...]  # (d,) for points, (height, width) for images
    support: Support = "real"  # real: all numbers; unit: grey values in [0, 1]; binary: 0 or 1
    classes: int = 0

    @property
    def dim(self) -> int:
        return math.prod(self.shape)

    @property
    def plane(self) -> bool:
        """Whether rows are points in a plane."""
        return self.shape == (2,) and self.support == "real"

    @property
    def kind(self) -> Literal["points", "digits", "mnist"]:
        """Which presets suit data of this size when none has its name."""
        if len(self.shape) == 1 and self.dim <= 64:
            return "points"
        return "digits" if self.dim <= 256 else "mnist"

    def check(self, x: Tensor, name: str = "x") -> Tensor:
        """`x` itself, if it is rows of this spec; else a `BadInput` that names what is wrong and where."""
        if x.ndim != 2:
            raise BadInput(f"{name} has shape {tuple(x.shape)}: give rows and columns, (n, {self.dim})")
        if x.shape[1] != self.dim:
            raise BadInput(f"{name} has {x.shape[1]} columns, the model was built for {self.dim}")
        if not x.isfinite().all():
            row, column = (~x.isfinite()).nonzero()[0].tolist()
            raise BadInput(f"{name} holds {x[row, column].item()} at row {row}, column {column}: remove or fill it first")
        if self.support != "real" and len(x) and (x.min() < 0 or x.max() > 1):
            row, column = ((x < 0) | (x > 1)).nonzero()[0].tolist()
            raise BadInput(
                f"{name} holds {x[row, column].item():.4g} at row {row}, column {column}: "
                f"this model's pixels are probabilities, scale them to [0, 1]"
            )
        return x

    def bits(self, x: Tensor, name: str = "x") -> Tensor:
        """`x` itself, if all of it is 0 or 1: grey values have no probability under a model of bits."""
        if (grey := ((x != 0) & (x != 1)).nonzero()).numel():
            row, column = grey[0].tolist()
            raise BadInput(f"{name} holds {x[row, column]:.4g} at row {row}, column {column}: give bits, binarize it first")
        return x

    def rows(self, given: Any, name: str) -> Tensor:
        """A row, or several, as they come in the JSON arguments of an action; a `BadInput` says what they are not."""
        try:
            x = torch.tensor(given, dtype=torch.float32)
        except (TypeError, ValueError, RuntimeError, OverflowError):  # whatever else JSON can hold
            raise BadInput(f"{name}: give a row of {self.dim} numbers, or a list of such rows") from None
        return self.check(x[None] if x.ndim == 1 else x, name)

    def starts(self, start: Tensor, n: int) -> Tensor:
        """`start` as `n` rows (n, d), if it is one row or n; else a `BadInput`."""
        if len(self.check(start, "start")) not in (1, n):
            raise BadInput(f"start has {len(start)} rows for a chain of {n}: give one, or {n}")
        return start.expand(n, -1)

    def known(self, clamp: Tensor) -> Tensor:
        """`clamp` (d,) itself: values that a chain must keep, NaN where it is free; a `BadInput` if they cannot be, or if it
        fixes all or nothing."""
        if clamp.shape != (self.dim,):
            raise BadInput(f"clamp has shape {tuple(clamp.shape)}: give {self.dim} finite values, NaN where the chain is free")
        if clamp.isinf().any():
            raise BadInput("clamp holds a value that is not finite: give numbers, nothing where free")
        if (free := int(clamp.isnan().sum())) in (0, self.dim):
            raise BadInput(f"clamp leaves {'everything' if free else 'nothing'} free: some values must be known, some not")
        self.check(clamp.masked_fill(clamp.isnan(), 0.0)[None], "clamp")
        return clamp


@dataclass(frozen=True)
class Preset:
    """Settings known to converge: on which data, with which knobs, for how many steps."""

    steps: int
    data: str = ""  # empty: the preset's own name
    knobs: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    idea: str = ""  # one sentence: what this preset lets a person see
    listed: bool = True  # offered by name; the others are reached from the picture they belong to


@dataclass(frozen=True)
class Step:
    """One update worth watching. `show` holds references, read only in slow motion, so that watching changes nothing."""

    metrics: Mapping[str, Tensor]  # 0-d tensors, only what the update computed anyway
    phase: str = "update"
    caption: str = ""
    show: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """Where a chain stands: `x` (n, d), what is worth looking at besides, and the evaluations spent since the last state.

    Names in `aux` with a common meaning: `p` (n, d) the mean of x, shown in its place where x is bits · `h` hidden units ·
    `t` the time that is left · `sweep` sweeps done · `mean`, `var` (n, d) of the step that led here · `temperature` ·
    `accepted` · `proposal`.
    """

    x: Tensor
    aux: Mapping[str, Tensor] = field(default_factory=dict)
    nfe: int = 1


# ---------------------------------------------------------------- knobs


def knob(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    help: str = "",
    *,
    log: bool = False,
    live: bool = False,
    looks: Looks = "",
    needs: str = "",
    called: Mapping[Any, str] | None = None,
) -> Any:
    """Declare a hyperparameter once: the form, the command line, the validation, the URL and the docs all read this.

    `log` asks for a logarithmic scale, `live` allows changes during a run. `looks` is for what `fit` never reads: "chain" for
    what `chain` does, so that a film of it may set it as it likes, "sample" for what `sample` alone reads. `needs` names the
    knob without which (0, no) it counts for nothing, or, as name=value or name!=value, the choice made there. Choices are
    declared by a `Literal` type; `called` has a word for a number that means something of its own.
    """
    extra: Any = {"log": log, "live": live, "looks": looks, "needs": needs, "called": dict(called or {})}
    return Field(default, ge=low, le=high, description=help, json_schema_extra=extra)


class KnobValues(BaseModel):
    """A complete set of knob values: frozen, checked, no unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


@dataclass(frozen=True)
class Knob:
    """One declared knob, as forms and command lines want it."""

    name: str
    kind: Any  # bool, int, float or str
    default: Any
    low: float | None
    high: float | None
    help: str
    log: bool
    live: bool
    looks: Looks
    needs: str
    called: Mapping[Any, str]
    choices: tuple[Any, ...]

    @property
    def range(self) -> str:
        if self.choices:
            return " | ".join(map(str, self.choices))
        return "yes | no" if self.kind is bool else f"{self.low:g} … {self.high:g}"

    def counts(self, of: Any) -> bool:
        """Whether the knob that it needs is set, or set so, in a model or a set of values."""
        name, equals, value = self.needs.partition("=")
        if not equals:
            return not name or bool(getattr(of, name))
        return (str(getattr(of, name.rstrip("!"))) == value) != name.endswith("!")

    def others(self, value: Any) -> list[Any]:
        """Other values worth trying."""
        if self.choices or self.kind is bool:
            return [choice for choice in self.choices or (False, True) if choice != value]
        low, high = self.low or 0.0, self.high or 1.0
        tried = self.kind(max(low, value / 2)), self.kind(min(high, 2 * value + 2)), self.kind(high)
        return [other for other in tried if other != value]

    def parse(self, text: str) -> Any:
        """Text as the knob's type; what does not fit stays text, for the validation to name it."""
        if self.kind is bool:
            return {"yes": True, "no": False, "true": True, "false": False}.get(text.lower(), text)
        try:
            return self.kind(text)
        except ValueError:
            return text


def _bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    low, high = (next((getattr(m, k) for m in info.metadata if hasattr(m, k)), None) for k in ("ge", "le"))
    return low, high


def _knob(name: str, info: FieldInfo) -> Knob:
    low, high = _bounds(info)
    kind, extra = info.annotation or float, cast("dict[str, Any]", info.json_schema_extra)
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    kind = type(choices[0]) if choices else kind
    log, live = (bool(extra[flag]) for flag in ("log", "live"))
    looks, needs, called = (extra[part] for part in ("looks", "needs", "called"))
    return Knob(name, kind, info.default, low, high, info.description or "", log, live, looks, needs, called, choices)


# ---------------------------------------------------------------- the model


def action(method: Callable[..., None]) -> Callable[..., None]:
    """Mark a method as a verb of the event log: `run.edit("learn_once", …)` calls it between two steps."""
    method.__dict__["is_action"] = True
    return method


class Model(nn.Module):
    """A generative model: knobs, parameters, `fit`, and whichever capabilities it has.

    A subclass declares knobs as annotated class attributes, makes parameters and buffers in `build`, and yields a `Step`
    per update from `fit(data, rng)`. Whatever must survive is a parameter or a buffer. It never overrides `__init__`.
    """

    Knobs: ClassVar[type[KnobValues]] = KnobValues
    slug: ClassVar[str] = ""
    presets: ClassVar[Mapping[str, Preset]] = {}
    phases: ClassVar[tuple[str, ...]] = ("update",)
    trains: ClassVar[bool] = True  # else there is no `fit`: what it needs of the data is taken by `prepare`
    sized: ClassVar[tuple[str, ...]] = ()  # buffers as long as the data wanted, all alike: a file tells their first axis
    if_diverged: ClassVar[str] = "lr"  # the knob to lower when a figure is no longer finite

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {
            name: (kind, vars(cls)[name])
            for name, kind in inspect.get_annotations(cls, eval_str=True).items()
            if isinstance(vars(cls).get(name), FieldInfo)
        }
        fields: Any = own  # create_model's overloads cannot see through **
        cls.Knobs = create_model(f"{cls.__name__}Knobs", __base__=cls.Knobs, **fields)
        ours = cls.__module__.startswith("genviz.models.")
        cls.slug = cls.__module__.rpartition(".")[2] if ours else cls.__name__.lower()
        if (other := MODELS.get(cls.slug, cls)).__module__ != cls.__module__:
            raise BadInput(
                f"{cls.__module__}.{cls.__qualname__} would be called {cls.slug}, as {other.__module__}.{other.__qualname__} "
                f"is already: rename one of them"
            )
        MODELS[cls.slug] = cls

    def __init__(self, spec: Spec, seed: int = 0, **knobs: Any) -> None:
        super().__init__()
        self.spec, self.seed = spec, seed
        self.adopt(self.validate(knobs, spec))
        with _BUILDING, torch.random.fork_rng(devices=[]):  # nn.Linear takes no generator
            torch.manual_seed(Rng(seed, "build").generator.initial_seed())
            self.build()

    def build(self) -> None:
        """Make parameters and buffers from `self.spec` and the knobs."""

    def prepare(self, data: Any) -> None:
        """What is taken from the data before step 0, such as their scale, so that the first picture stands where they are."""

    def fit(self, data: Any, rng: Rng) -> Iterator[Step]:
        """The paper's algorithm box, one `Step` an update; endless for gradient training."""
        raise NotImplementedError(f"{self.slug} has nothing to train")

    def adopt(self, knobs: KnobValues) -> None:
        """Make `knobs` the ones in force: the mathematics reads `self.latent`, not `self.knobs.latent`."""
        self.knobs = knobs
        self.__dict__.update(dict(knobs))

    @classmethod
    @cache
    def knobs_declared(cls) -> dict[str, Knob]:
        return {name: _knob(name, info) for name, info in cls.Knobs.model_fields.items()}

    @classmethod
    def suits(cls, knobs: Any, spec: Spec) -> None:
        """Raise a `BadInput` where these knobs make no sense for such data; by default every knob suits every data."""

    @classmethod
    def validate(cls, knobs: Mapping[str, Any], spec: Spec | None = None) -> KnobValues:
        """The knobs, complete and frozen; a `BadInput` names the knob at fault, its range, or the nearest name.

        With a `spec`, knobs that make no sense for such data are refused too (`suits`).
        """
        declared = cls.knobs_declared()
        if unknown := next((name for name in knobs if name not in declared), None):
            raise BadInput(f"{cls.slug} has no knob {unknown!r}{nearest(unknown, declared)}")
        try:
            values = cls.Knobs(**knobs)
            if spec is not None:
                cls.suits(values, spec)
            return values
        except ValidationError as error:
            first = error.errors()[0]
            bad, number = declared[str(first["loc"][0])], {int: "whole number", float: "number"}
            outside = first["type"] in ("greater_than_equal", "less_than_equal") or bad.kind not in number
            what = "is outside" if outside else f"is no {number[bad.kind]} from"
            raise BadInput(f"{bad.name} = {first['input']!r} {what} {bad.range} ({bad.help})") from None

    @classmethod
    def actions(cls) -> tuple[str, ...]:
        return tuple(name for name, f in inspect.getmembers(cls, inspect.isfunction) if getattr(f, "is_action", False))

    def save(self, path: str) -> None:
        """Write weights and a JSON card to a safetensors file."""
        from genviz.checkpoint import save  # above this file, and only needed by those who save

        save(self, path)

    @property
    def sha256(self) -> str:
        """The identity of the weights, whatever file they are in: two runs are equal bit for bit if these are."""
        return digest(self.state_dict())


def digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and bytes of the tensors, in the order of their names."""
    found = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def discover() -> dict[str, type[Model]]:
    """Import every file below `genviz.models`; the registry, slug -> class."""
    package = importlib.import_module("genviz.models")
    for found in pkgutil.walk_packages(package.__path__, "genviz.models."):
        importlib.import_module(found.name)
    return MODELS


def find(slug: str) -> type[Model]:
    """The model class of that name (`-` and `_` alike), or a `BadInput` with the nearest names."""
    models, wanted = discover(), slug.replace("-", "_").lower()
    if wanted not in models:
        raise BadInput(f"no model is called {slug!r}{nearest(wanted, models)}")
    return models[wanted]


# ---------------------------------------------------------------- capabilities: raw units in, raw units out

Rows = Float[Tensor, "n d"]
Each = Float[Tensor, " n"]


@runtime_checkable
class Samples(Protocol):
    def sample(self, n: int, rng: Rng) -> Rows: ...


@runtime_checkable
class Dreams(Protocol):
    """Where a sample is too dear for every frame: rows nearly as good, fast."""

    def dream(self, n: int, rng: Rng) -> Rows: ...


@runtime_checkable
class Chains(Protocol):
    """`start` (n, d) is where to begin, if not where the model would; `clamp` (d,) holds known values, NaN where free."""

    def chain(self, n: int, rng: Rng, start: Tensor | None = None, clamp: Tensor | None = None) -> Iterator[State]: ...


@runtime_checkable
class Noises(Protocol):
    """The fixed half of a chain that is undone: x_0 … x_T for the rows `x`, one path of noise each; `aux["t"]` counts up."""

    def forward_chain(self, x: Rows, rng: Rng) -> Iterator[State]: ...


@runtime_checkable
class Diffuses(Protocol):
    """q(x_t|x_0) for rows `x` = x_0 at one time `t` ≥ 1; of real rows a normal whose mean is affine in each column."""

    def diffuse(self, x: Rows, t: int) -> Distribution: ...


@runtime_checkable
class Undoes(Protocol):
    """The law of x_{t−1} for rows x_t at time `t` ≥ 1: the model's guess or, for rows that came from `origin`, the truth."""

    def undo(self, x: Rows, t: int, origin: Tensor | None = None) -> Distribution: ...


@runtime_checkable
class Encodes(Protocol):
    def encode(self, x: Rows) -> Distribution: ...  # `.mean` (n, k) is the code


@runtime_checkable
class Decodes(Protocol):
    def decode(self, z: Float[Tensor, "n k"]) -> Rows: ...  # the mean


@runtime_checkable
class Reconstructs(Protocol):
    def reconstruct(self, x: Rows) -> Rows: ...


@runtime_checkable
class Energies(Protocol):
    def energy(self, x: Rows) -> Each: ...  # nats


@runtime_checkable
class Scores(Protocol):
    def score(self, x: Rows, t: Tensor | None = None) -> Rows: ...


@runtime_checkable
class LogProbs(Protocol):
    def log_prob(self, x: Rows) -> Each: ...  # nats


@runtime_checkable
class Bounds(Protocol):
    def bound(self, x: Rows, rng: Rng, k: int = 1) -> Each: ...  # nats, below log p(x) in expectation


@runtime_checkable
class Budgets(Protocol):
    """What the bound is made of, nats: minus the sum of a row's parts bounds log p(x). Parts 1 … T−1 are those of a chain's
    steps, the first is that of the row itself, the last that of the chain's end."""

    def budget(self, x: Rows, rng: Rng) -> Float[Tensor, "n parts"]: ...


@runtime_checkable
class HasPrior(Protocol):
    def prior(self) -> Distribution: ...  # of one code, batch shape (k,)


@runtime_checkable
class LogJoints(Protocol):
    def log_joint(self, x: Rows, z: Float[Tensor, "m k"]) -> Float[Tensor, "n m"]: ...  # log p(x_i, z_j), nats


@runtime_checkable
class Clusters(Protocol):
    def cluster(self, x: Rows) -> Float[Tensor, "n c"]: ...


@runtime_checkable
class Classifies(Protocol):
    def classify(self, x: Rows) -> Float[Tensor, "n c"]: ...


@runtime_checkable
class Discriminates(Protocol):
    def discriminate(self, x: Rows) -> Each: ...  # logits


@runtime_checkable
class HasFeatures(Protocol):
    def features(self) -> Float[Tensor, "k d"]: ...


@runtime_checkable
class HasComponents(Protocol):
    """The finite mixture that the density is: weights (k,), the mean row of each component, and the code it stands for."""

    def components(self) -> tuple[Float[Tensor, " k"], Float[Tensor, "k d"], Float[Tensor, "k m"]]: ...


@runtime_checkable
class HasLevels(Protocol):
    """Hidden layers above each other, `levels` of them by now; `features` are what the units of one of them look for."""

    @property
    def levels(self) -> int: ...
    def features(self, level: int = 1) -> Float[Tensor, "k d"]: ...


@runtime_checkable
class Stacks(HasLevels, Protocol):
    """Levels learned one after the other, each from the features of the one below: `upto` is the model of the lowest alone,
    which can do whatever the whole one can."""

    def upto(self, level: int) -> Any: ...


@runtime_checkable
class Settles(HasLevels, Protocol):
    """Layers that listen to each other: `settling` is their mean field for the rows `x`, without end, first a single pass up;
    units marked in `missing` (d,) are inferred as well, `top` (n, k) holds the highest layer, and without `feedback` no layer
    hears the one above.

    `aux` of its states: p (n, d) the mean of the rows that the first layer would draw · h, h2, … the means of the layers ·
    bound (n,) that on log p of what is known, but for the constant Z, nats.
    """

    def settling(
        self, x: Rows, missing: Tensor | None = None, top: Tensor | None = None, feedback: bool = True
    ) -> Iterator[State]: ...


@runtime_checkable
class HasPartition(Protocol):
    def partition(self) -> Any: ...  # the part whose constant Z can be had: `Listed`, `Anneals` of genviz.metrics.partition


@runtime_checkable
class Compares(Protocol):
    """What an update compares: how often each pair of units is on together, each unit alone on the diagonal, while the rows `x`
    are held and while the machine is free; and the share of the units that a sweep of its free chains changes."""

    def compare(self, x: Rows, rng: Rng) -> tuple[Float[Tensor, "k k"], Float[Tensor, "k k"], float]: ...


@runtime_checkable
class Cools(Protocol):
    """Energies of `n` whole states that begin as coins, after a sweep at each of the temperatures (0: downhill), nats; and the
    lowest energy there is, NaN if it is not known."""

    def cool(self, n: int, rng: Rng, temperatures: Sequence[float]) -> tuple[Float[Tensor, "k n"], float]: ...


@runtime_checkable
class HasKernels(Protocol):
    """Kernels of `genviz.samplers` that leave the model's density as it is: mh, gibbs, ula, mala, hmc, pt; "" is its own.
    `settings` (eps, leapfrog …) are its knobs, if not given; with `clamp` they move the free columns alone."""

    def kernel(self, sampler: str = "", clamp: Tensor | None = None, **settings: Any) -> Any: ...


@runtime_checkable
class HasMemories(Protocol):
    """The rows that are stored so far, and the places of those training rows that will be, in order.

    `rules` are ways to write patterns into weights, by the name they are shown under, Hebb's first: each makes W (d, d) of all
    patterns (k, d).
    """

    @property
    def rules(self) -> Mapping[str, Callable[[Tensor], Tensor]]: ...
    def memories(self) -> Float[Tensor, "k d"]: ...
    def chosen(self, data: Any) -> Tensor: ...


@runtime_checkable
class HasCouplings(Protocol):
    """Symmetric weights (d, d), zero diagonal, and thresholds θ (d,) between the bits ±1 of a row: E = -½ sᵀWs + θᵀs."""

    def couplings(self) -> tuple[Float[Tensor, "d d"], Float[Tensor, " d"]]: ...


@runtime_checkable
class Attends(Protocol):
    """What each of the `memories` weighs in the next state of x, their mean; at another sharpness than its own, if given."""

    def attend(self, x: Rows, beta: float | None = None) -> Float[Tensor, "n k"]: ...


@runtime_checkable
class Monitors(Protocol):
    def monitor(self, data: Any, rng: Rng) -> dict[str, float]: ...


@runtime_checkable
class HasLayers(Protocol):
    def layers(self, data: Any, rng: Rng) -> list[Any]: ...


@runtime_checkable
class RunsInBrowser(Protocol):
    def client(self) -> dict[str, list[list[Any]]]: ...


CAPABILITIES: dict[str, type] = {
    "sample": Samples, "dream": Dreams, "chain": Chains, "forward_chain": Noises, "undo": Undoes, "diffuse": Diffuses,
    "encode": Encodes, "decode": Decodes,
    "reconstruct": Reconstructs, "energy": Energies, "score": Scores, "log_prob": LogProbs, "bound": Bounds,
    "budget": Budgets, "log_joint": LogJoints, "prior": HasPrior, "cluster": Clusters, "classify": Classifies,
    "discriminate": Discriminates, "features": HasFeatures, "components": HasComponents, "levels": HasLevels, "upto": Stacks,
    "partition": HasPartition, "settling": Settles, "memories": HasMemories, "couplings": HasCouplings, "attend": Attends,
    "compare": Compares, "cool": Cools, "kernel": HasKernels, "monitor": Monitors, "layers": HasLayers, "client": RunsInBrowser,
}  # fmt: skip
