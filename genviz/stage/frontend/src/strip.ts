// The scrub bar: a filmstrip of the run, the loss below it, edits as ticks, and the playhead. A film of two moving planes has
// two rows of thumbnails, the same moments in both.

import { el } from "./dom";
import { Backdrop, stamp } from "./draw/curves";
import { Decoder } from "./draw/decode";
import { ribbon, span } from "./draw/ribbon";
import { Extent } from "./extent";
import { paint } from "./paint";
import type { Theme } from "./theme";
import type { Frame, Metric, Pane, Source } from "./types";
import { edited, head, position, whole } from "./words";

const RIBBON = 22; // pixels of the loss below the thumbnails: a film has none
const FAINT = 0.3; // the part that a fork shares with its parent
const CALM = 400; // ms between two drawings of the strip of a chain that walks
const MOST = 400; // thumbnails kept
const BATCH = 3; // thumbnails drawn in one animation frame
const APART = 2; // pixels between two thumbnails

type Loss = { metric: Metric; sign: number };
/** What a strip has from the others: the steps and losses that all of them span, and where it left its parent. */
export type Track = {
  across: [number, number];
  range: [number, number] | null;
  born: number; // the step from which it is a run of its own
  past: Frame[]; // its parent's frames up to there, shown until its own have come
  low: boolean; // somebody else is on the stage
};

/** The panes that a strip shows, one row each: of a film both planes if it moves just two, else the pane that leads. */
export function rows({ film, scene }: Pick<Source, "film" | "scene">, lead: Pane | undefined): Pane[] {
  if (!lead) return [];
  const moves = ({ kind, layers }: Pane) => kind === "plane" && layers.some((layer) => !layer.static);
  const planes = film ? (scene?.panes.filter(moves) ?? []) : [];
  return planes.length === 2 && planes[0] === lead ? planes : [lead];
}

export class Strip {
  readonly root = el("div", { class: "strip", role: "slider", tabindex: 0 });
  private readonly canvas = el("canvas");
  private readonly handle = el("div", { class: "handle" });
  private readonly ticks = el("div", { class: "ticks" });
  private readonly bands = el("div", { class: "bands" }); // what each of several rows means
  private width = 0;
  private thumbs = new Map<number, HTMLCanvasElement>(); // by step, its rows below each other
  private readonly extents = new WeakMap<Pane, Extent>();
  private key = "";
  private look = ""; // what its thumbnails were drawn for
  private spanned: { key: string; range: [number, number] | null } = { key: "", range: null };
  private pending = 0;
  private dragging = false;
  private rendered = 0;
  private of: Frame[] = []; // whose thumbnails these are

