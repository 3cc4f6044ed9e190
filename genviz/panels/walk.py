"""Panes that the browser fills by itself: a chain of a client program `gibbs`, its boards, what it would teach the weights.

Their layers are empty here: `stage/frontend/src/walk.ts` fills those named as registers of the program from the chain,
`machine.ts` the others from its programs.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.layers import Bars, Curves, Images, Numbers, Pane, Units
from genviz.model import Chains, HasFeatures, Model, RunsInBrowser
from genviz.panels.bits import places
from genviz.panels.registry import panel
from genviz.panels.space import picture
from genviz.rng import Rng

PROGRAM = "gibbs"
ROWS = 24  # of the data, to start from
CHAINS = 12  # pictures of chains, until somebody asks for more
MAPS = 36  # hidden units whose changes are shown
LISTED = 16  # bits of which the browser can list all states
LEGAL = ("not in the data", "in the data")


@panel("chain", "client")
def walk(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """What does it do by itself, one unit at a time?"""
    assert isinstance(model, Chains)
    assert isinstance(model, RunsInBrowser)
    if PROGRAM not in model.client() or data.spec.support == "real":
        return []
    state = next(model.chain(1, rng))
    panes = [*_boards(state.x[0], state.aux.get("h"), data)]
    panes += [*([_rows(data.seen(model, ROWS), data)] if len(data.x) else []), _energy()]
    h = state.aux.get("h")
    if h is not None and isinstance(model, HasFeatures) and len(data.spec.shape) == 2:
        panes.append(_strokes(data))
    if h is not None and "learn_once" in model.actions():
        panes.append(_change(data, h.shape[1]))
    if data.spec.dim <= LISTED and "energy" in model.client():
        panes.append(_states(data, data.seen(model, len(data.x))))
    return panes


def _boards(x: Float[Tensor, " d"], h: Tensor | None, data: Data) -> Iterator[Pane]:
    height, width = picture(data)
    columns = width if height > 1 else 0
    names = data.columns if columns == 0 else ()
    yield Pane(
        name="board",
        title="What is it dreaming?",
        kind="images",
        layers=[Units(name="x", values=x, columns=columns, names=names, paint=True, static=True)],
        reads="The visible units. Paint on them, and what you painted is held: the chain dreams up the rest.",
        how="One chain of Gibbs sampling, run in the browser with the weights at the playhead of the training above.",
        alt="A board of the visible units, lit where they are on.",
        walks=PROGRAM,
    )
    if h is not None:
        yield Pane(
            name="hidden",
            title="Which features are on?",
            kind="images",
            layers=[Units(name="h", values=h[0], static=True)],
            reads="The hidden units that the newest picture was drawn from; each sees all of the picture, none sees another.",
            how="A coin for each, on with p(h = 1 | v).",
            alt="A board of the hidden units, lit where they are on.",
            walks=PROGRAM,
        )
    yield Pane(
        name="chains",
        title="Do its chains agree?",
        kind="images",
        layers=[Images(name="p", pixels=torch.zeros(CHAINS, height, width), static=True)],
        reads="Chains side by side, each with chance of its own. Where one kind of picture is all they show, they do not mix.",
        how="The probability of each unit at the newest sweep, p(v = 1 | h).",
        alt="Pictures of the chains.",
        walks=PROGRAM,
    )


def _energy() -> Pane:
    return Pane(
        name="descent",
        title="Is it falling into a valley?",
        kind="curves",
        layers=[Curves(name="energy", columns=("energy",), label="energy, nats", static=True)],
        reads="The energy of the first chain's state: low where the model finds it likely.",
        how="Free energy F(v), the hidden units summed out, nats; lower by one is e times as likely.",
        alt="A curve of the energy over sweeps.",
        x_label="sweep",
        walks=PROGRAM,
    )


def _strokes(data: Data) -> Pane:
    return Pane(
        name="strokes",
        title="Which strokes draw this picture?",
        kind="images",
        layers=[Images(name="filters", pixels=torch.full((1, *picture(data)), 0.5), diverging=1.0, static=True)],
        reads="The filter of each hidden unit that is on; of those that are off there is nothing to see.",
        how="The recorded filters at the playhead of the training, times h of the first chain.",
        alt="The filters of the hidden units that are on.",
        walks=PROGRAM,
    )


def _change(data: Data, hidden: int) -> Pane:
    height, width = picture(data)
    pictures = torch.full((min(hidden, MAPS), height, width), 0.5)
    one = torch.full((1, hidden, data.spec.dim), 0.5)
    pixels = pictures if height > 1 else one

    def maps(name: str) -> Images:
        return Images(name=name, pixels=pixels, diverging=1.0, label=name, static=True)

    some = f", the first {MAPS} of {hidden}" if hidden > MAPS else ""
    return Pane(
        name="change",
        title="What would it learn from this dream?",
        kind="images",
        layers=[maps("data says"), maps("dream says"), maps("difference")],
        reads="A picture for each hidden unit" + some + ": the weights that the datum raises, those that the dream lowers, and "
        "what is left, orange up and blue down. “Learn once” applies just this.",
        how="v₀ p(h|v₀)ᵀ of the chosen row, v p(h|v)ᵀ of the first chain, and their difference; the step size scales it.",
        alt="Maps of the weight changes of data and dream, and their difference.",
        walks=PROGRAM,
    )


def _states(data: Data, rows: Float[Tensor, "n d"]) -> Pane:
    """A bar for each state: the first unit is the highest bit."""
    dim = data.spec.dim
    labels = torch.zeros(2**dim, dtype=torch.int32)
    labels[places(rows)] = 1
    told = {"labels": labels, "classes": LEGAL, "role": "label"} if len(rows) else {}
    how = "½ Σ |share − p|; for n independent visits about √(states / 2πn), so it falls as 1/√n."
    figures = [("total variation to the exact", 0.0, "", how), ("states visited, with repetitions", 0.0, "", "")]
    return Pane(
        name="visits",
        title="Does it visit what it believes in?",
        kind="bars",
        layers=[
            Bars(
                name="states",
                values=torch.zeros(2**dim),
                **told,
                marked="share of visits",
                upright=True,
                static=True,
            ),
            Numbers(name="distance", rows=figures, static=True),
        ],
        reads=f"All {2**dim:,} states: bars are the exact probabilities, dashes how often the chains have been there.",
        how="p(v) = exp(−F(v)) / Z with Z the sum over all states that agree with what is clamped, at temperature 1; the "
        "visits count all chains since they began. Of more states than pixels, the tallest at each place is drawn.",
        alt="Bars of the exact probability of each state, with dashes at the share of visits.",
        walks=PROGRAM,
    )


def _rows(rows: Float[Tensor, "n d"], data: Data) -> Pane:
    return Pane(
        name="rows",
        title="Where may it begin?",
        kind="images",
        layers=[Images(name="rows", pixels=rows.reshape(-1, *picture(data)), role="data", static=True, pick=True)],
        reads="Rows of the data, as the model takes them. Click one, and “start from data” begins there.",
        alt="Pictures of the first rows of the data.",
        walks=PROGRAM,
    )
