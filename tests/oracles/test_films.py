"""What films and the budget of a bound tell, each against the same figure from another side."""

import math
from functools import cache
from typing import Any

import pytest
import torch
from torch.distributions import Bernoulli, Normal

import genviz
from genviz.data import Mixture
from genviz.layers import Layer, Scene
from genviz.metrics.likelihood import null
from genviz.metrics.mixing import visits
from genviz.model import BadInput
from genviz.models.chains.diffusion import Diffusion
from genviz.panels import Shoot, film, scene
from genviz.panels.films import MAGNIFIED, WHISKERS, exact_step, noisy
from genviz.rng import Rng
from genviz.run import Run, looking
from genviz.service.routes import LONGEST_FILM
from genviz.stage.pack import pack_frame, pack_scene

data = cache(genviz.dataset)


@cache
def model(name: str = "8gaussians", steps: int = 250, **knobs: Any) -> Diffusion:
    made = genviz.create("diffusion", data(name), **knobs)
    assert isinstance(made, Diffusion)
    Run(made, data(name)).advance(steps=steps)
    return made


def shown(scene: Scene, pane: str) -> dict[str, Any]:
    return {layer.name: layer for each in scene.panes if each.name == pane for layer in each.layers}


def told(layer: Layer) -> dict[str, float]:
    return {label: value for label, value, *_ in layer.rows}  # pyright: ignore[reportAttributeAccessIssue]


def test_a_film_is_the_chain_to_its_end_and_another_seed_is_another_chain() -> None:
    frames = list(film("chain", model(), data("8gaussians"), Shoot(3)))
    assert [caption for caption, _ in frames][-2:] == ["The noise of 1 step is left.", "Nothing is left to undo."]
    assert len(frames) == 51
    same, other = (list(film("chain", model(), data("8gaussians"), Shoot(seed)))[-1][1] for seed in (3, 4))
    xy = [shown(each, "chain")["particles"].xy for each in (frames[-1][1], same, other)]
    assert torch.equal(xy[0], xy[1]) and not torch.equal(xy[0], xy[2])
    law = data("8gaussians").density
    assert isinstance(law, Mixture)
    figures, seen = told(shown(frames[-1][1], "quality")["quality"]), visits(xy[0], law)
    assert figures["HQ"] == pytest.approx(100 * seen.hq) and figures["TV"] == pytest.approx(seen.tv)
    assert figures["evaluations"] == 50 and figures["modes"] == seen.covered


def test_colours_are_the_modes_in_which_particles_end() -> None:
    frames = list(film("chain", model(), data("8gaussians"), Shoot(0)))
    last = shown(frames[-1][1], "chain")["particles"]
    law = data("8gaussians").density
    assert isinstance(law, Mixture)
    k, far = law.nearest(last.xy)
    assert torch.equal(last.labels[far < 3], k[far < 3])  # of these data the label is the component
    assert torch.equal(shown(frames[0][1], "chain")["particles"].labels, last.labels)


def test_fewer_steps_of_the_same_seed_begin_alike_and_cost_less() -> None:
    slow, quick = (list(film("chain", model(ddim_steps=s), data("8gaussians"), Shoot(1))) for s in (0, 10))
    a, b = (shown(frames[0][1], "chain")["particles"].xy for frames in (slow, quick))
    assert torch.equal(a, b) and (len(slow), len(quick)) == (51, 11)
    assert told(shown(quick[-1][1], "quality")["quality"])["evaluations"] == 10
    long = list(film("chain", model(T=300, steps=5), data("8gaussians"), Shoot(1)))
    assert len(long) == 201 and told(shown(long[-1][1], "quality")["quality"])["evaluations"] == 300


