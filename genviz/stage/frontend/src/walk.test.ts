import { beforeEach, expect, test, vi } from "vitest";
import { compile } from "./programs";
import { Chance } from "./random";
import { ranges, unranged } from "./ranges";
import { browser, walking } from "./testing";
import type { Layer, Op, Pane, Scene, Tensor } from "./types";
import type { Walk } from "./walk";

const [D, H] = [4, 3];
const chance = new Chance(5).turn(0, 0);
const tensor = (...shape: number[]): Tensor => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, k) => n * k, 1) }, () => 1.5 * chance.noise()),
});
const tensors = new Map([
  ["W", tensor(D, H)],
  ["b", tensor(D)],
  ["c", tensor(H)],
]);
const PROGRAMS: Record<string, Op[]> = {
  gibbs: [
    ["linear", "W", "c", "T"],
    ["put", "input"],
    ["temper"],
    ["sigmoid"],
    ["bernoulli"],
    ["put", "h"],
    ["linear", "W", "b"],
    ["temper"],
    ["sigmoid"],
    ["put", "p"],
    ["bernoulli"],
  ],
  energy: [
    ["linear", "W", "c", "T"],
    ["softplus"],
    ["sum"],
    ["put", "features"],
    ["get", "x"],
    ["dot", "b"],
    ["add", "features"],
    ["affine", 0, -1],
  ],
  says: [["put", "v"], ["linear", "W", "c", "T"], ["sigmoid"], ["put", "h"]],
};
const ROWS = [1, 0, 1, 0, 0, 0, 1, 1];
const zeros = (...shape: number[]): Tensor => ({ shape, data: new Float32Array(shape.reduce((n, k) => n * k, 1)) });
const board = (name: string, layers: Layer[], kind: Pane["kind"] = "images"): Pane => ({ name, kind, layers, walks: "gibbs" });
const SCENE: Scene = {
  panes: [
    { name: "recorded", kind: "images", layers: [] },
    board("board", [{ type: "units", name: "x", paint: true, static: true, tensors: { values: zeros(D) } }]),
    board("hidden", [{ type: "units", name: "h", static: true, tensors: { values: zeros(H) } }]),
    board("chains", [{ type: "images", name: "p", static: true, tensors: { pixels: zeros(2, 2, 2) } }]),
    board("rows", [
      {
        type: "images",
        name: "rows",
        role: "data",
        static: true,
        tensors: { pixels: { data: Float32Array.from(ROWS), shape: [2, 2, 2] } },
      },
    ]),
    board("change", [
      { type: "images", name: "data says", diverging: 1, static: true, tensors: { pixels: zeros(H, 2, 2) } },
      { type: "images", name: "difference", diverging: 1, static: true, tensors: { pixels: zeros(H, 2, 2) } },
    ]),
    board(
      "visits",
      [
        { type: "bars", name: "states", static: true, tensors: { values: zeros(16) } },
        {
          type: "numbers",
          name: "distance",
          static: true,
          rows: [
            ["tv", 0, "", ""],
            ["visits", 0, "", ""],
          ],
          tensors: {},
        },
      ],
      "bars",
    ),
  ],
  programs: PROGRAMS,
  latent: 0,
  shape: [2, 2],
  controls: [],
  actions: ["learn_once"],
};

const walker = () => walking(SCENE, tensors);
const values = (walk: Walk, key: string) => {
  const layer = walk.around()?.a.layers[key] as { tensors: Record<string, Tensor> };
  return [...Object.values(layer.tensors)[0].data];
};
const sweeps = (walk: Walk, n: number) => walk.send("step", { n });
beforeEach(browser);

test("the panes are those of its program, and the state is the first frame", () => {
  const { walk } = walker();
  expect(walk.scene?.panes.map(({ name }) => name)).toEqual(["board", "hidden", "chains", "rows", "change", "visits"]);
  expect(walk.frames).toHaveLength(1);
  expect(new Set(values(walk, "board/x"))).toEqual(new Set([0, 1]));
});

