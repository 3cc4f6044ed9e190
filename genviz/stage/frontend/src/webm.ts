// A WebM file with one VP8 or VP9 track (RFC 8794, RFC 9559): a cluster from each picture that stands by itself.

import { type Bytes, join, type Part, type Sample, type Track, u16, uint } from "./bytes";

/** An element: its id, its size in eight bytes, what is in it. */
const element = (id: number, ...parts: Part[]): Bytes => {
  const inside = join(parts);
  const name = uint(id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1, id);
  return join([name, [0x01, ...uint(7, inside.length)], inside]);
};
const real = (value: number): Bytes => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
};

export function webm({ width, height, rate, codec }: Track, samples: Sample[]): Bytes {
  const ms = (i: number) => Math.round((1000 * i) / rate);
  const header = element(
    0x1a45dfa3,
    ...[element(0x4286, [1]), element(0x42f7, [1]), element(0x42f2, [4]), element(0x42f3, [8])],
    ...[element(0x4282, "webm"), element(0x4287, [4]), element(0x4285, [2])],
  );
  const times = [element(0x2ad7b1, uint(3, 1_000_000)), element(0x4489, real(ms(samples.length)))];
  const info = element(0x1549a966, ...times, element(0x4d80, "genviz"), element(0x5741, "genviz"));
  const size = element(0xe0, element(0xb0, u16(width)), element(0xba, u16(height)));
  const about = [element(0xd7, [1]), element(0x73c5, [1]), element(0x83, [1])];
  const tracks = element(0x1654ae6b, element(0xae, ...about, element(0x86, codec), size));
  const clusters: Bytes[] = [];
  for (let from = 0; from < samples.length; ) {
    let to = from + 1;
    while (to < samples.length && !samples[to].key) to++;
    const blocks = samples
      .slice(from, to)
      .map(({ bytes, key }, i) => element(0xa3, [0x81, ...u16(ms(from + i) - ms(from)), key ? 0x80 : 0], bytes));
    clusters.push(element(0x1f43b675, element(0xe7, uint(4, ms(from))), ...blocks));
    from = to;
  }
  return join([header, element(0x18538067, info, tracks, ...clusters)]);
}
