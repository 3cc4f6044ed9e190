// Lines over training steps: decimated to pixels, with the values at the playhead written beside a hair line.

import { frame, inset, type Limits, Plane } from "../axes";
import { lastWhere } from "../playback";
import type { Theme } from "../theme";
import { hueOf } from "../theme";
import { thin } from "../thin";
import type { Curves, Metric, Pane, Source } from "../types";
import { number } from "../words";
import { trace } from "./brush";

export type Series = {
  name: string;
  metric: Metric; // all of it: the value at a step
  sign: number;
  x: ArrayLike<number>; // thinned: steps, values, and what lies between
  y: ArrayLike<number>;
  lo: ArrayLike<number>;
  hi: ArrayLike<number>;
  base: ArrayLike<number> | null; // what an area stands on
  stack: string; // the layer whose areas stand on each other
  colour: string;
  dash: number[];
  fill: number;
  over?: boolean; // another line of its layer runs below it
};

// two lines of a layer are told apart without colour; truth is always dashed
export const PLAIN = [[], [6, 4], [2, 3], [8, 3, 2, 3]];
const TRUTH = [
  [7, 4],
  [1.5, 3.5],
  [10, 3, 2, 3],
  [3, 2],
];
const SPARSE = 60; // values of a line below which each is marked
const FILL = [0.6, 0.3, 0.18, 0.1];

/** Where each of stacked values starts and ends: the positive ones stand on each other from 0 up, the negative ones hang down. */
export function stacked(values: number[]): [number, number][] {
  let [above, below] = [0, 0];
  return values.map((value) => {
    const from = value < 0 ? below : above;
    if (value < 0) below += value;
    else above += value;
    return [from, from + value];
  });
}

const literals = new WeakMap<object, Metric>();
let count = 0;

/** Points of a line that is given as such. */
function literal(xy: ArrayLike<number> & object): Metric {
  const known = literals.get(xy);
  if (known) return known;
  const side = (offset: number) => Array.from({ length: xy.length >> 1 }, (_, i) => xy[2 * i + offset]);
  const made = { steps: side(0), values: side(1), made: ++count };
  literals.set(xy, made);
  return made;
}

/** One metric as a line, thinned. */
export function line(metric: Metric, sign: number, look: Pick<Series, "name" | "colour" | "dash">): Series {
  const { x, y, lo, hi } = thin(metric);
  const turned = (list: number[]) => (sign === 1 ? list : list.map((value) => sign * value));
  const ends = sign < 0 ? { lo: turned(hi), hi: turned(lo) } : { lo: turned(lo), hi: turned(hi) };
  return { ...look, metric, sign, x, y: turned(y), ...ends, base: null, stack: "", fill: 0 };
}

/** Areas on the steps of the first of them. */
function pile(lines: Series[], stack: string): Series[] {
  const x = lines[0]?.x ?? [];
  const values = lines.map(
    ({ x: own, y }) =>
      (i: number) =>
        y[own.length === x.length ? i : Math.max(0, before(own, x[i]))],
  );
  const at = Array.from({ length: x.length }, (_, i) => stacked(values.map((value) => value(i))));
  return lines.map((one, k) => {
    const y = at.map((spans) => spans[k][1]);
    return {
      ...one,
      x,
      y,
      lo: y,
      hi: y,
      base: at.map((spans) => spans[k][0]),
      stack,
      dash: [],
      fill: FILL[k % 4],
      over: false,
    };
  });
}

/** The lines of the layers that are on. */
export function seriesOf(layers: Curves[], source: Source, theme: Theme): Series[] {
  return layers.flatMap((layer): Series[] => {
    const colour = hueOf(theme, layer);
    const dashes = layer.role === "truth" ? TRUTH : PLAIN;
    const xy = layer.tensors.xy?.data;
    if (xy) return [line(literal(xy), 1, { name: layer.label ?? "", colour, dash: dashes[(layer.dash ?? 0) % 4] })];
    const columns = layer.columns ?? [];
    const lines = columns.flatMap((column, k): Series[] => {
      const metric = source.metrics.get(column);
      if (!metric?.steps.length) return [];
      const sign = layer.signs?.[k] ?? 1;
      const name = columns.length > 1 || !layer.label ? `${sign < 0 ? "−" : ""}${column}` : layer.label;
      return [{ ...line(metric, sign, { name, colour, dash: dashes[(k + (layer.dash ?? 0)) % 4] }), over: k > 0 }];
    });
    return layer.stack ? pile(lines, layer.name) : lines;
  });
}

