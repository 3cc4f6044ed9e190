// A mixture of Gaussians as client programs name it (docs/wire.md): log Σ exp(cₖ − ½ (x − mₖ)ᵀ Pₖ (x − mₖ)), its slope, and what else
// a sampler, and a person who judges it, can know of it. All in float64: acceptance tests of sharp targets need it.

import type { Tensor } from "./types";

const FAINT = 40; // nats below the largest term at which another one no longer counts
const REACH = 3; // standard deviations within which a point counts for its nearest centre
export const APART = 6; // … between centres of which one can say so

/** Chance as a sampler needs it. */
export type Draws = { uniform(): number; noise(): number };
export type Places = ArrayLike<number>;

export class Mixture {
  readonly count: number;
  readonly dim: number;
  private readonly terms: Float64Array; // of the last point asked for
  private top = 0; // the largest of them
  private readonly flat: Float64Array; // in the plane: m₁, m₂, P₁₁, P₁₂ + P₂₁, P₂₂, c of each, in the order of reading

  constructor(
    readonly means: Float64Array, // (k, d)
    readonly precision: Float64Array, // (k, d, d)
    readonly constant: Float64Array, // (k,): log weight and log normaliser
  ) {
    this.count = constant.length;
    this.dim = means.length / this.count;
    this.terms = new Float64Array(this.count);
    const p = precision;
    this.flat = Float64Array.from(
      this.dim === 2
        ? Array.from(constant, (c, k) => [
            means[2 * k],
            means[2 * k + 1],
            p[4 * k],
            p[4 * k + 1] + p[4 * k + 2],
            p[4 * k + 3],
            c,
          ]).flat()
        : [],
    );
  }

  /** (x − mₖ)ᵀ Pₖ (x − mₖ). */
  distance(x: Places, k: number): number {
    const { dim: d, means, precision: p } = this;
    if (d === 2) {
      const [u, v, at] = [x[0] - means[2 * k], x[1] - means[2 * k + 1], 4 * k];
      return p[at] * u * u + (p[at + 1] + p[at + 2]) * u * v + p[at + 3] * v * v;
    }
    let sum = 0;
    for (let i = 0; i < d; i++) {
      let row = 0;
      for (let j = 0, at = (k * d + i) * d; j < d; j++) row += p[at + j] * (x[j] - means[k * d + j]);
      sum += row * (x[i] - means[k * d + i]);
    }
    return sum;
  }

