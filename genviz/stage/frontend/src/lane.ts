// One sampler on its way: chains that step together, what they leave behind, and any moment of it again. Chance is a function of
// (seed, chain, step), so that a moment in the past is computed anew from the nearest state that was kept.

import { correlation, effective, splitRhat } from "./diagnose";
import { type Chain, type Kernel, kernelOf, type Settings, type Target } from "./kernels";
import { Chance } from "./random";

const KEPT = 128; // steps between two states that are kept whole
const UNWATCHED = 400; // evaluations between two looks at the clock
export const LAGS = 101; // of the autocorrelation that is shown
export const BINS = 48; // of the marginal
const STUCK = 1.2; // R-hat above which an effective number means nothing
const NEAR = 1.05; // R-hat below which chains seem to agree

/** What a race gives all lanes. */
export type Ground = {
  target: Target;
  seed: number;
  starts: Float64Array[]; // where each chain begins
  low: number; // of the first coordinate, for its marginal
  high: number;
  fog: Fog;
};

/** A grid over the map, on which it is noted when a place was first seen. */
export type Fog = { side: number; x: [number, number]; y: [number, number]; reach: number };

/** What a lane's past says of it. */
export type Figures = {
  step: number;
  rhat: number;
  ess: number; // not a number: not mixed
  rho: Float64Array;
  marginal: Float64Array; // shares of the bins
  visits: Float64Array | null; // shares of the modes, of states that are in one
  jumps: Map<number, number>; // by from · modes + to, how often
  alone: number; // modes that the chain which found fewest has found
};

export class Lane {
  readonly kernel: Kernel;
  steps = 0;
  figures: Figures | null = null;
  figured = Number.NEGATIVE_INFINITY; // when
  readonly modes: number; // 0: the target has none that can be told apart
  readonly first: Int32Array; // step at which any chain was first in a mode, −1 never
  readonly seen: Int32Array; // … in a cell of the fog
  cleared = 0; // cells seen so far
  private readonly around: Uint8Array; // cells that a chain was in itself
  private readonly chance: Chance;
  private chains: Chain[];
  private xs: Float32Array[]; // the first two coordinates of each chain, from step 0 on
  private at: Int16Array[]; // the mode of each
  private kept = new Uint32Array(1); // proposals accepted up to a step
  private swapped = new Uint32Array(1);
  private diverged = new Uint32Array(1); // steps refused as they diverged, or had no energy
  private jumped = new Uint32Array(1); // how often any chain went to another mode
  private readonly last: Int16Array; // the mode that each chain was in last, −1 none yet
  private readonly whole: Float64Array[] = []; // all replicas of all chains, every so many steps
  private past: { chains: Chain[]; step: number } | null = null;
  private work: Generator<void, Figures> | null = null;

  constructor(
    readonly settings: Settings,
    readonly ground: Ground,
  ) {
    const { target, starts, fog, seed } = ground;
    this.kernel = kernelOf(settings, target);
    this.chance = new Chance(seed);
    this.modes = target.mixture?.modal ? target.mixture.count : 0;
    this.first = new Int32Array(this.modes).fill(-1);
    this.around = new Uint8Array(fog.side * fog.side);
    this.seen = new Int32Array(fog.side * fog.side).fill(-1);
    this.chains = starts.map((start) => {
      const chain = this.kernel.make();
      for (let i = 0; i < chain.x.length; i++) chain.x[i] = start[i % chain.dim];
      this.kernel.begin(chain);
      return chain;
    });
    this.xs = starts.map(() => new Float32Array(2 * 256));
    this.at = starts.map(() => new Int16Array(256));
    this.last = new Int16Array(starts.length).fill(-1);
    this.note();
  }

  get many(): number {
    return this.chains.length;
  }

  /** Steps until `wanted` or until time is up; whether it got there. */
  run(wanted: number, deadline: number): boolean {
    const some = Math.max(1, Math.floor(UNWATCHED / (this.kernel.cost * this.many)));
    while (this.steps < wanted) {
      for (let k = 0; k < some && this.steps < wanted; k++) this.step();
      if (performance.now() > deadline) break;
    }
    return this.steps >= wanted;
  }

  private step(): void {
    const n = ++this.steps;
    for (let k = 0; k < this.chains.length; k++) this.kernel.step(this.chains[k], n, this.chance.turn(k, n));
    this.note();
  }

