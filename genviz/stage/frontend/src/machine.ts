// What can be computed of a small machine from its programs: the exact distribution of its states, and what one update would change.

import { lastWhere } from "./playback";
import { type Levels, levelsOf, Spread } from "./spread";
import type { Frame, Layer, Program } from "./types";

const FEW = 16; // bits of which all states can be listed
const WHOLE = 18; // units of a state with what is hidden in it, of which the states can still be summed
const HIDDEN = 10; // units whose states can be summed for one picture
const SLICE = 4096; // states of a long list that are computed for one picture
const SHOWN = 36; // hidden units whose changes are shown

/** The place of the last frame that is not after `step`. */
export const atLeast = (frames: Frame[], step: number): number =>
  Math.max(
    0,
    lastWhere(frames.length, (k) => frames[k].step <= step),
  );

/** ⟨s sᵀ⟩ of a whole state s whose row is known, what is hidden behind it averaged over exactly; the diagonal is left out. */
function together(energy: Program, row: Float32Array, size: number): Float32Array | null {
  const behind = size - row.length;
  if (behind > HIDDEN) return null;
  const out = new Float32Array(size * size);
  const state = new Float32Array(size);
  state.set(row);
  const minus = Float64Array.from({ length: 1 << behind }, (_, k) => {
    for (let i = 0; i < behind; i++) state[row.length + i] = (k >> (behind - 1 - i)) & 1;
    return -energy(state)[0];
  });
  const top = minus.reduce((a, b) => Math.max(a, b));
  const z = minus.reduce((sum, value) => sum + Math.exp(value - top), 0);
  for (let k = 0; k < minus.length; k++) {
    for (let i = 0; i < behind; i++) state[row.length + i] = (k >> (behind - 1 - i)) & 1;
    const share = Math.exp(minus[k] - top) / z;
    for (let i = 0; i < size; i++)
      if (state[i]) for (let j = 0; j < size; j++) if (i !== j) out[i * size + j] += share * state[j];
  }
  return out;
}

type Seen = { size: number; x: Float32Array; data: Float32Array | undefined };

/**
 * "Data says", "dream says" and their difference: what one step of learning would add to the weights, v₀ ⟨h⟩ᵀ less v ⟨h⟩ᵀ. The
 * program `says` has v and ⟨h⟩ of a row in its registers; without it, all pairs of a state, ⟨s sᵀ⟩ given the one row and the other.
 */
export class Change {
  private kept: { by: Program; seen: Seen; data: Float32Array; dream: Float32Array; units: number; dim: number } | null = null;