test("a sweep is one call of the program, with chance of its own for each chain and sweep", async () => {
  const { walk } = walker();
  const before = Float32Array.from(values(walk, "board/x"));
  await sweeps(walk, 1);
  const program = compile(PROGRAMS.gibbs, tensors);
  const at = new Chance(0).turn(0, 1);
  expect(values(walk, "board/x")).toEqual([...program(before, { beta: 1, uniform: at.uniform })]);
  expect(values(walk, "hidden/h")).toEqual([...(program.registers.get("h") ?? [])]);
  for (const [i, p] of (program.registers.get("p") ?? []).entries()) expect(values(walk, "chains/p")[i]).toBeCloseTo(p, 2);
  expect(walk.metrics.get("energy")?.steps).toEqual([0, 1]);
});

test("units and layers come to the same sweeps; a seed comes to the same path", async () => {
  const { walk } = walker();
  await sweeps(walk, 5);
  const path = walk.frames.map((frame) => (frame.layers["board/x"] as { tensors: { values: Tensor } }).tensors.values.data);
  for (const [grain, count] of [
    ["layer", 10],
    ["unit", 5 * (D + H)],
  ] as const) {
    walk.start("noise");
    walk.grain = grain;
    for (let i = 0; i < count; i++) await sweeps(walk, 1);
    if (grain === "unit") await sweeps(walk, 1); // a unit is told in moments, which the next step cuts short
    const again = walk.frames.map((frame) => (frame.layers["board/x"] as { tensors: { values: Tensor } }).tensors.values.data);
    expect(again.slice(0, 6)).toEqual(path);
  }
  walk.grain = "sweep";
  walk.seed = 1;
  await sweeps(walk, 5);
  expect(walk.frames.map((frame) => frame.layers["board/x"])).not.toEqual(path);
});

test("a layer in part shows the units that have been updated and the others as they were", async () => {
  const { walk } = walker();
  await sweeps(walk, 3);
  const old = values(walk, "board/x");
  walk.grain = "layer";
  await sweeps(walk, 1);
  expect(values(walk, "board/x")).toEqual(old); // only the hidden ones have moved
  expect(walk.frames).toHaveLength(4);
  await sweeps(walk, 1);
  expect(walk.frames).toHaveLength(5);
});

test("what is held stays, in every chain, and is kept in a few letters", async () => {
  const { walk } = walker();
  walk.paint(0, 1);
  walk.paint(1, 1);
  walk.paint(3, 0);
  expect(values(walk, "board/x")[0]).toBe(1);
  expect(walk.view.clamp).toBe("0-1+,3-");
  for (let i = 0; i < 20; i++) {
    await sweeps(walk, 1);
    const p = values(walk, "chains/p");
    for (let k = 0; k < walk.chains; k++) expect([p[4 * k], p[4 * k + 1], p[4 * k + 3]]).toEqual([1, 1, 0]);
    const x = values(walk, "board/x");
    expect([x[0], x[1], x[3]]).toEqual([1, 1, 0]);
  }
  walk.free();
  expect(walk.view.clamp).toBeUndefined();
});

test.each(["", "0+", "0-1+,3-", "2-3-"])("%j is read as it was written", (text) => {
  const clamp = new Float32Array(4).fill(Number.NaN);
  unranged(text, clamp);
  expect(ranges(clamp)).toBe(text);
});

test("a link brings back chains, temperature, seed and what is held", () => {
  const { walk } = walker();
  const view = { chains: 4, seed: 9, temperature: 2, grain: "layer", begin: "data", clamp: "1+" } as const;
  walk.view = view;
  expect(walk.view).toEqual(view);
  expect(values(walk, "board/x")).toEqual([1, 1, 1, 0]); // the first row, and what is held
});

test("so many sweeps from the data, and no more", () => {
  const { walk, source } = walker();
  source.selection = 1;
  walk.sweeps(3);
  expect(values(walk, "board/x")).toEqual(ROWS.slice(4));
  const { move } = walk as unknown as { move(ms: number): void };
  for (let i = 0; i < 60 && walk.playing; i++) move.call(walk, 100);
  expect(walk.playing).toBe(false);
  expect(walk.frames.at(-1)?.step).toBe(3);
});

