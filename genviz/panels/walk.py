"""Panes that the browser fills by itself: a chain of a client program `gibbs`, its boards, what it would teach the weights.

Their layers are empty here: `stage/frontend/src/walk.ts` fills those named as registers of the program from the chain,
`machine.ts` the others from its programs.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from genviz.data import Data
from genviz.layers import Bars, Curves, Images, Layer, Numbers, Pane, Path, Points, Units
from genviz.model import Chains, HasFeatures, HasMemories, Model, RunsInBrowser, State
from genviz.panels.bits import places
from genviz.panels.registry import panel
from genviz.panels.space import axes, picture, real
from genviz.rng import Rng

PROGRAM, SAYS = "gibbs", "says"
ROWS = 24  # of the data, to start from
CHAINS = 12  # pictures of chains, until somebody asks for more
MAPS = 36  # hidden units whose changes are shown
PAIRED, AVERAGED = 80, 10  # units of a whole state whose pairs are shown, and hidden ones that the browser averages over
LISTED = 16  # bits of which the browser can list all states
SUMMED = 18  # the same, with what is hidden behind them
WEIGHED = 256  # units of which the energy of every chain is had at each sweep
MEMORIES = 24  # that can be told apart as curves
DATUM = "The datum is the row clicked under “Where may it begin?”, else the first."
LEGAL = ("not in the data", "in the data")
HIDDEN = {  # registers with a board of their own: its title
    "h": "Which features are on?",
    "h1": "Which features are on, in the first layer?",
    "h2": "Which features of features are on?",
    "h3": "Which are on in the third layer?",
    "label": "Which class does it dream of?",
}

Program = list[list[Any]]


@panel("chain", "client")
def walk(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """What does it do by itself, one unit at a time?"""
    assert isinstance(model, Chains)
    assert isinstance(model, RunsInBrowser)
    programs = model.client()
    if PROGRAM not in programs:
        return []
    if data.spec.support == "real":
        return [_plane(data)] if data.spec.plane else []
    program, state = programs[PROGRAM], next(model.chain(1, rng))
    hidden = [name for name in HIDDEN if name in state.aux and ["put", name] in program]
    size = data.spec.dim + sum(state.aux[name].shape[1] for name in hidden if _first(program, name, state) >= 0)
    panes = [*_boards(program, hidden, state, data), _energy("energy" in programs)]
    if len(data.x):  # else an energy alone, with nothing to begin from
        rows = data.seen(model, len(data.x))
        panes.insert(-1, _rows(rows[model.chosen(data)][:ROWS] if isinstance(model, HasMemories) else rows[:ROWS], data))
    alone = any(op == "sweep" for op, *_ in program)  # unit by unit: no layers, and the energy is that of a whole state
    if alone and "energy" in programs and size <= WEIGHED:
        panes.append(_spread(size))
    if "overlap" in programs:
        stored = model.state_dict()[next(op[1] for op in reversed(programs["overlap"]) if op[0] == "linear")]
        panes += [_overlaps(len(stored))] if len(stored) <= MEMORIES else []
    if hidden and not alone and isinstance(model, HasFeatures) and len(data.spec.shape) == 2:
        panes.append(_strokes(data))
    paired = size <= PAIRED and size - data.spec.dim <= AVERAGED
    if "learn_once" in model.actions() and (paired if alone else SAYS in programs):
        whole = alone or programs[SAYS][0] != ["put", "v"]  # else what learns beside h is the row itself: a picture
        panes.append(_pairs(size) if whole else _change(data, state.aux["h"].shape[1]))
    if data.spec.dim <= LISTED and size <= SUMMED and "energy" in programs:
        panes.append(_states(data, data.seen(model, len(data.x))))
    return [pane for pane in panes if pane.layers]


def _first(program: Program, name: str, state: State) -> int:
    """The place of a register's first unit in the state that a program gives back, -1 if it is no part of it."""
    last, *parts = program[-1]
    if last == "concat" and name in parts:
        return sum((state.x if part == "x" else state.aux[part]).shape[1] for part in parts[: parts.index(name)])
    cut = [args[0] for (op, *args), (then, *into) in pairwise(program) if (op, then, into) == ("slice", "put", [name])]
    return cut[0] if cut else -1


def _late(program: Program, name: str) -> bool:
    """Whether it is drawn last after the row, so that nothing in the sweep is drawn from it any more."""
    last = {op[1]: at for at, op in enumerate(program) if op[0] == "put"}
    return last["x"] < last[name]


def _boards(program: Program, hidden: list[str], state: State, data: Data) -> Iterator[Pane]:
    height, width = picture(data)
    alone = any(op == "sweep" for op, *_ in program)
    columns = width if height > 1 else 0
    names = data.columns if columns == 0 else ()
    yield Pane(
        name="board",
        title="What is it dreaming?",
        kind="images",
        layers=[Units(name="x", values=state.x[0], columns=columns, names=names, paint=True, static=True, first=0)],
        reads="The visible units. Paint on them, and what you painted is held: the chain dreams up the rest.",
        how="One chain of Gibbs sampling, run in the browser with the weights at the playhead of the training above.",
        alt="A board of the visible units, lit where they are on.",
        walks=PROGRAM,
    )
    for name in hidden:
        first, values = _first(program, name, state), state.aux[name][0]
        named = data.classes if name == "label" and len(data.classes) == len(values) else ()
        held = first >= 0 and (alone or ["choose", first] in program or _late(program, name))
        part = "Hidden units that are part of the state: paint on them, and what you painted is held."
        part = part if name != "label" else "The class that it has in mind: click one, and it is held until you free it."
        whole = "The hidden units behind the newest picture; those of a layer are drawn at once, given the layers beside it."
        yield Pane(
            name="hidden" if name == "h" else name,
            title=HIDDEN[name],
            kind="images",
            layers=[Units(name=name, values=values, names=named, paint=held, static=True, first=first)],
            reads=part if held else whole,
            how="A coin for each, given the units it is linked with.",
            alt="A board of hidden units, lit where they are on.",
            walks=PROGRAM,
        )
    mean = ["put", "p"] in program
    yield Pane(
        name="chains",
        title="Do its chains agree?",
        kind="images",
        layers=[Images(name="p" if mean else "x", pixels=torch.zeros(CHAINS, height, width), static=True)],
        reads="Chains side by side, each with chance of its own. Where one kind of picture is all they show, they do not mix.",
        how="The probability of each unit at the newest sweep." if mean else "The units themselves, after the newest sweep.",
        alt="Pictures of the chains.",
        walks=PROGRAM,
    )


