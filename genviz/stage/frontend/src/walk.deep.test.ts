// The walk of a machine of several layers with a class: a state x, h1, label, whose top units h are drawn anew in every sweep.
import { beforeEach, expect, test, vi } from "vitest";
import { Exact } from "./machine";
import { compile } from "./programs";
import { Chance } from "./random";
import { browser, walking } from "./testing";
import type { Layer, Op, Pane, Scene, Tensor } from "./types";
import type { Walk } from "./walk";

const [V, H1, CLASSES, TOP] = [4, 3, 2, 2];
const [LABEL, N] = [V + H1, V + H1 + CLASSES];
const chance = new Chance(8).turn(0, 0);
const tensor = (...shape: number[]): Tensor => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, k) => n * k, 1) }, () => 1.5 * chance.noise()),
});
const zeros = (...shape: number[]): Tensor => ({ shape, data: new Float32Array(shape.reduce((n, k) => n * k, 1)) });
const tensors = new Map([
  ["0.W", tensor(V, H1)],
  ["0.b", tensor(V)],
  ["0.c", tensor(H1)],
  ["1.W", tensor(H1 + CLASSES, TOP)],
  ["1.b", tensor(H1 + CLASSES)],
  ["1.c", tensor(TOP)],
  ["pairs", tensor(N, N)],
  ["there", { shape: [1], data: Float32Array.of(1) }],
]);
const rise: Op[] = [
  ["put", "x"],
  ["linear", "0.W", "0.c", "T"],
  ["sigmoid"],
  ["put", "h1"],
  ["slice", 0, 1],
  ["affine", 1 / CLASSES, 0],
  ["put", "y"],
  ["concat", "y", "y"],
  ["put", "label"],
  ["concat", "x", "h1", "label"],
];
const DEEP: Record<string, Op[]> = {
  gibbs: [
    ["slice", V, N],
    ["linear", "1.W", "1.c", "T"],
    ["temper"],
    ["sigmoid"],
    ["affine", 0, "there"],
    ["bernoulli"],
    ["put", "h"],
    ["linear", "1.W", "1.b"],
    ["put", "both"],
    ["slice", H1, H1 + CLASSES],
    ["temper"],
    ["softmax"],
    ["choose", LABEL],
    ["put", "label"],
    ["get", "both"],
    ["slice", 0, H1],
    ["temper"],
    ["sigmoid"],
    ["affine", 0, "there"],
    ["bernoulli"],
    ["put", "h1"],
    ["linear", "0.W", "0.b"],
    ["temper"],
    ["sigmoid"],
    ["put", "p"],
    ["bernoulli"],
    ["put", "x"],
    ["concat", "x", "h1", "label"],
  ],
  energy: [
    ["linear", "pairs"],
    ["dot", "x"],
  ],
  says: [["put", "v"], ["linear", "0.W", "0.c", "T"], ["sigmoid"], ["put", "h"]],
  rise,
  look: [["slice", 0, V], ...rise],
};
const ROWS = [1, 0, 1, 0, 0, 0, 1, 1];
const pane = (name: string, kind: Pane["kind"], ...layers: Layer[]): Pane => ({ name, kind, layers, walks: "gibbs" });
const units = (name: string, count: number, first: number): Layer => ({
  type: "units",
  name,
  paint: true,
  first,
  static: true,
  tensors: { values: zeros(count) },
});
const SCENE: Scene = {
  panes: [
    pane("board", "images", units("x", V, 0)),
    pane("hidden", "images", units("h", TOP, -1)),
    pane("h1", "images", units("h1", H1, V)),
    pane("label", "images", units("label", CLASSES, LABEL)),
    pane("chains", "images", { type: "images", name: "p", static: true, tensors: { pixels: zeros(2, 2, 2) } }),
    pane("rows", "images", {
      type: "images",
      name: "rows",
      role: "data",
      static: true,
      tensors: { pixels: { data: Float32Array.from(ROWS), shape: [2, 2, 2] } },
    }),
    pane(
      "visits",
      "bars",
      { type: "bars", name: "states", static: true, tensors: { values: zeros(1 << V) } },
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
    ),
  ],
  programs: DEEP,
  latent: 0,
  shape: [2, 2],
  controls: [],
  actions: ["learn_once"],
};

const deep = () => walking(SCENE, tensors);
const layer = (walk: Walk, key: string) => walk.around()?.a.layers[key] as Layer & { tensors: Record<string, Tensor> };
const values = (walk: Walk, key: string) => [...Object.values(layer(walk, key).tensors)[0].data];
const state = (walk: Walk) => [...values(walk, "board/x"), ...values(walk, "h1/h1"), ...values(walk, "label/label")];
const sweeps = (walk: Walk, n: number) => walk.send("step", { n });
const sum = (all: number[]) => all.reduce((a, b) => a + b, 0);