  fill(layer: Layer, says: Program | null, energy: Program | null, seen: Seen): Layer | null {
    if (layer.type !== "images" || !["data says", "dream says", "difference"].includes(layer.name)) return null;
    const maps = this.maps(says, energy, seen);
    if (!maps) return null;
    const { data, dream, units, dim } = maps;
    const [n, h, w] = layer.tensors.pixels?.shape ?? [0, 0, 0];
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

  private maps(says: Program | null, energy: Program | null, seen: Seen) {
    const { kept } = this;
    const by = says ?? energy;
    if (kept && kept.by === by && kept.seen.data === seen.data && same(kept.seen.x, seen.x)) return kept;
    if (!by || !seen.data) return null;
    const pairs = (row: Float32Array) => (says ? outer(says, row) : together(by, row, seen.size));
    const [data, dream] = [pairs(seen.data), pairs(seen.x)];
    if (!data || !dream) return null;
    const dim = says?.registers.get("v")?.length ?? seen.size;
    this.kept = { by, seen: { ...seen, x: seen.x.slice() }, data, dream, units: dream.length / dim, dim };
    return this.kept;
  }
}

const same = (a: Float32Array, b: Float32Array) => a.length === b.length && a.every((value, i) => value === b[i]);

/** v ⟨h⟩ᵀ of a row. */
function outer(says: Program, row: Float32Array): Float32Array | null {
  says(row);
  const [v, h] = [says.registers.get("v"), says.registers.get("h")];
  if (!v || !h) return null;
  const out = new Float32Array(v.length * h.length);
  for (let i = 0, at = 0; i < v.length; i++, at += h.length) {
    if (v[i]) for (let j = 0; j < h.length; j++) out[at + j] = v[i] * h[j]; // of bits most are off
  }
  return out;
}

export type Group = { from: number; to: number }; // units of a state of which one is on: a class
/** What it is of: whether visits are to agree with it, how warm, what is held, how many units a state has, and which are one of several. */
type Asked = { fair: boolean; heat: number; clamp: Float32Array; size: number; groups: Group[] };
type List = { by: Program; minus: Float64Array; done: number };

/** The exact distribution over all states of few bits, and how often each was visited. */
export class Exact {
  private energy: Program | null = null;
  private list: List | null = null; // −F of every state
  private next: List | null = null; // the same of newer weights, in the making: the one before is shown until it is whole
  private p: Float32Array | null = null;
  private clamp = new Float32Array(0);
  private size = 0; // of a whole state
  private groups: Group[] = [];
  private visits = new Float64Array(0);
  private total = 0;
  private spread: Spread | null = null;
  private levels: { of: Float64Array; energies: Float64Array; heat: number; law: Levels } | null = null;

  /** `changed` is called after each part of a long list, and told whether it is whole. */
  constructor(private readonly changed: (whole: boolean) => void) {}

  renew(energy: Program | null): void {
    this.energy = energy;
    this.forget();
  }

  /** Whether the energies of states are drawn: they cost as much as a sweep. */
  set spreads(on: boolean) {
    this.spread = on ? new Spread() : null;
  }

  private hold(clamp: Float32Array): void {
    if (clamp.length === this.clamp.length && clamp.every((value, i) => Object.is(value, this.clamp[i]))) return;
    this.clamp = clamp.slice();
    this.p = null;
    this.levels = null;
  }

  forget(): void {
    this.visits.fill(0);
    this.total = 0;
    this.spread?.forget();
  }

  visit(states: Float32Array[], bits: number): void {
    if (this.energy) this.spread?.visit(states, this.energy);
    if (bits > FEW || !bits) return;
    if (this.visits.length !== 1 << bits) {
      this.visits = new Float64Array(1 << bits);
      this.p = null;
    }
    for (const state of states) this.visits[index(state.subarray(0, bits))]++;
    this.total += states.length;
  }

  /**
   * "states": bars of p with dashes at the shares visited; "distance": how far the two are apart. What is clamped is so in both;
   * the exact distribution is that of temperature 1, and a chain that tends to another is compared with nothing. Energies are
   * compared at any temperature, see `Spread`.
   */
  fill(layer: Layer, { fair, heat, clamp, size, groups }: Asked): Layer | null {
    this.hold(clamp);
    this.size = size;
    this.groups = groups;
    const spread = this.spread?.fill(layer, () => this.law(heat));
    if (spread) return spread;
    const n = layer.type === "bars" && layer.name === "states" ? (layer.tensors.values?.shape[0] ?? 0) : 1 << FEW;
    const { total } = this;
    if (layer.type === "bars" && layer.name === "states") {
      const p = this.probabilities(n);
      if (!p) return null;
      const told = fair && this.tells;
      const marks = new Float32Array(told ? n : 0);
      for (let i = 0; i < marks.length; i++) marks[i] = this.visits[i] / total;
      return {
        ...layer,
        tensors: { ...layer.tensors, values: { data: p, shape: [n] }, ...(told && { marks: { data: marks, shape: [n] } }) },
      };
    }
    if (layer.type !== "numbers" || layer.name !== "distance") return null;
    const figures = [fair && this.tells ? this.distance() : Number.NaN, total];
    const rows = layer.rows.map(([label, , unit, how], i): (typeof layer.rows)[number] => [label, figures[i], unit, how]);
    return { ...layer, rows: rows.filter(([, value]) => !Number.isNaN(value)) };
  }

