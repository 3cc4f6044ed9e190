import { expect, test } from "vitest";
import { ranges } from "./ranges";
import { dab, knownBut, unmasked } from "./wipe";

test("what is wiped is forgotten, the rest is known, and it can be brought back", () => {
  const mask = new Uint8Array(16);
  const row = Float32Array.from({ length: 16 }, (_, i) => i / 16);
  expect(knownBut(row, mask)).toBeNull();
  dab(mask, 4, 1, 1, 0.8, 1); // between four pixels
  expect([...mask].flatMap((value, i) => (value ? [i] : []))).toEqual([0, 1, 4, 5]);
  const known = knownBut(row, mask) ?? [];
  expect([0, 1, 4, 5].every((i) => Number.isNaN(known[i]))).toBe(true);
  expect(known[2]).toBe(row[2]);
  dab(mask, 4, 0.5, 0.5, 0.1, 0);
  expect(mask[0]).toBe(0);
});

test("a link holds what is forgotten of a long row", () => {
  const row = new Float32Array(784).fill(0.5);
  const text = "0-27+,40+,700-783+";
  const known = knownBut(row, unmasked(text, 784)) ?? new Float32Array(0);
  expect(ranges(known.map((x) => (Number.isNaN(x) ? 1 : Number.NaN)))).toBe(text);
  expect(known.filter((x) => !Number.isNaN(x)).length).toBe(784 - 28 - 1 - 84);
});
