import { expect, test } from "vitest";
import { Chance } from "./random";
import { judged, Network, type Rule, type Spins, Weights } from "./spins";

const chance = new Chance(5);
function patterns(count: number, units: number): Spins[] {
  return Array.from({ length: count }, (_, mu) => {
    chance.turn(mu, 0);
    return Int8Array.from({ length: units }, () => (chance.uniform() < 0.5 ? -1 : 1));
  });
}
function written(rule: Rule, memories: Spins[]): Float32Array {
  const weights = new Weights(memories[0].length, rule);
  for (const x of memories) weights.write(x);
  return weights.after[memories.length - 1];
}
const input = (W: Float32Array, s: ArrayLike<number>, i: number) =>
  Array.from(s).reduce((sum, value, j) => sum + W[i * s.length + j] * value, 0);
const energy = (W: Float32Array, s: ArrayLike<number>) =>
  -Array.from(s).reduce((sum, value, i) => sum + value * input(W, s, i), 0) / 2;

const RULES: Rule[] = ["hebb", "storkey", "pinv"];

test.each(RULES)("%s: symmetric weights, nothing on the diagonal, and the energy never rises unit by unit", (rule) => {
  const memories = patterns(18, 60);
  const W = written(rule, memories);
  for (let i = 0; i < 60; i++) {
    expect(W[i * 60 + i]).toBe(0);
    for (let j = 0; j < i; j++) expect(W[i * 60 + j]).toBeCloseTo(W[j * 60 + i], 6);
  }
  const network = new Network(60);
  for (let start = 0; start < 20; start++) {
    network.begin(W, network.damaged(memories[start % 18], 24, chance.turn(start, 1)));
    let before = energy(W, network.s);
    for (let moved = 1; moved; ) {
      moved = network.sweep(chance);
      const after = energy(W, network.s);
      expect(after).toBeLessThanOrEqual(before + (moved ? -1e-9 : 1e-9));
      before = after;
    }
    for (let i = 0; i < 60; i++) expect(network.h[i]).toBeCloseTo(input(W, network.s, i), 9); // no flip was forgotten
  }
});

test("one pattern by Hebb rests, as its inverse does, and is recalled from any damage below one half", () => {
  const [x] = patterns(1, 101);
  const W = written("hebb", [x]);
  const network = new Network(101);
  for (const flips of [0, 1, 30, 50]) {
    expect(network.settle(W, network.damaged(x, flips, chance.turn(flips, 1)), chance)).toBe(false);
    expect(Array.from(network.s)).toEqual(Array.from(x));
  }
  network.settle(W, network.damaged(x, 51, chance.turn(9, 9)), chance);
  expect(judged(network.s, [x], 1, 0, false)).toEqual({ fate: "inverse", like: 0, overlap: -1 });
});

test("of the first pattern Storkey's rule makes what Hebb's does, of a second one something else", () => {
  const [x, y] = patterns(2, 40);
  expect(written("storkey", [x])).toEqual(written("hebb", [x]));
  expect(written("storkey", [x, y])).not.toEqual(written("hebb", [x, y]));
});

test("Storkey's weights are those of his formula, term by term", () => {
  const [x, y] = patterns(2, 9);
  const W = written("hebb", [x]);
  const h = (i: number, j: number) => y.reduce((sum, value, k) => sum + (k === i || k === j ? 0 : W[i * 9 + k] * value), 0);
  const found = written("storkey", [x, y]);
  for (let i = 0; i < 9; i++)
    for (let j = 0; j < 9; j++)
      if (i !== j) expect(found[i * 9 + j]).toBeCloseTo(W[i * 9 + j] + (y[i] * y[j] - y[i] * h(j, i) - h(i, j) * y[j]) / 9, 6);
});

test("the projector made a pattern at a time is one, and recalls half as many patterns as there are units", () => {
  const memories = patterns(20, 40);
  const whole = new Weights(40, "pinv");
  for (const x of [...memories, memories[3]]) whole.write(x); // what is known already adds nothing
  expect(whole.after[20]).toEqual(whole.after[19]);
  // what is missing on the diagonal of a projector P: P x = x for each pattern, and so x_i = h_i + P_ii x_i
  const W = whole.after[19];
  const P = Float64Array.from(W);
  for (let i = 0; i < 40; i++) P[i * 40 + i] = 1 - memories[0][i] * input(W, memories[0], i);
  for (let i = 0; i < 40; i++) {
    for (const x of memories) expect(x.reduce((sum, value, j) => sum + P[i * 40 + j] * value, 0)).toBeCloseTo(x[i], 5);
    for (let j = 0; j < 40; j++) {
      let product = 0;
      for (let k = 0; k < 40; k++) product += P[i * 40 + k] * P[k * 40 + j];
      expect(product).toBeCloseTo(P[i * 40 + j], 5);
    }
  }
  const network = new Network(40);
  for (const x of memories) {
    network.settle(W, x, chance.turn(1, 2));
    expect(Array.from(network.s)).toEqual(Array.from(x));
  }
});

test("all at once, two units that want to be alike and are not change places for ever", () => {
  const W = Float32Array.of(0, 1, 1, 0);
  const network = new Network(2);
  expect(network.settle(W, Int8Array.of(1, -1), null)).toBe(true);
  expect(network.turned).toEqual([0, 1]);
  expect(judged(network.s, [Int8Array.of(1, 1)], 1, 0, true)).toEqual({ fate: "swings", like: 0, overlap: 0 });
  expect(network.settle(W, Int8Array.of(1, 1), null)).toBe(false);
  expect(network.settle(W, Int8Array.of(1, -1), chance.turn(0, 1))).toBe(false); // unit by unit it rests
});

test("an input that is a tie moves no unit", () => {
  const network = new Network(2);
  network.settle(new Float32Array(4), Int8Array.of(1, -1), chance.turn(0, 1));
  expect([...network.s]).toEqual([1, -1]);
});

/** How many of some memories come back from 10 % flipped bits, at a load P/N of 200 units: the cliff at 0.138. */
function recalled(rule: Rule, load: number): number {
  const count = Math.round(200 * load);
  const memories = patterns(count, 200);
  const W = written(rule, memories);
  const network = new Network(200);
  let found = 0;
  for (let trial = 0; trial < 200; trial++) {
    const asked = trial % count;
    network.settle(W, network.damaged(memories[asked], 20, chance.turn(trial, 1)), chance);
    if (judged(network.s, memories, count, asked, false).fate === "recalled") found++;
  }
  return found / 200;
}

test("Hebb's memory breaks near 0.138 patterns a unit, the others do not", () => {
  expect(recalled("hebb", 0.05)).toBeGreaterThanOrEqual(0.95);
  expect(recalled("hebb", 0.25)).toBeLessThanOrEqual(0.2);
  expect(recalled("storkey", 0.25)).toBeGreaterThanOrEqual(0.95);
  expect(recalled("pinv", 0.25)).toBeGreaterThanOrEqual(0.95);
});