  /** Fewer visits say nothing of so many states. */
  private get tells(): boolean {
    return this.list?.by === this.energy && this.total > 0 && 4 * this.total >= this.visits.length;
  }

  /** Total variation, ½ Σ |share visited − p|. */
  private distance(): number {
    const p = this.probabilities(this.visits.length);
    if (!p || !this.total) return Number.NaN;
    return p.reduce((sum, value, i) => sum + Math.abs(this.visits[i] / this.total - value), 0) / 2;
  }

  /** Of the rows that agree with what is clamped, what is hidden behind them summed out; of all others 0. */
  private probabilities(n: number): Float32Array | null {
    const bits = Math.round(Math.log2(n));
    if (!this.energy || 1 << bits !== n || bits > FEW || bits < 1 || this.size > Math.max(WHOLE, bits)) return null;
    const minus = this.listed(this.energy, this.size);
    if (!minus || this.p?.length === n) return this.p;
    const legal = this.legal();
    const behind = this.size - bits;
    let [top, z] = [Number.NEGATIVE_INFINITY, 0];
    for (let k = 0; k < minus.length; k++) if (legal(k)) top = Math.max(top, minus[k]);
    const p = new Float64Array(n);
    for (let k = 0; k < minus.length; k++) {
      if (!legal(k)) continue;
      const share = Math.exp(minus[k] - top);
      z += share;
      p[k >> behind] += share;
    }
    this.p = Float32Array.from(p, (share) => share / z);
    return this.p;
  }

  /** The energies of the states that agree with what is held, and their shares at a temperature. */
  private law(heat: number): Levels | null {
    if (!this.energy || this.size > WHOLE) return null;
    const of = this.listed(this.energy, this.size);
    if (!of || this.list?.by !== this.energy) return null; // those of older weights are not what the chains tend to
    const known = this.levels;
    if (known?.of === of && known.heat === heat) return known.law;
    const legal = this.legal();
    const energies =
      known?.of === of
        ? known.energies
        : of
            .filter((_, k) => legal(k))
            .map((minus) => -minus)
            .sort();
    this.levels = { of, energies, heat, law: levelsOf(energies, heat) };
    return this.levels.law;
  }

  /** −F of every state: of the newest weights, or of those before while a picture's share of the list is made at a time. */
  private listed(energy: Program, bits: number): Float64Array | null {
    if (this.list?.minus.length !== 1 << bits) this.list = null;
    if (this.next?.minus.length !== 1 << bits) this.next = null;
    if (this.list?.by === energy) return this.list.minus;
    this.next ??= { by: energy, minus: new Float64Array(1 << bits), done: 0 };
    const { by, minus } = this.next;
    const state = new Float32Array(bits);
    const until = Math.min(this.next.done + SLICE, minus.length);
    for (let k = this.next.done; k < until; k++) {
      for (let i = 0; i < bits; i++) state[i] = (k >> (bits - 1 - i)) & 1;
      minus[k] = -by(state)[0];
    }
    this.next.done = until;
    const done = until === minus.length;
    if (done) [this.list, this.next, this.p] = [this.next, null, null];
    if (!done || minus.length > SLICE) requestAnimationFrame(() => this.changed(done));
    return this.list?.minus ?? null;
  }

  /** Whether a state agrees with what is held, and has one of each class on. */
  private legal(): (k: number) => boolean {
    const [mask, held] = this.clamped(this.size);
    const masks = this.groups.map(({ from, to }) => ((1 << (to - from)) - 1) << (this.size - to));
    const single = (bits: number) => bits !== 0 && (bits & (bits - 1)) === 0;
    return (k) => (k & mask) === held && masks.every((group) => single(k & group));
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
