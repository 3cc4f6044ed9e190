import { expect, it, vi } from "vitest";
import { Pair, tell } from "./pair";
import type { Source } from "./types";

const run = (state: string, last: number, over: object = {}) =>
  ({
    status: { state, step: last, until: 100 },
    frames: [{ step: 0 }, { step: last }],
    scene: { latent: 2 },
    info: { data: "moons" },
    playhead: 0,
    following: false,
    playing: false,
    cursor: null,
    selection: -1,
    axes: [0, 1],
    speed: 1,
    play: vi.fn(),
    seek: vi.fn(),
    send: vi.fn(() => Promise.resolve("")),
    ...over,
  }) as unknown as Source;

it("one playhead moves both, as far as each has come", () => {
  const [a, b] = [run("done", 100), run("paused", 60)];
  const pair = new Pair(a, b);
  for (const [at, theirs] of [
    [30, 30],
    [60, 60],
    [90, 60],
  ]) {
    a.playhead = at;
    pair.keep();
    expect([a.playhead, b.playhead]).toEqual([at, theirs]);
  }
});

it("at the head, both stand where the slower one is that still trains", () => {
  for (const [a, b, at] of [
    [run("running", 80), run("running", 60), [60, 60]],
    [run("done", 100), run("running", 60), [60, 60]],
    [run("running", 80), run("done", 60), [80, 60]],
    [run("done", 100), run("paused", 60), [100, 60]],
  ] as const) {
    a.following = true;
    a.playhead = a.frames[1].step;
    new Pair(a, b).keep();
    expect([a.playhead, b.playhead]).toEqual(at);
    expect(b.following).toBe(true);
  }
});

it("cursor and selection are shared, whichever was touched, unless they mean other things", () => {
  const [a, b] = [run("done", 100), run("done", 100)];
  const pair = new Pair(a, b);
  pair.keep();
  b.cursor = Float32Array.of(1, 2);
  b.selection = 7;
  pair.keep();
  expect([a.cursor, a.selection]).toEqual([b.cursor, 7]);
  a.selection = -1;
  pair.keep();
  expect(b.selection).toBe(-1);
  const other = run("done", 100, { scene: { latent: 3 }, info: { data: "digits" } });
  const strange = new Pair(a, other);
  a.selection = 4;
  strange.keep();
  expect([other.cursor, other.selection]).toEqual([null, -1]);
});

it("commands at the head go to both where both stand, to one where the other is ahead", async () => {
  for (const [a, b, verb, both] of [
    [run("paused", 60), run("paused", 60), "play", true],
    [run("paused", 60), run("paused", 60), "step", true],
    [run("paused", 60), run("done", 100), "play", false],
    [run("paused", 60), run("diverged", 60), "play", false],
    [run("running", 60), run("running", 50), "pause", true],
    [run("running", 60), run("paused", 50), "pause", false],
  ] as const) {
    const pair = new Pair(a, b);
    expect(await tell(a, verb)).toBe("");
    expect(a.send).toHaveBeenCalledTimes(1);
    expect(b.send).toHaveBeenCalledTimes(both ? 1 : 0);
    pair.end();
    await tell(a, verb);
    expect(b.send).toHaveBeenCalledTimes(both ? 1 : 0);
  }
});
