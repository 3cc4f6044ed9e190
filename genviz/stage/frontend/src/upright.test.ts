import { expect, test } from "vitest";
import { barAt } from "./draw/upright";
import type { Bars } from "./types";

const bars = (count: number, tall: number): Bars => {
  const data = new Float32Array(count).fill(0.1);
  data[tall] = 0.9;
  return { name: "states", type: "bars", tensors: { values: { data, shape: [count] } } } as unknown as Bars;
};

test("of few bars the one under the pointer is found, of more than pixels the tallest there", () => {
  const at = (count: number, i: number) => 44 + ((i + 0.5) / count) * (352 - 52);
  expect(barAt(bars(12, 5), 352, 200, at(12, 7), 100)).toBe(7);
  expect(barAt(bars(65536, 40000), 352, 200, at(65536, 40000), 100)).toBe(40000);
  expect(barAt(bars(12, 5), 352, 200, 20, 100)).toBe(-1);
});
