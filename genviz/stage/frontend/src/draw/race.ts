// A lane's map: the target, what is known of it in the fog, chains with their tails, proposals, orbits, replicas, jumps; and below it
// the small charts of what the chains have told so far.

import { type Box, Plane } from "../axes";
import type { Chain } from "../kernels";
import { BINS, type Figures, type Lane } from "../lane";
import { SHAPES, type Theme } from "../theme";
import type { Field, Tensor } from "../types";
import { compact, number } from "../words";
import { type Brush, trace } from "./brush";
import { drawField, scratch } from "./field";

const TAIL = 12; // steps
const FLASH = 450; // ms
const HUES = 10; // and as many shapes: the eleventh chain looks like the first
const TRACED = 20; // chains, more would be one blot
export const CHART = { title: 15, plot: 46, gap: 12 };

export type Flash = { from: number; to: number; since: number };
export type Seen = {
  theme: Theme;
  lane: Lane;
  step: number; // of the lane, where the playhead is
  plane: Plane;
  field: Field | null;
  fog: boolean;
  cleared: string; // what of the fog is gone, by name
  told: Chain[] | null; // the last step in detail, if it is slow enough to be seen
  phase: number; // of it: proposed, judged, coin, done
  orbit: { path: Float64Array; places: number } | null; // of a step that is on its way
  jumps: boolean;
  flashes: Flash[];
  now: number;
  still: boolean;
  start: [number, number] | null;
};

/** The picture that stands still: kept until theme, size, target or fog change. */
export class Backdrops {
  private key = "";
  private field: Field | null = null;
  private readonly canvas = document.createElement("canvas");
  private veil: HTMLCanvasElement | null = null;

  draw(g: CanvasRenderingContext2D, w: number, h: number, seen: Seen): void {
    const ratio = g.getTransform().a || 1;
    const { theme, field, fog, cleared, plane } = seen;
    const key = `${w}|${h}|${ratio}|${theme.dark}|${theme.paper}|${fog && cleared}`;
    if (key !== this.key || field !== this.field) {
      [this.key, this.field] = [key, field];
      this.canvas.width = Math.round(w * ratio);
      this.canvas.height = Math.round(h * ratio);
      const to = this.canvas.getContext("2d");
      if (!to) return;
      to.setTransform(ratio, 0, 0, ratio, 0, 0);
      to.clearRect(0, 0, w, h);
      to.fillStyle = `rgb(${theme.paper.join(" ")})`;
      to.fillRect(0, 0, w, h);
      const brush: Brush = { g: to, theme, plane, mini: false, selection: -1 };
      if (field) drawField(brush, field);
      if (fog) this.veiled(to, w, h, seen);
      scale(to, w, h, seen);
    }
    g.drawImage(this.canvas, 0, 0, w, h);
  }

  /** Hatched paper over all that no chain has come near. */
  private veiled(g: CanvasRenderingContext2D, w: number, h: number, { theme, lane, step, plane }: Seen): void {
    const { side, x, y } = lane.ground.fog;
    const grid = scratch(side, side);
    if (!grid) return;
    const picture = grid.createImageData(side, side);
    for (let j = 0; j < side; j++) {
      for (let i = 0; i < side; i++) {
        const seen = lane.seen[j * side + i];
        picture.data[4 * ((side - 1 - j) * side + i) + 3] = seen >= 0 && seen <= step ? 255 : 0;
      }
    }
    grid.putImageData(picture, 0, 0);
    this.veil ??= document.createElement("canvas");
    const { veil } = this;
    const ratio = g.getTransform().a || 1;
    veil.width = Math.round(w * ratio);
    veil.height = Math.round(h * ratio);
    const v = veil.getContext("2d");
    if (!v) return;
    v.setTransform(ratio, 0, 0, ratio, 0, 0);
    v.fillStyle = theme.tile;
    v.fillRect(0, 0, w, h);
    v.strokeStyle = theme.line;
    v.lineWidth = 1;
    v.beginPath();
    for (let at = -h; at < w; at += 9) {
      v.moveTo(at, h);
      v.lineTo(at + h, 0);
    }
    v.stroke();
    v.globalCompositeOperation = "destination-out";
    v.imageSmoothingEnabled = true;
    const [left, right, top, bottom] = [plane.px(x[0]), plane.px(x[1]), plane.py(y[1]), plane.py(y[0])];
    v.drawImage(grid.canvas, left, top, right - left, bottom - top);
    g.drawImage(veil, 0, 0, w, h);
  }
}

