// Dots (data), rings (model), small dots (noise), crosses (error); a hue and a shape for each class.

import { colourOf, SHAPES } from "../theme";
import type { Points, Role } from "../types";
import { type Brush, trace } from "./brush";

/** Radius in pixels: many points are drawn smaller, thumbnails smaller still. */
export function radius(layer: Points, count: number, room: number): number {
  const crowd = count > 1500 ? 0.72 : count > 600 ? 0.88 : count > 120 ? 1 : 1.3;
  return 2.5 * (layer.size ?? 1) * crowd * Math.min(1.25, Math.max(0.7, room / 380));
}

export function drawPoints(b: Brush, layer: Points, xy: ArrayLike<number>): void {
  const { plane, mini } = b;
  const count = xy.length >> 1;
  const r = mini ? 0.95 : radius(layer, count, Math.min(plane.box.w, plane.box.h));
  const labels = layer.tensors.labels?.data;
  if (mini) specks(b, layer, xy, r);
  else if (labels && layer.role === "label") {
    const stamps = SHAPES.map((_, kind) => stamp(b, kind, r));
    for (let i = 0; i < count; i++) press(b, stamps[((labels[i] % 10) + 10) % 10], xy, i);
  } else {
    const one = stamp(b, layer.role === "label" ? "data" : (layer.role ?? "model"), r);
    for (let i = 0; i < count; i++) press(b, one, xy, i);
  }
  if (layer.names && !mini) names(b, layer.names, xy, r);
}

/** In a thumbnail of the filmstrip a few hundred squares do. */
function specks(b: Brush, layer: Points, xy: ArrayLike<number>, r: number): void {
  const { g, plane, theme } = b;
  const labels = layer.role === "label" ? layer.tensors.labels?.data : undefined;
  g.fillStyle = colourOf(theme, layer.role);
  const stride = Math.max(1, Math.ceil(xy.length / 440));
  for (let i = 0; 2 * i + 1 < xy.length; i += stride) {
    if (labels) g.fillStyle = theme.classes[((labels[i] % 10) + 10) % 10];
    g.fillRect(plane.px(xy[2 * i]) - r, plane.py(xy[2 * i + 1]) - r, 2 * r, 2 * r);
  }
}

type Stamp = { canvas: HTMLCanvasElement; size: number };
const stamps = new Map<string, Stamp>();

function press({ g, plane }: Brush, { canvas, size }: Stamp, xy: ArrayLike<number>, i: number): void {
  g.drawImage(canvas, plane.px(xy[2 * i]) - size / 2, plane.py(xy[2 * i + 1]) - size / 2, size, size);
}

/** A mark drawn once and then copied: a thousand copies cost less than one path of a thousand circles. */
function stamp(b: Brush, what: Exclude<Role, "label"> | number, r: number): Stamp {
  const ratio = b.g.getTransform().a || 1;
  const key = `${what}|${r.toFixed(2)}|${ratio}|${b.theme.dark}|${b.theme.paper}`;
  const known = stamps.get(key);
  if (known) return known;
  if (stamps.size > 200) stamps.clear();
  const size = Math.ceil(3.4 * r + 4);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.ceil(size * ratio);
  const g = canvas.getContext("2d");
  const made = { canvas, size: canvas.width / ratio };
  stamps.set(key, made);
  if (!g) return made;
  g.scale(ratio, ratio);
  g.beginPath();
  const role = typeof what === "number" ? "data" : what;
  const grown = { noise: 0.62, model: 1.08, truth: 1.08, data: 1, error: 1 }[role] * r;
  trace(
    g,
    typeof what === "number" ? SHAPES[what] : role === "error" ? "cross" : "circle",
    made.size / 2,
    made.size / 2,
    grown,
  );
  const colour = typeof what === "number" ? b.theme.classes[what] : colourOf(b.theme, role);
  if (typeof what === "number") {
    g.strokeStyle = `rgb(${b.theme.paper.join(" ")} / 0.85)`; // keeps marks apart from each other and from tiles
    g.lineWidth = 1.5;
    g.stroke();
  }
  g.globalAlpha = typeof what === "number" ? 1 : role === "noise" ? 0.7 : role === "data" ? 0.8 : 0.92;
  g.strokeStyle = g.fillStyle = colour;
  if (role === "model" || role === "truth") {
    g.lineWidth = 1.25;
    if (role === "truth") g.setLineDash([2, 1.5]);
    g.stroke();
  } else g.fill();
  return made;
}

