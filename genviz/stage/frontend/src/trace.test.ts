import { expect, test } from "vitest";
import { compile } from "./programs";
import { Chance } from "./random";
import { solve, timeAt } from "./trace";
import type { Op, Trace } from "./types";
import type { Tensors } from "./wire";

const T = 200;
const decay = Float32Array.from({ length: T + 1 }, (_, t) => 1 - 0.5 / (t + 1));
const tensors: Tensors = new Map([
  ["decay", { data: decay, shape: [T + 1, 1] }],
  ["growth", { data: decay.map((x) => 1 / x), shape: [T + 1, 1] }],
  ["var", { data: new Float32Array(T + 1).fill(0.01), shape: [T + 1, 1] }],
]);
const rated = (table: string): Op[] => [
  ["put", "before"],
  ["row", table],
  ["put", "rate"],
  ["get", "before"],
  ["mul", "rate"],
];
const reverse = compile(
  [...rated("decay"), ["put", "mean"], ["row", "var"], ["put", "v"], ["get", "mean"], ["gaussian", "v"]],
  tensors,
);
const silent = compile(rated("decay"), tensors);
const invert = compile(rated("growth"), tensors);
const clock = Array.from({ length: T + 1 }, (_, k) => T - k);

test("what is set at a time is there at that time, and comes out where the chain ends", () => {
  const { xy, first, last } = solve(silent, invert, clock, Float32Array.of(1, -2, 120), new Chance(0));
  expect([first, last]).toEqual([T, 0]);
  expect([xy[240], xy[241]]).toEqual([1, -2]);
  let [down, up] = [1, 1];
  for (let t = 120; t > 0; t--) down *= decay[t];
  for (let t = 121; t <= T; t++) up /= decay[t];
  expect(xy[0]).toBeCloseTo(down, 4);
  expect(xy[2 * T]).toBeCloseTo(up, 4);
  expect(xy[2 * T + 1]).toBeCloseTo(-2 * up, 4);
});

test("the noise of a step is the same at every solution, whenever it is set in", () => {
  const whole = solve(reverse, invert, clock, Float32Array.of(0.3, 0.4, T), new Chance(5)).xy;
  const there = Float32Array.of(whole[200], whole[201], 100);
  const part = solve(reverse, invert, clock, there, new Chance(5)).xy;
  expect(part.slice(0, 202)).toEqual(whole.slice(0, 202));
  expect(solve(reverse, invert, clock, there, new Chance(6)).xy[0]).not.toBeCloseTo(whole[0], 3);
});

test("a film of fewer frames has the same path, and tells its own time", () => {
  const few = [200, 150, 100, 50, 0];
  const start = Float32Array.of(1, 1, 200);
  expect(solve(reverse, invert, few, start, new Chance(1)).xy).toEqual(solve(reverse, invert, clock, start, new Chance(1)).xy);
  const trace = { clock: few } as Trace;
  expect([0, 1, 2.5, 4, 9].map((playhead) => timeAt(trace, playhead))).toEqual([200, 150, 75, 0, 0]);
});
