import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Subscriber } from "./live";
import { source } from "./store";
import { blob, browser, bytes, frame, line, metric, pass, RUNNING, Socket, safetensors, scene, u32, watched } from "./testing";

const fetched = vi.fn<(url: string) => Promise<Response>>();
beforeEach(() => {
  browser();
  fetched.mockReset();
  vi.stubGlobal("fetch", fetched);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const file = (w: number) => new Response(safetensors({ w: ["F32", [1, 1], Float32Array.of(w).buffer] }).buffer as ArrayBuffer);
const one = Float32Array.of(1);

test("weights of the newest keyframe at or before the playhead, at most two sets a second", async () => {
  const { run } = watched();
  Socket.last.give(0, line(RUNNING).length, bytes(...[0, 4, 100].map((keyframe) => line({ keyframe }))));
  fetched.mockImplementation(async (url) => file(Number(/weights\/(\d+)/.exec(url)?.[1])));
  run.attend();
  run.seek(99);
  expect(run.program("decode")).toBeNull();
  await pass(0);
  expect(fetched.mock.calls).toEqual([["http://here/genviz/api/run/abc/weights/4"]]);
  expect(run.program("decode")?.(one)[0]).toBe(4);
  run.seek(200);
  expect(run.program("decode")?.(one)[0]).toBe(4); // what is at hand, until the right ones have come
  run.seek(3);
  expect(run.program("decode")).toBeNull(); // never weights from after the playhead
  await pass(499);
  expect(fetched).toHaveBeenCalledTimes(1);
  await pass(1);
  expect(fetched.mock.lastCall?.[0]).toMatch(/weights\/0$/);
  expect(run.program("decode")?.(one)[0]).toBe(0);
  expect(run.program("decode")).toBe(run.program("decode"));
  expect(run.program("broken")).toBeNull();
  expect(run.problem).toMatch(/broken cannot run in the browser: the weights hold no tensor x/);
});

test("where nobody looks training fetches no weights, and a playhead that rests one set", async () => {
  const { run } = watched();
  fetched.mockImplementation(async (url) => file(Number(/weights\/(\d+)/.exec(url)?.[1])));
  const at = () => (run as unknown as Subscriber).at();
  const journal = (entry: unknown) => Socket.last.give(0, at().journal, line(entry));
  const look = async () => {
    for (let k = 0; k < 20; k++) {
      run.program("decode");
      await pass(50);
    }
  };
  for (const keyframe of [0, 4, 100, 200]) {
    journal({ keyframe });
    await look();
  }
  expect(fetched).toHaveBeenCalledTimes(0);
  journal({ status: { state: "paused", step: 200, until: 200 } });
  await look();
  expect(fetched.mock.calls).toEqual([["http://here/genviz/api/run/abc/weights/200"]]);
  journal(RUNNING);
  const leave = run.attend();
  Socket.last.give(2, at().frames, frame(300));
  journal({ keyframe: 300 });
  await look();
  leave();
  Socket.last.give(2, at().frames, frame(400));
  journal({ keyframe: 400 });
  await look();
  expect(fetched.mock.calls.slice(1)).toEqual([["http://here/genviz/api/run/abc/weights/300"]]);
});

test("panels: one question at a time, the newest wins, answers are kept, refusals too", async () => {
  const { run } = watched();
  Socket.last.give(0, line(RUNNING).length, line({ keyframe: 4 }));
  fetched.mockImplementation(async (url) =>
    url.endsWith("=3")
      ? Response.json({ error: "no point 3" }, { status: 400 })
      : new Response(blob({ panes: [{ name: url }] }).buffer as ArrayBuffer),
  );
  for (const point of [1, 2, 3]) expect(run.ask("post erior", point)).toBeNull();
  await pass(20);
  expect(fetched.mock.calls).toEqual([["http://here/genviz/api/run/abc/look/post%20erior?step=4&point=1"]]);
  expect(run.ask("post erior", 3)).toBeNull();
  await pass(20);
  expect(run.ask("post erior", 3)).toEqual({ error: "no point 3" });
  expect(run.ask("post erior", 1)).toMatchObject([{ layers: [] }]);
  expect(fetched).toHaveBeenCalledTimes(2);
  fetched.mockRejectedValue(new TypeError("fetch failed"));
  run.ask("post erior", 5);
  await pass(20);
  expect(run.ask("post erior", 5)).toEqual({ error: expect.stringMatching(/genviz does not answer.*tried again/) });
  await pass(2000);
  expect(run.ask("post erior", 5)).toBeNull();
});

test("a shipped recording: at once, with one set of weights; a missing one is named", async () => {
  const streams = [line({ open: { model: "vae" } }), metric(1, 0, 1), bytes(scene, frame(0), frame(8))];
  fetched.mockRejectedValueOnce(new TypeError("fetch failed"));
  fetched.mockResolvedValueOnce(
    new Response(bytes("GVSC", u32(...streams.map((each) => each.length)), ...streams).buffer as ArrayBuffer),
  );
  const moons = source("pretrained:moons");
  moons.listen(() => {});
  await pass(20);
  expect(moons.problem).toMatch(/moons could not be fetched: genviz does not answer/);
  await pass(2020);
  expect(moons).toMatchObject({ problem: "", playhead: 8, info: { model: "vae" }, status: { state: "done" } });
  fetched.mockImplementation(async () => file(2));
  window.location.search = "?dtype=f32";
  moons.program("decode");
  await pass(0);
  expect(fetched.mock.lastCall?.[0]).toBe("http://here/genviz/api/pretrained/moons/weights/0?dtype=f32");
  fetched.mockImplementation(async () => Response.json({ error: "?" }, { status: 404 }));
  const nothing = source("pretrained:nothing");
  nothing.retain();
  await pass(20);
  expect(nothing.problem).toMatch(/nothing does not come with this genviz/);
  expect(Socket.all).toHaveLength(0);
});
