// What can be computed of a small machine from its programs: the exact distribution of its states, and what one update would change.

import { lastWhere } from "./playback";
import type { Coin, Frame, Layer, Program } from "./types";

const FEW = 16; // bits of which all states can be listed
const SHOWN = 36; // hidden units whose changes are shown

/** The place of the last frame that is not after `step`. */
export const atLeast = (frames: Frame[], step: number): number =>
  Math.max(
    0,
    lastWhere(frames.length, (k) => frames[k].step <= step),
  );

/** The probabilities of the hidden units under a state: those of the coin that falls into register `h`. */
function hidden(program: Program, x: Float32Array): Float32Array | null {
  const coin: Coin | undefined = program.coins.find(({ name }) => name === "h");
  if (!coin) return null;
  program(x, { uniform: () => 1, noise: () => 0 });
  return coin.p.slice();
}

type Seen = { x: Float32Array; data: Float32Array | undefined };

/** "Data says" v₀ p(h|v₀)ᵀ, "dream says" v p(h|v)ᵀ and their difference: what one step of learning would add to the weights. */
export class Change {
  private kept: { program: Program; seen: Seen; data: Float32Array; dream: Float32Array; units: number } | null = null;

  fill(layer: Layer, program: Program | null, seen: Seen): Layer | null {
    if (layer.type !== "images" || !program || !["data says", "dream says", "difference"].includes(layer.name)) return null;
    const maps = this.maps(program, seen);
    if (!maps) return null;
    const { data, dream, units } = maps;
    const [n, h, w] = layer.tensors.pixels?.shape ?? [0, 0, 0];
    const dim = seen.x.length;
    const pictures = h * w === dim; // one for each hidden unit; else a single one, a row for each hidden unit
    const shown = pictures ? Math.min(n, units, SHOWN) : units;
    const scale = layer.diverging || 1;
    const pixels = new Float32Array(shown * dim);
    for (let j = 0; j < shown; j++) {
      for (let i = 0; i < dim; i++) {
        const [up, down] = [data[i * units + j], dream[i * units + j]];
        const value = layer.name === "data says" ? up : layer.name === "dream says" ? down : up - down;
        pixels[j * dim + i] = 0.5 + Math.min(Math.max(value / (2 * scale), -0.5), 0.5);
      }
    }
    return { ...layer, tensors: { pixels: { data: pixels, shape: pictures ? [shown, h, w] : [1, units, dim] } } };
  }

  private maps(program: Program, seen: Seen) {
    const { kept } = this;
    if (kept && kept.program === program && kept.seen.data === seen.data && same(kept.seen.x, seen.x)) return kept;
    const dream = hidden(program, seen.x);
    const data = seen.data && hidden(program, seen.data);
    if (!dream || !data || !seen.data) return null;
    this.kept = {
      program,
      seen: { x: seen.x.slice(), data: seen.data },
      data: outer(seen.data, data),
      dream: outer(seen.x, dream),
      units: dream.length,
    };
    return this.kept;
  }
}

const same = (a: Float32Array, b: Float32Array) => a.length === b.length && a.every((value, i) => value === b[i]);

function outer(v: Float32Array, h: Float32Array): Float32Array {
  const out = new Float32Array(v.length * h.length);
  for (let i = 0, at = 0; i < v.length; i++, at += h.length) {
    if (v[i]) for (let j = 0; j < h.length; j++) out[at + j] = v[i] * h[j]; // of bits most are off
  }
  return out;
}

/** The exact distribution over all states of few bits, and how often each was visited. */
export class Exact {
  private energy: Program | null = null;
  private p: Float32Array | null = null;
  private minus: Float64Array | null = null;
  private clamp = new Float32Array(0);
  private visits = new Float64Array(0);
  private total = 0;

  renew(energy: Program | null): void {
    this.energy = energy;
    this.minus = null;
    this.p = null;
    this.forget();
  }

  private hold(clamp: Float32Array): void {
    if (clamp.length === this.clamp.length && clamp.every((value, i) => Object.is(value, this.clamp[i]))) return;
    this.clamp = clamp.slice();
    this.p = null;
  }

  forget(): void {
    this.visits.fill(0);
    this.total = 0;
  }

