// Steps that leave a distribution invariant, one chain at a time: the formulas of the sheet, U = −log p in nats. A kernel writes down
// what it proposed, what the test said and which way it went, so that a step can be shown.

import type { Draws, Mixture } from "./mixture";
import type { Program } from "./types";

export type Sampler = "mh" | "gibbs" | "ula" | "mala" | "hmc" | "pt";
export type Settings = { sampler: Sampler; eps: number; leapfrog: number; temperatures: number };
export const RANGES = { eps: [0.001, 10], leapfrog: [1, 100], temperatures: [2, 16] } as const;

/** What a sampler asks: energy in nats, and the slope of log p. */
export interface Target {
  readonly dim: number;
  energy(x: Float64Array): number;
  /** The energy, with ∇ log p in `out`. */
  slope(x: Float64Array, out: Float64Array): number;
  readonly mixture?: Mixture | undefined; // where the whole density is one: its conditionals can be drawn from
}

/** A mixture, asked directly, in float64. */
export const onMixture = (mixture: Mixture): Target => ({
  dim: mixture.dim,
  mixture,
  energy: (x) => -mixture.log(x),
  slope: (x, out) => -mixture.slope(x, out),
});

/** A target of the two client programs; a density that is one mixture is more exact without them. */
export function targetOf(energy: Program, score: Program, dim: number): Target {
  const { mixture, bare } = energy;
  if (mixture && bare && mixture.dim === dim) return onMixture(mixture);
  const given = new Float32Array(dim);
  return {
    dim,
    energy: (x) => {
      given.set(x);
      return energy(given)[0];
    },
    slope: (x, out) => {
      given.set(x);
      out.set(score(given));
      return energy(given)[0];
    },
  };
}

/** One test: log of the ratio, the coin, and which way it fell. */
export type Test = { log: number; coin: number; accepted: boolean };
export type Swap = Test & { k: number }; // between replicas k and k + 1, the coldest is 0

/** A chain, and what its last step was. PT: replicas one after the other, the coldest first. */
export class Chain {
  readonly x: Float64Array;
  readonly u: Float64Array; // energy of each replica
  readonly slope: Float64Array; // ∇ log p of x, of samplers that use it
  readonly from: Float64Array; // where all replicas were
  readonly proposal: Float64Array;
  readonly path: Float64Array; // HMC: L + 1 places
  readonly test: Test = { log: 0, coin: 0, accepted: true };
  readonly kept: boolean[]; // PT: whether each replica moved
  swaps: Swap[] = [];
  divergent = false;
  broken = false; // the energy was not a number
  told = false; // it has taken a step

  constructor(
    readonly dim: number,
    replicas: number,
    leapfrog: number,
  ) {
    this.x = new Float64Array(dim * replicas);
    this.u = new Float64Array(replicas);
    this.slope = new Float64Array(dim);
    this.from = new Float64Array(dim * replicas);
    this.proposal = new Float64Array(dim * replicas);
    this.path = new Float64Array(dim * (leapfrog + 1));
    this.kept = new Array<boolean>(replicas).fill(false);
  }
}

const DIVERGENT = 1000; // |H₁ − H₀|
const JITTER = 0.1; // of HMC's ε, so that no orbit comes round to where it began

export interface Kernel {
  readonly cost: number; // evaluations a step
  readonly tests: number; // of acceptance a step; 0: all is taken
  readonly betas: number[]; // of its replicas, 1 first
  readonly leapfrog: number;
  make(): Chain;
  /** From x on, of all replicas. */
  begin(chain: Chain): void;
  /** Step n ≥ 1. */
  step(chain: Chain, n: number, chance: Draws): void;
}

