import { expect, test } from "vitest";
import { dotRows, dotsOf } from "./escape";
import { Mixture } from "./mixture";
import { Chance } from "./random";
import {
  barrier,
  drawn,
  emptiest,
  fieldOf,
  given,
  laid,
  marginalOf,
  moved,
  put,
  rows,
  same,
  shapeOf,
  shared,
  shareOf,
  widened,
  without,
} from "./shape";
import type { Field } from "./types";

const FRAME: [[number, number], [number, number]] = [
  [-10, 10],
  [-8, 8],
];
const FIELD: Field = { type: "field", name: "density", style: "heat", extent: [-10, 10, -8, 8], tensors: {} };

/** Gaussians of these places, widths and masses. */
function mixture(places: [number, number][], s: number[], masses: number[]): Mixture {
  const constant = masses.map((mass, k) => Math.log(mass) - Math.log(2 * Math.PI * s[k] ** 2));
  const precision = s.flatMap((one) => [one ** -2, 0, 0, one ** -2]);
  return new Mixture(Float64Array.from(places.flat()), Float64Array.from(precision), Float64Array.from(constant));
}
const slanted = new Mixture(
  Float64Array.of(1, -2, -4, 3),
  Float64Array.of(2, 0.6, 0.6, 1, 4, -1, -1, 3),
  Float64Array.of(
    Math.log(0.3 / (2 * Math.PI)) + 0.5 * Math.log(2 - 0.36),
    Math.log(0.7 / (2 * Math.PI)) + 0.5 * Math.log(12 - 1),
  ),
);

/** ∫ p over the plane, by a fine grid. */
function total(law: Mixture): number {
  let sum = 0;
  for (let x = -20; x < 20; x += 0.05) for (let y = -20; y < 20; y += 0.05) sum += Math.exp(law.log([x, y])) * 0.0025;
  return sum;
}

test("whatever is done to it, it is a density, with the shares that were asked for", () => {
  let shape = given(slanted);
  expect(laid(slanted, shape)).toBe(slanted);
  shape = shared(slanted, put(moved(shape, 0, 4, 2, FRAME), -6, -5, FRAME), 2, 0.4);
  shape = widened(shape, 1.3);
  const law = laid(slanted, shape);
  expect(total(law)).toBeCloseTo(1, 6);
  expect(law.masses[2]).toBeCloseTo(0.4, 3);
  expect(law.masses[0] / law.masses[1]).toBeCloseTo(3 / 7, 9);
  [0, 1, 2].forEach((k) => {
    expect(shareOf(slanted, shape, k)).toBeCloseTo(law.masses[k], 12);
  });
  expect(law.narrowest).toBeCloseTo(1.3 * slanted.narrowest, 9);
  expect(Array.from(law.means)).toEqual([4, 2, -4, 3, -6, -5]);
  const one = laid(slanted, without(without(shape, 0), 0));
  expect(one.count).toBe(1);
  expect(total(one)).toBeCloseTo(1, 6);
});

test("the field is the density over its greatest value, the marginal is what is left of it", () => {
  const law = laid(slanted, widened(moved(given(slanted), 1, -3, 1, FRAME), 1.2));
  const { values } = fieldOf(law, FIELD, 81).tensors;
  expect(values?.shape).toEqual([81, 81]);
  const at = (i: number, j: number) => [-10 + i / 4, -8 + j / 5];
  let top = Number.NEGATIVE_INFINITY;
  for (let n = 0; n < 81 * 81; n++) top = Math.max(top, law.log(at(n % 81, Math.floor(n / 81))));
  for (const [i, j] of [
    [0, 0],
    [28, 45],
    [44, 30],
    [80, 80],
    [33, 52],
  ])
    expect(values?.data[81 * j + i]).toBeCloseTo(Math.exp(law.log(at(i, j)) - top), 6);
  expect(Math.max(...(values?.data ?? []))).toBe(1);
  const { data } = marginalOf(law, [-10, 10], 41);
  for (const i of [10, 14, 22, 30]) {
    let sum = 0;
    for (let y = -20; y < 20; y += 0.01) sum += Math.exp(law.log([data[2 * i], y])) * 0.01;
    expect(data[2 * i + 1]).toBeCloseTo(sum, 6);
  }
});

test("exact draws have its masses, means and covariances", () => {
  const chance = new Chance(5);
  const [n, own] = [20_000, [] as Float64Array[]];
  for (let k = 0; k < n; k++) {
    const x = drawn(slanted, chance.turn(k, 0));
    if (slanted.distance(x, 0) < slanted.distance(x, 1)) own.push(x);
  }
  expect(own.length / n).toBeCloseTo(0.3, 1.7);
  const mean = (f: (x: Float64Array) => number) => own.reduce((sum, x) => sum + f(x), 0) / own.length;
  const [a, b] = [mean((x) => x[0]), mean((x) => x[1])];
  expect(Math.hypot(a - 1, b + 2)).toBeLessThan(0.05);
  const det = 2 - 0.36; // of the precision; its inverse is [1, −0.6; −0.6, 2] / det
  expect(Math.abs(mean((x) => (x[0] - a) ** 2) - 1 / det)).toBeLessThan(0.04);
  expect(Math.abs(mean((x) => (x[0] - a) * (x[1] - b)) + 0.6 / det)).toBeLessThan(0.04);
});

