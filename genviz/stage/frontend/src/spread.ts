// At which energies the states of a chain lie since its temperature changed, beside what equilibrium at that temperature would have.

import type { Layer, Program } from "./types";

const MOST = 20_000; // states that are remembered, the newest
const BINS = 40;
const TAIL = 1e-3; // of equilibrium that may lie beyond the right end
const SAME = 1e-4; // nats between energies that are one: they are sums in single precision
const LOW = 0.5; // nats above the least energy that still count as low: several valleys may be nearly alike

/** Energies from the lowest up, with their shares at a temperature, and their mean. */
export type Levels = { energies: Float64Array; shares: Float64Array; mean: number };
type Bins = { by: Levels; start: number; width: number; shares: Float64Array };

/** The law of these energies at a temperature; at 0 the lowest ones share it alike. */
export function levelsOf(energies: Float64Array, heat: number): Levels {
  const [least, shares] = [energies[0], new Float64Array(energies.length)];
  let [all, sum] = [0, 0];
  for (let k = 0; k < energies.length; k++) {
    shares[k] = heat ? Math.exp((least - energies[k]) / heat) : Number(energies[k] < least + SAME);
    all += shares[k];
    sum += shares[k] * energies[k];
  }
  for (let k = 0; k < shares.length; k++) shares[k] /= all;
  return { energies, shares, mean: sum / all };
}

export class Spread {
  private readonly seen = new Float64Array(MOST);
  private newest = new Float64Array(0); // those of the last sweep
  private total = 0;
  private outlines: { total: number; levels: Levels | null; chains: Float32Array | null; exact: Float32Array | null } | null =
    null;
  private bins: Bins | null = null; // of equilibrium

  forget(): void {
    this.total = 0;
    this.newest = new Float64Array(0);
  }

  visit(states: Float32Array[], energy: Program): void {
    this.newest = Float64Array.from(states, (state) => energy(state)[0]);
    for (const value of this.newest) this.seen[this.total++ % MOST] = value;
  }

  /** "spread": the chains' states by energy; "equilibrium": the exact law; "levels": their figures. */
  fill(layer: Layer, law: () => Levels | null): Layer | null {
    if (layer.type === "numbers" && layer.name === "levels") {
      const figures = this.figures(law());
      const rows = layer.rows.map(([label, , unit, how], i): (typeof layer.rows)[number] => [label, figures[i], unit, how]);
      return { ...layer, rows: rows.filter(([, value]) => !Number.isNaN(value)) };
    }
    if (layer.type !== "curves" || (layer.name !== "spread" && layer.name !== "equilibrium")) return null;
    const levels = law();
    if (this.outlines?.total !== this.total || this.outlines.levels !== levels)
      this.outlines = { total: this.total, levels, ...this.drawn(levels) };
    const bars = layer.name === "spread" ? this.outlines.chains : this.outlines.exact;
    return { ...layer, tensors: bars ? { xy: { data: bars, shape: [bars.length / 2, 2] } } : {} };
  }

  private get energies(): Float64Array {
    return this.seen.subarray(0, Math.min(this.total, MOST));
  }

  /** Mean energy of the chains, that of equilibrium, and the percentage of chains that are low now. */
  private figures(levels: Levels | null): number[] {
    const { energies, newest } = this;
    const mean = energies.reduce((sum, value) => sum + value, 0) / energies.length;
    if (!levels) return [mean, Number.NaN, Number.NaN];
    const low = newest.reduce((count, value) => count + Number(value < levels.energies[0] + LOW), 0);
    return [mean, levels.mean, (100 * low) / newest.length];
  }

  /** Outlines of two histograms on the same bins, as parts of the tallest bin of equilibrium, else of their own. */
  private drawn(levels: Levels | null): { chains: Float32Array | null; exact: Float32Array | null } {
    const { energies } = this;
    let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of energies) [lo, hi] = [Math.min(lo, value), Math.max(hi, value)];
    if (levels) [lo, hi] = [Math.min(lo, levels.energies[0]), Math.max(hi, reach(levels))];
    if (!(hi >= lo)) return { chains: null, exact: null };
    const width = (hi - lo || 1) / (BINS - 1);
    const start = lo - width / 2; // the lowest level is in the middle of its bin
    if (levels && (this.bins?.by !== levels || this.bins.start !== start || this.bins.width !== width))
      this.bins = { by: levels, start, width, shares: binned(levels.energies, start, width, levels.shares) };
    const own = binned(energies, start, width);
    const exact = levels && this.bins ? this.bins.shares : null;
    const tallest = Math.max(...(exact ?? own)) || 1;
    const outline = (shares: Float64Array) =>
      Float32Array.from(
        Array.from(shares, (share, k) => [start + k * width, share / tallest, start + (k + 1) * width, share / tallest]).flat(),
      );
    return { chains: energies.length ? outline(own) : null, exact: exact && outline(exact) };
  }
}

/** The energy beyond which hardly anything of a law lies. */
function reach({ energies, shares }: Levels): number {
  let k = shares.length - 1;
  for (let beyond = shares[k]; k > 0 && beyond < TAIL; beyond += shares[k]) k--;
  return energies[k];
}

/** The share of values in each bin; alike, or as they are given. */
function binned(values: Float64Array, start: number, width: number, shares?: Float64Array): Float64Array {
  const out = new Float64Array(BINS);
  for (let k = 0; k < values.length; k++)
    out[Math.min(Math.floor((values[k] - start) / width), BINS - 1)] += shares ? shares[k] : 1 / values.length;
  return out;
}
