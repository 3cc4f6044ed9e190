import { expect, test } from "vitest";
import { scaleOf } from "./controls";

test.each([
  ["int", 2, 100, false, 50],
  ["int", 1, 150, true, 12],
  ["float", 0, 1, false, 0.35],
  ["float", 0.1, 10, true, 1],
] as const)("a %s from %d to %d (log %s) comes back from its place on the slider", (kind, low, high, log, value) => {
  const scale = scaleOf({ kind, low, high, log });
  expect(scale.value(scale.place(value))).toBeCloseTo(value, 1);
  expect([scale.value(0), scale.value(scale.places)]).toEqual([low, high]);
});
