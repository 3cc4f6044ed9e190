"""The laws of a run: an event log determines it bit for bit, and looking changes nothing."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import genviz
from genviz.model import MODELS, BadInput, Model, Spec, Step, action, knob
from genviz.rng import Rng
from genviz.run import Run, looking


class Walk(Model):
    """A random walk of one number: `stay` ends it at 30 steps, `kick` is an action, `gain` above 9 makes it NaN."""

    gain: float = knob(1.0, 0.0, 10.0, "length of a step", live=True)
    start: float = knob(0.0, -1.0, 1.0, "where it starts")
    if_diverged = "gain"
    gate: Any = None  # an event to wait for at each step

    def build(self) -> None:
        self.at = nn.Parameter(torch.tensor(self.start))

    def fit(self, data: Any, rng: Rng) -> Iterator[Step]:
        for _ in range(30):
            gain = self.gain  # so that an edit while the gate is shut would come too late
            if self.gate:
                self.gate.wait(10)
            with torch.no_grad():
                self.at += gain * rng.normal(1)[0] + (torch.nan if gain > 9 else 0)
            yield Step({"at": self.at.detach().clone()})

    @action
    def kick(self, by: float) -> None:
        with torch.no_grad():
            self.at += by


del MODELS[Walk.slug]  # it is no part of genviz


@pytest.fixture(scope="module")
def moons() -> genviz.Data:
    return genviz.dataset("moons", n=300, test=50)


def vae(data: genviz.Data, **knobs: Any) -> Run:
    return Run(genviz.create("vae", data, seed=1, **{"hidden": 8, **knobs}), data, seed=2)


def walk(data: genviz.Data, **knobs: float) -> Run:
    return Run(Walk(data.spec, 0, **knobs), data, seed=3)


def same(a: Run, b: Run) -> bool:
    mine, other = a.model.state_dict(), b.model.state_dict()
    return mine.keys() == other.keys() and all(torch.equal(mine[key], other[key]) for key in mine) and a.history == b.history


def test_a_replay_is_bit_equal(moons: genviz.Data) -> None:
    run = vae(moons)
    run.advance(steps=7)
    run.edit("lr", 0.01)
    run.advance(steps=6)
    run.edit("batch", 37)
    run.edit("beta", 0.5)
    run.advance(steps=9)
    run.edit("lr", 0.02)  # after the last step
    again = run.replay()
    assert same(run, again) and again.edits == run.edits and again.model.knobs == run.model.knobs
    run.advance(steps=5)
    again.advance(steps=5)
    assert same(run, again)


def test_slices_threads_and_glances_change_nothing(moons: genviz.Data) -> None:
    plain, watched = vae(moons), vae(moons)
    plain.advance(steps=24)
    for n in (1, 2, 5, 16):
        thread = threading.Thread(target=watched.advance, kwargs={"steps": n})
        thread.start()
        thread.join()
        torch.randn(3)
        watched.monitor()
        with looking(watched.model, seed=n) as rng:
            watched.model.sample(10, rng)  # pyright: ignore[reportCallIssue]
    losses = {key: values for key, values in watched.history.items() if key in plain.history}
    assert losses == plain.history
    for key, tensor in plain.model.state_dict().items():
        assert torch.equal(tensor, watched.model.state_dict()[key])


def test_looking_shows_the_same_latents_and_leaves_the_mode(moons: genviz.Data) -> None:
    model = vae(moons).model
    for training in (True, False):
        model.train(training)
        draws: list[Tensor] = []
        for _ in range(2):
            with looking(model, 4) as rng:
                assert not model.training and not torch.is_grad_enabled()
                draws.append(rng.normal(5))
        assert torch.equal(*draws) and model.training == training and torch.is_grad_enabled()


def test_a_fork_has_the_past_but_not_the_future(moons: genviz.Data) -> None:
    run = vae(moons)
    run.advance(steps=5)
    run.edit("lr", 0.01)
    run.advance(steps=10)
    run.edit("beta", 4.0)
    run.advance(steps=5)
    fork = run.fork(15)
    assert fork.step == 15 and fork.edits == run.edits[:1]
    fork.edit("beta", 4.0)
    fork.advance(steps=5)
    assert same(run, fork)
    assert same(run.fork(0), vae(moons))
    with pytest.raises(BadInput, match="0 … 20"):
        run.fork(21)


def test_an_edit_is_in_force_from_the_next_step(moons: genviz.Data) -> None:
    run, plain = walk(moons), walk(moons)
    for each in (run, plain):
        each.advance(steps=3)
    run.edit("gain", 0.0)
    run.advance(steps=2)
    plain.advance(steps=2)
    assert run.history["at"][:3] == plain.history["at"][:3]
    assert run.history["at"][4][1] == run.history["at"][2][1] != plain.history["at"][4][1]


def test_actions_are_edits_too(moons: genviz.Data) -> None:
    run = walk(moons)
    run.advance(steps=4)
    edit = run.edit("kick", by=5.0)
    assert (edit.step, edit.verb, edit.args) == (4, "kick", {"by": 5.0})
    run.advance(steps=4)
    assert same(run, run.replay())


@pytest.mark.parametrize(
    ("what", "value", "says"),
    [
        ("start", 0.5, "start cannot change during a run"),
        ("gain", 11.0, "gain = 11.0 is outside 0 … 10"),
        ("gain", "wide", "gain = 'wide' is no number from 0 … 10"),
        ("gian", 1.0, "did you mean|cannot 'gian'"),
    ],
)
def test_an_edit_that_cannot_be_is_refused(moons: genviz.Data, what: str, value: float, says: str) -> None:
    run = walk(moons)
    run.advance(steps=1)
    with pytest.raises(BadInput, match=says):
        run.edit(what, value)
    assert run.edits == []


def test_a_fit_may_end_by_itself(moons: genviz.Data) -> None:
    run = walk(moons)
    run.advance(steps=100)
    assert run.step == 30 and run.done and run.over and run.tick() is None


def test_a_figure_that_is_not_finite_ends_the_run(moons: genviz.Data) -> None:
    run = walk(moons)
    run.advance(steps=2)
    run.edit("gain", 9.5)
    run.advance(steps=9)
    assert run.step == 3 and run.over and not run.done
    assert run.diverged == "diverged at step 3, at is not finite: try a smaller gain (it was 9.5)"
    assert run.replay().diverged == run.diverged


def test_an_endless_fit_needs_a_limit(moons: genviz.Data) -> None:
    with pytest.raises(BadInput, match="how far"):
        vae(moons).advance()
    run = vae(moons)
    run.advance(seconds=0.05)
    assert run.step > 0
    at = run.step
    run.advance(until=at)
    assert run.step == at


def test_two_threads_never_step_one_run(moons: genviz.Data) -> None:
    run, gate = walk(moons), threading.Event()
    run.model.__dict__["gate"] = gate
    thread = threading.Thread(target=run.advance, kwargs={"steps": 2})
    thread.start()
    while not run._lock.locked():
        pass
    assert run.advance(steps=1) is False
    gate.set()
    thread.join()
    assert run.step == 2 and run.advance(steps=1) is True


def test_an_edit_from_another_thread_waits_for_the_end_of_the_step(moons: genviz.Data) -> None:
    run, gate, edits = walk(moons), threading.Event(), list[Any]()
    run.model.__dict__["gate"] = gate
    player = threading.Thread(target=run.advance, kwargs={"steps": 20})
    editor = threading.Thread(target=lambda: edits.append(run.edit("gain", 0.0)))
    player.start()
    while not run._lock.locked():
        pass
    editor.start()
    editor.join(0.2)
    waits = editor.is_alive()
    gate.set()
    for thread in (editor, player):
        thread.join()
    assert waits, "an edit in the middle of a step"
    assert edits == run.edits and 1 <= edits[0].step < 20 and same(run, run.replay())


def test_a_fit_that_raised_has_not_ended_by_itself(moons: genviz.Data) -> None:
    class Gate:
        def wait(self, seconds: float) -> None:
            raise error

    for error, again in (
        (RuntimeError("no memory"), "no memory"),
        (KeyboardInterrupt(), r"in the middle of step 4.*fork\(3\)"),
    ):
        run = walk(moons)
        run.advance(steps=3)
        run.model.__dict__["gate"] = Gate()
        with pytest.raises(type(error)):
            run.advance(steps=1)
        for _ in range(2):
            with pytest.raises((RuntimeError, BadInput), match=again):
                run.advance(steps=1)
        assert run.step == 3 and not run.over and same(run, run.fork(3))


def test_data_without_rows_are_refused() -> None:
    lattice = genviz.dataset("ising:side=3")
    with pytest.raises(BadInput, match="ising:side=3 has no rows to learn from"):
        Run(Walk(lattice.spec), lattice)


def test_data_of_another_shape_is_refused(moons: genviz.Data) -> None:
    with pytest.raises(BadInput, match=r"\(5,\).*\(2,\)"):
        Run(Walk(Spec((5,))), moons)
