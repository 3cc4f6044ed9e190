import { expect, test } from "vitest";
import fixture from "./chains.fixture.json";
import { autocovariance, correlation, effective, finish, splitRhat, transform } from "./diagnose";
import { Chance } from "./random";

function ar(phi: number, draws: number, chains: number, seed = 0): Float64Array[] {
  return Array.from({ length: chains }, (_, k) => {
    const chance = new Chance(seed).turn(k, 0);
    let x = chance.noise() / Math.sqrt(1 - phi * phi);
    return Float64Array.from({ length: draws }, () => {
      x = phi * x + chance.noise();
      return x;
    });
  });
}

test("a transform of a transform is the same, mirrored, times its length", () => {
  const re = Float64Array.of(1, 2, 0, -1, 4, 0.5, 0, 3);
  const [a, b] = [re.slice(), new Float64Array(8)];
  transform(a, b);
  expect(a[0]).toBeCloseTo(9.5, 12);
  transform(a, b);
  a.forEach((value, i) => {
    expect(value / 8).toBeCloseTo(re[(8 - i) % 8], 12);
  });
});

test("autocovariances are those of the sums, for an odd and an even number of chains", () => {
  for (const many of [1, 2, 3]) {
    const chains = ar(0.5, 37, many);
    const ours = finish(autocovariance(chains));
    for (const t of [0, 1, 5, 36]) {
      let sum = 0;
      for (const chain of chains) {
        const mean = chain.reduce((all, x) => all + x, 0) / 37;
        for (let i = 0; i + t < 37; i++) sum += ((chain[i] - mean) * (chain[i + t] - mean)) / 37 / many;
      }
      expect(ours[t]).toBeCloseTo(sum, 10);
    }
  }
});

test.each(fixture.series.map((one) => [one.name, one] as const))("of chains that are %s it says what arviz says", (_, one) => {
  const { x, r_hat, ess } = one;
  const rhat = finish(splitRhat(x));
  if (r_hat === null) expect(Number.isFinite(rhat)).toBe(false);
  else expect(Math.abs(rhat - r_hat)).toBeLessThan(1e-9);
  if (ess !== null) expect(Math.abs(finish(effective(x)) / ess - 1)).toBeLessThan(1e-9);
  if (!one.autocorrelation) return;
  const rho = finish(correlation(x, one.autocorrelation.length));
  one.autocorrelation.forEach((value, t) => {
    expect(rho[t]).toBeCloseTo(value, 9);
  });
});

test("of an AR(1) chain with φ = 0.9 one draw in 19 counts", () => {
  const ess = finish(effective(ar(0.9, 20_000, 4)));
  expect(80_000 / ess / 19).toBeGreaterThan(0.9);
  expect(80_000 / ess / 19).toBeLessThan(1.1);
});

test("chains that stand apart are told by R-hat, those that sit together are not", () => {
  const chains = ar(0, 1000, 4);
  expect(finish(splitRhat(chains))).toBeLessThan(1.01);
  const apart = chains.map((chain, k) => (k % 2 ? chain.map((x) => x + 10) : chain));
  expect(finish(splitRhat(apart))).toBeGreaterThan(2);
  expect(finish(effective(apart))).toBeLessThan(20);
  expect(finish(splitRhat([Float64Array.of(1, 2, 3)]))).toBeNaN();
});
