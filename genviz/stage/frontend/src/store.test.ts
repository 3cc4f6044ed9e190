import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { source } from "./store";
import { browser, bytes, frame, line, metric, pass, RUNNING, Socket, STEPS, scene, watched } from "./testing";

beforeEach(browser);
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the socket", () => {
  test("one for all, where Streamlit is mounted; one object a source, whoever loads the module", async () => {
    const a = source("run:a");
    a.retain();
    source("run:b").listen(() => {});
    expect(Socket.all.map(({ url }) => url)).toEqual(["ws://here/genviz/api/live"]);
    Socket.last.open();
    expect(Socket.last.sent).toMatchObject([{ run: "a", at: { journal: 0, metrics: 0, frames: 0 } }, { run: "b" }]);
    vi.resetModules();
    const again = await import("./store");
    expect(again.source("run:a")).toBe(a);
    expect(() => source("abc")).toThrow(/run:<id>/);
  });

  test("base may be overruled", () => {
    window.__genviz = { base: "https://there/x" };
    source("run:a").retain();
    expect(Socket.last.url).toBe("wss://there/x/api/live");
  });

  test("a gap is not taken in; the stream is asked for again from the cursor, and stale messages are dropped", () => {
    const { run } = watched();
    const { frames } = Socket.last.asked.at ?? {};
    expect(frames).toBe(0);
    const stale = Socket.last.asked.no;
    Socket.last.give(1, 12, metric(2, 0, 2)); // something before it was lost
    Socket.last.give(1, 0, metric(1, 0, 1), stale); // right, but on its way under the old number
    expect(window.__genviz?.stats?.gaps).toBe(1);
    expect(Socket.last.sent.slice(-2)).toMatchObject([
      { no: stale, at: null },
      { run: "abc", at: { metrics: 0, journal: line(RUNNING).length } },
    ]);
    Socket.last.give(1, 0, bytes(metric(1, 0, 1), metric(2, 0, 2)));
    Socket.last.give(0, line(RUNNING).length, line({ columns: ["elbo"], at: 0 })); // the name may come after the values
    expect(run.metrics.get("elbo")).toEqual({ steps: [1, 2], values: [1, 2] });
  });

  test("a lost connection is told, tried again ever more slowly, and taken up from the bytes at hand", async () => {
    const { run } = watched();
    const had = scene.length + STEPS.length * frame(0).length; // all captions but two are of one length
    Socket.last.close();
    expect(run.problem).toMatch(/connection to genviz is lost/);
    expect(run.frames).toHaveLength(STEPS.length);
    await pass(299);
    expect(Socket.all).toHaveLength(1);
    await pass(1);
    for (const wait of [480, 768, 1228.8, 1966.08, 2000, 2000]) {
      const count = Socket.all.length;
      Socket.last.close();
      await pass(wait - 2);
      expect(Socket.all).toHaveLength(count);
      await pass(4);
      expect(Socket.all).toHaveLength(count + 1);
    }
    Socket.last.open();
    expect(run.problem).toBe("");
    expect(Socket.last.asked.at?.frames).toBeGreaterThanOrEqual(had);
    Socket.last.give(2, Socket.last.asked.at?.frames ?? 0, frame(300));
    expect(run.frames.at(-1)?.step).toBe(300);
  });

  test("a reset starts that stream anew, a resumed run replaces its last steps", () => {
    const { run } = watched();
    const at = Socket.last.asked.no;
    run.seek(150);
    Socket.last.say({ no: at, reset: "frames" });
    expect(run.frames).toEqual([]);
    expect(Socket.last.asked).toMatchObject({ at: { frames: 0, journal: line(RUNNING).length } });
    const again = bytes(frame(0), frame(4), frame(8), frame(9, 2), frame(9, 2), frame(4), frame(5), frame(6, 2));
    Socket.last.give(2, 0, again);
    expect(run.frames.map(({ step }) => step)).toEqual([0, 4, 5]);
    expect(run.playhead).toBe(5); // what it stood on is gone
    expect(run.shots.map(({ step }) => step)).toEqual([6]);
    Socket.last.give(0, line(RUNNING).length, line({ columns: ["a"], at: 0 }));
    Socket.last.give(1, 0, bytes(metric(1, 0, 1), metric(2, 0, 2), metric(2, 0, 3)));
    expect(run.metrics.get("a")).toEqual({ steps: [1, 2], values: [1, 3] });
  });

  test("an unknown run and a damaged one are named, with a remedy", async () => {
    const { run } = watched();
    Socket.last.say({ no: Socket.last.asked.no, missing: "" });
    expect(run.problem).toBe("The run abc is not on this machine: it may have been removed.");
    await pass(2000); // it may be only about to begin
    Socket.last.give(0, line(RUNNING).length, line(RUNNING));
    expect(run.problem).toBe("");
    Socket.last.give(1, 0, bytes([0, 0], metric(1, 1, 1), metric(1, 1, 1)));
    expect(run.problem).toMatch(/cannot be read: byte 0 of the metrics.*Reload/);
    expect(Socket.last.sent.at(-1)?.at).toBeNull();
  });

  test("the last one to leave ends the subscription after a while, not before", async () => {
    const { run, leave } = watched();
    const release = run.retain();
    leave();
    leave(); // twice is once
    await pass(6000);
    expect(Socket.last.sent.at(-1)?.at).not.toBeNull();
    release();
    await pass(4000);
    const back = run.retain(); // a page switch
    await pass(6000);
    expect(Socket.last.sent).toHaveLength(1);
    back();
    await pass(5000);
    expect(Socket.last.sent.at(-1)?.at).toBeNull();
    expect(run.frames).toHaveLength(STEPS.length);
    expect(window.__genviz?.sources?.has("run:abc")).toBe(false); // who comes later starts anew
    run.retain();
    expect(Socket.last.asked.at?.frames).toBeGreaterThan(0);
  });

  test("commands resolve with their answer, in time or not at all", async () => {
    const { run } = watched();
    const [fine, bad, late] = [run.send("play", { until: 9 }), run.send("edit"), run.send("stop")];
    const calls = Socket.last.sent.slice(-3).map(({ call }) => call);
    expect(Socket.last.sent.at(-3)).toMatchObject({ do: "play", run: "abc", args: { until: 9 } });
    Socket.last.say({ call: calls[1], error: "no such knob" });
    Socket.last.say({ call: calls[0], error: "" });
    expect(await Promise.all([fine, bad])).toEqual(["", "no such knob"]);
    await pass(5000);
    expect(run.problem).toMatch(/still waiting/);
    const answered = run.send("pause");
    Socket.last.say({ call: Socket.last.sent.at(-1)?.call, error: "" });
    expect([await answered, run.problem]).toEqual(["", ""]);
    await pass(30_000);
    expect(await late).toMatch(/No answer/);
    const cut = run.send("pause");
    Socket.last.close();
    expect(await cut).toMatch(/connection was lost/);
    expect(await source("pretrained:moons").send("play")).toMatch(/shipped recording/);
  });
});

