import { describe, expect, it } from "vitest";
import type { Source } from "./types";
import { compact, edited, number, position, state, steps } from "./words";

const told = (over: object): Source =>
  ({
    id: "run:a",
    frames: [{ step: 0 }, { step: 840 }],
    status: { state: "running", step: 840, until: 2000 },
    metrics: new Map(),
    edits: [],
    problem: "",
    playhead: 840,
    following: true,
    ...over,
  }) as unknown as Source;

describe("numbers", () => {
  it.each([
    [-115.312, "−115"],
    [1234567, "1,234,567"],
    [2000, "2,000"],
    [0.01234, "0.0123"],
    [0.00001234, "1.2 × 10⁻⁵"],
    [0, "0"],
    [-0.5, "−0.5"],
    [99.96, "100"],
    [Number.NaN, "not a number"],
    [Number.NEGATIVE_INFINITY, "−∞"],
  ])("%d is written %s", (value, text) => expect(number(value)).toBe(text));
  it("counts one step and several", () => expect([steps(1), steps(2000)]).toEqual(["1 step", "2,000 steps"]));
});

it.each([
  [200_000, "200k"],
  [-12_500, "−12.5k"],
  [3_000_000, "3M"],
  [9000, "9,000"],
])("on an axis %d is %s", (value, text) => expect(compact(value)).toBe(text));

describe("the state in words", () => {
  it("tells how far a replay is", () =>
    expect(
      state(told({ frames: [], status: { state: "starting", step: 0, until: 9, message: "replayed 3 of 9 steps" } })),
    ).toBe("starting… replayed 3 of 9 steps"));
  it("says that a change at the end waits, and one before it does not", () => {
    const paused = { status: { state: "paused", step: 840, until: 2000 } };
    expect(state(told({ ...paused, edits: [{ step: 840, verb: "set" }] }))).toBe(
      "paused at step 840 · a change waits: train on",
    );
    expect(state(told({ ...paused, edits: [{ step: 839 }] }))).toBe("paused at step 840");
  });
  it("says what a run does", () => expect(state(told({}))).toBe("training · step 840 of 2,000"));
  it("says that one looks at the past", () =>
    expect(state(told({ following: false, playhead: 64 }))).toBe("training · step 840 of 2,000 · you see step 64"));
  it("says why it ended", () =>
    expect(state(told({ status: { state: "diverged", step: 840, until: 2000, message: "the loss is NaN" } }))).toBe(
      "diverged at step 840: the loss is NaN",
    ));
  it("puts a problem first", () =>
    expect(state(told({ problem: "disconnected, trying again" }))).toBe("disconnected, trying again"));
  it("speaks of a recording", () => expect(state(told({ id: "pretrained:a" }))).toBe("recording of 840 steps · step 840"));
  it("names the position for the slider", () => expect(position(told({ playhead: 12 }))).toBe("step 12 of 2,000"));
  it("names what an edit changed", () => expect(edited({ lr: 0.01, beta: 2 }, "set")).toBe("lr = 0.01, beta = 2"));
});
