"""The client programs of deep machines (docs/wire.md): what the browser needs to dream with them by itself."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

from genviz.models.energy.alternating import Alternating
from genviz.models.energy.belief import Level

Program = list[list[Any]]


class Played:
    """Programs of a state x, h1, … up to the visible units of the top level, its class last, whatever the moment of the
    training: a level that is not there yet is left out by its `there`, a factor 0 or 1, and its units stay dark."""

    def __init__(self, nets: Sequence[Level], prefix: str) -> None:
        self.nets, self.prefix, self.last = nets, prefix, len(nets) - 1
        self.at = [0, *accumulate(net.size for net in nets)]
        self.names = ["x", *(f"h{i}" for i in range(1, len(nets))), "h"]
        self.labels = nets[-1].labels
        self.state = [*self.names[:-1], *["label"] * (self.labels > 0)]

    def of(self, i: int, what: str) -> str:
        return f"{self.prefix}.{i}.{what}"

    def times(self, i: int) -> list[Any]:
        """Times 1 if level i is there, else 0."""
        return ["affine", 0, self.of(i, "there")]

    def less(self, i: int, register: str) -> Program:
        """The same the other way round, by way of a register: times 0 if level i is there, else 1."""
        return [["put", register], self.times(i), ["affine", 0, -1], ["add", register]]

    def visible(self, i: int) -> Program:
        """The visible units of level i in the state; of the last one with the class."""
        bits: Program = [["get", "x"], ["slice", self.at[i], self.at[i + 1]]]
        if i < self.last or not self.labels:
            return bits
        return [
            *bits,
            ["put", "v"],
            ["get", "x"],
            ["slice", self.at[-1], self.at[-1] + self.labels],
            ["put", "y"],
            ["concat", "v", "y"],
        ]

    def seen(self, i: int) -> list[Any]:
        """The input of the units above, by recognition."""
        return ["linear", self.of(i, "W" if self.nets[i].R is None else "R"), self.of(i, "c"), "T"]

    def painted(self, i: int) -> list[Any]:
        """The input of the units below."""
        return ["linear", self.of(i, "W"), self.of(i, "b")]

    def chosen(self) -> Program:
        """Of the input of the top level's visible units, a class; what is left are the units."""
        size, share = self.nets[-1].size, [["temper"], ["softmax"], self.times(self.last)]
        one: Program = [["slice", size, size + self.labels], *share, ["choose", self.at[-1]], ["put", "label"]]
        return [["put", "both"], *one, ["get", "both"], ["slice", 0, size]]

    # ------------------------------------------------------------ the programs

    def gibbs(self) -> Program:
        """A sweep of the top level, painted downwards: a coin for each unit, given what the level above paints or, where that
        is not there yet, what recognition makes of the units below."""
        made: Program = []
        for i in range(self.last, -1, -1):
            made += [*self.visible(i), self.seen(i), *([*self.less(i + 1, "own"), ["add", "down"]] if i < self.last else [])]
            made += [["put", "input"], ["temper"], ["sigmoid"], self.times(i), ["bernoulli"], ["put", self.names[i + 1]]]
            made += [self.painted(i), *(self.chosen() if self.labels and i == self.last else [])]
            made += [self.times(i), ["put", "down"]] if i else []
        return [*made, ["temper"], ["sigmoid"], ["put", "p"], ["bernoulli"], ["put", "x"], ["concat", *self.state]]

    def energy(self) -> Program:
        """-log p(x, h1, …) - log Z: the free energy of the top level, and what each level below pays to paint."""
        made: Program = []
        for i in range(self.last + 1):
            made += [*self.visible(i), ["put", "v"], ["linear", self.of(i, "W"), self.of(i, "c"), "T"], ["softplus"], ["sum"]]
            made += [["put", "f"], ["get", "v"], ["dot", self.of(i, "b")], ["add", "f"], ["affine", 0, -1], self.times(i)]
            if i < self.last:
                above: Program = [["get", "x"], ["slice", self.at[i + 1], self.at[i + 2]], self.painted(i), ["put", "u"]]
                made += [*self.less(i + 1, "f"), ["put", "f"], *above, ["softplus"], ["sum"], ["put", "s"]]
                made += [["get", "v"], ["mul", "u"], ["sum"], ["affine", 0, -1], ["add", "s"], self.times(i + 1), ["add", "f"]]
            made += [["add", "total"]] * (i > 0) + [["put", "total"]] * (i < self.last)
        return made

    def rise(self) -> Program:
        """The means of a whole state to begin from, as recognition has them; every class is as likely."""
        made: Program = [["put", "x"]]
        for i in range(self.last):
            made += [self.seen(i), ["sigmoid"], self.times(i), ["put", self.names[i + 1]]]
        if self.labels:
            made += [["slice", 0, 1], ["affine", 1 / self.labels, 0], ["put", "y"], ["concat", *["y"] * self.labels]]
            made += [self.times(self.last), ["put", "label"]]
        return [*made, ["concat", *self.state]]

    def says(self) -> Program:
        """What the top level makes of a row, with every class as likely; nothing before it is there."""
        top = self.last
        made: Program = [step for i in range(top) for step in (self.seen(i), ["sigmoid"])]
        if self.labels:
            made += [["put", "m"], ["slice", 0, 1], ["affine", 1 / self.labels, 0], ["put", "y"]]
            made += [["concat", "m", *["y"] * self.labels]]
        return [
            *made,
            self.times(top),
            ["put", "v"],
            ["linear", self.of(top, "W"), self.of(top, "c"), "T"],
            ["sigmoid"],
            ["put", "h"],
        ]

    def programs(self) -> dict[str, Program]:
        """Those, and `look`: the same means, of a whole state."""
        rise = self.rise()
        look: Program = [["slice", 0, self.at[1]], *rise]
        return {"gibbs": self.gibbs(), "energy": self.energy(), "rise": rise, "look": look, "says": self.says()}


