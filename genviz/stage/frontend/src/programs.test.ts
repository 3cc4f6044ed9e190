import { expect, test } from "vitest";
import { compile } from "./programs";
import type { Op, Tensor } from "./types";

let seed = 1;
const uniform = () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 31 - 1;
};
const tensor = (...shape: number[]): Tensor => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((n, k) => n * k, 1) }, uniform),
});
const tensors = new Map([
  ["w", tensor(5, 7)],
  ["v", tensor(9, 5)],
  ["u", tensor(7, 5)],
  ["b", tensor(5)],
  ["scale2", { shape: [3, 1], data: Float32Array.of(0, 10, 100) }],
  ["v2", { shape: [1], data: Float32Array.of(4) }],
  ["shift", tensor(7)],
  ["scale", tensor(7)],
]);
const numbers = (name: string) => tensors.get(name)?.data ?? [];

const NAIVE: [Op, (x: number[]) => number[]][] = [
  [
    ["linear", "w", "b"],
    (x) => Array.from({ length: 5 }, (_, o) => x.reduce((s, v, i) => s + numbers("w")[o * 7 + i] * v, numbers("b")[o])),
  ],
  [["linear", "w"], (x) => Array.from({ length: 5 }, (_, o) => x.reduce((s, v, i) => s + numbers("w")[o * 7 + i] * v, 0))],
  [["relu"], (x) => x.map((v) => (v + Math.abs(v)) / 2)],
  [["leakyrelu", 0.2], (x) => x.map((v) => (v < 0 ? 0.2 * v : v))],
  [["tanh"], (x) => x.map((v) => 1 - 2 / (Math.exp(2 * v) + 1))],
  [["silu"], (x) => x.map((v) => v / (1 + Math.exp(-v)))],
  [["sigmoid"], (x) => x.map((v) => 1 / (1 + Math.exp(-v)))],
  [["softplus"], (x) => x.map((v) => Math.log(1 + Math.exp(v)))],
  [["affine", "shift", "scale"], (x) => x.map((v, i) => v * numbers("scale")[i] + numbers("shift")[i])],
  [["affine", 0.5, 2], (x) => x.map((v) => v * 2 + 0.5)],
  [
    ["linear", "u", "b", "T"],
    (x) => Array.from({ length: 5 }, (_, o) => x.reduce((s, v, i) => s + numbers("u")[i * 5 + o] * v, numbers("b")[o])),
  ],
  [
    ["linear", "u", "", "T"],
    (x) => Array.from({ length: 5 }, (_, o) => x.reduce((s, v, i) => s + numbers("u")[i * 5 + o] * v, 0)),
  ],
  [["clamp", -1, 2], (x) => x.map((v) => (v < -1 ? -1 : v > 2 ? 2 : v))],
  [
    ["sincos", "w"],
    (x) => {
      const angles = Array.from({ length: 5 }, (_, o) => x.reduce((s, v, i) => s + numbers("w")[o * 7 + i] * v, 0));
      return [...angles.map((v) => Math.cos(v - Math.PI / 2)), ...angles.map(Math.cos)];
    },
  ],
  [["sum"], (x) => [x.reduce((s, v) => s + v, 0)]],
  [["dot", "shift"], (x) => [x.reduce((s, v, i) => s + v * numbers("shift")[i], 0)]],
  [["add", "shift"], (x) => x.map((v, i) => v + numbers("shift")[i])],
  [["mul", "x"], (x) => x.map((v) => v * v)],
  [["mul", 3], (x) => x.map((v) => v * 3)],
  [["slice", 2, 5], (x) => x.slice(2, 5)],
  [["concat", "x", "x"], (x) => [...x, ...x]],
  [["get", "x"], (x) => x],
  [["temper"], (x) => x],
  [["softmax"], (x) => x.map((v) => Math.exp(v) / x.reduce((s, u) => s + Math.exp(u), 0))],
  [["logsumexp"], (x) => [Math.log(x.reduce((s, v) => s + Math.exp(v), 0))]],
];

test.each(NAIVE)("%j is what it says, on 100 inputs", (op, naive) => {
  const program = compile([op], tensors);
  for (let round = 0; round < 100; round++) {
    const x = Float32Array.from({ length: 7 }, () => 5 * uniform());
    const kept = x.slice();
    const want = naive([...x]);
    const got = program(x);
    expect(got).toHaveLength(want.length);
    for (const [i, value] of want.entries())
      expect(Math.abs(got[i] - value)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(value)));
    expect(x).toEqual(kept); // the caller's code is left alone
  }
});

