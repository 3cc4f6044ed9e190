// Codes: which one the pointer means, which one the selected point has, and sweeps of codes round it.

import { layersAt } from "./blend";
import type { Frame, Points, Source, Tensor } from "./types";
import { live } from "./words";

/** Row i of the full codes of a points layer; with two dimensions the position itself is the code. */
export function row(layer: Points, i: number, latent: number): Float32Array | null {
  const { codes, xy } = layer.tensors;
  if (codes && i < codes.shape[0]) return Float32Array.from(codes.data.slice(i * codes.shape[1], (i + 1) * codes.shape[1]));
  if (xy && latent === 2 && i < xy.shape[0]) return Float32Array.from(xy.data.slice(2 * i, 2 * i + 2));
  return null;
}

/** The source as its decoder knows it: a shipped recording decodes with its finished weights alone, so codes are its last. */
function decoded(source: Source): Source {
  const last = source.frames[source.frames.length - 1];
  return live(source) || !last ? source : Object.create(source, { around: { value: () => ({ a: last, b: last, mix: 0 }) } });
}

/** The code of the selected point, or null: at the playhead, where the weights are those of the playhead. */
export function selected(source: Source, still: boolean): Float32Array | null {
  const scene = source.scene;
  if (!scene || source.selection < 0) return null;
  for (const pane of scene.panes) {
    if (!pane.latent) continue;
    const layer = pane.layers.find((one): one is Points => one.type === "points" && one.pick === true);
    const now = layer && layersAt(decoded(source), pane.name, [layer], null, still)[0];
    const code = now?.type === "points" ? row(now, source.selection, scene.latent) : null;
    if (code) return code;
  }
  return null;
}

/** What the latent plane is a section through: the selected code, or the centre of the prior. */
export const base = (source: Source, still: boolean) => selected(source, still) ?? new Float32Array(source.scene?.latent ?? 0);

/** The code under the pointer: two axes from the plane, the others from the section. */
export function pointed(source: Source, still: boolean, x: number, y: number): Float32Array {
  const code = base(source, still);
  code[source.axes[0]] = x;
  code[source.axes[1]] = y;
  return code;
}

/** The cursor as it stands, without a pointer the centre of the section. */
export const cursor = (source: Source, still: boolean) =>
  source.cursor?.length === source.scene?.latent ? (source.cursor ?? base(source, still)) : base(source, still);

/** All codes that a frame has of the points one can choose. */
export function codesOf({ scene }: Source, frame: Frame): Tensor | undefined {
  for (const pane of scene?.panes ?? []) {
    for (const layer of pane.latent ? pane.layers : []) {
      const now = frame.layers[`${pane.name}/${layer.name}`] ?? layer;
      if (now.type === "points" && now.pick && now.tensors.codes) return now.tensors.codes;
    }
  }
  return undefined;
}

/** The two dimensions, in their order, along which codes (n, k) vary most. */
export function widest({ data, shape: [n, k] }: Tensor): [number, number] {
  const variance = Array.from({ length: k }, (_, j) => {
    let [sum, squares] = [0, 0];
    for (let i = j; i < n * k; i += k) {
      sum += data[i];
      squares += data[i] ** 2;
    }
    return squares / n - (sum / n) ** 2;
  });
  const [a, b] = variance.map((_, j) => j).sort((i, j) => variance[j] - variance[i] || i - j);
  return a < b ? [a, b] : [b, a];
}

/** side² codes over limits, row 0 at the top: the centres of side × side equal cells. */
export function lattice(from: Float32Array, axes: [number, number], limits: number[], side: number): Float32Array[] {
  const [x0, x1, y0, y1] = limits;
  return Array.from({ length: side * side }, (_, i) => {
    const code = Float32Array.from(from);
    code[axes[0]] = x0 + ((i % side) + 0.5) * ((x1 - x0) / side);
    code[axes[1]] = y1 - (Math.floor(i / side) + 0.5) * ((y1 - y0) / side);
    return code;
  });
}

/** For each dimension `side` codes from −span to span, the other dimensions as they are. */
export function traversal(from: Float32Array, side: number, span: number): Float32Array[] {
  return Array.from({ length: from.length * side }, (_, i) => {
    const code = Float32Array.from(from);
    code[Math.floor(i / side)] = -span + (2 * span * (i % side)) / Math.max(1, side - 1);
    return code;
  });
}

/** n × n codes from −span to span along both axes, row 0 at the bottom. */
export function corners(from: Float32Array, axes: [number, number], n: number, span: number): Float32Array[] {
  const at = (k: number) => -span + (2 * span * k) / Math.max(1, n - 1);
  return Array.from({ length: n * n }, (_, i) => {
    const code = Float32Array.from(from);
    code[axes[0]] = at(i % n);
    code[axes[1]] = at(Math.floor(i / n));
    return code;
  });
}
