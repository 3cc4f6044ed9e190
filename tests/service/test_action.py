"""What a person does to a run at rest, such as letting it learn once by hand, is seen at once and comes again bit for bit."""

import pytest
import torch

from genviz.checkpoint import load
from genviz.errors import BadInput
from genviz.service.recorder import Recorder
from genviz.service.streams import FRAME, FRAMES, records

from .conftest import finish

ROW, DREAM = [1, 1, 1, 0, 0, 0, 0, 0, 0], [0, 1, 0, 1, 0, 0, 1, 0, 1]


def made() -> Recorder:
    run = Recorder.create("rbm", {"hidden": 4, "batch": 14}, "bars-and-stripes", 0, 40)
    run.play()
    finish(run)
    return run


def taught(run: Recorder) -> None:
    """The keyframe of step 40 was announced twice, the frame drawn twice, and the weights are those in force."""
    assert run.folder.entries("keyframe").count(40) == 2
    assert [step for _, _, step, kind in records(run.folder.read(FRAMES)) if kind == FRAME].count(40) == 2
    kept, now = load(run.folder.weights(40)).state_dict(), run.run.model.state_dict()
    assert all(torch.equal(kept[name], now[name]) for name in now)


def test_an_action_at_rest_is_kept_drawn_and_replayed() -> None:
    run = made()
    before = {name: tensor.clone() for name, tensor in run.run.model.state_dict().items()}
    run.edit("learn_once", {"data": [ROW], "dream": [DREAM]})
    run.slice(0)
    after = run.run.model.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in after)
    taught(run)
    run.close()
    again = finish(Recorder.open(run.folder.id))
    assert all(torch.equal(again.run.model.state_dict()[name], after[name]) for name in after)
    taught(again)  # and neither kept nor drawn a third time
    again.close()


def test_an_action_during_a_replay_is_seen_when_that_ends() -> None:
    run = made()
    run.close()
    again = Recorder.open(run.folder.id)
    again.edit("learn_once", {"data": [ROW], "dream": [DREAM]})
    taught(finish(again))
    again.close()
    taught(finish(Recorder.open(run.folder.id)))


def test_a_refused_action_leaves_no_trace() -> None:
    run = made()
    with pytest.raises(BadInput, match="2 columns"):
        run.edit("learn_once", {"data": [[1, 0]], "dream": [DREAM]})
    with pytest.raises(BadInput, match="learn_once"):
        run.edit("learn_once", {"date": [ROW]})
    assert run.folder.entries("edit") == []
    run.close()
    assert finish(Recorder.open(run.folder.id)).state == "done"


@pytest.mark.parametrize("step", [40, 44])
def test_a_run_that_was_taught_forks_before_and_after_the_lesson(step: int) -> None:
    run = made()
    run.edit("learn_once", {"data": [ROW], "dream": [DREAM]})
    run.step(4)
    finish(run)
    run.close()
    fork = finish(Recorder.fork(run.folder.id, step))
    assert len(fork.folder.entries("edit")) == (step > 40)
    kept, now = load(fork.folder.weights(step)).state_dict(), fork.run.model.state_dict()
    assert all(torch.equal(kept[name], now[name]) for name in now)
    assert [at for _, _, at, kind in records(fork.folder.read(FRAMES)) if kind == FRAME][-1] == step
    fork.close()
