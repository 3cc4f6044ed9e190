import { expect, test } from "vitest";
import { type Chain, type Kernel, kernelOf, ladder, leapfrog, type Settings, type Target, targetOf, tempered } from "./kernels";
import { Mixture } from "./mixture";
import { compile } from "./programs";
import { Chance } from "./random";
import type { Op } from "./types";

/** Gaussians of one width in the plane, equally likely or not. */
function blobs(centres: number[][], sigma: number, weights: number[] = centres.map(() => 1 / centres.length)): Mixture {
  const d = centres[0].length;
  const precision = centres.flatMap(() => Array.from({ length: d * d }, (_, i) => (i % (d + 1) ? 0 : sigma ** -2)));
  const constant = weights.map((w) => Math.log(w) - d * Math.log(sigma * Math.sqrt(2 * Math.PI)));
  return new Mixture(Float64Array.from(centres.flat()), Float64Array.from(precision), Float64Array.from(constant));
}
const on = (mixture: Mixture): Target => ({
  dim: mixture.dim,
  mixture,
  energy: (x) => -mixture.log(x),
  slope: (x, out) => -mixture.slope(x, out),
});
const GRID = on(
  blobs(
    Array.from({ length: 25 }, (_, k) => [4 * (k % 5) - 8, 4 * Math.floor(k / 5) - 8]),
    0.3,
  ),
);
const NORMAL = on(blobs([[0]], 1));
const BENT: Target = {
  dim: 2, // banana: x ~ N(0, 1), y ~ N(x², 0.3²)
  energy: ([x, y]) => x ** 2 / 2 + (y - x * x) ** 2 / 0.18,
  slope: ([x, y], out) => {
    out[1] = -(y - x * x) / 0.09;
    out[0] = -x - 2 * x * out[1];
    return x ** 2 / 2 + (y - x * x) ** 2 / 0.18;
  },
};
const settings = (sampler: Settings["sampler"], eps: number, more: Partial<Settings> = {}): Settings => ({
  sampler,
  eps,
  leapfrog: 20,
  temperatures: 8,
  ...more,
});

/** So many chains of so many steps; `note` hears of every step. */
function walk(
  kernel: Kernel,
  chains: number,
  steps: number,
  seed: number,
  begin: (chance: Chance) => number,
  note: (chain: Chain, step: number, k: number) => void,
): void {
  const chance = new Chance(seed);
  for (let k = 0; k < chains; k++) {
    const chain = kernel.make();
    chance.turn(k, 0);
    const at = Array.from({ length: chain.dim }, () => begin(chance));
    for (let i = 0; i < chain.x.length; i++) chain.x[i] = at[i % chain.dim];
    kernel.begin(chain);
    for (let n = 1; n <= steps; n++) {
      kernel.step(chain, n, chance.turn(k, n));
      note(chain, n, k);
    }
  }
}

function spreadOf(kernel: Kernel, seed: number): number {
  let [sum, count] = [0, 0];
  walk(
    kernel,
    1000,
    600,
    seed,
    (chance) => chance.noise(),
    (chain, n) => {
      if (n <= 100) return;
      sum += chain.x[0] ** 2;
      count++;
    },
  );
  return sum / count;
}

test.each([0.5, 1, 1.4])("unadjusted Langevin is biased to 1/(1 − ε²/4) at ε = %d, with the test it is not", (eps) => {
  const biased = spreadOf(kernelOf(settings("ula", eps), NORMAL), 1);
  expect(biased * (1 - eps ** 2 / 4)).toBeGreaterThan(0.99);
  expect(biased * (1 - eps ** 2 / 4)).toBeLessThan(1.01);
  expect(Math.abs(spreadOf(kernelOf(settings("mala", eps), NORMAL), 2) - 1)).toBeLessThan(0.01);
});

