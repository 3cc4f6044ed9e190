// The plane of damage and load, beside it what recalls end in at one noise; and the newest recall as small pictures.

import { type Box, frame, inset, Plane } from "../axes";
import { CLIFF, COLUMNS, type Damage, type Recall } from "../damage";
import { FATES, type Fate, type Spins } from "../spins";
import type { Theme } from "../theme";
import { scratch } from "./field";

const STRIP = { share: 0.22, least: 58, most: 120, gap: 16 };
const GAP = 10; // between two small pictures
/** The strip's order: what went wrong begins at the left, so that it is seen to grow. */
const STACKED: Fate[] = ["spurious", "swings", "inverse", "another", "recalled"];
const HUE: Record<Fate, number> = { recalled: 0, another: 1, inverse: 3, spurious: 2, swings: 4 };

export const colourOf = (theme: Theme, fate: Fate) => theme.classes[HUE[fate]];

/** Where plane and strip stand in a canvas. */
export function planeOf(damage: Damage, w: number, h: number): { plane: Plane; strip: Box } {
  const room = inset(w - 26, h, { x: "x", y: "y" });
  const wide = Math.min(Math.max(room.w * STRIP.share, STRIP.least), STRIP.most);
  const box = { ...room, w: room.w - wide - STRIP.gap };
  const strip = { ...room, x: box.x + box.w + STRIP.gap, w: wide };
  return { plane: new Plane(box, [-0.005, 0.505, 0.5, damage.rows + 0.5]), strip };
}

export type Brush = { x: number; y: number; radius: number };

export function drawDamage(
  g: CanvasRenderingContext2D,
  w: number,
  h: number,
  theme: Theme,
  damage: Damage,
  brush: Brush | null,
): void {
  g.clearRect(0, 0, w, h);
  const { plane, strip } = planeOf(damage, w, h);
  const { box } = plane;
  cells(g, box, theme, damage);
  ends(g, strip, theme, damage);
  g.font = `11px ${theme.font}`;
  const x = Math.round(plane.px(damage.noise / 100)) + 0.5;
  line(g, theme.soft, [1, 3], x, box.y, x, box.y + box.h);
  if (!damage.painted) {
    g.fillStyle = theme.soft;
    g.font = `13px ${theme.font}`;
    g.textAlign = "center";
    g.textBaseline = "middle";
    g.fillText("press and drag: recalls are painted here", box.x + box.w / 2, box.y + box.h / 2, box.w - 12);
  }
  frame(g, plane, theme, { x: "share of the bits that are flipped", y: "memories" });
  beside(g, strip, theme, damage);
  cliff(g, plane, strip, theme, damage);
  if (brush) {
    g.save();
    g.beginPath();
    g.rect(box.x, box.y, box.w, box.h);
    g.clip();
    g.lineWidth = 1.5;
    g.strokeStyle = theme.ink;
    g.beginPath();
    g.arc(brush.x, brush.y, brush.radius, 0, 6.2832);
    g.stroke();
    g.restore();
  }
}

/** A colour for each place, mixed by how often what came of it. */
function cells(g: CanvasRenderingContext2D, { x, y, w, h }: Box, theme: Theme, damage: Damage): void {
  const grid = scratch(COLUMNS, damage.rows);
  if (!grid) return;
  const picture = grid.createImageData(COLUMNS, damage.rows);
  const hues = FATES.map((fate) => Number.parseInt(colourOf(theme, fate).slice(1), 16));
  for (let cell = 0; cell < damage.cells; cell++) {
    const counts = damage.fates(cell);
    let [n, r, green, b] = [0, 0, 0, 0];
    for (let k = 0; k < counts.length; k++) {
      n += counts[k];
      r += counts[k] * (hues[k] >> 16);
      green += counts[k] * ((hues[k] >> 8) & 255);
      b += counts[k] * (hues[k] & 255);
    }
    const row = damage.rows - 1 - Math.floor(cell / COLUMNS);
    if (n) picture.data.set([r / n, green / n, b / n, 255], 4 * (row * COLUMNS + (cell % COLUMNS)));
  }
  grid.putImageData(picture, 0, 0);
  g.imageSmoothingEnabled = false;
  g.drawImage(grid.canvas, 0, 0, COLUMNS, damage.rows, x, y, w, h);
}

/** Row by row the shares of all ends at the noise that is looked at, and a line along those that are spurious. */
function ends(g: CanvasRenderingContext2D, { x, y, w, h }: Box, theme: Theme, damage: Damage): void {
  const tall = h / damage.rows;
  const edge: [number, number][] = [];
  for (let row = 0; row < damage.rows; row++) {
    const counts = damage.near(row);
    const n = counts.reduce((sum, one) => sum + one, 0);
    if (!n) continue;
    let from = 0;
    const top = y + h - (row + 1) * tall;
    for (const fate of STACKED) {
      const share = counts[FATES.indexOf(fate)] / n;
      g.fillStyle = colourOf(theme, fate);
      g.fillRect(x + from * w, top, share * w, tall + 0.5);
      from += share;
      if (fate === "spurious") edge.push([x + share * w, top + tall / 2]);
    }
  }
  g.lineWidth = 1.5;
  g.strokeStyle = theme.ink;
  g.setLineDash([]);
  g.beginPath();
  for (const [px, py] of edge) g.lineTo(px, py);
  g.stroke();
}

