// Bars that stand: hundreds of them, coloured by what they are, each with a dash for the figure it is compared with.

import { ticks } from "../axes";
import type { Shown } from "../blend";
import { ranks } from "../blend";
import { colourOf, type Theme } from "../theme";
import type { Bars } from "../types";
import { compact, measured, number } from "../words";
import { along, type Scale } from "./bars";

const DENSE = 2; // bars a pixel, from which on some are left out
const WORDS = 30; // pixels a bar needs for its name to be written below it

/** Which bars stand in a canvas of w × h, where, and in which order: of more than there are pixels, each place shows its tallest. */
function stand(layer: Bars, w: number, h: number) {
  const box = { x: 44, y: 12, w: Math.max(10, w - 52), h: Math.max(10, h - 34) };
  const all = layer.tensors.values?.data ?? [];
  const count = Math.min(all.length, Math.floor(box.w) * DENSE);
  const bars = count < all.length ? tallest(layer, all, count) : null;
  const places = layer.sort && !bars ? ranks(all) : null;
  const bar = (at: number) => (bars ? bars[at] : at);
  return { all, count, bar, box, pitch: box.w / Math.max(1, count), place: (at: number) => (places ? places[at] : at) };
}

/** Of so many even parts of the bars, the tallest of each, its mark counting as well. */
function tallest(layer: Bars, values: ArrayLike<number>, count: number): Int32Array {
  const marks = layer.tensors.marks?.data;
  const out = new Int32Array(count).fill(-1);
  const height = (i: number) => Math.max(Math.abs(values[i]), marks ? marks[i] : 0);
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor((i * count) / values.length);
    if (out[at] < 0 || height(i) > height(out[at])) out[at] = i;
  }
  return out;
}

/** The bar under a pointer, −1 for none. */
export function barAt(layer: Bars, w: number, h: number, x: number, y: number): number {
  const { count, bar, box, pitch, place } = stand(layer, w, h);
  if (x < box.x || x >= box.x + box.w || y < 0 || y > h) return -1;
  const at = Math.floor((x - box.x) / pitch);
  for (let i = 0; i < count; i++) if (place(i) === at) return bar(i);
  return -1;
}

/** "010011: 0.031 (truth 0.029), valid". */
export function told(layer: Bars, i: number): string {
  const { values, marks, labels } = layer.tensors;
  if (!values || i < 0) return "";
  const kind = labels && (layer.classes?.[labels.data[i]] ?? String(labels.data[i]));
  const mark = marks ? ` (${layer.marked ?? "to compare"} ${number(marks.data[i], 2)})` : "";
  return `${layer.names?.[i] ?? i + 1}: ${measured(Number(values.data[i].toPrecision(2)), layer.unit)}${mark}${kind ? `, ${kind}` : ""}`;
}

export function drawUpright(
  g: CanvasRenderingContext2D,
  theme: Theme,
  layer: Bars & Shown,
  w: number,
  h: number,
  scale: Scale,
  mini = false,
): void {
  const { all, count, bar, pitch, place, box: room } = stand(layer, w, h);
  if (!count) return;
  const box = mini ? { x: 0, y: 0, w, h } : room;
  const step = mini ? w / count : pitch;
  const { labels, marks } = layer.tensors;
  const at = (value: number) => box.y + (1 - along(scale, value)) * box.h;
  const zero = scale.log ? box.y + box.h : at(0);
  if (!mini) axis(g, theme, layer, scale, at, box);
  const thick = step > 3 ? step * 0.74 : Math.max(step * 0.9, 0.5);
  for (let k = 0; k < count; k++) {
    const [i, x] = [bar(k), box.x + (place(k) + 0.5) * step - thick / 2];
    const off = layer.threshold !== undefined && all[i] < layer.threshold;
    g.fillStyle = labels
      ? theme.classes[((labels.data[i] % 10) + 10) % 10]
      : off
        ? theme.role.noise
        : colourOf(theme, layer.role);
    const y = at(all[i]);
    g.fillRect(x, Math.min(y, zero), thick, Math.max(Math.abs(zero - y), 0.75));
  }
  if (mini) return;
  if (marks) {
    g.fillStyle = theme.ink;
    const half = Math.max(0.5 * step, 1);
    for (let k = 0; k < count; k++)
      g.fillRect(box.x + (place(k) + 0.5) * step - half, at(marks.data[bar(k)]) - 0.75, 2 * half, 1.5);
  }
  if (step < WORDS || !layer.names?.length) return;
  g.font = `11px ${theme.font}`;
  g.fillStyle = theme.soft;
  g.textAlign = "center";
  g.textBaseline = "top";
  for (let i = 0; i < count; i++)
    g.fillText(layer.names[i] ?? "", box.x + (place(i) + 0.5) * step, box.y + box.h + 5, step - 2);
}

function axis(
  g: CanvasRenderingContext2D,
  theme: Theme,
  layer: Bars,
  scale: Scale,
  at: (v: number) => number,
  box: { x: number; y: number; w: number; h: number },
): void {
  const values = scale.log
    ? Array.from({ length: Math.floor(scale.hi) - Math.ceil(scale.lo) + 1 }, (_, i) => 10 ** (Math.ceil(scale.lo) + i))
    : ticks(scale.lo, scale.hi, Math.min(4, box.h / 44));
  g.font = `11px ${theme.font}`;
  g.textAlign = "right";
  g.textBaseline = "middle";
  g.lineWidth = 1;
  for (const value of values) {
    const y = Math.round(at(value)) + 0.5;
    g.strokeStyle = theme.line;
    g.globalAlpha *= value ? 0.6 : 1;
    g.beginPath();
    g.moveTo(box.x, y);
    g.lineTo(box.x + box.w, y);
    g.stroke();
    g.globalAlpha /= value ? 0.6 : 1;
    g.fillStyle = theme.soft;
    g.fillText(compact(value), box.x - 6, y, box.x - 8);
  }
  if (layer.threshold === undefined) return;
  const y = Math.round(at(layer.threshold)) + 0.5;
  g.setLineDash([5, 4]);
  g.strokeStyle = theme.ink;
  g.beginPath();
  g.moveTo(box.x, y);
  g.lineTo(box.x + box.w, y);
  g.stroke();
  g.setLineDash([]);
}