test("operations follow each other, in buffers made once", () => {
  const program = compile(
    [["affine", "shift", "scale"], ["linear", "w", "b"], ["tanh"], ["linear", "v"], ["sigmoid"]],
    tensors,
  );
  const stages = [["affine", "shift", "scale"], ["linear", "w", "b"], ["tanh"], ["linear", "v"], ["sigmoid"]].map((op) =>
    compile([op as Op], tensors),
  );
  const x = tensor(7).data as Float32Array;
  const first = program(x);
  expect([...first]).toEqual([...stages.reduce((y, stage) => stage(y), x)]);
  expect(program(x)).toBe(first);
});

test.each<[Op]>([[["linear", "w", "b"]], [["linear", "u", "b", "T"]]])("%j of bits is that of numbers", (op) => {
  const program = compile([op], tensors);
  const basis = Array.from({ length: 8 }, (_, k) =>
    program(Float32Array.from({ length: 7 }, (_, i) => Number(i === k))).slice(),
  );
  const bias = basis[7]; // of nothing but zeros
  for (let bits = 0; bits < 128; bits++) {
    const x = Float32Array.from({ length: 7 }, (_, i) => (bits >> i) & 1);
    const want = bias.map((b, o) => x.reduce((s, on, i) => s + on * (basis[i][o] - b), b));
    for (const [o, value] of program(x).entries()) expect(value).toBeCloseTo(want[o], 5);
  }
});

const GIBBS: Op[] = [
  ["linear", "u", "b", "T"],
  ["put", "input"],
  ["temper"],
  ["sigmoid"],
  ["bernoulli"],
  ["put", "h"],
  ["linear", "u", "shift"],
  ["temper"],
  ["sigmoid"],
  ["put", "p"],
  ["bernoulli"],
];
const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

test("a sweep of two layers: registers, temperature, coins in their order", () => {
  const sweep = compile(GIBBS, tensors);
  const x = Float32Array.of(1, 0, 0, 1, 1, 0, 1);
  const coins = Array.from({ length: 12 }, (_, k) => ((k * 5) % 12) / 12 + 0.01);
  let tossed = 0;
  const y = sweep(x, { beta: 0.5, uniform: () => coins[tossed++] });
  expect(tossed).toBe(12);
  const input = Array.from({ length: 5 }, (_, j) => x.reduce((s, v, i) => s + v * numbers("u")[i * 5 + j], numbers("b")[j]));
  const h = input.map((v, j) => Number(coins[j] < sigmoid(0.5 * v)));
  const p = Array.from({ length: 7 }, (_, i) =>
    sigmoid(0.5 * h.reduce((s, on, j) => s + on * numbers("u")[i * 5 + j], numbers("shift")[i])),
  );
  const close = (name: string, want: number[]) =>
    want.forEach((value, i) => void expect(sweep.registers.get(name)?.[i]).toBeCloseTo(value, 6));
  close("input", input);
  close("h", h);
  close("p", p);
  expect([...y]).toEqual(p.map((value, i) => Number(coins[5 + i] < value)));
  const [first, second] = sweep.coins;
  expect([first.name, second.name]).toEqual(["h", "x"]);
  expect([...first.out]).toEqual(h);
  expect(first.input?.[2]).toBeCloseTo(0.5 * input[2], 6); // what the sigmoid was given
  expect([...second.p]).toEqual([...(sweep.registers.get("p") ?? [])]);
  expect(sweep(x, { uniform: () => 0 })).toBe(y); // the same buffers again
});

test("a free energy goes back to the state", () => {
  const energy = compile(
    [
      ["linear", "u", "b", "T"],
      ["softplus"],
      ["sum"],
      ["put", "hidden"],
      ["get", "x"],
      ["dot", "shift"],
      ["add", "hidden"],
      ["affine", 0, -1],
    ],
    tensors,
  );
  const x = [1, 0, 1, 1, 0, 0, 1];
  let sum = 0; // over all hidden states
  for (let bits = 0; bits < 32; bits++) {
    let minus = x.reduce((s, v, i) => s + v * numbers("shift")[i], 0);
    for (let j = 0; j < 5; j++)
      if ((bits >> j) & 1) minus += x.reduce((s, v, i) => s + v * numbers("u")[i * 5 + j], numbers("b")[j]);
    sum += Math.exp(minus);
  }
  expect(energy(Float32Array.from(x))[0]).toBeCloseTo(-Math.log(sum), 5);
});

