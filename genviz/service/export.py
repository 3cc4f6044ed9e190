"""A run as a script or a notebook that trains it again with the public face alone, and compares; its weights as one file.

What a script finds is its exit code (docs/design.md): 0 the weights are equal bit for bit, 1 they are not though all that
they depend on is the same, 2 something of that differs, so that only the figures are compared, to 1 %, and told.
"""

import json
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from genviz.catalog import CARDS
from genviz.errors import BadInput
from genviz.service.build import PINNED
from genviz.service.folder import ALIVE, RunFolder
from genviz.service.streams import METRICS, ROW

ENDING = {"script": ".py", "notebook": ".ipynb", "weights": ".safetensors"}
WIDTH = 8  # pictures a row of a notebook's first look


class Part(NamedTuple):
    """A piece of a script, or a cell of a notebook and the words before it."""

    title: str
    words: str
    code: str


class Recorded:
    """What a run folder says of a run, as far as it is recorded now; a `BadInput` if that cannot be done again."""

    def __init__(self, folder: RunFolder) -> None:
        from genviz.checkpoint import read_tensors
        from genviz.model import digest, find

        self.card, self.folder = folder.card, folder
        self.kind = find(self.card["model"])
        self.knobs = self.kind.validate(self.card["knobs"]).model_dump()
        self.training = folder.status()["state"] in ALIVE
        self.head = folder.last()
        self.edits = [edit for edit in folder.entries("edit") if edit["step"] <= self.head]
        kept = [step for step in folder.keyframes() if step <= self.head]
        if not {"genviz", "torch", "capability", "threads"} <= self.card.get("environment", {}).keys():
            raise BadInput(f"{folder.path} does not say in which environment it was trained: play the run, then export it")
        if not kept:
            raise BadInput(f"{folder.path} has no weights to compare with yet: play the run, then export it")
        acted = {edit["step"] for edit in self.edits if edit["verb"] != "set"}  # were its weights kept before, or after?
        if not (sure := [step for step in kept if step not in acted]):
            raise BadInput(f"{folder.path} has weights of steps with an action only: play the run on, then export it")
        self.kept = sure[-1]
        self.weights = digest(read_tensors(folder.weights(self.kept)))
        self.figures = dict(self.read_figures())
        self.own = not is_built_in(self.card["data"])

    def read_figures(self) -> Iterator[tuple[str, float]]:
        """The finite figures of the last step."""
        columns = [name for names in self.folder.entries("columns") for name in names]
        for step, column, _, value in ROW.iter_unpack(self.folder.read(METRICS)):
            if step == self.head and math.isfinite(value):
                yield columns[column], value

    @property
    def title(self) -> str:
        card = CARDS.get(self.kind.slug)
        return f"{card.title if card else self.kind.slug} on {tame(self.card['data'])}"


def is_built_in(data: str) -> bool:
    from genviz.data import names

    return data.partition(":")[0] in names()


def tame(text: str) -> str:
    """Foreign text that neither ends a docstring nor is markup."""
    return re.sub(r"[^\w ./:=,@+-]", "?", text)


def filename(folder: RunFolder, what: str, step: int) -> str:
    """'vae-moons-2000.py': model, data and step."""
    card = folder.card
    named = f"{card['model']}-{Path(card['data'].partition(':')[0]).stem}"
    return f"{re.sub(r'[^A-Za-z0-9_]+', '-', named)}-{step}{ENDING[what]}"


def keyframe(folder: RunFolder, step: int | None = None) -> int:
    """The newest step, at or before `step`, whose weights are kept."""
    kept = folder.keyframes()
    if not (found := [at for at in kept if step is None or at <= step]):
        upto = "" if step is None else f" up to step {step:,}"
        raise BadInput(f"{folder.path} has no weights{upto}: play the run to write them")
    return found[-1]


# ---------------------------------------------------------------- the parts


