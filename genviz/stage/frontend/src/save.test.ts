import { describe, expect, it, vi } from "vitest";
import type { Sample } from "./bytes";
import { cost, few, fineness, moments, record } from "./clip";
import { mp4 } from "./mp4";
import { fileName, files } from "./save";
import type { Frame, Source } from "./types";
import { webm } from "./webm";
import type { Writer } from "./writers";

const frames = [0, 1, 2, 4, 8, 16, 32, 64].map((step) => ({ step }) as Frame);
const SAMPLES: Sample[] = [3, 5, 4].map((n, i) => ({ bytes: new Uint8Array(n).fill(i + 1), key: i !== 1 }));
const track = { width: 640, height: 360, rate: 25, codec: "V_VP9", description: Uint8Array.of(1, 2, 3) };

describe("a clip", () => {
  it("shows what playing would, and ends with the end", () => {
    const whole = moments(frames, 0, 1, 12.5);
    expect(whole.length).toBe(151); // 12 s, the last picture besides
    expect([whole[0], whole.at(-1)]).toEqual([0, 64]);
    expect(whole.every((step, i) => i === 0 || step > whole[i - 1])).toBe(true);
    expect(moments(frames, 0, 4, 12.5).length).toBe(39);
    expect(moments(frames, 8, 1, 30)[0]).toBe(8);
    expect(moments(frames, 64, 1, 30)).toEqual([64]);
  });
  it("has a few pictures that stand for all", () => {
    expect(few([0, 1, 2, 3, 4, 5, 6, 7, 8])).toEqual([0, 2, 4, 6, 8]);
    expect(few([5, 6])).toEqual([5, 6]);
    expect(few([5])).toEqual([5]);
  });
  it("is as fine as its size allows", () => {
    expect([fineness("gif", 700, 500), fineness("video", 700, 500)]).toEqual([1, 2]);
    expect(fineness("gif", 1000, 1200) ** 2 * 1000 * 1200).toBeCloseTo(6e5);
  });

  const writer = () => {
    const got: HTMLCanvasElement[] = [];
    const made: Writer = {
      ending: ".x",
      guess: (done, of) => (1000 * got.length * of) / done,
      add: async (picture) => void got.push(picture),
      end: async () => new Blob(["whole"]),
      close: vi.fn(),
    };
    return { made, got };
  };
  const show = async (step: number) => ({ step }) as unknown as HTMLCanvasElement;

  it("asks once, says what it will come to, and gives the file", async () => {
    const { made, got } = writer();
    const go = vi.fn(() => true);
    const blob = await record([...Array(20).keys()], made, show, go);
    expect(await blob?.text()).toBe("whole");
    expect(got.map((picture) => (picture as unknown as { step: number }).step)).toEqual([...Array(20).keys()]);
    const told = go.mock.calls as unknown as [{ share: number; bytes: number }, boolean][];
    expect(told.filter(([, first]) => first).map(([{ bytes }]) => bytes)).toEqual([20_000]);
    expect(told.at(-1)?.[0].share).toBe(1);
    expect(made.close).toHaveBeenCalledOnce();
  });
  it("stops when it is told to, and lets go of the encoder", async () => {
    const { made, got } = writer();
    expect(await record([...Array(20).keys()], made, show, ({ share }) => share < 0.25)).toBeNull();
    expect(got.length).toBe(5);
    expect(made.close).toHaveBeenCalledOnce();
  });
  it("states its cost in round words", () => {
    expect(cost({ share: 0, seconds: 24.6, bytes: 6.21e6 })).toBe("about 25 s of work, about 6.2 MB");
    expect(cost({ share: 0, seconds: 11, bytes: 4200 })).toBe("about 11 s of work, about 4 kB");
  });
});