# ---------------------------------------------------------------- layers that listen in both directions


def layered(net: Alternating, prefix: str, rounds: int) -> dict[str, Program]:
    """Those of `Deep`, tensors below `prefix`; a state is v and h2, h4, … side by side.

    `gibbs` is a sweep, `energy` that of such a state with the odd layers summed out, `rise` the mean of it for a row,
    `says` the means of `rounds` of mean field.
    """
    registers = ["v", "h", *(f"h{i}" for i in range(2, net.top + 1))]

    def hears(i: int) -> Program:
        below = [["get", registers[i - 1]], ["linear", f"{prefix}.W.{i - 1}", f"{prefix}.b.{i}", "T"]]
        above = [["get", registers[i + 1]], ["linear", f"{prefix}.W.{i}", "" if i else f"{prefix}.b.0"]] if i < net.top else []
        return [*below, *([["put", "below"], *above, ["add", "below"]] if above else [])] if i else above

    cuts = [0, *accumulate(net.sizes[i] for i in net.even)]
    parts = [
        step
        for i, (low, high) in zip(net.even, pairwise(cuts), strict=True)
        for step in (["get", "x"], ["slice", low, high], ["put", registers[i]])
    ]
    coin, gibbs = [["temper"], ["sigmoid"], ["bernoulli"]], [*parts]
    for i in net.odd:
        gibbs += [*hears(i), *([["put", "input"]] if i == 1 else []), *coin, ["put", registers[i]]]
    gibbs += [*hears(0), *coin[:2], ["put", "p"], ["bernoulli"], ["put", "x"]]
    for i in net.even[1:]:
        gibbs += [*hears(i), *coin, ["put", registers[i]]]
    gibbs.append(["concat", "x", *(registers[i] for i in net.even[1:])])

    energy = [*parts, ["get", "v"], ["dot", f"{prefix}.b.0"], ["put", "sum"]]
    for i in net.even[1:]:
        energy += [["get", registers[i]], ["dot", f"{prefix}.b.{i}"], ["add", "sum"], ["put", "sum"]]
    for i in net.odd:
        energy += [*hears(i), ["softplus"], ["sum"], ["add", "sum"], ["put", "sum"]]
    energy.append(["affine", 0, -1])

    rise: Program = []
    for i in range(1, net.top + 1):
        double = [["affine", 0, 2]] if i < net.top else []
        rise += [*double, ["linear", f"{prefix}.W.{i - 1}", f"{prefix}.b.{i}", "T"], ["sigmoid"], ["put", registers[i]]]
    settled: Program = [step for i in range(1, net.top + 1) for step in (*hears(i), ["sigmoid"], ["put", registers[i]])]
    says: Program = [["put", "v"], *rise, *settled * rounds]
    rise.append(["concat", "x", *(registers[i] for i in net.even[1:])])
    return {"gibbs": gibbs, "energy": energy, "rise": rise, "says": says}