/** Words beside the points; where there is no room to the right they stand to the left. */
function names(b: Brush, words: string[], xy: ArrayLike<number>, r: number): void {
  const { g, theme, plane } = b;
  g.font = `12px ${theme.font}`;
  g.fillStyle = theme.ink;
  g.textBaseline = "middle";
  words.forEach((word, i) => {
    if (2 * i + 1 >= xy.length) return;
    const x = plane.px(xy[2 * i]);
    const left = x + r + 5 + g.measureText(word).width > plane.box.x + plane.box.w;
    g.textAlign = left ? "right" : "left";
    g.fillText(word, left ? x - r - 4 : x + r + 4, plane.py(xy[2 * i + 1]));
  });
}

/** The selected point: a ring of paper, then a ring of accent, legible on any ground. */
export function halo(b: Brush, x: number, y: number): void {
  const { g, theme, plane } = b;
  const [px, py] = [plane.px(x), plane.py(y)];
  g.setLineDash([]);
  for (const [width, colour] of [
    [6, `rgb(${theme.paper.join(" ")})`],
    [2.5, theme.accent],
  ] as const) {
    g.beginPath();
    g.arc(px, py, 11, 0, 6.2832);
    g.lineWidth = width;
    g.strokeStyle = colour;
    g.stroke();
  }
}

/** The reconstruction of the selected point: a ring in the model's colour, and a line from what it should be. */
export function rebuilt(b: Brush, x: number, y: number, chosen: [number, number] | null): void {
  const { g, theme, plane } = b;
  const [px, py] = [plane.px(x), plane.py(y)];
  const passes = [
    [5, `rgb(${theme.paper.join(" ")})`],
    [2, theme.role.model],
  ] as const;
  g.setLineDash([]);
  for (const [width, colour] of passes) {
    g.lineWidth = width;
    g.strokeStyle = colour;
    g.beginPath();
    if (chosen) {
      g.moveTo(plane.px(chosen[0]), plane.py(chosen[1]));
      g.lineTo(px, py);
    }
    g.moveTo(px + 9, py);
    g.arc(px, py, 9, 0, 6.2832);
    g.stroke();
  }
  g.beginPath();
  g.arc(px, py, 2, 0, 6.2832);
  g.fillStyle = theme.role.model;
  g.fill();
}

/** Where the pointer is, in code or in data: hair lines across the pane and a ring in the model's colour. */
export function crosshair(b: Brush, x: number, y: number): void {
  const { g, theme, plane } = b;
  const { box } = plane;
  const [px, py] = [plane.px(x), plane.py(y)];
  g.setLineDash([]);
  g.lineWidth = 1;
  g.strokeStyle = theme.ink;
  g.globalAlpha = 0.35;
  g.beginPath();
  g.moveTo(box.x, py);
  g.lineTo(box.x + box.w, py);
  g.moveTo(px, box.y);
  g.lineTo(px, box.y + box.h);
  g.stroke();
  g.globalAlpha = 1;
  for (const [width, colour] of [
    [6, `rgb(${theme.paper.join(" ")})`],
    [3, theme.role.model],
  ] as const) {
    g.beginPath();
    g.arc(px, py, 6, 0, 6.2832);
    g.lineWidth = width;
    g.strokeStyle = colour;
    g.stroke();
  }
}

/** The point under the pointer, or −1. */
export function hit(
  xy: ArrayLike<number>,
  px: (x: number) => number,
  py: (y: number) => number,
  x: number,
  y: number,
  reach = 22,
): number {
  let [best, found] = [reach * reach, -1];
  for (let i = 0; 2 * i + 1 < xy.length; i++) {
    const distance = (px(xy[2 * i]) - x) ** 2 + (py(xy[2 * i + 1]) - y) ** 2;
    if (distance < best) [best, found] = [distance, i];
  }
  return found;
}
