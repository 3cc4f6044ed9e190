// Known values of a film of pictures: a person wipes over the chosen row, what she wipes is forgotten and the rest is known.

import type { Tile } from "./draw/images";
import type { PaneView } from "./pane";
import { unranged } from "./ranges";
import type { Images } from "./types";

const REACH = 0.085; // of the picture's width: the radius of the sponge
const SAME = 0.01; // two grey values that travelled as bytes

/** The layer that is wiped over: the one real picture of a pane in which values can be known. */
export const wiped = (view: PaneView): Images | undefined =>
  view.pane.clamp && view.host.source.film
    ? view.pane.layers.find((layer): layer is Images => layer.type === "images" && layer.role === "data" && lone(layer))
    : undefined;
const lone = (layer: Images) => layer.tensors.pixels?.shape[0] === 1;

/** Marks (1) every pixel of an h × w mask whose centre is within reach of a point, or frees it (0). */
export function dab(mask: Uint8Array, w: number, x: number, y: number, reach: number, value: 0 | 1): void {
  for (let i = 0; i < mask.length; i++) {
    const [dx, dy] = [(i % w) + 0.5 - x, Math.floor(i / w) + 0.5 - y];
    if (dx * dx + dy * dy <= reach * reach) mask[i] = value;
  }
}

/** Known values of a row; null where nothing is forgotten, as then there is nothing to be known. */
export function knownBut(row: ArrayLike<number>, mask: Uint8Array): Float32Array | null {
  if (!mask.includes(1)) return null;
  return Float32Array.from(mask, (forgotten, i) => (forgotten ? Number.NaN : row[i]));
}

/** The mask of what a link says is forgotten. */
export function unmasked(text: string, size: number): Uint8Array {
  const held = new Float32Array(size);
  unranged(text, held);
  return Uint8Array.from(held, (x) => Number(!Number.isNaN(x)));
}

export class Wipe {
  mask: Uint8Array = new Uint8Array(0);
  at: [number, number] | null = null; // where keys have the sponge, in pixels of the picture
  private past: Uint8Array[] = [];
  private stroke: { value: 0 | 1; last: [number, number] } | null = null;
  private pinned: Float32Array | null = null;

  constructor(private readonly view: PaneView) {
    const { canvas, host } = view;
    canvas.classList.add("paintable");
    canvas.addEventListener("pointerdown", (event) => {
      const at = this.under(event);
      if (event.button || !at) return;
      canvas.setPointerCapture(event.pointerId);
      this.at = null;
      this.past.push(this.mask.slice());
      this.stroke = { value: event.shiftKey ? 0 : 1, last: at };
      this.dab(at, this.stroke.value);
    });
    canvas.addEventListener("pointermove", (event) => {
      const { stroke } = this;
      if (!stroke) return;
      for (const one of event.getCoalescedEvents?.() ?? [event]) {
        const to = this.under(one, true);
        if (!to) continue;
        const [x, y] = stroke.last;
        const steps = Math.ceil(Math.hypot(to[0] - x, to[1] - y) / (0.5 * this.reach)); // no gaps, however fast the hand
        for (let k = 1; k <= steps; k++) this.dab([x + (k / steps) * (to[0] - x), y + (k / steps) * (to[1] - y)], stroke.value);
        stroke.last = to;
      }
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => {
        if (!this.stroke) return;
        this.stroke = null;
        this.pin();
      });
    }
    const still = (event: TouchEvent) => {
      const [touch] = event.changedTouches;
      if (touch && this.under(touch)) event.preventDefault(); // a finger wipes there, beside it the page scrolls
    };
    canvas.addEventListener("touchstart", still, { passive: false });
    canvas.addEventListener("focus", () => {
      if (!canvas.matches(":focus-visible")) return;
      this.at ??= [this.size[1] / 2, this.size[0] / 2];
      host.invalidate();
    });
    canvas.addEventListener("blur", () => {
      this.at = null;
      host.invalidate();
    });
    canvas.addEventListener("keydown", (event) => {
      if (this.keyed(event)) event.preventDefault();
    });
  }

  get name(): string {
    return wiped(this.view)?.name ?? "";
  }

  /** The picture that is wiped over. */
  get row(): ArrayLike<number> {
    return this.layer?.tensors.pixels?.data ?? [];
  }

  /** Before each drawing: another row, a cleared film or one of a link has another mask. */
  follow(): void {
    const { film } = this.view.host.source;
    const { row } = this;
    if (this.mask.length !== row.length) this.mask = new Uint8Array(row.length);
    if (film?.forgotten && row.length) {
      this.mask = unmasked(film.forgotten, row.length);
      film.forgotten = "";
      this.pin();
      return;
    }
    if (this.stroke || !film || film.clamp === this.pinned) {
      const clamp = this.pinned;
      const other = clamp && !this.stroke && !film?.loading && clamp.some((x, i) => Math.abs(x - row[i]) > SAME);
      if (other) this.pin(); // the same is forgotten of another row
      return;
    }
    this.pinned = film.clamp;
    if (film.clamp?.length === row.length) this.mask = Uint8Array.from(film.clamp, (x) => Number(Number.isNaN(x)));
    else this.mask.fill(0);
    if (!film.clamp) this.past = [];
  }

  private get layer(): Images | undefined {
    const found = wiped(this.view);
    return found && (this.view.layers.find(({ name }) => name === found.name) as Images | undefined);
  }

  private get size(): [h: number, w: number] {
    const [, h = 1, w = 1] = this.layer?.tensors.pixels?.shape ?? [];
    return [h, w];
  }

  private get reach(): number {
    return Math.max(0.75, REACH * this.size[1]);
  }

  private get tile(): Tile | undefined {
    return this.view.tiles.find(({ layer }) => layer === this.layer?.name);
  }

  private under(event: { clientX: number; clientY: number }, beyond = false): [number, number] | null {
    const { tile } = this;
    if (!tile) return null;
    const { left, top } = this.view.canvas.getBoundingClientRect();
    const [h, w] = this.size;
    const [x, y] = [((event.clientX - left - tile.x) / tile.w) * w, ((event.clientY - top - tile.y) / tile.h) * h];
    return beyond || (x >= 0 && y >= 0 && x <= w && y <= h) ? [x, y] : null;
  }

  private dab([x, y]: [number, number], value: 0 | 1): void {
    dab(this.mask, this.size[1], x, y, this.reach, value);
    this.view.host.invalidate();
  }

  private pin(): void {
    const { host } = this.view;
    this.pinned = knownBut(this.row, this.mask);
    host.source.film?.pin(this.pinned);
    host.commit();
  }

  private undo(): void {
    const before = this.past.pop();
    if (!before) return;
    this.mask = before;
    this.pin();
  }

  private keyed(event: KeyboardEvent): boolean {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") {
      this.undo();
      return true;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const [h, w] = this.size;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const [x, y] = this.at ?? [w / 2, h / 2];
    if (way) {
      this.at = [Math.min(Math.max(x + way[0], 0.5), w - 0.5), Math.min(Math.max(y + way[1], 0.5), h - 0.5)];
      this.view.host.invalidate();
    } else if (event.key === " " || event.key === "Enter") {
      this.past.push(this.mask.slice());
      this.dab([x, y], event.shiftKey ? 0 : 1);
      this.pin();
    } else if (event.key === "Escape") {
      this.view.host.source.film?.pin(null);
      this.view.host.commit();
    } else return false;
    return true;
  }
}