test("leapfrog comes back when its momentum is turned, keeps volume, and errs by the square of its step", () => {
  const start = Float64Array.of(0.4, -0.3);
  const orbit = (x: Float64Array, p: Float64Array, eps: number, steps: number) => {
    const slope = new Float64Array(2);
    BENT.slope(x, slope);
    return leapfrog(BENT, x, p, slope, eps, steps);
  };
  const [x, p] = [start.slice(), Float64Array.of(0.7, 0.5)];
  orbit(x, p, 0.05, 40);
  expect(Math.hypot(x[0] - start[0], x[1] - start[1])).toBeGreaterThan(0.3);
  p.forEach((value, i) => {
    p[i] = -value;
  });
  orbit(x, p, 0.05, 40);
  expect(Math.max(...x.map((value, i) => Math.abs(value - start[i])), Math.abs(p[0] + 0.7))).toBeLessThan(1e-10);
  const flow = (z: number[]) => {
    const [q, m] = [Float64Array.from(z.slice(0, 2)), Float64Array.from(z.slice(2))];
    orbit(q, m, 0.05, 10);
    return [...q, ...m];
  };
  const at = [0.4, -0.3, 0.7, 0.5];
  const columns = at.map((_, i) => {
    const [up, down] = [1e-5, -1e-5].map((h) => flow(at.map((value, j) => value + (i === j ? h : 0))));
    return up.map((value, j) => (value - down[j]) / 2e-5);
  });
  expect(Math.abs(determinant(columns))).toBeCloseTo(1, 6);
  const error = (eps: number) => {
    let most = 0;
    for (let k = 0; k < 20; k++) {
      const [q, m] = [Float64Array.of(Math.cos(k), 0.5 * Math.sin(k)), Float64Array.of(Math.sin(3 * k), Math.cos(5 * k))];
      const before = BENT.energy(q) + (m[0] ** 2 + m[1] ** 2) / 2;
      const u = orbit(q, m, eps, Math.round(1 / eps));
      most = Math.max(most, Math.abs(u + (m[0] ** 2 + m[1] ** 2) / 2 - before));
    }
    return most;
  };
  expect(error(0.02) / error(0.01)).toBeGreaterThan(3.5);
  expect(error(0.02) / error(0.01)).toBeLessThan(4.5);
});

function determinant(a: number[][]): number {
  if (a.length === 1) return a[0][0];
  return a[0].reduce(
    (sum, value, j) => sum + (j % 2 ? -1 : 1) * value * determinant(a.slice(1).map((row) => row.filter((_, k) => k !== j))),
    0,
  );
}

const UNEVEN = on(blobs([[-1], [1.2]], 0.5, [0.3, 0.7])); // modes near enough for all samplers

test.each([
  settings("mh", 1.2),
  settings("gibbs", 1),
  settings("mala", 0.7),
  settings("hmc", 0.25, { leapfrog: 8 }),
  settings("pt", 0.6, { temperatures: 4 }),
])("the histogram of $sampler is the density, and the flow between cells is the same both ways", (of) => {
  const kernel = kernelOf(of, UNEVEN);
  const [cells, low, high] = [12, -3, 3];
  const cell = (x: number) => Math.floor(((x - low) / (high - low)) * cells);
  const counts = new Float64Array(cells);
  const flow = new Float64Array(cells * cells);
  let total = 0;
  walk(
    kernel,
    40,
    5000,
    3,
    (chance) => chance.noise(),
    (chain, n) => {
      if (n <= 100) return;
      const [a, b] = [cell(chain.from[0]), cell(chain.x[0])];
      total++;
      if (b >= 0 && b < cells) counts[b]++;
      if (a >= 0 && a < cells && b >= 0 && b < cells) flow[a * cells + b]++;
    },
  );
  let apart = 0;
  for (let k = 0; k < cells; k++) {
    let mass = 0;
    for (let i = 0; i < 200; i++) {
      const x = low + ((k + (i + 0.5) / 200) / cells) * (high - low);
      mass += (Math.exp(-UNEVEN.energy(Float64Array.of(x))) * (high - low)) / cells / 200;
    }
    apart += Math.abs(counts[k] / total - mass) / 2;
  }
  expect(apart).toBeLessThan(0.012);
  for (let a = 0; a < cells; a++) {
    for (let b = 0; b < a; b++) {
      const [there, back] = [flow[a * cells + b], flow[b * cells + a]];
      expect(Math.abs(there - back)).toBeLessThan(5 * Math.sqrt(there + back) + 5);
    }
  }
});

