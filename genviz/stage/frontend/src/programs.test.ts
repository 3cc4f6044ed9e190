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

test("extremes stay finite", () => {
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