def _plane(data: Data) -> Pane:
    return Pane(
        name="board",
        title="Where does it roll to?",
        layers=[
            real(data),
            Path(name="trail", xy=torch.zeros(2, 2), role="model", static=True),
            Points(name="x", xy=torch.zeros(CHAINS, 2), role="model", size=2, label="its chains", static=True),
        ],
        **axes(data),
        reads="Drag a point anywhere and let go: play, or step, shows where the updates take it. The line is its way.",
        how="The model's own update, run in the browser with the weights at the playhead above.",
        alt="Points that move through the plane of the data.",
        walks=PROGRAM,
    )


def _overlaps(memories: int) -> Pane:
    lines = [
        Curves(
            name=f"overlap {k + 1}",
            columns=(f"overlap {k + 1}",),
            role="label",
            hue=k % 10,
            dash=k // 10,
            static=True,
            label=f"memory {k + 1}",
        )
        for k in range(memories)
    ]
    return Pane(
        name="overlaps",
        title="Which memory does it come to?",
        kind="curves",
        layers=lines,
        x_label="sweep",
        reads="How alike the state is to each memory: 1 is the memory itself, −1 its negative, 0 as chance has it.",
        how="ξ·s / N of the first chain, in units of ±1.",
        alt="Curves of the overlap with each stored pattern.",
        walks=PROGRAM,
    )


def _energy(known: bool) -> Pane:
    return Pane(
        name="descent",
        title="Is it falling into a valley?",
        kind="curves",
        layers=[Curves(name="energy", columns=("energy",), label="energy, nats", static=True)] if known else [],
        reads="The energy of the first chain's state: low where the model finds it likely.",
        how="Of the first chain's state, nats, what is not on a board summed out; lower by one is e times as likely.",
        alt="A curve of the energy over sweeps.",
        x_label="sweep",
        walks=PROGRAM,
    )


def _spread(size: int) -> Pane:
    """The energies of states, which the exact law has at any temperature."""
    exact = size <= SUMMED
    layers: list[Layer] = [Curves(name="spread", xy=torch.zeros(2, 2), label="the chains", static=True)]
    rows = [("mean energy of the chains", 0.0, "nats", "of the states of all chains since anything was changed")]
    if exact:
        label = "equilibrium at this temperature"
        layers.append(Curves(name="equilibrium", xy=torch.zeros(2, 2), role="truth", label=label, static=True))
        every = f"all 2^{size} states, p ∝ exp(−E/T); of those that agree with what is held"
        rows.append(("in equilibrium", 0.0, "nats", every))
        rows.append(("chains within ½ nat of the lowest now", 0.0, "%", "of all chains; the lowest energy that any state has"))
    beside = "; dashed what equilibrium at this temperature would have" if exact else ""
    unknown = "" if exact else f" 2^{size} states are too many to list, so equilibrium is not known here."
    return Pane(
        name="spread",
        title="At which energies does it live?",
        kind="curves",
        layers=[*layers, Numbers(name="levels", rows=rows, static=True)],
        y=(0.0, 1.3),
        x_label="energy, nats",
        y_label="states, relative",
        reads=f"Play: states by their energy, since anything was changed{beside}. Cool it at once, or in small steps: where "
        f"there are valleys to be caught in, slow cooling ends lower.{unknown}",
        how="E of the whole state, hidden units as they are; heights relative to the tallest of "
        + ("equilibrium." if exact else "all.")
        + " At most the newest 20,000 states.",
        alt="Histograms of the energies of states.",
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
        "what is left, orange up and blue down. “Learn once” applies just this. " + DATUM,
        how="v₀ ⟨h⟩ᵀ given the chosen row v₀, v ⟨h⟩ᵀ given that of the first chain, of the lowest hidden layer, and their "
        "difference; the step size scales it.",
        alt="Maps of the weight changes of data and dream, and their difference.",
        walks=PROGRAM,
    )


def _pairs(size: int) -> Pane:
    """All pairs of units that a weight links, where these are no picture: of a state, of a level."""
    blank = torch.full((1, size, size), 0.5)

    def maps(name: str) -> Images:
        return Images(name=name, pixels=blank, diverging=1.0, label=name, static=True)

    return Pane(
        name="change",
        title="What would it learn from this dream?",
        kind="images",
        layers=[maps("data says"), maps("dream says"), maps("difference")],
        reads="A square for each pair of units that a weight links: how often both are on while the datum is held, how often "
        "in the dream, and the difference, orange up and blue down. “Learn once” applies just this. " + DATUM,
        how="⟨sᵢ sⱼ⟩ given the chosen row, and given that of the first chain, hidden units averaged over; units of ±1, where "
        "those are the model’s; of several levels the top one.",
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
