// An MP4 file with one H.264 track (ISO/IEC 14496-12 and -15): the table of contents first, then all pictures in one chunk.

import { type Bytes, join, type Part, type Sample, type Track, u16, u32, uint } from "./bytes";

const box = (name: string, ...parts: Part[]): Bytes => {
  const inside = join(parts);
  return join([u32(inside.length + 8), name, inside]);
};
/** A box with version 0 and flags. */
const full = (name: string, flags: number, ...parts: Part[]) => box(name, u32(flags), ...parts);

const UNITY = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
const zeros = (count: number) => new Uint8Array(count);

export function mp4(track: Track, samples: Sample[]): Bytes {
  const start = box("ftyp", "isom", u32(512), "isomiso2avc1mp41");
  const contents = (at: number) => moov(track, samples, at);
  const offset = start.length + contents(0).length + 8; // its length does not depend on the offset
  return join([start, contents(offset), box("mdat", ...samples.map(({ bytes }) => bytes))]);
}

function moov({ width, height, rate, description }: Track, samples: Sample[], offset: number): Bytes {
  const length = samples.length;
  const keys = samples.flatMap(({ key }, i) => (key ? [i + 1] : []));
  const entry = box(
    "avc1",
    ...[zeros(6), u16(1), zeros(16), u16(width, height), u32(0x480000, 0x480000), zeros(4), u16(1)],
    ...[zeros(32), u16(24, 0xffff), box("avcC", description)],
  );
  const table = box(
    "stbl",
    full("stsd", 0, u32(1), entry),
    full("stts", 0, u32(1, length, 1)),
    full("stss", 0, u32(keys.length, ...keys)),
    full("stsc", 0, u32(1, 1, length, 1)),
    full("stsz", 0, u32(0, length, ...samples.map(({ bytes }) => bytes.length))),
    full("stco", 0, u32(1, offset)),
  );
  const media = box(
    "mdia",
    full("mdhd", 0, u32(0, 0, rate, length), u16(0x55c4, 0)), // times in pictures; language: undetermined
    full("hdlr", 0, zeros(4), "vide", zeros(12), uint(1, 0)),
    box("minf", full("vmhd", 1, zeros(8)), box("dinf", full("dref", 0, u32(1), full("url ", 1))), table),
  );
  return box(
    "moov",
    full("mvhd", 0, u32(0, 0, rate, length, 0x10000), u16(0x100), zeros(10), UNITY, zeros(24), u32(2)),
    box("trak", full("tkhd", 3, u32(0, 0, 1, 0, length), zeros(16), UNITY, u32(width * 65536, height * 65536)), media),
  );
}
