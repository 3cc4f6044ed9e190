// The programs of a scene, run in the browser: a decoder follows the pointer at 60 frames a second without the server.
import type { Op, Program, Tensor } from "./types";
import type { Tensors } from "./wire";

type Run = (x: Float32Array) => Float32Array;
type Stage = { run: Run; width: number }; // width of the result, 0 while unknown
type Build = (args: (string | number)[], width: number, tensors: Tensors) => Stage;

const BUILD: Record<string, Build> = {
  linear: ([weight, bias], width, tensors) =>
    linear(named(weight, tensors), bias === undefined ? null : named(bias, tensors), width),
  affine: ([shift, scale], width, tensors) => affine(vector(shift, tensors), vector(scale, tensors), width),
  relu: (_, width) => each((x) => Math.max(x, 0), width),
  leakyrelu: ([slope], width) => each((x) => (x > 0 ? x : x * Number(slope ?? 0.01)), width),
  tanh: (_, width) => each(Math.tanh, width),
  silu: (_, width) => each((x) => x / (1 + Math.exp(-x)), width),
  sigmoid: (_, width) => each((x) => 1 / (1 + Math.exp(-x)), width),
  softplus: (_, width) => each((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), width), // no overflow
};

/** One function out of a list of operations. Every stage owns its buffer, so a call allocates nothing. */
export function compile(ops: Op[], tensors: Tensors): Program {
  const stages: Run[] = [];
  let width = 0;
  for (const [name, ...args] of ops) {
    if (!Object.hasOwn(BUILD, name)) throw new Error(`the operation ${name} is not known to this page: reload it`);
    const stage = BUILD[name](args, width, tensors);
    stages.push(stage.run);
    width = stage.width;
  }
  return (z) => {
    let x = z;
    for (const run of stages) x = run(x);
    return x;
  };
}

type Matrix = { data: Float32Array; shape: number[]; name: string };

function named(name: string | number, tensors: Tensors): Matrix {
  const tensor: Tensor | undefined = tensors.get(String(name));
  if (!tensor) throw new Error(`the weights hold no tensor ${name}`);
  if (!(tensor.data instanceof Float32Array)) throw new Error(`the tensor ${name} is not of floats`);
  if (tensor.shape.reduce((n, size) => n * size, 1) !== tensor.data.length)
    throw new Error(`the tensor ${name} holds ${tensor.data.length} numbers, not ${tensor.shape.join(" × ")}`);
  return { data: tensor.data, shape: tensor.shape, name: String(name) };
}

/** A number stands for itself, a name for its tensor. */
const vector = (arg: string | number, tensors: Tensors): Matrix =>
  typeof arg === "number" ? { data: Float32Array.of(arg), shape: [], name: String(arg) } : named(arg, tensors);

function linear(weight: Matrix, bias: Matrix | null, width: number): Stage {
  const [m, n] = weight.shape;
  if (weight.shape.length !== 2) throw new Error(`${weight.name} is not a matrix`);
  if (width && width !== n) throw new Error(`${weight.name} takes ${n} numbers, but gets ${width}`);
  if (bias && bias.data.length !== m)
    throw new Error(`${bias.name} holds ${bias.data.length} numbers, ${weight.name} gives ${m}`);
  const w = weight.data;
  const b = bias?.data ?? new Float32Array(m);
  const y = new Float32Array(m);
  const whole = n - (n % 4);
  const run: Run = (x) => {
    if (x.length !== n) throw new Error(`${weight.name} takes ${n} numbers, but gets ${x.length}`);
    for (let o = 0, p = 0; o < m; o++) {
      // four sums at once: they do not wait for each other
      let s0 = b[o];
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      let i = 0;
      for (; i < whole; i += 4, p += 4) {
        s0 += w[p] * x[i];
        s1 += w[p + 1] * x[i + 1];
        s2 += w[p + 2] * x[i + 2];
        s3 += w[p + 3] * x[i + 3];
      }
      for (; i < n; i++, p++) s0 += w[p] * x[i];
      y[o] = s0 + s1 + (s2 + s3);
    }
    return y;
  };
  return { run, width: m };
}

function affine(shift: Matrix, scale: Matrix, width: number): Stage {
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

function each(f: (x: number, i: number) => number, width: number): Stage {
  let y = new Float32Array(width);
  const run: Run = (x) => {
    if (width && x.length !== width) throw new Error(`a program takes ${width} numbers, but gets ${x.length}`);
    if (y.length !== x.length) y = new Float32Array(x.length); // only where no tensor before told the width
    for (let i = 0; i < y.length; i++) y[i] = f(x[i], i);
    return y;
  };
  return { run, width };
}