def test_completions_stand_beside_the_exact_conditional() -> None:
    clamp = torch.tensor([math.nan, 0.3])
    frames = list(film("chain", model(), data("8gaussians"), Shoot(0, clamp=clamp)))
    xy = shown(frames[-1][1], "chain")["particles"].xy
    torch.testing.assert_close(xy[:, 1], torch.full((600,), 0.3))
    layers = shown(frames[-1][1], "conditional")
    exact, counted = layers["exact"].xy, layers["completions"].xy
    law = data("8gaussians").density
    assert isinstance(law, Mixture)
    at = torch.stack([exact[:, 0], torch.full((len(exact),), 0.3)], 1)
    joint = law.log_prob(at).exp()
    normalised = joint / (joint.sum() * (exact[1, 0] - exact[0, 0]))  # all of it lies within the axes
    torch.testing.assert_close(exact[:, 1], normalised, rtol=1e-3, atol=1e-3)
    inside = ((xy[:, 0] > counted[0, 0]) & (xy[:, 0] < counted[-1, 0])).float().mean()
    mass = counted[:, 1].sum() * (counted[1, 0] - counted[0, 0])
    assert mass.item() == pytest.approx(inside.item(), abs=0.05)


def test_a_step_under_the_lens_costs_what_it_costs_the_bound() -> None:
    made, rows = model(), data("8gaussians")
    frames = list(film("undoing", made, rows, Shoot(0)))
    with looking(made) as rng:
        parts = torch.stack([made.budget(rows.x[:600], rng) for _ in range(4)]).mean(0) / math.log(2)
    for i in (5, 30, 48):
        layers, t = shown(frames[i][1], "forward"), 50 - i
        kl, exact = layers["divergence"].figures[:, 0], parts[:, t - 1]
        error = math.sqrt((kl.var() + exact.var()) / 600)
        assert abs(kl.mean() - exact.mean()) <= 4 * error
        x, origin = layers["rows"].xy, rows.x[:600]
        r = made.noise.at(torch.tensor([t]))
        mean = made.units.undo(r.c0 * made.units(origin) + r.c1 * made.units(x))
        torch.testing.assert_close(layers["true"].mean, mean, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(layers["true"].cov[:, ::2], (r.v * made.units.scale**2).expand(600, 2), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(shown(frames[-1][1], "forward")["rows"].xy, rows.x[:600])
    trace = shown(frames[0][1], "reverse")["trace"]
    assert trace.clock == list(range(50, -1, -1)) and {trace.ahead, trace.back} <= frames[0][1].programs.keys()


def test_a_particle_can_be_dragged_through_a_long_chain_or_the_pane_says_why_not() -> None:
    rows = data("8gaussians")
    frames = [scene for _, scene in film("undoing", model(T=200, steps=3), rows, Shoot(0))]
    assert shown(frames[0], "reverse")["trace"].clock == list(range(200, -1, -1))
    assert len(pack_scene(frames[0])) + sum(len(pack_frame(frame)) for frame in frames) < LONGEST_FILM
    for leaps, why in (
        ({"ddim_steps": 10}, "does not know"),
        ({"ddim_steps": 50}, "does not know"),  # as many steps, but others
        ({"T": 300, "steps": 5}, "leaves some out"),
    ):
        first = next(film("undoing", model(**leaps), rows, Shoot(0)))[1]
        assert "trace" not in shown(first, "reverse")
        assert why in next(pane.reads for pane in first.panes if pane.name == "reverse")


def test_arrows_of_the_film_point_where_the_score_points() -> None:
    made = model()
    _, frame = list(film("undoing", made, data("8gaussians"), Shoot(0)))[20]
    arrows = shown(frame, "reverse")["score"]
    with looking(made):
        score = made.score(arrows.start, torch.tensor(30))
    cosine = torch.cosine_similarity(arrows.end - arrows.start, score)
    assert len(score) == 144 and cosine.min() > 0.999


def test_exact_arrows_are_the_score_of_the_data_under_noise() -> None:
    made, law, rng = model(), data("8gaussians").density, Rng(3, "noisy")
    assert isinstance(law, Mixture)
    x = law.sample(40_000, rng)
    *_, first = (state.x for state, _ in zip(made.forward_chain(x, rng), range(11), strict=False))  # ten steps
    exact = noisy(made, law, 10)
    spread = first.std(0) / 200
    assert ((first.mean(0) - exact.sample(40_000, rng).mean(0)).abs() <= 6 * spread).all()
    own, true = exact.log_prob(first), exact.log_prob(exact.sample(40_000, rng))
    assert abs(own.mean() - true.mean()) <= 6 * own.std() / 200
    _, frame = list(film("undoing", made, data("8gaussians"), Shoot(0)))[40]
    arrows = shown(frame, "reverse")
    assert (arrows["score"].role, arrows["exact"].role, arrows["exact"].hidden) == ("model", "truth", True)
    score = exact.score(arrows["exact"].start)
    cosine = torch.cosine_similarity(arrows["exact"].end - arrows["exact"].start, score)
    assert cosine.min() > 0.999


def test_whiskers_tell_how_far_a_step_is_from_the_exact_one() -> None:
    made, law, rng = model(), data("8gaussians").density, Rng(4, "steps")
    assert isinstance(law, Mixture)
    states = (state.x for state, _ in zip(made.forward_chain(law.sample(40_000, rng), rng), range(13), strict=False))
    *_, before, x = states
    rest = before - exact_step(made, law, x, 12)  # of a conditional mean it has nothing to do with what is given
    for given in (torch.ones_like(x), x, x.flip(1), (2 * x).sin(), x.prod(1, keepdim=True).expand_as(x)):
        product = rest * given
        assert (product.mean(0).abs() <= 5 * product.std(0) / 200).all()

    def error(steps: int) -> float:
        one = model(steps=steps)
        _, frame = list(film("undoing", one, data("8gaussians"), Shoot(0)))[40]
        layers = shown(frame, "reverse")
        whiskers, (label, length, *_) = layers["whiskers"], layers["error"].rows[0]
        assert (label, whiskers.role, len(whiskers.start)) == ("error of a step", "error", WHISKERS)
        mean = ((whiskers.end - whiskers.start) / MAGNIFIED).norm(dim=1).mean().item()
        assert length == pytest.approx(mean, rel=1e-4)
        return mean

    first, early, late = error(3), error(100), error(600)
    assert late < 0.85 * early and early < 0.7 * first, (first, early, late)


def test_films_of_other_rows_are_pictures_or_say_why_not() -> None:
    with pytest.raises(BadInput, match="plane"):
        next(film("undoing", model("digits", 3), data("digits"), Shoot(0)))
    _, last = list(film("chain", model("digits", 3), data("digits"), Shoot(0)))[-1]
    assert shown(last, "chain")["x"].pixels.shape == (64, 8, 8)
    _, last = list(film("chain", model("heartbeat", 3), data("heartbeat"), Shoot(0)))[-1]
    assert shown(last, "chain")["x"].pixels.shape == shown(last, "chain")["p"].pixels.shape == (1, 64, 20)


def test_the_budget_is_the_bound_in_bits() -> None:
    for name in ("8gaussians", "heartbeat"):
        made, rows = model(name), data(name)
        layers = shown(scene(made, rows), "budget")
        figures, bars = layers["numbers"].rows, layers["budget"]
        k = figures[0][1]
        assert -bars.values.sum().item() == pytest.approx(k, abs=1e-3) and len(bars.values) == made.T + 1 == len(bars.names)
        with looking(made) as rng:
            bound = made.bound(rows.test_x[:24], rng, 40).mean().item() / math.log(2)
            spread = torch.stack([made.bound(rows.test_x[:24], rng).mean() for _ in range(20)]).std().item() / math.log(2)
        assert k == pytest.approx(bound, abs=4 * spread * math.sqrt(1 + 1 / 40))
        assert figures[1][1] == pytest.approx(k / rows.spec.dim)
        assert figures[2][1] == pytest.approx(k - null(rows.x, rows.spec.support) / math.log(2))


def test_a_model_of_mean_and_variance_alone() -> None:
    x = 3 * Rng(0, "null").normal(500, 4) + 1
    fitted = Normal(x.mean(), x.std(correction=0)).log_prob(x).sum(1).mean().item()
    assert null(x, "real") == pytest.approx(fitted, rel=1e-5)
    assert null(x, "unit") == pytest.approx(fitted - 4 * math.log(255), rel=1e-5)
    bits = (x > 2).float()
    assert null(bits, "binary") == pytest.approx(Bernoulli(bits.mean()).log_prob(bits).sum(1).mean().item(), rel=1e-5)


def test_bits_are_refused_where_a_density_has_no_limit() -> None:
    pane = next(pane for pane in scene(model("two-points", 3), data("two-points")).panes if pane.name == "budget")
    assert pane.kind == "numbers" and not pane.layers and "without limit" in pane.reads
