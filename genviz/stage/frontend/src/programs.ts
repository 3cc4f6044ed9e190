// The programs of a scene, run in the browser (docs/wire.md): a decoder follows the pointer and a chain takes its steps at 60 frames
// a second without the server.
import { type Mixture, mixtureOf } from "./mixture";
import type { Ambient, Coin, Op, Program, Tensor } from "./types";
import type { Tensors } from "./wire";

type Arg = string | number;
type Run = (x: Float32Array, at: Ambient) => Float32Array;
type Stage = { run: Run; width: number; tossed?: Tossed }; // width of the result, 0 while unknown
/** What an operation with coins of its own says of its last call. */
type Tossed = { p: Float32Array; input: Float32Array; order: Int32Array };
type Making = { tensors: Tensors; registers: Map<string, Float32Array>; widths: Map<string, number> };
type Build = (args: Arg[], width: number, making: Making) => Stage;

const BUILD: Record<string, Build> = {
  linear: ([weight, bias, way], width, { tensors }) =>
    linear(matrix(weight, tensors), bias ? named(bias, tensors) : null, width, way === "T"),
  affine: ([shift, scale], width, { tensors }) => affine(vector(shift, tensors), vector(scale, tensors), width),
  relu: (_, width) => each((x) => Math.max(x, 0), width),
  leakyrelu: ([slope], width) => each((x) => (x > 0 ? x : x * Number(slope ?? 0.01)), width),
  tanh: (_, width) => each(Math.tanh, width),
  silu: (_, width) => each((x) => x / (1 + Math.exp(-x)), width),
  sigmoid: (_, width) => each((x) => 1 / (1 + Math.exp(-x)), width),
  softplus: (_, width) => each((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), width), // no overflow
  clamp: ([low, high], width) => each((x) => Math.min(Math.max(x, Number(low)), Number(high)), width),
  sincos: ([weight], width, { tensors }) => sincos(linear(column(weight, tensors), null, width, false)),
  row: ([table], _, { tensors }) => row(named(table, tensors)),
  sum: (_, width) => one((x) => total(x), width),
  dot: (args, width, making) => dot(operand(args[0], width, making), width),
  add: (args, width, making) => paired(operand(args[0], width, making), width, (x, y) => x + y),
  mul: (args, width, making) => paired(operand(args[0], width, making), width, (x, y) => x * y),
  put: ([name], width, making) => put(String(name), width, making),
  get: ([name], _, making) => get(String(name), making),
  concat: (names, _, making) => concat(names.map(String), making),
  slice: ([from, to], width) => slice(Number(from), Number(to), width),
  temper: (_, width) => temper(width),
  bernoulli: (_, width) => bernoulli(width),
  gaussian: (args, width, making) => gaussian(operand(args[0], width, making), width),
  softmax: (_, width) => softmax(width),
  logsumexp: (_, width) => one(logsumexp, width),
  choose: ([first], width) => choose(first === undefined ? -1 : Number(first), width),
  sweep: ([weight, bias, how], width, { tensors }) =>
    sweep(matrix(weight, tensors), named(bias, tensors), how === "spins", width),
  mixture: (args, width, { tensors }) => mixture(blobs(args, tensors), width),
  "mixture score": (args, width, { tensors }) => slopes(blobs(args, tensors), width),
};
const KINDS: Record<string, Coin["kind"]> = {
  bernoulli: "bernoulli",
  gaussian: "gaussian",
  sweep: "bernoulli",
  choose: "choice",
};
const NOWHERE: Ambient = {};

