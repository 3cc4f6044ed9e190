// A mixture in the plane as a person shapes it: modes moved, added, taken off, made heavier, all of them widened. It stays a mixture,
// so that its density, marginal, masses and draws stay exact.

import { type Draws, Mixture } from "./mixture";
import type { Field, Tensor } from "./types";

export const MODES = [1, 40] as const;
export const WIDTHS = [0.5, 4] as const;
const WEIGHTS = [1e-4, 1e4] as const;
export const SHARES = [0.005, 0.95] as const;
const NEIGHBOURS = 4; // of each mode, to which passes are looked for
const CUTS = 24; // of the line between two modes, an even number: equal ones have their pass in the middle
const FINE = 1e-4; // of that line, to which the pass is sought
const LATTICE = 12; // places across, among which the emptiest is chosen

/** `of`: the Gaussian of the given mixture whose form and mass it has; `fresh`: it is not that one itself. */
export type Mode = { of: number; fresh: boolean; x: number; y: number; weight: number };
export type Shape = { modes: Mode[]; width: number };
type Range = readonly [number, number];

export const within = (value: number, [low, high]: Range) => Math.min(Math.max(value, low), high);
const place = (value: number, range: Range) => Number(within(value, range).toFixed(3)); // as a link has it

export const given = (base: Mixture): Shape => ({ modes: Array.from(base.constant, (_, k) => itself(base, k)), width: 1 });
const itself = ({ means }: Mixture, k: number): Mode => ({
  of: k,
  fresh: false,
  x: means[2 * k],
  y: means[2 * k + 1],
  weight: 1,
});

// ------------------------------------------------------------ what may be done to it

export const moved = (shape: Shape, k: number, x: number, y: number, [across, up]: [Range, Range]): Shape => ({
  ...shape,
  modes: shape.modes.map((mode, i) => (i === k ? { ...mode, x: place(x, across), y: place(y, up) } : mode)),
});

/** One more, of the form and mass of its nearest neighbour. */
export function put(shape: Shape, x: number, y: number, [across, up]: [Range, Range]): Shape {
  const far = (mode: Mode) => Math.hypot(mode.x - x, mode.y - y);
  const like = shape.modes.reduce((best, mode) => (far(mode) < far(best) ? mode : best));
  return { ...shape, modes: [...shape.modes, { ...like, fresh: true, x: place(x, across), y: place(y, up) }] };
}

export const without = (shape: Shape, k: number): Shape => ({ ...shape, modes: shape.modes.filter((_, i) => i !== k) });
export const widened = (shape: Shape, width: number): Shape => ({
  ...shape,
  width: Number(within(width, WIDTHS).toPrecision(3)),
});

/** Of all mass, what is in the mode k. */
export function shareOf({ masses }: Mixture, { modes }: Shape, k: number): number {
  const own = masses[modes[k].of] * modes[k].weight;
  return own / modes.reduce((sum, { of, weight }) => sum + masses[of] * weight, 0);
}

/** That mode has this share of all; the others keep their proportions. */
export function shared(base: Mixture, shape: Shape, k: number, share: number): Shape {
  const { masses } = base;
  const rest = shape.modes.reduce((sum, { of, weight }, i) => sum + (i === k ? 0 : masses[of] * weight), 0);
  const part = within(share, SHARES);
  const weight = Number(within(((part / (1 - part)) * rest) / masses[shape.modes[k].of], WEIGHTS).toPrecision(4));
  return { ...shape, modes: shape.modes.map((mode, i) => (i === k ? { ...mode, weight } : mode)) };
}

/** The place of a lattice that is farthest from all modes. */
export function emptiest({ modes }: Shape, [across, up]: [Range, Range]): [number, number] {
  let [best, found]: [number, [number, number]] = [-1, [across[0], up[0]]];
  const at = ([low, high]: Range, i: number) => low + ((i + 0.5) / LATTICE) * (high - low);
  for (let n = 0; n < LATTICE * LATTICE; n++) {
    const [x, y] = [at(across, n % LATTICE), at(up, Math.floor(n / LATTICE))];
    const far = Math.min(...modes.map((mode) => Math.hypot(mode.x - x, mode.y - y)));
    if (far > best) [best, found] = [far, [x, y]];
  }
  return found;
}

// ------------------------------------------------------------ in a link

/** What differs: [k] is gone, [k, x, y, weight] is changed, [−1 − k, x, y, weight] is new and like k; a weight of 1 is not said. */
export function rows(base: Mixture, { modes }: Shape): number[][] {
  const own = new Map(modes.filter(({ fresh }) => !fresh).map((mode) => [mode.of, mode]));
  const told = ({ x, y, weight }: Mode) => [x, y, ...(weight === 1 ? [] : [weight])];
  const changed = Array.from(base.constant, (_, k): number[] | null => {
    const mode = own.get(k);
    if (!mode) return [k];
    const { x, y } = itself(base, k);
    return mode.x === x && mode.y === y && mode.weight === 1 ? null : [k, ...told(mode)];
  });
  return [
    ...changed.filter((row) => row !== null),
    ...modes.filter(({ fresh }) => fresh).map((mode) => [-1 - mode.of, ...told(mode)]),
  ];
}

/** A link's rows, as far as they make sense. */
export function shapeOf(base: Mixture, told: number[][], width: number, [across, up]: [Range, Range]): Shape {
  const own: (Mode | null)[] = given(base).modes;
  const fresh: Mode[] = [];
  for (const [k, x, y, weight] of told) {
    const of = k < 0 ? -1 - k : k;
    if (!Number.isInteger(k) || of >= base.count) continue;
    const there = Number.isFinite(x) && Number.isFinite(y);
    if (k >= 0 && x === undefined) own[k] = null;
    if (!there) continue;
    const mode = { of, fresh: k < 0, x: within(x, across), y: within(y, up), weight: within(weight ?? 1, WEIGHTS) };
    if (k < 0) fresh.push(mode);
    else own[k] = mode;
  }
  const modes = [...own.filter((mode) => mode !== null), ...fresh].slice(0, MODES[1]);
  return { modes: modes.length ? modes : given(base).modes, width: within(width, WIDTHS) };
}

