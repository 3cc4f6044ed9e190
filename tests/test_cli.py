"""The command line: light, polite about mistakes, and its runs are the app's."""

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import genviz
from genviz import cli
from genviz.rng import Rng
from genviz.service.folder import find, runs

TINY = ["--data", "moons:n=200,test=50", "--hidden", "8"]


def call(capfd: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line."""
    with pytest.raises(SystemExit) as exit:
        cli.main(tokens)
    out, err = capfd.readouterr()
    return int(exit.value.code or 0), out, err


def test_help_is_quick_and_needs_no_torch() -> None:
    code = (
        "import sys, genviz.cli\n"
        "try: genviz.cli.main(['--help'])\n"
        "finally: sys.stderr.write(repr([m for m in ('torch', 'streamlit', 'numpy', 'sklearn') if m in sys.modules]))"
    )
    quickest = 9.0
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        quickest = min(quickest, time.perf_counter() - started)
        assert done.returncode == 0 and done.stderr == "[]"
        assert all(word in done.stdout for word in ("app", "train", "sample", "claims", "pretrain", "runs", "doctor"))
    assert quickest < 1.0  # 0.35 s on an idle laptop; tests share the machine


def test_help_of_a_model_shows_its_knobs(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capfd, "train", "vae", "--help")
    assert code == 0 and "--latent" in out and "1 … 64" in out and "--binarize" in out


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        ("nonsense", "Unknown command"),
        ("train", "MODEL|--model"),
        ("train vea", "did you mean vae"),
        ("train vae --data moon", "did you mean .*moons"),
        ("train vae --data nowhere/x.csv", "nowhere/x.csv"),
        ("train vae --latnet 2", "Did you mean --latent"),
        ("train vae --latent 99", "latent = 99 is outside 1 … 64"),
        ("train vae --latent 2.9", "latent = 2.9 is no whole number from 1 … 64"),
        ("train vae --latent two", "latent = 'two' is no whole number from 1 … 64"),
        ("train vae --steps 3.7", "--steps: 3.7 is no whole number"),
        ("train vae --seed 3.7", "--seed: 3.7 is no whole number"),
        ("train vae --steps 4294967296", "from 1 to 4,294,967,295"),
        ("train vae --data ising", "no rows to learn from"),
        ("train vae --binarize maybe", "Choose from"),
        ("train vae --preset digts", "no preset 'digts'.*did you mean digits"),
        ("train vae --steps 0", "steps = 0: give a whole number from 1"),
        ("train vae --out ../x", "no name"),
        (f"train vae --out {'x' * 300}", "no name"),
        ("claims vae --seeds", "at least one seed|--seeds"),
        ("claims vae --seeds 1.5 2", "--seeds.*1.5"),
        ("sample vae-nope", "nothing pretrained"),
        ("sample vae-moons --n 100000000000", "n = 100000000000: draw 1 to 100,000"),
        ("sample vae-moons --n 2.2", "--n: 2.2 is no whole number"),
        ("app --port 99999", "port 99999 is none.*1 to 65,535"),
        ("app --port -5", "port -5 is none"),
        ("app --port 80.5", "--port: 80.5 is no whole number"),
        ("sample vae-beta-0.3", "did you mean .*vae-beta-0"),
        ("sample nope.safetensors", "no file nope.safetensors"),
        ("claims rbn", "no claims"),
        ("runs show nope", "no run 'nope'"),
        ("runs rm nope", "no run 'nope'"),
        ("runs resume nope", "no run 'nope'"),
        ("runs fork nope --at 3", "no run 'nope'"),
        ("runs fork nope", "--at"),
        ("pretrain vea", "did you mean vae"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capfd: pytest.CaptureFixture[str], tokens: str, says: str) -> None:
    refuses(capfd, tokens, says)


def refuses(capfd: pytest.CaptureFixture[str], tokens: str, says: str) -> None:
    before = len(runs())
    code, out, err = call(capfd, *tokens.split())
    assert (code, out, err.count("\n")) == (2, "", 1) and err.startswith("genviz: ") and re.search(says, err), err
    assert len(runs()) == before, "a mistake left a run behind"


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        ("rbm --data moons --binarize fixed", "binarize = fixed makes bits of pixels.*leave it at none"),
        ("rbm --data digits --binarize maybe", '"maybe" for --binarize. Choose from: "none", "threshold"'),
        ("rbm --data ising", "ising has no rows to learn from.*take data with rows"),
        ("rbm --data moons --algorithm pt", "algorithm = pt: real-valued units .*take cd, pcd or fpcd"),
        ("rbm --data digits --algorithm tempering", '"tempering" for --algorithm. Choose from: "cd", "pcd"'),
        ("rbm --algorithm pt --temperatures 0", "temperatures = 0 is outside 1 … 50"),
        ("rbm --chains 0", "chains = 0 is outside 1 … 50000"),
        ("rbm --data digits --learn-sigma", "learn_sigma = True: bits have no sigma; leave it off"),
        ("rbm --data moons --sigma 0.01", "sigma = 0.01 is outside 0.07 … 1.4"),
        ("rbm --data moons --lr 2", "lr = 2 is outside 0.0001 … 1"),
        ("diffusion --t 1", "T = 1 is outside 2 … 1000"),
        ("diffusion --data moons --t 10", "beta_last = 20 over T = 10 steps is a noise rate above 1: give at most T"),
        ("diffusion --data moons --t 2 --beta-last 2 --beta-first 5", "beta_first = 5 over T = 2 steps.*give at most T"),
        ("diffusion --data moons --beta-first 0", "beta_first = 0 is outside 0.001 … 5"),
        ("diffusion --data moons --ddim-steps 51", "ddim_steps = 51: give 1 to T = 50 steps, or 0"),
        ("diffusion --data moons --schedule learned --readout eps", "schedule = learned .*readout = eps does not: take sd15"),
        ("diffusion --data heartbeat --ddim-steps 5", r"no DDIM \(ddim_steps.*leave them so"),
        ("diffusion --data heartbeat --readout x0", r"bits have one read-out \(sd15\).*leave them so"),
        ("diffusion --data heartbeat --schedule learned", "bits have .*no learned schedule.*leave them so"),
    ],
)
def test_what_a_model_cannot_do_is_said_before_it_is_tried(capfd: pytest.CaptureFixture[str], tokens: str, says: str) -> None:
    refuses(capfd, f"train {tokens} --steps 2", says)


@pytest.mark.parametrize("model", ["rbm", "diffusion"])
def test_data_of_nonsense_are_refused_whatever_the_model(capfd: pytest.CaptureFixture[str], tmp_path: Path, model: str) -> None:
    pixels = np.zeros((20, 2, 2))
    pixels[3, 1, 0] = -0.5
    np.savez(tmp_path / "dark.npz", x=pixels)
    for name, text, says in (
        ("nan.csv", "1,2\n3,nan\n5,6\n", "nan.csv, line 2, column 2: nan is not a finite number; fill it"),
        ("empty.csv", "", "empty.csv is empty: give a table of numbers"),
        ("one.csv", "1,2\n", "one.csv holds 1 row: give 2 to"),
        ("dark.npz", None, r"dark.npz: pixel -0.5 in image 4; give .*grey values in \[0, 1\]"),
    ):
        if text is not None:
            (tmp_path / name).write_text(text)
        refuses(capfd, f"train {model} --data {tmp_path / name} --steps 2", says)


def test_what_is_trained_is_kept_shown_resumed_sampled_and_removed(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = call(capfd, "train", "VAE", *TINY, "--steps", "30", "--seed", "4", "--out", "mine", "--beta", "0.5")
    assert code == 0 and "done at step 30" in out and "genviz runs resume mine" in out
    assert {"beta": 0.5, "hidden": 8, "activation": "tanh"}.items() <= find("mine").card[
        "knobs"
    ].items()  # activation: the preset's

    data = genviz.dataset("moons:n=200,test=50")
    run = genviz.Run(genviz.create("vae", data, 4, hidden=8, beta=0.5), data, 4)
    run.advance(steps=30)
    kept = genviz.load(find("mine").weights(30)).state_dict()
    assert all(bool((kept[key] == tensor).all()) for key, tensor in run.model.state_dict().items())

    assert "/vae?run=mine" in out
    code, _, err = call(capfd, "train", "vae", *TINY, "--out", "mine")
    assert code == 2 and "there is a run 'mine' already" in err
    code, out, _ = call(capfd, "runs", "resume", "mine", "--steps", "5")
    assert code == 0 and "done at step 35" in out
    code, out, _ = call(capfd, "runs", "show", "mine")
    assert code == 0 and re.search(r"^step +35 of 35$", out, re.MULTILINE) and "/vae?run=mine" in out
    code, out, _ = call(capfd, "runs", "show", "mine", "--json")
    assert code == 0 and json.loads(out)["step"] == 35
    broken = find("mine").path.with_name("broken")
    broken.mkdir()
    (broken / "run.json").write_text('{"version": 1}')
    odd = find("mine").path.with_name("odd")
    shutil.copytree(find("mine").path, odd)
    (odd / "journal").write_text('{"status":{"state":"done","step":"x","until":35,"message":""}}\n')
    code, out, err = call(capfd, "runs")
    passed = [
        f"genviz: passed over: {broken / 'run.json'}, model: Field required; take another, or put the old one back",
        f"genviz: passed over: {odd / 'journal'}, line 1, status.step: Input should be a valid integer; "
        "put a whole copy back, or remove the run",
    ]
    assert code == 0 and sorted(err.splitlines()) == sorted(passed) and "mine" in out and "odd" not in out
    assert call(capfd, "runs", "show", "odd")[0] == 2
    assert call(capfd, "runs", "rm", "odd")[0] == 0
    (broken / "run.json").unlink()
    code, out, _ = call(capfd, "runs")
    assert code == 0 and re.search(r"^mine  vae on moons.*step 35", out, re.MULTILINE)

    file = tmp_path / "x.npz"
    code, out, _ = call(capfd, "sample", str(find("mine").weights(35)), "--n", "9", "--seed", "3", "--out", str(file))
    assert code == 0 and "9 samples" in out
    with np.load(file, allow_pickle=False) as npz:
        assert npz["x"].shape == (9, 2) and npz["shape"].tolist() == [2]
    assert call(capfd, "runs", "rm", "mine")[0] == 0
    assert call(capfd, "runs", "show", "mine")[0] == 2


def test_what_cannot_be_written_is_one_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GENVIZ_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setattr(cli, "PRETRAINED", tmp_path / "file" / "pretrained")
    for tokens, says in (
        (["train", "vae", *TINY], "file/home/runs/.*GENVIZ_HOME"),
        (["sample", "vae-moons", "--out", str(tmp_path / "file" / "x.npz")], "x.npz cannot be written.*another --out"),
        (["pretrain", "vae"], "file/pretrained cannot be written"),
    ):
        code, out, err = call(capfd, *tokens)
        assert (code, out, err.count("\n")) == (2, "", 1) and re.search(says, err), err


def test_unreadable_claims_are_noted_and_left_as_they_are(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from genviz import claims
    from genviz.claims import Claim, Measured

    quick = Claim("vae", "quick", "says", "paper", "measure", True, lambda seed: Measured(2.0, 1.0, 0.5))
    monkeypatch.setattr(claims, "claims", lambda model: [quick])
    monkeypatch.setenv("GENVIZ_HOME", str(tmp_path))
    claims.mine().write_text("[{")
    code, out, err = call(capfd, "claims", "vae", "--seeds", "0")
    assert code == 0 and "holds  vae.quick" in out and f"{claims.mine()} cannot be read" in err
    assert claims.mine().read_text() == "[{"
    monkeypatch.setenv("GENVIZ_HOME", str(claims.mine() / "below"))
    code, out, err = call(capfd, "claims", "vae", "--seeds", "0")
    assert code == 2 and "holds" in out and "GENVIZ_HOME" in err


def test_ctrl_c_pauses_between_two_steps() -> None:
    command = [sys.executable, "-m", "genviz.cli", "train", "vae", *TINY, "--steps", "10000000", "--out", "long"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(600):
            if any(run.id == "long" and run.step > 20 for run in runs()):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in err
    assert "Interrupted: paused at step" in out and "genviz runs resume long" in out
    assert next(run for run in runs() if run.id == "long").state == "paused"


def test_a_run_is_forked_with_a_live_knob_and_begun_anew_with_another(capfd: pytest.CaptureFixture[str]) -> None:
    before = {run.id for run in runs()}
    assert call(capfd, "train", "vae", *TINY, "--steps", "30", "--out", "first")[0] == 0
    code, out, err = call(capfd, "runs", "fork", "first", "--at", "20", "--set", "lr=0.02", "beta=0.5", "--out", "second")
    assert code == 0 and "done at step 30" in out and "first 20 steps again" in err
    assert find("second").card["forked"] == {"run": "first", "step": 20}
    assert find("second").entries("edit") == [{"step": 20, "verb": "set", "args": {"lr": 0.02, "beta": 0.5}}]
    assert find("second").weights(16).read_bytes() == find("first").weights(16).read_bytes()
    assert find("second").weights(30).read_bytes() != find("first").weights(30).read_bytes()
    code, out, err = call(capfd, "runs", "fork", "first", "--at", "30", "--steps", "2", "--out", "longer")
    assert code == 0 and "done at step 32" in out and find("longer").entries("edit") == []
    code, out, err = call(capfd, "runs", "fork", "second", "--at", "25", "--set", "latent=3", "--out", "third")
    assert code == 0 and "latent cannot change during a run: this is a new one from step 0" in err
    third = find("third").card
    assert third["forked"] == {"run": "second", "step": 0} and third["seed"] == find("first").card["seed"]
    assert (third["knobs"]["latent"], third["knobs"]["lr"]) == (3, 0.02)
    assert "of first at step 20" in call(capfd, "runs", "show", "second")[1]
    for wrong, words in (
        (["--at", "31"], "from 0 to 30"),
        (["--at", "31", "--set", "latent=3"], "from 0 to 30"),
        (["--at", "3", "--set", "lr"], "KNOB=VALUE"),
        (["--at", "3", "--set", "lr=9"], "lr = 9 is outside"),
        (["--at", "3", "--set", "latnet=9"], "did you mean latent"),
        (["--at", "3", "--out", "third"], "there is a run 'third' already"),
    ):
        code, out, err = call(capfd, "runs", "fork", "first", *wrong)
        assert code == 2 and words in err and err.count("\n") == 1, (wrong, err)
    assert {run.id for run in runs()} - before == {"first", "second", "longer", "third"}
    for run in runs():
        call(capfd, "runs", "rm", run.id)


def test_a_port_in_use_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as server:
        server.bind(("", 0))
        server.listen()
        port = server.getsockname()[1]
        code, _, err = call(capfd, "app", "--port", str(port))
        assert code == 2 and f"port {port} is in use" in err and f"--port {port + 1}" in err
        _, out, _ = call(capfd, "doctor", "--port", str(port))
        assert re.search(rf"^LOOK\s+port\s+{port}: is in use: stop what runs there", out, re.MULTILINE)


def test_a_port_that_may_not_be_used_is_not_called_in_use(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", forbidden)
    code, _, err = call(capfd, "app", "--port", "80")
    assert (
        code == 2 and err == "genviz: port 80 cannot be used (Permission denied): take another with: genviz app --port 8501\n"
    )


def test_a_reader_who_leaves_hears_nothing_more() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "genviz.cli", "doctor"], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_pictures_of_any_size_are_trained_on_as_the_message_says(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rng = np.random.RandomState(0)
    for i in range(4):
        Image.fromarray(rng.randint(0, 256, (90, 70)).astype(np.uint8)).save(tmp_path / f"{i}.png")
    tiny = ["train", "vae", "--hidden", "8", "--batch", "2", "--steps", "2", "--out", "pictures", "--data"]
    code, _, err = call(capfd, *tiny, str(tmp_path))
    assert code == 2 and (remedy := re.search("give '(.*)' to scale", err))
    assert call(capfd, *tiny, remedy[1])[0] == 0 and find("pictures").card["spec"]["shape"] == [28, 28]
    assert call(capfd, "runs", "rm", "pictures")[0] == 0


def test_the_doctor_knows_the_workers(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(6), raising=False)
    assert re.search(r"^ok\s+workers\s+6 on", call(capfd, "doctor")[1], re.MULTILINE)
    monkeypatch.setenv("GENVIZ_WORKERS", "many")
    assert re.search(r"^LOOK\s+workers\s+none: GENVIZ_WORKERS = 'many'", call(capfd, "doctor")[1], re.MULTILINE)
    assert call(capfd, "app")[0] == 2


def test_the_app_answers_to_the_same_names_on_every_socket(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    monkeypatch.setattr(os, "execv", lambda path, words: given.extend(words))
    monkeypatch.setattr(cli, "unusable", lambda port: "")
    monkeypatch.setenv("GENVIZ_HOSTS", "lab.example")
    call(capfd, "app", "--port", "8600")
    names = [name for flag, name in zip(given, given[1:], strict=False) if flag == "--server.allowedHosts"]
    assert names == ["127.0.0.1", "::1", "lab.example", "localhost"]


def test_the_doctor_finds_what_is_missing(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cli, "PRETRAINED", tmp_path)
    monkeypatch.setattr(cli, "SUMS", tmp_path / "SHA256SUMS")
    (tmp_path / "a.scene").write_bytes(b"whole")
    (tmp_path / "SHA256SUMS").write_text(f"{cli.sha256(tmp_path / 'a.scene')}  a.scene\n")
    assert "1 files" in call(capfd, "doctor")[1]
    (tmp_path / "a.scene").write_bytes(b"torn")
    code, out, _ = call(capfd, "doctor")
    assert code == 1 and "damaged: a.scene" in out and "genviz pretrain" in out


def test_pretrain_ships_weights_a_scene_and_their_sums(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from genviz.checkpoint import card
    from genviz.model import Preset
    from genviz.models.variational.vae import VAE

    monkeypatch.setattr(cli, "PRETRAINED", tmp_path)
    monkeypatch.setattr(cli, "SUMS", tmp_path / "SHA256SUMS")
    monkeypatch.setattr(VAE, "presets", {"tiny": Preset(40, "moons:n=200,test=50", {"hidden": 8})})
    code, out, _ = call(capfd, "pretrain", "vae", "--preset", "tiny")
    assert code == 0 and out.startswith("vae-tiny")
    about = card(tmp_path / "vae-tiny.safetensors")
    assert about["steps"] == 40 and about["preset"] == "tiny" and all(map(np.isfinite, about["figures"].values()))
    assert "importance bound" in "".join(about["figures"])
    assert genviz.load(tmp_path / "vae-tiny.safetensors").seed == 0
    assert (tmp_path / "vae-tiny.scene").stat().st_size <= 300_000
    assert len(cli.SUMS.read_text().splitlines()) == 2


@pytest.mark.parametrize("preset", ["banana", "ising"])
def test_pretrain_ships_what_has_nothing_to_train(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, preset: str
) -> None:
    from genviz.checkpoint import card
    from genviz.service.scene import first_scene, unpack

    monkeypatch.setattr(cli, "PRETRAINED", tmp_path)
    monkeypatch.setattr(cli, "SUMS", tmp_path / "SHA256SUMS")
    code, out, _ = call(capfd, "pretrain", "mcmc", "--preset", preset)
    assert code == 0 and out.startswith(f"mcmc-{preset}")
    path = tmp_path / f"mcmc-{preset}.safetensors"
    assert card(path)["steps"] == 0
    journal, metrics, film = unpack(path.with_suffix(".scene").read_bytes())
    assert [*json.loads(journal.splitlines()[-1])["status"].values()] == ["done", 0, 0, ""] and not metrics
    assert "energy" in first_scene(film)["programs"]
    loaded: Any = genviz.load(path)
    made: Any = genviz.create("mcmc", card(path)["data"], preset=preset)
    x = made.sample(20, Rng(0))
    torch.testing.assert_close(loaded.energy(x), made.energy(x), rtol=2e-2, atol=2e-2)


def test_what_has_nothing_to_train_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capfd, "train", "mcmc", "--data", "two-modes")
    assert code == 2 and "mcmc has nothing to train" in err


def test_a_knob_that_counts_for_nothing_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capfd, "train", "dbn", "--data", "bars-and-stripes", "--label", "3")
    assert code == 2 and "label = 3 counts for nothing without labels" in err
