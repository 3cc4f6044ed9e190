// A long history in at most a few thousand numbers, kept up to date as it grows: what a redraw reads must not grow with the run.

import type { Metric } from "./types";

/** Runs of `stride` values each: their mean step, mean, smallest and largest value. */
export type Thin = { stride: number; x: number[]; y: number[]; lo: number[]; hi: number[] };

const MOST = 2048; // runs; then two become one
type Kept = Thin & { taken: number; count: number; last: [number, number] };
const kept = new WeakMap<Metric, Kept>();

/** The thinned metric; costs what has come since the last call. */
export function thin(metric: Metric): Thin {
  const { steps, values } = metric;
  let now = kept.get(metric);
  const end = (now?.taken ?? 0) - 1;
  const grown = now && end < steps.length && (end < 0 || (steps[end] === now.last[0] && Object.is(values[end], now.last[1])));
  if (!now || !grown) {
    now = { stride: 1, x: [], y: [], lo: [], hi: [], taken: 0, count: 0, last: [0, 0] }; // a resumed run went over its end again
    kept.set(metric, now);
  }
  for (; now.taken < steps.length; now.taken++) add(now, steps[now.taken], values[now.taken]);
  if (now.taken) now.last = [steps[now.taken - 1], values[now.taken - 1]];
  return now;
}

function add(to: Kept, step: number, value: number): void {
  const full = to.count === to.stride || !to.x.length;
  if (full && to.x.length === MOST) halve(to);
  if (full) {
    to.x.push(step);
    to.y.push(value);
    to.lo.push(value);
    to.hi.push(value);
    to.count = 1;
    return;
  }
  const k = to.x.length - 1;
  to.count++;
  to.x[k] += (step - to.x[k]) / to.count;
  to.y[k] += (value - to.y[k]) / to.count;
  to.lo[k] = Math.min(to.lo[k], value);
  to.hi[k] = Math.max(to.hi[k], value);
}

function halve(of: Kept): void {
  const pairs = (list: number[], join: (a: number, b: number) => number) =>
    Array.from({ length: MOST / 2 }, (_, k) => join(list[2 * k], list[2 * k + 1]));
  const mean = (a: number, b: number) => (a + b) / 2;
  of.x = pairs(of.x, mean);
  of.y = pairs(of.y, mean);
  of.lo = pairs(of.lo, Math.min);
  of.hi = pairs(of.hi, Math.max);
  of.stride *= 2;
}