export const same = (base: Mixture, a: Shape, b: Shape) =>
  a.width === b.width && JSON.stringify(rows(base, a)) === JSON.stringify(rows(base, b));

// ------------------------------------------------------------ what it then is

/** The mixture; the given one itself where nothing differs. */
export function laid(base: Mixture, shape: Shape): Mixture {
  if (same(base, shape, given(base))) return base;
  const { modes, width } = shape;
  const { masses } = base;
  const total = modes.reduce((sum, { of, weight }) => sum + masses[of] * weight, 0);
  const precision = modes.flatMap(({ of }) => Array.from(base.precision.subarray(4 * of, 4 * of + 4), (p) => p / width ** 2));
  return new Mixture(
    Float64Array.from(modes.flatMap(({ x, y }) => [x, y])),
    Float64Array.from(precision),
    Float64Array.from(modes, ({ of, weight }) => base.constant[of] + Math.log(weight / total) - 2 * Math.log(width)),
  );
}

/** The density on a grid, 1 at its highest place, as the panel of a race has it. */
export function fieldOf(law: Mixture, like: Field, side: number): Field {
  const [x0, x1, y0, y1] = like.extent;
  const logs = new Float64Array(side * side);
  const x = new Float64Array(2);
  let top = Number.NEGATIVE_INFINITY;
  for (let n = 0; n < logs.length; n++) {
    x[0] = x0 + ((n % side) / (side - 1)) * (x1 - x0);
    x[1] = y0 + (Math.floor(n / side) / (side - 1)) * (y1 - y0);
    logs[n] = law.log(x);
    if (logs[n] > top) top = logs[n];
  }
  return { ...like, tensors: { values: { shape: [side, side], data: Float32Array.from(logs, (log) => Math.exp(log - top)) } } };
}

/** The density of the first coordinate at `count` places: of each Gaussian it is a Gaussian. */
export function marginalOf(law: Mixture, [low, high]: Range, count: number): Tensor {
  const { masses, means, precision: p } = law;
  const data = new Float32Array(2 * count);
  for (let i = 0; i < count; i++) {
    const x = low + (i / (count - 1)) * (high - low);
    let sum = 0;
    for (let k = 0; k < law.count; k++) {
      const at = 4 * k;
      const across = p[at] - (p[at + 1] * p[at + 2]) / p[at + 3]; // one over the variance
      sum += masses[k] * Math.sqrt(across / (2 * Math.PI)) * Math.exp((-across * (x - means[2 * k]) ** 2) / 2);
    }
    data[2 * i] = x;
    data[2 * i + 1] = sum;
  }
  return { shape: [count, 2], data };
}

/** An exact draw: a Gaussian by its mass, then a place of it, m + L⁻ᵀ z with P = L Lᵀ. */
export function drawn(law: Mixture, { uniform, noise }: Draws): Float64Array {
  const { masses, means, precision: p } = law;
  let left = uniform();
  let k = 0;
  while (k < law.count - 1 && left >= masses[k]) left -= masses[k++];
  const a = Math.sqrt(p[4 * k]);
  const b = p[4 * k + 2] / a;
  const [z0, z1] = [noise(), noise()];
  const y = z1 / Math.sqrt(p[4 * k + 3] - b * b);
  return Float64Array.of(means[2 * k] + (z0 - b * y) / a, means[2 * k + 1] + y);
}

/**
 * The lowest pass between neighbouring modes, nats: the greatest U on the straight line between two centres, less U at the one that
 * lies higher, the least of all pairs of near neighbours. Not a number where there is but one mode.
 */
export function barrier(law: Mixture): number {
  let least = Number.NaN;
  const known = new Set<number>(); // pairs: most are near from both sides
  for (let i = 0; i < law.count; i++) {
    const here = law.means.subarray(2 * i, 2 * i + 2);
    const others = Array.from({ length: law.count }, (_, j) => j).filter((j) => j !== i);
    const far = new Map(others.map((j) => [j, Math.min(law.distance(here, j), law.distance(centre(law, j), i))]));
    const near = others.sort((a, b) => (far.get(a) ?? 0) - (far.get(b) ?? 0)).slice(0, NEIGHBOURS);
    for (const j of near) {
      const pair = Math.min(i, j) * law.count + Math.max(i, j);
      if (known.has(pair)) continue;
      known.add(pair);
      const height = pass(law, here, centre(law, j));
      if (!(height >= least)) least = height;
    }
  }
  return least;
}

const centre = (law: Mixture, k: number) => law.means.subarray(2 * k, 2 * k + 2);

function pass(law: Mixture, from: Float64Array, to: Float64Array): number {
  const at = (t: number) => -law.log([from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])]);
  const floor = Math.max(at(0), at(1));
  let [top, high] = [0, floor];
  for (let n = 1; n < CUTS; n++) {
    const u = at(n / CUTS);
    if (u > high) [top, high] = [n / CUTS, u];
  }
  if (high === floor) return 0;
  let [low, up] = [top - 1 / CUTS, top + 1 / CUTS];
  while (up - low > FINE) {
    const [a, b] = [low + (up - low) / 3, up - (up - low) / 3];
    if (at(a) < at(b)) low = a;
    else up = b;
  }
  return Math.max(high, at((low + up) / 2)) - floor;
}