test("a reverse step reads its tables at the chain time", () => {
  const step = compile(
    [
      ["put", "kept"],
      ["row", "scale2"],
      ["put", "a"],
      ["get", "kept"],
      ["mul", "a"],
      ["gaussian", "v2"],
    ],
    tensors,
  );
  const x = Float32Array.of(1, 2, 3);
  expect([...step(x, { t: 1, noise: () => 2 })]).toEqual([...x].map((v) => v * 10 + 2 * Math.fround(Math.sqrt(4))));
  expect([...step(x, { t: 2, noise: () => 0 })]).toEqual([100, 200, 300]);
  expect(() => step(x, { t: 3, noise: () => 0 })).toThrow(/scale2 has rows 0 … 2, and the chain stands at 3/);
  expect(() => step(x)).toThrow(/the chain stands at/);
  expect(() => step(x, { t: 1 })).toThrow(/needs a source of noise/);
});

const N = 6;
const linked: Tensor = { shape: [N, N], data: new Float32Array(N * N) };
for (let i = 0; i < N; i++)
  for (let j = 0; j < i; j++) linked.data[i * N + j] = linked.data[j * N + i] = Math.fround(1.2 * uniform());
const pairs = new Map([
  ["W", linked],
  ["bias", tensor(N)],
]);
const bitsOf = (k: number) => Float32Array.from({ length: N }, (_, i) => (k >> (N - 1 - i)) & 1);
/** The input of a unit, from the definition. */
const inputOf = (state: ArrayLike<number>, i: number, spins: boolean) => {
  let field = pairs.get("bias")?.data[i] ?? 0;
  for (let j = 0; j < N; j++) field += linked.data[i * N + j] * (spins ? 2 * state[j] - 1 : state[j]);
  return spins ? 2 * field : field;
};

test.each([[false], [true]])("a sweep takes each unit by its own coin, given all others by then (spins: %s)", (spins) => {
  const program = compile([spins ? ["sweep", "W", "bias", "spins"] : ["sweep", "W", "bias"]], pairs);
  const [coin] = program.coins;
  for (let round = 0; round < 50; round++) {
    const start = bitsOf(round);
    const drawn: number[] = [];
    const tossing = () => {
      drawn.push((uniform() + 1) / 2);
      return drawn[drawn.length - 1];
    };
    const end = program(start, { uniform: tossing }).slice();
    expect(new Set(coin.order)).toEqual(new Set(Array.from({ length: N }, (_, i) => i)));
    const state = start.slice();
    for (const [k, i] of (coin.order ?? new Int32Array()).entries()) {
      const input = inputOf(state, i, spins);
      expect(coin.input?.[i]).toBeCloseTo(input, 4);
      expect(coin.p[i]).toBeCloseTo(1 / (1 + Math.exp(-input)), 5);
      state[i] = Number(drawn[N - 1 + k] < coin.p[i]);
    }
    expect([...end]).toEqual([...state]);
  }
});

test.each([[false], [true]])("sweeps stay in exp(−E), with held units in what is left of it (spins: %s)", (spins) => {
  const program = compile([spins ? ["sweep", "W", "bias", "spins"] : ["sweep", "W", "bias"]], pairs);
  const held = new Float32Array(N).fill(Number.NaN);
  held[2] = 1;
  const weight = Array.from({ length: 1 << N }, (_, k) => {
    const s = bitsOf(k);
    if (s[2] !== 1) return 0;
    let minus = 0; // half the pairs' sum is what the inputs count twice
    for (let i = 0; i < N; i++) {
      const bias = pairs.get("bias")?.data[i] ?? 0;
      const at = spins ? 2 * s[i] - 1 : s[i];
      minus += at * (bias + ((spins ? inputOf(s, i, true) / 2 : inputOf(s, i, false)) - bias) / 2);
    }
    return Math.exp(minus);
  });
  const z = weight.reduce((a, b) => a + b);
  const visits = new Float64Array(1 << N);
  const rounds = 40_000;
  let state = bitsOf(0);
  for (let t = 0; t < rounds; t++) {
    state = program(state, { uniform: Math.random, held }).slice();
    visits[state.reduce((k, bit) => 2 * k + bit, 0)]++;
  }
  const tv = weight.reduce((sum, w, k) => sum + Math.abs(w / z - visits[k] / rounds), 0) / 2;
  expect(tv).toBeLessThan(0.03); // about 0.01 is chance
});