test("the past can be seen again, and playing goes on from there to the end and beyond", async () => {
  const { walk } = walker();
  await sweeps(walk, 30);
  const tenth = walk.frames[10].layers["board/x"];
  walk.seek(10.4);
  expect(walk.around()?.a.layers["board/x"]).toBe(tenth);
  walk.play(true);
  const { move } = walk as unknown as { move(ms: number): void };
  for (let i = 0; i < 40; i++) move.call(walk, 100);
  expect(walk.frames.at(-1)?.step).toBeGreaterThan(35);
  expect(walk.following).toBe(true);
});

test("older sweeps thin out, the first and the newest stay", async () => {
  const { walk } = walker();
  await sweeps(walk, 5000);
  expect(walk.frames.length).toBeLessThanOrEqual(2000);
  const steps = walk.frames.map(({ step }) => step);
  expect(steps[0]).toBe(0);
  expect(steps.slice(-900)).toEqual(Array.from({ length: 900 }, (_, i) => 4101 + i));
  expect(steps).toEqual([...steps].sort((a, b) => a - b));
});

test("the states visited come to have the exact shares", async () => {
  const { walk } = walker();
  walk.chains = 20;
  const exact = values(walk, "visits/states");
  expect(exact.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  expect(walk.around()?.a.layers["visits/states"].tensors).not.toHaveProperty("marks"); // nothing was visited yet
  const distance = () => {
    const layer = walk.around()?.a.layers["visits/distance"];
    return layer?.type === "numbers" ? layer.rows : [];
  };
  await sweeps(walk, 20);
  const early = distance()[0][1];
  await sweeps(walk, 1500);
  expect(distance()[1][1]).toBe(20 * 1520);
  expect(distance()[0][1]).toBeLessThan(0.03); // √(16 / 2π · 30,400), times the correlation of the chain
  expect(distance()[0][1]).toBeLessThan(early);
});

test("while something is clamped, all states are those that agree with it; a hotter chain is compared with nothing", async () => {
  const { walk } = walker();
  walk.chains = 20;
  walk.paint(0, 1);
  await sweeps(walk, 1500);
  const exact = values(walk, "visits/states");
  expect(exact.slice(0, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]); // the first unit is the highest bit
  expect(exact.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  const told = () => {
    const layer = walk.around()?.a.layers["visits/distance"];
    return layer?.type === "numbers" ? layer.rows.map(([, value]) => value) : [];
  };
  expect(told()[0]).toBeLessThan(0.03);
  walk.temperature = 2;
  await sweeps(walk, 10);
  expect(told()).toEqual([200]);
});

test("what data and dream say about the weights, and what is learnt once from them", async () => {
  const { walk, sent } = walker();
  await sweeps(walk, 2);
  const x = values(walk, "board/x");
  const up = (v: number[]) =>
    Array.from(
      { length: H },
      (_, j) =>
        1 /
        (1 +
          Math.exp(-v.reduce((s, on, i) => s + on * (tensors.get("W")?.data[i * H + j] ?? 0), tensors.get("c")?.data[j] ?? 0))),
    );
  const data = ROWS.slice(0, 4);
  const [p0, p] = [up(data), up(x)];
  const said = values(walk, "change/data says");
  const left = values(walk, "change/difference");
  for (let j = 0; j < H; j++)
    for (let i = 0; i < D; i++) {
      expect(said[j * D + i]).toBeCloseTo(0.5 + (data[i] * p0[j]) / 2, 5);
      expect(left[j * D + i]).toBeCloseTo(0.5 + (data[i] * p0[j] - x[i] * p[j]) / 2, 5);
    }
  expect(walk.learning).toBe("ready");
  expect(await walk.learn()).toBe("");
  expect(sent).toEqual([["edit", { verb: "learn_once", args: { data, dream: x } }]]);
});

// ---------------------------------------------------------------- states longer than a row

const [V, HID] = [4, 2];
const N = V + HID;
const links: Tensor = { shape: [N, N], data: new Float32Array(N * N) };
for (let i = 0; i < N; i++)
  for (let j = 0; j < i; j++) links.data[i * N + j] = links.data[j * N + i] = Math.fround(1.5 * chance.noise());
const linked = new Map([
  ["W", links],
  ["b", tensor(N)],
  ["half", { shape: [N, N], data: Float32Array.from(links.data, (w) => -w / 2) }],
]);
const WHOLE: Record<string, Op[]> = {
  gibbs: [
    ["sweep", "W", "b"],
    ["put", "s"],
    ["slice", V, N],
    ["put", "h"],
    ["get", "s"],
  ],
  energy: [
    ["linear", "half"],
    ["dot", "x"],
    ["put", "pairs"],
    ["get", "x"],
    ["dot", "b"],
    ["affine", 0, -1],
    ["add", "pairs"],
  ],
};

function whole() {
  const panes: Pane[] = [
    board("board", [{ type: "units", name: "x", paint: true, first: 0, static: true, tensors: { values: zeros(V) } }]),
    board("hidden", [{ type: "units", name: "h", paint: true, first: V, static: true, tensors: { values: zeros(HID) } }]),
    ...SCENE.panes.filter(({ name }) => ["rows", "visits"].includes(name)),
    board("change", [
      { type: "images", name: "data says", diverging: 1, static: true, tensors: { pixels: zeros(1, N, N) } },
      { type: "images", name: "dream says", diverging: 1, static: true, tensors: { pixels: zeros(1, N, N) } },
    ]),
  ];
  return walking({ ...SCENE, panes, programs: WHOLE }, linked);
}
const energyOf = (s: ArrayLike<number>) => compile(WHOLE.energy, linked)(Float32Array.from(s))[0];
const state = (walk: Walk) => [...values(walk, "board/x"), ...values(walk, "hidden/h")];

test("what is hidden in a state is on its own board, and a unit is one step", async () => {
  const { walk } = whole();
  expect(walk.grains).toEqual(["unit", "sweep"]);
  walk.grain = "unit";
  const seen: number[][] = [state(walk)];
  for (let k = 0; k < N; k++) {
    await walk.send("step", { n: 1 }); // the step before it is done at once
    seen.push(state(walk));
  }
  for (let k = 1; k < seen.length; k++) {
    const turned = seen[k].reduce((n, bit, i) => n + Number(bit !== seen[k - 1][i]), 0);
    expect(turned).toBeLessThanOrEqual(1);
  }
});

test("hidden units are held as well, and the exact bars are those of rows that agree", async () => {
  const { walk } = whole();
  walk.paint(V, 1);
  walk.paint(0, 0);
  for (let k = 0; k < 60; k++) {
    await sweeps(walk, 1);
    expect([state(walk)[0], state(walk)[V]]).toEqual([0, 1]);
  }
  const p = values(walk, "visits/states");
  const exact = new Array(1 << V).fill(0);
  for (let k = 0; k < 1 << N; k++) {
    const s = Array.from({ length: N }, (_, i) => (k >> (N - 1 - i)) & 1);
    if (s[V] === 1 && s[0] === 0) exact[k >> HID] += Math.exp(-energyOf(s));
  }
  const z = exact.reduce((a, b) => a + b);
  for (const [k, share] of exact.entries()) expect(p[k]).toBeCloseTo(share / z, 5);
});

test("what is painted without being held, the chain may change", async () => {
  const { walk } = whole();
  walk.temperature = 4;
  walk.paint(1, 1, false);
  expect(state(walk)[1]).toBe(1);
  const seen = new Set<number>();
  for (let k = 0; k < 60; k++) {
    await sweeps(walk, 1);
    seen.add(state(walk)[1]);
  }
  expect(seen.size).toBe(2);
});

test("at temperature 0 the energy only falls, also within a sweep", async () => {
  const { walk } = whole();
  walk.temperature = 0;
  await sweeps(walk, 5);
  const { steps, values: energies } = walk.metrics.get("energy") as { steps: number[]; values: number[] };
  expect(steps.length).toBeGreaterThan(6);
  for (let k = 1; k < energies.length; k++) {
    expect(steps[k]).toBeGreaterThan(steps[k - 1]);
    expect(energies[k]).toBeLessThanOrEqual(energies[k - 1] + 1e-4);
  }
});

test("of data a share is flipped, and what is hidden begins as the model guesses it", () => {
  const { walk, source } = whole();
  source.selection = 0;
  walk.start("data");
  expect(values(walk, "board/x")).toEqual(ROWS.slice(0, V));
  let turned = 0;
  for (let seed = 0; seed < 200; seed++) {
    walk.seed = seed;
    walk.flips = 0.25;
    turned += values(walk, "board/x").reduce((n, bit, i) => n + Number(bit !== ROWS[i]), 0);
  }
  expect(turned / (200 * V)).toBeGreaterThan(0.18);
  expect(turned / (200 * V)).toBeLessThan(0.32);
  expect(walk.view).toMatchObject({ flips: 0.25, begin: "data" });
});

test("data and dream each say which pairs are on together, hidden units averaged over", () => {
  const { walk, source } = whole();
  source.selection = 1;
  walk.start("data");
  const says = values(walk, "change/data says");
  const row = ROWS.slice(V, 2 * V);
  let [z, both] = [0, 0];
  for (let k = 0; k < 1 << HID; k++) {
    const h = [(k >> 1) & 1, k & 1];
    const weight = Math.exp(-energyOf([...row, ...h]));
    z += weight;
    both += weight * row[3] * h[1];
  }
  expect(says[3 * N + V + 1]).toBeCloseTo(0.5 + both / z / 2, 4);
  expect(says[2 * N + 2]).toBe(0.5); // no unit is linked with itself
});

test("of a state longer than a row the dream that is learnt from is the row", async () => {
  const { walk, source, sent } = whole();
  source.selection = 1;
  await sweeps(walk, 1);
  expect(await walk.learn()).toBe("");
  expect(sent).toEqual([
    ["edit", { verb: "learn_once", args: { data: ROWS.slice(V, 2 * V), dream: values(walk, "board/x") } }],
  ]);
});

test("the line names the weights that a state was walked with, and says so where others would be taken now", async () => {
  const { walk, source } = walker();
  const program = source.program("gibbs");
  await sweeps(walk, 1);
  expect(walk.words).toMatch(/weights of step 8$/);
  source.keyframe = () => 16;
  expect(walk.words).toMatch(/weights of step 8 · step or play fetches those of step 16$/);
  const fetched = vi.spyOn(source, "attend");
  await sweeps(walk, 1);
  expect(fetched).toHaveBeenCalledOnce();
  if (program) program.of = 16; // they have come
  expect(walk.words).toMatch(/weights of step 8 · the next sweep has those of step 16$/);
});

test("what became of a unit is told though its light stays as it was, until the next sweep", async () => {
  vi.useFakeTimers();
  const { walk } = walker();
  walk.grain = "unit";
  await sweeps(walk, 1);
  vi.advanceTimersByTime(2000);
  expect(walk.words).toMatch(/^sweep 0 · unit 1: the light (stays|goes) (on|off) · energy/);
  await sweeps(walk, 2); // the second one cuts the first short
  expect(walk.words).toMatch(/^sweep 0 · unit 2: the light (stays|goes) (on|off) · energy/);
  walk.grain = "sweep";
  await sweeps(walk, 1);
  expect(walk.words).toMatch(/^sweep 1 · energy/);
  vi.useRealTimers();
});

test("an update that was asked for is on its way until the run tells of it, or refuses", async () => {
  const { walk, source } = walker();
  walk.start("data");
  await walk.learn();
  expect(walk.words).toContain("the update is on its way…");
  source.edits.push({ step: 9, verb: "learn_once", args: {} } as (typeof source.edits)[number]);
  expect(walk.words).toContain("taught once");
  const again = walk.learn();
  expect(walk.words).toContain("on its way"); // the second one
  source.send = async () => "no";
  expect(await walk.learn()).toBe("no");
  await again;
  source.edits.push(source.edits[0]);
  expect(walk.words).toContain("taught 2 times");
});

test("new weights that come at rest are those of what is shown: figures of others are not beside theirs", async () => {
  const { walk, renew } = walker();
  await sweeps(walk, 3);
  const [state, before] = [values(walk, "board/x"), walk.metrics.get("energy")?.values.at(-1) ?? 0];
  const others = new Map([...tensors].map(([name, { shape }]) => [name, tensor(...shape)]));
  renew(others, 16);
  const energy = compile(PROGRAMS.energy, others)(Float32Array.from(state))[0];
  expect(energy).not.toBeCloseTo(before, 3);
  expect(walk.metrics.get("energy")).toMatchObject({ steps: [3], values: [energy] });
  expect([walk.frames.length, values(walk, "board/x")]).toEqual([4, state]);
  expect(walk.words).toMatch(/weights of step 16$/);
});
