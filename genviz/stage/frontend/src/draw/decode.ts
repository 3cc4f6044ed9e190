// What the browser decodes by itself. A sweep is decoded again only when the weights, the limits or the section change.

import { base, corners, cursor, lattice, selected, traversal } from "../codes";
import type { Decode, Program, Source } from "../types";
import type { Brush } from "./brush";
import { type Grid, print } from "./images";
import { drawMesh, drawPath } from "./lines";
import { crosshair, rebuilt } from "./points";

type Kept = { program: Program; key: string; out: Float32Array; limits: number[]; sheet?: HTMLCanvasElement; ink?: unknown };

/** Decodes for one pane, remembered by layer. */
export class Decoder {
  private kept = new Map<string, Kept>();

  /** Pictures of a decode layer for an images pane; null while the weights are on their way. */
  grid(source: Source, layer: Decode, still: boolean): Grid | null {
    const [h, w] = source.scene?.shape ?? [];
    const program = source.program(layer.program);
    if (!h || !w || !program) return null;
    const common = { h, w, label: layer.label };
    const side = layer.side ?? 9;
    const span = layer.span ?? 3;
    if (layer.at === "cursor" || layer.at === "selection") {
      const code = layer.at === "cursor" ? cursor(source, still) : selected(source, still);
      return code && { ...common, pixels: program(code).slice(), count: 1, columns: 1 };
    }
    const from = base(source, still);
    if (layer.at === "traversal") {
      const { out } = this.sweep(layer, program, [...from].map((v) => v.toFixed(2)).join(), [], h * w, () =>
        traversal(from, side, span),
      );
      const rows = Array.from(from, (_, k) => `z${k + 1}`);
      return { ...common, pixels: out, count: from.length * side, columns: side, rows, outlined: (side - 1) / 2 };
    }
    const key = this.section(source, from);
    const { out } = this.sweep(layer, program, key, [], h * w, () =>
      lattice(from, source.axes, [-span, span, -span, span], side),
    );
    return { ...common, pixels: out, count: side * side, columns: side };
  }

  /** The lattice behind a latent pane: each tile stands where its code is. */
  tiles(b: Brush, source: Source, layer: Decode, still: boolean): void {
    const [h, w] = source.scene?.shape ?? [];
    const program = source.program(layer.program);
    if (!h || !w || !program) return;
    const from = base(source, still);
    const side = layer.side ?? 9;
    const codes = (limits: number[]) => lattice(from, source.axes, limits, side);
    const kept = this.sweep(layer, program, this.section(source, from), b.plane.limits, h * w, codes);
    if (!kept.sheet || kept.ink !== b.theme.print) {
      const printed = print(b.theme.print, kept.out, side * side, h, w);
      if (!printed) return;
      kept.sheet = Object.assign(document.createElement("canvas"), { width: printed.width, height: printed.height });
      kept.sheet.getContext("2d")?.drawImage(printed, 0, 0);
      kept.ink = b.theme.print;
    }
    const [x0, x1, y0, y1] = kept.limits;
    const { plane, g } = b;
    const cell = [(plane.px(x1) - plane.px(x0)) / side, (plane.py(y0) - plane.py(y1)) / side];
    const scale = (0.94 * Math.min(cell[0], cell[1])) / Math.max(w, h);
    g.imageSmoothingEnabled = scale < 3;
    for (let i = 0; i < side * side; i++) {
      const x = plane.px(x0) + ((i % side) + 0.5) * cell[0] - (scale * w) / 2;
      const y = plane.py(y1) + (Math.floor(i / side) + 0.5) * cell[1] - (scale * h) / 2;
      g.drawImage(kept.sheet, 0, i * h, w, h, x, y, scale * w, scale * h);
    }
  }

  /** A decode layer in a plane of data: the first two columns, or the only one on a line; `chosen` is the selected row there. */
  plane(b: Brush, source: Source, layer: Decode, still: boolean, chosen: [number, number] | null): void {
    const program = source.program(layer.program);
    if (!program || source.scene?.shape.length !== 1) return;
    const side = layer.side ?? 9;
    const span = layer.span ?? 3;
    if (layer.at === "cursor") {
      crosshair(b, ...flat(program(cursor(source, still))));
      return;
    }
    if (layer.at === "selection") {
      const code = selected(source, still);
      if (!code) return;
      rebuilt(b, ...flat(program(code)), chosen);
      return;
    }
    const from = base(source, still);
    const key = this.section(source, from);
    if (layer.at === "mesh") {
      const fine = side > 12 ? 1 : 2; // few lines are bent more smoothly
      const n = (side - 1) * fine + 1;
      const { out } = this.sweep(layer, program, key, [], 2, () => corners(from, source.axes, n, span), flat);
      drawMesh(b, out, n, n, layer.role, fine);
    } else if (layer.at === "traversal") {
      const { out } = this.sweep(layer, program, [...from].join(), [], 2, () => traversal(from, 41, span), flat);
      b.g.font = `12px ${b.theme.font}`;
      for (let k = 0; k < from.length; k++) {
        drawPath(b, out.subarray(82 * k, 82 * (k + 1)), layer.role, 1.75);
        b.g.fillStyle = b.theme.ink;
        b.g.fillText(`z${k + 1}`, b.plane.px(out[82 * k + 80]) + 5, b.plane.py(out[82 * k + 81]));
      }
    } else {
      const codes = (limits: number[]) => lattice(from, source.axes, limits, side);
      const { out } = this.sweep(layer, program, key, [-span, span, -span, span], 2, codes, flat);
      b.g.fillStyle = b.theme.role.model;
      for (let i = 0; i < out.length; i += 2) b.g.fillRect(b.plane.px(out[i]) - 1.5, b.plane.py(out[i + 1]) - 1.5, 3, 3);
    }
  }

  /** With more than two dimensions the plane is a section, and the selected point moves it. */
  private section(source: Source, from: Float32Array): string {
    return from.length > 2 ? `${source.axes}|${[...from].map((v) => v.toFixed(2))}` : "";
  }

  private sweep(
    layer: Decode,
    program: Program,
    key: string,
    limits: readonly number[],
    size: number,
    codes: (limits: number[]) => Float32Array[],
    part: (row: Float32Array) => ArrayLike<number> = (row) => row.subarray(0, size),
  ): Kept {
    const old = this.kept.get(layer.name);
    if (old && old.program === program && old.key === key && near(old.limits, limits)) return old;
    const wanted = codes([...limits]);
    const out = old?.out.length === wanted.length * size ? old.out : new Float32Array(wanted.length * size);
    wanted.forEach((code, i) => {
      out.set(part(program(code)), i * size);
    });
    const kept: Kept = { program, key, out, limits: [...limits] };
    this.kept.set(layer.name, kept);
    return kept;
  }
}

/** A row of data as a point of a plane. */
export const flat = (row: Float32Array): [number, number] => [row[0], row.length > 1 ? row[1] : 0];

/** A few percent of drift is no reason to decode anew: the tiles are drawn where they were decoded. */
function near(a: readonly number[], b: readonly number[]): boolean {
  const reach = Math.max(Math.abs(b[1] - b[0]), Math.abs(b[3] - b[2])) || 1;
  return a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) <= 0.04 * reach);
}
