// Thumbnails in grids. A grid is a list of tiles with names; several grids share a pane side by side or one above the other.

import type { Box } from "../axes";
import type { Theme } from "../theme";
import { scratch } from "./field";

export type Grid = {
  pixels: ArrayLike<number>; // n × h × w in [0, 1]
  count: number;
  h: number;
  w: number;
  columns: number; // 0: as it fits
  label?: string | undefined;
  rows?: string[]; // a name to the left of each row
  captions?: string[] | undefined; // a name below each tile
  outlined?: number; // the column with a frame
  dim?: boolean | undefined;
  layer?: string; // which one it is
  signed?: boolean; // blue, nothing, orange instead of grey values
  chosen?: number; // the tile with a ring
  veil?: Uint8Array | undefined; // pixels of the first tile that are forgotten
  sponge?: [x: number, y: number] | null; // where keys are, in its pixels
};
/** Where a picture stands. */
export type Tile = { layer: string; index: number; x: number; y: number; w: number; h: number };
type Place = { columns: number; rows: number; cell: number; x: number; y: number };

/** The number of columns that makes the tiles as large as the box allows. */
export function columnsFor(count: number, w: number, h: number): number {
  let [best, columns] = [0, 1];
  for (let k = 1; k <= count; k++) {
    const cell = Math.min(w / k, h / Math.ceil(count / k));
    if (cell > best + 1e-9) [best, columns] = [cell, k];
  }
  return columns;
}

function place(grid: Grid, box: Box): Place {
  const left = grid.rows ? 26 : 0;
  const under = grid.captions?.length ? 16 : 0;
  const columns = Math.min(grid.columns || columnsFor(grid.count, box.w - left, box.h), Math.max(grid.count, 1));
  const rows = Math.ceil(grid.count / columns);
  const cell = Math.max(1, Math.min((box.w - left) / columns, box.h / rows - under));
  const x = box.x + left + (box.w - left - cell * columns) / 2;
  return { columns, rows, cell, x, y: box.y };
}

const LEADS = [0.5, 0.56, 0.62]; // shares of the box that a leading picture may take

/** Shares the box among the grids so that their tiles are large: in rows of equal boxes, or with the first picture leading. */
export function share(grids: Grid[], box: Box, gap: number, titled: number): Box[] {
  const n = grids.length;
  const cut = ({ x, y, w, h }: Box, columns: number, count: number): Box[] => {
    const rows = Math.ceil(count / columns);
    const [cw, ch] = [(w - gap * (columns - 1)) / columns, (h - gap * (rows - 1)) / rows];
    return Array.from({ length: count }, (_, i) => ({
      x: x + (i % columns) * (cw + gap),
      y: y + Math.floor(i / columns) * (ch + gap),
      w: cw,
      h: ch,
    }));
  };
  const ways = Array.from({ length: n }, (_, k) => cut(box, k + 1, n));
  if (n > 2 && grids[0].count === 1) {
    for (const lead of LEADS) {
      const [w, h] = [lead * (box.w - gap), lead * (box.h - gap)];
      ways.push([{ ...box, w }, ...cut({ ...box, x: box.x + w + gap, w: box.w - w - gap }, 1, n - 1)]);
      ways.push([{ ...box, h }, ...cut({ ...box, y: box.y + h + gap, h: box.h - h - gap }, n - 1, n - 1)]);
    }
  }
  const inner = ways.map((boxes) => boxes.map((one) => ({ ...one, y: one.y + titled, h: Math.max(1, one.h - titled) })));
  const worth = (boxes: Box[]) =>
    grids.reduce((sum, grid, i) => sum + (i ? 1 : 2) * grid.count * place(grid, boxes[i]).cell ** 2, 0);
  return inner.reduce((best, boxes) => (worth(boxes) > worth(best) ? boxes : best));
}

export function drawGrids(g: CanvasRenderingContext2D, theme: Theme, grids: Grid[], box: Box, mini = false): Tile[] {
  if (!grids.length) return [];
  const titled = !mini && grids.length > 1 ? 18 : 0;
  const boxes = share(grids, box, mini ? 1 : 14, titled);
  const all = grids.flatMap((grid, i) => {
    g.globalAlpha = grid.dim ? 0.25 : 1;
    const at = place(grid, boxes[i]);
    if (titled && grid.label) {
      write(g, theme, grid.label, at.x + (at.cell * at.columns) / 2, at.y - 5, "center", "bottom", 12, boxes[i].w);
    }
    return tiles(g, theme, grid, at, mini);
  });
  g.globalAlpha = 1;
  return all;
}

