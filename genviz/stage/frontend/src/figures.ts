// A few figures of a run with their sparklines: what it is now, and how it came there.

import { el, say } from "./dom";
import type { Theme } from "./theme";
import type { Metric, Source } from "./types";
import { number } from "./words";

const WIDTH = 96;
const HEIGHT = 26;

export class Figures {
  readonly root = el("dl", { class: "figures" });
  private rows = new Map<string, { value: HTMLElement; canvas: HTMLCanvasElement }>();

  constructor(names: Record<string, string>) {
    for (const [name, label] of Object.entries(names)) {
      const row = { value: el("dd", {}, "–"), canvas: el("canvas", { "aria-hidden": "true" }) };
      this.root.append(el("div", {}, el("dt", {}, label), row.value, row.canvas));
      this.rows.set(name, row);
    }
  }

  draw(source: Source, theme: Theme): void {
    for (const [name, { value, canvas }] of this.rows) {
      const metric = source.metrics.get(name);
      if (!metric?.steps.length) continue;
      const at = newest(metric, source.playhead);
      say(value, at < 0 ? "–" : number(metric.values[at]));
      sparkline(canvas, metric, at, theme);
    }
  }
}

/** The index of the last value at or before a step. */
function newest({ steps }: Metric, step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step + 1e-6) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function sparkline(canvas: HTMLCanvasElement, { values }: Metric, at: number, theme: Theme): void {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== WIDTH * ratio) [canvas.width, canvas.height] = [WIDTH * ratio, HEIGHT * ratio];
  const g = canvas.getContext("2d");
  if (!g || values.length < 2) return;
  const means = Array.from({ length: Math.min(WIDTH / 2, values.length) }, (_, i, { length } = values) => {
    const count = Math.min(WIDTH / 2, length);
    const [from, to] = [Math.floor((i * length) / count), Math.floor(((i + 1) * length) / count)];
    return values.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
  });
  const shown = [...means].sort((a, b) => a - b);
  const low = shown[Math.floor(shown.length * 0.04)]; // the first steps must not flatten the rest
  const high = shown[Math.ceil(shown.length * 0.96) - 1];
  const x = (i: number) => (i / (means.length - 1)) * (WIDTH - 6) + 3;
  const y = (value: number) => HEIGHT - 4 - Math.min(Math.max((value - low) / (high - low || 1), 0), 1) * (HEIGHT - 8);
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, WIDTH, HEIGHT);
  g.strokeStyle = theme.line;
  g.lineWidth = 1.25;
  g.beginPath();
  means.forEach((value, i) => {
    g.lineTo(x(i), y(value));
  });
  g.stroke();
  if (at < 0) return;
  const now = (at / (values.length - 1)) * (means.length - 1);
  g.fillStyle = theme.accent;
  g.beginPath();
  g.arc(x(now), y(means[Math.round(now)]), 2.5, 0, 7);
  g.fill();
}
