// How many panes stand side by side, how wide each is and how tall: pure arithmetic, so that it can be tested.

import type { Pane } from "./types";

export type Kind = Pane["kind"];
export type Layout = { columns: number; template: string; height: number };

export const NARROW = 640;
export const GAP = 24;
const WEIGHT: Record<Kind, number> = { plane: 1, images: 1, bars: 0.85, curves: 1.1, numbers: 0.7 };
const LEAST: Record<Kind, number> = { plane: 240, images: 220, bars: 210, curves: 240, numbers: 170 };

export function arrange(kinds: Kind[], width: number, height: number, most = 99): Layout {
  const n = Math.max(1, kinds.length);
  if (width <= NARROW)
    return { columns: 1, template: "minmax(0, 1fr)", height: Math.min(Math.max(height, 240), Math.max(200, 0.92 * width)) };
  const fits = (count: number) => count * Math.max(...kinds.map((kind) => LEAST[kind]), 170) + GAP * (count - 1) <= width;
  let columns = Math.min(n, most);
  while (columns > 1 && !fits(columns)) columns--;
  columns = Math.ceil(n / Math.ceil(n / columns)); // rows of equal length
  const rows = Math.ceil(n / columns);
  const template =
    rows === 1 ? kinds.map((kind) => `minmax(0, ${WEIGHT[kind]}fr)`).join(" ") : `repeat(${columns}, minmax(0, 1fr))`;
  const column = (width - GAP * (columns - 1)) / columns;
  const square = kinds.includes("plane") || kinds.includes("images") ? column * 1.12 : Number.POSITIVE_INFINITY;
  return { columns, template: template || "minmax(0, 1fr)", height: Math.round(Math.max(200, Math.min(height, square))) };
}

/** The same for panes that come in twos: both of a pair stand in one row. */
export function abreast(kinds: Kind[], width: number, height: number): Layout {
  const free = arrange(kinds, width, height);
  if (width <= NARROW) return free;
  const columns = Math.max(2, free.columns - (free.columns % 2));
  const square = (1.12 * (width - GAP * (columns - 1))) / columns;
  return {
    columns,
    template: `repeat(${columns}, minmax(0, 1fr))`,
    height: Math.round(Math.max(200, Math.min(height, square))),
  };
}

/** Heights in pixels: of the window, of what is above the stage, of the titles, legends and controls that go with a row of panes. */
export type Room = { window: number; above: number; title: number; legend: number; dock: number };

const FLOOR = 220; // pixels below which a picture is not worth the fitting

/** The height of panes at most `wanted` tall that lets them be seen with legend and controls, if need be after scrolling. */
export function within(wanted: number, { window, above, title, legend, dock }: Room): number {
  const besides = title + legend + dock;
  const whole = window - above - besides;
  return Math.min(wanted, whole >= FLOOR ? whole : Math.max(window - besides, FLOOR));
}

/** Heights of a plane of codes and of what it decodes to, pictures in a low row or another plane, seen together on a phone. */
export function pair(width: number, { window, title, dock }: Room, pictures: boolean): [plane: number, decoded: number] {
  const room = window - dock - title * (pictures ? 1 : 2) - 2 * GAP; // some air above
  const tallest = 0.92 * width;
  const low = pictures ? Math.min(0.34 * width, 140) : Math.min(tallest, Math.max(room / 2, 170));
  return [Math.min(tallest, Math.max(room - low, 200)), low];
}
