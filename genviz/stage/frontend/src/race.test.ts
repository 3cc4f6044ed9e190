import { beforeEach, expect, test } from "vitest";
import { LAGS, Lane } from "./lane";
import { compile } from "./programs";
import { NONE, Race } from "./race";
import { moved, put, widened } from "./shape";
import type { Shaping } from "./shaping";
import { browser, pass } from "./testing";
import type { Op, Pane, Program, Scene, Source, Tensor } from "./types";

const tensor = (shape: number[], data: number[]): Tensor => ({ shape, data: Float32Array.from(data) });
const CENTRES = Array.from({ length: 25 }, (_, k) => [4 * (k % 5) - 8, 4 * Math.floor(k / 5) - 8]);
const GRID = new Map([
  ["m", tensor([25, 2], CENTRES.flat())],
  [
    "P",
    tensor(
      [25, 2, 2],
      CENTRES.flatMap(() => [0.3 ** -2, 0, 0, 0.3 ** -2]),
    ),
  ],
  [
    "c",
    tensor(
      [25],
      CENTRES.map(() => -Math.log(25 * 2 * Math.PI * 0.09)),
    ),
  ],
]);
const PROGRAMS: Record<string, Op[]> = {
  energy: [
    ["mixture", "m", "P", "c"],
    ["affine", 0, -1],
  ],
  score: [["mixture score", "m", "P", "c"]],
};
const PANE: Pane = {
  name: "race",
  kind: "plane",
  walks: "race",
  x: [-10, 10],
  y: [-10, 10],
  layers: [
    {
      type: "field",
      name: "density",
      style: "heat",
      extent: [-10, 10, -10, 10],
      tensors: { values: tensor([2, 2], [0, 0, 0, 1]) },
    },
    { type: "curves", name: "marginal", tensors: { xy: tensor([2, 2], [-10, 0, 10, 0]) } },
    { type: "points", name: "draws", tensors: { xy: tensor([25, 2], CENTRES.flat()) } },
  ],
};
const SCENE: Scene = {
  panes: [{ name: "other", kind: "bars", layers: [] }, PANE],
  programs: PROGRAMS,
  latent: 0,
  shape: [2],
  controls: [],
};

function base(tensors = GRID): Source {
  const programs = new Map<string, Program>(Object.entries(PROGRAMS).map(([name, ops]) => [name, compile(ops, tensors)]));
  return {
    id: "pretrained:grid",
    scene: SCENE,
    problem: "",
    program: (name: string) => programs.get(name) ?? null,
    keyframe: () => 0,
    attend: () => () => {},
    listen: () => () => {},
  } as unknown as Source;
}

function made(tensors = GRID): Race {
  const race = new Race("race:pretrained:grid", "pretrained:grid", () => base(tensors));
  race.listen(() => {
    race.seen();
    race.diagnose(performance.now() + 50, 2000);
  });
  return race;
}

/** Plays until it is at a tick. */
async function to(race: Race, tick: number): Promise<void> {
  race.rate = 2000;
  race.play(true);
  for (let k = 0; k < 2000 && race.tick < tick && race.playing; k++) await pass(16);
  race.play(false);
  for (let k = 0; k < 500 && race.behind; k++) await pass(16);
}
const places = (race: Race) => race.lanes.map((lane, i) => lane.place(0, race.step(i)));

beforeEach(browser);

test("it opens with four samplers at the steps that suit the target, in lock-step by evaluations", () => {
  const race = made();
  expect(race.of.map(({ sampler, eps }) => [sampler, eps])).toEqual([
    ["mh", 0.5],
    ["mala", 0.4],
    ["hmc", 0.15],
    ["pt", 0.5],
  ]);
  expect(race.scene?.panes.map(({ name }) => name)).toEqual(["race"]);
  race.stride(100);
  expect(race.lanes.map(({ steps }) => steps)).toEqual([100, 100, 5, 12]);
  race.clock = "steps";
  expect(race.tick).toBe(0);
  race.stride(30);
  expect(race.lanes.map(({ steps }) => steps)).toEqual([30, 30, 30, 30]);
});