export function drawMap(g: CanvasRenderingContext2D, w: number, h: number, seen: Seen, backdrop: Backdrops): void {
  backdrop.draw(g, w, h, seen);
  const { lane, theme } = seen;
  g.lineJoin = g.lineCap = "round";
  if (seen.jumps) chords(g, seen);
  if (seen.start) starting(g, seen.start, seen);
  tails(g, seen);
  if (seen.orbit) orbit(g, seen.orbit.path, seen.orbit.places, seen, 0.9);
  if (seen.told && lane.settings.sampler === "pt") replicas(g, seen);
  if (seen.told) for (let k = seen.told.length - 1; k >= 0; k--) proposed(g, seen.told[k], k, seen);
  for (let hue = Math.min(HUES, lane.many) - 1; hue >= 0; hue--) {
    const others = Array.from({ length: Math.ceil((lane.many - hue) / HUES) }, (_, i) => hue + HUES * i).filter((k) => k > 0);
    marks(g, seen, hue, others, 3.4);
  }
  marks(g, seen, 0, [0], 4.6);
  if (!seen.still) flashes(g, seen);
  g.globalAlpha = 1;
  g.strokeStyle = theme.line;
  g.lineWidth = 1;
  g.setLineDash([]);
  g.strokeRect(0.5, 0.5, w - 1, h - 1);
}

/** Until the coin has fallen the chains stand where they stood. */
const settled = ({ step, phase }: Seen) => (phase < 3 ? Math.max(step - 1, 0) : step);

/** Chains of a hue and its shape, rimmed with paper: one path, as there may be many. */
function marks(g: CanvasRenderingContext2D, seen: Seen, hue: number, chains: number[], r: number): void {
  const { lane, theme, plane } = seen;
  const step = settled(seen);
  g.beginPath();
  for (const k of chains) {
    const [x, y] = lane.place(k, step);
    trace(g, SHAPES[hue], plane.px(x), plane.py(y), r);
  }
  g.setLineDash([]);
  g.globalAlpha = 1;
  g.lineWidth = 2;
  g.strokeStyle = `rgb(${theme.paper.join(" ")} / 0.9)`;
  g.stroke();
  g.fillStyle = theme.classes[hue];
  g.fill();
}

/** The last steps of each chain, the older the fainter. */
function tails(g: CanvasRenderingContext2D, seen: Seen): void {
  const { lane, theme, plane } = seen;
  const step = settled(seen);
  const parts = 3;
  g.setLineDash([]);
  g.lineWidth = 1.4;
  for (let hue = 0; hue < Math.min(HUES, lane.many); hue++) {
    g.strokeStyle = theme.classes[hue];
    for (let part = 0; part < parts; part++) {
      const [from, to] = [part, part + 1].map((at) => Math.max(step - TAIL + (TAIL * at) / parts, 0));
      if (to <= 0) continue;
      g.globalAlpha = (0.75 * (part + 1)) / parts;
      g.beginPath();
      for (let k = hue; k < lane.many; k += HUES) {
        const xs = lane.places(k);
        g.moveTo(plane.px(xs[2 * from]), plane.py(xs[2 * from + 1]));
        for (let n = from + 1; n <= to; n++) g.lineTo(plane.px(xs[2 * n]), plane.py(xs[2 * n + 1]));
      }
      g.stroke();
    }
  }
  g.globalAlpha = 1;
}