function tiles(g: CanvasRenderingContext2D, theme: Theme, grid: Grid, at: Place, mini: boolean): Tile[] {
  const { count, w, h } = grid;
  const all: Tile[] = [];
  const ratio = g.getTransform().a || 1;
  const sheet = print(grid.signed ? theme.diverging : theme.print, grid.pixels, count, h, w);
  if (!sheet) return all;
  const under = grid.captions?.length ? 16 : 0;
  const gap = mini ? 0 : Math.min(4, 0.06 * at.cell);
  let scale = Math.min((at.cell - gap) / w, (at.cell - gap) / h);
  // whole device pixels keep every pixel of the picture the same size
  if (scale * ratio >= 2) scale = Math.floor(scale * ratio) / ratio;
  g.imageSmoothingEnabled = scale * ratio < 2;
  const snap = (v: number) => Math.round(v * ratio) / ratio;
  for (let i = 0; i < count; i++) {
    const [row, column] = [Math.floor(i / at.columns), i % at.columns];
    const x = snap(at.x + column * at.cell + (at.cell - scale * w) / 2);
    const y = snap(at.y + row * (at.cell + under) + (at.cell - scale * h) / 2);
    g.drawImage(sheet, 0, i * h, w, h, x, y, scale * w, scale * h);
    all.push({ layer: grid.layer ?? "", index: i, x, y, w: scale * w, h: scale * h });
    if (grid.veil && !i) veiled(g, theme, grid.veil, w, all[0]);
    if (!mini) {
      const marked = column === grid.outlined || i === grid.chosen;
      g.strokeStyle = marked ? theme.accent : theme.line;
      g.lineWidth = marked ? 2 : 1;
      const d = marked ? 1 : 0.5;
      g.strokeRect(x - d, y - d, scale * w + 2 * d, scale * h + 2 * d);
    }
    const caption = mini ? undefined : grid.captions?.[i];
    if (caption)
      write(g, theme, caption, x + (scale * w) / 2, y + scale * h + 4, "center", "top", Math.min(12, 0.3 * at.cell + 4));
    const name = column === 0 && !mini ? grid.rows?.[row] : undefined;
    if (name) write(g, theme, name, x - 6, y + (scale * h) / 2, "right", "middle", 11);
  }
  if (grid.sponge && all.length) {
    const [x, y] = [all[0].x + grid.sponge[0] * scale, all[0].y + grid.sponge[1] * scale];
    g.strokeStyle = theme.accent;
    g.lineWidth = 2;
    g.beginPath();
    g.arc(x, y, Math.max(6, 0.085 * w * scale), 0, 6.2832);
    g.stroke();
  }
  return all;
}

/** What is forgotten of a picture: paper with hatching. */
function veiled(g: CanvasRenderingContext2D, theme: Theme, veil: Uint8Array, w: number, tile: Tile): void {
  const size = tile.w / w;
  g.save();
  g.beginPath();
  for (let i = 0; i < veil.length; i++)
    if (veil[i]) g.rect(tile.x + (i % w) * size, tile.y + Math.floor(i / w) * size, size + 0.25, size + 0.25);
  g.clip();
  g.fillStyle = theme.tile;
  g.fillRect(tile.x, tile.y, tile.w, tile.h);
  g.strokeStyle = theme.accent;
  g.globalAlpha = 0.6;
  g.lineWidth = 1;
  g.beginPath();
  for (let d = 0; d < tile.w + tile.h; d += 6) {
    g.moveTo(tile.x + d, tile.y);
    g.lineTo(tile.x + d - tile.h, tile.y + tile.h);
  }
  g.stroke();
  g.restore();
}

type Align = CanvasTextAlign;
function write(
  g: CanvasRenderingContext2D,
  theme: Theme,
  text: string,
  x: number,
  y: number,
  align: Align,
  base: CanvasTextBaseline,
  size: number,
  room?: number,
) {
  g.font = `${size}px ${theme.font}`;
  g.fillStyle = theme.soft;
  g.textAlign = align;
  g.textBaseline = base;
  g.fillText(text, x, y, room);
}

/** All pictures below each other on the scratch canvas, in the colours of a table. */
export function print(
  ink: Uint8ClampedArray,
  pixels: ArrayLike<number>,
  count: number,
  h: number,
  w: number,
): HTMLCanvasElement | null {
  if (!count || !h || !w) return null;
  const g = scratch(w, h * count);
  if (!g) return null;
  const sheet = g.createImageData(w, h * count);
  const colours = words(ink);
  const whole = new Uint32Array(sheet.data.buffer);
  for (let i = 0; i < whole.length; i++) {
    const value = pixels[i];
    whole[i] = colours[value <= 0 ? 0 : value >= 1 ? 255 : (255 * value + 0.5) | 0];
  }
  g.putImageData(sheet, 0, 0);
  return g.canvas;
}

/** A table of colours as one number each, in the machine's order of bytes. */
function words(ink: Uint8ClampedArray): Uint32Array {
  const bytes = new Uint8ClampedArray(1024).fill(255);
  for (let k = 0; k < 256; k++) bytes.set(ink.subarray(3 * k, 3 * k + 3), 4 * k);
  return new Uint32Array(bytes.buffer);
}