def parts(run: Recorded, alone: bool) -> list[Part]:
    """Of a script that stands `alone`, or of a notebook."""
    card, environment = run.card, run.card["environment"]
    pinned = {name: environment[name] for name in PINNED if environment.get(name)}
    facts = {"torch": environment["torch"], "CPU capability": environment["capability"]}
    facts |= {"threads": int(environment["threads"]), "SHA-256 of the data": card["sha256"]}
    return [
        Part(
            "Where it was trained",
            "The same step gives the same bits only in the same environment. It is set up before torch is loaded.",
            f"import math\nimport os\nimport sys\n\nPINNED = {written(pinned)}\n"
            'LATE = "torch" in sys.modules and not PINNED.items() <= os.environ.items()\n'
            "os.environ.update(PINNED)\n\nimport torch\n\nimport genviz\n\n"
            f"torch.set_num_threads({facts['threads']})",
        ),
        Part("The data", "Rows to learn from, rows to test on.", dataset(run, alone)),
        Part("The model", "All its knobs, as they were at step 0.", create(run)),
        Part(
            "The run",
            f"{count(run.head, 'step')}, {count(len(run.edits), 'edit')} on the way; an edit counts from the next step on. "
            f"The weights to compare are those of step {run.kept:,}, the last that were kept.",
            "\n".join(play(run)),
        ),
        Part(
            "Is it the same?",
            "Equal bit for bit where all that the bits depend on is as it was; else the figures are compared, to 1 %.",
            compare(run, facts),
        ),
    ]


def dataset(run: Recorded, alone: bool) -> str:
    code = f"data = genviz.dataset({literal(run.card['data'])})"
    if not (run.own and alone):
        return code
    gone = 'print(f"These data cannot be read: {error}")\n    sys.exit(2)'
    return f"try:\n    {code}\nexcept genviz.BadInput as error:\n    {gone}"


def create(run: Recorded) -> str:
    knobs = "".join(f"    {name}={literal(value)},\n" for name, value in run.knobs.items())
    return f"model = genviz.create(\n    {literal(run.kind.slug)},\n    data,\n    seed={run.card['seed']},\n{knobs})"


def play(run: Recorded) -> Iterator[str]:
    yield f"run = genviz.Run(model, data, seed={run.card['seed']})"
    at = 0
    for step in sorted({run.kept, run.head, *(edit["step"] for edit in run.edits)}):
        if step > at:
            yield f"run.advance(until={step})"
        at = step
        if step == run.kept:
            yield "weights = model.sha256"
        if step == run.head:
            if hasattr(run.kind, "monitor"):
                yield "run.monitor()  # the costlier figures"
            yield "figures = {name: values[-1][1] for name, values in run.history.items()}"
        yield from (edited(run, edit) for edit in run.edits if edit["step"] == step)


def edited(run: Recorded, edit: dict[str, Any]) -> str:
    verb, args = edit["verb"], edit["args"]
    if verb == "set":
        run.kind.validate({**run.knobs, **args})
    elif verb not in run.kind.actions() or not all(map(str.isidentifier, args)):
        raise BadInput(f"{run.folder.path} has an edit that {run.kind.slug} does not know: {verb!r} {sorted(args)}")
    if verb == "set" and len(args) == 1:
        return f"run.edit({', '.join(map(literal, next(iter(args.items()))))})"
    return f"run.edit({', '.join([literal(verb), *(f'{name}={literal(value)}' for name, value in args.items())])})"


def compare(run: Recorded, facts: dict[str, Any]) -> str:
    recorded = {name: float(f"{value:.7g}") for name, value in run.figures.items()}
    return f'''RECORDED = {written(facts)}
WEIGHTS = "{run.weights}"
FIGURES = {written(recorded)}

here = {{
    "torch": torch.__version__,
    "CPU capability": torch.backends.cpu.get_cpu_capability(),
    "threads": torch.get_num_threads(),
    "SHA-256 of the data": data.sha256,
}}
differing = [f"{{name}} was {{was}}, is {{here[name]}}" for name, was in RECORDED.items() if here[name] != was]
if LATE:
    differing.append("torch was loaded before its environment was set: start Python anew")

if not differing:
    verdict = 0 if weights == WEIGHTS else 1
    if verdict == 0:
        print("Equal: the weights of step {run.kept:,} are those recorded, bit for bit.")
    else:
        print("DIFFERENT: the weights of step {run.kept:,} are not those recorded, though all they depend on is the same.")
        print(f"Has the code changed? It was genviz {tame(run.card["environment"]["genviz"])}, this is {{genviz.__version__}}.")
else:
    verdict = 2
    print("This cannot be equal bit for bit:", "; ".join(differing) + ".")
    away = {{
        name: figures.get(name, math.nan)
        for name, was in FIGURES.items()
        if not math.isclose(figures.get(name, math.nan), was, rel_tol=0.01)
    }}
    for name, now in away.items():
        print(f"NOT within 1 %: {{name}} at step {run.head:,} was {{FIGURES[name]:.4g}}, is {{now:.4g}}.")
    if FIGURES and not away:
        print("Its figures at step {run.head:,} agree with those recorded to 1 %:", ", ".join(FIGURES) + ".")'''


