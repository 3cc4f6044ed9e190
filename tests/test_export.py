"""A run leaves as a script, a notebook and weights, and the script finds out whether it comes out the same."""

import ast
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import genviz
from genviz import cli
from genviz.service import export
from genviz.service.folder import RunFolder, find, remove
from genviz.service.recorder import Recorder
from genviz.service.streams import JOURNAL, line

SMALL = {"hidden": 8, "batch": 20, "lr": 1e-2}


def record(data: str, name: str, root: Path | None = None) -> RunFolder:
    """A run of 30 steps with two edits, the second of them of two knobs, and one more after its end."""
    run = Recorder.create("vae", SMALL, data, 3, 30, root=root, name=name)
    for steps, edit in ((12, {"lr": 3e-3}), (9, {"beta": 0.5, "batch": 30}), (9, {"lr": 1e-3})):
        run.step(steps)
        while run.wait < 10:
            run.slice(1.0)
        run.edit("set", edit)
    run.stop()
    assert run.run.step == 30 and not run.message
    return run.folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return record("moons:n=200,test=50", "exported", tmp_path_factory.mktemp("exported"))


def verdict(script: str, tmp_path: Path) -> Any:
    (tmp_path / "changed.py").write_text(script)
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(tmp_path / "changed.py"))
    return left.value.code


def alone(code: str, where: Path) -> tuple[int, str]:
    """Exit code and output of a process that has only genviz."""
    done = subprocess.run([sys.executable, "-c", code], cwd=where, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_a_script_in_a_process_of_its_own_comes_out_bit_for_bit(folder: RunFolder, tmp_path: Path) -> None:
    script = export.script(export.Recorded(folder))
    steps = re.findall(r"^(?:run\.(?:advance|edit)|weights).*$", script, re.MULTILINE)
    assert steps == [
        "run.advance(until=12)",
        'run.edit("lr", 0.003)',
        "run.advance(until=21)",
        'run.edit("set", beta=0.5, batch=30)',
        "run.advance(until=30)",
        "weights = model.sha256",
        'run.edit("lr", 0.001)',
    ]
    imported = {name for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Import) for name in node.names}
    assert {name.name for name in imported} == {"math", "os", "sys", "torch", "genviz"}
    (tmp_path / "again.py").write_text(script)
    code, out = alone("import runpy; runpy.run_path('again.py')", tmp_path)
    assert (code, out) == (0, "Equal: the weights of step 30 are those recorded, bit for bit.\n")


def test_a_script_of_a_run_that_was_taught_by_hand_comes_out_bit_for_bit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Recorder.create("rbm", {"hidden": 4, "batch": 14}, "bars-and-stripes", 3, 30, root=tmp_path, name="taught")
    lesson = {"data": [[1, 1, 1, 0, 0, 0, 0, 0, 0]], "dream": [[0, 1, 0, 1, 0, 0, 1, 0, 1]]}
    for steps in (12, 18):
        run.step(steps)
        while run.wait < 10:
            run.slice(1.0)
        if steps == 12:
            run.edit("learn_once", lesson)
    run.stop()
    assert run.run.step == 30 and not run.message
    script = export.script(export.Recorded(run.folder))
    line = 'run.edit("learn_once", data=[[1, 1, 1, 0, 0, 0, 0, 0, 0]], dream=[[0, 1, 0, 1, 0, 0, 1, 0, 1]])'
    assert f"run.advance(until=12)\n{line}\nrun.advance(until=30)\nweights = model.sha256\n" in script
    (tmp_path / "again.py").write_text(script)
    code, out = alone("import runpy; runpy.run_path('again.py')", tmp_path)
    assert (code, out) == (0, "Equal: the weights of step 30 are those recorded, bit for bit.\n")
    assert verdict(script.replace(line, ""), tmp_path) == 1 and "DIFFERENT" in capsys.readouterr().out


def test_other_weights_are_told_from_another_environment(
    folder: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = export.Recorded(folder)
    script = export.script(run)
    assert verdict(script.replace(run.weights, "0" * 64), tmp_path) == 1
    assert "DIFFERENT" in capsys.readouterr().out
    assert verdict(script.replace("batch=20", "batch=21"), tmp_path) == 1, "the comparison sees a changed knob"
    capsys.readouterr()

    folder.rewrite(folder.card | {"environment": {**folder.card["environment"], "torch": "1.0", "threads": "2"}})
    assert (two := export.Recorded(folder)).card["environment"]["threads"] == "2"
    foreign = export.script(two).replace("torch.set_num_threads(2)", "")
    assert verdict(foreign, tmp_path) == 2
    out = capsys.readouterr().out
    assert "torch was 1.0, is" in out and "threads was 2, is 1" in out and "agree with those recorded to 1 %: elbo" in out
    elbo = re.search(r'"elbo": (\S+),', foreign)
    assert elbo
    assert verdict(foreign.replace(elbo[1], str(1.02 * float(elbo[1]))), tmp_path) == 2
    assert "NOT within 1 %: elbo at step 30" in capsys.readouterr().out
    folder.rewrite(run.card)


def test_a_notebook_is_sound_and_comes_to_the_same_verdict(folder: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "again.ipynb").write_text(export.notebook(export.Recorded(folder)))
    book = json.loads((tmp_path / "again.ipynb").read_text())
    assert (book["nbformat"], book["nbformat_minor"], book["metadata"]["kernelspec"]["name"]) == (4, 5, "python3")
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in ids)
    for cell in book["cells"]:
        needed = {"cell_type", "id", "metadata", "source"} | ({"outputs", "execution_count"} & cell.keys())
        assert cell.keys() == needed and (cell["cell_type"] == "code") == ("outputs" in cell)
        assert all(text.endswith("\n") for text in cell["source"][:-1])
    run = """import json
space = {}
for cell in json.load(open("again.ipynb"))["cells"]:
    if cell["cell_type"] == "code": exec("".join(cell["source"]), space)
print("verdict", space["verdict"], space["picture"].shape, float(space["picture"].max()))"""
    code, out = alone(run, tmp_path)
    assert code == 0 and "bit for bit.\nverdict 0 torch.Size([64, 64]) 1.0" in out, out