/** The range of the values without the first few percent of the steps and without the odd outlier. */
export function robust(series: Series[]): [number, number] | null {
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { y: heights, metric, sign, fill } of series) {
    const [y, turn] = fill ? [heights, 1] : [metric.values, sign];
    if (fill) [lo, hi] = [Math.min(lo, 0), Math.max(hi, 0)];
    const stride = Math.max(1, Math.floor(y.length / 800));
    const kept: number[] = [];
    for (let i = y.length > 20 ? Math.ceil(0.04 * y.length) : 0; i < y.length; i += stride)
      if (Number.isFinite(y[i])) kept.push(turn * y[i]);
    if (!kept.length) continue;
    kept.sort((a, b) => a - b);
    const cut = Math.floor(0.01 * kept.length);
    lo = Math.min(lo, kept[cut]);
    hi = Math.max(hi, kept[kept.length - 1 - cut]);
  }
  if (!(hi >= lo)) return null;
  const pad = (hi - lo || Math.abs(hi) || 1) * 0.06;
  const areas = series.some(({ fill }) => fill);
  return [areas && lo === 0 ? 0 : lo - pad, areas && hi === 0 ? 0 : hi + pad];
}

/** All but the hair line, kept as a picture: while time plays, only the line moves. */
export class Backdrop {
  private key = "";
  private readonly canvas = typeof document === "undefined" ? null : document.createElement("canvas");
  plane: Plane | null = null;

  draw(
    g: CanvasRenderingContext2D,
    w: number,
    h: number,
    key: string,
    paint: (g: CanvasRenderingContext2D) => Plane | null,
  ): Plane | null {
    const ratio = g.getTransform().a || 1;
    const full = `${key}|${w}|${h}|${ratio}`;
    const own = this.canvas?.getContext("2d");
    if (!this.canvas || !own) return paint(g);
    if (full !== this.key) {
      this.key = full;
      this.canvas.width = Math.round(w * ratio);
      this.canvas.height = Math.round(h * ratio);
      own.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.plane = paint(own);
    }
    g.drawImage(this.canvas, 0, 0, w, h);
    return this.plane;
  }
}

/** What changes the lines: more values, other layers, another theme. */
export const fingerprint = (series: Series[], across: [number, number], theme: Theme) =>
  `${series.map(({ name, metric, colour }) => `${name}:${stamp(metric)}:${colour}`)}|${across}|${theme.paper}|${theme.font}`;

/** Tells whether a history has changed without reading it. */
export const stamp = ({ steps, values, made = 0 }: Metric) =>
  `${made},${steps.length},${steps[steps.length - 1]},${values[values.length - 1]}`;

export function drawCurves(
  g: CanvasRenderingContext2D,
  theme: Theme,
  pane: Pane,
  series: Series[],
  w: number,
  h: number,
  across: [number, number],
  timed: boolean,
): Plane | null {
  const range = pane.y ?? robust(series);
  if (!range) return null;
  const named = { x: pane.x_label ?? (timed ? "training step" : undefined), y: pane.y_label };
  const room = inset(w, h, named);
  const box = { ...room, w: room.w - (timed ? margin(g, theme, series, w) : 0) };
  const limits: Limits = [...across, ...range];
  const plane = new Plane(box, limits);
  g.save();
  g.beginPath();
  g.rect(box.x, box.y, box.w, box.h);
  g.clip();
  for (const line of series) {
    if (line.fill) area(g, plane, line);
    stroke(g, plane, line, `rgb(${theme.paper.join(" ")} / 0.85)`);
  }
  g.restore();
  frame(g, plane, theme, named);
  return plane;
}

const NOTE = 26; // pixels of a note before its text

/** Room to the right for the values at the playhead: they cover no curve. */
function margin(g: CanvasRenderingContext2D, theme: Theme, series: Series[], w: number): number {
  g.font = `12px ${theme.font}`;
  return Math.min(0.4 * w, NOTE + Math.max(0, ...series.map(({ name }) => g.measureText(`${name} −0,000`).width)));
}

/** One mean per pixel column, and a faint band from the smallest to the largest value where a column holds several. */
function stroke(g: CanvasRenderingContext2D, plane: Plane, line: Series, paper: string): void {
  const { x, y } = line;
  const dense = line.metric.steps.length > plane.px(x[x.length - 1]) - plane.px(x[0]);
  g.strokeStyle = line.colour;
  g.lineJoin = "round";
  g.setLineDash([]);
  if (!dense) {
    g.beginPath();
    for (let i = 0; i < y.length; i++) g.lineTo(plane.px(x[i]), plane.py(y[i]));
  } else {
    const path = new Path2D();
    g.beginPath();
    for (let i = 0; i < y.length; ) {
      const px = Math.floor(plane.px(x[i]));
      let [sum, n, lo, hi] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (; i < y.length && Math.floor(plane.px(x[i])) === px; i++) {
        sum += y[i];
        n++;
        lo = Math.min(lo, line.lo[i]);
        hi = Math.max(hi, line.hi[i]);
      }
      path.lineTo(px, plane.py(sum / n));
      g.moveTo(px, plane.py(lo));
      g.lineTo(px, plane.py(hi) - 0.5);
    }
    if (!line.fill) {
      g.globalAlpha = 0.25;
      g.lineWidth = 1;
      g.stroke();
      g.globalAlpha = 1;
    }
    g.setLineDash(line.dash);
    g.lineWidth = line.fill ? 1 : 1.5;
    g.stroke(path);
    g.setLineDash([]);
    return;
  }
  if (line.over) {
    g.strokeStyle = paper; // a lane of its own through the noise of others
    g.lineWidth = 5;
    g.stroke();
    g.strokeStyle = line.colour;
  }
  g.lineWidth = line.fill ? 1 : line.over ? 2.5 : 1.5;
  g.setLineDash(line.dash);
  g.stroke();
  g.setLineDash([]);
  if (y.length > SPARSE || !line.dash.length) return;
  g.beginPath(); // a broken line of few values: they are its corners
  for (let i = 0; i < y.length; i++) trace(g, "circle", plane.px(x[i]), plane.py(y[i]), 2);
  g.fillStyle = line.colour;
  g.fill();
}

