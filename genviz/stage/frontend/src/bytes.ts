// Small builders for binary formats: numbers as big-endian bytes, and parts put together.

export type Bytes = Uint8Array<ArrayBuffer>;
export type Part = Uint8Array | number[] | string; // a string: its letters

export const uint = (size: number, value: number): number[] =>
  Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** (size - 1 - i)) % 256);
export const u16 = (...values: number[]) => values.flatMap((value) => uint(2, value));
export const u32 = (...values: number[]) => values.flatMap((value) => uint(4, value));

export function join(parts: Part[]): Bytes {
  const whole = parts.map((part) => (typeof part === "string" ? new TextEncoder().encode(part) : Uint8Array.from(part)));
  const out = new Uint8Array(whole.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of whole) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** One picture of a video, encoded. */
export type Sample = { bytes: Uint8Array; key: boolean };
/** What a container must say of its one track: pixels, pictures a second, and the codec's name and own description. */
export type Track = { width: number; height: number; rate: number; codec: string; description: Uint8Array };
