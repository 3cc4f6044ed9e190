// Limits for panes that give none: wide enough for everything recorded so far, so that the axes stand still.

import type { Limits } from "./axes";
import type { Frame, Layer, Pane, Source } from "./types";

/** The rectangle a layer needs; of many points the outermost one in a hundred may stick out. */
export function spread(layer: Layer): Limits | null {
  switch (layer.type) {
    case "points":
    case "path":
    case "curves":
    case "mesh":
      return around(layer.tensors.xy?.data);
    case "arrows":
      return union(around(layer.tensors.start?.data), around(layer.tensors.end?.data));
    case "field":
      return layer.extent;
    case "ellipses": {
      const [mean, cov] = [layer.tensors.mean?.data, layer.tensors.cov?.data];
      if (!mean || !cov || layer.follow === "selection") return null;
      let all: Limits | null = null;
      for (let i = 0; 2 * i + 1 < mean.length; i++) {
        const [dx, dy] = [2 * Math.sqrt(Math.max(cov[3 * i], 0)), 2 * Math.sqrt(Math.max(cov[3 * i + 2], 0))];
        all = union(all, [mean[2 * i] - dx, mean[2 * i] + dx, mean[2 * i + 1] - dy, mean[2 * i + 1] + dy]);
      }
      return all;
    }
    default:
      return null;
  }
}

function around(xy: ArrayLike<number> | undefined): Limits | null {
  if (!xy || xy.length < 2) return null;
  const side = (offset: number): [number, number] => {
    const values = Float32Array.from({ length: xy.length >> 1 }, (_, i) => xy[2 * i + offset]).sort();
    const cut = values.length > 200 ? Math.floor(values.length / 200) : 0;
    return [values[cut], values[values.length - 1 - cut]];
  };
  return [...side(0), ...side(1)];
}

export function union(a: Limits | null, b: Limits | null): Limits | null {
  if (!a || !b) return a ?? b;
  return [Math.min(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.max(a[3], b[3])];
}

export function padded([x0, x1, y0, y1]: Limits, share = 0.08): Limits {
  const dx = share * (x1 - x0) || 1;
  const dy = share * (y1 - y0) || 1;
  return [x0 - dx, x1 + dx, y0 - dy, y1 + dy];
}

/** Extremes over the frames of a timeline, taken up as they arrive. */
export class Extent {
  private counted = 0;
  private of: Frame[] = []; // the frames counted: a film is another one at each change
  private all: Limits | null = null;
  private values = new Map<string, [number, number]>();

  constructor(private readonly pane: Pane) {}

  limits(source: Source): Limits | null {
    this.take(source);
    return this.all && padded(this.all);
  }

  /** Smallest and largest value of a bars layer. */
  range(source: Source, layer: string): [number, number] {
    this.take(source);
    return this.values.get(layer) ?? [0, 1];
  }

  private take(source: Source): void {
    if (source.frames.length < this.counted || source.frames !== this.of) this.counted = 0;
    this.of = source.frames;
    if (!this.counted) {
      this.all = null;
      this.values.clear();
      for (const layer of this.pane.layers) if (layer.static || !source.frames.length) this.add(layer);
      this.anchor = this.all;
    }
    for (; this.counted < source.frames.length; this.counted++) {
      const frame = source.frames[this.counted];
      for (const layer of this.pane.layers) {
        const now = frame.layers[`${this.pane.name}/${layer.name}`];
        if (now && !layer.static) this.add(now);
      }
    }
  }

  /** Where the data stand still they decide, and what the model does may widen the view by no more than half. */
  private anchor: Limits | null = null;

  private add(layer: Layer): void {
    if (layer.type === "bars") {
      let [lo, hi] = this.values.get(layer.name) ?? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const part of [layer.tensors.values, layer.tensors.marks]) {
        for (const value of part?.data ?? []) [lo, hi] = [Math.min(lo, value), Math.max(hi, value)]; // tens of thousands
      }
      this.values.set(layer.name, [lo, hi]);
      return;
    }
    const more = spread(layer);
    if (!more?.every(Number.isFinite)) return;
    const wider = union(this.all, more);
    const most = this.anchor && padded(this.anchor, 0.25);
    this.all =
      wider && most
        ? [Math.max(wider[0], most[0]), Math.min(wider[1], most[1]), Math.max(wider[2], most[2]), Math.min(wider[3], most[3])]
        : wider;
  }
}
