"""The typed layers: what panels make and the stage draws. Plain data, no drawing, no streamlit.

A `Scene` is an arrangement of panes, a `Pane` holds layers. Static layers are sent once, with the scene; the others are
sent again in every frame. `genviz.stage.pack` turns both into bytes, `stage/frontend/src/types.ts` is their mirror.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any, ClassVar, Literal

from torch import Tensor

Kind = Literal["plane", "images", "bars", "curves", "numbers"]  # of a pane
Role = Literal["data", "model", "noise", "truth", "error", "label"]  # colour and form; "label": ten hues by class


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What all layers share. `tensors` names the fields that travel as quantised bytes; the rest travels as JSON."""

    name: str
    role: Role = "model"
    static: bool = False
    hidden: bool = False  # off until its toggle is pressed
    label: str = ""  # what the legend says
    tensors: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, kw_only=True)
class Points(Layer):
    """Dots, rings or crosses at `xy` (n, 2); `labels` (n,) colour them. `codes` (n, k): the full codes they stand for."""

    xy: Tensor
    labels: Tensor | None = None
    classes: Sequence[str] = ()  # what the label values 0, 1, … are called; empty: by their numbers
    codes: Tensor | None = None
    names: Sequence[str] = ()  # written beside the points
    size: float = 1.0
    pick: bool = False  # a click selects the point for every pane that follows the selection
    tensors: ClassVar[tuple[str, ...]] = ("xy", "labels", "codes")


@dataclass(frozen=True, kw_only=True)
class Images(Layer):
    """Grey pictures `pixels` (n, h, w) in [0, 1], in a grid of `columns`."""

    pixels: Tensor
    columns: int = 0
    captions: Sequence[str] = ()
    follow: Literal["", "selection"] = ""  # show only the selected one
    diverging: float = 0.0  # not grey values but signed ones, as ½ + value / (2 · diverging): ½ is zero
    pick: bool = False  # a click selects the picture for every pane that follows the selection
    tensors: ClassVar[tuple[str, ...]] = ("pixels",)


@dataclass(frozen=True, kw_only=True)
class Units(Layer):
    """A lit board: units of a network, `values` (n,) in [0, 1], in rows of `columns`.

    `paint`: a person may paint on it, which clamps what she painted. In a pane that `walks` a client program the browser
    fills it from the register of the same name (`x` is the state's row); `first` is the place of its first unit in the state,
    -1 if it is no part of it.
    """

    values: Tensor
    columns: int = 0
    names: Sequence[str] = ()
    paint: bool = False
    first: int = -1
    tensors: ClassVar[tuple[str, ...]] = ("values",)


@dataclass(frozen=True, kw_only=True)
class Field(Layer):
    """A function on a grid, `values` (ny, nx) over `extent` (x0, x1, y0, y1), row 0 at y0: heat map or contours."""

    values: Tensor
    extent: tuple[float, float, float, float]
    style: Literal["heat", "contour"] = "heat"
    tensors: ClassVar[tuple[str, ...]] = ("values",)


@dataclass(frozen=True, kw_only=True)
class Arrows(Layer):
    start: Tensor  # (n, 2)
    end: Tensor  # (n, 2)
    tensors: ClassVar[tuple[str, ...]] = ("start", "end")


@dataclass(frozen=True, kw_only=True)
class Mesh(Layer):
    """A grid warped into the pane: `xy` (ny, nx, 2)."""

    xy: Tensor
    tensors: ClassVar[tuple[str, ...]] = ("xy",)


@dataclass(frozen=True, kw_only=True)
class Path(Layer):
    xy: Tensor  # (n, 2)
    tensors: ClassVar[tuple[str, ...]] = ("xy",)


@dataclass(frozen=True, kw_only=True)
class Ellipses(Layer):
    """Gaussians drawn at `levels` standard deviations: `mean` (n, 2), `cov` (n, 3) as xx, xy, yy."""

    mean: Tensor
    cov: Tensor
    levels: tuple[float, ...] = (1.0, 2.0)
    follow: Literal["", "selection"] = ""
    tensors: ClassVar[tuple[str, ...]] = ("mean", "cov")


