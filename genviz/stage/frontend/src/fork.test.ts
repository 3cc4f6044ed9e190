import { describe, expect, it } from "vitest";
import { compared, cost, named, type Origin, pace, type Told, together } from "./fork";

const KNOBS = { lr: 0.001, latent: 2 };
const edit = (step: number, args: object, verb = "set") => ({ step, verb, args });
const run = (letter: string, origin: Origin | null, edits: ReturnType<typeof edit>[] = [], knobs: object = KNOBS): Told => ({
  letter,
  run: letter.toLowerCase(),
  origin,
  source: { info: { knobs, seed: 0 }, edits },
});
const from = (run: string, step: number) => ({ run, step });

const A = run("A", null, [edit(100, { lr: 0.002 })]);
const B = run("B", from("a", 840), [edit(100, { lr: 0.002 }), edit(840, { lr: 0.05 }), edit(900, { lr: 0.01 })]);
const C = run("C", from("b", 1200), [edit(100, { lr: 0.002 }), edit(840, { lr: 0.05 }), edit(900, { lr: 0.01 })]);
const D = run("D", from("a", 0), [], { lr: 0.002, latent: 3 });
const ALL = [A, B, C, D];

describe("what a strip is called", () => {
  it.each([
    [A, "the first run"],
    [B, "fork of A at 840: lr = 0.01"],
    [C, "fork of B at 1,200"],
    [D, "anew from step 0: latent = 3"],
    [run("D", from("gone", 7), [edit(9, {}, "shuffle")]), "fork at 7: shuffle"],
    [run("D", null, [], { lr: 0.002, latent: 5 }), "anew from step 0: latent = 5"],
  ])("%#", (one, name) => expect(named(one, ALL)).toBe(name));
});

it("two runs are the same up to where one left their common past", () => {
  expect(together(A, B, ALL)).toBe(840);
  expect(together(A, C, ALL)).toBe(840);
  expect(together(B, C, ALL)).toBe(1200);
  expect(together(A, D, ALL)).toBe(0);
  const early = run("D", from("b", 300)); // forked from B while that still was A
  expect(together(A, early, [A, B, early])).toBe(300);
  expect(together(run("D", from("gone", 50)), run("C", from("gone", 70)), [])).toBe(50);
});

it("what differs is named, and from when on", () => {
  expect(compared(A, B, ALL)).toBe("Equal up to step 840; then lr is 0.002 in A and 0.01 in B.");
  expect(compared(B, D, ALL)).toBe("From step 0 on, lr is 0.01 in B and 0.002 in D and latent is 2 in B and 3 in D.");
  expect(compared(B, C, ALL)).toMatch(/^No knob differs/);
});

it("a dear fork says its cost, a cheap one none; slow motion and pauses do not count", () => {
  const frames = [0, 1, 2, 4, 100, 200, 300].map((step) => ({ step, time: step / 100 + (step > 100 ? 1000 : 0) }));
  expect(pace(frames)).toBeCloseTo(0.01);
  expect(pace([])).toBe(0);
  expect(cost(frames, 999)).toBe("");
  expect(cost(frames, 84_000)).toMatch("trains 84,000 steps again, about 840 s");
});