def test_data_of_ones_own_keep_their_path_and_may_be_gone_or_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = np.random.RandomState(0).randn(60, 2)
    file = tmp_path / "mine.npz"
    np.savez(file, x=rows)
    folder = record(str(file), "own", tmp_path / "runs")
    script = export.script(export.Recorded(folder))
    assert verdict(script, tmp_path) == 0
    np.savez(file, x=1.001 * rows)
    assert verdict(script, tmp_path) == 2 and "SHA-256 of the data was" in capsys.readouterr().out
    file.unlink()
    assert verdict(script, tmp_path) == 2 and f"there is no file or folder '{file}'" in capsys.readouterr().out
    assert export.filename(folder, "script", 30) == "vae-mine-30.py"


def test_a_training_run_is_exported_as_far_as_it_is_recorded(tmp_path: Path) -> None:
    run = Recorder.create("vae", SMALL, "moons:n=200,test=50", 3, 1000, root=tmp_path, name="going")
    with pytest.raises(BaseException, match="no weights to compare"):
        (tmp_path / "going" / "weights-0.safetensors").unlink(missing_ok=True)
        export.Recorded(run.folder)
    run.play()
    while run.run.step < 20:
        run.slice(0.01)
    now = export.Recorded(run.folder)
    assert now.training and now.head >= 20 and now.kept >= 16
    assert f"the first {now.head} steps of the run going, which was training on" in export.script(now)
    assert f"run.advance(until={now.kept})" in export.script(now)
    run.stop()


def test_a_foreign_run_cannot_smuggle_code_into_a_script(folder: RunFolder, tmp_path: Path) -> None:
    evil = '"""\nraise SystemExit(99)\n"""'
    other = RunFolder(tmp_path / "x")
    (tmp_path / "x").mkdir()
    for file in folder.path.iterdir():
        (other.path / file.name).write_bytes(file.read_bytes())
    environment = {**folder.card["environment"], "genviz": '"); raise SystemExit("', "LD_PRELOAD": "x.so"}
    other.rewrite(folder.card | {"data": f"moons:n=200,test=50{evil}", "title": evil, "environment": environment})
    script = export.script(export.Recorded(other))
    tree = ast.parse(script)
    assert "LD_PRELOAD" not in script
    assert not any(isinstance(node, ast.Raise) for node in ast.walk(tree))
    (other.path / JOURNAL).write_bytes(
        (other.path / JOURNAL).read_bytes() + line({"edit": {"step": 30, "verb": "__init__", "args": {"a)(": 1}}})
    )
    with pytest.raises(genviz.BadInput, match="an edit that vae does not know"):
        export.script(export.Recorded(other))


def test_the_command_writes_files_and_refuses_plainly(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    record("moons:n=200,test=50", "mine")
    files = {what: tmp_path / f"a{ending}" for what, ending in export.ENDING.items()}
    tokens = [token for what, path in files.items() for token in (f"--{what}", str(path))]

    def call(*tokens: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["export", "mine", *tokens])
        out, err = capfd.readouterr()
        return int(left.value.code or 0), out, err

    code, out, _ = call(*tokens)
    assert code == 0 and f"{files['script']}: the script of 30 steps of the run mine" in out
    assert "the weights of step 30" in out and f"python {files['script']}" in out
    assert files["script"].read_text() == export.script(export.Recorded(find("mine")))
    assert genviz.load(files["weights"]).sha256 == export.Recorded(find("mine")).weights
    for tokens, says in (
        ((), "--script FILE, --notebook FILE or --weights FILE"),
        (("--script", str(tmp_path / "a.txt")), "a.txt is no name for a script: give one that ends in .py"),
        (("--script", str(files["script"])), "a.py is there already: give another name, or --force"),
        (("--notebook", str(tmp_path / "none" / "a.ipynb")), "none/a.ipynb cannot be written.*another --notebook"),
    ):
        code, out, err = call(*tokens)
        assert (code, out, err.count("\n")) == (2, "", 1) and re.search(says, err), err
    assert call("--script", str(files["script"]), "--force")[0] == 0
    remove("mine")
    code, _, err = call("--script", str(tmp_path / "b.py"))
    assert code == 2 and "there is no run 'mine'" in err