test("a moment of the past is the same when it is looked at again, and in another race of the same link", async () => {
  const race = made();
  race.stride(700);
  const then = race.lanes.map((lane) => lane.moment(lane.steps).map(({ x, proposal }) => [...x, ...proposal]));
  const steps = race.lanes.map((lane) => lane.steps);
  race.stride(900);
  race.lanes.forEach((lane, i) => {
    expect(lane.moment(steps[i]).map(({ x, proposal }) => [...x, ...proposal])).toEqual(then[i]);
    if (steps[i]) expect(lane.moment(steps[i] - 1)[0].x[0]).toBeCloseTo(lane.place(0, steps[i] - 1)[0], 5);
  });
  race.seek(700);
  race.set(0, { eps: 0.7 });
  race.fog = true;
  const twin = made();
  twin.view = JSON.parse(JSON.stringify(race.view));
  for (let k = 0; k < 100 && twin.behind; k++) await pass(16);
  expect(twin.view).toEqual(race.view);
  expect(twin.view).toEqual({ ...race.view, tick: 700, fog: true });
  for (let k = 0; k < 100 && race.behind; k++) await pass(16);
  expect(places(twin)).toEqual(places(race));
});

test("a lane that is changed starts anew and catches up; two of the same settings go the same way", async () => {
  const race = made();
  race.stride(400);
  race.set(1, { sampler: "mh" });
  expect(race.of[1]).toMatchObject({ sampler: "mh", eps: 0.5 });
  for (let k = 0; k < 100 && race.behind; k++) await pass(16);
  expect(race.lanes[1].steps).toBe(400);
  expect(places(race)[1]).toEqual(places(race)[0]);
  expect(race.name(1)).toBe("Metropolis–Hastings (lane 2)");
  race.remove(1);
  expect(race.of.length).toBe(3);
  race.add();
  race.add();
  expect(race.of.length).toBe(4);
});