test("Gibbs sweeps of a correlated pair have the autocorrelation ρ²", () => {
  const rho = 0.9;
  const p = 1 / (1 - rho ** 2);
  const pair = new Mixture(Float64Array.of(0, 0), Float64Array.of(p, -rho * p, -rho * p, p), Float64Array.of(0));
  let [cross, square, last] = [0, 0, 0];
  walk(
    kernelOf(settings("gibbs", 1), on(pair)),
    1,
    40_000,
    4,
    () => 0,
    (chain) => {
      cross += last * chain.x[0];
      square += chain.x[0] ** 2;
      last = chain.x[0];
    },
  );
  expect(Math.abs(cross / square - rho ** 2)).toBeLessThan(0.015);
});

test("with 10,000 evaluations tempering finds the 25 modes, the others stay where they began", () => {
  const modes = (of: Settings) => {
    const kernel = kernelOf(of, GRID);
    const found = [0, 1, 2, 3, 4].map(() => new Set<number>());
    let [kept, swapped, pairs] = [0, 0, 0];
    walk(
      kernel,
      5,
      Math.floor(10_000 / kernel.cost),
      0,
      (chance) => 0.3 * chance.noise(),
      (chain, _, k) => {
        const mode = GRID.mixture?.mode(chain.x) ?? -1;
        if (mode >= 0) found[k].add(mode);
        kept += chain.kept.length > 1 ? chain.kept.filter(Boolean).length / chain.kept.length : Number(chain.test.accepted);
        swapped += chain.swaps.filter(({ accepted }) => accepted).length;
        pairs += chain.swaps.length;
      },
    );
    const steps = 5 * Math.floor(10_000 / kernel.cost);
    return { found: found.map(({ size }) => size), acceptance: kept / steps, swaps: swapped / pairs };
  };
  const pt = modes(settings("pt", 0.5));
  expect(Math.min(...pt.found)).toBeGreaterThanOrEqual(23);
  expect(pt.acceptance).toBeCloseTo(0.54, 1);
  expect(pt.swaps).toBeCloseTo(0.72, 1);
  for (const [of, acceptance] of [
    [settings("mh", 0.5), 0.36],
    [settings("mala", 0.4), 0.72],
    [settings("hmc", 0.15), 0.98],
  ] as const) {
    const ours = modes(of);
    expect(Math.max(...ours.found)).toBeLessThanOrEqual(3);
    expect(Math.abs(ours.acceptance - acceptance)).toBeLessThan(0.03);
  }
});

test("replicas of one temperature always swap, and are the chains that never met", () => {
  const kernel = tempered(GRID, 0.5, [1, 1, 1]);
  const lone = tempered(GRID, 0.5, [1, 1, 1]);
  const [a, b] = [kernel.make(), lone.make()];
  const chance = new Chance(7);
  kernel.begin(a);
  lone.begin(b);
  const at = [0, 1, 2]; // which of b's replicas stands in each place of a
  for (let n = 1; n <= 200; n++) {
    // the same proposals for the replica wherever it stands: those of its place, drawn before
    const draws = [0, 1, 2].map((k) => {
      const one = new Chance(k).turn(0, n);
      return [one.noise(), one.noise(), one.uniform()];
    });
    const fed = (order: number[]) => {
      const numbers = order.flatMap((k) => draws[k]);
      const next = () => (numbers.length ? (numbers.shift() as number) : chance.turn(9, n).uniform());
      return { uniform: next, noise: next };
    };
    kernel.step(a, n, fed(at));
    for (const { k, accepted } of a.swaps) {
      expect(accepted).toBe(true);
      [at[k], at[k + 1]] = [at[k + 1], at[k]];
    }
    lone.step(b, n, fed([0, 1, 2]));
    for (const { k } of [...b.swaps].reverse()) {
      // undone: these never meet
      const [x, y] = [b.x.slice(2 * k, 2 * k + 2), b.x.slice(2 * k + 2, 2 * k + 4)];
      b.x.set(y, 2 * k);
      b.x.set(x, 2 * k + 2);
      [b.u[k], b.u[k + 1]] = [b.u[k + 1], b.u[k]];
    }
    at.forEach((mine, place) => {
      expect([...a.x.slice(2 * place, 2 * place + 2)]).toEqual([...b.x.slice(2 * mine, 2 * mine + 2)]);
    });
  }
});