  private note(): void {
    const { steps, chains, kernel } = this;
    this.room(steps + 1);
    let [kept, swapped, diverged, jumped] = [0, 0, 0, 0];
    for (let k = 0; k < chains.length; k++) {
      const chain = chains[k];
      const [x, y] = [chain.x[0], chain.dim > 1 ? chain.x[1] : 0];
      this.xs[k][2 * steps] = x;
      this.xs[k][2 * steps + 1] = y;
      this.reveal(x, y);
      if (this.modes) {
        const mode = this.ground.target.mixture?.mode(chain.x) ?? -1;
        this.at[k][steps] = mode;
        if (mode >= 0 && this.first[mode] < 0) this.first[mode] = steps;
        if (mode >= 0 && mode !== this.last[k]) {
          jumped += Number(this.last[k] >= 0);
          this.last[k] = mode;
        }
      }
      if (!steps) continue;
      if (kernel.betas.length > 1) for (const moved of chain.kept) kept += Number(moved);
      else kept += Number(chain.test.accepted);
      for (const { accepted } of chain.swaps) swapped += Number(accepted);
      diverged += Number(chain.divergent || chain.broken);
    }
    this.kept[steps] = (this.kept[steps - 1] ?? 0) + kept;
    this.swapped[steps] = (this.swapped[steps - 1] ?? 0) + swapped;
    this.diverged[steps] = (this.diverged[steps - 1] ?? 0) + diverged;
    this.jumped[steps] = (this.jumped[steps - 1] ?? 0) + jumped;
    if (steps % KEPT) return;
    const size = chains[0]?.x.length ?? 0;
    const all = new Float64Array(size * chains.length);
    for (let k = 0; k < chains.length; k++) all.set(chains[k].x, k * size);
    this.whole.push(all);
  }

  private room(size: number): void {
    const wider = <T extends Float32Array | Int16Array | Uint32Array>(old: T, per: number): T => {
      if (old.length >= size * per) return old;
      const fresh = new (old.constructor as new (n: number) => T)(Math.max(2 * old.length, size * per));
      fresh.set(old);
      return fresh;
    };
    if (this.at[0] && this.at[0].length < size) {
      this.xs = this.xs.map((one) => wider(one, 2));
      this.at = this.at.map((one) => wider(one, 1));
    }
    this.kept = wider(this.kept, 1);
    this.swapped = wider(this.swapped, 1);
    this.diverged = wider(this.diverged, 1);
    this.jumped = wider(this.jumped, 1);
  }

  /** The cells round a place are seen from now on. */
  private reveal(x: number, y: number): void {
    const { side, x: across, y: up, reach } = this.ground.fog;
    const i = ((x - across[0]) / (across[1] - across[0])) * side;
    const j = ((y - up[0]) / (up[1] - up[0])) * side;
    if (!(i > -reach && i < side + reach && j > -reach && j < side + reach)) return;
    const [here, there] = [Math.floor(i), Math.floor(j)];
    const centre = there * side + here;
    if (here >= 0 && here < side && there >= 0 && there < side && this.around[centre]) return;
    if (here >= 0 && here < side && there >= 0 && there < side) this.around[centre] = 1;
    for (let b = Math.max(there - reach, 0); b <= Math.min(there + reach, side - 1); b++) {
      for (let a = Math.max(here - reach, 0); a <= Math.min(here + reach, side - 1); a++) {
        if ((a - here) ** 2 + (b - there) ** 2 > reach * reach + 1) continue;
        const cell = b * side + a;
        if (this.seen[cell] < 0) {
          this.seen[cell] = this.steps;
          this.cleared++;
        }
      }
    }
  }

  // ------------------------------------------------------------ any moment

  /** Where a chain was. */
  place(chain: number, step: number): [x: number, y: number] {
    return [this.xs[chain][2 * step], this.xs[chain][2 * step + 1]];
  }

  mode(chain: number, step: number): number {
    return this.modes ? this.at[chain][step] : -1;
  }

  /** Places of a chain, x and y in turn, from step 0 on: longer than they are many. */
  places(chain: number): Float32Array {
    return this.xs[chain];
  }

  /** The chains as they stood after a step, with what that step was. */
  moment(step: number): Chain[] {
    if (step >= this.steps) return this.chains;
    if (this.past?.step === step) return this.past.chains;
    const { kernel, chance } = this;
    const near = this.past && this.past.step < step && step - this.past.step <= step % KEPT ? this.past : null;
    const chains = near?.chains ?? this.chains.map(() => kernel.make());
    let from = near?.step ?? 0;
    if (!near) {
      const block = Math.floor(Math.max(step - 1, 0) / KEPT); // the step itself is told, too
      from = block * KEPT;
      chains.forEach((chain, k) => {
        chain.x.set(this.whole[block].subarray(k * chain.x.length, (k + 1) * chain.x.length));
        kernel.begin(chain);
      });
    }
    for (let n = from + 1; n <= step; n++) for (const [k, chain] of chains.entries()) kernel.step(chain, n, chance.turn(k, n));
    this.past = { chains, step };
    return chains;
  }

