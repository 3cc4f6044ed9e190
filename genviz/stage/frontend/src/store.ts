// Sources: a run or a shipped recording as one object a tab, shared by all mounts and surviving page switches.
import type { Subscriber } from "./live";
import { advance, indexAt, lastWhere } from "./playback";
import { Recording, STREAMS, type Stream } from "./recording";
import { get, Looks, Weights, words } from "./remote";
import { address, tab } from "./tab";
import type { Frame, Pane, Program, Source } from "./types";
import { readShipped } from "./wire";

export { compile } from "./programs";

const LINGER = 5_000; // ms between the last onlooker's leaving and the end of the subscription, and of a run's memory
const REST = 300; // ms after which a playhead that has not moved is at rest
const WATCHED = ["cursor", "axes", "selection", "speed", "following", "playing"] as const;

/** The source of an id, `run:<id>` or `pretrained:<name>`: the same object at each call. */
export function source(id: string): Source {
  const { sources } = tab();
  const known = sources.get(id);
  if (known) return known;
  const [, kind, name] = /^(run|pretrained):(.+)$/.exec(id) ?? [];
  if (!name) throw new Error(`A source is run:<id> or pretrained:<name>, not ${id}`);
  const fresh = new Timeline(id, kind as "run" | "pretrained", name);
  sources.set(id, fresh);
  return fresh;
}

/** A recording with a playhead and onlookers. */
class Timeline extends Recording implements Source, Subscriber {
  playhead = 0;
  following = true;
  playing = false;
  speed = 1;
  cursor: Float32Array | null = null;
  axes: [number, number] = [0, 1];
  selection = -1;
  version = 0;

  private readonly weights = new Weights(
    (step) => this.address(`weights/${step}${precision()}`),
    () => this.changed(),
  );
  private readonly looks = new Looks(() => this.changed());
  private readonly listeners = new Set<() => void>();
  private readonly attention = new Set<object>();
  private stood = { at: Number.NaN, since: 0 }; // where the playhead is, and since when
  private waking: ReturnType<typeof setTimeout> | undefined;
  private trouble = "";
  private holders = 0;
  private connected = false;
  private leaving: ReturnType<typeof setTimeout> | undefined;
  private beat = 0; // the animation frame that is asked for
  private before: number | null = null; // when the last beat was

  constructor(
    readonly id: string,
    private readonly kind: "run" | "pretrained",
    readonly run: string,
  ) {
    super();
    for (const name of WATCHED) watch(this, name, () => (name === "cursor" ? this.soon() : this.changed()));
  }

  get problem(): string {
    return this.trouble || (this.shipped ? "" : tab().live.problem) || this.weights.problem;
  }

  seek(step: number): void {
    const last = this.frames.at(-1)?.step ?? 0;
    this.playhead = Math.min(Math.max(step, this.frames[0]?.step ?? 0), last);
    this.following = step >= last;
    this.changed();
  }

  play(on = !this.playing): void {
    const ended = this.playhead >= (this.frames.at(-1)?.step ?? 0);
    if (on && ended && this.training && this.frames.length) {
      this.seek(Number.POSITIVE_INFINITY); // nothing is left but to follow
      return;
    }
    if (on && ended) this.playhead = this.frames[0]?.step ?? 0;
    if (on) this.following = false;
    this.before = null;
    this.playing = on;
  }

  around(): { a: Frame; b: Frame; mix: number } | null {
    const { frames } = this;
    if (!frames.length) return null;
    const at = indexAt(frames, this.playhead);
    return { a: frames[Math.floor(at)], b: frames[Math.ceil(at)], mix: at % 1 };
  }

  program(name: string): Program | null {
    const step = this.keyframe();
    return this.scene && step !== null ? this.weights.program(name, this.scene, step, this.wanting) : null;
  }

  attend(): () => void {
    const one = {};
    this.attention.add(one);
    this.changed();
    return () => this.attention.delete(one);
  }

  /** Weights are fetched for who looks; else one set, when the playhead has come to rest. A shipped recording has but one. */
  private get wanting(): boolean {
    if (this.shipped || this.attention.size || this.playing) return true;
    if (this.training && this.following) return false;
    if (this.playhead !== this.stood.at) this.stood = { at: this.playhead, since: Date.now() };
    const left = this.stood.since + REST - Date.now();
    if (left > 0) {
      this.waking ??= setTimeout(() => {
        this.waking = undefined;
        this.changed();
      }, left);
    }
    return left <= 0;
  }

  ask(panel: string, point: number): Pane[] | { error: string } | null {
    const step = this.keyframe();
    if (step === null) return null;
    return this.looks.ask(panel, this.address(`look/${encodeURIComponent(panel)}?step=${step}&point=${point}`));
  }

  send(verb: string, args: Record<string, unknown> = {}): Promise<string> {
    if (!this.shipped) return tab().live.call(this.run, verb, args);
    return Promise.resolve("This is a shipped recording: start a run of your own to train it.");
  }

