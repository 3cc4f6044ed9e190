import { beforeEach, expect, test, vi } from "vitest";
import { COLUMNS, Damage, type DamageView } from "./damage";
import { FATES } from "./spins";
import { browser, pass } from "./testing";
import type { Pane, Scene, Source } from "./types";

const OWN = Float32Array.from([1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0]);
const PANE: Pane = {
  name: "damage",
  kind: "plane",
  walks: "damage",
  layers: [{ type: "images", name: "memories", tensors: { pixels: { data: OWN, shape: [3, 2, 4] } } }],
};
const SCENE: Scene = { panes: [PANE], programs: {}, latent: 0, shape: [8], controls: [] };
const base = { id: "pretrained:x", scene: SCENE, problem: "", listen: () => () => {} } as unknown as Source;

function made(view: DamageView = {}): Damage {
  const damage = new Damage("damage:pretrained:x", "pretrained:x", () => base);
  damage.view = view;
  return damage;
}
/** All that was asked for. */
function worked(damage: Damage): Damage {
  damage.work(Number.POSITIVE_INFINITY);
  return damage;
}
const picture = (damage: Damage) => Array.from({ length: damage.cells }, (_, cell) => [...damage.fates(cell)].join()).join(" ");
const place = (percent: number, memories: number) => (memories - 1) * COLUMNS + percent;
const STROKES = [[place(10, 3), place(10, 4), place(11, 4)], [place(10, 4), place(30, 19)], [place(10, 4)]];

function stroked(damage: Damage, late = false): Damage {
  for (const cells of STROKES) {
    damage.stroke()(cells);
    if (!late) worked(damage);
  }
  return worked(damage);
}

/** A clock that goes on by a millisecond each time it is read. */
function ticking(): void {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now++);
}

beforeEach(() => {
  browser();
});

test("the same strokes give the same picture, at once or by and by; another seed gives another one", () => {
  const one = stroked(made({ units: 64, seed: 3 }));
  expect([...one.fates(place(10, 4))].reduce((a, b) => a + b)).toBe(3); // painted three times
  expect(picture(stroked(made({ units: 64, seed: 3 }), true))).toBe(picture(one));
  const all = (seed: number) => {
    const damage = made({ units: 64, seed });
    damage.fill();
    return picture(worked(damage));
  };
  expect(all(3)).toBe(all(3));
  expect(all(4)).not.toBe(all(3));
});

test("undo takes the last stroke back, also what still waits, and painting it again is the same", () => {
  const damage = made({ units: 64 });
  const pictures = [picture(damage)];
  for (const cells of STROKES) {
    damage.stroke()(cells);
    pictures.push(picture(worked(damage)));
  }
  damage.undo();
  expect(picture(damage)).toBe(pictures[2]);
  damage.stroke()(STROKES[2]);
  expect(picture(worked(damage))).toBe(pictures[3]);
  damage.stroke()([place(5, 5)]);
  damage.undo();
  expect(damage.busy).toBe(false);
  for (let k = 2; k >= 0; k--) {
    damage.undo();
    expect(picture(damage)).toBe(pictures[k]);
  }
  expect(damage.painted).toBe(false);
});

test("undo leaves what the other strokes would have made without it, in whatever order their recalls came", () => {
  const damage = made({ units: 64 });
  const places = Array.from({ length: 40 }, (_, k) => place(k, 12));
  damage.stroke()(places);
  damage.stroke()(places); // the newer one is served first
  damage.work(Number.POSITIVE_INFINITY);
  damage.undo();
  const once = made({ units: 64 });
  once.stroke()(places);
  expect(picture(damage)).toBe(picture(worked(once)));
});

