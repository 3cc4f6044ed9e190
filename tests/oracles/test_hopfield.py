"""Section 7 of the Hopfield network's sheet, item by item."""

import copy
import math
from itertools import islice, pairwise
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import grad
from torch.nn.functional import scaled_dot_product_attention

import genviz
from genviz.claims.hopfield import spoilt, stored
from genviz.data.binary import bits
from genviz.layers import Images, Pane, Points
from genviz.model import BadInput, Model, Spec
from genviz.models.energy.attention import Softmax
from genviz.models.energy.hopfield import Hopfield
from genviz.models.energy.memories import RULES, Couplings, projector, written
from genviz.panels import Shoot, film, look, scene
from genviz.panels.capacity import apart
from genviz.panels.damage import WEIGHTS
from genviz.panels.memories import full, kinds, one_step, resting
from genviz.rng import Rng
from genviz.run import Run, looking
from genviz.samplers.spins import energy, glauber, settle


def patterns(n: int, units: int, seed: int = 0) -> Tensor:
    return 2.0 * Rng(seed, "patterns").integers(0, 2, n, units) - 1


def symmetric(n: int, seed: int = 0) -> Tensor:
    """Random weights, zero diagonal."""
    a = Rng(seed, "weights").normal(n, n)
    return ((a + a.T) / 2).fill_diagonal_(0.0)


def trained(preset: str, data: Any = "", **knobs: Any) -> tuple[Hopfield, genviz.Data]:
    chosen = Hopfield.presets[preset]
    rows = data if isinstance(data, genviz.Data) else genviz.dataset(data or chosen.data or preset)
    model = genviz.create("hopfield", rows, 0, preset=preset, **knobs)
    assert isinstance(model, Hopfield)
    Run(model, rows).advance(steps=10_000)
    return model, rows


# ---------------------------------------------------------------- 1: the energy


@pytest.mark.parametrize("rule", ["random", *RULES])
def test_the_energy_never_rises_and_a_flip_changes_it_by_what_the_field_says(rule: str) -> None:
    """100 starts, each unit looked at after each visit: ΔE = -(s' - s) h, to 1e-5."""
    n, rng = 24, Rng(1, "starts")
    W = (symmetric(n) if rule == "random" else written(rule, patterns(6, n))).double()
    theta = (0.3 * rng.normal(n) if rule == "random" else torch.zeros(n)).double()
    states = list(islice(glauber(patterns(100, n, 2).double(), W, theta, rng, parts=n), 6 * n))  # one unit a state
    moved = 0
    for s, new in pairwise(states):
        change = new - s
        assert (change != 0).sum(1).max() <= 1
        h = s @ W - theta
        dE = energy(new, W, theta) - energy(s, W, theta)
        torch.testing.assert_close(dE, -(change * h).sum(1), rtol=0, atol=1e-5)
        assert dE.max() <= 1e-5
        moved += int((change != 0).sum())
    assert moved > 300
    end = settle(states[0], W, theta, rng)
    assert ((end @ W - theta) * end >= -1e-5).all()  # at rest


def test_blocks_of_a_sweep_are_unit_by_unit() -> None:
    """The batched sweep, with its rank-1 updates by blocks, against a plain loop over the same order."""
    n, W, theta = 70, symmetric(70, 3), 0.2 * Rng(2).normal(70)
    s = patterns(9, n, 4)
    *_, found = islice(glauber(s, W, theta, Rng(5), 0.7), 4)
    rng = Rng(5)
    for _ in range(3):
        noise = 0.35 * rng.uniform(n, 9).logit().T
        for i in rng.permutation(n).tolist():
            h = s @ W[i] - theta[i] + noise[:, i]
            s[:, i] = torch.where(h.abs() < 1e-6, s[:, i], h.sign())
    assert torch.equal(found, s)


