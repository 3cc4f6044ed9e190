"""One law for every model: what a file promises by being in `genviz/models`."""

import copy
import importlib
import inspect
import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from jaxtyping import TypeCheckError
from programs import run
from torch import Tensor
from torch.distributions import Distribution

import genviz
from genviz.data import find, kind, names
from genviz.data.binary import bits
from genviz.face import preset_for
from genviz.layers import Decode, Ellipses, Pane, Points, Scene
from genviz.metrics.partition import MOST, Listed, ais, exact_log_z
from genviz.model import CAPABILITIES, BadInput, Bounds, Encodes, LogJoints, Model, Samples, Spec, discover
from genviz.panels import Shoot, discovered, film, films_of, look, scene
from genviz.rng import Rng
from genviz.run import Run, looking
from genviz.stage.pack import pack_frame, pack_scene, unpack

ALL = {slug: model for slug, model in discover().items() if model.__module__.startswith("genviz.models.")}
TRAINED = {slug: model for slug, model in ALL.items() if model.trains}
every_model = pytest.mark.parametrize("slug", ALL)
every_trained_model = pytest.mark.parametrize("slug", TRAINED)


@cache
def tiny(slug: str) -> tuple[genviz.Data, ...]:
    """120 rows of the first set of each kind and support that the presets name; the largest only if there is no other.

    Of an energy without rows, which is for samplers, as many rows of coins.
    """
    sets = [preset.data or name for name, preset in ALL[slug].presets.items()] or ["moons"]
    first = {(kind(name), find(name).support): name for name in reversed(sets)}
    found = [genviz.dataset(name, rows=120) for (k, _), name in first.items() if k != "mnist" or len(first) == 1]
    return tuple(data if len(data.x) else replace(data, x=coins(120, data), test_x=coins(40, data)) for data in found)


def coins(n: int, data: genviz.Data) -> Tensor:
    return Rng(0, "coins").coins(torch.full((n, data.spec.dim), 0.5))


def start(slug: str, data: genviz.Data, **knobs: Any) -> Run:
    return Run(genviz.create(slug, data, seed=1, **knobs), data, seed=2)


def weights(run: Run) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in run.model.state_dict().items()}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


# ---------------------------------------------------------------- the file


@every_model
def test_the_file_fits_on_a_few_screens_and_cites_its_source(slug: str) -> None:
    path = inspect.getsourcefile(ALL[slug])
    assert path and len(Path(path).read_text("utf-8").splitlines()) <= 200
    doc = inspect.getdoc(ALL[slug]) or ""
    assert re.search(r"Source: .*\b(19|20)\d\d\b", doc, re.DOTALL), "the docstring names no source"