beforeEach(browser);

test("unit by unit, a class counting as one, and layer by layer it comes to the same sweep", async () => {
  const whole = deep().walk;
  const begun = state(whole);
  await sweeps(whole, 1);
  for (const [grain, steps] of [
    ["unit", TOP + 1 + H1 + V],
    ["layer", 4],
  ] as const) {
    const { walk } = deep();
    expect(walk.grains).toContain(grain);
    walk.grain = grain;
    expect(state(walk)).toEqual(begun);
    let before = [...state(walk), ...values(walk, "hidden/h")];
    for (let k = 1; k <= steps; k++) {
      expect(walk.frames.at(-1)?.step).toBe(0);
      await sweeps(walk, 1);
      if (grain === "unit") vi.advanceTimersByTime(1500); // until its light has changed
      if (k < (grain === "unit" ? steps - V + 1 : steps)) expect(state(walk).slice(0, V)).toEqual(begun.slice(0, V)); // the last
      const now = [...state(walk), ...values(walk, "hidden/h")];
      if (grain === "unit") expect(now.filter((bit, i) => bit !== before[i]).length).toBeLessThanOrEqual(2);
      before = now;
    }
    expect(walk.frames.at(-1)?.step).toBe(1);
    expect(state(walk)).toEqual(state(whole));
    expect(values(walk, "hidden/h")).toEqual(values(whole, "hidden/h"));
  }
});

test("slow motion tells every coin of a sweep, each of its own board, with numbers that are numbers", async () => {
  const { walk } = deep();
  walk.slow = true;
  const told: string[] = [];
  const boards = new Set<string>();
  for (let k = 0; k < 100 && walk.frames.at(-1)?.step === 0; k++) {
    await sweeps(walk, 1);
    for (let phase = 0; phase < 3; phase++) {
      told.push(walk.moment?.caption ?? "");
      boards.add(walk.spot?.board ?? "");
      vi.advanceTimersByTime(500);
    }
  }
  expect(walk.frames.at(-1)?.step).toBe(1);
  expect([...boards].sort()).toEqual(["h", "h1", "label", "x"]);
  expect(told).toHaveLength(3 * (TOP + 1 + H1 + V));
  for (const words of told) expect(words).toMatch(/^\S.*[^:]$/);
  expect(told.join()).not.toMatch(/∞|NaN|undefined/);
  expect(told).toContain("One of them is drawn, by its share");
});

test("what is hidden stands at the beginning as the state has it", () => {
  const { walk, source } = deep();
  source.selection = 0;
  for (let seed = 0; seed < 20; seed++) {
    walk.seed = seed;
    walk.start("data");
    const [h1, label] = [values(walk, "h1/h1"), values(walk, "label/label")];
    expect(h1).toEqual([...h1.keys()].map((i) => walk.stands(V + i)));
    expect(label).toEqual([...label.keys()].map((i) => walk.stands(LABEL + i)));
    expect(sum(label)).toBe(1);
    expect(values(walk, "chains/p").slice(0, V)).toEqual(values(walk, "board/x"));
  }
});

test("one class is held at a time, whatever else is held, and is freed again", async () => {
  const { walk } = deep();
  const classes = () => values(walk, "label/label").join("");
  walk.paint(LABEL, 1);
  walk.paint(LABEL + 1, 1);
  expect([...walk.clamp.subarray(LABEL)]).toEqual([Number.NaN, 1]);
  walk.paint(2, 1);
  for (let k = 0; k < 60; k++) {
    expect(classes()).toBe("01");
    await sweeps(walk, 1);
  }
  walk.paint(LABEL + 1, 0);
  expect(walk.clamp.subarray(LABEL).every(Number.isNaN)).toBe(true);
  walk.paint(2, Number.NaN);
  const seen = new Set<string>();
  for (let k = 0; k < 200; k++) {
    await sweeps(walk, 1);
    seen.add(classes());
  }
  expect([...seen].sort()).toEqual(["01", "10"]);
});