def count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def literal(value: Any) -> str:
    """A value from JSON as Python writes it, with double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def written(values: dict[str, Any]) -> str:
    """A dict as Python, an entry a line."""
    lines = "".join(f"    {literal(name)}: {literal(value)},\n" for name, value in values.items())
    return f"{{\n{lines}}}" if values else "{}"


# ---------------------------------------------------------------- files


def about(run: Recorded) -> str:
    steps = f"{count(run.head, 'step')} of the run {tame(run.folder.id)}"
    return f"the first {steps}, which was training on when this was written" if run.training else steps


MEANING = """\
Trains it again and compares. Its exit code:
0: the weights are equal bit for bit.
1: they are not, though torch, CPU capability, threads and data are as they were.
2: some of these differ (it says which), so that only the figures are compared, to 1 %, and it says whether they agree."""


def content(run: Recorded, what: str) -> bytes:
    """The file of that kind, a key of `ENDING`."""
    if what == "weights":
        return run.folder.weights(keyframe(run.folder, run.head)).read_bytes()
    return (script if what == "script" else notebook)(run).encode()


def script(run: Recorded) -> str:
    """The run as a Python script, see above for its exit codes."""
    text = [f'"""{run.title}: {about(run)}.\n\n{MEANING}\n"""\n']
    for part in parts(run, alone=True):
        words = textwrap.fill(part.words, 110, initial_indent="# ", subsequent_indent="# ")
        text.append(f"# ---------------- {part.title}\n{words}\n\n{part.code}\n")
    return "\n".join([*text, "sys.exit(verdict)\n"])


def notebook(run: Recorded) -> str:
    """The run as a Jupyter notebook (nbformat 4.5): the script's parts as cells, and a first picture of samples."""
    cells = [markdown("title", f"# {run.title}\n\nThis is {about(run)}.\n\nIt needs genviz and nothing else.")]
    for i, part in enumerate([*parts(run, alone=False), *look(run)]):
        cells += [markdown(f"words-{i}", f"## {part.title}\n\n{part.words}"), cell(f"code-{i}", part.code)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = {"cells": cells, "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}}}
    return json.dumps({**book, "nbformat": 4, "nbformat_minor": 5}, indent=1, ensure_ascii=False) + "\n"


def markdown(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}


def cell(name: str, code: str) -> dict[str, Any]:
    shared = {"id": name, "metadata": {}, "source": code.splitlines(keepends=True)}
    return {"cell_type": "code", "execution_count": None, "outputs": [], **shared}


def look(run: Recorded) -> Sequence[Part]:
    """A picture of samples, for models that have them, of data that Pillow can draw."""
    from genviz.model import Samples

    shape, real = run.card["spec"]["shape"], run.card["spec"]["support"] == "real"
    if not issubclass(run.kind, Samples) or (len(shape) == 1 and (shape[0] < 2 or not real)):
        return []
    if len(shape) == 2:
        h, w = shape
        n, scale = WIDTH * WIDTH, max(1, 448 // (WIDTH * w))
        tiles = f"x.reshape({WIDTH}, {WIDTH}, {h}, {w}).swapaxes(1, 2).reshape({WIDTH * h}, {WIDTH * w})"
        words, size = f"{n} samples.", (WIDTH * w * scale, WIDTH * h * scale)
        grey = f"picture = {tiles}\n" + (
            "picture = (picture - picture.min()) / (picture.max() - picture.min())\n" if real else ""
        )
    else:
        n, words, size = 5000, "5,000 samples, counted in small squares of the first two columns.", (448, 448)
        grey = "picture = torch.histogramdd(x[:, :2], [64, 64]).hist.T.flip(0)\npicture = picture / picture.max()\n"
    code = (
        "from PIL import Image\n\nwith torch.no_grad():\n"
        f'    x = model.eval().sample({n}, genviz.Rng({run.card["seed"]}, "look"))\n{grey}'
        f"Image.fromarray((255 * (1 - picture.clamp(0, 1))).byte().numpy()).resize({size}, Image.Resampling.NEAREST)"
    )
    return [Part("What it has learned", words, code)]
