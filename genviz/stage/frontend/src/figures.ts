// A few figures of a run with their sparklines: what it is now, and how it came there.

import { el, say } from "./dom";
import { before } from "./draw/curves";
import type { Theme } from "./theme";
import { thin } from "./thin";
import type { Metric, Source } from "./types";
import { number } from "./words";

const WIDTH = 96;
const HEIGHT = 26;

/** What a metric is called, and how it is computed: told on demand. */
export type Figure = string | { label: string; how: string };

export class Figures {
  readonly root = el("dl", { class: "figures" });
  private rows = new Map<string, { row: HTMLElement; value: HTMLElement; canvas: HTMLCanvasElement }>();

  constructor(figures: Record<string, Figure>) {
    for (const [name, figure] of Object.entries(figures)) {
      const { label, how } = typeof figure === "string" ? { label: figure, how: "" } : figure;
      const [value, canvas] = [el("dd", {}, "–"), el("canvas", { "aria-hidden": "true" })];
      const row = el("div", { class: "row" }, el("dt", {}, label), value, canvas);
      if (how) {
        row.tabIndex = 0;
        row.append(el("span", { class: "tip", role: "tooltip" }, how));
      }
      this.root.append(row);
      this.rows.set(name, { row, value, canvas });
    }
  }

  draw(source: Source, theme: Theme): void {
    const whole = source.frames.length > 1; // what has no figure by now has none for these data
    for (const [name, { row, value, canvas }] of this.rows) {
      const metric = source.metrics.get(name);
      row.hidden = whole && !metric?.steps.length;
      if (!metric?.steps.length) continue;
      const at = before(metric.steps, source.playhead);
      say(value, at < 0 ? "–" : number(metric.values[at]));
      sparkline(canvas, metric, at, theme);
    }
  }
}

function sparkline(canvas: HTMLCanvasElement, metric: Metric, at: number, theme: Theme): void {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== WIDTH * ratio) [canvas.width, canvas.height] = [WIDTH * ratio, HEIGHT * ratio];
  const g = canvas.getContext("2d");
  const { y: values, stride } = thin(metric);
  if (!g || values.length < 2) return;
  const count = Math.min(WIDTH / 2, values.length);
  const means = Array.from({ length: count }, (_, i) => {
    const [from, to] = [Math.floor((i * values.length) / count), Math.floor(((i + 1) * values.length) / count)];
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
  const now = (Math.floor(at / stride) / (values.length - 1)) * (means.length - 1);
  g.fillStyle = theme.accent;
  g.beginPath();
  g.arc(x(now), y(means[Math.round(now)]), 2.5, 0, 7);
  g.fill();
}