test("the exact bars sum over states with one class on; a dream round held pixels is compared with nothing", async () => {
  const { walk } = deep();
  const energy = compile(DEEP.energy, tensors);
  const law = (asked: (s: number[]) => boolean) => {
    const p = new Array(1 << V).fill(0);
    for (let k = 0; k < 1 << N; k++) {
      const s = Array.from({ length: N }, (_, i) => (k >> (N - 1 - i)) & 1);
      if (sum(s.slice(LABEL)) === 1 && asked(s)) p[k >> (N - V)] += Math.exp(-energy(Float32Array.from(s))[0]);
    }
    const z = sum(p);
    return p.map((share) => share / z);
  };
  const close = (asked: (s: number[]) => boolean) => {
    const [p, exact] = [values(walk, "visits/states"), law(asked)];
    for (const [k, share] of exact.entries()) expect(p[k]).toBeCloseTo(share, 5);
  };
  const figures = () => (layer(walk, "visits/distance") as unknown as { rows: unknown[] }).rows.length;
  await sweeps(walk, 20);
  close(() => true);
  expect(figures()).toBe(2);
  walk.paint(LABEL, 1);
  await sweeps(walk, 20);
  close((s) => s[LABEL] === 1);
  expect(figures()).toBe(2);
  walk.paint(0, 1);
  await sweeps(walk, 20);
  close((s) => s[LABEL] === 1 && s[0] === 1);
  expect(figures()).toBe(1);
});

test("what is learnt is the chosen row, and the dream that is on the screen", async () => {
  const { walk, source, sent } = deep();
  source.selection = 1;
  walk.start("data");
  await sweeps(walk, 6);
  const shown = walk.frames.map((_, step) => {
    walk.seek(step);
    return values(walk, "board/x");
  });
  const step = shown.findIndex((x) => x.join() !== shown[6].join());
  walk.seek(step);
  source.selection = 0;
  expect(await walk.learn()).toBe("");
  expect(sent).toEqual([["edit", { verb: "learn_once", args: { data: ROWS.slice(0, V), dream: shown[step] } }]]);
});

test("a long list of states is made bit by bit, and the one of older weights is shown meanwhile", () => {
  vi.stubGlobal("requestAnimationFrame", (next: () => void) => next());
  const bits = 14;
  const weights = new Map([["w", tensor(bits)]]);
  const law = compile([["dot", "w"]], weights);
  const { exact, fill, told } = listing(bits);
  exact.renew(law);
  expect(fill()).toBeNull();
  for (let k = 0; k < 2; k++) expect(fill()).toBeNull();
  const first = fill();
  expect(first && sum([...first])).toBeCloseTo(1, 3);
  weights.set("w", tensor(bits));
  exact.renew(compile([["dot", "w"]], weights));
  for (let k = 0; k < 3; k++) expect(fill()).toEqual(first);
  expect(fill()).not.toEqual(first);
  expect(told).toEqual([false, false, false, true, false, false, false, true]);
});

test("equilibrium is that of the newest weights and of what is held, or none is told", () => {
  vi.stubGlobal("requestAnimationFrame", (next: () => void) => next());
  const bits = 13; // more than are listed at a time
  const law = (cost: number) =>
    compile([["dot", "w"]], new Map([["w", { shape: [bits], data: new Float32Array(bits).fill(cost) }]]));
  const { exact, asked } = listing(bits);
  exact.spreads = true;
  const rows = ["chains", "equilibrium", "low"].map((name): [string, number, string, string] => [name, 0, "", ""]);
  const told = (heat = 1) => {
    const filled = exact.fill({ type: "numbers", name: "levels", tensors: {}, rows }, { ...asked, heat });
    return filled?.type === "numbers" ? filled.rows.map(([, value]) => value) : [];
  };
  const mean = (cost: number, free = bits, heat = 1) => (free * cost) / (1 + Math.exp(cost / heat));
  const visited = [new Float32Array(bits).fill(1)];
  for (const cost of [1, 2]) {
    exact.renew(law(cost));
    exact.visit(visited, bits);
    expect(told()).toEqual([bits * cost]); // the list is in the making: nothing of older weights
    const [own, equilibrium, low] = told();
    expect([own, low]).toEqual([bits * cost, 0]);
    expect(equilibrium).toBeCloseTo(mean(cost), 6);
  }
  expect(told(3)[1]).toBeCloseTo(mean(2, bits, 3), 6);
  asked.clamp[0] = 1;
  expect(told()[1]).toBeCloseTo(2 + mean(2, bits - 1), 6);
});

function listing(bits: number) {
  const told: boolean[] = [];
  const exact = new Exact((whole) => told.push(whole));
  const states: Layer = { type: "bars", name: "states", tensors: { values: zeros(1 << bits) } };
  const asked = { fair: true, heat: 1, clamp: new Float32Array(bits).fill(Number.NaN), size: bits, groups: [] };
  return {
    exact,
    asked,
    told,
    fill: () => (exact.fill(states, asked)?.tensors as Record<string, Tensor> | undefined)?.values.data ?? null,
  };
}
