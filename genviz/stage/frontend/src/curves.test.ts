import { describe, expect, it } from "vitest";
import { notes, robust, seriesOf, stacked } from "./draw/curves";
import type { Theme } from "./theme";
import type { Curves, Source } from "./types";

const theme = { role: { model: "orange", truth: "black" } } as Theme;
const metric = (...values: number[]) => ({ steps: values.map((_, i) => 10 * i), values });
const source = {
  metrics: new Map([
    ["reconstruction", metric(-3, 2, 2)],
    ["kl", metric(1, 4, 4)],
    ["elbo", metric(-4, -2, -2)],
    ["test elbo", { steps: [0, 20], values: [-4, -2] }],
  ]),
} as unknown as Source;
const layer = (over: object) => ({ type: "curves", name: "a", tensors: {}, ...over }) as Curves;
const areas = seriesOf([layer({ columns: ["reconstruction", "kl"], signs: [-1, 1], stack: true })], source, theme);

describe("areas", () => {
  it("stand on each other above zero and hang from each other below it", () =>
    expect(stacked([2, -1, 3, -4])).toEqual([
      [0, 2],
      [0, -1],
      [2, 5],
      [-1, -5],
    ]));
  it("never overlap: what is negative is drawn apart", () => {
    expect(areas.map(({ base, y }) => [base, y])).toEqual([
      [
        [0, 0, 0],
        [3, -2, -2],
      ],
      [
        [3, 0, 0],
        [4, 4, 4],
      ],
    ]);
    expect(robust(areas)?.[0]).toBeLessThan(-2);
  });
  it("have their values in their middle", () =>
    expect(notes(areas, 15).map(({ value, mid }) => [value, mid])).toEqual([
      [-2, -1],
      [4, 2],
    ]));
});

it("two lines of one layer have dashes of their own", () => {
  const lines = seriesOf([layer({ columns: ["elbo", "test elbo"], role: "truth" })], source, theme);
  expect(new Set(lines.map(({ dash }) => String(dash))).size).toBe(2);
  expect(lines.every(({ dash }) => dash.length)).toBe(true); // truth is always dashed
});
