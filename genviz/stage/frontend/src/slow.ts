// Slow motion: the captioned moments of a training step, one after the other, the same on every mount.

import type { Frame, Source } from "./types";

const MOMENT = 1250; // ms a moment is shown
const PAST = 20; // seconds after which a moment is history
const LATE = 12; // moments behind the run at which some are left out

export class Slow {
  on = false;
  now: Frame | null = null;
  private seen = new WeakSet<Frame>();
  private queue: Frame[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private told = false; // the run has said that it is slow
  private refused = false; // switched off here, and the run has not said that it heard

  constructor(private readonly source: Source) {
    for (const shot of source.shots) this.seen.add(shot); // what was recorded before we came is past
  }

  /** Takes up what arrived; called with every redraw. */
  take(): void {
    const told = Boolean(this.source.status.slow);
    if (this.told && !told) this.set(false); // it has heard, from whomever
    if (!told) this.refused = false;
    this.told = told;
    for (const shot of this.source.shots) {
      if (this.seen.has(shot)) continue;
      this.seen.add(shot);
      if (Date.now() / 1000 - shot.time > PAST) continue; // recorded before we came
      if (told && !this.refused) this.on = true; // someone else may have switched it on
      if (this.on) this.queue.push(shot); // else it was on its way when slow motion ended
    }
    if (this.queue.length > LATE) this.queue.splice(0, this.queue.length - LATE / 2);
    if (this.on && this.source.following && !this.timer && this.queue.length) this.next();
  }

  /** The moment to draw instead of the playhead's frame: only for those who watch the head of the run. */
  shot(): Frame | null {
    return this.on && this.source.following ? this.now : null;
  }

  set(on: boolean): void {
    this.on = on;
    this.refused = !on;
    if (on) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.queue = [];
    this.now = null;
  }

  private next(): void {
    this.now = this.queue.shift() ?? this.now;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.queue.length) this.next();
      else if (this.source.status.state !== "running") this.set(false); // the last moment has been told
      this.source.changed();
    }, MOMENT);
  }
}

const slows = new WeakMap<Source, Slow>();

export function slowOf(source: Source): Slow {
  const known = slows.get(source) ?? new Slow(source);
  slows.set(source, known);
  return known;
}