  visit(states: Float32Array[]): void {
    const bits = states[0]?.length ?? 0;
    if (bits > FEW || !bits) return;
    if (this.visits.length !== 1 << bits) {
      this.visits = new Float64Array(1 << bits);
      this.p = null;
    }
    for (const state of states) this.visits[index(state)]++;
    this.total += states.length;
  }

  /**
   * "states": bars of p with dashes at the shares visited; "distance": how far the two are apart. What is clamped is so in both;
   * the exact distribution is that of temperature 1, and a hotter chain is compared with nothing.
   */
  fill(layer: Layer, heat: number, clamp: Float32Array): Layer | null {
    this.hold(clamp);
    const n = layer.type === "bars" && layer.name === "states" ? (layer.tensors.values?.shape[0] ?? 0) : 1 << FEW;
    const { total } = this;
    if (layer.type === "bars" && layer.name === "states") {
      const p = this.probabilities(n);
      if (!p) return null;
      const told = heat === 1 && this.tells;
      const marks = new Float32Array(told ? n : 0);
      for (let i = 0; i < marks.length; i++) marks[i] = this.visits[i] / total;
      return {
        ...layer,
        tensors: { ...layer.tensors, values: { data: p, shape: [n] }, ...(told && { marks: { data: marks, shape: [n] } }) },
      };
    }
    if (layer.type !== "numbers" || layer.name !== "distance") return null;
    const figures = [heat === 1 && this.tells ? this.distance() : Number.NaN, total];
    const rows = layer.rows.map(([label, , unit, how], i): (typeof layer.rows)[number] => [label, figures[i], unit, how]);
    return { ...layer, rows: rows.filter(([, value]) => !Number.isNaN(value)) };
  }

  /** Fewer visits say nothing of so many states. */
  private get tells(): boolean {
    return this.total > 0 && 4 * this.total >= this.visits.length;
  }

  /** Total variation, ½ Σ |share visited − p|. */
  private distance(): number {
    const p = this.probabilities(this.visits.length);
    if (!p || !this.total) return Number.NaN;
    return p.reduce((sum, value, i) => sum + Math.abs(this.visits[i] / this.total - value), 0) / 2;
  }

  /** Of the states that agree with what is clamped; of all others 0. */
  private probabilities(n: number): Float32Array | null {
    const bits = Math.round(Math.log2(n));
    if (!this.energy || 1 << bits !== n || bits > FEW || bits < 1) return null;
    if (this.p?.length === n) return this.p;
    const minus = this.listed(this.energy, bits);
    const [mask, held] = this.clamped(bits);
    let [top, z] = [Number.NEGATIVE_INFINITY, 0];
    for (let k = 0; k < n; k++) if ((k & mask) === held) top = Math.max(top, minus[k]);
    const p = new Float32Array(n);
    for (let k = 0; k < n; k++) if ((k & mask) === held) z += p[k] = Math.exp(minus[k] - top);
    for (let k = 0; k < n; k++) p[k] /= z;
    this.p = p;
    return p;
  }

  /** −F of every state. */
  private listed(energy: Program, bits: number): Float64Array {
    if (this.minus?.length === 1 << bits) return this.minus;
    const state = new Float32Array(bits);
    this.minus = new Float64Array(1 << bits);
    for (let k = 0; k < this.minus.length; k++) {
      for (let i = 0; i < bits; i++) state[i] = (k >> (bits - 1 - i)) & 1;
      this.minus[k] = -energy(state)[0];
    }
    return this.minus;
  }

  /** Which bits of a state's number are held, and what they are. */
  private clamped(bits: number): [mask: number, held: number] {
    let [mask, held] = [0, 0];
    for (let i = 0; i < bits; i++) {
      const value = this.clamp[i] ?? Number.NaN;
      mask = 2 * mask + Number(!Number.isNaN(value));
      held = 2 * held + Number(value > 0.5);
    }
    return [mask, held];
  }
}

/** The number of a state: its bits as they are read, the first the highest. */
export function index(state: Float32Array): number {
  let k = 0;
  for (let i = 0; i < state.length; i++) k = 2 * k + Number(state[i] > 0.5);
  return k;
}