def test_an_input_of_nothing_moves_nothing() -> None:
    s = patterns(3, 4)
    *_, end = islice(glauber(s, torch.zeros(4, 4), torch.zeros(4), Rng(0)), 9)
    assert torch.equal(end, s)
    W = torch.tensor([[0.0, 1.0, -1.0], [1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    assert torch.equal(settle(torch.ones(1, 3), W, torch.zeros(3), Rng(0), 1)[:, 1], torch.ones(1))  # unit 0 hears 1 - 1


def test_held_units_stay_and_the_others_move() -> None:
    n = 12
    free = torch.tensor([1, 3, 4, 8])
    s = patterns(50, n)
    *_, end = islice(glauber(s, symmetric(n), torch.zeros(n), Rng(0), 1.0, free=free), 5)
    still = [i for i in range(n) if i not in free.tolist()]
    assert torch.equal(end[:, still], s[:, still]) and not torch.equal(end[:, free], s[:, free])


# ---------------------------------------------------------------- 2: one pattern


def test_one_pattern_and_its_negative_are_fixed_and_draw_whatever_is_nearer() -> None:
    n, rng = 41, Rng(3, "probes")
    xi = patterns(1, n)[0]
    W = written("hebb", xi[None])
    for x in (xi, -xi):
        assert ((x @ W) * x > 0).all()
    for flips in (1, 10, 19, 20):  # fewer than half
        probes = xi.repeat(200, 1)
        for row in probes:
            row[rng.permutation(n)[:flips]] *= -1
        assert torch.equal(settle(probes, W, torch.zeros(n), rng), xi.expand(200, -1))
        assert torch.equal(settle(-probes, W, torch.zeros(n), rng), -xi.expand(200, -1))


# ---------------------------------------------------------------- 3: the projector


@pytest.mark.parametrize("load", [5, 20, 40])
def test_the_projector_is_one_and_holds_every_pattern(load: int) -> None:
    xi = patterns(load, 80)
    P = projector(xi)
    torch.testing.assert_close(P @ P, P, rtol=0, atol=1e-5)
    torch.testing.assert_close(xi @ P, xi, rtol=0, atol=1e-5)
    assert P.trace().item() == pytest.approx(load, abs=1e-4)
    W = written("pinv", xi)
    assert not W.diag().any() and ((xi @ W) * xi > 0).all()


def test_patterns_that_depend_on_each_other_add_nothing_and_it_is_said() -> None:
    xi = patterns(4, 32)
    twice = torch.cat([xi, xi[:2], -xi[2:3]])
    torch.testing.assert_close(projector(twice), projector(xi), rtol=0, atol=1e-5)
    assert projector(patterns(32, 32, 1)).sub(torch.eye(32)).abs().max() < 1e-4  # full: every state is a memory
    rows = genviz.Data("twice", twice, twice, Spec((32,)))
    model = genviz.create("hopfield", rows, rule="pinv", patterns=7, beta=1.0, flips=0.1, preset="random-patterns")
    said = [step.caption for step in iter(Run(model, rows).tick, None)]
    assert [("independent" in each) for each in said] == [False] * 4 + [True] * 3 and "Only 4 of these 7" in said[-1]
    told = next(layer for pane in scene(model, rows).panes for layer in pane.layers if layer.name == "full")
    assert "let every state rest" in full(patterns(40, 32, 1)) and not full(patterns(31, 32, 1))
    assert "Only 4 of these 7 patterns are independent" in told.text  # pyright: ignore[reportAttributeAccessIssue]


# ---------------------------------------------------------------- 4: Storkey


def hadamard(k: int) -> Tensor:
    return torch.ones(1, 1) if k == 0 else torch.kron(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), hadamard(k - 1))


def test_storkey_is_its_sum_and_holds_orthogonal_patterns() -> None:
    rows = hadamard(5)[1:17]  # P = N/2
    torch.testing.assert_close(written("storkey", rows[:1]), written("hebb", rows[:1]), rtol=0, atol=1e-7)
    for load in (1, 4, 9, 16):
        assert ((rows[:load] @ written("storkey", rows[:load])) * rows[:load] > 0).all()
    xi, n = patterns(5, 9).double(), 9
    W = torch.zeros(n, n, dtype=torch.float64)
    for x in xi:  # the rule as it is printed, entry by entry
        h = [[sum(W[i, k] * x[k] for k in range(n) if k not in (i, j)) for j in range(n)] for i in range(n)]
        for i in range(n):
            for j in range(n):
                if i != j:
                    W[i, j] += (x[i] * x[j] - x[i] * h[j][i] - h[i][j] * x[j]) / n
    torch.testing.assert_close(written("storkey", xi), W, rtol=0, atol=1e-12)


def test_rules_are_incremental_in_fit() -> None:
    """After each step the weights are those of the patterns so far."""
    rows = genviz.dataset("random-patterns:n=6,units=40")
    for rule in RULES:
        model = genviz.create("hopfield", rows, rule=rule, patterns=6, preset="random-patterns")
        assert isinstance(model, Hopfield) and isinstance(model.net, Couplings)
        run = Run(model, rows)
        for k in range(1, 7):
            run.advance(steps=1)
            torch.testing.assert_close(model.net.W, written(rule, rows.x[:k]), rtol=0, atol=1e-6)
        run.advance(steps=1)
        assert run.done and run.step == 6


# ---------------------------------------------------------------- 5: crosstalk


def test_bits_lost_in_one_step_are_those_of_the_normal_law() -> None:
    n = 1000
    for alpha, due in ((0.1, 0.00078), (0.15, 0.0049), (0.2, 0.0127)):
        lost = []
        for seed in range(3):
            xi = patterns(round(alpha * n), n, seed)
            W = written("hebb", xi)  # by the model's own rule, one pattern after the other
            lost.append(((xi @ W) * xi < 0).float().mean().item())
        assert sum(lost) / 3 == pytest.approx(one_step(alpha), abs=0.002)
        assert one_step(alpha) == pytest.approx(due, abs=0.0001)


# ---------------------------------------------------------------- 6: heat


@pytest.mark.parametrize("T", [1.0, 2.0])
def test_with_heat_states_have_boltzmann_s_law(T: float) -> None:
    """2e5 sweeps on six units: total variation below 0.02, against a law that is far from flat."""
    W, theta, every = symmetric(6, 1), 0.3 * Rng(1).normal(6), 2 * bits(6) - 1
    p = (-energy(every, W, theta) / T).softmax(0)
    counts = torch.zeros(64)
    for state in islice(glauber(patterns(2000, 6), W, theta, Rng(2), T), 20, 120):
        counts += ((state > 0).long() @ 2 ** torch.arange(5, -1, -1)).bincount(minlength=64)
    assert counts.sum() == 2e5
    assert (counts / 2e5 - p).abs().sum() / 2 < 0.02 < (p - 1 / 64).abs().sum() / 4


def test_the_model_s_own_chain_is_heated() -> None:
    model, rows = trained("bars-and-stripes", temperature=2.0)
    assert isinstance(model.net, Couplings)
    W, theta = model.couplings()
    every = 2 * bits(16) - 1
    due = ((-energy(every, W, theta) / 2).softmax(0) * energy(every, W, theta)).sum().item()
    with looking(model) as rng:
        *_, last = islice(model.chain(4000, rng, rows.x[:1]), 240)  # 30 sweeps
        assert model.energy(last.x).mean().item() == pytest.approx(due, abs=0.1)
        assert model.energy(model.sample(4000, rng)).mean().item() == pytest.approx(due, abs=0.1)


# ---------------------------------------------------------------- 7: the modern net


def modern(k: int, d: int, seed: int = 0) -> tuple[Softmax, Tensor, Tensor]:
    rng, net = Rng(seed, "modern"), Softmax(d, k).double()
    xi = rng.normal(k, d).double()
    for x in xi:
        net.keep(x)
    return net, xi, rng.normal(20, d).double()


def test_an_update_is_attention() -> None:
    net, xi, q = modern(30, 7)
    for beta in (0.1, 1.0, 8.0):
        theirs = scaled_dot_product_attention(q[None], xi[None], xi[None], scale=beta)[0]
        torch.testing.assert_close(net.attend(q, beta, "dot") @ xi, theirs, rtol=0, atol=1e-12)
        far = torch.cdist(q, xi).square()
        torch.testing.assert_close(net.attend(q, beta, "distance"), (-beta * far / 2).softmax(1), rtol=0, atol=1e-9)


@pytest.mark.parametrize("form", ["dot", "distance"])
def test_the_slope_of_the_energy_is_the_step_and_the_energy_never_rises(form: Any) -> None:
    net, xi, q = modern(30, 7)
    free = torch.ones(7, dtype=torch.bool)
    for beta in (0.1, 1.0, 8.0, 200.0):
        slope = grad(lambda x, beta=beta: net.energy(x, beta, form).sum())(q)
        torch.testing.assert_close(slope, q - net.attend(q, beta, form) @ xi, rtol=0, atol=1e-9)
        E = torch.stack([net.energy(x, beta, form) for x in islice(net.recall(q, free, beta, form), 30)])
        assert E.diff(dim=0).max() <= 1e-9
        far = torch.cdist(q, xi).square()
        exact = -(-beta * far / 2).logsumexp(1) / beta
        if form == "distance":
            torch.testing.assert_close(net.energy(q, beta, form), exact, rtol=0, atol=1e-9)
        else:
            assert (net.energy(q, beta, form) >= 0).all()


def test_without_sharpness_every_query_becomes_the_mean_of_what_is_stored() -> None:
    net, xi, q = modern(30, 7)
    for form in ("dot", "distance"):
        torch.testing.assert_close(net.attend(q, 1e-6, form) @ xi, xi.mean(0).expand(20, -1), rtol=0, atol=1e-4)
    some = Softmax(7, 50).double()  # twenty places are empty
    for x in xi:
        some.keep(x)
    torch.testing.assert_close(some.energy(q, 0.5, "dot"), net.energy(q, 0.5, "dot"))
    assert not some.attend(q, 1e-6, "distance")[:, 30:].any()


def valleys(points: Tensor, beta: float, form: Any) -> int:
    """In how many places the points come to rest."""
    net = Softmax(2, len(points)).double()
    for x in points:
        net.keep(x)
    *_, end = islice(net.recall(points, torch.ones(2).bool(), beta, form), 20_000)
    return apart(end)


def test_one_average_splits_when_beta_times_the_largest_variance_is_one() -> None:
    """Exactly so of dot products with points at -x as at x, where the mean weighs all alike. Distances weigh near points more:
    there is one valley for longer, on moons up to β = 1.6, though β = 0.70 is the bound."""
    model, _ = trained("moons")
    xi = model.net.stored.double()
    assert 1 / torch.linalg.eigvalsh(xi.T.cov(correction=0)).max().item() == pytest.approx(0.70, abs=0.01)
    both = torch.cat([xi, -xi])
    largest = torch.linalg.eigvalsh(both.T @ both / 400).max().item()
    assert [valleys(both, share / largest, "dot") for share in (0.5, 0.97, 1.03)] == [1, 1, 2]
    assert [valleys(xi, beta, "distance") for beta in (0.3, 0.69, 1.6, 1.8)] == [1, 1, 1, 2]


def test_points_within_the_hull_are_found_by_distance_and_not_by_dot_products() -> None:
    """Moons, β = 1000, one update: 192 and 11 of 200 on the sheet."""
    model, _ = trained("moons")
    assert isinstance(model.net, Softmax)
    xi = model.net.stored
    end = {form: model.net.attend(xi, 1000.0, form) @ xi for form in ("distance", "dot")}
    found = {form: int((torch.cdist(q, xi).argmin(1) == torch.arange(200)).sum()) for form, q in end.items()}
    assert found["distance"] > 185 and found["dot"] < 15, found


def test_eight_thousand_pictures_are_called_back_by_their_upper_halves() -> None:
    """§3 (c): of the sheet's figures .71/.995 (β = 1), .855/1.0 (β = 2), one global average for β = .1."""
    model, rows = trained("mnist-modern", patterns=8000)
    assert rows.y is not None and isinstance(model.net, Softmax) and int(model.net.count) == 8000
    label = rows.y[model.chosen(rows)]
    own = Rng(0, "own").permutation(8000)[:200]
    mean, half = rows.x.mean(0), torch.arange(784) < 392
    probes, x = torch.where(half, model.memories()[own], mean), model.memories()
    for beta, exact, right in ((0.1, 0.0, 0.14), (1.0, 0.71, 0.995), (2.0, 0.855, 1.0)):
        q = probes
        for _ in range(3):
            q = (model.attend(q, beta) @ x).clamp(0, 1)
        found = torch.cdist(q, x).argmin(1)
        assert (found == own).float().mean().item() == pytest.approx(exact, abs=0.08)
        assert (label[found] == label[own]).float().mean().item() == pytest.approx(right, abs=0.08)


# ---------------------------------------------------------------- 8: all states


def test_the_states_that_rest_are_those_that_recall_reaches() -> None:
    for rule in RULES:
        model, rows = trained("bars-and-stripes", rule=rule, patterns=4)
        W, theta = model.couplings()
        every, rest = resting(model, 16)
        end = settle(every, W, theta, Rng(0))
        assert torch.equal(end.unique(dim=0), rest.unique(dim=0))
        xi = 2 * model.memories() - 1
        assert {"stored 1", "inverse of 4"} <= set(kinds(rest, xi))
        assert set(kinds(torch.cat([xi, -xi]), xi)) == {f"{what} {k}" for what in ("stored", "inverse of") for k in range(1, 5)}


def test_basins_count_every_state() -> None:
    model, rows = trained("bars-and-stripes")
    (pane,) = look("basins", model, rows, 0)
    layers: dict[str, Any] = {layer.name: layer for layer in pane.layers}
    told = layers["numbers"].rows
    assert sum(value for _, value, _, _ in told) == pytest.approx(100.0)
    assert sorted(name for name, *_ in told)[:3] == ["inverse of 1", "inverse of 2", "inverse of 3"] and len(told) == 10
    assert sum("mixture" in name for name, *_ in told) == 4
    dots = layers["states"]
    assert isinstance(dots, Points) and dots.labels is not None and 1200 < len(dots.xy) < 2000
    shown = (dots.labels == 0).float().mean().item() * 100  # thinned evenly
    assert shown == pytest.approx(max(value for _, value, _, _ in told), abs=3)


# ---------------------------------------------------------------- digits: what the page says


def test_digits_too_much_alike_break_hebb_and_not_the_others() -> None:
    """§0: 15 % flips, exact recall, K = 3: hebb .23, storkey .99, pinv .99; K = 10: 0, .29, .88; modern .99."""
    digits = genviz.dataset("digits")
    due = {3: {"hebb": 0.23, "storkey": 0.99, "pinv": 0.99, "modern": 1.0}}
    due[10] = {"hebb": 0.0, "storkey": 0.29, "pinv": 0.88, "modern": 0.99}
    for k, rates in due.items():
        for rule, rate in rates.items():
            knobs = {"beta": 0.25, "form": "dot"} if rule == "modern" else {}
            model, _ = trained("digits", digits, rule=rule, patterns=k, **knobs)
            own = model.net.stored.repeat(60, 1)
            assert torch.equal(model.memories(), (digits.x[model.chosen(digits)] > 0.5).float())
            assert digits.y is not None and digits.y[model.chosen(digits)].tolist() == list(range(k))
            with looking(model, 21) as rng:
                end = model.settle(spoilt(own, 0.15, 21), rng, 3 if rule == "modern" else 50).sign()
            assert (end == own).all(1).float().mean().item() == pytest.approx(rate, abs=0.06), (k, rule)


# ---------------------------------------------------------------- raw units, chains, films


def test_bits_of_any_name_are_the_same_memory() -> None:
    x = patterns(5, 40)
    energies, ends = [], []
    for rows in (genviz.Data("±1", x, x, Spec((40,))), genviz.Data("01", (x + 1) / 2, (x + 1) / 2, Spec((40,), "binary"))):
        model, _ = trained("random-patterns", rows, patterns=5)
        assert torch.equal(model.memories(), rows.x)
        energies.append(model.energy(rows.x))
        with looking(model) as rng:
            *_, last = model.chain(20, rng)
        ends.append((last.x > 0.5).float())
    assert torch.equal(*energies) and torch.equal(*ends)


def test_recall_starts_spoilt_holds_what_is_known_and_ends_at_rest() -> None:
    model, rows = trained("digits")
    known = torch.full((64,), math.nan)
    known[:3] = torch.tensor([0.3, 1.0, 0.0])
    with looking(model) as rng:
        states = list(model.chain(500, rng))
        assert (states[0].x != model.memories()[torch.arange(500) % 10]).float().mean().item() == pytest.approx(0.15, abs=0.01)
        assert torch.equal(states[-1].x, states[-9].x) and len(states) % 8 == 1
        held = list(model.chain(5, rng, rows.x[:5], known))
    for state in held:
        torch.testing.assert_close(state.x[:, :3], known[:3].expand(5, -1))
    E = torch.stack([model.energy(state.x) for state in states])
    assert E.diff(dim=0).max() <= 1e-4


def test_a_film_of_recall_tells_the_energy_and_the_overlaps_it_has() -> None:
    model, rows = trained("digits")
    frames = [shown for _, shown in film("recalling", model, rows, Shoot(3))]
    last: dict[str, Any] = {f"{pane.name}/{layer.name}": layer for pane in frames[-1].panes for layer in pane.layers}
    now = last["recalling/now"]
    assert isinstance(now, Images)
    x = now.pixels.reshape(6, 64)
    with looking(model):
        torch.testing.assert_close(last["staircase/run 0"].xy[-1, 1], model.energy(x)[0])
    dots = last["overlaps/overlaps"]
    ends = dots.xy[:, 1].reshape(10, -1)[:, -1]
    torch.testing.assert_close(ends, ((2 * x[0] - 1) @ (2 * model.memories() - 1).T) / 64)
    assert ends.argmax() == 0 and ends[0] > 0.99


def test_client_programs_of_bits_tell_the_energy_and_the_overlaps() -> None:
    from programs import run

    model, rows = trained("digits")
    programs, x = model.client(), (rows.test_x[:9] > 0.5).float()
    assert programs["gibbs"] == [["sweep", "net.W", "net.bias", "spins"]]
    torch.testing.assert_close(run(programs["energy"], model.state_dict(), x)[0][:, 0], model.energy(x), rtol=1e-5, atol=1e-4)
    m = run(programs["overlap"], model.state_dict(), x)[0]
    torch.testing.assert_close(m, (2 * x - 1) @ (2 * model.memories() - 1).T / 64)
    assert trained("mnist-modern")[0].client() == {}  # too much to send
    assert trained("random-patterns", "random-patterns:n=8,units=30", patterns=8)[0].client() == {}  # no row of bits 0 and 1


# ---------------------------------------------------------------- bad input

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "full": ({"rule": "pinv", "patterns": 64}, "patterns = 64: the memory of 64 units is full.*at most 63"),
    "no pattern": ({"patterns": 0}, "patterns = 0 is outside"),
    "beta of 0": ({"rule": "modern", "beta": 0.0}, "beta = 0.0 is outside"),
    "beta below 0": ({"rule": "modern", "beta": -1.0}, "beta = -1.0 is outside"),
    "beta of weights": ({"rule": "hebb", "beta": 4.0}, "beta = 4.0 is for rule = modern"),
    "form of weights": ({"rule": "pinv", "form": "dot"}, "form = dot is for rule = modern"),
    "heat without coins": ({"rule": "modern", "temperature": 1.0}, "temperature = 1: the modern net has no coins"),
}


@pytest.mark.parametrize("case", BAD)
def test_knobs_that_make_no_sense_are_refused(case: str) -> None:
    knobs, says = BAD[case]
    with pytest.raises(BadInput, match=says):
        Hopfield(Spec((8, 8), "unit", 10), **knobs)


def test_rows_that_are_no_bits_are_named() -> None:
    x = patterns(4, 6)
    grey = x.clone()
    grey[2, 3] = 0.25
    half = (x + 1) / 2
    half[1, 4] = -0.5
    for rows, says in (
        (grey, "grey holds 0.25 at row 2, column 3"),
        (3 * x, f"grey holds {3 * x[0, 0].item():g} at row 0, column 0"),
        (half, "grey holds -0.5 at row 1, column 4"),
    ):
        data = genviz.Data("grey", rows, rows, Spec((6,)))
        with pytest.raises(BadInput, match=says):
            Run(genviz.create("hopfield", data, preset="random-patterns"), data)
    data = genviz.Data("fine", x, x, Spec((6,)))
    model = genviz.create("hopfield", data, preset="random-patterns", patterns=4)
    assert isinstance(model, Hopfield)
    Run(model, data).advance(steps=4)
    with pytest.raises(BadInput, match="x holds 0.25 at row 2, column 3: weights link bits; give -1 and 1 alone"):
        model.energy(grey)
    with pytest.raises(BadInput, match="x has 5 columns"):
        model.energy(x[:, :5])
    with pytest.raises(BadInput, match="x holds nan at row 1, column 2"):
        model.energy(torch.where(torch.arange(24).reshape(4, 6) == 8, math.nan, x))
    with pytest.raises(BadInput, match="clamp holds"):
        next(model.chain(2, Rng(0), clamp=torch.tensor([0.5, *[math.nan] * 5])))
    for shape, says in (((1,), "rows of 2"), ((3000,), "rows of 2")):
        with pytest.raises(BadInput, match=says):
            Hopfield(Spec(shape), rule="hebb")
    with pytest.raises(BadInput, match="binarize = threshold makes bits of pixels"):
        Hopfield(Spec((6,)), binarize="threshold")


def test_storing_more_than_there_is_says_so() -> None:
    rows = genviz.dataset("random-patterns:n=30,units=40")
    for knobs, due in (
        ({"patterns": 200}, 30),
        ({"patterns": 7, "every": 10}, 3),
        ({"patterns": 3, "every": 10}, 3),
        ({"patterns": 10, "every": 1000}, 1),
    ):
        model = genviz.create("hopfield", rows, preset="random-patterns", **knobs)
        run = Run(model, rows)
        said = [step.caption for step in iter(run.tick, None)]
        assert said[-1].startswith(f"{due} of {due} are stored.") and int(model.net.count) == due  # pyright: ignore
        assert (f"{knobs['patterns']} were asked for" in said[-1]) == (knobs["patterns"] > due)
        assert ("every 1000 rows" in said[-1]) == (knobs.get("every") == 1000)


def test_what_was_learnt_by_hand_outlives_the_next_rows_that_are_stored() -> None:
    """Of Hebb's rule and of the projector, which is made anew for each row, it is the same step before and after."""
    rows = genviz.dataset("random-patterns:n=6,units=40")
    for rule in ("hebb", "pinv"):
        model = genviz.create("hopfield", rows, rule=rule, patterns=6, preset="random-patterns")
        assert isinstance(model, Hopfield) and isinstance(model.net, Couplings)
        run, edits = Run(model, rows), torch.zeros(40, 40)
        for k in range(1, 7):
            run.advance(steps=1)
            torch.testing.assert_close(model.net.W, written(rule, rows.x[:k]) + edits, rtol=0, atol=1e-6)
            if k in (2, 4):
                before = model.net.W.clone()
                model.learn_once(patterns(1, 40, k).tolist(), patterns(1, 40, 10 + k).tolist())
                edits += model.net.W - before
        assert edits.abs().max() > 0.04


def test_what_needs_weights_or_patterns_says_so() -> None:
    model, rows = trained("moons")
    with pytest.raises(BadInput, match="no weights"):
        model.couplings()
    told = next(pane for pane in scene(model, rows).panes if pane.name == "weights")
    assert told.reads.startswith("The modern net has no weights") and not told.layers
    digits, of = trained("digits")
    with pytest.raises(BadInput, match="in the weights"):
        digits.attend(of.x[:2])
    fresh = copy.deepcopy(digits)
    fresh.net.count.zero_()
    with pytest.raises(BadInput, match="nothing is stored yet"):
        look("rules", fresh, of, 0)


def test_an_experiment_of_the_claims_stores_what_it_says() -> None:
    model, x = stored(20, 64, 3, rule="storkey")
    assert torch.equal(model.memories(), x) and int(model.net.count) == 20
    assert (spoilt(x, 0.15, 3) != x).float().mean().item() == pytest.approx(0.15, abs=0.03)


@pytest.mark.parametrize(("preset", "cut"), [("digits", 0.5), ("random-patterns", 0.0)])
def test_a_plane_of_damage_is_given_the_rows_to_store_as_bits(preset: str, cut: float) -> None:
    """All that will be stored, in its order, from the first picture on."""
    model, data = trained(preset)
    fresh = genviz.create("hopfield", data, 0, preset=preset)
    Run(fresh, data).advance(steps=1)
    (pane,) = damage_of(fresh, data)
    (layer,) = pane.layers
    assert isinstance(layer, Images) and layer.static
    assert torch.equal(layer.pixels.flatten(1), (model.memories() > cut).float())


def test_a_plane_of_damage_has_no_more_rows_than_a_browser_can_keep_weights_for() -> None:
    wide = genviz.dataset("random-patterns:n=40,units=1000")
    (pane,) = damage_of(genviz.create("hopfield", wide, 0, preset="random-patterns", patterns=40), wide)
    (layer,) = pane.layers
    assert isinstance(layer, Images) and len(layer.pixels) * 1000**2 == WEIGHTS
    assert not damage_of(*trained("moons"))


def damage_of(model: Model, data: genviz.Data) -> list[Pane]:
    return [pane for pane in scene(model, data).panes if pane.walks == "damage"]
