"""A plane of noise and load that a person paints with recalls, which the browser runs itself.

Here is what does not move: the words, and the page's own memories as pictures of bits. The recalls are in
`stage/frontend/src/spins.ts`, the plane in `damage.ts`, and `damageboard.ts` lays it out.
"""

from genviz.data import Data
from genviz.layers import Images, Layer, Pane
from genviz.model import HasMemories, Model
from genviz.panels.memories import folded, spins, unlinked
from genviz.panels.registry import panel
from genviz.rng import Rng

WEIGHTS = 16_000_000  # numbers that a browser may keep: a matrix for each number of memories


@panel("couplings", "memories")
def damage(model: Model, data: Data, rng: Rng) -> list[Pane]:
    """How far may a memory be damaged?"""
    assert isinstance(model, HasMemories)
    if unlinked(model):
        return []
    layers: list[Layer] = []
    if len(data.x):
        own = spins(data.seen(model, len(data.x))[model.chosen(data)][: WEIGHTS // data.spec.dim**2])
        layers.append(Images(name="memories", pixels=folded(own, data), role="data", static=True))
    return [
        Pane(
            name="damage",
            title="How far may a memory be damaged?",
            layers=layers,
            reads="Press and drag: under the brush memories are damaged and recalled, and the colour is what becomes of them; "
            "a place that is painted again shows shares. With few memories a third of the bits may be wrong; the more are "
            "stored, the smaller the valleys, and recalls come to rest in spurious states. Dashed: where Hebb's rule breaks at "
            "once in a network without end; in a small one the valleys fade about there, and last to a quarter of a pattern a "
            "unit.",
            how="Patterns of ±1, the first P of a list. By chance one of them and so many of its bits are turned; then unit "
            "after unit, in random order, follows its input h = Ws (one of 10⁻⁶ or less moves none), until all rest, at most "
            "50 sweeps. The strip has the shares of all ends at the noise of the dotted line ±2 %. All at once is a "
            "demonstration alone: every unit follows the same state, the energy may rise, and it may swing with period 2. "
            "Chance is a function of seed, place and trial.",
            alt="A plane of damage and number of memories, coloured by what recalls end in.",
            walks="damage",
        )
    ]
