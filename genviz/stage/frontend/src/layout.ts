// How many panes stand side by side, how wide each is and how tall: pure arithmetic, so that it can be tested.

import type { Pane } from "./types";

export type Kind = Pane["kind"];
export type Layout = { columns: number; template: string; height: number };

export const NARROW = 640;
export const GAP = 24;
const WEIGHT: Record<Kind, number> = { plane: 1, images: 1, bars: 0.85, curves: 1.1, numbers: 0.7 };
const LEAST: Record<Kind, number> = { plane: 240, images: 220, bars: 210, curves: 240, numbers: 170 };

export function arrange(kinds: Kind[], width: number, height: number): Layout {
  const n = Math.max(1, kinds.length);
  if (width <= NARROW)
    return { columns: 1, template: "minmax(0, 1fr)", height: Math.min(Math.max(height, 240), Math.max(200, 0.92 * width)) };
  const fits = (count: number) => count * Math.max(...kinds.map((kind) => LEAST[kind]), 170) + GAP * (count - 1) <= width;
  let columns = n;
  while (columns > 1 && !fits(columns)) columns--;
  columns = Math.ceil(n / Math.ceil(n / columns)); // rows of equal length
  const rows = Math.ceil(n / columns);
  const template =
    rows === 1 ? kinds.map((kind) => `minmax(0, ${WEIGHT[kind]}fr)`).join(" ") : `repeat(${columns}, minmax(0, 1fr))`;
  const column = (width - GAP * (columns - 1)) / columns;
  const square = kinds.includes("plane") || kinds.includes("images") ? column * 1.12 : Number.POSITIVE_INFINITY;
  return { columns, template: template || "minmax(0, 1fr)", height: Math.round(Math.max(200, Math.min(height, square))) };
}
