import { describe, expect, test } from "vitest";
import { blob, bytes, frame, line, metric, record, safetensors, u32 } from "./testing";
import {
  crc32,
  type Reader,
  readFrames,
  readJournal,
  readLook,
  readMetrics,
  readSafetensors,
  readShipped,
  Splitter,
  widen,
} from "./wire";

const body = bytes(
  new Uint8Array(Uint16Array.of(0, 65535, 13107).buffer),
  [0, 0],
  [0, 51, 255, 0],
  new Uint8Array(Int32Array.of(-7).buffer),
);
const points = {
  type: "points",
  name: "p",
  tensors: {
    xy: { dtype: "u16", shape: [3], at: 0, lo: -1, hi: 4 },
    codes: { dtype: "u8", shape: [1, 3], at: 8, lo: 0, hi: 1 },
    labels: { dtype: "i32", shape: [1], at: 12, lo: 0, hi: 0 },
  },
};

const STREAMS: [string, Reader<unknown>, Uint8Array][] = [
  [
    "journal",
    readJournal,
    bytes(line({ open: { model: "vaë" } }), line({ keyframe: 4 }), line({ edit: { step: 1, verb: "set", args: {} } })),
  ],
  ["metrics", readMetrics, bytes(metric(1, 0, 0.5), metric(1, 1, -2), metric(2, 0, 0.25))],
  [
    "frames",
    readFrames,
    bytes(frame(0), record(1, 1, blob({ layers: { "a/p": points }, limits: {}, caption: "" }, body)), frame(2, 2)),
  ],
];

test.each(STREAMS)("the %s stream may be cut anywhere", (_, read, stream) => {
  const { items, used } = read(stream);
  expect(items).toHaveLength(3);
  expect(used).toBe(stream.length);
  for (let cut = 0; cut <= stream.length; cut++) {
    const splitter = new Splitter(read);
    const parts = [...splitter.feed(stream.slice(0, cut)), ...splitter.feed(stream.slice(cut))];
    expect(parts).toEqual(items);
    expect(splitter.at).toBe(stream.length);
  }
  const single = new Splitter(read);
  expect([...stream].flatMap((byte) => single.feed(Uint8Array.of(byte)))).toEqual(items);
});

test("a scene and its tensors survive the wire", () => {
  const header = {
    panes: [{ name: "a", title: "A?", kind: "plane", layers: [points] }],
    programs: { decode: [["relu"]] },
    latent: 2,
    shape: [28, 28],
  };
  const [moment] = readFrames(record(0, 0, blob(header, body))).items;
  if (moment.kind !== "scene") throw new Error("not a scene");
  const { tensors, ...rest } = moment.scene.panes[0].layers[0];
  expect(moment.scene).toMatchObject({ programs: header.programs, latent: 2, shape: [28, 28] });
  expect(rest).toEqual({ type: "points", name: "p" });
  expect(tensors).toEqual({
    xy: { shape: [3], data: Float32Array.of(-1, 4, 0) },
    codes: { shape: [1, 3], data: Float32Array.of(0, 0.2, 1) },
    labels: { shape: [1], data: Int32Array.of(-7) },
  });
});

test("NaN and Infinity, as Python writes them, are read outside strings only", () => {
  const header = `{"panes": [{"name": "NaN", "layers": [{"type": "numbers", "name": "n", "rows": [["-Infinity", NaN, "", "a \\"NaN\\""], ["b", -Infinity, "", ""]]}]}]}`;
  const [pane] = readLook(blob(header));
  expect(pane.name).toBe("NaN");
  expect(pane.layers[0]).toMatchObject({
    rows: [
      ["-Infinity", Number.NaN, "", 'a "NaN"'],
      ["b", Number.NEGATIVE_INFINITY, "", ""],
    ],
  });
});

describe("what is not ours is refused in words", () => {
  const whole = frame(3);
  const flipped = whole.slice();
  flipped[40] ^= 1;
  test.each<[string, () => unknown, RegExp]>([
    ["foreign record", () => readFrames(bytes("JUNK", new Uint8Array(40))), /byte 0 .* not the start of a record/],
    ["absurd length", () => readFrames(bytes("GVFR", u32(0xffffffff), new Uint8Array(40))), /not the start/],
    ["second record torn", () => readFrames(bytes(whole, whole.slice(4), new Uint8Array(8))), /not the start/],
    ["flipped bit", () => readFrames(flipped), /step 3 is damaged/],
    [
      "tensor out of its record",
      () => readFrames(record(1, 1, blob({ layers: { p: points } }, body.slice(0, 8)))),
      /beyond the end/,
    ],
    ["unknown kind", () => readFrames(record(1, 9, blob({}))), /kind 9/],
    ["shifted metrics", () => readMetrics(bytes([0, 0], metric(1, 1, 1), metric(1, 1, 1))), /not the start of an entry/],
    ["half a journal line", () => readJournal(bytes('{"open": {\n')), /journal line cannot be read/],
    ["short blob", () => readLook(u32(400, 1)), /cut short/],
    ["foreign recording", () => readShipped(bytes("<!doctype html>…")), /not a genviz recording/],
    ["short recording", () => readShipped(bytes("GVSC", u32(4, 4, 4), [1, 2, 3])), /cut short/],
    ["short weights", () => readSafetensors(u32(900, 0, 0)), /cut short/],
    ["strange weights", () => readSafetensors(safetensors({ w: ["BF16", [1], new ArrayBuffer(2)] })), /w is of type BF16/],
    ["wrong shape", () => readSafetensors(safetensors({ w: ["F32", [3], new ArrayBuffer(8)] })), /w is cut short/],
  ])("%s", (_, act, words) => expect(act).toThrow(words));
});

test("a shipped recording falls into its three streams", () => {
  const parts = [line({ keyframe: 0 }), metric(1, 0, 1), frame(0)];
  expect(readShipped(bytes("GVSC", u32(...parts.map((part) => part.length)), ...parts))).toEqual(parts);
});

test("all 65,536 half floats", () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const got = widen(bits);
  const view = new DataView(new ArrayBuffer(4));
  for (let h = 0; h < 65536; h++) {
    // the reference moves the bits into a float32, whose exponent then only needs to be rescaled; 31 is special
    const exponent = (h >> 10) & 31;
    view.setUint32(0, ((h & 0x8000) << 16) | (exponent === 31 ? 0x7f800000 | ((h & 1023) << 13) : (h & 0x7fff) << 13));
    const want = exponent === 31 ? view.getFloat32(0) : view.getFloat32(0) * 2 ** 112;
    if (!Object.is(got[h], want)) throw new Error(`${h}: ${got[h]} instead of ${want}`);
  }
});

test("safetensors of both widths, at any alignment", () => {
  const file = safetensors({
    odd: ["F16", [3], Uint16Array.of(0x3c00, 0xc000, 0x3555).buffer],
    w: ["F32", [1, 2], Float32Array.of(1.5, -3).buffer],
  });
  const tensors = readSafetensors(bytes([9], file).subarray(1));
  expect(tensors.get("w")).toEqual({ shape: [1, 2], data: Float32Array.of(1.5, -3) });
  expect(tensors.get("odd")?.data).toEqual(Float32Array.of(1, -2, 0.333251953125));
  expect([...tensors.keys()]).toEqual(["odd", "w"]);
});

test("crc32 is zlib's", () => expect(crc32(bytes("123456789"))).toBe(0xcbf43926));