/** Where it wanted to go: a hollow dot, filled by the chain itself if it went there. */
function proposed(g: CanvasRenderingContext2D, chain: Chain, k: number, seen: Seen): void {
  const { theme, plane, phase, lane } = seen;
  if (!chain.told) return;
  const first = k === 0;
  if (lane.settings.sampler === "hmc") orbit(g, chain.path, lane.kernel.leapfrog + 1, seen, first ? 0.9 : 0.25);
  const [from, to] = [chain.from, chain.proposal].map((at) => [plane.px(at[0]), plane.py(at[1] ?? 0)]);
  const refused = !chain.test.accepted && phase >= 3;
  g.globalAlpha = first ? 1 : 0.45;
  g.strokeStyle = refused ? theme.role.error : theme.ink;
  g.lineWidth = first ? 1.4 : 1;
  if (lane.settings.sampler !== "hmc" && refused) {
    g.setLineDash([2, 2]);
    g.beginPath();
    g.moveTo(from[0], from[1]);
    g.lineTo(to[0], to[1]);
    g.stroke();
  }
  g.setLineDash([]);
  g.beginPath();
  g.arc(to[0], to[1], first ? 4.6 : 3.4, 0, 6.2832);
  g.stroke();
  g.globalAlpha = 1;
}

/** A leapfrog path with its places. */
function orbit(
  g: CanvasRenderingContext2D,
  path: Float64Array,
  places: number,
  { theme, plane, lane }: Seen,
  alpha: number,
): void {
  const d = lane.ground.target.dim;
  g.globalAlpha = alpha;
  g.strokeStyle = g.fillStyle = theme.accent;
  g.lineWidth = 1.2;
  g.setLineDash([]);
  g.beginPath();
  for (let l = 0; l < places; l++) {
    const [x, y] = [plane.px(path[l * d]), plane.py(path[l * d + 1] ?? 0)];
    if (l) g.lineTo(x, y);
    else g.moveTo(x, y);
  }
  g.stroke();
  if (alpha > 0.5) {
    g.beginPath();
    for (let l = 0; l < places; l++) trace(g, "circle", plane.px(path[l * d]), plane.py(path[l * d + 1] ?? 0), 1.5);
    g.fill();
  }
  g.globalAlpha = 1;
}

/** The first chain's replicas: the hotter the smaller and the more orange; those that have just changed places are tied. */
function replicas(g: CanvasRenderingContext2D, { told, theme, plane, lane }: Seen): void {
  const chain = told?.[0];
  if (!chain) return;
  const [d, many] = [lane.ground.target.dim, lane.kernel.betas.length];
  const at = (k: number) => [plane.px(chain.x[k * d]), plane.py(chain.x[k * d + 1] ?? 0)];
  g.setLineDash([]);
  for (const { k, accepted } of chain.swaps) {
    if (!accepted) continue;
    const [a, b] = [at(k), at(k + 1)];
    g.globalAlpha = 0.55;
    g.strokeStyle = theme.accent;
    g.lineWidth = 1.4;
    g.beginPath();
    g.moveTo(a[0], a[1]);
    g.lineTo(b[0], b[1]);
    g.stroke();
  }
  for (let k = many - 1; k >= 1; k--) {
    const [x, y] = at(k);
    g.globalAlpha = 0.9;
    g.beginPath();
    g.arc(x, y, 3.4 - (1.6 * k) / many, 0, 6.2832);
    g.fillStyle = `color-mix(in oklab, ${theme.role.model} ${Math.round((100 * k) / (many - 1))}%, ${theme.accent})`;
    g.fill();
    g.strokeStyle = `rgb(${theme.paper.join(" ")})`;
    g.lineWidth = 0.8;
    g.stroke();
  }
  g.globalAlpha = 1;
}