/** One function out of a list of operations. Every operation owns its buffer, so a call allocates nothing. */
export function compile(ops: Op[], tensors: Tensors): Program {
  const registers = new Map<string, Float32Array>();
  const making: Making = { tensors, registers, widths: new Map([["x", 0]]) };
  const stages: Run[] = [];
  const own: (Tossed | undefined)[] = [];
  let width = 0;
  for (const [name, ...args] of ops) {
    if (!Object.hasOwn(BUILD, name)) throw new Error(`the operation ${name} is not known to this page: reload it`);
    const stage = BUILD[name](args, width, making);
    stages.push(stage.run);
    own.push(stage.tossed);
    width = stage.width;
  }
  const given: Float32Array[] = stages.map(() => EMPTY); // what each operation was given at the last call
  const tossed = ops.flatMap(([name], at) => (Object.hasOwn(KINDS, name) ? [toss(ops, at)] : []));
  const program = (x: Float32Array, at: Ambient = NOWHERE) => {
    registers.set("x", x);
    let now = x;
    for (let k = 0; k < stages.length; k++) {
      given[k] = now;
      now = stages[k](now, at);
    }
    for (const { coin, k, sigmoid } of tossed) {
      const { p, input, order } = own[k] ?? { p: given[k], input: sigmoid < 0 ? null : given[sigmoid], order: null };
      Object.assign(coin, { p, input, order, out: given[k + 1] ?? now });
    }
    return now;
  };
  const found = ops.find(([name]) => name === "mixture");
  return Object.assign(program, {
    registers,
    coins: tossed.map(({ coin }) => coin),
    width,
    ...(found && { mixture: blobs(found.slice(1), tensors), bare: bare(ops) }),
  });
}

const EMPTY = new Float32Array(0);

/** Whether an energy is minus the log of one mixture and nothing else. */
const bare = ([first, second, ...more]: Op[]) => first[0] === "mixture" && second?.join() === "affine,0,-1" && !more.length;

const blobs = (args: Arg[], tensors: Tensors): Mixture =>
  mixtureOf(named(args[0], tensors), named(args[1], tensors), named(args[2], tensors));

/** log Σ of Gaussian terms, computed in float64. */
function mixture(law: Mixture, width: number): Stage {
  if (width) fits(width, law.dim, "a mixture");
  return one((x) => law.log(x), law.dim);
}

/** Its slope. */
function slopes(law: Mixture, width: number): Stage {
  if (width) fits(width, law.dim, "a mixture's score");
  const y = new Float32Array(law.dim);
  const exact = new Float64Array(law.dim);
  const run: Run = (x) => {
    fits(x.length, law.dim, "a mixture's score");
    law.slope(x, exact);
    y.set(exact);
    return y;
  };
  return { run, width: law.dim };
}

/** Where a coin falls, where its probabilities came from, and in which register it lies then. */
function toss(ops: Op[], k: number): { coin: Coin; k: number; sigmoid: number } {
  let before = k - 1;
  while (["put", "affine"].includes(ops[before]?.[0])) before--; // times 0 where a level is not there yet
  const sigmoid = ["sigmoid", "softmax"].includes(ops[before]?.[0]) ? before : -1;
  const alone = ops[k][0] === "sweep"; // of all units of a state, one after the other
  const into = ops[k + 1]?.[0] === "put" ? String(ops[k + 1][1]) : "";
  const name = alone ? "x" : into || (k + 1 === ops.length ? "x" : "");
  return {
    k,
    sigmoid,
    coin: { kind: KINDS[ops[k][0]], name, p: EMPTY, out: EMPTY, input: null, order: alone ? new Int32Array(0) : null },
  };
}

type Vector = { data: Float32Array; shape: number[]; name: string };

function named(name: Arg, tensors: Tensors): Vector {
  const tensor: Tensor | undefined = tensors.get(String(name));
  if (!tensor) throw new Error(`the weights hold no tensor ${name}`);
  if (!(tensor.data instanceof Float32Array)) throw new Error(`the tensor ${name} is not of floats`);
  if (tensor.shape.reduce((n, size) => n * size, 1) !== tensor.data.length)
    throw new Error(`the tensor ${name} holds ${tensor.data.length} numbers, not ${tensor.shape.join(" × ")}`);
  return { data: tensor.data, shape: tensor.shape, name: String(name) };
}

function matrix(name: Arg, tensors: Tensors): Vector {
  const found = named(name, tensors);
  if (found.shape.length !== 2) throw new Error(`${name} is not a matrix`);
  return found;
}

