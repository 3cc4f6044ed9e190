// What the buttons and keys of the transport mean, at the head of a run and behind it, live and recorded.

import { tell } from "./pair";
import { slowOf } from "./slow";
import type { Source } from "./types";
import { atHead, head, live } from "./words";

export const SPEEDS = [0.25, 0.5, 1, 2, 4];

const training = (source: Source) => source.status.state === "running" || source.status.state === "starting";

/** True while something moves by itself: the button then says pause. */
export const moving = (source: Source) => source.playing || (live(source) && training(source) && source.following);

/** Play or pause; resolves with "" or what went wrong. */
export async function play(source: Source): Promise<string> {
  if (source.playing) {
    source.play(false);
    return "";
  }
  if (!live(source) || !atHead(source) || source.status.state === "done") {
    source.play(true); // from the end the recording starts again
    return "";
  }
  if (!training(source)) {
    source.seek(head(source));
    return tell(source, "play");
  }
  if (source.following) return tell(source, "pause");
  source.seek(head(source));
  return "";
}

/** Trains a finished run on, by as many steps again. */
export function trainOn(source: Source): Promise<string> {
  source.seek(head(source));
  return tell(source, "play");
}

/** One training step at the head of a run, else so many frames of the recording. */
export async function step(source: Source, count: number): Promise<string> {
  if (source.race) return source.race.stride(count);
  if (source.playing) source.play(false);
  const { frames, playhead } = source;
  if (count > 0 && (live(source) || source.walk) && atHead(source)) return tell(source, "step", { n: count });
  if (!frames.length) return "";
  const at = frames.findIndex((frame) => frame.step > playhead + 1e-6);
  const after = at < 0 ? frames.length : at; // the first frame behind the playhead
  const exact = frames[after - 1] && Math.abs(frames[after - 1].step - playhead) < 1e-6;
  const to = count > 0 ? after - 1 + count : after - (exact ? 1 : 0) + count;
  source.seek(frames[Math.min(Math.max(to, 0), frames.length - 1)].step);
  return "";
}

export function rewind(source: Source): void {
  if (source.playing) source.play(false);
  source.seek(source.frames[0]?.step ?? 0);
}

export function faster(source: Source, way: 1 | -1): void {
  if (source.race) {
    source.race.faster(way);
    return;
  }
  const at = SPEEDS.findIndex((speed) => speed >= source.speed);
  source.speed = SPEEDS[Math.min(Math.max((at < 0 ? 2 : at) + way, 0), SPEEDS.length - 1)];
}

export const isSlow = (source: Source) =>
  source.race
    ? source.race.slow
    : source.walk
      ? source.walk.slow
      : live(source)
        ? slowOf(source).on
        : source.playing && source.speed === SPEEDS[0];

/** Slow motion: captioned moments of a live run, a quarter of the speed of a recording. */
export async function slow(source: Source): Promise<string> {
  const on = !isSlow(source);
  const chain = source.race ?? source.walk;
  if (chain) {
    chain.slow = on;
    source.changed();
    return "";
  }
  if (!live(source)) {
    source.speed = on ? SPEEDS[0] : 1;
    if (on && !source.playing) source.play(true);
    return "";
  }
  slowOf(source).set(on);
  if (on) source.seek(head(source));
  source.changed();
  const error = await tell(source, "slow", { on });
  if (error) slowOf(source).set(!on);
  source.changed();
  return error;
}

/** The recording belongs to the head again. */
export function goLive(source: Source): void {
  if (source.playing) source.play(false);
  source.seek(head(source));
}
