import { expect, test } from "vitest";
import { dab, knownBut } from "./wipe";

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