test("a step too long diverges and is refused; an energy that is no number is refused and told", () => {
  const kernel = kernelOf(settings("hmc", 5), GRID);
  const chain = kernel.make();
  kernel.begin(chain);
  kernel.step(chain, 1, new Chance(0).turn(0, 1));
  expect(chain.divergent).toBe(true);
  expect(chain.test.accepted).toBe(false);
  expect([...chain.x]).toEqual([0, 0]);
  const hole: Target = { dim: 1, energy: ([x]) => (x ? Number.NaN : 0), slope: ([x]) => (x ? Number.NaN : 0) };
  for (const sampler of ["mh", "ula", "mala", "hmc", "pt"] as const) {
    const of = kernelOf(settings(sampler, 0.5), hole);
    const other = of.make();
    of.begin(other);
    of.step(other, 1, new Chance(0).turn(0, 1));
    expect([sampler, other.broken, other.x[0]]).toEqual([sampler, true, 0]);
  }
});

test("the ladder is geometric, and reaches the temperatures of the sheet", () => {
  expect(ladder(8)[7]).toBeCloseTo(10 ** -2.4, 12);
  expect(ladder(5)).toEqual([-0, -0.5, -1, -1.5, -2].map((power) => 10 ** power));
});

test("a mixture knows its slope, its masses and its modes; bent ones go through their programs", () => {
  const tensor = (shape: number[], data: number[]) => ({ shape, data: Float32Array.from(data) });
  const tensors = new Map([
    ["m", tensor([2, 2], [0, 0, 3, 1])],
    ["P", tensor([2, 2, 2], [4, 1, 1, 9, 16, 0, 0, 25])],
    [
      "c",
      tensor(
        [2],
        [Math.log(0.2) + Math.log(35) / 2 - Math.log(2 * Math.PI), Math.log(0.8) + Math.log(400) / 2 - Math.log(2 * Math.PI)],
      ),
    ],
  ]);
  const energy = compile(
    [
      ["mixture", "m", "P", "c"],
      ["affine", 0, -1],
    ],
    tensors,
  );
  const score = compile([["mixture score", "m", "P", "c"]], tensors);
  const target = targetOf(energy, score, 2);
  expect(target.mixture).toBeDefined();
  expect([...(target.mixture?.masses ?? [])].map((m) => Math.round(m * 1e5) / 1e5)).toEqual([0.2, 0.8]);
  expect(target.mixture?.narrowest).toBeCloseTo(0.2, 4);
  expect(target.mixture?.modal).toBe(true);
  expect(
    [
      [0.1, 0],
      [3.1, 1.1],
      [1.5, 0.5],
    ].map((x) => target.mixture?.mode(x)),
  ).toEqual([0, 1, -1]);
  for (const x of [
    [0.3, -0.2],
    [2, 0.5],
    [3, 1.3],
  ]) {
    const out = new Float64Array(2);
    target.slope(Float64Array.from(x), out);
    expect(energy(Float32Array.from(x))[0]).toBeCloseTo(target.energy(Float64Array.from(x)), 4);
    [...score(Float32Array.from(x))].forEach((value, i) => {
      const [up, down] = [1e-5, -1e-5].map((h) => target.energy(Float64Array.from(x, (v, j) => v + (i === j ? h : 0))));
      expect(out[i]).toBeCloseTo((down - up) / 2e-5, 4);
      expect(value).toBeCloseTo(out[i], 3);
    });
  }
  const bend: Op[] = [
    ["affine", 1, 1],
    ["mixture", "m", "P", "c"],
    ["affine", 0, -1],
  ];
  expect(targetOf(compile(bend, tensors), score, 2).mixture).toBeUndefined();
  expect(() => compile([["mixture", "m", "c", "P"]], tensors)).toThrow("a mixture takes means");
});
