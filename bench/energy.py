"""Energies: an epoch of contrastive divergence beside scikit-learn's, and what the constant Z costs."""

from statistics import median
from typing import Any

import numpy as np
import torch
from sklearn.neural_network import BernoulliRBM

from bench import bench, seconds
from genviz.data import Data, dataset
from genviz.metrics.partition import ais, exact_log_z
from genviz.models.energy.deep import Deep
from genviz.models.energy.harmonium import Harmonium
from genviz.models.energy.memories import written
from genviz.models.energy.rbm import RBM
from genviz.rng import Rng
from genviz.samplers.spins import settle

EPOCH = 80  # updates of 100 rows


def machine(data: Data, preset: str, **knobs: Any) -> RBM:
    model = RBM(data.spec, **{**RBM.presets[preset].knobs, **knobs})
    model.prepare(data)
    return model


@bench("a CD-1 epoch of scikit-learn's BernoulliRBM over ours: MNIST, 128 hidden, batch 100, float32", 1.1, least=True)
def rbm_epoch() -> float:
    """Median over five rounds in turn, so that both meet the same machine."""
    data = dataset("mnist")
    x = data.binarized("fixed").numpy().astype(np.float32)
    fit = machine(data, "mnist", algorithm="cd", decay=0, weight_decay=0.0).fit(data, Rng(0))
    theirs = BernoulliRBM(128, learning_rate=0.1, batch_size=100, n_iter=1, random_state=0)
    seconds(lambda: next(fit), EPOCH)
    return median(seconds(lambda: theirs.fit(x)) / (seconds(lambda: next(fit), EPOCH) * EPOCH) for _ in range(5))


@bench("annealed importance sampling: 1,000 temperatures × 100 runs, digits, 64 hidden", 3.0, "s CPU")
def annealing() -> float:
    data = dataset("digits")
    model = machine(data, "digits")
    fit = model.fit(data, Rng(0))
    for _ in range(500):
        next(fit)
    return seconds(lambda: ais(model.net, Rng(1), temperatures=1000, runs=100))


@bench("exact log Z: 20 hidden units, 784 visible ones", 1.0, "s CPU")
def exact_constant() -> float:
    net, rng = Harmonium(784, 20), Rng(0)
    net.W.copy_(0.5 * rng.normal(784, 20))
    net.b.copy_(rng.normal(784))
    return seconds(lambda: exact_log_z(net))


@bench("a Hopfield network recalls 50 patterns of 500 units from 100 probes, 10 % of bits flipped, to rest", 1.0, "s CPU")
def recall() -> float:
    rng = Rng(0)
    xi = 2.0 * rng.integers(0, 2, 50, 500) - 1
    W, theta, probes = written("hebb", xi), xi.new_zeros(500), xi.repeat(2, 1)
    probes = torch.where(rng.uniform(100, 500) < 0.1, -probes, probes)
    return seconds(lambda: settle(probes, W, theta, Rng(1)))


LAYERS = (784, 128, 64)  # of the machines compared
ROWS, ROUNDS = 100, 10


@bench("a mean-field settling, 784-128-64, 10 rounds, over as many p(h|v) and p(v|h) of RBMs of these sizes", 1.3)
def settling() -> float:
    d, m, k = LAYERS
    low, high, dbm = Harmonium(d, m), Harmonium(m, k), Deep(LAYERS)
    v, h1, h2 = (Rng(0).coins(torch.full((ROWS, units), 0.3)) for units in LAYERS)

    def plain() -> None:
        low.up(v).sigmoid()
        high.up(h1).sigmoid()
        for _ in range(ROUNDS):
            high.down(h2).sigmoid()
            high.up(h1).sigmoid()

    def ratio() -> float:
        return seconds(lambda: dbm.settle(v, ROUNDS), 100) / seconds(plain, 100)

    ratio()
    return median(ratio() for _ in range(5))


@bench("annealing a 784-128-64 machine, over an RBM's 784-128, for each multiplication of their matrix products", 1.5)
def deep_annealing() -> float:
    """Both take three products of every pair of layers at each temperature."""
    d, m, k = LAYERS
    rbm, dbm = Harmonium(d, m), Deep(LAYERS)
    both = [lambda: ais(dbm, Rng(0), 50, ROWS), lambda: ais(rbm, Rng(0), 50, ROWS)]

    def ratio() -> float:
        deep, plain = (seconds(work) for work in both)
        return deep / plain / ((d * m + m * k) / (d * m))

    ratio()
    return median(ratio() for _ in range(5))
