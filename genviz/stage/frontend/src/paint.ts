// One pane's picture on one canvas, large or as a thumbnail of the filmstrip.

import { frame, inset, type Limits, Plane, squared } from "./axes";
import { limitsAt, type Shown } from "./blend";
import { cursor, selected } from "./codes";
import { barScale, drawBars } from "./draw/bars";
import type { Brush } from "./draw/brush";
import { type Backdrop, drawCurves, fingerprint, hairline, seriesOf } from "./draw/curves";
import type { Decoder } from "./draw/decode";
import { drawField } from "./draw/field";
import { drawGrids, type Grid, type Tile } from "./draw/images";
import { drawArrows, drawEllipses, drawMesh, drawPath } from "./draw/lines";
import { crosshair, drawPoints, halo } from "./draw/points";
import { drawUnits } from "./draw/units";
import { drawUpright } from "./draw/upright";
import { type Extent, padded, spread, union } from "./extent";
import type { Theme } from "./theme";
import type { Tracer } from "./trace";
import type { Curves, Frame, Layer, Pane, Points, Source, Units } from "./types";
import type { Wipe } from "./wipe";
import { extent, head } from "./words";

export type Picture = {
  source: Source;
  pane: Pane;
  layers: Shown[]; // those that are on, at the playhead
  shot: Frame | null;
  extents: Extent;
  decoder: Decoder;
  backdrop: Backdrop;
  tracer: Tracer | null; // null in a thumbnail
  wipe?: Wipe | null; // a row that is wiped over
  tiles?: Tile[]; // where the pictures stand: filled in
  theme: Theme;
  still: boolean; // no interpolation
  mini: boolean;
  at?: number; // the unit that keys are at
  ground: string; // a name for all but the cursor, which is then painted once and copied; "": painted anew
};

/** Fields lie under lattices, lattices under lines, lines under points, the cursor above all. */
const DEPTH: Record<Layer["type"], number> = {
  field: 0,
  images: 1,
  mesh: 3,
  arrows: 4,
  points: 5,
  ellipses: 6,
  path: 4.5,
  decode: 8,
  bars: 9,
  curves: 9,
  units: 9,
  trace: 8,
  handles: 8,
  numbers: 9,
  caption: 9,
};
const depth = (layer: Layer) =>
  layer.type === "field" && layer.style === "contour"
    ? 2
    : layer.type === "decode" && layer.at !== "cursor" && layer.at !== "selection"
      ? 1
      : DEPTH[layer.type];

/** Draws and returns the plane, which the pointer needs to find its way back. */
export function paint(g: CanvasRenderingContext2D, w: number, h: number, p: Picture): Plane | null {
  switch (p.pane.kind) {
    case "plane":
      return plane(g, w, h, p);
    case "images":
      images(g, w, h, p);
      return null;
    case "bars":
      bars(g, w, h, p);
      return null;
    case "curves":
      return curves(g, w, h, p);
    case "numbers":
      return null;
  }
}

function plane(g: CanvasRenderingContext2D, w: number, h: number, p: Picture): Plane {
  const plane = (p.ground && p.backdrop.draw(g, w, h, p.ground, (to) => ground(to, w, h, p))) || ground(g, w, h, p);
  marks(g, plane, p);
  return plane;
}

/** Layers that follow the pointer. */
export const pointed = (layer: Layer) => layer.type === "trace" || (layer.type === "decode" && layer.at === "cursor");

/** What follows the pointer. */
function marks(g: CanvasRenderingContext2D, plane: Plane, p: Picture): void {
  const { box } = plane;
  const b: Brush = { g, theme: p.theme, plane, mini: p.mini, selection: p.source.selection };
  g.save();
  g.beginPath();
  g.rect(box.x, box.y, box.w, box.h);
  g.clip();
  for (const layer of p.layers) if (pointed(layer)) draw(b, p, layer);
  if (p.pane.latent && !p.mini && p.source.scene?.latent) {
    const code = cursor(p.source, p.still);
    crosshair(b, code[p.source.axes[0]] ?? 0, code[p.source.axes[1]] ?? 0);
  }
  g.restore();
}

/** All the rest. */
function ground(g: CanvasRenderingContext2D, w: number, h: number, p: Picture): Plane {
  const { pane, mini } = p;
  const named = { x: axisName(p, 0), y: axisName(p, 1) };
  let box = mini ? { x: 0, y: 0, w, h } : inset(w, h, pane.latent ? {} : named);
  if (!mini && !pane.line && box.w > 1.5 * box.h) box = { ...box, x: box.x + (box.w - 1.5 * box.h) / 2, w: 1.5 * box.h };
  const plane = new Plane(box, pane.line ? limits(p) : squared(limits(p), box.w, box.h));
  const b: Brush = { g, theme: p.theme, plane, mini, selection: p.source.selection };
  g.save();
  g.beginPath();
  g.rect(box.x, box.y, box.w, box.h);
  g.clip();
  const order = p.layers.filter((layer) => !pointed(layer)).sort((one, other) => depth(one) - depth(other));
  const above = order.filter((layer) => depth(layer) >= DEPTH.decode);
  for (const layer of order) if (!above.includes(layer)) faintly(b, p, layer);
  for (const layer of mini ? [] : order) if (layer.type === "points" && layer.pick) ringed(b, p, layer);
  for (const layer of above) faintly(b, p, layer);
  g.restore();
  if (!mini)
    frame(g, plane, p.theme, {
      ...named,
      inside: pane.latent === true,
      ...(pane.line && { yTicks: [] }),
      log: pane.x_log === true,
    });
  return plane;
}