function area(g: CanvasRenderingContext2D, plane: Plane, { x, y, base, colour, fill }: Series): void {
  const stride = Math.max(1, Math.floor(y.length / (2 * plane.box.w)));
  const last = y.length - 1;
  g.beginPath();
  for (let i = 0; i <= last; i += stride) g.lineTo(plane.px(x[i]), plane.py(y[i]));
  g.lineTo(plane.px(x[last]), plane.py(y[last]));
  for (let i = last; i >= 0; i -= stride) g.lineTo(plane.px(x[i]), plane.py(base?.[Math.min(i, base.length - 1)] ?? 0));
  g.lineTo(plane.px(x[0]), plane.py(base?.[0] ?? 0));
  g.closePath();
  g.globalAlpha = fill;
  g.fillStyle = colour;
  g.fill();
  g.globalAlpha = 1;
}

/** Index of the last x at or before the step, −1 if there is none. */
export const before = (x: ArrayLike<number>, step: number) => lastWhere(x.length, (k) => x[k] <= step + 1e-6);

type Note = { line: Series; value: number; mid: number };

/** The values at a step, and where they stand: areas in the middle of what they cover. */
export function notes(series: Series[], step: number): Note[] {
  const told = series.flatMap((line): Note[] => {
    const i = before(line.metric.steps, step);
    if (i < 0) return [];
    const value = line.sign * line.metric.values[i];
    return [{ line, value, mid: value }];
  });
  for (const stack of new Set(series.map((line) => line.stack))) {
    const areas = stack ? told.filter(({ line }) => line.stack === stack) : [];
    stacked(areas.map(({ value }) => value)).forEach(([from, to], k) => {
      areas[k].mid = (from + to) / 2;
    });
  }
  return told;
}

export function hairline(g: CanvasRenderingContext2D, theme: Theme, plane: Plane, series: Series[], step: number): void {
  const { box } = plane;
  const px = Math.min(Math.max(plane.px(step), box.x), box.x + box.w);
  g.strokeStyle = theme.accent;
  g.lineWidth = 1.25;
  g.beginPath();
  g.moveTo(px, box.y);
  g.lineTo(px, box.y + box.h);
  g.stroke();
  g.font = `12px ${theme.font}`;
  g.textBaseline = "middle";
  g.textAlign = "left";
  const told = notes(series, step).map(({ line, value, mid }) => {
    const py = Math.min(Math.max(plane.py(mid), box.y), box.y + box.h);
    return { line, text: `${line.name} ${number(value)}`.trim(), py, y: py };
  });
  told.sort((a, b) => a.y - b.y);
  // texts are pushed apart downwards, then the stack is moved back into the box
  for (let i = 1; i < told.length; i++) told[i].y = Math.max(told[i].y, told[i - 1].y + 16);
  const over = Math.max(0, (told[told.length - 1]?.y ?? 0) - (box.y + box.h - 10));
  const [left, room] = [box.x + box.w + 6, g.canvas.width / (g.getTransform().a || 1) - box.x - box.w - NOTE];
  for (const { line, text, py, y: wanted } of told) {
    const y = Math.max(box.y + 9, wanted - over);
    key(g, line, left, y);
    g.fillStyle = theme.ink;
    g.fillText(text, left + NOTE - 8, y + 0.5, room);
    if (line.fill) continue;
    g.beginPath();
    g.arc(px, py, 3, 0, 6.2832);
    g.fillStyle = line.colour;
    g.fill();
  }
}

/** How a line or an area looks, beside its value. */
function key(g: CanvasRenderingContext2D, { colour, fill, dash }: Series, x: number, y: number): void {
  if (fill) {
    g.globalAlpha = fill;
    g.fillStyle = colour;
    g.fillRect(x, y - 5, 14, 10);
    g.globalAlpha = 1;
    return;
  }
  g.beginPath();
  g.moveTo(x, y);
  g.lineTo(x + 15, y);
  g.strokeStyle = colour;
  g.lineWidth = 2;
  g.setLineDash(dash);
  g.stroke();
  g.setLineDash([]);
}