export function kernelOf(settings: Settings, target: Target): Kernel {
  const { sampler, eps, leapfrog, temperatures } = settings;
  switch (sampler) {
    case "mh":
      return walker(target, 1, (chain, _, chance) => metropolis(target, chain, 0, eps, 1, chance));
    case "gibbs":
      return { ...walker(target, target.dim, (chain, _, chance) => gibbs(target, chain, chance)), tests: 0 };
    case "ula":
      return { ...walker(target, 1, (chain, _, chance) => langevin(target, chain, eps, chance, false)), tests: 0 };
    case "mala":
      return walker(target, 1, (chain, _, chance) => langevin(target, chain, eps, chance, true));
    case "hmc":
      return walker(target, leapfrog, (chain, _, chance) => hamiltonian(target, chain, eps, leapfrog, chance), leapfrog);
    case "pt":
      return tempered(target, eps, ladder(temperatures));
  }
}

function walker(target: Target, cost: number, step: Kernel["step"], leapfrog = 0): Kernel {
  return {
    cost,
    tests: 1,
    betas: [1],
    leapfrog,
    make: () => new Chain(target.dim, 1, leapfrog),
    begin: (chain) => {
      chain.u[0] = target.slope(chain.x, chain.slope);
      chain.told = false;
    },
    step: (chain, n, chance) => {
      chain.from.set(chain.x);
      [chain.divergent, chain.broken, chain.told] = [false, false, true];
      step(chain, n, chance);
    },
  };
}

/** min(1, e^log) against a coin; what is not a number is refused. */
function judge(test: Test, log: number, coin: number): boolean {
  test.log = log;
  test.coin = coin;
  test.accepted = Math.log(coin) < log;
  return test.accepted;
}

/** y = x + ε ξ, of the replica k at inverse temperature β. */
function metropolis(target: Target, chain: Chain, k: number, eps: number, beta: number, { uniform, noise }: Draws): boolean {
  const d = target.dim;
  const y = chain.proposal.subarray(k * d, (k + 1) * d);
  const x = chain.x.subarray(k * d, (k + 1) * d);
  for (let i = 0; i < d; i++) y[i] = x[i] + eps * noise();
  const u = target.energy(y);
  if (Number.isNaN(u)) chain.broken = true;
  const test = k ? spare : chain.test;
  if (!judge(test, beta * (chain.u[k] - u), uniform())) return false;
  x.set(y);
  chain.u[k] = u;
  return true;
}
const spare: Test = { log: 0, coin: 0, accepted: false };

/** Each coordinate in turn from its exact conditional. */
function gibbs(target: Target, chain: Chain, chance: Draws): void {
  if (!target.mixture) throw new Error("only of a mixture can conditionals be drawn from exactly");
  for (let i = 0; i < target.dim; i++) target.mixture.conditional(chain.x, i, chance);
  chain.proposal.set(chain.x);
  chain.u[0] = target.energy(chain.x);
  judge(chain.test, 0, 0);
}

/** y = x + ε²/2 ∇ log p + ε ξ; with the test it is MALA, without it ULA, which is biased. */
function langevin(target: Target, chain: Chain, eps: number, { uniform, noise }: Draws, tested: boolean): void {
  const { x, proposal: y, slope, dim: d } = chain;
  const half = (eps * eps) / 2;
  let there = 0; // ‖y − x − ε²/2 ∇(x)‖² / ε²
  for (let i = 0; i < d; i++) {
    const xi = noise();
    y[i] = x[i] + half * slope[i] + eps * xi;
    there += xi * xi;
  }
  const after = uphill(d);
  const u = target.slope(y, after);
  if (Number.isNaN(u)) chain.broken = true;
  let log = Number.isNaN(u) ? Number.NaN : 0; // without a test all but what is not a number is taken
  if (tested) {
    let back = 0;
    for (let i = 0; i < d; i++) back += (x[i] - y[i] - half * after[i]) ** 2;
    log = chain.u[0] - u + there / 2 - back / (2 * eps * eps);
  }
  if (!judge(chain.test, log, tested ? uniform() : 0)) return;
  x.set(y);
  slope.set(after);
  chain.u[0] = u;
}

