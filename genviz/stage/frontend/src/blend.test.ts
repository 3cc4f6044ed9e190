import { describe, expect, it } from "vitest";
import { blend, limitsAt, ranks } from "./blend";
import type { Layer, Source } from "./types";

const points = (xy: number[], labels?: number[]): Layer => ({
  type: "points",
  name: "p",
  tensors: {
    xy: { data: Float32Array.from(xy), shape: [xy.length / 2, 2] },
    ...(labels && { labels: { data: Int32Array.from(labels), shape: [labels.length] } }),
  },
});
const data = (layer: Layer) => (layer.type === "points" ? [...(layer.tensors.xy?.data ?? [])] : []);

describe("blend", () => {
  it("goes straight from one frame to the next", () =>
    expect(data(blend(points([0, 0]), points([2, 4]), 0.25))).toEqual([0.5, 1]));
  it("is exact at the ends", () => {
    const [a, b] = [points([0, 0]), points([2, 4])];
    expect([blend(a, b, 0), blend(a, b, 1)]).toEqual([a, b]);
  });
  it("takes the nearer frame when shapes differ", () => {
    const [a, b] = [points([0, 0]), points([1, 1, 2, 2])];
    expect([blend(a, b, 0.4), blend(a, b, 0.6)]).toEqual([a, b]);
  });
  it("never mixes labels", () => {
    const mixed = blend(points([0, 0], [3]), points([1, 1], [8]), 0.75);
    expect(mixed.type === "points" && mixed.tensors.labels?.data[0]).toBe(8);
  });
});

it("ranks from the largest", () => expect(ranks([1, 3, 2])).toEqual([2, 0, 1]));

it("moves the limits with the frames", () => {
  const frame = (x: number) => ({ limits: { p: [0, x, 0, 1] } });
  const source = { around: () => ({ a: frame(2), b: frame(4), mix: 0.5 }) } as unknown as Source;
  expect(limitsAt(source, "p", null, false)).toEqual([0, 3, 0, 1]);
  expect(limitsAt(source, "p", null, true)).toEqual([0, 4, 0, 1]);
});
