import { describe, expect, it } from "vitest";
import { rows } from "./strip";
import type { Darkroom, Layer, Pane, Scene } from "./types";

const pane = (name: string, kind: Pane["kind"] = "plane", ...fixed: boolean[]): Pane => ({
  name,
  kind,
  layers: (fixed.length ? fixed : [true, false]).map((still, i) => ({ type: "points", name: `${i}`, static: still }) as Layer),
});
type Shown = Parameters<typeof rows>[0];
const of = (panes: Pane[], film = true): Shown => ({ film: film ? ({} as Darkroom) : null, scene: { panes } as Scene });
const [there, back, third] = [pane("there"), pane("back"), pane("third")];
const [rest, numbers] = [pane("rest", "plane", true, true), pane("figures", "numbers")];

describe("the rows of a strip", () => {
  it.each<[string, Shown, Pane | undefined, Pane[]]>([
    ["both planes of a film, in their order", of([there, back]), there, [there, back]],
    ["what stands still or is no plane does not count", of([rest, there, numbers, back]), there, [there, back]],
    ["one plane of a film", of([there, numbers]), there, [there]],
    ["a plane that stands still has no row", of([there, rest]), there, [there]],
    ["more than two planes", of([there, back, third]), there, [there]],
    ["another pane leads", of([numbers, there, back]), numbers, [numbers]],
    ["only the second is on the stage", of([there, back]), back, [back]],
    ["a run or a walk", of([there, back], false), there, [there]],
    ["no scene yet", { film: {} as Darkroom, scene: null }, undefined, []],
  ])("%s", (_, source, lead, wanted) => expect(rows(source, lead)).toEqual(wanted));
});