/** How often chains went from one mode to another. */
function chords(g: CanvasRenderingContext2D, { lane, plane, theme }: Seen): void {
  const { figures, modes } = lane;
  const mixture = lane.ground.target.mixture;
  if (!figures || !mixture || !modes) return;
  const most = Math.max(1, ...figures.jumps.values());
  g.strokeStyle = theme.role.model;
  g.setLineDash([]);
  for (const [key, count] of figures.jumps) {
    const [from, to] = [Math.floor(key / modes), key % modes].map((k) => [
      plane.px(mixture.means[k * mixture.dim]),
      plane.py(mixture.means[k * mixture.dim + 1] ?? 0),
    ]);
    g.globalAlpha = 0.15 + (0.6 * count) / most;
    g.lineWidth = 0.6 + (3 * count) / most;
    g.beginPath();
    g.moveTo(from[0], from[1]);
    const bend = 0.12; // there and back are two lines
    g.quadraticCurveTo(
      (from[0] + to[0]) / 2 - bend * (to[1] - from[1]),
      (from[1] + to[1]) / 2 + bend * (to[0] - from[0]),
      to[0],
      to[1],
    );
    g.stroke();
  }
  g.globalAlpha = 1;
}

/** A jump into another mode: a ring that grows and is gone. */
function flashes(g: CanvasRenderingContext2D, { flashes, now, plane, theme, lane }: Seen): void {
  const mixture = lane.ground.target.mixture;
  if (!mixture) return;
  g.setLineDash([]);
  g.strokeStyle = theme.accent;
  for (const { from, to, since } of flashes) {
    const age = (now - since) / FLASH;
    if (age > 1) continue;
    const at = (k: number) => [plane.px(mixture.means[k * mixture.dim]), plane.py(mixture.means[k * mixture.dim + 1] ?? 0)];
    const [x, y] = at(to);
    g.globalAlpha = 1 - age;
    g.lineWidth = 2;
    g.beginPath();
    g.arc(x, y, 6 + 10 * age, 0, 6.2832);
    if (from >= 0) {
      const [u, v] = at(from);
      g.moveTo(u, v);
      g.lineTo(x, y);
    }
    g.stroke();
  }
  g.globalAlpha = 1;
}

/** Where the chains begin: it can be dragged. */
function starting(g: CanvasRenderingContext2D, [x, y]: [number, number], { theme, plane }: Seen): void {
  const [px, py] = [plane.px(x), plane.py(y)];
  g.setLineDash([]);
  for (const [width, colour] of [
    [5, `rgb(${theme.paper.join(" ")})`],
    [2, theme.accent],
  ] as const) {
    g.lineWidth = width;
    g.strokeStyle = colour;
    g.beginPath();
    g.arc(px, py, 10, 0, 6.2832);
    for (const [u, v] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      g.moveTo(px + 7 * u, py + 7 * v);
      g.lineTo(px + 13 * u, py + 13 * v);
    }
    g.stroke();
  }
}

/** A length of the data's units, instead of axes that take room. */
function scale(g: CanvasRenderingContext2D, w: number, h: number, { plane, theme }: Seen): void {
  const [x0, x1] = plane.limits;
  const most = (x1 - x0) / 3;
  const ten = 10 ** Math.floor(Math.log10(most));
  const length = ten * ([5, 2, 1].find((factor) => factor * ten <= most) ?? 1);
  const wide = plane.px(length) - plane.px(0);
  g.font = `11px ${theme.font}`;
  g.setLineDash([]);
  g.beginPath();
  g.moveTo(w - 8 - wide, h - 9.5);
  g.lineTo(w - 8 - wide, h - 6.5);
  g.lineTo(w - 8, h - 6.5);
  g.lineTo(w - 8, h - 9.5);
  g.textAlign = "center";
  g.textBaseline = "bottom";
  for (const [width, colour] of [
    [4, `rgb(${theme.paper.join(" ")} / 0.85)`],
    [1, theme.soft],
  ] as const) {
    g.lineWidth = width;
    g.strokeStyle = colour;
    g.stroke();
    if (width > 1) g.strokeText(compact(length), w - 8 - wide / 2, h - 10);
  }
  g.fillStyle = theme.soft;
  g.fillText(compact(length), w - 8 - wide / 2, h - 10);
}

// ------------------------------------------------------------ charts

export type Charts = {
  theme: Theme;
  lane: Lane;
  step: number;
  x: [number, number];
  marginal: Tensor | null;
  masses: Float64Array;
};

export const chartsOf = (modes: number) => (modes ? 4 : 3);
export const tall = (modes: number) => chartsOf(modes) * (CHART.title + CHART.plot + CHART.gap);