/** A matrix; a vector stands for its column. */
function column(name: Arg, tensors: Tensors): Vector {
  const found = named(name, tensors);
  return found.shape.length === 1 ? { ...found, shape: [found.shape[0], 1] } : matrix(name, tensors);
}

/** A number stands for itself, a name for its tensor. */
const vector = (arg: Arg, tensors: Tensors): Vector =>
  typeof arg === "number" ? { data: Float32Array.of(arg), shape: [], name: String(arg) } : named(arg, tensors);

/** What a register holds at the moment, or a tensor, or a number; one number serves all of `width`. */
type Operand = { now: () => Float32Array; name: string; width: number };

function operand(arg: Arg, width: number, { tensors, registers, widths }: Making): Operand {
  const known = widths.get(String(arg));
  const fixed = known === undefined ? vector(arg, tensors) : null;
  const size = fixed ? fixed.data.length : (known ?? 0);
  if (size > 1 && width && size !== width) throw new Error(`${arg} holds ${size} numbers, but gets ${width}`);
  const now = fixed ? () => fixed.data : () => registers.get(String(arg)) ?? EMPTY;
  return { now, name: String(arg), width: size };
}

function fits(size: number, wanted: number, what: string): void {
  if (size !== wanted) throw new Error(`${what} takes ${wanted} numbers, but gets ${size}`);
}

const DENSE = 0.6; // share of numbers that are not zero, from which on looking for the others does not pay

function linear(weight: Vector, bias: Vector | null, width: number, transposed: boolean): Stage {
  const [rows, columns] = weight.shape;
  const [m, n] = transposed ? [columns, rows] : [rows, columns];
  if (width) fits(width, n, weight.name);
  if (bias && bias.data.length !== m)
    throw new Error(`${bias.name} holds ${bias.data.length} numbers, ${weight.name} gives ${m}`);
  const w = weight.data;
  const b = bias?.data ?? new Float32Array(m);
  const y = new Float32Array(m);
  const hot = new Int32Array(n); // where x is not zero: of bits often a few
  const run = transposed ? byRows(w, b, y, hot, m) : byDots(w, b, y, hot, n);
  return {
    run: (x) => {
      fits(x.length, n, weight.name);
      let count = 0;
      for (let i = 0; i < n; i++) if (x[i] !== 0) hot[count++] = i;
      run(x, count);
      return y;
    },
    width: m,
  };
}

type Product = (x: Float32Array, count: number) => void;

/** Four rows read each x once; how many rows that does. */
function byFours(w: Float32Array, b: Float32Array, y: Float32Array, x: Float32Array, n: number): number {
  const most = y.length - (y.length % 4);
  for (let o = 0; o < most; o += 4) {
    const p0 = o * n;
    const p1 = p0 + n;
    const p2 = p1 + n;
    const p3 = p2 + n;
    let s0 = b[o];
    let s1 = b[o + 1];
    let s2 = b[o + 2];
    let s3 = b[o + 3];
    for (let k = 0; k < n; k++) {
      const value = x[k];
      s0 += w[p0 + k] * value;
      s1 += w[p1 + k] * value;
      s2 += w[p2 + k] * value;
      s3 += w[p3 + k] * value;
    }
    y[o] = s0;
    y[o + 1] = s1;
    y[o + 2] = s2;
    y[o + 3] = s3;
  }
  return most;
}

/** y = Wx + b, each number from one row of W; four sums at once do not wait for each other. */
function byDots(w: Float32Array, b: Float32Array, y: Float32Array, hot: Int32Array, n: number): Product {
  const m = y.length;
  return (x, count) => {
    const dense = count > DENSE * n;
    const length = dense ? n : count;
    const whole = length - (length % 4);
    let o = dense ? byFours(w, b, y, x, n) : 0;
    for (let row = o * n; o < m; o++, row += n) {
      let s0 = b[o];
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      let k = 0;
      if (dense) {
        for (let p = row; k < whole; k += 4, p += 4) {
          s0 += w[p] * x[k];
          s1 += w[p + 1] * x[k + 1];
          s2 += w[p + 2] * x[k + 2];
          s3 += w[p + 3] * x[k + 3];
        }
        for (; k < n; k++) s0 += w[row + k] * x[k];
      } else {
        for (; k < whole; k += 4) {
          const [i0, i1, i2, i3] = [hot[k], hot[k + 1], hot[k + 2], hot[k + 3]];
          s0 += w[row + i0] * x[i0];
          s1 += w[row + i1] * x[i1];
          s2 += w[row + i2] * x[i2];
          s3 += w[row + i3] * x[i3];
        }
        for (; k < count; k++) s0 += w[row + hot[k]] * x[hot[k]];
      }
      y[o] = s0 + s1 + (s2 + s3);
    }
  };
}