/** What a slow-motion moment does not mention steps back. */
function faintly(b: Brush, p: Picture, layer: Shown): void {
  b.g.globalAlpha = layer.dim ? 0.18 : 1;
  draw(b, p, layer);
  b.g.globalAlpha = 1;
}

/** The selected point, above all other points. */
function ringed(b: Brush, p: Picture, layer: Points & Shown): void {
  const xy = seen(layer, p.pane, p.source.axes);
  const i = 2 * p.source.selection;
  if (i >= 0 && i < xy.length) halo(b, xy[i], xy[i + 1]);
}

function axisName(p: Picture, side: 0 | 1): string | undefined {
  const given = side ? p.pane.y_label : p.pane.x_label;
  if (side && p.pane.line && p.pane.latent) return undefined; // a code of one dimension
  const moved = p.source.axes[0] !== 0 || p.source.axes[1] !== 1;
  return p.pane.latent && (moved || !given) ? `z${p.source.axes[side] + 1}` : given;
}

function limits(p: Picture): Limits {
  const given = limitsAt(p.source, p.pane.name, p.shot, p.still);
  if (given?.length === 4) return given as Limits;
  let found: Limits | null = p.extents.limits(p.source);
  if (!found) {
    for (const layer of p.layers) found = union(found, spread(layer));
    found = padded(found ?? [-1, 1, -1, 1]);
  }
  return [...(p.pane.x ?? [found[0], found[1]]), ...(p.pane.y ?? [found[2], found[3]])];
}

/** Points of a latent pane are seen along the two chosen dimensions of their codes. */
export function seen(layer: Points, pane: Pane, axes: [number, number]): ArrayLike<number> {
  const { xy, codes } = layer.tensors;
  if (!pane.latent || !codes || codes.shape[1] <= Math.max(...axes)) return xy?.data ?? [];
  const [n, k] = codes.shape;
  const out = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    out[2 * i] = codes.data[i * k + axes[0]];
    out[2 * i + 1] = codes.data[i * k + axes[1]];
  }
  return out;
}

/** Where the selected row stands in a plane of data. */
function chosen({ layers, source: { selection } }: Picture): [number, number] | null {
  const layer = layers.find((one): one is Points => one.type === "points" && one.pick === true);
  const xy = layer?.tensors.xy;
  return xy && selection >= 0 && selection < xy.shape[0] ? [xy.data[2 * selection], xy.data[2 * selection + 1]] : null;
}

function draw(b: Brush, p: Picture, layer: Shown): void {
  if (layer.type === "points") drawPoints(b, layer, seen(layer, p.pane, p.source.axes));
  else if (layer.type === "field") drawField(b, layer);
  else if (layer.type === "trace") p.tracer?.draw(b, p.source, layer);
  else if (layer.type === "arrows") drawArrows(b, layer);
  else if (layer.type === "ellipses") drawEllipses(b, layer);
  else if (layer.type === "path") drawPath(b, layer.tensors.xy?.data ?? [], layer.role);
  else if (layer.type === "mesh" && layer.tensors.xy) {
    const { data, shape } = layer.tensors.xy;
    drawMesh(b, data, shape[0], shape[1], layer.role);
  } else if (layer.type === "decode" && !b.mini) {
    if (!p.pane.latent) p.decoder.plane(b, p.source, layer, p.still, chosen(p));
    else if (layer.at === "lattice") p.decoder.tiles(b, p.source, layer, p.still);
  }
}

