import { expect, test } from "vitest";
import { compile } from "./programs";
import { levelsOf, Spread } from "./spread";
import type { Curves, Layer, Numbers } from "./types";

// independent bits that each cost one nat: the energy is the number of bits that are on, a binomial law at any temperature
const BITS = 6;
const energy = compile([["dot", "w"]], new Map([["w", { shape: [BITS], data: new Float32Array(BITS).fill(1) }]]));
const all = Array.from({ length: 1 << BITS }, (_, k) => Float32Array.from({ length: BITS }, (_, i) => (k >> i) & 1));
const energies = Float64Array.from(all, (state) => energy(state)[0]).sort();
const curve = (name: string): Layer => ({ type: "curves", name, tensors: {} });
const numbers: Layer = {
  type: "numbers",
  name: "levels",
  tensors: {},
  rows: ["chains", "equilibrium", "lowest"].map((name) => [name, 0, "", ""]),
};
const outline = (spread: Spread, name: string, heat: number | null) => {
  const filled = spread.fill(curve(name), () => (heat === null ? null : levelsOf(energies, heat))) as Curves;
  return filled.tensors.xy?.data;
};
const figures = (spread: Spread, heat: number | null) =>
  (spread.fill(numbers, () => (heat === null ? null : levelsOf(energies, heat))) as Numbers).rows.map(([, value]) => value);

test("equilibrium has the energies of independent bits at any temperature, and at 0 only the lowest", () => {
  for (const heat of [0.5, 1, 3]) {
    const { shares } = levelsOf(energies, heat);
    const p = 1 / (1 + Math.exp(1 / heat));
    const mean = energies.reduce((sum, value, k) => sum + value * shares[k], 0);
    expect(mean).toBeCloseTo(BITS * p, 10);
  }
  expect([...levelsOf(energies, 0).shares].filter(Boolean)).toEqual([1]);
  expect(levelsOf(Float64Array.of(-2, -2, 1), 0).shares).toEqual(Float64Array.of(0.5, 0.5, 0));
});

test("chains that have been in every state once have the histogram of boundless heat", () => {
  const spread = new Spread();
  spread.visit(all, energy);
  const [own, exact] = [outline(spread, "spread", 1e9), outline(spread, "equilibrium", 1e9)];
  expect(own?.length).toBe(exact?.length);
  for (const [i, value] of Array.from(own ?? []).entries()) expect(value).toBeCloseTo(exact?.[i] ?? 0, 5);
  expect(Math.max(...Array.from(exact ?? []).filter((_, i) => i % 2))).toBe(1);
  expect(figures(spread, 1e9)[0]).toBeCloseTo(BITS / 2, 6);
  expect(figures(spread, 1e9)[2]).toBeCloseTo(100 / 64, 6);
});

test("of states that nobody can list their own histogram is drawn, and after a change of heat they begin anew", () => {
  const spread = new Spread();
  expect(outline(spread, "spread", null)).toBeUndefined();
  spread.visit(all.slice(0, 4), energy);
  expect(outline(spread, "equilibrium", null)).toBeUndefined();
  expect(Math.max(...Array.from(outline(spread, "spread", null) ?? []).filter((_, i) => i % 2))).toBe(1);
  expect(figures(spread, null)).toEqual([1]);
  spread.forget();
  expect(outline(spread, "spread", 1)).toBeUndefined();
  spread.visit(all.slice(0, 1), energy);
  expect(figures(spread, 0)).toEqual([0, 0, 100]);
});
