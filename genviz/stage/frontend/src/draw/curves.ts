// Lines over training steps: decimated to pixels, with the values at the playhead written beside a hair line.

import { frame, inset, type Limits, Plane } from "../axes";
import type { Theme } from "../theme";
import { colourOf } from "../theme";
import type { Curves, Pane, Source } from "../types";
import { number } from "../words";

export type Series = {
  name: string;
  x: ArrayLike<number>;
  y: Float64Array;
  base: Float64Array | null;
  colour: string;
  dash: number[];
  fill: number;
};

const DASHES = [[], [6, 4], [2, 3], [8, 3, 2, 3]];

/** The lines of the layers that are on; stacked ones stand on the sum of those before. */
export function seriesOf(layers: Curves[], source: Source, theme: Theme): Series[] {
  return layers.flatMap((layer): Series[] => {
    const colour = colourOf(theme, layer.role);
    const xy = layer.tensors.xy?.data;
    const dash = layer.role === "truth" ? [5, 4] : [];
    if (xy) {
      const n = xy.length >> 1;
      const x = Float64Array.from({ length: n }, (_, i) => xy[2 * i]);
      const y = Float64Array.from({ length: n }, (_, i) => xy[2 * i + 1]);
      return [{ name: layer.label ?? "", x, y, base: null, colour, dash, fill: 0 }];
    }
    const columns = layer.columns ?? [];
    let below: Float64Array | null = null;
    return columns.flatMap((column, k): Series[] => {
      const metric = source.metrics.get(column);
      if (!metric?.steps.length) return [];
      const sign = layer.signs?.[k] ?? 1;
      const base: Float64Array | null = layer.stack ? below : null;
      const y = Float64Array.from(metric.values, (value, i) => sign * value + (base?.[Math.min(i, base.length - 1)] ?? 0));
      below = y;
      const name = columns.length > 1 || !layer.label ? `${sign < 0 ? "−" : ""}${column}` : layer.label;
      const fill = layer.stack ? [0.6, 0.3, 0.18, 0.1][k % 4] : 0;
      return [{ name, x: metric.steps, y, base, colour, dash: layer.stack ? [] : k ? DASHES[k % 4] : dash, fill }];
    });
  });
}

/** The range of the values without the first few percent of the steps and without the odd outlier. */
export function robust(series: Series[]): [number, number] | null {
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { y, fill } of series) {
    if (fill) lo = Math.min(lo, 0);
    const stride = Math.max(1, Math.floor(y.length / 800));
    const kept: number[] = [];
    for (let i = y.length > 20 ? Math.ceil(0.04 * y.length) : 0; i < y.length; i += stride)
      if (Number.isFinite(y[i])) kept.push(y[i]);
    if (!kept.length) continue;
    kept.sort((a, b) => a - b);
    const cut = Math.floor(0.01 * kept.length);
    lo = Math.min(lo, kept[cut]);
    hi = Math.max(hi, kept[kept.length - 1 - cut]);
  }
  if (!(hi >= lo)) return null;
  const pad = (hi - lo || Math.abs(hi) || 1) * 0.06;
  return [series.some((one) => one.fill) && lo === 0 ? 0 : lo - pad, hi + pad];
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
  `${series.map((line) => `${line.name}:${line.y.length}:${line.y[line.y.length - 1]}:${line.colour}`)}|${across}|${theme.paper}|${theme.font}`;

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
  const box = inset(w, h, named);
  const limits: Limits = [...across, ...range];
  const plane = new Plane(box, limits);
  g.save();
  g.beginPath();
  g.rect(box.x, box.y, box.w, box.h);
  g.clip();
  for (const line of series) {
    if (line.fill) area(g, plane, line);
    stroke(g, plane, line);
  }
  g.restore();
  frame(g, plane, theme, named);
  return plane;
}

/** One mean per pixel column, and a faint band from the smallest to the largest value where a column holds several. */
function stroke(g: CanvasRenderingContext2D, plane: Plane, line: Series): void {
  const { x, y } = line;
  const dense = x.length > plane.px(x[x.length - 1]) - plane.px(x[0]);
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
        lo = Math.min(lo, y[i]);
        hi = Math.max(hi, y[i]);
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
    g.lineWidth = line.fill ? 1 : 2;
    g.stroke(path);
    g.setLineDash([]);
    return;
  }
  g.lineWidth = line.fill ? 1 : 2;
  g.setLineDash(line.dash);
  g.stroke();
  g.setLineDash([]);
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

/** Index of the last x at or before the step. */
export function before(x: ArrayLike<number>, step: number): number {
  let [lo, hi] = [0, x.length];
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (x[mid] <= step + 1e-9) lo = mid + 1;
    else hi = mid;
  }
  return lo - 1;
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
  const notes = series.flatMap((line) => {
    const i = before(line.x, step);
    if (i < 0) return [];
    const value = line.y[i] - (line.base?.[Math.min(i, line.base.length - 1)] ?? 0);
    const mid = line.fill ? line.y[i] - value / 2 : line.y[i];
    const py = Math.min(Math.max(plane.py(mid), box.y), box.y + box.h);
    return [{ text: `${line.name} ${number(value)}`.trim(), py, y: py, line }];
  });
  notes.sort((a, b) => a.y - b.y);
  // texts are pushed apart downwards, then the stack is moved back into the box
  for (let i = 1; i < notes.length; i++) notes[i].y = Math.max(notes[i].y, notes[i - 1].y + 16);
  const over = Math.max(0, (notes[notes.length - 1]?.y ?? 0) - (box.y + box.h - 10));
  for (const note of notes) {
    const y = Math.max(box.y + 9, note.y - over);
    const width = g.measureText(note.text).width + 22;
    const left = px + width + 10 < box.x + box.w ? px + 8 : px - width - 8;
    g.fillStyle = `rgb(${theme.paper.join(" ")} / 0.86)`;
    g.beginPath();
    g.roundRect(left, y - 8.5, width, 17, 3);
    g.fill();
    g.globalAlpha = note.line.fill || 1;
    g.fillStyle = note.line.colour;
    g.fillRect(left + 4, note.line.fill ? y - 5 : y - 1.5, 10, note.line.fill ? 10 : 3);
    g.globalAlpha = 1;
    g.fillStyle = theme.ink;
    g.textAlign = "left";
    g.fillText(note.text, left + 18, y + 0.5);
    if (note.line.fill) continue;
    g.beginPath();
    g.arc(px, note.py, 3, 0, 6.2832);
    g.fillStyle = note.line.colour;
    g.fill();
  }
}
