// The plane of damage and load, beside it what recalls end in at one noise; and the newest recall as small pictures.

import { type Box, frame, inset, Plane } from "../axes";
import { COLUMNS, type Damage } from "../damage";
import type { Recall } from "../laboratory";
import { FATES, type Fate, type Spins } from "../spins";
import type { Theme } from "../theme";
import { scratch } from "./field";

const CLIFF = 0.138; // patterns a unit, where Hebb's memory of random ones breaks
const STRIP = { share: 0.22, least: 58, most: 120, gap: 16 };
const GAP = 10; // between two small pictures
const TITLE = 18; // above each
/** The strip's order: what went wrong begins at the left, so that it is seen to grow. */
const STACKED: Fate[] = ["spurious", "swings", "inverse", "another", "recalled"];
const HUE: Record<Fate, number> = { recalled: 0, another: 1, inverse: 3, spurious: 2, swings: 9 };

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
  line(g, `rgb(${theme.paper.join(" ")} / 0.8)`, [], [x, box.y, x, box.y + box.h], 2.5);
  line(g, theme.ink, [1, 3], [x, box.y, x, box.y + box.h]);
  if (!damage.painted) {
    g.fillStyle = theme.soft;
    g.font = `13px ${theme.font}`;
    g.textAlign = "center";
    g.textBaseline = "middle";
    g.fillText("press and drag: recalls are painted here", box.x + box.w / 2, box.y + box.h / 2, box.w - 12);
  }
  frame(g, plane, theme, { x: "share of the bits that are flipped", y: "memories", xTicks: [0, 0.1, 0.2, 0.3, 0.4, 0.5] });
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
  const level = (row: number) => Math.round(y + h - (row * h) / damage.rows);
  const edge = new Path2D();
  let before = -1; // the last row with anything in it
  for (let row = 0; row < damage.rows; row++) {
    const counts = damage.near(row);
    const n = counts.reduce((sum, one) => sum + one, 0);
    if (!n) continue;
    let left = x;
    for (const fate of STACKED) {
      const wide = (counts[FATES.indexOf(fate)] / n) * w;
      g.fillStyle = colourOf(theme, fate);
      g.fillRect(left, level(row + 1), wide, level(row) - level(row + 1));
      left += wide;
      if (fate !== "spurious") continue;
      if (before === row - 1 && row) edge.lineTo(left, level(row));
      else edge.moveTo(left, level(row));
      edge.lineTo(left, level(row + 1));
      before = row;
    }
  }
  g.lineWidth = 1.5;
  g.strokeStyle = theme.ink;
  g.setLineDash([]);
  g.stroke(edge);
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
    g.fillText(`${Number(load.toFixed(2))}`, x + w + 5, y + h * (1 - (load * damage.units - 0.5) / damage.rows));
}

function cliff(g: CanvasRenderingContext2D, plane: Plane, strip: Box, theme: Theme, damage: Damage): void {
  const at = CLIFF * damage.units;
  if (at > damage.rows || damage.of.rule !== "hebb" || damage.of.own) return; // it is theirs alone
  const [py, { box }] = [Math.round(plane.py(at)) + 0.5, plane];
  line(g, theme.ink, [5, 4], [box.x, py, box.x + box.w, py]);
  line(g, theme.ink, [5, 4], [strip.x, py, strip.x + strip.w, py]);
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
  [x0, y0, x1, y1]: [number, number, number, number],
  width = 1.25,
): void {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.setLineDash(dash);
  g.beginPath();
  g.moveTo(x0, y0);
  g.lineTo(x1, y1);
  g.stroke();
  g.setLineDash([]);
}

/** How large a unit is in the small pictures, three of them beside each other. */
const unit = (damage: Damage, w: number) => Math.max(1, Math.floor((w - 2 * GAP - 4) / 3 / Math.max(...damage.shape)));

/** How tall the small pictures are in so many pixels. */
export const tall = (damage: Damage, w: number) => TITLE + 1 + unit(damage, w) * damage.shape[0];

/** Memory, damaged, where it rests (or the two states it swings between); coloured where a bit is not that of the memory. */
export function drawRecall(g: CanvasRenderingContext2D, w: number, theme: Theme, damage: Damage): void {
  const [rows, columns] = damage.shape;
  const size = unit(damage, w);
  g.clearRect(0, 0, w, tall(damage, w));
  g.font = `11px ${theme.font}`;
  g.textAlign = "left";
  g.textBaseline = "top";
  titlesOf(damage.last).forEach(([title, state], k) => {
    const left = 1 + Math.round(k * ((w - 2 * GAP) / 3 + GAP));
    g.fillStyle = theme.soft;
    g.fillText(title, left, 0);
    g.fillStyle = theme.tile;
    g.fillRect(left, TITLE, size * columns, size * rows);
    for (let i = 0; state && i < state.length; i++) {
      const strange = state[i] !== damage.last?.memory[i];
      if (state[i] < 0 && !strange) continue;
      g.globalAlpha = state[i] < 0 ? 0.35 : 1;
      g.fillStyle = strange ? theme.role.error : theme.ink;
      g.fillRect(left + size * (i % columns), TITLE + size * Math.floor(i / columns), size, size);
    }
    g.globalAlpha = 1;
    g.strokeStyle = theme.line;
    g.lineWidth = 1;
    g.strokeRect(left - 0.5, TITLE - 0.5, size * columns + 1, size * rows + 1);
  });
}

/** What the small pictures show. */
function titlesOf(last: Recall | null): [string, Spins | null][] {
  const memory: [string, Spins | null] = [last ? `memory ${last.asked + 1}` : "a memory", last?.memory ?? null];
  return last?.other
    ? [memory, ["this state", last.rests], ["and back", last.other]]
    : [memory, ["damaged", last?.damaged ?? null], ["where it rests", last?.rests ?? null]];
}