/** y = Wᵀx + b, adding up rows of W, four at a time, so that memory is read in its order. */
function byRows(w: Float32Array, b: Float32Array, y: Float32Array, hot: Int32Array, m: number): Product {
  const sums = new Float64Array(m);
  return (x, count) => {
    sums.set(b);
    const whole = count - (count % 4);
    let k = 0;
    for (; k < whole; k += 4) {
      const [x0, x1, x2, x3] = [x[hot[k]], x[hot[k + 1]], x[hot[k + 2]], x[hot[k + 3]]];
      const [p0, p1, p2, p3] = [m * hot[k], m * hot[k + 1], m * hot[k + 2], m * hot[k + 3]];
      for (let j = 0; j < m; j++) sums[j] += x0 * w[p0 + j] + x1 * w[p1 + j] + (x2 * w[p2 + j] + x3 * w[p3 + j]);
    }
    for (; k < count; k++) {
      const [x0, p0] = [x[hot[k]], m * hot[k]];
      for (let j = 0; j < m; j++) sums[j] += x0 * w[p0 + j];
    }
    y.set(sums);
  };
}

function affine(shift: Vector, scale: Vector, width: number): Stage {
  const a = shift.data;
  const b = scale.data;
  let size = width;
  for (const { data, name } of [shift, scale]) {
    if (data.length === 1) continue;
    if (size && size !== data.length) throw new Error(`${name} holds ${data.length} numbers, but gets ${size}`);
    size = data.length;
  }
  const i0 = a.length === 1 ? 0 : 1; // strides: one number serves all
  const i1 = b.length === 1 ? 0 : 1;
  return each((x, i) => x * b[i * i1] + a[i * i0], size);
}

/** A buffer of the width that tensors told, else of that of the first call. */
function sized(width: number): (length: number) => Float32Array {
  let y = new Float32Array(width);
  return (length) => {
    if (width) fits(length, width, "a program");
    if (y.length !== length) y = new Float32Array(length);
    return y;
  };
}

function each(f: (x: number, i: number) => number, width: number): Stage {
  const buffer = sized(width);
  const run: Run = (x) => {
    const y = buffer(x.length);
    for (let i = 0; i < y.length; i++) y[i] = f(x[i], i);
    return y;
  };
  return { run, width };
}

/** One number out of all. */
function one(f: (x: Float32Array) => number, width: number): Stage {
  const y = new Float32Array(1);
  const run: Run = (x) => {
    if (width) fits(x.length, width, "a program");
    y[0] = f(x);
    return y;
  };
  return { run, width: 1 };
}

function total(x: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i];
  return sum;
}

function dot({ now, name }: Operand, width: number): Stage {
  return one((x) => {
    const b = now();
    fits(x.length, b.length, name);
    let sum = 0;
    for (let i = 0; i < b.length; i++) sum += b[i] * x[i];
    return sum;
  }, width);
}

function paired(other: Operand, width: number, f: (x: number, y: number) => number): Stage {
  const size = width || (other.width > 1 ? other.width : 0);
  const buffer = sized(size);
  const run: Run = (x) => {
    const with_ = other.now();
    const stride = with_.length === 1 ? 0 : 1;
    if (stride) fits(x.length, with_.length, other.name);
    const y = buffer(x.length);
    for (let i = 0; i < y.length; i++) y[i] = f(x[i], with_[i * stride]);
    return y;
  };
  return { run, width: size };
}