/** What an images pane shows, as grids; layers that follow the selection show one picture of it. */
export function grids(p: Picture): Grid[] {
  return p.layers.flatMap((layer): Grid[] => {
    if (layer.type === "decode") {
      const grid = p.mini ? null : p.decoder.grid(p.source, layer, p.still);
      return grid ? [{ ...grid, dim: layer.dim }] : [];
    }
    if (layer.type !== "images" || !layer.tensors.pixels) return [];
    const { data, shape } = layer.tensors.pixels;
    const [n, h, w] = shape;
    const board = p.wipe && layer.name === p.wipe.name ? p.wipe : null;
    const common = {
      h,
      w,
      label: layer.label,
      dim: layer.dim,
      layer: layer.name,
      signed: Boolean(layer.diverging),
      veil: board?.mask,
      sponge: board?.at ?? null,
    };
    if (layer.follow === "selection") {
      const i = p.source.selection;
      if (i < 0 || i >= n) return [];
      const caption = layer.captions?.[i];
      return [
        {
          ...common,
          pixels: data.subarray(i * h * w, (i + 1) * h * w),
          count: 1,
          columns: 1,
          captions: caption ? [caption] : undefined,
        },
      ];
    }
    const count = p.mini ? Math.min(n, 9) : n;
    return [
      {
        ...common,
        pixels: data,
        count,
        columns: p.mini ? Math.ceil(Math.sqrt(count)) : (layer.columns ?? 0),
        captions: layer.captions,
        ...(layer.pick && { chosen: p.source.selection }),
      },
    ];
  });
}

const TOLD = 40; // pixels below a board, where its moments are told

/** The room of a board of units in its pane. */
export const roomOf = (w: number, h: number) => ({ x: 6, y: 6, w: w - 12, h: h - 12 - TOLD });

function images(g: CanvasRenderingContext2D, w: number, h: number, p: Picture): void {
  const pad = p.mini ? 1 : 4;
  const units = p.layers.find((layer): layer is Units & Shown => layer.type === "units");
  if (units) {
    const walk = p.source.walk;
    const spot = walk?.spot?.board === units.name ? walk.spot : null;
    const clamp = units.paint ? (walk?.clamp.subarray(Math.max(units.first ?? 0, 0)) ?? null) : null;
    const marks = {
      clamp: clamp?.subarray(0, units.tensors.values?.shape[0]) ?? null,
      spot,
      cursor: p.at ?? -1,
      moving: !p.still,
    };
    drawUnits(g, p.theme, units, p.mini ? { x: 0, y: 0, w, h } : roomOf(w, h), marks, p.mini);
    return; // one board a pane
  }
  const all = grids(p);
  const moving = all.find(({ layer }) => p.pane.layers.some(({ name, static: fixed }) => name === layer && !fixed));
  const shown = p.mini ? [moving ?? all[0]].filter(Boolean) : all;
  const tiles = drawGrids(g, p.theme, shown, { x: pad, y: pad, w: w - 2 * pad, h: h - 2 * pad }, p.mini);
  p.tiles?.splice(0, p.tiles.length, ...tiles);
}

function bars(g: CanvasRenderingContext2D, w: number, h: number, p: Picture): void {
  for (const layer of p.layers) {
    if (layer.type !== "bars") continue;
    g.globalAlpha = layer.dim ? 0.25 : 1;
    const scale = barScale(layer, p.extents.range(p.source, layer.name));
    if (layer.upright) drawUpright(g, p.theme, layer, w, h, scale, p.mini);
    else drawBars(g, p.theme, layer, w, h, scale);
    g.globalAlpha = 1;
    return; // one set of bars a pane
  }
}

function curves(g: CanvasRenderingContext2D, w: number, h: number, p: Picture): Plane | null {
  const on = p.layers.filter((layer): layer is Curves => layer.type === "curves");
  const timed = on.some((layer) => layer.columns?.length);
  const series = seriesOf(on, p.source, p.theme);
  const [first, last] = timed ? extent(p.source) : ends(series.map((line) => line.x));
  const across: [number, number] = p.pane.x ?? (timed ? [Math.min(first, 0), Math.max(last, head(p.source))] : [first, last]);
  const seen = timed ? null : p.extents.limits(p.source);
  const pane = seen && !p.pane.y ? { ...p.pane, y: [seen[2], seen[3]] as [number, number] } : p.pane;
  const paint = (to: CanvasRenderingContext2D) => drawCurves(to, p.theme, pane, series, w, h, across, timed);
  const plane = p.mini ? paint(g) : p.backdrop.draw(g, w, h, `${fingerprint(series, across, p.theme)}|${pane.y}`, paint);
  if (plane && timed && !p.mini) hairline(g, p.theme, plane, series, p.source.playhead);
  return plane;
}

function ends(lines: ArrayLike<number>[]): [number, number] {
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const x of lines) {
    for (let i = 0; i < x.length; i++) {
      lo = Math.min(lo, x[i]);
      hi = Math.max(hi, x[i]);
    }
  }
  return hi > lo ? [lo, hi] : [0, 1];
}

/** What is missing for the picture, in words that say what to do, or "". */
export function missing(p: Picture): string {
  const needy = p.layers.filter((layer) => "follow" in layer && layer.follow === "selection");
  const choose = p.layers.filter((layer) => layer.type === "decode" && layer.at === "selection");
  const lone = p.pane.kind !== "plane" && needy.length + choose.length === p.layers.length && p.layers.length > 0;
  if (lone && !selected(p.source, p.still)) return "Click a point to choose a row.";
  return "";
}
