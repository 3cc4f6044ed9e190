// From pictures to a file: a GIF, or a video through the browser's own encoder. Palette and LZW of a GIF are gifenc's (4 kB,
// nothing behind it); the two containers of a video are a screen each here, a library for them would double the stage.

import { applyPalette, GIFEncoder, quantize } from "gifenc";
import type { Sample, Track } from "./bytes";
import { mp4 } from "./mp4";
import { webm } from "./webm";

/** Takes pictures of one size one after the other, and makes a file of them. */
export interface Writer {
  readonly ending: string;
  /** Bytes that `of` pictures will come to, to judge by those that are `done`. */
  guess(done: number, of: number): number;
  add(picture: HTMLCanvasElement): Promise<void>;
  end(): Promise<Blob>;
  close(): void;
}

const REST = 1500; // ms that a GIF shows its last picture before it begins anew

function pixels(picture: HTMLCanvasElement): Uint8ClampedArray {
  const g = picture.getContext("2d");
  if (!g) throw new Error("the browser gives no canvas to draw on");
  return g.getImageData(0, 0, picture.width, picture.height).data;
}

/** One palette for the whole clip, from a few of its pictures: so no colour flickers. */
export function gif(few: HTMLCanvasElement[], rate: number): Writer {
  const seen = few.map(pixels);
  const all = new Uint8ClampedArray(seen.reduce((sum, { length }) => sum + length, 0));
  for (const [i, data] of seen.entries()) all.set(data, i * seen[0].length);
  const palette = quantize(all, 256, { format: "rgb565" });
  const sample = GIFEncoder();
  for (const [i, data] of seen.entries()) {
    sample.writeFrame(applyPalette(data, palette, "rgb565"), few[i].width, few[i].height, { palette, delay: 0 });
  }
  const each = sample.bytesView().length / seen.length;
  const encoder = GIFEncoder();
  let first = true;
  let last: { index: Uint8Array; width: number; height: number } | null = null;
  const write = (delay: number) => {
    if (last) encoder.writeFrame(last.index, last.width, last.height, { delay, repeat: 0, ...(first && { palette }) });
    if (last) first = false;
  };
  return {
    ending: ".gif",
    guess: (_, of) => each * of,
    async add(picture) {
      write(1000 / rate);
      last = { index: applyPalette(pixels(picture), palette, "rgb565"), width: picture.width, height: picture.height };
    },
    async end() {
      write(REST);
      encoder.finish();
      return new Blob([encoder.bytesView()], { type: "image/gif" });
    },
    close() {},
  };
}

// H.264 plays everywhere; what follows, in a browser.
const CODECS: [codec: string, name: string][] = [
  ["avc1.640028", "mp4"],
  ["avc1.640033", "mp4"],
  ["avc1.42e033", "mp4"],
  ["vp09.00.51.08", "V_VP9"],
  ["vp8", "V_VP8"],
];
const KEY = 2; // seconds between pictures that stand by themselves
const QUEUE = 4; // pictures that may wait for the encoder
const DENSITY = 0.12; // bits a pixel

type Choice = { config: VideoEncoderConfig; name: string };

/** How this browser can encode a video of that size; null if it cannot. */
export async function encoding(width: number, height: number, rate: number): Promise<Choice | null> {
  if (typeof VideoEncoder === "undefined") return null;
  const bitrate = Math.min(Math.max(width * height * rate * DENSITY, 1e6), 12e6);
  for (const [codec, name] of CODECS) {
    const config: VideoEncoderConfig = { codec, width, height, framerate: rate, bitrate, latencyMode: "quality" };
    if (name === "mp4") config.avc = { format: "avc" };
    const answer = await VideoEncoder.isConfigSupported(config).catch(() => null);
    if (answer?.supported) return { config, name };
  }
  return null;
}

export function video({ config, name }: Choice): Writer {
  const { width, height, framerate: rate = 30 } = config;
  const track: Track = { width, height, rate, codec: name, description: new Uint8Array() };
  const samples: Sample[] = [];
  let [bytes, count, time] = [0, 0, Number.NEGATIVE_INFINITY];
  let problem: Error | null = null;
  const encoder = new VideoEncoder({
    output: (chunk, about) => {
      const given = about?.decoderConfig?.description;
      if (given) track.description = ArrayBuffer.isView(given) ? copy(given) : new Uint8Array(given as ArrayBuffer);
      if (chunk.timestamp <= time) problem = new Error("the encoder gives its pictures out of order");
      time = chunk.timestamp;
      const sample = new Uint8Array(chunk.byteLength);
      chunk.copyTo(sample);
      samples.push({ bytes: sample, key: chunk.type === "key" });
      bytes += sample.length;
    },
    error: (error) => {
      problem = error;
    },
  });
  encoder.configure(config);
  return {
    ending: name === "mp4" ? ".mp4" : ".webm",
    guess: (done, of) => (bytes / done) * of,
    async add(picture) {
      while (encoder.encodeQueueSize > QUEUE && !problem) {
        await new Promise((go) => {
          encoder.addEventListener("dequeue", go, { once: true });
          setTimeout(go, 1000); // it may have failed meanwhile
        });
      }
      if (problem) throw problem;
      const frame = new VideoFrame(picture, { timestamp: Math.round((1e6 * count) / rate), duration: Math.round(1e6 / rate) });
      encoder.encode(frame, { keyFrame: count % (KEY * rate) === 0 });
      frame.close();
      count++;
    },
    async end() {
      await encoder.flush();
      encoder.close();
      if (problem) throw problem;
      const file = name === "mp4" ? mp4(track, samples) : webm(track, samples);
      return new Blob([file], { type: name === "mp4" ? "video/mp4" : "video/webm" });
    },
    close() {
      if (encoder.state !== "closed") encoder.close();
    },
  };
}

const copy = (view: ArrayBufferView) => new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
