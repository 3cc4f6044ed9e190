// A lit board: the units of a network, small ones as a picture, large ones as lamps with names. What a person holds has an outline
// and a lock; what is being updated shows its input as a bar, then its coin, then its light.

import type { Box } from "../axes";
import type { Shown } from "../blend";
import { colourOf, type Theme } from "../theme";
import type { Spot, Units } from "../types";
import { columnsFor, print } from "./images";

export type Board = { columns: number; rows: number; cell: number; x: number; y: number };
export type Marks = { clamp: Float32Array | null; spot: Spot | null; cursor: number; moving: boolean };

const LAMP = 13; // pixels from which on a unit is a lamp of its own
const NAMED = 26; // and has room for its name
const GROWS = 400; // ms in which a bar grows and a coin turns
const WIDEST = 5; // input at which the bar is full

/** Where the units stand in a box; none of them larger than a thumb. */
export function board(count: number, columns: number | undefined, box: Box): Board {
  const across = Math.min(columns || columnsFor(count, box.w, box.h), Math.max(count, 1));
  const rows = Math.ceil(count / across);
  let cell = Math.min(box.w / across, box.h / rows, 64);
  if (cell >= 2) cell = Math.floor(cell);
  return { columns: across, rows, cell, x: box.x + (box.w - cell * across) / 2, y: box.y + (box.h - cell * rows) / 2 };
}

/** The unit at a place, −1 beside the board. */
export function unitAt({ columns, rows, cell, x, y }: Board, count: number, px: number, py: number): number {
  const [column, row] = [Math.floor((px - x) / cell), Math.floor((py - y) / cell)];
  const unit = row * columns + column;
  return column < 0 || column >= columns || row < 0 || row >= rows || unit >= count ? -1 : unit;
}

export function drawUnits(
  g: CanvasRenderingContext2D,
  theme: Theme,
  layer: Units & Shown,
  box: Box,
  marks: Marks | null,
  mini = false,
): void {
  const values = layer.tensors.values?.data;
  if (!values?.length) return;
  const at = board(values.length, layer.columns, box);
  g.globalAlpha = layer.dim ? 0.35 : 1;
  if (at.cell < LAMP || mini) sheet(g, theme, values, at);
  else for (let i = 0; i < values.length; i++) lamp(g, theme, layer, at, i, values[i]);
  g.globalAlpha = 1;
  if (mini || !marks) return;
  if (marks.clamp) held(g, theme, at, marks.clamp);
  if (marks.cursor >= 0 && marks.cursor < values.length) {
    g.strokeStyle = theme.accent;
    g.lineWidth = 2;
    const [x, y] = corner(at, marks.cursor);
    g.strokeRect(x - 1, y - 1, at.cell + 2, at.cell + 2);
  }
  if (marks.spot) update(g, theme, at, marks.spot, box, marks.moving);
}

const corner = ({ columns, cell, x, y }: Board, i: number): [number, number] => [
  x + (i % columns) * cell,
  y + Math.floor(i / columns) * cell,
];

/** Units as the pixels of one picture. */
function sheet(g: CanvasRenderingContext2D, theme: Theme, values: ArrayLike<number>, at: Board): void {
  const full = new Float32Array(at.rows * at.columns);
  full.set(values);
  const printed = print(theme.print, full, 1, at.rows, at.columns);
  if (!printed) return;
  g.imageSmoothingEnabled = false;
  g.drawImage(printed, 0, 0, at.columns, at.rows, at.x, at.y, at.cell * at.columns, at.cell * at.rows);
  g.strokeStyle = theme.line;
  g.lineWidth = 1;
  g.strokeRect(at.x - 0.5, at.y - 0.5, at.cell * at.columns + 1, at.cell * at.rows + 1);
}

function lamp(g: CanvasRenderingContext2D, theme: Theme, layer: Units, at: Board, i: number, value: number): void {
  const [x, y] = corner(at, i);
  const gap = Math.max(1, 0.07 * at.cell);
  const side = at.cell - 2 * gap;
  const round = Math.min(6, 0.18 * side);
  const lit = Math.min(Math.max(value, 0), 1);
  const picture = Boolean(layer.columns); // ink on paper, as every picture; else lights of the role's colour
  const colour = picture ? theme.ink : colourOf(theme, layer.role);
  const alpha = g.globalAlpha;
  g.beginPath();
  g.roundRect(x + gap, y + gap, side, side, round);
  g.fillStyle = theme.tile;
  g.fill();
  g.globalAlpha = alpha * lit;
  g.fillStyle = colour;
  g.fill();
  g.globalAlpha = alpha;
  g.strokeStyle = lit > 0.5 ? colour : theme.line;
  g.lineWidth = 1;
  g.stroke();
  if (at.cell < NAMED) return;
  const name = layer.names?.[i];
  if (!name) return;
  g.font = `${Math.min(12, 0.34 * side)}px ${theme.font}`;
  g.textAlign = "center";
  g.textBaseline = "middle";
  g.fillStyle = lit > 0.5 ? (picture ? theme.tile : "#1C2024") : theme.soft;
  g.fillText(name, x + at.cell / 2, y + at.cell / 2, side - 2);
}