test("tempering finds all modes, the others are deceived: the guess is judged and the trap is told", async () => {
  const race = made();
  race.guess = 2;
  await to(race, 6000);
  race.guess = 3; // too late
  expect(race.verdict).toMatch(/^You said HMC; tempering was first: all 25 modes after [\d,]+ evaluations a chain\.$/);
  for (let k = 0; k < 200 && !race.diagnose(performance.now() + 50, 0); k++) await pass(16);
  expect(race.warning).toContain("R-hat is near 1 though modes are missing. All chains sit in one mode");
  expect(race.warning).not.toContain("tempering");
  const [mh, , , pt] = race.lanes;
  expect([mh.found(mh.steps), pt.found(pt.steps)]).toEqual([1, 25]);
  expect(mh.figures?.ess).toBeNaN();
  expect(pt.figures?.ess).toBeGreaterThan(10);
  expect(pt.figures?.rho.length).toBe(LAGS);
  expect(pt.figures?.visits?.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
  expect(pt.figures?.jumps.size).toBeGreaterThan(25);
  race.seek(0);
  expect(race.verdict).toBe("");
});

test("it rests at the end, goes on when it is sent on, and says that none has done it", async () => {
  const race = made();
  race.set(3, { sampler: "ula" });
  race.guess = NONE;
  await to(race, 1e9);
  expect(race.tick).toBe(10_000);
  expect(race.verdict).toMatch(/^As you said: none has found all 25 modes in 10,000 evaluations a chain/);
  race.play(true);
  await pass(100);
  expect(race.tick).toBeGreaterThan(10_000);
  race.play(false);
}, 20_000);

test("chains start where they are told: near the centre, near a point, at exact draws", () => {
  const race = made();
  race.chains = 20;
  const starts = () => race.lanes[0].moment(0).map(({ x }) => [...x]);
  expect(Math.max(...starts().flat().map(Math.abs))).toBeLessThan(1.5);
  race.point = [4, -8];
  expect(race.begin).toBe("point");
  expect(Math.max(...starts().map(([x, y]) => Math.hypot(x - 4, y + 8)))).toBeLessThan(1.5);
  race.begin = "draws";
  for (const at of starts()) expect(CENTRES).toContainEqual(at);
  race.seed = 3;
  expect(race.view).toMatchObject({ chains: 20, begin: "draws", seed: 3 });
});

test("64 chains are the 5 and 59 more, and their figures pause without another result", async () => {
  const few = made();
  few.stride(60);
  const race = made();
  race.chains = 64;
  race.stride(60);
  for (let k = 0; k < 200 && race.behind; k++) await pass(16);
  expect(race.lanes.map(({ many }) => many)).toEqual([64, 64, 64, 64]);
  for (let k = 0; k < 5; k++) expect(race.lanes[1].place(k, 60)).toEqual(few.lanes[1].place(k, 60));
  const [a, b] = [race.lanes[3], new Lane(race.lanes[3].settings, race.lanes[3].ground)];
  b.run(a.steps, 1e12);
  while (!a.diagnose(a.steps, performance.now() + 0.01));
  b.diagnose(b.steps, 1e12);
  expect(a.figures).toEqual(b.figures);
  const twin = made();
  twin.view = JSON.parse(JSON.stringify(race.view));
  expect(twin.chains).toBe(64);
});

test("the fog clears where chains have been, and only from then on", () => {
  const race = made();
  race.stride(50);
  const [lane] = race.lanes;
  const { side } = lane.ground.fog;
  const cell = (x: number, y: number) =>
    lane.seen[Math.floor(((y + 10) / 20) * side) * side + Math.floor(((x + 10) / 20) * side)];
  for (let n = 0; n <= 50; n++) {
    const [x, y] = lane.place(0, n);
    expect(cell(x, y)).toBeGreaterThanOrEqual(0);
    expect(cell(x, y)).toBeLessThanOrEqual(n);
  }
  expect(cell(8, 8)).toBe(-1);
  expect(lane.cleared).toBe([...lane.seen].filter((n) => n >= 0).length);
});

test("a link that asks for what is not there is taken as far as it goes", () => {
  const race = made();
  race.view = {
    lanes: [{ sampler: "hmc", eps: 99, leapfrog: 1000 }, { sampler: "pt" }] as never,
    guess: 3,
    rate: 7,
    chains: 3,
  };
  expect(race.of).toEqual([
    { sampler: "hmc", eps: 10, leapfrog: 100, temperatures: 8 },
    { sampler: "pt", eps: 0.5, leapfrog: 20, temperatures: 8 },
  ]);
  expect([race.guess, race.rate, race.chains]).toEqual([-1, 200, 5]);
});

test("acceptance and swaps count what was tried", () => {
  const race = made();
  race.stride(800);
  const lane = race.lanes[3];
  let [kept, swaps, tried] = [0, 0, 0];
  const again = new Lane(lane.settings, lane.ground);
  for (let n = 1; n <= lane.steps; n++) {
    again.run(n, 1e12);
    for (const chain of again.moment(n)) {
      kept += chain.kept.filter(Boolean).length / 8;
      swaps += chain.swaps.filter(({ accepted }) => accepted).length;
      tried += chain.swaps.length;
    }
  }
  expect(lane.acceptance(lane.steps)).toBeCloseTo(kept / lane.steps / 5, 9);
  expect(lane.swaps(lane.steps)).toBeCloseTo(swaps / tried, 9);
});

const shapingOf = (race: Race) => race.shaping as Shaping;
const trails = (race: Race) => race.lanes.map((lane) => [...lane.places(0).subarray(0, 2 * lane.steps + 2)]);
async function caughtUp(race: Race): Promise<void> {
  for (let k = 0; k < 500 && race.behind; k++) await pass(16);
}

test("a shaped target has its own steps, modes and draws, and all chains begin anew", () => {
  const race = made();
  race.set(0, { eps: 0.9 }); // a person's own
  race.begin = "draws";
  race.stride(200);
  const shaping = shapingOf(race);
  shaping.change(widened(put(shaping.shape, 2, 2, shaping.frame), 2));
  expect([race.tick, race.modes]).toEqual([0, 0]); // too near to be told apart
  shaping.change(widened(shaping.shape, 1.2));
  expect([race.tick, race.modes, race.lanes[0].modes]).toEqual([0, 26, 26]);
  expect(race.of.map(({ eps }) => eps)).toEqual([0.9, 0.48, 0.18, 0.6]);
  const law = race.ground?.target.mixture;
  for (const { x } of race.lanes[0].moment(0)) {
    expect(CENTRES).not.toContainEqual([...x]); // no row of the data
    expect(law?.log(x)).toBeGreaterThan(-20);
  }
  expect(race.ground?.field?.tensors.values?.shape).toEqual([160, 160]);
});

test("what is taken back is bit for bit as it was, the place of the race too", async () => {
  const race = made();
  race.stride(600);
  await caughtUp(race);
  const state = () => ({
    view: JSON.stringify(race.view),
    trails: trails(race),
    law: race.ground?.target.mixture,
    field: race.ground?.field,
  });
  const first = race.ground;
  const states = [state()];
  const shaping = shapingOf(race);
  for (const [x, tick] of [
    [-1, 250],
    [1.5, 90],
  ]) {
    shaping.change(widened(moved(shaping.shape, 12, x, 0.5, shaping.frame), 1 + x / 10));
    race.stride(tick);
    await caughtUp(race);
    states.push(state());
  }
  for (const before of [states[1], states[0]]) {
    shaping.undo();
    await caughtUp(race);
    expect(state()).toEqual(before);
  }
  expect(race.ground).toBe(first);
  expect(shaping.undoes).toBe(false);
  for (const x of [1.1, 1.2, 1.3]) shaping.change(widened(shaping.shape, x), "width"); // by the keys of an arrow: one change
  race.guess = 1; // on the other target, before its start
  shaping.undo();
  expect([race.guess, shaping.undoes, race.ground === first]).toEqual([-1, false, true]);
  shaping.change(put(shaping.shape, 2, 2, shaping.frame));
  shaping.reset();
  expect([shaping.changed, shaping.undoes, race.ground === first]).toEqual([false, true, true]);
});

test("while it is dragged only the picture follows; a drag that comes to nothing leaves the race where it was", () => {
  const race = made();
  race.stride(100);
  const before = [race.view, race.lanes, race.ground];
  const shaping = shapingOf(race);
  shaping.show(moved(shaping.shape, 3, 0, 9, shaping.frame));
  expect([race.tick, race.lanes]).toEqual([100, before[1]]);
  expect(race.ground?.field?.tensors.values?.shape).toEqual([56, 56]);
  shaping.drop();
  expect([race.view, race.lanes, race.ground]).toEqual(before);
  shaping.show(moved(shaping.shape, 3, 0, 9, shaping.frame));
  shaping.settle();
  expect([race.tick, race.view.shape, shaping.undoes]).toEqual([0, [[3, 0, 9]], true]);
});

test("a link has the shaped target, and the same race on it", async () => {
  const race = made();
  const shaping = shapingOf(race);
  shaping.change(widened(put(moved(shaping.shape, 4, 6.1, -7, shaping.frame), 2, 2, shaping.frame), 0.9));
  shaping.on = true;
  race.begin = "draws";
  race.stride(300);
  const twin = made();
  twin.view = JSON.parse(JSON.stringify(race.view));
  await caughtUp(twin);
  expect(twin.view).toEqual(race.view);
  expect(race.view).toMatchObject({
    shape: [
      [4, 6.1, -7],
      [-13, 2, 2],
    ],
    width: 0.9,
    shaping: true,
  });
  expect(race.view.lanes).toBeUndefined(); // at the steps that suit it
  expect(trails(twin)).toEqual(trails(race));
});

test("each jump costs so many evaluations; at other barriers it did, which is kept until a lane is another", async () => {
  const race = made();
  const shaping = shapingOf(race);
  shaping.change(widened(shaping.shape, 2.2));
  race.stride(3000);
  await caughtUp(race);
  const lane = race.lanes[0];
  lane.diagnose(lane.steps, 1e12);
  const jumps = [...(lane.figures?.jumps.values() ?? [])].reduce((a, b) => a + b, 0);
  expect(lane.jumps(lane.steps)).toBe(jumps);
  expect(jumps).toBeGreaterThan(50);
  shaping.change(widened(shaping.shape, 1));
  race.stride(500);
  const { escapes = [] } = race.view;
  expect(escapes[0]).toEqual([
    0,
    Number((13.3333 ** 2 / 4.84 / 8 - Math.log(2)).toFixed(2)),
    Number((15_000 / jumps).toPrecision(3)),
  ]);
  shaping.change(widened(shaping.shape, 1.1));
  expect(race.view.escapes?.find(([i, nats]) => !i && nats > 20)).toEqual([0, 21.53, 2500, 1]); // none in 500 of 5 chains
  race.remove(0);
  expect(race.view.escapes?.map(([i]) => i)).toEqual(
    escapes
      .slice(1)
      .concat(escapes.slice(1))
      .map(([i]) => i - 1),
  );
  race.set(0, { eps: 1 });
  expect(race.view.escapes?.some(([i]) => i === 0)).toBe(false);
  shaping.reset();
  expect(race.view.escapes).toBeUndefined();
});
