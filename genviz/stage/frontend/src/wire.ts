// Bytes to data: the reading half of genviz/stage/pack.py and docs/wire.md. Nothing here knows of sockets or pictures.
import type { Frame, Layer, Op, Pane, Scene, Status, Tensor } from "./types";

export type Tensors = Map<string, Tensor>;
export type Entry = {
  open?: Record<string, unknown>;
  columns?: string[];
  at?: number;
  edit?: { step: number; verb: string; args: unknown };
  keyframe?: number;
  every?: number;
  status?: Status;
};
export type Value = { step: number; column: number; value: number };
export type Moment =
  | { kind: "scene"; scene: Scene }
  | { kind: "frame" | "shot"; frame: Frame }
  | { kind: "trouble"; error: string };
/** Reads the whole records at the start of `bytes` and says how many bytes they took. */
export type Reader<T> = (bytes: Uint8Array) => { items: T[]; used: number };

const MAGIC = "GVFR";
const HEAD = 32;
const LARGEST = 1 << 28; // no picture is that large: a length beyond it is not a length

/** A stream that comes in chunks cut anywhere: gives whole records, keeps the rest, counts the bytes. */
export class Splitter<T> {
  at = 0;
  private rest: Uint8Array = new Uint8Array(0);

  constructor(private readonly read: Reader<T>) {}

  feed(chunk: Uint8Array): T[] {
    const bytes = this.rest.length ? join(this.rest, chunk) : chunk;
    const { items, used } = this.read(bytes);
    this.rest = bytes.slice(used); // a copy: the chunk's buffer may be large
    this.at += chunk.length;
    return items;
  }
}

export const readJournal: Reader<Entry> = (bytes) => {
  const used = bytes.lastIndexOf(10) + 1;
  const lines = utf8(bytes.subarray(0, used)).split("\n");
  return { items: lines.filter((line) => line.trim()).map((line) => json<Entry>(line, "a journal line")), used };
};

export const readMetrics: Reader<Value> = (bytes) => {
  const view = viewOf(bytes);
  const items: Value[] = [];
  let at = 0;
  for (; at + 12 <= bytes.length; at += 12) {
    if (view.getUint16(at + 6, true)) throw new Error(`byte ${at} of the metrics is not the start of an entry`);
    items.push({ step: view.getUint32(at, true), column: view.getUint16(at + 4, true), value: view.getFloat32(at + 8, true) });
  }
  return { items, used: at };
};

export const readFrames: Reader<Moment> = (bytes) => {
  const view = viewOf(bytes);
  const items: Moment[] = [];
  let at = 0;
  while (at + HEAD <= bytes.length) {
    const size = view.getUint32(at + 4, true);
    if (utf8(bytes.subarray(at, at + 4)) !== MAGIC || size > LARGEST)
      throw new Error(`byte ${at} of the pictures is not the start of a record`);
    const next = at + HEAD + size;
    if (next > bytes.length) break;
    const payload = bytes.subarray(at + HEAD, next);
    const step = view.getUint32(at + 8, true);
    if (crc32(payload) !== view.getUint32(at + 24, true)) throw new Error(`the picture of step ${step} is damaged`);
    items.push(moment(view.getUint32(at + 12, true), step, view.getFloat64(at + 16, true), payload));
    at = next;
  }
  return { items, used: at };
};

function moment(kind: number, step: number, time: number, payload: Uint8Array): Moment {
  const { header, body } = unpack<Scene & Frame & { error: string }>(payload);
  if (kind === 0) {
    const { programs = {}, latent = 0, shape = [], controls = [], actions = [] } = header;
    return {
      kind: "scene",
      scene: { panes: panes(header.panes, body), programs: programs as Record<string, Op[]>, latent, shape, controls, actions },
    };
  }
  if (kind === 3) return { kind: "trouble", error: header.error };
  if (kind > 3) throw new Error(`the picture of step ${step} is of kind ${kind}, which this page does not know: reload it`);
  const layers = Object.fromEntries(Object.entries(header.layers).map(([key, packed]) => [key, layer(packed, body)]));
  const { limits = {}, caption = "" } = header;
  return { kind: kind === 1 ? "frame" : "shot", frame: { step, time, layers, limits, caption } };
}

/** The answer to a question asked of the server: panes with their tensors. */
export function readLook(blob: Uint8Array): Pane[] {
  const { header, body } = unpack<{ panes: Pane[] }>(blob);
  return panes(header.panes, body);
}

/** A shipped recording: its journal, metrics and frames. */
export function readShipped(bytes: Uint8Array): [journal: Uint8Array, metrics: Uint8Array, frames: Uint8Array] {
  if (bytes.length < 16 || utf8(bytes.subarray(0, 4)) !== "GVSC") throw new Error("this is not a genviz recording");
  const view = viewOf(bytes);
  const a = 16 + view.getUint32(4, true);
  const b = a + view.getUint32(8, true);
  const c = b + view.getUint32(12, true);
  if (c > bytes.length) throw new Error("the recording is cut short");
  return [bytes.subarray(16, a), bytes.subarray(a, b), bytes.subarray(b, c)];
}