/** A copy: what the register holds stays when its source is written over. */
function put(name: string, width: number, { registers, widths }: Making): Stage {
  const buffer = sized(width);
  widths.set(name, width);
  registers.set(name, buffer(width));
  const run: Run = (x) => {
    const kept = buffer(x.length);
    kept.set(x);
    registers.set(name, kept);
    return x;
  };
  return { run, width };
}

function known(name: string, widths: Map<string, number>): number {
  const width = widths.get(name);
  if (width === undefined) throw new Error(`the register ${name} is read before anything was put there`);
  return width;
}

function get(name: string, { registers, widths }: Making): Stage {
  return { run: () => registers.get(name) ?? EMPTY, width: known(name, widths) };
}

function concat(names: string[], { registers, widths }: Making): Stage {
  const sizes = names.map((name) => known(name, widths));
  const width = sizes.includes(0) ? 0 : sizes.reduce((sum, size) => sum + size, 0);
  const buffer = sized(width);
  const run: Run = () => {
    let length = 0;
    for (const name of names) length += registers.get(name)?.length ?? 0;
    const y = buffer(length);
    let at = 0;
    for (const name of names) {
      const part = registers.get(name) ?? EMPTY;
      y.set(part, at);
      at += part.length;
    }
    return y;
  };
  return { run, width };
}

function slice(from: number, to: number, width: number): Stage {
  if (!(from >= 0 && to > from && Number.isInteger(from) && Number.isInteger(to)))
    throw new Error(`there is no part from ${from} to ${to}`);
  const y = new Float32Array(to - from);
  const check = (length: number) => {
    if (length < to) throw new Error(`a part from ${from} to ${to} is wanted of ${length} numbers`);
  };
  if (width) check(width);
  const run: Run = (x) => {
    check(x.length);
    for (let i = 0; i < y.length; i++) y[i] = x[from + i];
    return y;
  };
  return { run, width: y.length };
}

function sincos(inner: Stage): Stage {
  const y = new Float32Array(2 * inner.width);
  const run: Run = (x, at) => {
    const angle = inner.run(x, at);
    for (let i = 0; i < angle.length; i++) {
      y[i] = Math.sin(angle[i]);
      y[angle.length + i] = Math.cos(angle[i]);
    }
    return y;
  };
  return { run, width: y.length };
}

function row(table: Vector): Stage {
  const width = table.shape.slice(1).reduce((n, size) => n * size, 1);
  const y = new Float32Array(width);
  const run: Run = (_, { t }) => {
    if (t === undefined || !(t >= 0 && t < table.shape[0]))
      throw new Error(`${table.name} has rows 0 … ${table.shape[0] - 1}, and the chain stands at ${t}`);
    for (let i = 0; i < width; i++) y[i] = table.data[t * width + i];
    return y;
  };
  return { run, width };
}

function temper(width: number): Stage {
  const buffer = sized(width);
  const run: Run = (x, { beta }) => {
    if (beta === undefined || beta === 1) return x;
    const y = buffer(x.length);
    for (let i = 0; i < y.length; i++) y[i] = x[i] === 0 ? 0 : beta * x[i]; // at temperature 0, too
    return y;
  };
  return { run, width };
}

function bernoulli(width: number): Stage {
  const buffer = sized(width);
  const run: Run = (x, { uniform }) => {
    if (!uniform) throw new Error("a coin needs a source of chance");
    const y = buffer(x.length);
    for (let i = 0; i < y.length; i++) y[i] = uniform() < x[i] ? 1 : 0;
    return y;
  };
  return { run, width };
}

function gaussian(variance: Operand, width: number): Stage {
  const buffer = sized(width);
  const run: Run = (x, { noise }) => {
    if (!noise) throw new Error("a Gaussian needs a source of noise");
    const v = variance.now();
    const stride = v.length === 1 ? 0 : 1;
    if (stride) fits(x.length, v.length, variance.name);
    const y = buffer(x.length);
    for (let i = 0; i < y.length; i++) y[i] = x[i] + Math.sqrt(v[i * stride]) * noise();
    return y;
  };
  return { run, width };
}