  constructor(
    private readonly source: Source,
    private readonly released: () => void,
    private readonly track: () => Track,
    touched: () => void,
  ) {
    this.root.classList.toggle("film", Boolean(source.film));
    this.root.append(this.canvas, this.bands, this.ticks, this.handle);
    const to = (event: PointerEvent) => {
      const box = this.root.getBoundingClientRect();
      const [first, last] = track().across;
      source.seek(first + Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * (last - first));
    };
    this.root.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.root.setPointerCapture(event.pointerId);
      this.dragging = true;
      touched();
      if (source.playing) source.play(false);
      to(event);
    });
    this.root.addEventListener("pointermove", (event) => this.dragging && to(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.root.addEventListener(name, () => {
        if (this.dragging) released();
        this.dragging = false;
      });
    }
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Home" && event.key !== "End") return;
      event.preventDefault();
      if (source.playing) source.play(false);
      source.seek(event.key === "Home" ? 0 : head(source));
      this.released();
    });
  }

  resize(width: number): void {
    if (width === this.width) return;
    this.width = width;
    this.key = "";
  }

  /** Moves the handle; draws the rest anew only when something was recorded. */
  draw(pane: Pane | undefined, theme: Theme, hidden: Set<string>): void {
    const { source, width } = this;
    if (width < 10) return;
    const track = this.track();
    const [first, last] = track.across;
    const at = Math.min(Math.max((source.playhead - first) / (last - first), 0), 1);
    this.handle.style.transform = `translateX(${at * width}px)`;
    const text = position(source);
    if (this.root.getAttribute("aria-valuetext") !== text) {
      this.root.setAttribute("aria-valuetext", text);
      this.root.setAttribute("aria-valuemin", String(first));
      this.root.setAttribute("aria-valuemax", String(last));
      this.root.setAttribute("aria-valuenow", String(Math.round(source.playhead)));
    }
    const panes = rows(source, pane);
    const off = [...hidden].filter((id) => panes.some(({ name }) => id.startsWith(`${name}/`))).join();
    if ((source.film || source.walk) && source.frames !== this.of) {
      this.of = source.frames;
      this.thumbs.clear();
      this.key = "";
    }
    const look = `${theme.paper}|${off}|${panes.map(({ name }) => name)}`;
    const line = this.loss(pane);
    const key = `${look}|${width}|${source.frames.length}|${head(source)}|${last}|${line && stamp(line.metric)}|${source.edits.length}|${track.range}|${track.born}|${track.low}`;
    if (key === this.key) return;
    if (source.walk && source.playing && performance.now() - this.rendered < CALM) return; // a chain grows at every beat
    this.rendered = performance.now();
    if (this.look !== look || this.thumbs.size > MOST) this.thumbs.clear();
    if (this.look !== look) this.meanings(panes);
    this.look = look;
    this.key = key;
    this.render(panes, theme, hidden, line, track);
  }

  /** A fork's past looks as its parent's: what is drawn of that need not be drawn again. */
  inherit(parent: Strip): void {
    this.thumbs = new Map(parent.thumbs);
    this.look = parent.look;
  }

  /** The losses it spans. */
  range(pane: Pane | undefined): [number, number] | null {
    const line = this.loss(pane);
    if (!line) return null;
    const key = stamp(line.metric);
    if (this.spanned.key !== key) this.spanned = { key, range: span(line.metric, line.sign) };
    return this.spanned.range;
  }

  private render(panes: Pane[], theme: Theme, hidden: Set<string>, line: Loss | null, track: Track): void {
    const { source, width } = this;
    const [first, last] = track.across;
    const frames = source.frames.length ? source.frames : track.past;
    const size = track.low ? 26 : Math.min(40, Math.max(30, Math.floor(width / 48) - 2));
    const tall = track.low ? 14 : RIBBON;
    const apart = track.low ? 2 : 6;
    const count = Math.max(1, Math.floor(width / (size + APART)));
    const pitch = width / count;
    const deep = depth(panes, size);
    const height = deep + (source.film ? 0 : apart + tall);
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = `${height}px`;
    const g = this.canvas.getContext("2d");
    if (!g) return;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    const place = (step: number) => ((step - first) / (last - first)) * width;
    const until = place(frames.at(-1)?.step ?? first);
    const born = track.born > first ? place(track.born) : 0;
    g.fillStyle = theme.line;
    g.globalAlpha = 0.35;
    g.fillRect(until, 0, width - until, height); // still to come
    g.globalAlpha = 1;
    const missing: { frame: Frame; x: number }[] = [];
    const put = (thumb: HTMLCanvasElement, x: number) => {
      g.globalAlpha = x < born ? FAINT : 1;
      g.drawImage(thumb, x - size / 2, 0, size, deep);
      g.globalAlpha = 1;
    };
    for (let k = 0; k < count && frames.length; k++) {
      const x = (k + 0.5) * pitch;
      if (x > until + pitch / 2) break;
      const frame = nearest(frames, first + Math.min(1, x / width) * (last - first), k === 0);
      const thumb = this.thumbs.get(frame.step);
      if (thumb) put(thumb, x);
      else missing.push({ frame, x });
    }
    const range = track.range ?? this.range(panes[0]);
    if (line && range && !source.film) {
      ribbon(g, theme, line.metric, line.sign, { x: 0, y: deep + apart, w: width, h: tall }, first, last, range);
      g.fillStyle = `rgb(${theme.paper.join(" ")} / ${1 - FAINT})`;
      g.fillRect(0, deep + apart, born, tall);
    }
    this.marks(first, last);
    cancelAnimationFrame(this.pending);
    if (!panes.length || !missing.length) return;
    const some = () => {
      for (const { frame, x } of missing.splice(0, Math.ceil(BATCH / panes.length))) {
        const thumb = this.thumb(panes, frame, theme, hidden, size, ratio);
        this.thumbs.set(frame.step, thumb);
        put(thumb, x);
      }
      if (missing.length) this.pending = requestAnimationFrame(some);
    };
    this.pending = requestAnimationFrame(some);
  }

  /** One moment: a picture of each row. */
  private thumb(
    panes: Pane[],
    frame: Frame,
    theme: Theme,
    hidden: Set<string>,
    size: number,
    ratio: number,
  ): HTMLCanvasElement {
    const canvas = el("canvas", { width: Math.round(size * ratio), height: Math.round(depth(panes, size) * ratio) });
    const g = canvas.getContext("2d");
    if (!g) return canvas;
    // the source as it stood at that frame
    const source: Source = Object.create(this.source, {
      around: { value: () => ({ a: frame, b: frame, mix: 0 }) },
      selection: { value: -1 },
    });
    panes.forEach((pane, row) => {
      g.setTransform(ratio, 0, 0, ratio, 0, Math.round(row * (size + APART) * ratio));
      this.picture(g, pane, source, frame, theme, hidden, size);
    });
    return canvas;
  }

  private picture(
    g: CanvasRenderingContext2D,
    pane: Pane,
    source: Source,
    frame: Frame,
    theme: Theme,
    hidden: Set<string>,
    size: number,
  ): void {
    const extents = this.extents.get(pane) ?? new Extent(pane);
    this.extents.set(pane, extents);
    const layers = pane.layers.flatMap((layer) => {
      const now = layer.static ? layer : (frame.layers[`${pane.name}/${layer.name}`] ?? layer);
      return hidden.has(`${pane.name}/${layer.name}`) ? [] : [now];
    });
    paint(g, size, size, {
      source,
      pane,
      layers,
      shot: null,
      extents,
      decoder: new Decoder(),
      backdrop: new Backdrop(),
      tracer: null,
      theme,
      still: true,
      mini: true,
      ground: "",
    });
    g.strokeStyle = theme.line;
    g.strokeRect(0.5, 0.5, size - 1, size - 1);
  }

  /** Several rows say what each of them is, to the pointer and to who listens: a slider's parts are not read, so it tells them. */
  private meanings(panes: Pane[]): void {
    const told = panes.length > 1 ? panes.map(({ title, name }) => title ?? name) : [];
    const labels = told.map((title, i) => `${i ? "lower" : "upper"} row: ${title}`);
    this.bands.replaceChildren(...told.map((title, i) => el("div", { title, role: "img", "aria-label": labels[i] })));
    if (labels.length) this.root.setAttribute("aria-description", labels.join("; "));
    else this.root.removeAttribute("aria-description");
  }

  /** The column of the first curves, or the first metric there is. */
  private loss(pane: Pane | undefined): Loss | null {
    const { scene, metrics } = this.source;
    const drawn = scene?.panes.flatMap((one) => one.layers).find((layer) => layer.type === "curves" && layer.columns?.length);
    const [name, sign] = drawn?.type === "curves" ? [drawn.columns?.[0], drawn.signs?.[0] ?? 1] : [undefined, 1];
    const metric = (name && metrics.get(name)) || metrics.values().next().value;
    return metric?.steps.length && pane ? { metric, sign } : null;
  }

  private marks(first: number, last: number): void {
    this.ticks.replaceChildren(
      ...this.source.edits.map(({ step, verb, args }) => {
        const title = `step ${whole(step)}: ${edited(args, verb)}`;
        return el("span", {
          class: "tick",
          title,
          role: "img",
          "aria-label": title,
          style: `left:${(100 * (step - first)) / (last - first)}%`,
        });
      }),
    );
  }

  stop(): void {
    cancelAnimationFrame(this.pending);
  }
}

/** Pixels of all rows; before there is a pane, of the one that will come. */
const depth = (panes: Pane[], size: number) => Math.max(1, panes.length) * (size + APART) - APART;

/** The frame nearest to a step; the first thumbnail is always the beginning. */
function nearest(frames: Frame[], step: number, begin: boolean): Frame {
  if (begin) return frames[0];
  let [lo, hi] = [0, frames.length - 1];
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (frames[mid].step < step) lo = mid + 1;
    else hi = mid;
  }
  const before = frames[Math.max(0, lo - 1)];
  return step - before.step < frames[lo].step - step ? before : frames[lo];
}
