"""The claims that are quick enough for every test run, and the files their results are kept in."""

import json
from pathlib import Path

import pytest

from genviz import claims
from genviz.catalog import CARDS
from genviz.claims import Claim, Measured
from genviz.errors import BadInput
from genviz.paths import ROOT

FAST = [next(claim for claim in claims.claims(model) if claim.fast) for model in claims.modules()]


@pytest.mark.parametrize("claim", FAST, ids=lambda claim: f"{claim.model}.{claim.name}")
def test_a_fast_claim_of_each_model_holds(claim: Claim) -> None:
    result = claims.measure(claim, [0])
    assert result.holds, f"{result.mean} against {result.baseline} + {result.threshold} {result.unit}"
    assert result.command == f"genviz claims {claim.model} --seeds 0" and result.seconds > 0


def made(name: str, *values: float) -> claims.Result:
    claim = Claim("toy", name, "says", "paper", "measure", True, lambda seed: Measured(values[seed], 1.0, 0.5))
    return claims.measure(claim, range(len(values)))


def test_means_over_seeds_decide() -> None:
    assert made("mean", 1.0, 2.0).holds
    assert not made("short", 1.0, 1.9).holds
    assert not made("nan", 2.0, float("nan")).holds


def test_the_newest_result_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(claims, "SHIPPED", tmp_path / "shipped.json")
    monkeypatch.setenv("GENVIZ_HOME", str(tmp_path))
    assert claims.newest("toy") == []
    old, new, other = made("a", 2.0), made("a", 1.0), made("b", 2.0)
    stamped = [claims.Result(**{**r.__dict__, "date": date}) for r, date in ((old, "2020"), (new, "2021"), (other, "2020"))]
    claims.write(claims.SHIPPED, [stamped[0], stamped[2]])
    claims.write(claims.mine(), [stamped[1]])
    assert [(r.claim, r.date) for r in claims.newest("toy")] == [("a", "2021"), ("b", "2020")]
    claims.write(claims.mine(), [stamped[0]])
    assert len(json.loads(claims.mine().read_text())) == 1


@pytest.mark.parametrize("text", ["[{", "7", "[7]", "\xff", '{"a": 1}', "wrong type"])
def test_a_file_that_cannot_be_read_is_skipped_and_never_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    monkeypatch.setattr(claims, "SHIPPED", tmp_path / "shipped.json")
    monkeypatch.setenv("GENVIZ_HOME", str(tmp_path))
    claims.write(claims.SHIPPED, [made("a", 2.0), made("nan", float("nan"))])
    row = json.loads(claims.SHIPPED.read_text())[0]
    claims.mine().write_text(json.dumps([{**row, "mean": "much"}]) if text == "wrong type" else text, "latin-1")
    before = claims.mine().read_bytes()
    assert [r.claim for r in claims.newest("toy")] == ["a", "nan"]
    with pytest.raises(BadInput, match="claims.json cannot be read"):
        claims.write(claims.mine(), [made("a", 2.0)])
    assert claims.mine().read_bytes() == before


def test_a_claim_needs_a_seed() -> None:
    with pytest.raises(BadInput, match="at least one seed"):
        made("none")


MODEL_PAGES = [path.stem for path in sorted(ROOT.glob("pages/*/*.py")) if path.stem in CARDS]


@pytest.mark.parametrize("model", MODEL_PAGES)
def test_every_claim_on_a_page_was_measured_before_it_was_shipped(model: str) -> None:
    shipped = {result.claim: result for result in claims.read(claims.SHIPPED) if result.model == model}
    registered = {claim.name: claim.seeds for claim in claims.claims(model)}
    assert registered and {name: tuple(result.seeds) for name, result in shipped.items()} == registered


def test_one_seed_at_the_saddle_fails_what_every_seed_is_to_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds 0 to 2 at −1.5, seed 3 at the saddle: their mean would reach −1.85."""
    from genviz.claims import boltzmann

    claim = next(claim for claim in claims.claims("boltzmann") if claim.name == "hidden_units_know_parity")
    monkeypatch.setattr(boltzmann, "parity", lambda seed, hidden: {"exact": -1.4, "persistent": -2.079 if seed == 3 else -1.5})
    result = claims.measure(claim, [0, 1, 2])
    assert result.holds and result.mean == pytest.approx(-1.5)
    assert not claims.measure(claim, [0, 1, 2, 3]).holds


def test_a_claim_names_its_seeds_unless_others_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from genviz import cli

    asked: list[int] = []

    def run(seed: int) -> Measured:
        asked.append(seed)
        return Measured(2.0, 1.0, 0.5)

    several = [Claim("vae", name, "says", "paper", "measure", True, run, seeds) for name, seeds in (("a", (0, 3)), ("b", (7,)))]
    monkeypatch.setattr(claims, "claims", lambda model: several)
    monkeypatch.setenv("GENVIZ_HOME", str(tmp_path))
    for given, due in (((), [0, 3, 7]), (("--seeds", "5"), [5, 5])):
        asked.clear()
        with pytest.raises(SystemExit) as ended:
            cli.main(["claims", "vae", *given])
        assert not ended.value.code and asked == due
    assert "seeds [5]" in capsys.readouterr().out