def test_the_example_of_the_guide_is_a_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = (Path(__file__).parents[1] / "docs" / "adding-a-model.md").read_text("utf-8").partition("```python\n")[2]
    (tmp_path / "model_of_the_guide.py").write_text(code.partition("```")[0], "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("genviz.model.MODELS", {slug: model for slug, model in discover().items() if slug != "mine"})
    importlib.import_module("model_of_the_guide")
    data = genviz.dataset("moons", rows=200)
    run = Run(genviz.create("mine", data), data)
    run.advance(steps=300)
    losses = [loss for _, loss in run.history["loss"]]
    assert losses[-1] < losses[0] / 2
    assert {"data", "plane", "traversal"} <= {pane.name for pane in scene(run.model, data).panes}


@every_model
def test_knobs_have_a_range_and_a_help(slug: str) -> None:
    for knob in ALL[slug].knobs_declared().values():
        assert knob.help, f"{knob.name} has no help"
        if knob.kind in (int, float):
            assert knob.low is not None and knob.high is not None and knob.low <= knob.default <= knob.high
        else:
            assert knob.kind is bool or knob.default in knob.choices
        json.dumps(knob.default)


@every_model
def test_presets_name_data_that_exist_and_knobs_that_are_valid(slug: str) -> None:
    for name, preset in ALL[slug].presets.items():
        assert (preset.data or name).partition(":")[0] in names()
        assert (preset.steps > 0) == ALL[slug].trains and (preset.idea or not preset.listed)
        ALL[slug].validate(preset.knobs)


@every_model
def test_defaults_build(slug: str) -> None:
    for data in tiny(slug):
        assert ALL[slug](data.spec).slug == slug
        assert preset_for(ALL[slug], data)[1] in [*ALL[slug].presets.values()]


# ---------------------------------------------------------------- the steps


@every_trained_model
def test_steps_are_finite_and_leave_torch_as_it_was(slug: str) -> None:
    for data in tiny(slug):
        run, before, keys = start(slug, data), torch.get_rng_state(), {}
        for _ in range(12):
            step = run.tick()
            if step is None:
                break
            assert torch.is_grad_enabled(), "a step leaves gradients switched off"
            assert step.phase in run.model.phases
            assert keys.setdefault(step.phase, step.metrics.keys()) == step.metrics.keys()
            assert all(value.ndim == 0 and not value.requires_grad and value.isfinite() for value in step.metrics.values())
        assert torch.equal(before, torch.get_rng_state()), "a step drew from torch's global stream"


@every_trained_model
def test_a_replay_is_bit_equal_whoever_looked(slug: str) -> None:
    for data in tiny(slug):
        run = start(slug, data)
        for _ in range(6):
            run.advance(steps=1)
            torch.randn(5)
            run.monitor()
            with looking(run.model) as rng:
                for name in ("sample", "features"):
                    if hasattr(run.model, name):
                        CHECKS[name](run.model, data.x[:4], rng)
        assert equal(weights(run), weights(run.replay()))
        plain = start(slug, data)
        plain.advance(steps=6)
        assert equal(weights(run), weights(plain))


def stem(name: str) -> str:
    return name.partition(":")[0]


@every_trained_model
def test_live_knobs_are_read_at_every_step(slug: str) -> None:
    """Edited after step 5, each must change the weights on some data, by some value, and the same way in a replay."""
    live = [knob for knob in ALL[slug].knobs_declared().values() if knob.live]
    unread = {knob.name for knob in live}
    named = [
        (data, name) for data in tiny(slug) for name, p in ALL[slug].presets.items() if stem(p.data or name) == stem(data.name)
    ]
    for data, preset in [*((data, "") for data in tiny(slug)), *named]:  # some preset may begin with a later stage
        if preset and not unread:
            break
        plain = start(slug, data, preset=preset)
        plain.advance(steps=10)
        for knob in [knob for knob in live if not preset or knob.name in unread]:
            for value in knob.others(getattr(plain.model, knob.name)):
                run = plain.fork(5)
                try:
                    run.edit(knob.name, value)
                except BadInput:  # a value that makes no sense for these data is refused before it harms the run
                    continue
                run.advance(steps=5)
                if not equal(weights(run), weights(plain)):
                    unread.discard(knob.name)
                    assert equal(weights(run), weights(run.replay())), f"an edit of {knob.name} does not replay"
                    break
    assert not unread, f"fit does not read {unread} after each yield"


@every_trained_model
def test_knobs_of_looking_change_no_training(slug: str) -> None:
    for knob in [knob for knob in ALL[slug].knobs_declared().values() if knob.looks]:
        assert not knob.live, f"{knob.name} is read by sampling alone: it is no edit of a run"
        tried = 0
        for data in tiny(slug):
            plain = start(slug, data)
            plain.advance(steps=3)
            for value in knob.others(getattr(plain.model, knob.name)):
                try:
                    run = start(slug, data, **{knob.name: value})
                except BadInput:  # a value that makes no sense for these data
                    continue
                run.advance(steps=3)
                assert equal(weights(run), weights(plain)), f"fit reads {knob.name}"
                tried += 1
        assert tried, f"no value of {knob.name} could be tried"


def frames(model: Model, data: genviz.Data, name: str, **knobs: Any) -> list[bytes]:
    """The film of that name, with these knobs but the same weights."""
    model = copy.copy(model)
    model.adopt(model.validate({**dict(model.knobs), **knobs}, model.spec))
    return [pack_frame(scene) for _, scene in film(name, model, data, Shoot(0))]


@every_trained_model
def test_a_control_of_a_film_changes_it(slug: str) -> None:
    """By itself or, as what only counts beside another, after that one was moved: whatever the data it is offered for."""
    for data in tiny(slug):
        run = start(slug, data)
        run.advance(steps=3)
        if not (names := films_of(model := run.model)):
            continue
        offered = next(film(names[0], model, data, Shoot(0)))[1].controls
        knobs = {each["name"]: model.knobs_declared()[each["name"]] for each in offered}
        moved: list[dict[str, Any]] = []
        for knob in knobs.values():
            for value in knob.others(getattr(model, knob.name)):
                with suppress(BadInput):
                    model.validate({**dict(model.knobs), knob.name: value}, model.spec)
                    moved.append({knob.name: value})
                    break
        for mine in moved:
            others = [{}, *(each for each in moved if each != mine)]
            assert any(
                frames(model, data, names[0], **each, **mine) != frames(model, data, names[0], **each) for each in others
            ), f"{data.name}: the film offers {mine}, but does not change"


@every_trained_model
def test_other_knobs_cannot_change_in_a_run(slug: str) -> None:
    run = start(slug, tiny(slug)[0])
    run.advance(steps=1)
    for knob in run.model.knobs_declared().values():
        if not knob.live:
            with pytest.raises(BadInput, match=knob.name):
                run.edit(knob.name, knob.default)


@every_model
def test_a_file_gives_back_every_bit(slug: str, tmp_path: Path) -> None:
    for data in tiny(slug):
        model = genviz.create(slug, data, seed=1)
        if model.trains:
            Run(model, data).advance(steps=3)
        path = tmp_path / f"{data.spec.kind}.safetensors"
        model.save(str(path))
        again = genviz.load(path)
        assert equal(dict(model.state_dict()), dict(again.state_dict()))
        assert (again.spec, again.seed, again.knobs) == (model.spec, model.seed, model.knobs)


# ---------------------------------------------------------------- the capabilities


def rows_of(value: Tensor, *shape: int) -> None:
    """A tensor of this shape, -1 for any length, all of it finite."""
    assert len(value.shape) == len(shape) and all(want in (-1, have) for have, want in zip(value.shape, shape, strict=True))
    assert value.isfinite().all() and not value.requires_grad


def encode(model: Any, x: Tensor, rng: Rng) -> None:
    q = model.encode(x)
    assert isinstance(q, Distribution)
    rows_of(q.mean, len(x), -1)


def chain(model: Any, x: Tensor, rng: Rng) -> None:
    """States go on from where they start; what is clamped stays, or, where time is left, is there when none is."""
    known = torch.full(x.shape[1:], math.nan)
    known[0] = x[0, 0]
    for given in ({}, {"start": x}, {"clamp": known}, {"start": x, "clamp": known}):
        states = model.chain(len(x), rng, **given)
        first = next(states)
        for state in [first, *(states if "t" in first.aux else islice(states, 2))]:
            rows_of(state.x, *x.shape)
            assert state.nfe >= 0 and all(value.isfinite().all() for value in state.aux.values())
            assert state.aux.get("p", state.x).shape == x.shape
            if "clamp" in given and not state.aux.get("t", 0):
                torch.testing.assert_close(state.x[:, 0], known[0].expand(len(x)))
    for wrong in (known[1:], known.nan_to_num(), torch.full_like(known, math.nan)):
        refuses(r"clamp", lambda wrong=wrong: next(model.chain(2, rng, clamp=wrong)))
    refuses(r"start has 2 rows", lambda: next(model.chain(5, rng, start=x[:1].expand(2, -1))))
    assert len(next(model.chain(5, rng, start=x[:1])).x) == 5


def forward_chain(model: Any, x: Tensor, rng: Rng) -> None:
    states = list(model.forward_chain(x, rng))
    assert [int(state.aux["t"]) for state in states] == list(range(len(states)))
    for state in states:
        rows_of(state.x, *x.shape)
    torch.testing.assert_close(states[0].x, x, rtol=0, atol=1e-5)


def undo(model: Any, x: Tensor, rng: Rng) -> None:
    for state in islice(model.forward_chain(x, rng), 1, 4):
        for law in (model.undo(state.x, int(state.aux["t"])), model.undo(state.x, int(state.aux["t"]), x)):
            assert isinstance(law, Distribution)
            rows_of(law.mean, *x.shape)


def diffuse(model: Any, x: Tensor, rng: Rng) -> None:
    law = model.diffuse(x, 1)
    assert isinstance(law, Distribution)
    rows_of(law.mean, *x.shape)
    rows_of(law.variance, *x.shape)
    refuses(r"t = 0", model.diffuse, x, 0)


def score(model: Any, x: Tensor, rng: Rng) -> None:
    if model.spec.support == "binary":  # bits have no gradient
        return refuses("bits", model.score, x)
    try:
        rows_of(model.score(x), *x.shape)
    except BadInput as error:  # nor have grey pixels that stand for the probability of a bit
        assert model.spec.support == "unit" and "bits" in str(error)


def budget(model: Any, x: Tensor, rng: Rng) -> None:
    parts = model.budget(x, rng)
    rows_of(parts, len(x), -1)
    torch.testing.assert_close(-parts.sum(1), model.bound(x, type(rng)(*rng.key)), rtol=1e-4, atol=1e-3)


def shares(value: Tensor, n: int) -> None:
    rows_of(value, n, -1)
    torch.testing.assert_close(value.sum(1), torch.ones(n))


def figures(model: Any, data: genviz.Data, rng: Rng) -> None:
    assert all(math.isfinite(value) for value in model.monitor(data, rng).values())


def client(model: Any, x: Tensor, rng: Rng) -> None:
    programs, tensors = json.loads(json.dumps(model.client())), model.state_dict()
    assert programs.keys() <= {"decode", "energy", "gibbs", "invert", "look", "overlap", "reverse", "rise", "says", "score"}
    if "decode" in programs:
        z = model.encode(x).mean
        torch.testing.assert_close(run(programs["decode"], tensors, z)[0], model.decode(z), rtol=1e-4, atol=1e-4)
    d = x.shape[1]
    size = state_size(programs, tensors, x)
    if "energy" in programs:
        summed_out(model, programs["energy"], x[:8] if model.spec.support == "real" else x[:8].round(), size)
    if "score" in programs:
        torch.testing.assert_close(run(programs["score"], tensors, x)[0], model.score(x), rtol=1e-4, atol=1e-4)
    if "gibbs" in programs and size == d and "h" in next(model.chain(1, rng)).aux:
        gibbs(model, programs["gibbs"], x, rng)
    elif "gibbs" in programs:
        whole = torch.cat([x, rng.coins(torch.full((len(x), size - d), 0.5))], 1)
        end, registers = run(programs["gibbs"], tensors, whole, coin=rng.coins)
        rows_of(end, len(x), size)
        for name in ("h", "h1", "h2", "h3", "label"):  # a hidden board is that of the model's own chain
            if name in registers:
                assert registers[name].shape == next(model.chain(len(x), rng)).aux[name].shape
    if "rise" in programs:
        risen = run(programs["rise"], tensors, x)[0]
        rows_of(risen, len(x), size)
        if "look" in programs:  # the same, of a whole state
            torch.testing.assert_close(run(programs["look"], tensors, torch.cat([x, risen[:, d:].round()], 1))[0], risen)
    if "says" in programs:
        says(model, programs["says"], x.round(), rng)
    if "reverse" in programs:
        reverse(model, programs["reverse"], len(x), rng)
    if "invert" in programs:
        rows_of(run(programs["invert"], tensors, x, t=1)[0], *x.shape)


def says(model: Any, program: list[list[Any]], x: Tensor, rng: Rng) -> None:
    """v ⟨h⟩ᵀ of the data less that of the dream is how `learn_once` moves a matrix of weights."""
    twin = copy.deepcopy(model)
    before = {name: value.clone() for name, value in twin.state_dict().items()}
    data, dream = x[:1], rng.coins(torch.full_like(x[:1], 0.5))
    (up, down) = (registers["v"].T @ registers["h"] for registers in (run(program, before, row)[1] for row in (data, dream)))
    if not (up - down).any():
        return refuses("not there yet", twin.learn_once, data.tolist(), dream.tolist())
    with torch.no_grad():
        twin.learn_once(data.tolist(), dream.tolist())
    moved = [value - before[name] for name, value in twin.state_dict().items() if value.shape == up.shape]
    assert any(torch.cosine_similarity(step.flatten(), (up - down).flatten(), 0) > 1 - 1e-4 for step in moved)


def state_size(programs: dict[str, list[list[Any]]], tensors: dict[str, Tensor], x: Tensor) -> int:
    """Numbers in a state of the program `gibbs`: what it gives back, it takes."""
    for size in range(x.shape[1], x.shape[1] + 2048):
        try:
            end, _ = run(programs.get("gibbs", []), tensors, x.new_zeros(1, size))
        except RuntimeError:  # a matrix of another width
            continue
        if end.shape[1] == size:
            return size
    raise AssertionError("the program gibbs gives back another state than it takes")


def summed_out(model: Any, program: list[list[Any]], x: Tensor, size: int) -> None:
    """What is hidden in a state, summed out of exp(−energy), leaves the energy of the row, up to a constant."""
    hidden = size - x.shape[1]
    if hidden > 10:
        return
    every = bits(hidden) if hidden else x.new_zeros(1, 0)
    states = torch.cat([x[:, None].expand(-1, len(every), -1), every.expand(len(x), -1, -1)], 2).flatten(0, 1)
    found = run(program, model.state_dict(), states)[0].reshape(len(x), len(every))
    left, energy = -(-found).logsumexp(1), model.energy(x)
    torch.testing.assert_close(left - left[0], energy - energy[0], rtol=1e-4, atol=1e-4)


def gibbs(model: Any, program: list[list[Any]], x: Tensor, rng: Rng) -> None:
    """With the hidden bits of the model's own chain the program gives its p and its x; and it tosses them as often."""
    after = next(islice(model.chain(len(x), rng, start=x), 1, None))
    hidden, biases = iter([after.aux["h"], after.x]), []

    def same(p: Tensor) -> Tensor:
        biases.append(p)
        return next(hidden)

    end, registers = run(program, model.state_dict(), x, coin=same)
    torch.testing.assert_close(registers["p"], after.aux["p"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(biases[0], registers["input"].sigmoid())
    assert torch.equal(end, after.x) and torch.equal(registers["h"], after.aux["h"])
    n = 4000
    often = next(islice(model.chain(n, rng, start=x[:1].expand(n, -1)), 1, None)).aux["h"].mean(0)
    assert ((often - biases[0][0]).abs() <= 5 * (biases[0][0] * (1 - biases[0][0]) / n).sqrt() + 1e-3).all()
    cold, _ = run(program, model.state_dict(), x, beta=1e6, coin=torch.round)
    assert torch.equal(cold, cold.round())


def reverse(model: Any, program: list[list[Any]], n: int, rng: Rng) -> None:
    """From each state of the model's own chain the program knows the mean and the variance of the next one."""
    for before, after in pairwise(islice(model.chain(n, rng), 4)):
        t = int(before.aux["t"].flatten()[0])
        _, registers = run(program, model.state_dict(), before.x, t=t)
        for name in {"mean", "var"} & registers.keys() & after.aux.keys():
            torch.testing.assert_close(registers[name].expand(before.x.shape), after.aux[name], rtol=1e-4, atol=1e-4)


def log_prob(model: Any, x: Tensor, rng: Rng) -> None:
    """A figure for each row; or the refusal names what it would cost, or the pixels that are no bits."""
    try:
        rows_of(model.log_prob(x), len(x))
    except BadInput as error:
        assert re.search(r"2\^\d+ states .* about \d|only bits|give bits", str(error))


def mixture(model: Any, x: Tensor, rng: Rng) -> None:
    """Weights that sum to 1, a row and a code for each component, if there are few enough."""
    try:
        weights, mean, code = model.components()
    except BadInput as error:
        assert re.search(r"at most \d+", str(error))
    else:
        rows_of(mean, len(weights), x.shape[1])
        rows_of(code, len(weights), -1)
        torch.testing.assert_close(weights.sum(), torch.tensor(1.0))


def classify(model: Any, x: Tensor, rng: Rng) -> None:
    """Shares for each row; or the refusal says that no labels were learned."""
    try:
        shares(model.classify(x), len(x))
    except BadInput as error:
        assert "labels" in str(error)


def upto(model: Any, x: Tensor, rng: Rng) -> None:
    """Each level by itself dreams rows and has features that are pictures; a level that is not there is named."""
    for level in range(1, model.levels + 1):
        assert model.upto(level).levels == level
        rows_of(model.upto(level).sample(len(x), rng), *x.shape)
    for wrong in (0, model.levels + 1):
        refuses(f"level = {wrong}", model.upto, wrong)


def levels(model: Any, x: Tensor, rng: Rng) -> None:
    """Each level has features that are rows; one that is not there is named."""
    assert model.levels >= 1
    for level in range(1, model.levels + 1):
        rows_of(model.features(level), -1, x.shape[1])
    for wrong in (0, 99):
        refuses(f"level = {wrong}", model.features, wrong)


def settling(model: Any, x: Tensor, rng: Rng) -> None:
    """The bound never falls while layers settle, whatever is known; what is held stays; each level has features."""
    some = torch.arange(x.shape[1]) % 2 == 0
    for given in ({}, {"missing": some}):
        states = [*islice(model.settling(x, **given), 6)]
        for state in states:
            rows_of(state.x, *x.shape)
            rows_of(state.aux["p"], *x.shape)
            rows_of(state.aux["bound"], len(x))
        assert all((after.aux["bound"] >= before.aux["bound"] - 1e-3).all() for before, after in pairwise(states))
        assert torch.equal(states[-1].x[:, ~some], x[:, ~some])
    name = f"h{model.levels}" if model.levels > 1 else "h"
    top = 1 - states[0].aux[name].round()
    assert torch.equal(next(islice(model.settling(x, top=top), 2, None)).aux[name], top)


def partition(model: Any, x: Tensor, rng: Rng) -> None:
    """The two ways to its constant agree, where both can be gone."""
    it = model.partition()
    found = ais(it, rng, temperatures=1000, runs=50)
    if isinstance(it, Listed) and it.listed <= MOST and not found.warning:
        low, high = found.interval
        assert min(low, found.log_z - 0.1) <= exact_log_z(it) <= max(high, found.log_z + 0.1)


def compare(model: Any, x: Tensor, rng: Rng) -> None:
    awake, asleep, moved = model.compare(x, rng)
    for pairs in (awake, asleep):
        rows_of(pairs, len(awake), len(awake))
        torch.testing.assert_close(pairs, pairs.T)
    assert len(awake) >= x.shape[1] and 0 <= moved <= 1


def cool(model: Any, x: Tensor, rng: Rng) -> None:
    energies, ground = model.cool(5, rng, [2.0, 1.0, 0.0, 0.0])
    rows_of(energies, 4, 5)
    assert (energies[3] <= energies[2] + 1e-3).all() and not (energies < ground - 1e-3).any()


def couplings(model: Any, x: Tensor, rng: Rng) -> None:
    """Symmetric, and no unit sees itself; or it is said that there are none."""
    try:
        W, theta = model.couplings()
    except BadInput as error:
        assert "no weights" in str(error)
    else:
        rows_of(W, x.shape[1], x.shape[1])
        rows_of(theta, x.shape[1])
        assert torch.equal(W, W.T) and not W.diag().any()


def attend(model: Any, x: Tensor, rng: Rng) -> None:
    """Shares of the memories; with a softmax that does not discriminate, equal ones."""
    try:
        shares(model.attend(x), len(x))
    except BadInput as error:
        assert "weights" in str(error)
    else:
        equal = model.attend(x, 1e-6)
        assert equal.shape[1] == len(model.memories())
        torch.testing.assert_close(equal, torch.full_like(equal, 1 / equal.shape[1]), rtol=1e-2, atol=0)


def kernel(model: Any, x: Tensor, rng: Rng) -> None:
    """Its own kernel, and another, step from rows to rows whose energy is the model's, up to a constant."""
    for name in ("", "mh"):
        it = model.kernel(name)
        walk = it.step(it.begin(x.double()), rng)
        rows_of(walk.x, *x.shape)
        torch.testing.assert_close(walk.energy.float(), model.energy(walk.x.float()), rtol=1e-4, atol=1e-3)
    held = x[0].double()
    held[0] = math.nan
    rows_of(model.kernel(clamp=held).begin(x[:, :1].double()).x, len(x), 1)
    refuses("eps", lambda: model.kernel("mh", eps=0.0))
    refuses("no sampler", lambda: model.kernel("nuts"))


CHECKS: dict[str, Callable[[Any, Tensor, Rng], None]] = {
    "sample": lambda model, x, rng: rows_of(model.sample(len(x), rng), *x.shape),
    "chain": chain,
    "forward_chain": forward_chain,
    "undo": undo,
    "diffuse": diffuse,
    "budget": budget,
    "encode": encode,
    "decode": lambda model, x, rng: rows_of(model.decode(model.encode(x).mean), *x.shape),
    "dream": lambda model, x, rng: rows_of(model.dream(len(x), rng), *x.shape),
    "reconstruct": lambda model, x, rng: rows_of(model.reconstruct(x), *x.shape),
    "energy": lambda model, x, rng: rows_of(model.energy(x), len(x)),
    "score": score,
    "log_prob": log_prob,
    "bound": lambda model, x, rng: rows_of(torch.cat([model.bound(x, rng, k) for k in (1, 3)]), 2 * len(x)),
    "log_joint": lambda model, x, rng: rows_of(model.log_joint(x, model.encode(x[:2]).mean), len(x), -1),
    "prior": lambda model, x, rng: rows_of(model.prior().mean[None], 1, model.encode(x).mean.shape[1]),
    "cluster": lambda model, x, rng: shares(model.cluster(x), len(x)),
    "classify": classify,
    "discriminate": lambda model, x, rng: rows_of(model.discriminate(x), len(x)),
    "features": lambda model, x, rng: rows_of(model.features(), -1, x.shape[1]),
    "components": mixture,
    "levels": levels,
    "upto": upto,
    "settling": settling,
    "partition": partition,
    "compare": compare,
    "cool": cool,
    "memories": lambda model, x, rng: rows_of(model.spec.check(model.memories()), -1, x.shape[1]),
    "couplings": couplings,
    "attend": attend,
    "kernel": kernel,
    "client": client,
}


@every_model
def test_capabilities_return_what_is_documented(slug: str) -> None:
    for data in tiny(slug):
        model = genviz.create(slug, data, seed=1)
        if model.trains:
            Run(model, data).advance(steps=3)
        assert CHECKS.keys() | {"monitor", "layers"} == CAPABILITIES.keys()
        for name, check in CHECKS.items():
            if hasattr(model, name):
                for n in (7, 1):
                    with looking(model) as rng:
                        check(model, data.test_x[:n], rng)
        with looking(model) as rng:
            if hasattr(model, "monitor"):
                figures(model, data, rng)
            if hasattr(model, "layers"):
                panes = model.layers(data, rng)  # pyright: ignore[reportCallIssue]
                assert all(isinstance(pane, Pane) for pane in panes)


# ---------------------------------------------------------------- the pictures


def rows(x: Tensor, spec: Spec, classes: tuple[str, ...] = (), columns: tuple[str, ...] = ()) -> genviz.Data:
    """Forty rows to train on and twenty to test on, labelled in turn."""
    y = torch.arange(60) % len(classes) if classes else None
    spec = replace(spec, classes=len(classes))
    of = (x[:40], x[40:], spec, None if y is None else y[:40], None if y is None else y[40:])
    return genviz.Data("some rows", *of, classes=classes, columns=columns)


@cache
def every_kind() -> dict[str, genviz.Data]:
    """Whatever a person may bring."""
    rng = Rng(0, "kinds")
    flat, grey = rng.normal(60, 3) * torch.tensor([1.0, 3.0, 100.0]) + 50, rng.uniform(60, 30)
    constant = flat.clone()
    constant[:, 1] = 7.0
    return {
        "1 column": rows(flat[:, :1], Spec((1,)), columns=("height",)),
        "2 columns": rows(flat[:, :2], Spec((2,)), classes=("cat", "dog")),
        "2 columns of different size": rows(flat[:, 1:], Spec((2,)), columns=("a", "b")),
        "3 columns": rows(flat, Spec((3,)), columns=("a", "b", "c")),
        "a constant column": rows(constant[:, :2], Spec((2,))),
        "one row again and again": rows(flat[:1].expand(60, 3).clone(), Spec((3,))),
        "bits": rows((grey[:, :4] > 0.5).float(), Spec((4,), "binary"), classes=("0", "1", "2")),
        "grey pictures": rows(grey, Spec((6, 5), "unit"), classes=("zebra", "yak", "xerus")),
        "pictures of bits": rows((grey > 0.5).float(), Spec((6, 5), "binary")),
        "pictures of many classes": rows(grey, Spec((6, 5), "unit"), classes=tuple("abcdefghijklmno")),
    }


def drawn(pane: Pane) -> None:
    """A pane has words, limits that span something, and layers that can be drawn and packed."""
    assert pane.title and (pane.layers or pane.reads)
    for low, high in filter(None, (pane.x, pane.y)):
        assert math.isfinite(low) and math.isfinite(high) and low < high
    for layer in pane.layers:
        tensors = {name: t for name in layer.tensors if (t := getattr(layer, name)) is not None}
        assert all(t.isfinite().all() for t in tensors.values()), f"{pane.name}/{layer.name}"
        if isinstance(layer, Points):
            assert layer.xy.shape[1:] == (2,) and all(len(t) == len(layer.xy) for t in tensors.values())
            assert not layer.classes or (layer.labels is not None and int(layer.labels.max()) < len(layer.classes))
    header, _ = unpack(pack_scene(Scene(panes=[pane])))
    assert [layer["name"] for layer in header["panes"][0]["layers"]] == [layer.name for layer in pane.layers]


@every_model
@pytest.mark.parametrize("case", every_kind())
def test_every_kind_of_data_has_pictures(slug: str, case: str) -> None:
    data, sizes = every_kind()[case], (1, 2, 3) if "latent" in ALL[slug].knobs_declared() else ()
    codes: list[dict[str, Any]] = [{"latent": k} for k in sizes] or [{}]
    for knobs in codes:
        try:
            model = genviz.create(slug, data, seed=1, **knobs)
        except BadInput:
            pytest.skip("the model refuses such data in words, which other tests judge")
        pictures(model, data)


def pictures(model: Model, data: genviz.Data) -> None:
    if model.trains:
        Run(model, data).advance(steps=3)
    panes = scene(model, data).panes
    assert len({pane.name for pane in panes}) == len(panes)
    for pane in panes:
        drawn(pane)
        if pane.ask:
            for answer in look(pane.ask, model, data, 1):
                drawn(answer)
    films(model, data)
    for pane in panes:
        if pane.name == "plane" and getattr(model, "latent", 2) == 1:  # a line has no second axis, and no circles on it
            assert pane.line and not pane.y_label and not any(isinstance(layer, Ellipses) for layer in pane.layers)
    names = [layer.classes for pane in panes for layer in pane.layers if isinstance(layer, Points) and layer.role == "label"]
    assert all(tuple(each) == data.class_names for each in names)
    if isinstance(model, Samples):
        assert {"data", "samples"} & {pane.name for pane in panes}
    if len(data.spec.shape) == 1 and isinstance(model, Samples):
        framed = next(pane for pane in panes if pane.name == "data")
        real = next(layer for layer in framed.layers if isinstance(layer, Points) and layer.name == "data")
        assert framed.x and framed.y and framed.line == (data.spec.dim == 1)
        if all(
            hasattr(model, name) for name in ("encode", "decode", "client")
        ):  # the chosen row and the pointer's code, decoded
            assert {"selection", "cursor"} <= {layer.at for layer in framed.layers if isinstance(layer, Decode)}
            swept = next(pane for pane in panes if pane.name == "traversal")
            assert bool(swept.layers) == (data.spec.dim > 1)
            assert ("first two" in swept.reads and "first two" in framed.reads) == (data.spec.dim > 2)
        assert real.pick and all(low <= v <= high for (low, high), v in zip((framed.x, framed.y), real.xy[0], strict=True))


def films(model: Model, data: genviz.Data) -> None:
    """Every film of such data: from noise, from a row, and with the first column known, if it has others."""
    known = torch.full((data.spec.dim,), math.nan)
    known[0] = data.x[0, 0]
    for each in discovered().values():
        if each.film and each.fits(model) and not each.unless(model):
            shots = [Shoot(1), Shoot(1, point=2), *([Shoot(1, clamp=known)] if data.spec.dim > 1 else [])]
            for shoot in shots:
                frames = list(film(each.name, model, data, shoot))
                assert 2 <= len(frames) <= 101
                captions, scenes = zip(*frames, strict=True)
                assert all(captions) and len({tuple(pane.name for pane in s.panes) for s in scenes}) == 1
                for shown in (scenes[0], scenes[len(scenes) // 2], scenes[-1]):
                    for pane in shown.panes:
                        drawn(pane)
                sizes = {name: len(pack_frame(shown)) for name, shown in frames}
                assert max(sizes.values()) <= 1.2 * min(sizes.values()) + 4096


# ---------------------------------------------------------------- bad input


def poisoned(x: Tensor, value: float) -> Tensor:
    x = x.clone()
    x[2, 1] = value
    return x


BAD: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "NaN": (lambda x: poisoned(x, math.nan), "row 2, column 1"),
    "infinite": (lambda x: poisoned(x, math.inf), "row 2, column 1"),
    "above 1": (lambda x: poisoned(x, 1.5), "row 2, column 1"),
    "1-D": (lambda x: x[0], "rows and columns"),
    "one column less": (lambda x: x[:, 1:], r"\d+ columns.*\d+"),
}


def refuses(says: str, call: Callable[..., Any], *args: Any) -> None:
    """What is wrong is said; a wrong number of dimensions may be caught by the shape checks that only tests have."""
    with pytest.raises((BadInput, TypeCheckError)) as caught:
        call(*args)
    assert isinstance(caught.value, TypeCheckError) or re.search(says, str(caught.value))


@every_model
@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_named(slug: str, case: str) -> None:
    spoil, says = BAD[case]
    for data in tiny(slug):
        if case == "above 1" and data.spec.support == "real":
            continue
        model, x = genviz.create(slug, data), spoil(data.x)
        if model.trains:
            with pytest.raises(BadInput, match=says):
                Run(model, Spoiled(data, x))
        for name in ("encode", "reconstruct", "energy", "log_prob"):
            if hasattr(model, name):
                refuses(says, getattr(model, name), x)
        if isinstance(model, Bounds):
            refuses(says, model.bound, x, Rng(0))
        if isinstance(model, LogJoints) and isinstance(model, Encodes):
            refuses(says, model.log_joint, x, model.encode(data.x[:2]).mean)


class Spoiled:
    """Data whose rows nobody checked."""

    def __init__(self, data: genviz.Data, x: Tensor) -> None:
        self.x, self.spec, self.name = x, data.spec, data.name


@every_trained_model
def test_few_rows_and_constant_rows_train(slug: str) -> None:
    for data in tiny(slug):
        few, flat = replace(data, x=data.x[:3], y=None), replace(data, x=data.x[:1].expand(120, -1).clone(), y=None)
        for rows in (few, flat):
            run = start(slug, rows)
            run.advance(steps=3)
            assert not run.diverged


@every_model
def test_unknown_and_impossible_knobs_are_named(slug: str) -> None:
    data = tiny(slug)[0]
    with pytest.raises(BadInput, match="no knob 'latnet'"):
        genviz.create(slug, data, latnet=2)
    for knob in ALL[slug].knobs_declared().values():
        if knob.kind in (int, float):
            with pytest.raises(BadInput, match=knob.name):
                ALL[slug].validate({knob.name: (knob.high or 0) + 1})
