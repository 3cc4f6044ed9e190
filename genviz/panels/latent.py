"""Pictures in the space of codes."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from genviz.data import Data
from genviz.data.base import BITS
from genviz.layers import Bars, Caption, Decode, Ellipses, Images, Layer, Pane, Points
from genviz.model import Decodes, Encodes, HasPrior, Model, RunsInBrowser
from genviz.panels.registry import panel
from genviz.panels.space import SHOWN, axes, covariance, flat, part, pixels, real
from genviz.rng import Rng

COLLAPSED = 0.5  # nats in all below which a code says nothing
HUES = 10  # more classes than colours tell nothing
SIZES = (3.5, 5.0, 8.0, 12.0, 20.0, 40.0, 80.0)  # half-widths of the plane: it grows in jumps, so that it does not breathe


def codes_shown(data: Data) -> int:
    return SHOWN if len(data.spec.shape) == 1 else 300  # pictures travel with their codes


def reach(z: Float[Tensor, "n k"]) -> tuple[float, float]:
    """Limits that hold all but the farthest of the codes."""
    far = float(z.abs().flatten().quantile(0.995)) if z.isfinite().all() else SIZES[0]
    half = next((size for size in SIZES if size >= far), SIZES[-1])
    return -half, half


@panel("encode")
def plane(model: Model, data: Data, rng: Rng) -> list[Pane]:
    assert isinstance(model, Encodes)
    n = codes_shown(data)
    x = data.seen(model, n)
    q = model.encode(x)
    z = q.mean
    k = z.shape[1]
    labels = data.y[:n] if data.y is not None and data.spec.classes <= HUES else None
    pictures = len(data.spec.shape) == 2 and _decodes(model)
    xy = flat(z)
    layers: list[Layer] = [
        *([Decode(name="lattice", at="lattice", side=13, label="decoded lattice", hidden=True)] if pictures else []),
        *_prior(model),
        Points(
            name="codes",
            xy=xy,
            codes=z if k != 2 and _decodes(model) else None,
            labels=labels,
            classes=() if labels is None else data.class_names,
            pick=True,
            role="model" if labels is None else "label",
            label="codes of data",
        ),
    ]
    if k == 2 and isinstance(q, Normal):
        layers.append(
            Ellipses(name="posterior", mean=z, cov=covariance(q), follow="selection", label="q(z|x) of the chosen point")
        )
    side = reach(xy)
    move = (
        f"Move over the {'line' if k == 1 else 'plane'}, or touch it, and the code there is decoded; "
        if _decodes(model)
        else ""
    )
    return [
        Pane(
            name="plane",
            title="Where do the data live in code space?",
            layers=layers,
            x=side,
            y=side,
            latent=_decodes(model),
            line=k == 1,
            x_label="z1",
            y_label="" if k == 1 else "z2",
            reads=move + ("c" if move else "C") + "lick a point to choose it.",
            how=f"Posterior means of the first {len(x)} training rows{_bits(model)}.",
            alt="The codes of training rows, coloured by label.",
        ),
        *([_decoded(data, n)] if pictures else []),
        *([_traversal(data)] if _decodes(model) else []),
    ]


def _bits(model: Model) -> str:
    return BITS[getattr(model, "binarize", "none")]


def _prior(model: Model) -> list[Layer]:
    if not (isinstance(model, HasPrior) and isinstance(p := model.prior(), Normal) and p.mean.shape[0] >= 2):
        return []
    (a, b), (v, w) = p.mean[:2].tolist(), p.variance[:2].tolist()
    mean, cov = torch.tensor([[a, b]]), torch.tensor([[v, 0.0, w]])
    return [Ellipses(name="prior", mean=mean, cov=cov, role="noise", static=True, label="prior, 1σ and 2σ")]


def _decodes(model: Model) -> bool:
    return isinstance(model, Decodes) and isinstance(model, RunsInBrowser)


def _decoded(data: Data, n: int) -> Pane:
    return Pane(
        name="decoded",
        title="What does this code say?",
        kind="images",
        layers=[
            Decode(name="cursor", at="cursor", label="decoded here"),
            Images(
                name="original", pixels=pixels(data.x[:n], data), follow="selection", static=True, role="data", label="chosen"
            ),
            Decode(name="reconstruction", at="selection", label="its reconstruction"),
        ],
        reads="The picture decoded from the code under the pointer; beside it the chosen picture and its reconstruction.",
        how="Decoded in the browser from the weights of the newest keyframe at the playhead.",
        alt="The decoded picture at the pointer, the chosen picture and its reconstruction.",
    )


def _traversal(data: Data) -> Pane:
    swept = Decode(name="traversal", at="traversal", side=9, label="each dimension swept")
    title = "What does each dimension of the code do?"
    how = "Decoded in the browser round the mean code of the chosen point (round 0 if none is chosen)."
    if len(data.spec.shape) == 2:
        return Pane(
            name="traversal",
            title=title,
            kind="images",
            layers=[swept],
            how=how,
            reads="A row for each dimension, swept from −3 to 3 while the others stay at the chosen point; "
            "a row that never changes is unused.",
            alt="Rows of pictures, one for each dimension of the code.",
        )
    if data.spec.dim == 1:
        return Pane(
            name="traversal",
            title=title,
            kind="numbers",
            reads="Rows of one column lie on a line, where a sweep would hide itself: there is no picture of it.",
        )
    return Pane(
        name="traversal",
        title=title,
        layers=[real(data), swept],
        **axes(data),
        how=how,
        reads="A line for each dimension: what it decodes to from −3 to 3, the others staying at the chosen point."
        + part(data),
        alt="Lines through the data, one for each dimension of the code.",
    )


@panel("encode", "prior")
def kl(model: Model, data: Data, rng: Rng) -> list[Pane]:
    assert isinstance(model, Encodes)
    assert isinstance(model, HasPrior)
    x = data.seen(model, 1000)
    each = kl_divergence(model.encode(x), model.prior()).mean(0)
    names = [f"z{j + 1}" for j in range(len(each))]
    bars = Bars(name="kl", values=each, names=names, threshold=0.01, unit="nats", sort=True)
    total = each.sum().item()
    remedy = "If it stays so (posterior collapse), try a smaller beta, a warm-up or a weaker decoder."
    silent = f"The code carries {total:.2g} nats in all: every row gets nearly the same cloud. {remedy}"
    layers: list[Layer] = [bars, Caption(name="collapse", text=silent if total < COLLAPSED else "")]
    return [
        Pane(
            name="kl",
            title="Which code dimensions does it use?",
            kind="bars",
            layers=layers,
            reads="A dimension below the line (0.01 nat) is switched off: its cloud is the prior whatever the picture.",
            how=f"Mean over {len(x):,} training rows{_bits(model)} of KL(q(z_j|x) ‖ p(z_j)), closed form.",
            alt="Bars: nats paid for each dimension.",
        )
    ]
