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
  ["b", tensor(5)],
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

test("extremes stay finite", () => {
  expect([...compile([["softplus"]], tensors)(Float32Array.of(-1000, 1000))]).toEqual([0, 1000]);
  expect([...compile([["sigmoid"]], tensors)(Float32Array.of(-1000, 1000))]).toEqual([0, 1]);
});

test.each<[string, Op[], RegExp]>([
  ["an unknown operation", [["gaussian"]], /gaussian is not known/],
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
])("%s is refused", (_, ops, words) => expect(() => compile(ops, tensors)).toThrow(words));

test("a code of the wrong length is refused", () =>
  expect(() => compile([["linear", "w"]], tensors)(new Float32Array(2))).toThrow(/w takes 7 numbers, but gets 2/));
