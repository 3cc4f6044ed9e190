import { describe, expect, it } from "vitest";
import { Plane, squared, ticks } from "./axes";
import { lattice, traversal } from "./codes";
import { before } from "./draw/curves";
import { columnsFor } from "./draw/images";
import { hit } from "./draw/points";
import { arrange } from "./layout";

describe("ticks", () => {
  it.each([
    [0, 10, 5, [0, 2, 4, 6, 8, 10]],
    [-3.5, 3.5, 4, [-2, 0, 2]],
    [0, 0.3, 3, [0, 0.1, 0.2, 0.3]],
    [1, 1, 4, []],
  ])("from %d to %d, about %d", (lo, hi, count, expected) => expect(ticks(lo, hi, count)).toEqual(expected));
});

describe("planes", () => {
  it("make a unit as long up as across", () => {
    const [x0, x1, y0, y1] = squared([-1, 1, -1, 1], 400, 200);
    expect((x1 - x0) / 400).toBeCloseTo((y1 - y0) / 200);
    expect(x0).toBeCloseTo(-2);
  });
  it("leave axes alone that measure different things", () => expect(squared([0, 100, 0, 1], 300, 300)).toEqual([0, 100, 0, 1]));
  it("find their way back", () => {
    const plane = new Plane({ x: 36, y: 6, w: 300, h: 200 }, [-2, 2, -1, 1]);
    expect(plane.ux(plane.px(0.7))).toBeCloseTo(0.7);
    expect(plane.uy(plane.py(-0.3))).toBeCloseTo(-0.3);
  });
  it("know the point under the pointer, within reach", () => {
    const same = (v: number) => v;
    expect(hit([10, 10, 50, 50], same, same, 55, 52)).toBe(1);
    expect(hit([10, 10, 50, 50], same, same, 30, 30)).toBe(-1);
  });
});

describe("panes", () => {
  it("stand side by side where there is room", () => expect(arrange(["plane", "plane"], 1000, 400).columns).toBe(2));
  it("stand below each other on a phone", () => {
    const { columns, height } = arrange(["plane", "plane", "bars"], 358, 400);
    expect([columns, height <= 358]).toEqual([1, true]);
  });
  it("fill rows of equal length", () => expect(arrange(["plane", "plane", "plane", "images"], 800, 400).columns).toBe(2));
});

it("tiles are as large as the box allows", () => expect([columnsFor(36, 300, 300), columnsFor(10, 600, 100)]).toEqual([6, 10]));

it("a lattice starts at the top left, in the middle of its cells", () => {
  const codes = lattice(Float32Array.of(0, 0, 7), [0, 1], [-3, 3, -3, 3], 3);
  expect([[...codes[0]], [...codes[8]]]).toEqual([
    [-2, 2, 7],
    [2, -2, 7],
  ]);
});

it("a traversal has the code itself in the middle when the code is zero", () => {
  const codes = traversal(new Float32Array(2), 9, 3);
  expect([codes.length, [...codes[4]], [...codes[0]], [...codes[17]]]).toEqual([18, [0, 0], [-3, 0], [0, 3]]);
});

it("the value at the playhead is the last one before it", () =>
  expect([before([0, 10, 20], 15), before([5], 2)]).toEqual([1, -1]));
