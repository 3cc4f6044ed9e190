// From numbers to pixels: nice ticks, limits that fit a box, and the thin frame of a plane.

import type { Theme } from "./theme";
import { compact } from "./words";

export type Box = { x: number; y: number; w: number; h: number };
export type Limits = [number, number, number, number]; // x0, x1, y0, y1

/** Round numbers (1, 2 or 5 times a power of ten) within [lo, hi], about `count` of them. */
export function ticks(lo: number, hi: number, count: number): number[] {
  if (!(hi > lo) || count < 1) return [];
  const rough = (hi - lo) / count;
  const base = 10 ** Math.floor(Math.log10(rough));
  const step = base * ([1, 2, 5, 10].find((factor) => factor * base >= rough * 0.999) ?? 10);
  const out: number[] = [];
  for (let i = Math.ceil(lo / step - 1e-9); i * step <= hi + step * 1e-9; i++) out.push(Number((i * step).toPrecision(12)));
  return out;
}

/** Where 1, 3, 10, 30, … stand on a scale of log10. */
function decades(lo: number, hi: number): number[] {
  const places = Array.from(
    { length: 2 * Math.ceil(hi - lo + 1) },
    (_, i) => Math.floor(lo) + (i >> 1) + (i % 2) * Math.log10(3),
  );
  return places.filter((x) => x >= lo && x <= hi);
}

/** Widens the limits so that a unit is as long up as across, unless the two scales have little to do with each other. */
export function squared([x0, x1, y0, y1]: Limits, w: number, h: number): Limits {
  const across = (x1 - x0) / w;
  const up = (y1 - y0) / h;
  const ratio = across / up;
  if (!(ratio > 0) || ratio > 3 || ratio < 1 / 3) return [x0, x1, y0, y1];
  const dx = (Math.max(across, up) * w - (x1 - x0)) / 2;
  const dy = (Math.max(across, up) * h - (y1 - y0)) / 2;
  return [x0 - dx, x1 + dx, y0 - dy, y1 + dy];
}

/** A box with limits: the two directions between what is measured and what is seen. */
export class Plane {
  constructor(
    readonly box: Box,
    readonly limits: Limits,
  ) {}
  px = (x: number) => this.box.x + ((x - this.limits[0]) / (this.limits[1] - this.limits[0])) * this.box.w;
  py = (y: number) => this.box.y + (1 - (y - this.limits[2]) / (this.limits[3] - this.limits[2])) * this.box.h;
  ux = (px: number) => this.limits[0] + ((px - this.box.x) / this.box.w) * (this.limits[1] - this.limits[0]);
  uy = (py: number) => this.limits[2] + (1 - (py - this.box.y) / this.box.h) * (this.limits[3] - this.limits[2]);
}

type Labels = {
  x?: string | undefined;
  y?: string | undefined;
  xTicks?: number[];
  yTicks?: number[];
  inside?: boolean;
  log?: boolean;
};

/** Frame, few ticks, axis names. Drawn above the layers, so that nothing sticks out. */
export function frame(g: CanvasRenderingContext2D, plane: Plane, theme: Theme, labels: Labels = {}): void {
  const { box, limits } = plane;
  const [x0, x1, y0, y1] = limits;
  g.lineWidth = 1;
  g.strokeStyle = theme.line;
  g.strokeRect(Math.round(box.x) + 0.5, Math.round(box.y) + 0.5, Math.round(box.w) - 1, Math.round(box.h) - 1);
  g.fillStyle = theme.soft;
  g.font = `11px ${theme.font}`;
  const bottom = box.y + box.h;
  g.textAlign = "center";
  g.textBaseline = "top";
  const xs = labels.xTicks ?? (labels.log ? decades(x0, x1) : ticks(x0, x1, Math.min(5, box.w / 70)));
  g.beginPath();
  for (const x of xs) {
    const px = Math.round(plane.px(x)) + 0.5;
    g.moveTo(px, bottom - 1);
    g.lineTo(px, bottom + 3);
    const text = compact(labels.log ? 10 ** x : x);
    const half = g.measureText(text).width / 2;
    g.fillText(text, Math.min(Math.max(px, half), box.x + box.w - half + 8), bottom + 5);
  }
  g.textAlign = "right";
  g.textBaseline = "middle";
  for (const y of labels.yTicks ?? ticks(y0, y1, Math.min(5, box.h / 50))) {
    const py = Math.round(plane.py(y)) + 0.5;
    g.moveTo(box.x - 3, py);
    g.lineTo(box.x + 1, py);
    g.fillText(compact(y), box.x - 5, py);
  }
  g.stroke();
  if (labels.inside) inner(g, box, labels, theme);
  else outer(g, box, labels);
}

/** Names of a plane's axes stand inside, in the corners: planes side by side keep the same box, named or not. */
function inner(g: CanvasRenderingContext2D, box: Box, labels: Labels, theme: Theme): void {
  const write = (text: string | undefined, x: number, y: number, right: boolean) => {
    if (!text) return;
    const width = g.measureText(text).width + 8;
    g.fillStyle = `rgb(${theme.paper.join(" ")} / 0.85)`; // there may be pictures below
    g.fillRect(right ? x - width : x, y, width, 17);
    g.fillStyle = theme.soft;
    g.fillText(text, right ? x - 4 : x + 4, y + 9);
  };
  g.textBaseline = "middle";
  g.textAlign = "right";
  write(labels.x, box.x + box.w - 2, box.y + box.h - 19, true);
  g.textAlign = "left";
  write(labels.y, box.x + 2, box.y + 2, false);
}

function outer(g: CanvasRenderingContext2D, box: Box, labels: Labels): void {
  g.textBaseline = "bottom";
  g.textAlign = "center";
  if (labels.x) g.fillText(labels.x, box.x + box.w / 2, box.y + box.h + 32);
  g.textAlign = "left";
  if (labels.y) g.fillText(labels.y, Math.max(0, box.x - 34), box.y - 4);
}

/** Room for ticks and names inside a canvas of w × h. */
export function inset(w: number, h: number, named: { x?: string | undefined; y?: string | undefined }): Box {
  const top = named.y ? 18 : 6;
  const bottom = named.x ? 34 : 20;
  return { x: 36, y: top, w: Math.max(10, w - 44), h: Math.max(10, h - top - bottom) };
}