  /** What the next step of the first chain will be: it is on its way. */
  ahead(step: number): Chain {
    const [now] = this.moment(step);
    const next = this.kernel.make();
    next.x.set(now.x);
    this.kernel.begin(next);
    this.kernel.step(next, step + 1, this.chance.turn(0, step + 1));
    return next;
  }

  /** Modes that any chain has been in up to a step. */
  found(step: number): number {
    let count = 0;
    for (const first of this.first) count += Number(first >= 0 && first <= step);
    return count;
  }

  /** The step at which the last mode was found, −1 while some are missing. */
  get complete(): number {
    if (!this.modes) return -1;
    let last = 0;
    for (const first of this.first) {
      if (first < 0) return -1;
      last = Math.max(last, first);
    }
    return last;
  }

  /** Share of proposals that were accepted; not a number where nothing is tested. */
  acceptance(step: number): number {
    const { tests } = this.kernel;
    return tests && step ? this.kept[step] / (step * tests * this.many) : Number.NaN;
  }

  /** Share of swaps that were accepted; not a number without replicas. */
  swaps(step: number): number {
    const k = this.kernel.betas.length;
    if (k < 2 || !step) return Number.NaN;
    const [even, odd] = [k >> 1, (k - 1) >> 1]; // pairs, counted from the hot end, in turn
    const tried = even * ((step + 1) >> 1) + odd * (step >> 1);
    return tried ? this.swapped[step] / (tried * this.many) : Number.NaN;
  }

  divergences(step: number): number {
    return this.diverged[step];
  }

  /** How often any chain has come to another mode than its last one. */
  jumps(step: number): number {
    return this.jumped[step];
  }

  // ------------------------------------------------------------ what its past says

  /** Works on the figures up to a step until time is up; whether they are there. */
  diagnose(step: number, deadline: number): boolean {
    if (this.figures?.step === step) return true;
    this.work ??= this.judged(step);
    while (performance.now() < deadline) {
      const next = this.work.next();
      if (!next.done) continue;
      this.figures = next.value;
      this.figured = performance.now();
      this.work = null;
      return true;
    }
    return false;
  }

  private *judged(step: number): Generator<void, Figures> {
    const { many, modes, ground } = this;
    const count = step + 1;
    const marginal = new Float64Array(BINS);
    const scale = BINS / (ground.high - ground.low);
    const visits = new Float64Array(modes);
    const jumps = new Map<number, number>();
    let [alone, stuck] = [modes, false];
    for (let k = 0; k < many; k++) {
      const xs = this.xs[k];
      for (let n = 0; n < count; n++) {
        const bin = Math.floor((xs[2 * n] - ground.low) * scale);
        if (bin >= 0 && bin < BINS) marginal[bin]++;
      }
      if (modes) {
        const own = new Set<number>();
        let last = -1;
        for (let n = 0; n < count; n++) {
          const mode = this.at[k][n];
          if (mode < 0) continue;
          visits[mode]++;
          if (mode === last) continue;
          own.add(mode);
          if (last >= 0) jumps.set(last * modes + mode, (jumps.get(last * modes + mode) ?? 0) + 1);
          last = mode;
        }
        alone = Math.min(alone, own.size);
        stuck ||= own.size < 2;
      }
      yield;
    }
    const columns: Float64Array[][] = [];
    let rhat = Number.NEGATIVE_INFINITY;
    for (let side = 0; side < Math.min(ground.target.dim, 2); side++) {
      columns.push(yield* this.column(side, count));
      rhat = Math.max(rhat, yield* splitRhat(columns[side]));
    }
    const mixed = rhat <= STUCK && !stuck;
    let ess = Number.NaN;
    for (const column of mixed ? columns : []) {
      const found = yield* effective(column);
      ess = Number.isNaN(ess) ? found : Math.min(ess, found);
    }
    const rho = count > 3 ? yield* correlation(columns[0], Math.min(LAGS, count)) : new Float64Array(0);
    const inside = visits.reduce((sum, value) => sum + value, 0);
    return {
      step,
      rhat,
      ess,
      rho: rho.slice(),
      marginal: marginal.map((value) => value / (many * count)),
      visits: modes ? visits.map((value) => (inside ? value / inside : 0)) : null,
      jumps,
      alone,
    };
  }

  /** One coordinate of every chain. */
  private *column(side: number, count: number): Generator<void, Float64Array[]> {
    const columns: Float64Array[] = [];
    for (const xs of this.xs) {
      const column = new Float64Array(count);
      for (let n = 0; n < count; n++) column[n] = xs[2 * n + side];
      columns.push(column);
      yield;
    }
    return columns;
  }

  /** The trap: halves of chains agree, though there are modes that none of them has seen. */
  get deceived(): boolean {
    const { figures } = this;
    return Boolean(figures && this.modes && figures.rhat < NEAR && this.found(figures.step) < this.modes);
  }
}