  /** The sum of all terms divided by the largest, whose log is left in `top`; they are left in `terms`. */
  private summed(x: Places): number {
    const { count, constant, terms, flat } = this;
    let top = Number.NEGATIVE_INFINITY;
    if (this.dim === 2) {
      const [x0, x1] = [x[0], x[1]];
      for (let k = 0, at = 0; k < count; k++, at += 6) {
        const u = x0 - flat[at];
        const v = x1 - flat[at + 1];
        const term = flat[at + 5] - 0.5 * (u * (flat[at + 2] * u + flat[at + 3] * v) + flat[at + 4] * v * v);
        terms[k] = term;
        if (term > top) top = term;
      }
    } else {
      for (let k = 0; k < count; k++) {
        terms[k] = constant[k] - 0.5 * this.distance(x, k);
        if (terms[k] > top) top = terms[k];
      }
    }
    this.top = top;
    if (!(top > Number.NEGATIVE_INFINITY)) {
      if (Number.isNaN(terms[0])) this.top = Number.NaN; // of a place that is none
      return 1;
    }
    const floor = top - FAINT;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      if (terms[k] > floor) sum += terms[k] = Math.exp(terms[k] - top);
      else terms[k] = 0;
    }
    return sum;
  }

  log(x: Places): number {
    const sum = this.summed(x);
    return this.top + Math.log(sum);
  }

  /** The same, with ∇ in `out`. */
  slope(x: Places, out: Float64Array | Float32Array): number {
    const { count, dim: d, means, precision: p, terms } = this;
    const sum = this.summed(x);
    out.fill(0);
    if (d === 2) {
      const { flat } = this;
      let [s0, s1] = [0, 0];
      for (let k = 0, at = 0; k < count; k++, at += 6) {
        const term = terms[k];
        if (!(term > 0)) continue;
        const u = flat[at] - x[0];
        const v = flat[at + 1] - x[1];
        const cross = flat[at + 3] / 2;
        s0 += term * (flat[at + 2] * u + cross * v);
        s1 += term * (cross * u + flat[at + 4] * v);
      }
      out[0] = s0 / sum;
      out[1] = s1 / sum;
      return this.top + Math.log(sum);
    }
    for (let k = 0; k < count; k++) {
      if (!(terms[k] > 0)) continue;
      const share = terms[k] / sum;
      for (let i = 0; i < d; i++) {
        let row = 0;
        for (let j = 0, at = (k * d + i) * d; j < d; j++) row += p[at + j] * (means[k * d + j] - x[j]);
        out[i] += share * row;
      }
    }
    return this.top + Math.log(sum);
  }

  /** An exact draw of coordinate i given the others, in place: first a component, then its conditional Gaussian. */
  conditional(x: Float64Array, i: number, { uniform, noise }: Draws): void {
    const { count, dim: d, means, precision: p, constant, terms } = this;
    const centre = (k: number) => {
      let pull = 0;
      for (let j = 0, at = (k * d + i) * d; j < d; j++) if (j !== i) pull += p[at + j] * (x[j] - means[k * d + j]);
      return means[k * d + i] - pull / p[(k * d + i) * d + i];
    };
    let top = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < count; k++) {
      x[i] = centre(k); // there the component is highest: what is left is the distance in the other coordinates
      terms[k] = constant[k] - 0.5 * this.distance(x, k) - 0.5 * Math.log(p[(k * d + i) * d + i]);
      if (terms[k] > top) top = terms[k];
    }
    let sum = 0;
    for (let k = 0; k < count; k++) sum += terms[k] = Math.exp(terms[k] - top);
    let left = uniform() * sum;
    let k = 0;
    while (k < count - 1 && left >= terms[k]) left -= terms[k++];
    x[i] = centre(k) + noise() / Math.sqrt(p[(k * d + i) * d + i]);
  }

  /** Whether its components are modes that a point can be told to be in. */
  get modal(): boolean {
    return this.count > 1 && this.gap >= APART;
  }

  /** From one centre to another, the least, in standard deviations of that other one. */
  get gap(): number {
    this.least ??= this.nearest();
    return this.least;
  }
  private least: number | undefined;

  private nearest(): number {
    const { count, dim: d, means } = this;
    let least = Number.POSITIVE_INFINITY;
    for (let k = 0; k < count; k++) {
      const other = means.subarray(k * d, (k + 1) * d);
      for (let l = 0; l < count; l++) if (l !== k) least = Math.min(least, this.distance(other, l));
    }
    return Math.sqrt(least);
  }

  /** The mode that a point counts for, −1 for none. */
  mode(x: Places): number {
    let [best, found] = [REACH * REACH, -1];
    for (let k = 0; k < this.count; k++) {
      const distance = this.distance(x, k);
      if (distance <= best) [best, found] = [distance, k];
    }
    return found;
  }

  /** The share of each component: its constant less the height that its precision gives. */
  get masses(): Float64Array {
    const { count, dim: d, precision, constant } = this;
    const logs = constant.map((c, k) => c - 0.5 * logDet(precision.subarray(k * d * d, (k + 1) * d * d), d));
    const top = Math.max(...logs);
    const sum = logs.reduce((all, log) => all + Math.exp(log - top), 0);
    return Float64Array.from({ length: count }, (_, k) => Math.exp(logs[k] - top) / sum);
  }

  /** The least standard deviation in any direction of any component: what a step must not overlook. */
  get narrowest(): number {
    let most = 0;
    const { dim: d } = this;
    for (let k = 0; k < this.count; k++) most = Math.max(most, largest(this.precision.subarray(k * d * d, (k + 1) * d * d), d));
    return 1 / Math.sqrt(most);
  }
}

/** log det of a symmetric positive matrix, by its Cholesky factor. */
function logDet(a: Float64Array, d: number): number {
  const l = new Float64Array(d * d);
  let sum = 0;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let s = a[i * d + j];
      for (let k = 0; k < j; k++) s -= l[i * d + k] * l[j * d + k];
      l[i * d + j] = i === j ? Math.sqrt(s) : s / l[j * d + j];
    }
    sum += 2 * Math.log(l[i * d + i]);
  }
  return sum;
}

/** The largest eigenvalue of a symmetric positive matrix, by its powers. */
function largest(a: Float64Array, d: number): number {
  let x = Float64Array.from({ length: d }, (_, i) => 1 + 0.1 * i);
  let value = 0;
  for (let turn = 0; turn < 100; turn++) {
    const y = new Float64Array(d);
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) y[i] += a[i * d + j] * x[j];
    value = Math.hypot(...y);
    if (!value) return 0;
    x = y.map((v) => v / value);
  }
  return value;
}

/** From the tensors of a program: means (k, d), precision (k, d, d), constant (k,). */
export function mixtureOf(means: Tensor, precision: Tensor, constant: Tensor): Mixture {
  const [k, d] = means.shape;
  if (means.shape.length !== 2 || precision.shape.join() !== [k, d, d].join() || constant.shape.join() !== `${k}`)
    throw new Error(
      `a mixture takes means (k, d), precisions (k, d, d) and constants (k), not (${means.shape}), (${precision.shape}) and (${constant.shape})`,
    );
  return new Mixture(Float64Array.from(means.data), Float64Array.from(precision.data), Float64Array.from(constant.data));
}
