import { expect, test } from "vitest";
import { Chance, philox } from "./random";

// the known answers that come with Random123
test.each([
  [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
  [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
  [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], "d16cfe09 94fdcceb 5001e420 24126ea1"],
])("Philox of %j under %j", (counter, [k0, k1], want) => {
  const block = Uint32Array.from(counter);
  philox(block, k0, k1);
  expect([...block].map((word) => word.toString(16).padStart(8, "0")).join(" ")).toBe(want);
});

const draws = (chance: Chance, n: number, what: "uniform" | "noise" = "uniform") => Array.from({ length: n }, chance[what]);
const mean = (x: number[]) => x.reduce((sum, v) => sum + v, 0) / x.length;
const moment = (x: number[], y: number[]) => {
  const [a, b] = [mean(x), mean(y)];
  return mean(x.map((v, i) => (v - a) * (y[i] - b)));
};

test("the same seed, chain and step give the same path, whatever was drawn before", () => {
  const one = new Chance(7);
  draws(one.turn(3, 11), 5, "noise");
  const again = draws(one.turn(2, 9), 9);
  expect(draws(new Chance(7).turn(2, 9), 9)).toEqual(again);
  for (const other of [new Chance(8).turn(2, 9), new Chance(7).turn(3, 9), new Chance(7).turn(2, 10)])
    expect(draws(other, 9)).not.toEqual(again);
});

const N = 40_000; // standard errors: mean √(1/12N) = 0.0014, covariance 1/12√N = 0.0004
test("uniform numbers are uniform, and nothing of their neighbours", () => {
  const chance = new Chance(1);
  const x = draws(chance.turn(0, 0), N);
  expect(Math.min(...x.slice(0, 999))).toBeGreaterThan(0);
  expect(Math.abs(mean(x) - 0.5)).toBeLessThan(0.006);
  expect(Math.abs(moment(x, x) - 1 / 12)).toBeLessThan(0.002);
  for (const y of [
    [...x.slice(1), x[0]],
    [...x.slice(4), ...x.slice(0, 4)],
    draws(chance.turn(0, 1), N),
    draws(chance.turn(1, 0), N),
  ])
    expect(Math.abs(moment(x, y))).toBeLessThan(0.002);
});

test("normal numbers have mean 0, variance 1, fourth moment 3", () => {
  const x = draws(new Chance(2).turn(0, 0), N, "noise");
  expect(Math.abs(mean(x))).toBeLessThan(0.02);
  expect(Math.abs(moment(x, x) - 1)).toBeLessThan(0.03);
  expect(Math.abs(mean(x.map((v) => v ** 4)) - 3)).toBeLessThan(0.2);
});