test("a stroke that is taken back under the hand goes on as another one", () => {
  const damage = made({ units: 64 });
  const brush = damage.stroke();
  brush([place(10, 3)]);
  damage.undo();
  brush([place(10, 4)]);
  worked(damage);
  expect([damage.painted, damage.fates(place(10, 3)).some(Boolean)]).toEqual([true, false]);
  damage.undo();
  expect([damage.painted, damage.fates(place(10, 4)).some(Boolean)]).toEqual([false, false]);
});

test("it fills all of the plane, the newest stroke coming first, can be stopped, and says so in the link", () => {
  const damage = made({ units: 64 });
  damage.fill();
  expect(damage.view).toEqual({ units: 64, filled: true });
  damage.stroke()([place(20, 1)]);
  ticking();
  damage.work(performance.now() + 4);
  expect(damage.fates(place(20, 1)).some((n) => n)).toBe(true);
  damage.stop();
  expect([damage.busy, damage.progress, damage.view.filled]).toEqual([false, null, undefined]);
  damage.wipe();
  damage.fill();
  worked(damage);
  for (let cell = 0; cell < damage.cells; cell++) expect(damage.fates(cell).reduce((a, b) => a + b)).toBe(4);
  const again = made(damage.view);
  expect(picture(worked(again))).toBe(picture(damage));
});

test("other settings paint the same places again; with more memories a plane that was filled is filled", () => {
  const damage = stroked(made({ units: 64 }));
  damage.set({ rule: "pinv" });
  expect(picture(worked(damage))).toBe(picture(stroked(made({ units: 64, rule: "pinv" }))));
  damage.fill();
  damage.set({ units: 100 });
  expect(damage.rows).toBe(30);
  for (let cell = 0; cell < worked(damage).cells; cell++) expect(damage.fates(cell).reduce((a, b) => a + b)).toBe(4);
});

test("few memories come back and too many do not, where spurious states take their place", () => {
  const damage = made({ units: 100 });
  damage.fill();
  worked(damage);
  damage.noise = 10;
  const share = (row: number, fate: (typeof FATES)[number]) => {
    const counts = damage.near(row);
    return counts[FATES.indexOf(fate)] / counts.reduce((a, b) => a + b);
  };
  expect(share(1, "recalled")).toBeGreaterThan(0.95);
  expect(share(29, "spurious")).toBeGreaterThan(0.6);
  expect(damage.fates(place(0, 1))[FATES.indexOf("recalled")]).toBe(4);
});

test("all at once it swings at high load, between two states that are told", () => {
  const damage = made({ units: 100, together: true });
  damage.stroke()(Array.from({ length: 60 }, () => place(40, 30)));
  worked(damage);
  expect(damage.fates(place(40, 30))[FATES.indexOf("swings")]).toBeGreaterThan(5);
  const { last } = damage;
  expect(last?.fate === "swings").toBe(last?.other !== null);
  damage.set({ together: false });
  expect(worked(damage).fates(place(40, 30))[FATES.indexOf("swings")]).toBe(0);
});

test("the page's own memories are bits of its pictures; without them the link's wish for them is not granted", () => {
  const damage = made({ own: true });
  expect([damage.rows, damage.units, damage.shape]).toEqual([3, 8, [2, 4]]);
  damage.stroke()([place(0, 1)]);
  expect([...(worked(damage).last?.memory ?? [])]).toEqual([1, 1, 1, 1, -1, -1, -1, -1]);
  const bare = { ...base, scene: { ...SCENE, panes: [{ ...PANE, layers: [] }] } } as Source;
  const other = new Damage("damage:y", "y", () => bare);
  other.view = { own: true };
  expect([other.of.own, other.rows, other.shape]).toEqual([false, 60, [10, 20]]);
});

test("it paints a little in each animation frame, while somebody looks", async () => {
  const damage = made({ units: 64 });
  ticking();
  const leave = damage.listen(() => damage.seen());
  damage.fill();
  await pass(100);
  const { progress } = damage;
  expect(progress).toBeGreaterThan(0);
  expect(progress).toBeLessThan(1);
  leave();
});
