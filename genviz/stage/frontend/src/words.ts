// Everything the stage says in words: numbers, the run's state, and what a picture shows to those who cannot see it.

import type { Pane, Source, Status } from "./types";

const MINUS = "\u2212";
const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 }); // made once: sixty frames a second ask for it
const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** At most `figures` significant figures, thousands separated, a true minus sign. */
export function number(value: number, figures = 3): string {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  const size = Math.abs(value);
  if (size === 0) return "0";
  const sign = value < 0 ? MINUS : "";
  if (size < 1e-3 || size >= 1e7) {
    const [mantissa, exponent] = size.toExponential(Math.min(figures, 2) - 1).split("e");
    return `${sign}${mantissa} × 10${power(Number(exponent))}`;
  }
  const rounded = size >= 10 ** figures ? Math.round(size) : Number(size.toPrecision(figures));
  return sign + GROUPED.format(rounded);
}

/** For the axes: 200k instead of 200,000. */
export function compact(value: number): string {
  const size = Math.abs(value);
  const [unit, mark] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return number(value / unit) + mark;
}

function power(exponent: number): string {
  const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPT[Number(digit)]).join("");
  return exponent < 0 ? `⁻${digits}` : digits;
}

export const measured = (value: number, unit: string | undefined) => (unit ? `${number(value)} ${unit}` : number(value));
export const whole = (value: number) => GROUPED.format(Math.round(value));
export const steps = (count: number) => `${whole(count)} ${Math.round(count) === 1 ? "step" : "steps"}`;

/** "step 840 of 2,000": where the playhead stands. */
export function position(source: Source): string {
  const end = extent(source)[1];
  if (source.race) return source.race.position;
  if (source.walk) return `sweep ${whole(source.playhead)} of ${whole(head(source))}`;
  return `step ${whole(source.playhead)} of ${whole(Math.max(end, source.playhead))}`;
}

/** First and last training step of the scrub bar: what is recorded, and what is still to come. */
export function extent(source: Source): [number, number] {
  const first = source.frames[0]?.step ?? 0;
  const status = source.status;
  const busy = status.state === "running" || status.state === "starting" || status.state === "paused";
  return [first, Math.max(head(source), busy ? status.until : 0, first + 1)];
}

export const head = (source: Source) => source.frames[source.frames.length - 1]?.step ?? 0;
export const live = (source: Source) => source.id.startsWith("run:");
export const atHead = (source: Source) => source.following || source.playhead >= head(source) - 1e-6;

export function state(source: Source): string {
  if (source.problem) return source.problem;
  const status = source.status;
  if (source.race) return source.frames.length ? source.race.words : "the target is on its way…";
  if (source.walk) return source.frames.length ? source.walk.words : "the weights are on their way…";
  if (source.film) return [source.frames.length ? position(source) : "", status.message].filter(Boolean).join(" · ");
  if (!source.frames.length && (status.state === "starting" || !live(source)))
    return live(source) ? told(status, 0) : "loading the recording…";
  const where = atHead(source) ? "" : ` · you see step ${whole(source.playhead)}`;
  if (!live(source)) return `recording of ${steps(head(source))} · step ${whole(source.playhead)}`;
  return told(status, newest(source)) + waiting(source) + where;
}

/** How a run stands, in few words. */
export const standing = (source: Source) => source.problem || told(source.status, newest(source));

/** A knob is in force from the step after its edit: at the end of what was trained it waits for more. An action is done. */
function waiting(source: Source): string {
  const { state } = source.status;
  if (state === "running" || state === "starting" || state === "diverged") return "";
  return source.edits.some(({ step, verb }) => verb === "set" && step >= newest(source)) ? " · a change waits: train on" : "";
}

/** The journal tells the step only when the state changes; in between the pictures and the metrics know it. */
function newest(source: Source): number {
  let step = Math.max(source.status.step, head(source));
  for (const { steps } of source.metrics.values()) step = Math.max(step, steps[steps.length - 1] ?? 0);
  return step;
}

function told(status: Status, recorded: number): string {
  const at = whole(status.state === "running" ? recorded : Math.max(status.step, 0));
  switch (status.state) {
    case "starting":
      return `starting…${status.message ? ` ${status.message}` : ""}`;
    case "running":
      return `training · step ${at} of ${whole(status.until)}`;
    case "paused":
      return `paused at step ${at}${status.message ? `: ${status.message}` : ""}`;
    case "done":
      return `trained for ${steps(Math.max(status.step, recorded))}`;
    case "stopped":
      return `stopped at step ${at}`;
    case "interrupted":
      return `interrupted at step ${at}: press play to go on`;
    case "diverged":
      return `diverged at step ${at}${status.message ? `: ${status.message}` : ""}`;
  }
}

/** "lr = 0.01": what an edit changed. */
export function edited(args: unknown, verb: string): string {
  if (typeof args !== "object" || args === null) return verb;
  const parts = Object.entries(args).map(
    ([name, value]) => `${name} = ${typeof value === "number" ? number(value) : String(value)}`,
  );
  return parts.join(", ") || verb;
}

const NOUN: Record<string, [string, string]> = {
  points: ["point", "points"],
  images: ["picture", "pictures"],
  arrows: ["arrow", "arrows"],
  ellipses: ["Gaussian", "Gaussians"],
  bars: ["bar", "bars"],
};

/** "784 units (visible), 121 on". */
const lights = (values: ArrayLike<number>, label = "") =>
  `${whole(values.length)} units${label ? ` (${label})` : ""}, ${whole(Array.from(values).filter((value) => value > 0.5).length)} on`;

/** The live half of a canvas's label: "step 840: 500 points (data), 36 pictures". */
export function summary(pane: Pane, step: number, code: Float32Array | null): string {
  const parts = pane.layers.flatMap((layer) => {
    const noun = NOUN[layer.type];
    const count = Object.values(layer.tensors ?? {})[0]?.shape[0];
    if (layer.type === "units" && layer.tensors.values) return [lights(layer.tensors.values.data, layer.label)];
    if (!noun || !count) return [];
    return [`${whole(count)} ${noun[count === 1 ? 0 : 1]}${layer.label ? ` (${layer.label})` : ""}`];
  });
  const at = pane.latent && code ? `; code (${[...code].map((value) => number(value, 2)).join(", ")})` : "";
  return `step ${whole(step)}${parts.length ? `: ${parts.join(", ")}` : ""}${at}`;
}
