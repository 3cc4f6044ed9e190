// Memories in weights and their recall, in spins ±1: models/energy/memories.py and samplers/spins.py once more, a pattern at a time.

import type { Chance } from "./random";

export const TIE = 1e-6; // an input this near to 0 moves no spin
export const SWEEPS = 50; // within which nearly every state has come to rest
export const NEAR = 0.95; // overlap from which a state is taken for a memory
const NEW = 1e-6; // squared share of a pattern that no mixture of the others explains, below which it adds nothing to a projector

export type Rule = "hebb" | "storkey" | "pinv";
export type Spins = Int8Array;
/** What became of a damaged memory. `swings`: no rest at all, but two states by turns. */
export const FATES = ["recalled", "another", "inverse", "spurious", "swings"] as const;
export type Fate = (typeof FATES)[number];
/** … and the memory that it is most like, or unlike. */
export type End = { fate: Fate; like: number; overlap: number };

/** Patterns written one after the other; what the weights were after each is kept. */
export class Weights {
  readonly after: Float32Array[] = []; // [P − 1]: of P patterns, (units, units), nothing on the diagonal
  private readonly W: Float64Array; // of the projector with its diagonal, without which it is none

  constructor(
    readonly units: number,
    readonly rule: Rule,
  ) {
    this.W = new Float64Array(units * units);
  }

  write(x: Spins): void {
    const { W, units: n, rule } = this;
    const known = rule === "hebb" ? null : times(W, x); // what the net says of it already
    if (rule === "pinv" && known) {
      const r = known.map((value, i) => x[i] - value);
      const size = r.reduce((sum, value) => sum + value * value, 0);
      if (size > NEW * n) for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) W[i * n + j] += (r[i] * r[j]) / size;
    } else {
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          const at = i * n + j;
          if (i !== j) W[at] += (x[i] * x[j] - (known ? known[i] * x[j] + known[j] * x[i] - 2 * W[at] : 0)) / n;
        }
      }
    }
    const hollow = new Float32Array(W);
    for (let i = 0; i < n; i++) hollow[i * n + i] = 0;
    this.after.push(hollow);
  }
}

function times(W: Float64Array, x: Spins): Float64Array {
  const n = x.length;
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) y[i] += W[i * n + j] * x[j];
  return y;
}

/** A network at work on a state `s`, with the input `h` of each unit; of a flip all inputs hear at once, by a rank-1 update. */
export class Network {
  readonly s: Float64Array;
  readonly h: Float64Array;
  turned: number[] = []; // by the last update of all at once
  private readonly order: Int32Array;
  private W: Float32Array = new Float32Array(0);

  constructor(readonly units: number) {
    this.s = new Float64Array(units);
    this.h = new Float64Array(units);
    this.order = new Int32Array(units);
  }

  /** A memory with so many of its units turned, which ones chance says. */
  damaged(x: Spins, flips: number, chance: Chance): Spins {
    const y = x.slice();
    for (const i of shuffle(this.order, chance, flips).subarray(0, flips)) y[i] *= -1;
    return y;
  }

  begin(W: Float32Array, x: Spins): void {
    const { s, h, units: n } = this;
    this.W = W;
    this.turned = [];
    s.set(x);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0, at = i * n; j < n; j++, at++) sum += W[at] * s[j];
      h[i] = sum;
    }
  }

  /** Each unit in turn, in a new random order; how many were turned. Never uphill. */
  sweep(chance: Chance): number {
    let count = 0;
    for (const i of shuffle(this.order, chance)) {
      if (this.h[i] * this.s[i] >= -TIE) continue;
      this.turn(i);
      count++;
    }
    return count;
  }

  /** All units at once, none knowing what the others do; whether that only takes back what was done before. */
  together(): boolean {
    const { s, h, turned } = this;
    this.turned = [...s.keys()].filter((i) => h[i] * s[i] < -TIE);
    for (const i of this.turned) this.turn(i);
    return this.turned.length > 0 && this.turned.join() === turned.join();
  }

  /** From a state to where it rests, or is after many sweeps, unit by unit; without chance all at once, and true if it then
   *  swings, `turned` being what moves to and fro. */
  settle(W: Float32Array, x: Spins, chance: Chance | null): boolean {
    this.begin(W, x);
    for (let k = 0; k < SWEEPS; k++) {
      if (chance) {
        if (!this.sweep(chance)) break;
      } else if (this.together()) return true;
      else if (!this.turned.length) break;
    }
    return false;
  }

  private turn(i: number): void {
    const { s, h, W, units: n } = this;
    const change = -2 * s[i];
    s[i] = -s[i];
    for (let j = 0, at = i * n; j < n; j++, at++) h[j] += change * W[at];
  }
}

/** The first `count` of 0, 1, 2, … in an order that chance says (Fisher & Yates); the others follow. */
export function shuffle(order: Int32Array, chance: Chance, count = order.length): Int32Array {
  for (let i = 0; i < order.length; i++) order[i] = i;
  for (let k = 0; k < count; k++) {
    const at = k + Math.floor(chance.uniform() * (order.length - k));
    const kept = order[k];
    order[k] = order[at];
    order[at] = kept;
  }
  return order;
}

/** What a state is to the first `count` memories, the one with number `asked` having been damaged. */
export function judged(s: ArrayLike<number>, memories: readonly Spins[], count: number, asked: number, swings: boolean): End {
  const most = { like: 0, overlap: 0 };
  let own = 0;
  for (let k = 0; k < count; k++) {
    let sum = 0;
    for (let i = 0; i < s.length; i++) sum += memories[k][i] * s[i];
    const overlap = sum / s.length;
    if (k === asked) own = overlap;
    if (Math.abs(overlap) > Math.abs(most.overlap)) [most.like, most.overlap] = [k, overlap];
  }
  if (swings) return { fate: "swings", ...most };
  if (own >= NEAR) return { fate: "recalled", like: asked, overlap: own };
  return { fate: most.overlap >= NEAR ? "another" : most.overlap <= -NEAR ? "inverse" : "spurious", ...most };
}