describe("containers", () => {
  it("an MP4 tells where each picture is", () => {
    const file = mp4(track, SAMPLES);
    const view = new DataView(file.buffer);
    const find = (name: string, from = 0): number => {
      for (let at = from; at < file.length - 4; at++) {
        if (String.fromCharCode(...file.subarray(at, at + 4)) === name) return at;
      }
      return -1;
    };
    let at = 0;
    const top: string[] = [];
    while (at < file.length) {
      top.push(String.fromCharCode(...file.subarray(at + 4, at + 8)));
      at += view.getUint32(at);
    }
    expect([top, at]).toEqual([["ftyp", "moov", "mdat"], file.length]);
    expect(view.getUint32(find("stco") + 12)).toBe(find("mdat") + 4);
    expect([...file.subarray(find("mdat") + 4)]).toEqual(SAMPLES.flatMap(({ bytes }) => [...bytes]));
    expect([0, 1, 2, 3].map((i) => view.getUint32(find("stsz") + 12 + 4 * i))).toEqual([3, 3, 5, 4]);
    expect([0, 1, 2].map((i) => view.getUint32(find("stss") + 8 + 4 * i))).toEqual([2, 1, 3]);
    expect([...file.subarray(find("avcC") + 4, find("avcC") + 7)]).toEqual([1, 2, 3]);
  });
  it("a WebM begins a cluster with each picture that stands by itself", () => {
    const file = webm(track, SAMPLES);
    const view = new DataView(file.buffer);
    const read = (from: number, to: number): [id: string, from: number, to: number][] => {
      const out: [string, number, number][] = [];
      for (let at = from; at < to; ) {
        const wide = Math.clz32(file[at]) - 23;
        const id = [...file.subarray(at, at + wide)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
        const begin = at + wide + 8;
        at = begin + view.getUint32(begin - 4);
        out.push([id, begin, at]);
      }
      expect(out.at(-1)?.[2]).toBe(to);
      return out;
    };
    const [header, segment] = read(0, file.length);
    expect([header[0], segment[0]]).toEqual(["1a45dfa3", "18538067"]);
    const inside = read(segment[1], segment[2]);
    expect(inside.map(([id]) => id)).toEqual(["1549a966", "1654ae6b", "1f43b675", "1f43b675"]);
    const blocks = inside.slice(2).map(([, from, to]) => read(from, to).filter(([id]) => id === "a3"));
    expect(blocks.map((some) => some.length)).toEqual([2, 1]);
    const [, second] = blocks[0];
    expect([...file.subarray(second[1], second[2])]).toEqual([0x81, 0, 40, 0, 2, 2, 2, 2, 2]);
  });
});

describe("names and files", () => {
  const named = (data: string, playhead = 840.4) =>
    fileName({ info: { model: "vae", data }, playhead } as unknown as Source, ".gif");
  it("tells model, data and step", () => {
    expect(named("moons:n=200,test=50")).toBe("vae-moons-840.gif");
    expect(named("tables/my data.csv:rows=9")).toBe("vae-my-data-840.gif");
    expect(named("C:\\me\\my.npz")).toBe("vae-my-840.gif");
  });
  it("tells the part of what is begun from a recording", () => {
    const base = { id: "run:x", info: { model: "rbm", data: "bars" }, playhead: 30.6 };
    const walk = { id: "walk:run:x/gibbs", info: {}, playhead: 12, base } as unknown as Source;
    expect(fileName(walk, ".png")).toBe("rbm-bars-gibbs-12.png");
    expect(files(walk)[0][1]).toBe("api/run/x/export/weights?step=30");
  });
  it("offers of a shipped recording its weights alone", () => {
    const paths = (id: string) => files({ id, playhead: 3.7 } as unknown as Source).map(([, path]) => path);
    expect(paths("pretrained:vae-moons")).toEqual(["api/pretrained/vae-moons/export/weights"]);
    const run = ["weights?step=3", "script", "notebook"].map((what) => `api/run/a%20b/export/${what}`);
    expect(paths("run:a b")).toEqual(run);
    expect(paths("still:card")).toEqual([]);
  });
});