/** An outline round what is held, and a lock where there is room for one. */
function held(g: CanvasRenderingContext2D, theme: Theme, at: Board, clamp: Float32Array): void {
  const { columns, cell } = at;
  const on = (i: number) => i >= 0 && i < clamp.length && !Number.isNaN(clamp[i]);
  g.strokeStyle = theme.accent;
  g.lineWidth = 2;
  g.beginPath();
  for (let i = 0; i < clamp.length; i++) {
    if (!on(i)) continue;
    const [x, y] = corner(at, i);
    const column = i % columns;
    const side = (edge: boolean, x0: number, y0: number, x1: number, y1: number) => {
      if (!edge) return;
      g.moveTo(x0, y0);
      g.lineTo(x1, y1);
    };
    side(!on(i - columns), x, y, x + cell, y);
    side(!on(i + columns), x, y + cell, x + cell, y + cell);
    side(column === 0 || !on(i - 1), x, y, x, y + cell);
    side(column === columns - 1 || !on(i + 1), x + cell, y, x + cell, y + cell);
  }
  g.stroke();
  const each = cell >= 22;
  for (let i = 0; i < clamp.length; i++) {
    const first = !(on(i - 1) && i % columns) && !on(i - columns); // else one lock for the whole patch
    if (on(i) && (each || first)) lock(g, theme, ...corner(at, i), Math.min(11, Math.max(8, 0.3 * cell)));
  }
}

function lock(g: CanvasRenderingContext2D, theme: Theme, x: number, y: number, size: number): void {
  const [w, h] = [0.8 * size, 0.55 * size];
  const [left, top] = [x + 3, y + 3 + size - h];
  g.fillStyle = `rgb(${theme.paper.join(" ")})`;
  g.beginPath();
  g.arc(left + w / 2, top, 0.78 * size, 0, 2 * Math.PI); // on light and dark units alike
  g.fill();
  g.fillStyle = theme.accent;
  g.strokeStyle = theme.accent;
  g.lineWidth = 1.5;
  g.beginPath();
  g.arc(left + w / 2, top, 0.26 * size, Math.PI, 0);
  g.stroke();
  g.beginPath();
  g.roundRect(left, top, w, h, 1.5);
  g.fill();
}

/** Beside the unit: the bar of its input, or the coin. */
function update(g: CanvasRenderingContext2D, theme: Theme, at: Board, spot: Spot, box: Box, moving: boolean): void {
  const done = moving ? Math.min(1, (performance.now() - spot.since) / GROWS) : 1;
  if (spot.unit < 0) {
    g.strokeStyle = theme.accent;
    g.lineWidth = 2;
    g.strokeRect(at.x - 3, at.y - 3, at.cell * at.columns + 6, at.cell * at.rows + 6);
    return;
  }
  const [x, y] = corner(at, spot.unit);
  g.strokeStyle = theme.accent;
  g.lineWidth = 2.5;
  g.strokeRect(x - 1.5, y - 1.5, at.cell + 3, at.cell + 3);
  const [w, h] = [86, 34]; // a small card beside the unit
  const left = x + at.cell + 8 + w < box.x + box.w ? x + at.cell + 8 : Math.max(box.x, x - 8 - w);
  const top = Math.min(Math.max(y + at.cell / 2 - h / 2, box.y), box.y + box.h - h);
  g.fillStyle = `rgb(${theme.paper.join(" ")})`;
  g.strokeStyle = theme.line;
  g.lineWidth = 1;
  g.beginPath();
  g.roundRect(left, top, w, h, 6);
  g.fill();
  g.stroke();
  if (spot.phase === 0) bar(g, theme, left + 8, top + h / 2, w - 16, spot.input, done);
  else coin(g, theme, left + h / 2 + 2, top + h / 2, 0.34 * h, spot, spot.phase === 1 ? done : 1);
  g.font = `12px ${theme.font}`;
  g.fillStyle = theme.ink;
  g.textBaseline = "middle";
  g.textAlign = "left";
  if (spot.phase > 0)
    g.fillText(spot.phase === 1 ? `p ${spot.p.toFixed(2)}` : spot.value > 0.5 ? "on" : "off", left + h + 6, top + h / 2);
}

/** The input grows from zero, to the right when it says on. */
function bar(g: CanvasRenderingContext2D, theme: Theme, x: number, y: number, w: number, input: number, done: number): void {
  const middle = x + w / 2;
  const reach = (Math.min(Math.abs(input), WIDEST) / WIDEST) * (w / 2) * (1 - (1 - done) ** 3);
  g.fillStyle = input < 0 ? theme.role.noise : theme.role.model;
  g.fillRect(input < 0 ? middle - reach : middle, y - 5, Math.max(reach, 1), 10);
  g.strokeStyle = theme.soft;
  g.beginPath();
  g.moveTo(middle, y - 9);
  g.lineTo(middle, y + 9);
  g.stroke();
}

/** A coin as wide as its probability is sure, turning until it has fallen. */
function coin(g: CanvasRenderingContext2D, theme: Theme, x: number, y: number, r: number, { value }: Spot, done: number): void {
  const turn = Math.cos((1 - done) ** 2 * 5 * Math.PI);
  const front = turn > 0 ? value > 0.5 : value <= 0.5;
  g.beginPath();
  g.ellipse(x, y, r, Math.max(1, r * Math.abs(turn)), 0, 0, 2 * Math.PI);
  g.fillStyle = front ? theme.role.model : theme.tile;
  g.fill();
  g.strokeStyle = front ? theme.role.model : theme.soft;
  g.lineWidth = 1.5;
  g.stroke();
}
