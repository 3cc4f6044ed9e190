// The scrub bar: a filmstrip of the run, the loss below it, edits as ticks, and the playhead.

import { el } from "./dom";
import { Backdrop, stamp } from "./draw/curves";
import { Decoder } from "./draw/decode";
import { ribbon } from "./draw/ribbon";
import { Extent } from "./extent";
import { paint } from "./paint";
import type { Theme } from "./theme";
import type { Frame, Metric, Pane, Source } from "./types";
import { edited, extent, head, position, whole } from "./words";

const RIBBON = 22; // pixels of the loss below the thumbnails: a film has none
const CALM = 400; // ms between two drawings of the strip of a chain that walks
const MOST = 400; // thumbnails kept
const BATCH = 3; // thumbnails drawn in one animation frame

type Loss = { metric: Metric; sign: number };

export class Strip {
  readonly root = el("div", { class: "strip", role: "slider", tabindex: 0 });
  private readonly canvas = el("canvas");
  private readonly handle = el("div", { class: "handle" });
  private readonly ticks = el("div", { class: "ticks" });
  private width = 0;
  private thumbs = new Map<number, HTMLCanvasElement>(); // by step
  private extents: Extent | null = null;
  private key = "";
  private pending = 0;
  private dragging = false;
  private rendered = 0;
  private readonly under: number;
  private of: Frame[] = []; // whose thumbnails these are

  constructor(
    private readonly source: Source,
    private readonly released: () => void,
  ) {
    this.under = source.film ? 0 : RIBBON;
    this.root.setAttribute("aria-label", source.film ? "chain time" : "training time");
    this.root.classList.toggle("film", Boolean(source.film));
    this.root.append(this.canvas, this.ticks, this.handle);
    if (source.walk) this.root.setAttribute("aria-label", "sweeps of the chain");
    const to = (event: PointerEvent) => {
      const box = this.root.getBoundingClientRect();
      const [first, last] = extent(source);
      source.seek(first + Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * (last - first));
    };
    this.root.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.root.setPointerCapture(event.pointerId);
      this.dragging = true;
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
    const [first, last] = extent(source);
    const at = Math.min(Math.max((source.playhead - first) / (last - first), 0), 1);
    this.handle.style.transform = `translateX(${at * width}px)`;
    const text = position(source);
    if (this.root.getAttribute("aria-valuetext") !== text) {
      this.root.setAttribute("aria-valuetext", text);
      this.root.setAttribute("aria-valuemin", String(first));
      this.root.setAttribute("aria-valuemax", String(last));
      this.root.setAttribute("aria-valuenow", String(Math.round(source.playhead)));
    }
    const off = pane ? [...hidden].filter((id) => id.startsWith(`${pane.name}/`)).join() : "";
    if (source.frames !== this.of) {
      this.of = source.frames;
      this.thumbs.clear();
      this.key = "";
    }
    const look = `${theme.paper}|${off}|${pane?.name}`;
    const line = this.loss(pane);
    const key = `${look}|${width}|${source.frames.length}|${head(source)}|${last}|${line && stamp(line.metric)}|${source.edits.length}`;
    if (key === this.key) return;
    if (source.walk && source.playing && performance.now() - this.rendered < CALM) return; // a chain grows at every beat
    this.rendered = performance.now();
    if (this.thumbs.size > MOST) this.thumbs.clear();
    if (!this.key.startsWith(look)) this.thumbs.clear();
    this.key = key;
    this.render(pane, theme, hidden, line);
  }

  private render(pane: Pane | undefined, theme: Theme, hidden: Set<string>, line: Loss | null): void {
    const { source, width } = this;
    const [first, last] = extent(source);
    const size = Math.min(40, Math.max(30, Math.floor(width / 48) - 2));
    const count = Math.max(1, Math.floor(width / (size + 2)));
    const pitch = width / count;
    const height = size + (this.under && 6 + this.under);
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = `${height}px`;
    const g = this.canvas.getContext("2d");
    if (!g) return;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    const until = ((head(source) - first) / (last - first)) * width;
    g.fillStyle = theme.line;
    g.globalAlpha = 0.35;
    g.fillRect(until, 0, width - until, height); // still to come
    g.globalAlpha = 1;
    const missing: { frame: Frame; x: number }[] = [];
    for (let k = 0; k < count && source.frames.length; k++) {
      const x = (k + 0.5) * pitch;
      if (x > until + pitch / 2) break;
      const frame = nearest(source.frames, first + Math.min(1, x / width) * (last - first), k === 0);
      const thumb = this.thumbs.get(frame.step);
      if (thumb) g.drawImage(thumb, x - size / 2, 0, size, size);
      else missing.push({ frame, x });
    }
    if (line && this.under)
      ribbon(g, theme, line.metric, line.sign, { x: 0, y: size + 6, w: width, h: this.under }, first, last);
    this.marks(first, last);
    cancelAnimationFrame(this.pending);
    if (!pane || !missing.length) return;
    this.extents ??= new Extent(pane);
    const extents = this.extents;
    const some = () => {
      for (const { frame, x } of missing.splice(0, BATCH)) {
        const thumb = this.thumb(pane, frame, theme, hidden, size, ratio, extents);
        this.thumbs.set(frame.step, thumb);
        g.drawImage(thumb, x - size / 2, 0, size, size);
      }
      if (missing.length) this.pending = requestAnimationFrame(some);
    };
    this.pending = requestAnimationFrame(some);
  }

  private thumb(
    pane: Pane,
    frame: Frame,
    theme: Theme,
    hidden: Set<string>,
    size: number,
    ratio: number,
    extents: Extent,
  ): HTMLCanvasElement {
    const canvas = el("canvas", { width: Math.round(size * ratio), height: Math.round(size * ratio) });
    const g = canvas.getContext("2d");
    if (!g) return canvas;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    // the source as it stood at that frame
    const source: Source = Object.create(this.source, {
      around: { value: () => ({ a: frame, b: frame, mix: 0 }) },
      selection: { value: -1 },
    });
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
    return canvas;
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