type Packed = { dtype: string; shape: number[]; at: number; lo: number | null; hi: number | null };

function unpack<H>(blob: Uint8Array): { header: H; body: Uint8Array } {
  const size = blob.length < 4 ? Number.POSITIVE_INFINITY : viewOf(blob).getUint32(0, true);
  if (size > blob.length - 4) throw new Error("a header is cut short");
  return { header: json<H>(utf8(blob.subarray(4, 4 + size)), "a header"), body: blob.subarray(4 + size) };
}

function panes(packed: Pane[], body: Uint8Array): Pane[] {
  return packed.map((pane) => ({ ...pane, layers: (pane.layers ?? []).map((each) => layer(each, body)) }));
}

function layer(packed: Layer, body: Uint8Array): Layer {
  const tensors = Object.entries((packed.tensors ?? {}) as Record<string, Packed>).map(([k, t]) => [k, dequantise(t, body)]);
  const whole = { ...packed, tensors: Object.fromEntries(tensors) };
  // JSON has no NaN: it came as null. An empty tuple is not sent at all.
  if (whole.type === "numbers") whole.rows = (whole.rows ?? []).map(([a, value, b, c]) => [a, value ?? Number.NaN, b, c]);
  return whole;
}

export function dequantise({ dtype, shape, at, lo, hi }: Packed, body: Uint8Array): Tensor {
  const n = count(shape);
  const width = { u8: 1, u16: 2, i32: 4 }[dtype];
  if (!width) throw new Error(`a tensor is of type ${dtype}, which this page does not know: reload it`);
  if (at + n * width > body.length) throw new Error("a tensor reaches beyond the end of its record");
  const { buffer } = body.slice(at, at + n * width); // a copy is aligned, whatever the socket gave
  if (width === 4) return { data: new Int32Array(buffer), shape };
  const q = width === 1 ? new Uint8Array(buffer) : new Uint16Array(buffer);
  const low = lo ?? Number.NaN;
  const scale = ((hi ?? Number.NaN) - low) / (width === 1 ? 255 : 65535);
  const data = new Float32Array(n);
  for (let i = 0; i < n; i++) data[i] = low + scale * q[i];
  return { data, shape };
}

/** The tensors of a safetensors file of f16, f32 and i32. */
export function readSafetensors(bytes: Uint8Array): Tensors {
  const size = bytes.length < 8 ? Number.POSITIVE_INFINITY : Number(viewOf(bytes).getBigUint64(0, true));
  if (size > bytes.length - 8) throw new Error("the weights are cut short");
  type Named = { dtype: string; shape: number[]; data_offsets: [number, number] };
  const header = json<Record<string, Named>>(utf8(bytes.subarray(8, 8 + size)), "the weights' header");
  const tensors: Tensors = new Map();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [from, to] = data_offsets.map((offset) => 8 + size + offset);
    const width = { F16: 2, F32: 4, I32: 4 }[dtype];
    if (!width) throw new Error(`the tensor ${name} is of type ${dtype}: the browser reads F16, F32 and I32`);
    if (to > bytes.length || to - from !== width * count(shape)) throw new Error(`the tensor ${name} is cut short`);
    const { buffer } = bytes.slice(from, to); // a copy: the header's length need not be a multiple of 4
    const data =
      dtype === "F16" ? widen(new Uint16Array(buffer)) : dtype === "F32" ? new Float32Array(buffer) : new Int32Array(buffer);
    tensors.set(name, { data, shape });
  }
  return tensors;
}

let halves: Float32Array | null = null; // all 65,536 of them, made at first use

export function widen(f16: Uint16Array): Float32Array {
  halves ??= Float32Array.from({ length: 65536 }, (_, bits) => half(bits));
  const out = new Float32Array(f16.length);
  for (let i = 0; i < out.length; i++) out[i] = halves[f16[i]];
  return out;
}

function half(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent ? sign * (1 + fraction / 1024) * 2 ** (exponent - 15) : (sign * fraction) / 2 ** 24;
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

export function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = CRC[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}

function json<T>(text: string, what: string): T {
  try {
    return JSON.parse(strict(text)) as T;
  } catch {
    throw new Error(`${what} cannot be read: ${text.slice(0, 60)}`);
  }
}

/** Python writes NaN and Infinity where JSON has no word for them; a diverged run is full of them. */
const strict = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|NaN|Infinity/g, (m) => ({ NaN: "null", Infinity: "1e999" })[m] ?? m);

const decoder = new TextDecoder();
const utf8 = (bytes: Uint8Array) => decoder.decode(bytes);
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const count = (shape: number[]) => shape.reduce((n, size) => n * size, 1);

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