test("the pass between two equal Gaussians is d²/8 − log 2 + log (1 + exp(−d²/2)) high", () => {
  for (const d of [3, 6, 9.5, 13]) {
    const exact = d ** 2 / 8 - Math.log(2) + Math.log(1 + Math.exp(-(d ** 2) / 2));
    expect(
      barrier(
        mixture(
          [
            [-2, 1],
            [-2 + 0.6 * d, 1 + 0.8 * d],
          ],
          [1, 1],
          [0.5, 0.5],
        ),
      ),
    ).toBeCloseTo(exact, 9);
    expect(
      barrier(
        mixture(
          [
            [0, 0],
            [0.3 * d, 0],
          ],
          [0.3, 0.3],
          [0.5, 0.5],
        ),
      ),
    ).toBeCloseTo(exact, 9);
  }
});

test("a pass is measured from the shallower mode, the lowest counts, and there may be none", () => {
  const deep = mixture(
    [
      [0, 0],
      [8, 0],
    ],
    [1, 1],
    [0.9, 0.1],
  );
  const up = (x: number) => -deep.log([x, 0]);
  let top = 0;
  for (let x = 0; x < 8; x += 1e-4) top = Math.max(top, up(x));
  expect(barrier(deep)).toBeCloseTo(top - up(8), 6);
  expect(up(8)).toBeGreaterThan(up(0));
  const three = mixture(
    [
      [0, 0],
      [7, 0],
      [0, 9],
    ],
    [1, 1, 1],
    [1 / 3, 1 / 3, 1 / 3],
  );
  expect(barrier(three)).toBeCloseTo(49 / 8 - Math.log(2), 6);
  expect(
    barrier(
      mixture(
        [
          [0, 0],
          [1, 0],
        ],
        [1, 1],
        [0.5, 0.5],
      ),
    ),
  ).toBeLessThan(0.01);
  expect(barrier(mixture([[0, 0]], [1], [1]))).toBeNaN();
});

test("a link has what differs, and gives the same numbers back", () => {
  const base = mixture(
    [
      [0.1, 0],
      [4, 4],
      [-5, 1],
    ],
    [0.3, 0.3, 0.3],
    [0.2, 0.5, 0.3],
  );
  expect(rows(base, given(base))).toEqual([]);
  let shape = shared(base, moved(given(base), 2, 1.23456, 99, FRAME), 0, 0.6);
  shape = widened(put(without(shape, 1), 7, -7, FRAME), 0.777777);
  expect(rows(base, shape)).toEqual([[0, 0.1, 0, 6], [1], [2, 1.235, 8], [-1, 7, -7, 6]]);
  const back = shapeOf(base, JSON.parse(JSON.stringify(rows(base, shape))), shape.width, FRAME);
  expect(back).toEqual(shape);
  expect(same(base, back, shape)).toBe(true);
  expect(laid(base, back)).toEqual(laid(base, shape));
});

test("what makes no sense in a link is passed over, and the rest is kept within its ranges", () => {
  const base = mixture(
    [
      [0, 0],
      [4, 4],
    ],
    [0.3, 0.3],
    [0.5, 0.5],
  );
  const read = (told: unknown, width = 1) => shapeOf(base, told as number[][], width, FRAME);
  expect(
    read([
      [7, 1, 1],
      [0.5, 1, 1],
      [-9, 0, 0],
      [1, 2],
    ]),
  ).toEqual(given(base));
  expect(read([[0], [1]])).toEqual(given(base)); // one stays
  expect(read([[1, 99, -99, 1e9]], 77)).toEqual({
    modes: [given(base).modes[0], { of: 1, fresh: false, x: 10, y: -8, weight: 1e4 }],
    width: 4,
  });
  expect(read(Array.from({ length: 80 }, (_, k) => [-1, k / 20, 3])).modes.length).toBe(40);
});

test("a new mode is like its nearest neighbour; the emptiest place is far from all", () => {
  const base = mixture(
    [
      [-5, -5],
      [5, 5],
    ],
    [0.3, 0.9],
    [0.2, 0.8],
  );
  const law = laid(base, put(given(base), 4, 1, FRAME));
  expect(law.precision[8]).toBeCloseTo(0.9 ** -2, 9);
  expect(Array.from(law.masses)).toEqual([0.2 / 1.8, 0.8 / 1.8, 0.8 / 1.8].map((mass) => expect.closeTo(mass, 9)));
  const [x, y] = emptiest(given(base), FRAME);
  expect(Math.min(Math.hypot(x + 5, y + 5), Math.hypot(x - 5, y - 5))).toBeGreaterThan(9);
});

test("of escapes a link may say only what could have been measured", () => {
  const fine = [2, 21.5, 900, 1];
  const wrong = [
    [0.5, 3, 10],
    [0, 1e11, 10],
    [0, 3, 0.1],
    [0, -1, 10],
    [4, 3, 10],
    [0, 3],
  ];
  expect(dotRows(dotsOf([...wrong, fine], 4))).toEqual([fine]);
});