test("a choice falls on one by its share, or on the one that is held", () => {
  const shares = Float32Array.of(0.2, 0.5, 0.3);
  const program = compile([["choose", 4]], tensors);
  const drawn = [0.1, 0.21, 0.69, 0.71, 0.999].map((u) => [...program(shares, { uniform: () => u })].indexOf(1));
  expect(drawn).toEqual([0, 1, 1, 2, 2]);
  const held = Float32Array.of(Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, 1);
  expect([...program(shares, { uniform: () => 0.1, held })]).toEqual([0, 0, 1]);
});

test("at temperature 0 a sweep never climbs, and a tie stays as it is", () => {
  const program = compile([["sweep", "W", "bias"]], pairs);
  const energy = (s: ArrayLike<number>) => {
    let sum = 0;
    for (let i = 0; i < N; i++) sum -= s[i] * ((inputOf(s, i, false) + (pairs.get("bias")?.data[i] ?? 0)) / 2);
    return sum;
  };
  for (let k = 0; k < 1 << N; k++) {
    let state = bitsOf(k);
    for (let sweep = 0; sweep < 4; sweep++) {
      const next = program(state, { uniform: Math.random, beta: Number.POSITIVE_INFINITY }).slice();
      expect(energy(next)).toBeLessThanOrEqual(energy(state) + 1e-5);
      state = next;
    }
  }
  const flat = new Map([
    ["W", { shape: [2, 2], data: new Float32Array(4) }],
    ["bias", { shape: [2], data: new Float32Array(2) }],
  ]);
  const still = compile([["sweep", "W", "bias", "spins"]], flat);
  for (const state of [Float32Array.of(0, 1), Float32Array.of(1, 0)])
    expect([...still(state, { uniform: () => 0.5, beta: Number.POSITIVE_INFINITY })]).toEqual([...state]);
});

test("extremes stay finite", () => {
  expect([...compile([["softmax"]], tensors)(Float32Array.of(-1000, 1000))]).toEqual([0, 1]);
  expect([...compile([["logsumexp"]], tensors)(Float32Array.of(1000, 1000))][0]).toBeCloseTo(1000 + Math.log(2), 3);
  expect([...compile([["softplus"]], tensors)(Float32Array.of(-1000, 1000))]).toEqual([0, 1000]);
  expect([...compile([["sigmoid"]], tensors)(Float32Array.of(-1000, 1000))]).toEqual([0, 1]);
});

test.each<[string, Op[], RegExp]>([
  ["an unknown operation", [["sticks"]], /sticks is not known/],
  ["a name of Object", [["toString"]], /toString is not known/],
  ["a missing tensor", [["linear", "nowhere"]], /no tensor nowhere/],
  ["a vector for a matrix", [["linear", "b"]], /b is not a matrix/],
  ["a bias of another size", [["linear", "w", "shift"]], /shift holds 7 numbers, w gives 5/],
  [
    "layers that do not fit",
    [
      ["linear", "w"],
      ["linear", "w"],
    ],
    /w takes 7 numbers, but gets 5/,
  ],
  [
    "a scale that does not fit",
    [
      ["linear", "w"],
      ["affine", 0, "scale"],
    ],
    /scale holds 7 numbers, but gets 5/,
  ],
  ["a register nobody filled", [["get", "h"]], /register h is read before/],
  ["a part of nothing", [["slice", 3, 3]], /no part from 3 to 3/],
  [
    "a part beyond the end",
    [
      ["linear", "w"],
      ["slice", 3, 6],
    ],
    /from 3 to 6 is wanted of 5 numbers/,
  ],
  [
    "a transposed map that does not fit",
    [
      ["linear", "w"],
      ["linear", "u", "", "T"],
    ],
    /u takes 7 numbers, but gets 5/,
  ],
])("%s is refused", (_, ops, words) => expect(() => compile(ops, tensors)).toThrow(words));

test("a code of the wrong length is refused", () =>
  expect(() => compile([["linear", "w"]], tensors)(new Float32Array(2))).toThrow(/w takes 7 numbers, but gets 2/));
