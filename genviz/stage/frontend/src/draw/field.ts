// A function on a grid: heat from one even ramp (diverging round zero where it changes sign), or contour lines.

import { contours } from "d3-contour";
import type { Field } from "../types";
import { type Brush, pen } from "./brush";

let sheet: CanvasRenderingContext2D | null = null;

/** A scratch canvas of the wanted size: its picture is valid until the next call. */
export function scratch(w: number, h: number): CanvasRenderingContext2D | null {
  sheet ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (sheet && (sheet.canvas.width !== w || sheet.canvas.height !== h)) {
    sheet.canvas.width = w;
    sheet.canvas.height = h;
  }
  return sheet;
}

export function drawField(b: Brush, layer: Field): void {
  const values = layer.tensors.values;
  if (!values || values.data.length < 4) return;
  const [ny, nx] = values.shape;
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values.data) {
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  if (!(hi > lo)) return;
  if (layer.style === "contour") lines(b, layer, nx, ny, lo, hi);
  else heat(b, layer, nx, ny, lo, hi);
}

function heat(b: Brush, layer: Field, nx: number, ny: number, lo: number, hi: number): void {
  const g = scratch(nx, ny);
  const values = layer.tensors.values?.data;
  if (!g || !values) return;
  const signed = lo < -0.02 * hi && hi > 0;
  const colours = signed ? b.theme.diverging : b.theme.ramp;
  const reach = Math.max(-lo, hi);
  const picture = g.createImageData(nx, ny);
  for (let row = 0; row < ny; row++) {
    for (let column = 0; column < nx; column++) {
      const value = values[row * nx + column];
      // a density starts at zero, which is the background; a log density starts at its lowest value
      const share = signed ? 0.5 + value / reach / 2 : lo >= 0 || lo > -0.02 * hi ? value / hi : (value - lo) / (hi - lo);
      const k = 3 * Math.round(255 * Math.min(1, Math.max(0, share)));
      const at = 4 * ((ny - 1 - row) * nx + column); // row 0 is the lowest
      picture.data[at] = colours[k];
      picture.data[at + 1] = colours[k + 1];
      picture.data[at + 2] = colours[k + 2];
      picture.data[at + 3] = 255;
    }
  }
  g.putImageData(picture, 0, 0);
  const [x0, x1, y0, y1] = layer.extent;
  b.g.imageSmoothingEnabled = true;
  b.g.imageSmoothingQuality = "high";
  const { plane } = b;
  // values stand at the corners of the extent: a pixel, its value in the middle, reaches half a cell beyond
  const [dx, dy] = [(x1 - x0) / (nx - 1) / 2, (y1 - y0) / (ny - 1) / 2];
  const [left, right, top, bottom] = [plane.px(x0 - dx), plane.px(x1 + dx), plane.py(y1 + dy), plane.py(y0 - dy)];
  b.g.drawImage(g.canvas, left, top, right - left, bottom - top);
}

type Lines = { value: number; coordinates: number[][][][] }[];
const cache = new WeakMap<ArrayLike<number>, Lines>();

function lines(b: Brush, layer: Field, nx: number, ny: number, lo: number, hi: number): void {
  const values = layer.tensors.values?.data;
  if (!values) return;
  const signed = lo < 0 && hi > 0;
  let found = cache.get(values);
  if (!found) {
    const levels =
      lo >= 0 && lo < 0.2 * hi
        ? [0.05, 0.15, 0.3, 0.5, 0.7, 0.9].map((share) => share * hi)
        : signed
          ? [-0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75].map((share) => share * Math.max(-lo, hi))
          : [1, 2, 3, 4, 5, 6, 7].map((k) => lo + (k / 8) * (hi - lo));
    found = contours().size([nx, ny]).thresholds(levels)(Array.from(values));
    cache.set(values, found);
  }
  const { g, plane } = b;
  const [x0, x1, y0, y1] = layer.extent;
  // d3 counts in cells with values at their centres
  const x = (u: number) => plane.px(x0 + ((u - 0.5) / (nx - 1)) * (x1 - x0));
  const y = (v: number) => plane.py(y0 + ((v - 0.5) / (ny - 1)) * (y1 - y0));
  found.forEach((line, depth) => {
    g.beginPath();
    for (const ring of line.coordinates.flat()) {
      ring.forEach(([u, v], i) => {
        // the border of the grid is no level of the function
        const rim = (p: number[]) => p[0] <= 0 || p[1] <= 0 || p[0] >= nx || p[1] >= ny;
        if (i && !(rim(ring[i - 1]) && rim([u, v]))) g.lineTo(x(u), y(v));
        else g.moveTo(x(u), y(v));
      });
    }
    const zero = signed && Math.abs(line.value) < 1e-9 * (hi - lo);
    pen(b, layer.role, zero ? 2.2 : 1.2);
    if (zero) g.setLineDash([]);
    const alpha = signed ? (zero ? 1 : 0.45) : 0.45 + (0.5 * depth) / found.length;
    g.globalAlpha *= alpha;
    g.stroke();
    g.globalAlpha /= alpha;
  });
  g.setLineDash([]);
}
