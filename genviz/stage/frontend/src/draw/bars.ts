// Horizontal bars with names and values. Bars below the threshold are hollow: off, not just smaller.

import { ticks } from "../axes";
import type { Shown } from "../blend";
import { ranks } from "../blend";
import { colourOf, type Theme } from "../theme";
import type { Bars } from "../types";
import { compact, measured, number } from "../words";

export type Scale = { lo: number; hi: number; log: boolean };

/** The range of the axis over everything seen so far, so that it stands still while the training plays. */
export function barScale(layer: Bars, seen: [number, number]): Scale {
  const threshold = layer.threshold ?? 0;
  if (!layer.log)
    return { lo: Math.min(0, seen[0], threshold * 1.1), hi: Math.max(seen[1], threshold * 1.5, 1e-9), log: false };
  const least = Math.max(Math.min(seen[0] > 0 ? seen[0] : 1e-4, threshold > 0 ? threshold / 3 : 1), 1e-6);
  return { lo: Math.log10(least), hi: Math.log10(Math.max(seen[1], threshold * 3, least * 10)), log: true };
}

/** Where a value stands on a scale, 0 at its low end and 1 at its high one. */
export function along(scale: Scale, v: number): number {
  const u = scale.log ? Math.log10(Math.max(v, 10 ** scale.lo)) : v;
  return (u - scale.lo) / (scale.hi - scale.lo || 1);
}

/** Two figures, and the zero of 1.0 among them: values below each other should be read alike. */
const figure = (value: number) => (value >= 0.1 && value < 10 ? value.toPrecision(2) : number(value, 2));

export function drawBars(
  g: CanvasRenderingContext2D,
  theme: Theme,
  layer: Bars & Shown,
  w: number,
  h: number,
  scale: Scale,
): void {
  const values = layer.tensors.values?.data;
  if (!values?.length) return;
  const n = values.length;
  const size = Math.min(13, Math.max(9, (h - 40) / n - 3));
  g.font = `${size}px ${theme.font}`;
  const name = (i: number) => layer.names?.[i] ?? `${i + 1}`;
  let left = 12;
  for (let i = 0; i < n; i++) left = Math.max(left, g.measureText(name(i)).width + 10);
  left = Math.min(left, w * 0.45);
  const [top, bottom] = [layer.threshold === undefined ? 4 : 20, h - 22];
  const right = w - 46;
  const at = (v: number) => left + along(scale, v) * (right - left);
  const zero = scale.log ? left : at(0);
  const pitch = Math.min(34, (bottom - top) / n);
  const rows = layer.sort ? ranks(values) : null; // whole rows also between two frames: bars must not overlap
  const colour = layer.role === "label" ? null : colourOf(theme, layer.role);
  for (let i = 0; i < n; i++) {
    const y = top + ((rows ? rows[i] : i) + 0.5) * pitch;
    const thick = Math.max(2, pitch * 0.62);
    const off = layer.threshold !== undefined && values[i] < layer.threshold;
    const ink = off ? theme.role.noise : (colour ?? theme.classes[i % 10]);
    const [x0, x1] = [Math.min(zero, at(values[i])), Math.max(zero, at(values[i]))];
    g.fillStyle = ink;
    g.strokeStyle = ink;
    g.lineWidth = 1.25;
    g.beginPath();
    g.roundRect(x0, y - thick / 2, Math.max(x1 - x0, 1), thick, Math.min(2, thick / 4));
    if (off) g.stroke();
    else g.fill();
    if (pitch >= 9) {
      g.font = `${size}px ${theme.font}`;
      g.textBaseline = "middle";
      g.textAlign = "right";
      g.fillStyle = off ? theme.soft : theme.ink;
      g.fillText(name(i), left - 8, y, left - 8);
      g.textAlign = "left";
      g.fillText(figure(values[i]), (off && layer.threshold !== undefined ? Math.max(x1, at(layer.threshold)) : x1) + 6, y);
    }
  }
  axis(g, theme, layer, scale, at, left, right, top, top + n * pitch);
}

function axis(
  g: CanvasRenderingContext2D,
  theme: Theme,
  layer: Bars,
  scale: Scale,
  at: (v: number) => number,
  left: number,
  right: number,
  top: number,
  bottom: number,
): void {
  g.strokeStyle = theme.line;
  g.lineWidth = 1;
  g.beginPath();
  const zero = Math.round(scale.log ? left : at(0)) + 0.5;
  g.moveTo(zero, top);
  g.lineTo(zero, bottom);
  g.stroke();
  g.font = `11px ${theme.font}`;
  g.fillStyle = theme.soft;
  g.textBaseline = "top";
  g.textAlign = "center";
  const marks = scale.log
    ? Array.from({ length: Math.floor(scale.hi) - Math.ceil(scale.lo) + 1 }, (_, i) => 10 ** (Math.ceil(scale.lo) + i))
    : ticks(scale.lo, scale.hi, Math.min(4, (right - left) / 70));
  marks.forEach((mark, i) => {
    const text = i === marks.length - 1 ? [compact(mark), layer.unit].filter(Boolean).join(" ") : compact(mark);
    g.fillText(text, at(mark), bottom + 6);
  });
  if (layer.threshold === undefined) return;
  const x = Math.round(at(layer.threshold)) + 0.5;
  g.setLineDash([5, 4]);
  g.strokeStyle = theme.ink;
  g.lineWidth = 1.25;
  g.beginPath();
  g.moveTo(x, top - 3);
  g.lineTo(x, bottom);
  g.stroke();
  g.setLineDash([]);
  g.fillStyle = theme.ink;
  g.textBaseline = "bottom";
  g.textAlign = x < left + 40 ? "left" : "center";
  g.fillText(measured(layer.threshold, layer.unit), x, top - 4);
}
