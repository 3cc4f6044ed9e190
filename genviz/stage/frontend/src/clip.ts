// A clip of a recording, picture by picture: as playing would show it, whatever time each takes to draw.

import { advance } from "./playback";
import type { Frame } from "./types";
import type { Writer } from "./writers";

export const RATE = { gif: 12.5, video: 30 } as const; // pictures a second
const MOST = { gif: 6e5, video: 2.2e6 } as const; // pixels a picture
const FINE = { gif: 1, video: 2 } as const; // pixels a CSS pixel, if that is not too many
const FEW = 5; // pictures that a palette is made from
const TRIAL = 1000; // ms of work after which it is said how long it will take
export const LONG = 10; // seconds of work that nobody starts unasked

export type Kind = keyof typeof RATE;

/** The training steps of a clip's pictures, from one to the end of the recording. */
export function moments(frames: Frame[], from: number, speed: number, rate: number): number[] {
  const steps: number[] = [];
  for (let step: number | null = from; step !== null; step = advance(frames, step, 1000 / rate, speed)) steps.push(step);
  const last = frames.at(-1)?.step;
  return last === undefined || last <= from ? steps : [...steps, last];
}

export const fineness = (kind: Kind, width: number, height: number) =>
  Math.min(FINE[kind], Math.sqrt(MOST[kind] / (width * height)));

/** A few of the moments, evenly. */
export const few = (steps: number[]) =>
  [...new Set(Array.from({ length: FEW }, (_, i) => Math.round((i * (steps.length - 1)) / (FEW - 1))))].map((i) => steps[i]);

/** How far the work is, and what all of it will come to. */
export type Progress = { share: number; seconds: number; bytes: number };

/** Puts the pictures of all moments into the writer. `go` is told of each, and once, when it is known how long all takes, asked;
 *  false ends it, and gives null. */
export async function record(
  steps: number[],
  writer: Writer,
  show: (step: number) => Promise<HTMLCanvasElement>,
  go: (progress: Progress, first: boolean) => Promise<boolean> | boolean,
): Promise<Blob | null> {
  const [began, trial] = [performance.now(), Math.min(8, steps.length)];
  let asked = false;
  let waited = 0;
  try {
    for (const [i, step] of steps.entries()) {
      await writer.add(await show(step));
      const done = i + 1;
      const spent = performance.now() - began - waited;
      const first: boolean = !asked && (spent > TRIAL || done === trial);
      asked ||= first;
      const whole = steps.length / done;
      const before = performance.now();
      const on = await go(
        { share: done / steps.length, seconds: (spent * whole) / 1000, bytes: writer.guess(done, steps.length) },
        first,
      );
      waited += performance.now() - before;
      if (!on) return null;
      await breathe();
    }
    return await writer.end();
  } finally {
    writer.close();
  }
}

/** Lets the page live; a timer would wait for a second in a tab that nobody looks at. */
function breathe(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((done) => {
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(0);
  });
}

/** "about 25 s of work, about 6 MB" */
export function cost({ seconds, bytes }: Progress): string {
  const size =
    bytes >= 1e6 ? `${(bytes / 1e6).toFixed(bytes >= 1e7 ? 0 : 1)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return `about ${Math.round(seconds)} s of work, about ${size}`;
}
