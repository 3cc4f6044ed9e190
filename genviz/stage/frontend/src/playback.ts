// Where the playhead stands among the frames. They are at powers of two and then evenly, hence two scales:
// training steps for the world, the fractional index of a frame for playing.
import type { Frame } from "./types";

const WHOLE = 12_000; // ms for a recording from end to end, at speed 1
const LONGEST = 100; // ms a beat counts at most: a tab that was hidden does not jump

/** The last of `n` places where `holds`, −1 if nowhere; it must hold up to some place and not after it. */
export function lastWhere(n: number, holds: (k: number) => boolean): number {
  let [low, high] = [-1, n];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** The fractional index of a step among at least one frame. */
export function indexAt(frames: Frame[], step: number): number {
  const i = lastWhere(frames.length, (k) => frames[k].step <= step);
  if (i < 0) return 0;
  if (i === frames.length - 1) return i;
  return i + (step - frames[i].step) / (frames[i + 1].step - frames[i].step);
}

/** The step after `ms` more of playing, null at the end. Even in frames: early in training, where most happens, they are dense. */
export function advance(frames: Frame[], step: number, ms: number, speed: number): number | null {
  const index = indexAt(frames, step) + (Math.min(ms, LONGEST) * speed * (frames.length - 1)) / WHOLE;
  const i = Math.floor(index);
  if (i >= frames.length - 1) return null;
  return frames[i].step + (index - i) * (frames[i + 1].step - frames[i].step);
}
