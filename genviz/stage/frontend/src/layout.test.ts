import { describe, expect, it } from "vitest";
import { Plane, squared, ticks } from "./axes";
import { lattice, selected, traversal, widest } from "./codes";
import { before } from "./draw/curves";
import { flat } from "./draw/decode";
import { columnsFor, type Grid, share } from "./draw/images";
import { hit } from "./draw/points";
import { arrange, pair, within } from "./layout";
import type { Source } from "./types";

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

describe("the stage fits its window", () => {
  const room = { window: 720, above: 240, title: 30, legend: 70, dock: 130 };
  it("where there is room panes keep their height, else they give way", () =>
    expect([within(360, { ...room, window: 1000 }), within(360, room)]).toEqual([360, 250]));
  it("where the fold cannot be reached it fits after scrolling", () =>
    expect([within(360, { ...room, above: 600 }), within(360, { ...room, window: 300 })]).toEqual([360, 220]));
  it("on a phone the plane and what it decodes to are seen together", () => {
    const phone = { ...room, window: 844, title: 40, dock: 160 };
    for (const pictures of [true, false]) {
      const [plane, decoded] = pair(358, phone, pictures);
      expect(plane + decoded + 40 + 160).toBeLessThan(844 - 40);
      expect(plane).toBeGreaterThanOrEqual(200);
    }
  });
});

describe("three pictures", () => {
  const one: Grid = { pixels: [], count: 1, h: 28, w: 28, columns: 1 };
  const sides = (w: number, h: number) =>
    share([one, one, one], { x: 0, y: 0, w, h }, 14, 18).map((box) => Math.min(box.w, box.h));
  it("the one under the pointer leads in a square", () => {
    const [first, second, third] = sides(340, 300);
    expect([first > 170, second > 80, third > 80, first > 1.5 * second]).toEqual([true, true, true, true]);
  });
  it("are equal in a low row", () => expect(new Set(sides(358, 120).map(Math.round)).size).toBe(1));
});

it("the two dimensions in which codes vary most, in their order", () =>
  expect(widest({ data: Float32Array.of(0, 5, 1, -3, 0, -5, 1.1, 3), shape: [2, 4] })).toEqual([1, 3]));

it("a row of data of any width is a point of a plane", () =>
  expect([flat(Float32Array.of(3)), flat(Float32Array.of(1, 2, 9))]).toEqual([
    [3, 0],
    [1, 2],
  ]));

it("the chosen code is the finished one where the weights are, and that of the playhead in a run", () => {
  const layer = (x: number) => ({
    type: "points",
    name: "c",
    pick: true,
    tensors: { xy: { data: Float32Array.of(x, x), shape: [1, 2] } },
  });
  const frame = (x: number) => ({ step: x, layers: { "p/c": layer(x) } });
  const source = (id: string) =>
    ({
      id,
      selection: 0,
      scene: { latent: 2, panes: [{ name: "p", latent: true, layers: [layer(0)] }] },
      frames: [frame(1), frame(9)],
      around: () => ({ a: frame(1), b: frame(1), mix: 0 }),
    }) as unknown as Source;
  expect(selected(source("pretrained:a"), false)?.[0]).toBe(9);
  expect(selected(source("run:a"), false)?.[0]).toBe(1);
});
