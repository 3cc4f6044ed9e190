// For the tests only: the writing half of the wire, packed by hand as genviz/stage/pack.py does, and a server to talk to.
import { vi } from "vitest";
import { compile } from "./programs";
import { source } from "./store";
import type { Program, Scene, Source } from "./types";
import { Walk } from "./walk";
import { crc32, type Tensors } from "./wire";

export const bytes = (...parts: (string | ArrayLike<number>)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...(typeof part === "string" ? new TextEncoder().encode(part) : Array.from(part))]));
export const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
const pad = (part: Uint8Array, fill: number): Uint8Array => bytes(part, new Array((4 - (part.length % 4)) % 4).fill(fill));

export function blob(header: unknown, body: Uint8Array = bytes()): Uint8Array {
  const text = pad(bytes(typeof header === "string" ? header : JSON.stringify(header)), 32);
  return bytes(u32(text.length), text, body);
}

export function record(step: number, kind: number, payload: Uint8Array, time = 0): Uint8Array {
  const whole = pad(payload, 0);
  return bytes(
    "GVFR",
    u32(whole.length, step, kind),
    new Uint8Array(Float64Array.of(time).buffer),
    u32(crc32(whole), 0),
    whole,
  );
}

export const frame = (step: number, kind = 1, caption = `at ${step}`): Uint8Array =>
  record(step, kind, blob({ layers: {}, limits: {}, caption }), 1000);
export const metric = (step: number, column: number, value: number): Uint8Array =>
  bytes(u32(step), u32(column), new Uint8Array(Float32Array.of(value).buffer));
export const line = (entry: unknown): Uint8Array => bytes(`${JSON.stringify(entry)}\n`);

export function safetensors(tensors: Record<string, [dtype: string, shape: number[], data: ArrayBufferLike]>): Uint8Array {
  let at = 0;
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  for (const [name, [dtype, shape, { byteLength }]] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + byteLength] };
    at += byteLength;
  }
  const text = bytes(JSON.stringify(header));
  return bytes(u32(text.length, 0), text, ...Object.values(tensors).map(([, , data]) => new Uint8Array(data)));
}

type Sent = { run: string; no: number; at: Record<string, number> | null; do?: string; call: number };

/** Stands for the browser's WebSocket: keeps what the store sends, and answers by hand. */
export class Socket {
  static all: Socket[] = [];
  static get last(): Socket {
    return Socket.all[Socket.all.length - 1];
  }
  readyState = 0;
  sent: Sent[] = [];
  onopen = () => {};
  onclose = () => {};
  onmessage = (_: { data: unknown }) => {};

  constructor(readonly url: string) {
    Socket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Sent);
  }
  open(): void {
    this.readyState = 1;
    this.onopen();
  }
  close(): void {
    this.readyState = 3;
    this.onclose();
  }
  /** The newest subscription. */
  get asked(): Sent {
    return this.sent.filter(({ at }) => at)[this.sent.filter(({ at }) => at).length - 1];
  }
  give(stream: number, offset: number, part: Uint8Array, no = this.asked.no): void {
    this.onmessage({ data: bytes(u32(no, stream, offset, 0), part).buffer });
  }
  say(told: unknown): void {
    this.onmessage({ data: JSON.stringify(told) });
  }
}

/** A window of which only what the store touches exists; time stands still until it is advanced. */
export function browser(): void {
  vi.useFakeTimers();
  Socket.all = [];
  vi.stubGlobal("window", { location: { search: "" } });
  vi.stubGlobal("document", { baseURI: "http://here/genviz/vae?x=1" });
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("requestAnimationFrame", (f: (now: number) => void) => setTimeout(() => f(Date.now()), 16));
}

export const RUNNING = { status: { state: "running", step: 8, until: 100 } };
export const STEPS = [0, 1, 2, 4, 8, 100, 200]; // frames
export const scene = record(
  0,
  0,
  blob({ panes: [], programs: { decode: [["linear", "w"]], broken: [["linear", "x"]] }, latent: 1, shape: [1] }),
);

/** A run that is watched and has frames at `STEPS`. */
export function watched(entry: unknown = RUNNING) {
  const run = source("run:abc");
  const redraw = vi.fn();
  const leave = run.listen(redraw);
  Socket.last.open();
  Socket.last.give(0, 0, line(entry));
  Socket.last.give(2, 0, bytes(scene, ...STEPS.map((step) => frame(step))));
  return { run, redraw, leave };
}
export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A chain that walks on a run with these programs and weights; what it asks of the run is kept in `sent`, and `renew` gives others. */
export function walking(scene: Scene, tensors: Tensors) {
  const programs = new Map<string, Program>();
  const sent: unknown[] = [];
  const heard: (() => void)[] = [];
  let [weights, step] = [tensors, 8];
  const source = {
    id: "run:abc",
    scene,
    selection: -1,
    problem: "",
    edits: [],
    keyframe: () => step,
    attend: () => () => {},
    listen: (one: () => void) => {
      heard.push(one);
      return () => {};
    },
    program: (name: string) => {
      if (!(name in scene.programs)) return null;
      if (!programs.has(name)) programs.set(name, Object.assign(compile(scene.programs[name], weights), { of: step }));
      return programs.get(name) ?? null;
    },
    send: async (...what: unknown[]) => {
      sent.push(what);
      return "";
    },
  } as unknown as Source;
  const renew = (others: Tensors, of: number) => {
    [weights, step] = [others, of];
    programs.clear();
    for (const one of heard) one();
  };
  const walk = new Walk("walk:run:abc/gibbs", "run:abc/gibbs", () => source);
  walk.listen(() => {});
  return { walk, source, sent, renew };
}
