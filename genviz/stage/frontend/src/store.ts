// Sources: a run or a shipped recording as one object a tab, shared by all mounts and surviving page switches.

import { Damage } from "./damage";
import { Film } from "./film";
import type { Subscriber } from "./live";
import { lastWhere } from "./playback";
import { Player } from "./player";
import { Race } from "./race";
import { STREAMS, type Stream } from "./recording";
import { get, Looks, Weights, words } from "./remote";
import { address, tab } from "./tab";
import type { Pane, Program, Source } from "./types";
import { Walk } from "./walk";
import { readShipped } from "./wire";

export { compile } from "./programs";

const REST = 300; // ms after which a playhead that has not moved is at rest

const KINDS: Record<string, (id: string, rest: string) => Source> = {
  run: (id, name) => new Timeline(id, "run", name),
  pretrained: (id, name) => new Timeline(id, "pretrained", name),
  walk: (id, rest) => new Walk(id, rest, source),
  race: (id, rest) => new Race(id, rest, source),
  damage: (id, rest) => new Damage(id, rest, source),
  film: (id, rest) => new Film(id, source(rest.slice(0, rest.lastIndexOf("/"))), rest.slice(rest.lastIndexOf("/") + 1)),
};

/** The source of an id, `run:<id>`, `pretrained:<name>` or `film:<source>/<panel>`: the same object at each call. */
export function source(id: string): Source {
  const { sources } = tab();
  const known = sources.get(id);
  if (known) return known;
  const [, kind, rest] = /^(\w+):(.+)$/.exec(id) ?? [];
  if (!rest || !Object.hasOwn(KINDS, kind))
    throw new Error(`A source is run:<id>, pretrained:<name> or film:<source>/<panel>, not ${id}`);
  const fresh = KINDS[kind](id, rest);
  sources.set(id, fresh);
  return fresh;
}

/** The recording of a training. */
class Timeline extends Player implements Subscriber {
  private readonly weights = new Weights(
    (step) => this.address(`weights/${step}${precision()}`),
    () => this.changed(),
  );
  private readonly looks = new Looks(() => this.changed());
  private readonly attention = new Set<object>();
  private stood = { at: Number.NaN, since: 0 }; // where the playhead is, and since when
  private waking: ReturnType<typeof setTimeout> | undefined;
  private connected = false;

  constructor(
    readonly id: string,
    private readonly kind: "run" | "pretrained",
    readonly run: string,
  ) {
    super();
  }

  override get problem(): string {
    return this.trouble || (this.shipped ? "" : tab().live.problem) || this.weights.problem;
  }

  program(name: string): Program | null {
    const step = this.keyframe();
    return this.scene && step !== null ? this.weights.program(name, this.scene, step, this.wanting) : null;
  }

  protected override renewed(step: number): void {
    this.weights.renew(step);
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

  async settled(): Promise<void> {
    await Promise.all([this.weights.settled(), this.looks.settled()]);
  }

  send(verb: string, args: Record<string, unknown> = {}): Promise<string> {
    if (!this.shipped) return tab().live.call(this.run, verb, args);
    return Promise.resolve("This is a shipped recording: start a run of your own to train it.");
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

  private get shipped(): boolean {
    return this.kind === "pretrained";
  }

  private address(path: string): string {
    return address(`api/${this.kind}/${encodeURIComponent(this.run)}/${path}`);
  }

  protected connect(): void {
    if (this.connected) return;
    this.connected = true;
    if (this.shipped) void this.load();
    else tab().live.subscribe(this);
  }

  /** A run that nobody watches can be had again from the server; the few shipped recordings are kept. */
  protected override get kept(): boolean {
    return this.shipped;
  }

  protected disconnect(): void {
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

  /** The step of the newest weights at or before the playhead; a shipped recording has one set of them. */
  keyframe(): number | null {
    if (this.shipped) return this.scene ? 0 : null;
    const { keyframes } = this;
    return keyframes[lastWhere(keyframes.length, (k) => keyframes[k] <= this.playhead)] ?? null;
  }
}

/** Of the weights: what the page's URL asks for, else the server's choice. */
function precision(): string {
  const asked = new URLSearchParams(window.location.search).get("dtype");
  return asked ? `?dtype=${encodeURIComponent(asked)}` : "";
}
