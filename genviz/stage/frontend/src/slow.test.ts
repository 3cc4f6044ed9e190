import { expect, test, vi } from "vitest";
import { Slow } from "./slow";
import type { Frame, Source } from "./types";

const shot = (): Frame => ({ step: 1, time: Date.now() / 1000, caption: "…", layers: {} }) as unknown as Frame;

test("a moment that was on its way does not switch slow motion on again", () => {
  vi.useFakeTimers();
  const shots: Frame[] = [];
  const source = { shots, following: true, status: { state: "running", step: 1, until: 9, slow: true }, changed: () => {} };
  const slow = new Slow(source as unknown as Source);
  shots.push(shot());
  slow.take();
  expect(slow.on).toBe(true); // switched on elsewhere
  slow.set(false);
  shots.push(shot());
  slow.take();
  expect(slow.on).toBe(false);
  source.status.slow = false; // the run has heard of it
  shots.push(shot());
  slow.take();
  expect(slow.on).toBe(false);
  source.status.slow = true; // somebody else again
  shots.push(shot());
  slow.take();
  expect(slow.on).toBe(true);
  vi.useRealTimers();
});

test("switched off before the run has said that it was on, it ends when the run has heard both", () => {
  vi.useFakeTimers();
  const shots: Frame[] = [];
  const source = { shots, following: true, status: { state: "running", step: 1, until: 9, slow: false }, changed: () => {} };
  const slow = new Slow(source as unknown as Source);
  slow.set(true);
  slow.take();
  slow.set(false);
  slow.take();
  source.status.slow = true; // of the first of the two
  shots.push(shot());
  slow.take();
  source.status.slow = false; // of the second
  slow.take();
  expect(slow.on).toBe(false);
  vi.useRealTimers();
});