export function drawCharts(g: CanvasRenderingContext2D, w: number, charts: Charts): void {
  const { lane, theme } = charts;
  const { figures } = lane;
  const plots: [string, (box: Box) => void][] = [
    [
      lane.many > TRACED ? `x₁ of ${TRACED} of ${lane.many} chains, by step` : "x₁ of each chain, by step",
      (box) => traces(g, box, charts),
    ],
    ["autocorrelation, lags 0 to 100", (box) => rhos(g, box, theme, figures)],
    ["x₁: share visited, truth dashed", (box) => marginals(g, box, charts)],
  ];
  if (lane.modes) plots.push(["modes: share of visits, truth dashed", (box) => visited(g, box, charts)]);
  plots.forEach(([title, draw], i) => {
    const y = i * (CHART.title + CHART.plot + CHART.gap);
    g.globalAlpha = 1;
    g.setLineDash([]);
    g.fillStyle = theme.soft;
    g.font = `11px ${theme.font}`;
    g.textAlign = "left";
    g.textBaseline = "top";
    g.fillText(title, 0, y, w);
    const box = { x: 0, y: y + CHART.title, w, h: CHART.plot };
    g.strokeStyle = theme.line;
    g.lineWidth = 1;
    g.beginPath();
    g.moveTo(0, box.y + box.h + 0.5);
    g.lineTo(w, box.y + box.h + 0.5);
    g.stroke();
    g.save();
    g.beginPath();
    g.rect(box.x, box.y - 1, box.w, box.h + 2);
    g.clip();
    draw(box);
    g.restore();
  });
  g.globalAlpha = 1;
}

/** Of each pixel the lowest and highest value. */
function traces(g: CanvasRenderingContext2D, box: Box, { lane, step, theme, x }: Charts): void {
  const plane = new Plane(box, [0, Math.max(step, 10), x[0], x[1]]);
  const columns = Math.max(2, Math.floor(box.w));
  g.lineWidth = 1;
  for (let k = Math.min(lane.many, TRACED) - 1; k >= 0; k--) {
    g.strokeStyle = g.fillStyle = theme.classes[k % HUES];
    g.globalAlpha = lane.many > 5 ? 0.5 : 0.8;
    g.beginPath();
    const xs = lane.places(k);
    if (step < 2 * columns) {
      for (let n = 0; n <= step; n++) {
        if (n) g.lineTo(plane.px(n), plane.py(xs[2 * n]));
        else g.moveTo(plane.px(n), plane.py(xs[2 * n]));
      }
    } else {
      for (let c = 0; c < columns; c++) {
        const [from, to] = [Math.floor((c * step) / columns), Math.floor(((c + 1) * step) / columns)];
        let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
        for (let n = from; n <= to; n++) {
          const value = xs[2 * n];
          if (value < low) low = value;
          if (value > high) high = value;
        }
        const top = plane.py(high);
        g.fillRect(box.x + c, top, 1, Math.max(1, plane.py(low) - top));
      }
    }
    g.stroke();
  }
}

function rhos(g: CanvasRenderingContext2D, box: Box, theme: Theme, figures: Figures | null): void {
  const plane = new Plane(box, [0, 101, -0.25, 1]);
  g.strokeStyle = theme.line;
  g.setLineDash([2, 2]);
  g.beginPath();
  g.moveTo(box.x, plane.py(0));
  g.lineTo(box.x + box.w, plane.py(0));
  g.stroke();
  g.setLineDash([]);
  g.fillStyle = theme.role.model;
  const rho = figures?.rho ?? [];
  const wide = Math.max(1, box.w / 101 - 0.8);
  for (let t = 0; t < rho.length; t++) {
    const [zero, at] = [plane.py(0), plane.py(rho[t])];
    g.fillRect(plane.px(t), Math.min(zero, at), wide, Math.max(Math.abs(zero - at), 0.5));
  }
}

