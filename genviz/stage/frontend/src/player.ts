// What moves through time with a playhead and onlookers, wherever its frames come from.
import type { Damage } from "./damage";
import { advance, indexAt } from "./playback";
import type { Race } from "./race";
import { Recording } from "./recording";
import { tab } from "./tab";
import type { Darkroom, Frame, Pane, Program, Source, Walking } from "./types";

const LINGER = 5_000; // ms between the last onlooker's leaving and the end of the subscription, and of a run's memory
const WATCHED = ["cursor", "axes", "selection", "speed", "following", "playing"] as const;

export abstract class Player extends Recording implements Source {
  playhead = 0;
  following = true;
  playing = false;
  speed = 1;
  cursor: Float32Array | null = null;
  axes: [number, number] = [0, 1];
  selection = -1;
  version = 0;
  abstract readonly id: string;
  readonly film: Darkroom | null = null;
  readonly walk: Walking | null = null;
  readonly race: Race | null = null;
  readonly damage: Damage | null = null;

  protected trouble = "";
  protected holders = 0;
  private readonly listeners = new Set<() => void>();
  private leaving: ReturnType<typeof setTimeout> | undefined;
  private beat = 0; // the animation frame that is asked for
  private before: number | null = null; // when the last beat was

  constructor() {
    super();
    for (const name of WATCHED) watch(this, name, () => (name === "cursor" ? this.soon() : this.changed()));
  }

  /** The first onlooker came, or one after all had left; it may be called again while it holds. */
  protected abstract connect(): void;
  /** The last onlooker left a while ago. */
  protected abstract disconnect(): void;
  abstract keyframe(): number | null;
  abstract program(name: string): Program | null;
  abstract attend(): () => void;
  abstract ask(panel: string, point: number): Pane[] | { error: string } | null;
  abstract send(verb: string, args?: Record<string, unknown>): Promise<string>;

  get problem(): string {
    return this.trouble;
  }

  seen(): void {}

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

  changed(): void {
    this.version++;
    this.soon();
  }

  protected get training(): boolean {
    return this.status.state === "running" || this.status.state === "starting";
  }

  /** What is kept when nobody looks, as it cannot be had again or is small. */
  protected get kept(): boolean {
    return false;
  }

  /** Onlookers are told with the next animation frame, however much happens before it. */
  protected soon(): void {
    if (this.listeners.size) this.beat ||= requestAnimationFrame((now) => this.draw(now));
  }

  /** So many milliseconds of playing. */
  protected move(ms: number): void {
    const step = advance(this.frames, this.playhead, ms, this.speed);
    if (step !== null) this.playhead = step;
    else {
      this.playing = false;
      this.following = true; // of a run that still trains the rest comes by itself
    }
  }

  private forget(): void {
    this.disconnect();
    const { sources } = tab();
    if (!this.kept && sources.get(this.id) === this) sources.delete(this.id);
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
}

/** Setting the field of one mount redraws the others. */
function watch<T extends object>(target: T, name: keyof T, changed: () => void): void {
  let value = target[name];
  const set = (next: T[keyof T]) => {
    const same = next === value && typeof next !== "object"; // an array may have been changed in place
    value = next;
    if (!same) changed();
  };
  Object.defineProperty(target, name, { get: () => value, set, enumerable: true, configurable: true });
}
