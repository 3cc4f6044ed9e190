// What is to be said of runs that came from one another: names, what differs, what a fork costs.

import type { Frame, Source } from "./types";
import { edited, number, steps, whole } from "./words";

export type Origin = { run: string; step: number };

/** A run as these sentences need it. */
export type Told = { letter: string; run: string; origin: Origin | null; source: Pick<Source, "info" | "edits"> };

export const runOf = (source: Pick<Source, "id">): string => source.id.slice(source.id.indexOf(":") + 1);

/** Where a run came from, as its journal says. */
export function originOf({ info }: Pick<Source, "info">): Origin | null {
  const { forked } = info as { forked?: Origin | null };
  return forked ?? null;
}

/** The knobs in force at the head of a run, and its seed. */
export function settings({ info, edits }: Pick<Source, "info" | "edits">): Record<string, unknown> {
  const sets = edits.filter(({ verb }) => verb === "set").map(({ args }) => args as Record<string, unknown>);
  return Object.assign({}, info.knobs, ...sets, "seed" in info && { seed: info.seed });
}

const value = (of: unknown) => (typeof of === "number" ? number(of) : String(of));
const listed = (words: string[]) => (words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

/** "fork of A at 840: lr = 0.01": what a strip is called among the others. */
export function named(one: Told, all: Told[]): string {
  const { origin, source } = one;
  const parent = all.find(({ run }) => run === origin?.run);
  if (origin && origin.step > 0) {
    const since = source.edits.filter(({ step }) => step >= origin.step);
    const sets = since.filter(({ verb }) => verb === "set").map(({ args }) => args as object);
    const acts = since.filter(({ verb }) => verb !== "set").map(({ args, verb }) => edited(args, verb));
    const changed = [...(sets.length ? [edited(Object.assign({}, ...sets), "")] : []), ...acts].join(", ");
    return `fork${parent ? ` of ${parent.letter}` : ""} at ${whole(origin.step)}${changed && `: ${changed}`}`;
  }
  const model = parent ?? all.find((other) => !other.origin) ?? one;
  if (model === one) return "the first run";
  const changed = differing(model, one).map(({ name, second }) => `${name} = ${second}`);
  return `anew from step 0${changed.length ? `: ${changed.join(", ")}` : ""}`;
}

type Difference = { name: string; first: string; second: string };

function differing(a: Told, b: Told): Difference[] {
  const [first, second] = [settings(a.source), settings(b.source)];
  const names = Object.keys(second).filter((name) => name in first && first[name] !== second[name]);
  return names.map((name) => ({ name, first: value(first[name]), second: value(second[name]) }));
}

/** The runs that one came from, itself first, and the step up to which it is each of them. */
function past(one: Told, all: Told[]): Map<string, number> {
  const found = new Map([[one.run, Number.POSITIVE_INFINITY]]);
  let [at, origin] = [Number.POSITIVE_INFINITY, one.origin];
  while (origin && !found.has(origin.run)) {
    at = Math.min(at, origin.step);
    found.set(origin.run, at);
    const { run } = origin;
    origin = all.find((other) => other.run === run)?.origin ?? null;
  }
  return found;
}

/** The step up to which two runs are the same; 0 if they have no past in common. */
export function together(a: Told, b: Told, all: Told[]): number {
  const [ours, theirs] = [past(a, all), past(b, all)];
  return Math.max(0, ...[...ours].map(([run, step]) => Math.min(step, theirs.get(run) ?? 0)));
}

/** "Equal up to step 840; then lr is 0.001 in A and 0.01 in B." */
export function compared(a: Told, b: Told, all: Told[]): string {
  const step = together(a, b, all);
  const what = differing(a, b).map(
    ({ name, first, second }) => `${name} is ${first} in ${a.letter} and ${second} in ${b.letter}`,
  );
  if (!what.length) return "No knob differs: where both have been, they are equal bit for bit.";
  return `${step > 0 ? `Equal up to step ${whole(step)}; then ` : "From step 0 on, "}${listed(what)}.`;
}

/** Seconds a step took, as a rule: the median between two pictures. */
export function pace(frames: Pick<Frame, "step" | "time">[]): number {
  const took = frames.slice(1).map(({ step, time }, i) => (time - frames[i].time) / Math.max(1, step - frames[i].step));
  return took.sort((a, b) => a - b)[took.length >> 1] ?? 0;
}

export const DEAR = 10; // seconds of training again that are announced first

/** What a fork at that step costs, if it is much; else "". */
export function cost(frames: Pick<Frame, "step" | "time">[], step: number): string {
  const seconds = pace(frames) * step;
  return seconds > DEAR
    ? `A fork here trains ${steps(step)} again, about ${whole(seconds)} s. Press “fork all the same” to do so, or fork earlier.`
    : "";
}