function marginals(g: CanvasRenderingContext2D, box: Box, { lane, theme, x, marginal }: Charts): void {
  const shares = lane.figures?.marginal;
  const bin = (x[1] - x[0]) / BINS;
  const truth = marginal?.data ?? new Float32Array(0);
  let top = 0;
  for (let i = 1; i < truth.length; i += 2) top = Math.max(top, truth[i]);
  if (shares) top = Math.min(Math.max(top, Math.max(...shares) / bin), 4 * (top || 1)); // one mode alone would flatten the truth
  const plane = new Plane(box, [x[0], x[1], 0, 1.08 * (top || 1)]);
  g.fillStyle = theme.role.model;
  g.globalAlpha = 0.75;
  for (let k = 0; shares && k < BINS; k++) {
    if (!shares[k]) continue;
    const at = plane.py(shares[k] / bin);
    g.fillRect(plane.px(x[0] + k * bin), at, box.w / BINS - 0.6, box.y + box.h - at);
  }
  g.globalAlpha = 1;
  g.strokeStyle = theme.role.truth;
  g.lineWidth = 1.2;
  g.setLineDash([4, 3]);
  g.beginPath();
  for (let i = 0; i + 1 < truth.length; i += 2) {
    if (i) g.lineTo(plane.px(truth[i]), plane.py(truth[i + 1]));
    else g.moveTo(plane.px(truth[i]), plane.py(truth[i + 1]));
  }
  g.stroke();
  g.setLineDash([]);
}

function visited(g: CanvasRenderingContext2D, box: Box, { lane, theme, masses }: Charts): void {
  const visits = lane.figures?.visits;
  const top = Math.min(Math.max(...masses, ...(visits ?? [0])), 4 * Math.max(...masses));
  const plane = new Plane(box, [0, masses.length, 0, 1.08 * top]);
  const wide = box.w / masses.length;
  g.fillStyle = theme.role.model;
  g.globalAlpha = 0.75;
  for (let k = 0; visits && k < visits.length; k++) {
    const at = plane.py(visits[k]);
    if (visits[k]) g.fillRect(plane.px(k) + 0.12 * wide, at, 0.76 * wide, box.y + box.h - at);
  }
  g.globalAlpha = 1;
  g.strokeStyle = theme.role.truth;
  g.lineWidth = 1.2;
  g.setLineDash([3, 2]);
  g.beginPath();
  for (let k = 0; k < masses.length; k++) {
    g.moveTo(plane.px(k) + 0.04 * wide, plane.py(masses[k]));
    g.lineTo(plane.px(k) + 0.96 * wide, plane.py(masses[k]));
  }
  g.stroke();
  g.setLineDash([]);
}

// ------------------------------------------------------------ the course

export type Course = { name: string; firsts: number[]; colour: string; dash: number[] }; // ticks at which modes were found

/** Modes found over the whole race, a line a lane. */
export function drawCourse(
  g: CanvasRenderingContext2D,
  w: number,
  h: number,
  theme: Theme,
  lanes: Course[],
  [tick, until, modes]: [number, number, number],
): void {
  const plane = new Plane({ x: 0, y: 5, w, h: h - 10 }, [0, until, 0, Math.max(modes, 1)]);
  g.clearRect(0, 0, w, h);
  g.fillStyle = theme.line;
  g.globalAlpha = 0.35;
  g.fillRect(plane.px(tick), 0, w, h);
  g.globalAlpha = 1;
  g.lineWidth = 1.8;
  g.lineJoin = "round";
  for (const { firsts, colour, dash } of lanes) {
    g.strokeStyle = colour;
    g.setLineDash(dash);
    g.beginPath();
    g.moveTo(0, plane.py(0));
    firsts.forEach((at, k) => {
      g.lineTo(plane.px(at), plane.py(k));
      g.lineTo(plane.px(at), plane.py(k + 1));
    });
    g.lineTo(plane.px(tick), plane.py(firsts.length));
    g.stroke();
  }
  g.setLineDash([]);
  if (!modes) return;
  g.fillStyle = theme.soft;
  g.font = `11px ${theme.font}`;
  g.textAlign = "left";
  g.textBaseline = "top";
  g.fillText(`modes found, of ${number(modes)}`, 4, 2);
}
