// How long an escape takes, at the barriers that have been tried: evaluations by nats, on a scale of logarithms.

import { frame, inset, Plane, ticks } from "../axes";
import type { Dot } from "../escape";
import { SHAPES, type Theme } from "../theme";
import { compact } from "../words";
import { trace } from "./brush";

const LEAST_NATS = 10; // that the axis shows
const [LOW, HIGH] = [1, 5]; // decades that it shows at least
const ARROW = 0.5; // decades above a dot, for what is more than that
const APART = 13; // pixels between two names

export type Tries = { past: Dot[]; now: Dot[]; barrier: number; names: string[]; colours: string[] };

export function drawEscapes(g: CanvasRenderingContext2D, w: number, h: number, theme: Theme, tries: Tries): void {
  const { past, now, barrier, names, colours } = tries;
  const all = [...past, ...now];
  const most = Math.max(LEAST_NATS, 1.15 * (barrier || 0), ...all.map((dot) => 1.15 * dot.barrier));
  const logs = all.map(({ per }) => Math.log10(per));
  const [low, high] = [Math.floor(Math.min(LOW, ...logs)), Math.ceil(Math.max(HIGH, ...logs.map((log) => log + ARROW)))];
  const plane = new Plane({ ...inset(w, h, { x: "x" }), y: 8, h: h - 42 }, [0, most, low, high]);
  g.clearRect(0, 0, w, h);
  g.lineJoin = g.lineCap = "round";
  growth(g, plane, theme);
  if (barrier <= most) upright(g, plane, theme, barrier);
  for (const dot of past) mark(g, plane, theme, dot, colours[dot.lane], 0.45);
  for (const dot of now) mark(g, plane, theme, dot, colours[dot.lane], 1);
  g.globalAlpha = 1;
  g.setLineDash([]);
  frame(g, plane, theme, { x: "barrier, nats", yTicks: [] });
  scale(g, plane, theme);
  named(g, plane, theme, now, names);
}

/** Lines that grow as e to the barrier: along one of them dots should lie. */
function growth(g: CanvasRenderingContext2D, plane: Plane, theme: Theme): void {
  const [x0, x1, low, high] = plane.limits;
  g.save();
  g.beginPath();
  g.rect(plane.box.x, plane.box.y, plane.box.w, plane.box.h);
  g.clip();
  g.strokeStyle = theme.line;
  g.lineWidth = 1;
  g.setLineDash([2, 3]);
  g.beginPath();
  const rise = (x1 - x0) * Math.LOG10E;
  for (let at = Math.floor(low - rise); at < high; at++) {
    g.moveTo(plane.px(x0), plane.py(at));
    g.lineTo(plane.px(x1), plane.py(at + rise));
  }
  g.stroke();
  g.restore();
}

/** The barrier as it is. */
function upright(g: CanvasRenderingContext2D, plane: Plane, theme: Theme, barrier: number): void {
  g.strokeStyle = theme.soft;
  g.lineWidth = 1;
  g.setLineDash([]);
  g.globalAlpha = 0.5;
  g.beginPath();
  g.moveTo(plane.px(barrier), plane.box.y);
  g.lineTo(plane.px(barrier), plane.box.y + plane.box.h);
  g.stroke();
}

/** Filled; hollow with an arrow upwards where no chain has come to another mode yet. */
function mark(g: CanvasRenderingContext2D, plane: Plane, theme: Theme, dot: Dot, colour: string, alpha: number): void {
  const [x, y] = [plane.px(dot.barrier), plane.py(Math.log10(dot.per))];
  g.globalAlpha = alpha;
  g.setLineDash([]);
  g.strokeStyle = g.fillStyle = colour;
  g.lineWidth = 1.6;
  if (dot.open) {
    g.beginPath();
    g.moveTo(x, y - 4);
    g.lineTo(x, y - 14);
    g.moveTo(x - 3.5, y - 10.5);
    g.lineTo(x, y - 14);
    g.lineTo(x + 3.5, y - 10.5);
    g.stroke();
  }
  g.beginPath();
  trace(g, SHAPES[dot.lane], x, y, 4);
  if (dot.open) {
    g.fillStyle = `rgb(${theme.paper.join(" ")})`;
    g.fill();
    g.stroke();
  } else g.fill();
}

function scale(g: CanvasRenderingContext2D, plane: Plane, theme: Theme): void {
  const { box, limits } = plane;
  g.fillStyle = theme.soft;
  g.font = `11px ${theme.font}`;
  g.textAlign = "right";
  g.textBaseline = "middle";
  for (const at of ticks(limits[2], limits[3], 4).filter(Number.isInteger))
    g.fillText(compact(10 ** at), box.x - 5, plane.py(at));
}

/** What each is, beside it: none over another. */
function named(g: CanvasRenderingContext2D, plane: Plane, theme: Theme, now: Dot[], names: string[]): void {
  const { box } = plane;
  g.font = `11px ${theme.font}`;
  g.textBaseline = "middle";
  const placed = now.map((dot) => ({ dot, y: plane.py(Math.log10(dot.per)) })).sort((a, b) => a.y - b.y);
  for (let i = 1; i < placed.length; i++) placed[i].y = Math.max(placed[i].y, placed[i - 1].y + APART);
  const over = Math.max(0, (placed.at(-1)?.y ?? 0) + APART / 2 - (box.y + box.h));
  for (const { dot, y } of placed) {
    const x = plane.px(dot.barrier);
    const right = x + 12 + g.measureText(names[dot.lane]).width > box.x + box.w;
    g.textAlign = right ? "right" : "left";
    g.lineWidth = 3;
    g.strokeStyle = `rgb(${theme.paper.join(" ")} / 0.85)`;
    g.fillStyle = theme.ink;
    g.strokeText(names[dot.lane], right ? x - 9 : x + 9, y - over);
    g.fillText(names[dot.lane], right ? x - 9 : x + 9, y - over);
  }
}
