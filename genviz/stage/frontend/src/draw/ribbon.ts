// The loss below the filmstrip: one mean per pixel, filled to the bottom.

import type { Box } from "../axes";
import { colourOf, type Theme } from "../theme";
import type { Metric } from "../types";
import { line, robust } from "./curves";

/** The heights that a ribbon spans when it stands alone. */
export const span = (metric: Metric, sign: number) => robust([line(metric, sign, { name: "", colour: "", dash: [] })]);

export function ribbon(
  g: CanvasRenderingContext2D,
  theme: Theme,
  metric: Metric,
  sign: number,
  box: Box,
  first: number,
  last: number,
  range: [number, number],
): void {
  const colour = colourOf(theme, "model");
  const series = line(metric, sign, { name: "", colour, dash: [] });
  const { x, y } = series;
  const columns = Math.min(Math.floor(box.w), 600);
  const sums = new Float64Array(columns);
  const counts = new Uint32Array(columns);
  for (let i = 0; i < x.length; i++) {
    const k = Math.floor(((x[i] - first) / (last - first)) * columns);
    if (k < 0 || !Number.isFinite(y[i])) continue;
    sums[Math.min(k, columns - 1)] += y[i];
    counts[Math.min(k, columns - 1)]++;
  }
  const [lo, hi] = range;
  g.beginPath();
  let end = box.x;
  for (let k = 0; k < columns; k++) {
    if (!counts[k]) continue;
    const share = Math.min(1, Math.max(0, (sums[k] / counts[k] - lo) / (hi - lo || 1)));
    end = box.x + ((k + 0.5) / columns) * box.w;
    g.lineTo(end, box.y + 1 + (1 - share) * (box.h - 3));
  }
  g.strokeStyle = colour;
  g.lineWidth = 1.5;
  g.lineJoin = "round";
  g.stroke();
  g.lineTo(end, box.y + box.h);
  g.lineTo(box.x, box.y + box.h);
  g.closePath();
  g.globalAlpha = 0.12;
  g.fillStyle = colour;
  g.fill();
  g.globalAlpha = 1;
}