  listen(redraw: () => void): () => void {
    this.listeners.add(redraw);
    const release = this.retain();
    this.changed();
    return () => {
      this.listeners.delete(redraw);
      release();
    };
  }

  retain(): () => void {
    clearTimeout(this.leaving);
    tab().sources.set(this.id, this); // it may have been forgotten meanwhile
    this.holders++;
    this.connect();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.holders === 0) this.leaving = setTimeout(() => this.forget(), LINGER);
    };
  }

  // what the socket calls

  bytes(stream: Stream, chunk: Uint8Array): void {
    try {
      const count = this.feed(stream, chunk);
      this.trouble = "";
      if (stream === "frames") this.arrived(count);
    } catch (error) {
      this.trouble = `This recording cannot be read: ${words(error)}. Reload the page; if that does not help, train again.`;
      this.disconnect();
    }
    this.changed();
  }

  override reset(stream: Stream): void {
    super.reset(stream);
    this.changed();
  }

  missing(why: string): void {
    this.trouble = `The run ${this.run} is not on this machine: ${why.replace(/\.$/, "") || "it may have been removed"}.`;
    if (this.training) this.status = { ...this.status, state: "stopped" }; // nobody plays what is not there
    this.changed();
  }

  changed(): void {
    this.version++;
    this.soon();
  }

  /** Onlookers are told with the next animation frame, however much happens before it. */
  private soon(): void {
    if (this.listeners.size) this.beat ||= requestAnimationFrame((now) => this.draw(now));
  }

  private get shipped(): boolean {
    return this.kind === "pretrained";
  }

  private get training(): boolean {
    return this.status.state === "running" || this.status.state === "starting";
  }

  private address(path: string): string {
    return address(`api/${this.kind}/${encodeURIComponent(this.run)}/${path}`);
  }

  private connect(): void {
    if (this.connected) return;
    this.connected = true;
    if (this.shipped) void this.load();
    else tab().live.subscribe(this);
  }

  /** A run that nobody watches can be had again from the server; the few shipped recordings are kept. */
  private forget(): void {
    this.disconnect();
    const { sources } = tab();
    if (!this.shipped && sources.get(this.id) === this) sources.delete(this.id);
  }

  private disconnect(): void {
    if (this.shipped) return; // all of it has come, or is tried for again below
    this.connected = false;
    tab().live.unsubscribe(this);
  }

  private async load(): Promise<void> {
    try {
      const answer = await get(this.address("scene"));
      if (answer.ok) {
        this.trouble = "";
        for (const [i, bytes] of readShipped(await answer.bytes()).entries()) if (!this.trouble) this.bytes(STREAMS[i], bytes);
        this.status = { ...this.status, state: "done" };
      } else if (answer.final) {
        this.trouble = `The recording ${this.run} does not come with this genviz: check its name, or train the model here.`;
      } else throw new Error(await answer.why());
    } catch (error) {
      this.trouble = `The recording ${this.run} could not be fetched: ${words(error)}. It is tried again.`;
      setTimeout(() => {
        this.connected = false;
        if (this.holders) this.connect();
      }, 2000);
    }
    this.changed();
  }

  private arrived(count: number): void {
    const newest = this.frames.at(-1);
    if (!newest) return;
    if (this.following || this.playhead > newest.step) this.playhead = newest.step;
    const { stats } = tab();
    stats.frames += count;
    if (!this.shipped) stats.lag = Date.now() - newest.time * 1000;
  }

  private draw(now: number): void {
    this.beat = 0;
    if (this.playing && this.frames.length) this.move(now - (this.before ?? now)); // no frames yet: it starts when they come
    this.before = now;
    if (this.following) this.playhead = this.frames.at(-1)?.step ?? this.playhead;
    if (this.playing) this.changed();
    for (const redraw of [...this.listeners]) {
      try {
        redraw();
      } catch (error) {
        console.error(error); // one broken picture leaves the others alone
      }
    }
  }

  private move(ms: number): void {
    const step = advance(this.frames, this.playhead, ms, this.speed);
    if (step !== null) this.playhead = step;
    else {
      this.playing = false;
      this.following = true; // of a run that still trains the rest comes by itself
    }
  }

  /** The step of the newest weights at or before the playhead; a shipped recording has one set of them. */
  private keyframe(): number | null {
    if (this.shipped) return this.scene ? 0 : null;
    const { keyframes } = this;
    return keyframes[lastWhere(keyframes.length, (k) => keyframes[k] <= this.playhead)] ?? null;
  }
}

/** Setting the field of one mount redraws the others. */
function watch<T extends object>(target: T, name: keyof T, changed: () => void): void {
  let value = target[name];
  const set = (next: T[keyof T]) => {
    const same = next === value && typeof next !== "object"; // an array may have been changed in place
    value = next;
    if (!same) changed();
  };
  Object.defineProperty(target, name, { get: () => value, set, enumerable: true });
}

/** Of the weights: what the page's URL asks for, else the server's choice. */
function precision(): string {
  const asked = new URLSearchParams(window.location.search).get("dtype");
  return asked ? `?dtype=${encodeURIComponent(asked)}` : "";
}
