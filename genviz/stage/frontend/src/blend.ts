// Between two frames: what the training did from one picture to the next, in proportion.

import type { Frame, Layer, Source, Tensor } from "./types";

/** A layer as it is drawn: what a slow-motion moment does not mention is dimmed. */
export type Shown = Layer & { dim?: boolean };

/** `mix` of the way from a to b; what cannot be interpolated is taken from the nearer one. */
export function blend(a: Layer, b: Layer, mix: number): Shown {
  if (a === b || mix <= 0 || a.type !== b.type) return mix < 0.5 ? a : b;
  if (mix >= 1) return b;
  const from = (a.tensors ?? {}) as Record<string, Tensor | undefined>;
  const to = (b.tensors ?? {}) as Record<string, Tensor | undefined>;
  const tensors: Record<string, Tensor> = {};
  for (const name of Object.keys(to)) {
    const [s, t] = [from[name], to[name]];
    if (!s || !t || !alike(s, t)) return mix < 0.5 ? a : b;
    tensors[name] = between(s, t, mix);
  }
  const near = mix < 0.5 ? a : b;
  return { ...near, tensors } as Shown;
}

const alike = (s: Tensor, t: Tensor) => s.shape.length === t.shape.length && s.shape.every((size, i) => size === t.shape[i]);

function between(s: Tensor, t: Tensor, mix: number): Tensor {
  if (s.data === t.data || t.data instanceof Int32Array) return mix < 0.5 ? s : t;
  const [p, q] = [s.data, t.data];
  const out = new Float32Array(q.length);
  for (let i = 0; i < q.length; i++) out[i] = p[i] + mix * (q[i] - p[i]);
  return { data: out, shape: t.shape };
}

/** The row of each value when the largest stands on top. */
export function ranks(values: ArrayLike<number>): number[] {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((i, j) => values[j] - values[i] || i - j);
  const out = new Array<number>(values.length).fill(0);
  order.forEach((i, rank) => {
    out[i] = rank;
  });
  return out;
}

/** The layers of a pane at the playhead, or at a slow-motion moment. */
export function layersAt(source: Source, name: string, layers: Layer[], shot: Frame | null, still: boolean): Shown[] {
  const around = source.around();
  const mix = around ? (still ? Math.round(around.mix) : around.mix) : 0;
  const here = Object.keys(shot?.layers ?? {}).some((key) => key.startsWith(`${name}/`)); // other panes step aside as a whole
  const shown = layers.map((layer): Shown => {
    const key = `${name}/${layer.name}`;
    const moment = shot?.layers[key];
    if (moment) return moment;
    const now = layer.static || !around ? layer : blend(around.a.layers[key] ?? layer, around.b.layers[key] ?? layer, mix);
    return here ? { ...now, dim: true } : now;
  });
  const known = new Set(layers.map((layer) => `${name}/${layer.name}`));
  for (const [key, layer] of Object.entries(shot?.layers ?? {})) {
    if (key.startsWith(`${name}/`) && !known.has(key)) shown.push(layer);
  }
  return shown;
}

/** The limits a frame gives a pane, between frames as well. */
export function limitsAt(source: Source, name: string, shot: Frame | null, still: boolean): number[] | null {
  const given = shot?.limits[name];
  if (given) return given;
  const around = source.around();
  const [a, b] = [around?.a.limits[name], around?.b.limits[name]];
  if (!around || !a || !b) return a ?? b ?? null;
  const mix = still ? Math.round(around.mix) : around.mix;
  return a.map((value, i) => value + mix * ((b[i] ?? value) - value));
}