const buffers = new Map<number, Float64Array>();
function uphill(d: number): Float64Array {
  let found = buffers.get(d);
  if (!found) {
    found = new Float64Array(d);
    buffers.set(d, found);
  }
  return found;
}

/**
 * Half a kick, L times drift and kick, the last kick half again: x and p in place. Returns the energy at the end; `slope` is ∇ log p
 * of x before and after. The places go into `path`.
 */
export function leapfrog(
  target: Target,
  x: Float64Array,
  p: Float64Array,
  slope: Float64Array,
  eps: number,
  steps: number,
  path?: Float64Array,
): number {
  const d = x.length;
  let u = Number.NaN;
  path?.set(x);
  for (let i = 0; i < d; i++) p[i] += (eps / 2) * slope[i];
  for (let l = 1; l <= steps; l++) {
    for (let i = 0; i < d; i++) x[i] += eps * p[i];
    path?.set(x, l * d);
    u = target.slope(x, slope);
    const kick = l < steps ? eps : eps / 2;
    for (let i = 0; i < d; i++) p[i] += kick * slope[i];
  }
  return u;
}

const half = (p: Float64Array) => {
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += p[i] * p[i];
  return sum / 2;
};

function hamiltonian(target: Target, chain: Chain, eps: number, steps: number, { uniform, noise }: Draws): void {
  const { x, proposal: y, slope, dim: d } = chain;
  const length = eps * (1 - JITTER + 2 * JITTER * uniform());
  const p = new Float64Array(d);
  for (let i = 0; i < d; i++) p[i] = noise();
  const before = chain.u[0] + half(p);
  const end = uphill(d);
  end.set(slope);
  y.set(x);
  const u = leapfrog(target, y, p, end, length, steps, chain.path);
  const after = u + half(p);
  chain.broken = Number.isNaN(after);
  chain.divergent = chain.broken || Math.abs(after - before) > DIVERGENT;
  if (!judge(chain.test, chain.divergent ? Number.NEGATIVE_INFINITY : before - after, uniform())) {
    if (!chain.broken) chain.test.log = before - after; // as it was, to be told
    return;
  }
  x.set(y);
  slope.set(end);
  chain.u[0] = u;
}

/** Inverse temperatures from 1 down, geometric; few replicas do not reach so far. */
export function ladder(count: number): number[] {
  const hottest = count >= 6 ? -2.4 : -2;
  return Array.from({ length: count }, (_, k) => 10 ** ((hottest * k) / (count - 1)));
}

/** A Metropolis step of each replica, then swaps of neighbours: pairs of alternating parity, counted from the hot end. */
export function tempered(target: Target, eps: number, betas: number[]): Kernel {
  const [many, d] = [betas.length, target.dim];
  const swap: Float64Array = new Float64Array(d);
  return {
    cost: many,
    tests: many,
    betas,
    leapfrog: 0,
    make: () => new Chain(d, many, 0),
    begin: (chain) => {
      for (let k = 0; k < many; k++) chain.u[k] = target.energy(chain.x.subarray(k * d, (k + 1) * d));
      chain.told = false;
    },
    step: (chain, n, chance) => {
      const { x, u } = chain;
      chain.from.set(x);
      [chain.broken, chain.told] = [false, true];
      for (let k = 0; k < many; k++) chain.kept[k] = metropolis(target, chain, k, eps / Math.sqrt(betas[k]), betas[k], chance);
      chain.swaps = [];
      for (let k = many - 2 - ((n - 1) % 2); k >= 0; k -= 2) {
        const test: Swap = { k, log: 0, coin: 0, accepted: false };
        chain.swaps.push(test);
        if (!judge(test, (betas[k] - betas[k + 1]) * (u[k] - u[k + 1]), chance.uniform())) continue;
        swap.set(x.subarray(k * d, (k + 1) * d));
        x.copyWithin(k * d, (k + 1) * d, (k + 2) * d);
        x.set(swap, (k + 1) * d);
        [u[k], u[k + 1]] = [u[k + 1], u[k]];
      }
    },
  };
}