/** What the strip is, and on its right the scale of memories a unit. */
function beside(g: CanvasRenderingContext2D, { x, y, w, h }: Box, theme: Theme, damage: Damage): void {
  g.strokeStyle = theme.line;
  g.lineWidth = 1;
  g.strokeRect(Math.round(x) + 0.5, Math.round(y) + 0.5, Math.round(w) - 1, Math.round(h) - 1);
  g.fillStyle = theme.soft;
  g.textBaseline = "top";
  g.textAlign = "left";
  g.fillText("0", x, y + h + 5);
  g.textAlign = "right";
  g.fillText("1", x + w, y + h + 5);
  g.textAlign = "center";
  g.fillText(`ends at ${damage.noise} %`, x + w / 2, y + h + 20);
  g.textBaseline = "bottom";
  g.textAlign = "right";
  g.fillText("a unit", x + w + 26, y - 4);
  g.textBaseline = "middle";
  g.textAlign = "left";
  const step = damage.rows / damage.units < 0.2 ? 0.05 : 0.1;
  for (let load = step; load * damage.units < damage.rows + 0.5; load += step)
    g.fillText(
      `${Number(load.toFixed(2))}`.replace(/^0/, ""),
      x + w + 5,
      y + h * (1 - (load * damage.units - 0.5) / damage.rows),
    );
}

function cliff(g: CanvasRenderingContext2D, plane: Plane, strip: Box, theme: Theme, damage: Damage): void {
  const at = CLIFF * damage.units;
  if (at > damage.rows) return;
  const [py, { box }] = [Math.round(plane.py(at)) + 0.5, plane];
  line(g, theme.ink, [5, 4], box.x, py, box.x + box.w, py);
  line(g, theme.ink, [5, 4], strip.x, py, strip.x + strip.w, py);
  const text = `${CLIFF} a unit`;
  const wide = g.measureText(text).width;
  g.fillStyle = `rgb(${theme.paper.join(" ")} / 0.85)`;
  g.fillRect(box.x + box.w - wide - 12, py - 18, wide + 8, 16);
  g.fillStyle = theme.ink;
  g.textAlign = "right";
  g.textBaseline = "middle";
  g.fillText(text, box.x + box.w - 8, py - 9.5);
}

function line(
  g: CanvasRenderingContext2D,
  colour: string,
  dash: number[],
  x0: number,
  y0: number,
  x1: number,
  y1: number,
): void {
  g.strokeStyle = colour;
  g.lineWidth = 1.25;
  g.setLineDash(dash);
  g.beginPath();
  g.moveTo(x0, y0);
  g.lineTo(x1, y1);
  g.stroke();
  g.setLineDash([]);
}

/** Memory, damaged, where it rests (or the two states it swings between); coloured where a bit is not that of the memory. */
export function drawRecall(g: CanvasRenderingContext2D, w: number, h: number, theme: Theme, damage: Damage): void {
  g.clearRect(0, 0, w, h);
  const [rows, columns] = damage.shape;
  const titles = titlesOf(damage.last);
  const side = Math.min((w - 2 * GAP) / 3, h - 18);
  g.font = `11px ${theme.font}`;
  titles.forEach(([title, state], k) => {
    const x = k * (side + GAP);
    const cell = Math.max(1, Math.floor(Math.min(side / columns, side / rows)));
    const [left, top] = [x + (side - cell * columns) / 2, 16 + (side - cell * rows) / 2];
    g.fillStyle = theme.soft;
    g.textAlign = "center";
    g.textBaseline = "top";
    g.fillText(title, x + side / 2, 0, side);
    g.fillStyle = theme.tile;
    g.fillRect(left, top, cell * columns, cell * rows);
    for (let i = 0; state && i < state.length; i++) {
      const strange = state[i] !== damage.last?.memory[i];
      if (state[i] < 0 && !strange) continue;
      g.globalAlpha = strange && state[i] < 0 ? 0.35 : 1;
      g.fillStyle = strange ? theme.role.error : theme.ink;
      g.fillRect(left + cell * (i % columns), top + cell * Math.floor(i / columns), cell, cell);
    }
    g.globalAlpha = 1;
    g.strokeStyle = theme.line;
    g.lineWidth = 1;
    g.strokeRect(Math.round(left) - 0.5, Math.round(top) - 0.5, cell * columns + 1, cell * rows + 1);
  });
}

function titlesOf(last: Recall | null): [string, Spins | null][] {
  if (last?.other)
    return [
      [`memory ${last.asked + 1}`, last.memory],
      ["this state", last.rests],
      ["and back", last.other],
    ];
  return [
    [last ? `memory ${last.asked + 1}` : "a memory", last?.memory ?? null],
    ["damaged", last?.damaged ?? null],
    ["where it rests", last?.rests ?? null],
  ];
}
