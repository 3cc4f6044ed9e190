"""`make bench`, or `python -m bench NAME …` for some: each figure beside its bound."""

import importlib
import os
import sys

from genviz.service.build import PINNED

if PINNED.items() - os.environ.items():  # measure what workers run, from the first import of torch on
    os.execve(sys.executable, [sys.executable, "-m", "bench", *sys.argv[1:]], os.environ | PINNED)

import torch

from bench import BENCHES

torch.set_num_threads(1)
for room in ("models", "energy", "chains", "recording", "server", "browser"):
    importlib.import_module(f"bench.{room}")  # registers its benches
if unknown := [name for name in sys.argv[1:] if name not in BENCHES]:
    sys.exit(f"no bench is called {unknown[0]!r}: there are {', '.join(BENCHES)}")
missed = 0
for name in sys.argv[1:] or BENCHES:
    it = BENCHES[name]
    figure = it.run()
    missed += not it.meets(figure)
    sign = ("≥" if it.least else "≤") if it.meets(figure) else ("<" if it.least else ">")
    print(f"{name:<18}{figure:8.2f}  {sign} {it.bound:<6g}{it.unit:<7}{it.about}", flush=True)
sys.exit(missed > 0)