describe("the playhead", () => {
  test("sticks to the newest frame until it is moved, and again from the end on", () => {
    const { run } = watched();
    expect(run.playhead).toBe(200);
    run.seek(50);
    Socket.last.give(2, window.__genviz?.stats?.bytes ?? 0, frame(0)); // not at the cursor: ignored
    expect([run.playhead, run.following]).toEqual([50, false]);
    run.seek(1e9);
    expect([run.playhead, run.following]).toEqual([200, true]);
    Socket.last.give(2, Socket.last.asked.at?.frames ?? 0, frame(300));
    expect(run.playhead).toBe(300);
    run.seek(-5);
    expect([run.playhead, run.following]).toEqual([0, false]);
  });

  test("lies between two frames", () => {
    const { run } = watched();
    const at = (step: number) => {
      run.seek(step);
      const around = run.around();
      return [around?.a.step, around?.b.step, around?.mix];
    };
    expect(source("run:other").around()).toBeNull();
    expect(at(0)).toEqual([0, 0, 0]);
    expect(at(3)).toEqual([2, 4, 0.5]);
    expect(at(8)).toEqual([8, 8, 0]);
    expect(at(31)).toEqual([8, 100, 0.25]);
    expect(at(200)).toEqual([200, 200, 0]);
  });

  test("plays all frames evenly in 12 s, from the start if it was at the end, and stops there", async () => {
    const { run } = watched({ status: { state: "done", step: 200, until: 200 } });
    run.play();
    expect([run.playing, run.following, run.playhead]).toEqual([true, false, 0]);
    await pass(6000);
    expect(run.playhead).toBeGreaterThan(3.8); // frame 3 of 0…6 is at step 4
    expect(run.playhead).toBeLessThanOrEqual(4.1);
    await pass(4000);
    expect(run.playhead).toBeGreaterThan(90); // frame 5 is at step 100
    expect(run.playhead).toBeLessThan(101);
    run.play();
    const { playhead } = run;
    await pass(1000);
    expect([run.playing, run.playhead]).toEqual([false, playhead]);
    run.speed = 4;
    run.play();
    await pass(600);
    expect([run.playing, run.playhead]).toEqual([false, 200]);
  });

  test("does not jump where a hidden tab had no animation frames", async () => {
    const { run } = watched();
    run.seek(0);
    run.play(true);
    vi.stubGlobal("requestAnimationFrame", (f: (now: number) => void) => setTimeout(() => f(Date.now()), 5000));
    await pass(20_000);
    expect(run.playing).toBe(true);
    expect(run.playhead).toBeLessThan(0.3); // four beats of 0.1 s, frame 1 of 6 is at 2 s
  });

  test("follows a run that still trains, once it has caught up", async () => {
    const { run } = watched();
    run.play(true);
    expect([run.playing, run.following]).toEqual([false, true]); // it is at the end already
    run.seek(100);
    run.play(true);
    await pass(2100);
    expect([run.playing, run.following, run.playhead]).toEqual([false, true, 200]);
  });

  test("onlookers are told once a frame, also of what another mount sets", async () => {
    const { run, redraw } = watched();
    await pass(20);
    expect(redraw).toHaveBeenCalledTimes(1);
    run.selection = 3;
    run.cursor = Float32Array.of(1);
    run.seek(4);
    await pass(20);
    expect(redraw).toHaveBeenCalledTimes(2);
    run.selection = 3;
    await pass(100);
    expect(redraw).toHaveBeenCalledTimes(2);
  });
});