@dataclass(frozen=True, kw_only=True)
class Bars(Layer):
    """Bars `values` (n,), with names, an optional threshold line and unit; lying, or `upright` where there are many."""

    values: Tensor
    labels: Tensor | None = None  # (n,): colour them
    classes: Sequence[str] = ()
    marks: Tensor | None = None  # (n,): a dash across each bar, the other figure that it is compared with
    marked: str = ""  # what the dash is, for the legend
    names: Sequence[str] = ()
    threshold: float | None = None
    unit: str = ""
    sort: bool = False
    log: bool = False
    upright: bool = False
    tensors: ClassVar[tuple[str, ...]] = ("values", "labels", "marks")


@dataclass(frozen=True, kw_only=True)
class Curves(Layer):
    """Lines over training steps, read from the run's metrics by column name, or literal `xy` (n, 2)."""

    columns: Sequence[str] = ()
    stack: bool = False  # areas on top of each other
    signs: Sequence[float] = ()  # a factor for each column, 1 when left out
    dash: int = 0  # 0 … 3: how lines of one role are told apart
    hue: int = -1  # or, of many lines that mean the same, one of the ten hues
    xy: Tensor | None = None
    tensors: ClassVar[tuple[str, ...]] = ("xy",)


@dataclass(frozen=True, kw_only=True)
class Decode(Layer):
    """What the browser decodes by itself with a client program, from the newest weights at the playhead.

    at: `cursor` the code under the pointer · `selection` the code of the selected point · `lattice` a grid of `side`² codes
    over the latent pane · `traversal` a row for each latent dimension, swept −`span` … `span` around the selected code ·
    `mesh` the warped latent grid (2-D data).
    """

    program: str = "decode"
    at: Literal["cursor", "selection", "lattice", "traversal", "mesh"] = "cursor"
    side: int = 9
    span: float = 3.0


@dataclass(frozen=True, kw_only=True)
class Numbers(Layer):
    """Figures with unit and how they were computed: rows of (label, value, unit, how).

    With `follow` they are those of the selected point: `figures` (points, rows).
    """

    rows: Sequence[tuple[str, float, str, str]]
    figures: Tensor | None = None
    follow: Literal["", "selection"] = ""
    tensors: ClassVar[tuple[str, ...]] = ("figures",)


@dataclass(frozen=True, kw_only=True)
class Trace(Layer):
    """A particle that a person drags; the browser solves its whole path anew while she does.

    `ahead` is a client program from one chain time to the next (with the same noise at every solution), `back` one from there
    to the time before. `clock` (frames,) is the index `t` at which programs read their tables, for each frame of the film.
    """

    ahead: str
    back: str = ""
    clock: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Handles(Layer):
    """Points that a person may drag up and down, `xy` (n, 2); each sets the knob of its name to `scale` · its height."""

    xy: Tensor
    knobs: Sequence[str] = ()
    scale: Sequence[float] = ()
    tensors: ClassVar[tuple[str, ...]] = ("xy",)


@dataclass(frozen=True, kw_only=True)
class Caption(Layer):
    text: str


@dataclass(frozen=True, kw_only=True)
class Pane:
    """A frame on the stage: a question as its title, one sentence on how to read it, layers on common axes."""

    name: str
    title: str
    layers: Sequence[Layer] = ()
    kind: Kind = "plane"
    reads: str = ""  # how to read it, one sentence
    how: str = ""  # how computed
    alt: str = ""  # in words, for those who cannot see it
    x: tuple[float, float] | None = None  # limits; None: from the layers
    y: tuple[float, float] | None = None
    x_label: str = ""
    x_log: bool = False  # x holds log10 of what its label names
    y_label: str = ""
    latent: bool = False  # the pointer here chooses a code
    line: bool = False  # only the horizontal scale means something
    ask: str = ""  # a panel computed on request by the server, at the playhead's keyframe, for the selected point
    whole: bool = False  # … or for the model as a whole
    clamp: bool = False  # of a film: a person may fix values here, by wiping over its one real picture, or by a line in a plane
    walks: str = ""  # the client program that the browser runs over and over to fill this pane's layers


@dataclass(frozen=True, kw_only=True)
class Scene:
    panes: Sequence[Pane]
    programs: Mapping[str, Any] = default(default_factory=dict)  # client programs by name
    latent: int = 0  # dimensions of a code
    shape: tuple[int, ...] = ()  # of a row of data: (d,) or (h, w)
    actions: Sequence[str] = ()  # what a person may do to a run besides setting its live knobs
    controls: Sequence[Mapping[str, Any]] = ()  # of a film: the knobs that only looking reads, with their present values