function softmax(width: number): Stage {
  const buffer = sized(width);
  const run: Run = (x) => {
    const y = buffer(x.length);
    const all = logsumexp(x);
    for (let i = 0; i < y.length; i++) y[i] = all > Number.NEGATIVE_INFINITY ? Math.exp(x[i] - all) : 0; // of nothing, none
    return y;
  };
  return { run, width };
}

function logsumexp(x: Float32Array): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < x.length; i++) top = Math.max(top, x[i]);
  let sum = 0;
  if (top === Number.NEGATIVE_INFINITY) return top;
  for (let i = 0; i < x.length; i++) sum += Math.exp(x[i] - top);
  return top + Math.log(sum);
}

/** The place of one of them, by its share; −1 where none has a share. */
export function chosen(shares: ArrayLike<number>, chance: number): number {
  let [left, last] = [chance, -1];
  for (let i = 0; i < shares.length; i++) {
    left -= shares[i];
    if (shares[i] > 0) last = i;
    if (left < 0) break;
  }
  return last;
}

/** One of them, by its share; the one that is held, if the state holds them from the place `first` on; none where none has a share. */
function choose(first: number, width: number): Stage {
  const buffer = sized(width);
  const run: Run = (x, { uniform, held }) => {
    if (!uniform) throw new Error("a choice needs a source of chance");
    const y = buffer(x.length);
    y.fill(0);
    let at = chosen(x, uniform());
    if (at < 0) return y;
    for (let i = 0; first >= 0 && i < x.length; i++) if (held?.[first + i] === 1) at = i;
    y[at] = 1;
    return y;
  };
  return { run, width };
}

const TIE = 1e-6; // an input that small moves nothing at temperature 0

/** Each unit of a state of bits in turn, in a random order, given all others as they are by then; held units are passed over. */
function sweep(weight: Vector, bias: Vector, spins: boolean, width: number): Stage {
  const n = bias.data.length;
  if (width) fits(width, n, weight.name);
  if (weight.shape[0] !== n || weight.shape[1] !== n)
    throw new Error(`${weight.name} is not ${n} × ${n}, as ${bias.name} asks`);
  const w = weight.data;
  const y = new Float32Array(n);
  const fields = new Float64Array(n);
  const tossed: Tossed = {
    p: new Float32Array(n),
    input: new Float32Array(n),
    order: Int32Array.from({ length: n }, (_, i) => i),
  };
  const { p, input, order } = tossed;
  const unit = spins ? 2 : 1; // how much a field changes, in weights, when a bit turns; and what an input is of a field
  const run: Run = (x, { beta = 1, uniform, held }) => {
    if (!uniform) throw new Error("a coin needs a source of chance");
    fits(x.length, n, weight.name);
    y.set(x);
    for (let i = 0; i < n; i++) {
      order[i] = i;
      if (held && !Number.isNaN(held[i] ?? Number.NaN)) y[i] = held[i];
    }
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(uniform() * (i + 1)); // Fisher & Yates
      [order[i], order[j]] = [order[j], order[i]];
    }
    fields.set(bias.data);
    for (let j = 0, at = 0; j < n; j++, at += n) {
      const s = spins ? 2 * y[j] - 1 : y[j];
      if (s) for (let i = 0; i < n; i++) fields[i] += w[at + i] * s;
    }
    for (let k = 0; k < n; k++) {
      const i = order[k];
      input[i] = unit * fields[i];
      const fixed = held?.[i] ?? Number.NaN;
      if (!Number.isNaN(fixed)) {
        p[i] = fixed;
        continue;
      }
      const u = uniform();
      if (beta === Number.POSITIVE_INFINITY) p[i] = Math.abs(input[i]) <= TIE ? y[i] : Number(input[i] > 0);
      else p[i] = 1 / (1 + Math.exp(-beta * input[i]));
      const now = Number(u < p[i]);
      if (now !== y[i]) {
        const turn = unit * (now - y[i]);
        for (let j = 0, at = i * n; j < n; j++) fields[j] += turn * w[at + j];
        y[i] = now;
      }
    }
    return y;
  };
  return { run, width: n, tossed };
}
