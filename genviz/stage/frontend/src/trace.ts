// A particle that a person drags: its whole path is solved anew while she does, with the same noise at every solution.
// The source's cursor holds it: x1, x2 and the chain time at which it is there.

import { type Brush, pen } from "./draw/brush";
import { Chance } from "./random";
import { words } from "./remote";
import type { Program, Source, Trace } from "./types";

/** Positions by chain time: `xy[2t]`, `xy[2t + 1]` for t from `first` (noise) down to `last` (data). */
export type Solved = { xy: Float32Array; first: number; last: number };

/** The chain time, counted in steps that are left, at a place of the film. */
export function timeAt({ clock }: Trace, playhead: number): number {
  const at = Math.min(Math.max(playhead, 0), clock.length - 1);
  const [a, b] = [clock[Math.floor(at)], clock[Math.ceil(at)]];
  return a + (b - a) * (at % 1);
}

/** From where it is put both ways: `ahead` undoes a step, `back` takes it without noise. A film that leaves steps out leaves out none here. */
export function solve(
  ahead: Program,
  back: Program | null,
  clock: number[],
  [x1, x2, time]: ArrayLike<number> & Iterable<number>,
  chance: Chance,
): Solved {
  const [first, last] = [Math.max(...clock), Math.min(...clock)];
  const xy = new Float32Array(2 * (first + 1)).fill(Number.NaN);
  const start = Math.min(Math.max(Math.round(time), last), first);
  const keep = (x: Float32Array, t: number) => {
    xy[2 * t] = x[0];
    xy[2 * t + 1] = x[1];
  };
  const x = Float32Array.of(x1, x2);
  keep(x, start);
  for (let t = start; t > last; t--) {
    x.set(ahead(x, { t, noise: chance.turn(0, t).noise }));
    keep(x, t - 1);
  }
  x.set([x1, x2]);
  for (let t = start + 1; back && t <= first; t++) {
    x.set(back(x, { t }));
    keep(x, t);
  }
  return { xy, first, last };
}

/** Solves for one pane, only when the particle, the weights or the noise are others. */
export class Tracer {
  problem = "";
  private key = "";
  private programs: [Program, Program | null] | null = null;
  private solved: Solved | null = null;

  path(source: Source, layer: Trace): Solved | null {
    const { cursor } = source;
    if (cursor?.length !== 3) return null;
    const ahead = source.program(layer.ahead);
    const back = layer.back ? source.program(layer.back) : null;
    if (!ahead || (layer.back && !back)) return null;
    const key = `${cursor}|${source.film?.seed}|${layer.clock}`;
    if (key === this.key && this.programs?.[0] === ahead && this.programs[1] === back) return this.solved;
    this.key = key;
    this.programs = [ahead, back];
    try {
      this.solved = solve(ahead, back, layer.clock, cursor, new Chance(source.film?.seed ?? 0));
      this.problem = "";
    } catch (error) {
      this.solved = null;
      this.problem = `The path cannot be solved here: ${words(error)}.`;
    }
    return this.solved;
  }

  /** Where it is at the playhead. */
  at(source: Source, layer: Trace): [number, number] | null {
    const solved = this.path(source, layer);
    return solved && between(solved.xy, timeAt(layer, source.playhead));
  }

  draw(b: Brush, source: Source, layer: Trace): void {
    const solved = this.path(source, layer);
    if (!solved) return;
    const { xy, first, last } = solved;
    const now = timeAt(layer, source.playhead);
    const { g, plane, theme } = b;
    const at = (t: number): [number, number] => {
      const [x, y] = between(xy, t);
      return [plane.px(x), plane.py(y)];
    };
    const line = (from: number, to: number) => {
      g.beginPath();
      g.moveTo(...at(from));
      for (let t = Math.ceil(from) - 1; t > to; t--) g.lineTo(...at(t));
      g.lineTo(...at(to));
    };
    g.lineJoin = "round";
    for (const [from, to, role] of [
      [first, now, "noise"],
      [now, last, "model"],
    ] as const) {
      line(from, to);
      g.setLineDash([]);
      g.strokeStyle = `rgb(${theme.paper.join(" ")} / 0.8)`;
      g.lineWidth = 5;
      g.stroke();
      pen(b, role, 2.25);
      g.stroke();
    }
    dot(b, at(last), 4, theme.role.model, false);
    dot(b, at(first), 3, theme.role.noise, true);
    dot(b, at(now), 8, theme.role.model, true);
  }
}

function between(xy: Float32Array, t: number): [number, number] {
  const [a, b] = [2 * Math.floor(t), 2 * Math.ceil(t)];
  const mix = t % 1;
  return [xy[a] + mix * (xy[b] - xy[a]), xy[a + 1] + mix * (xy[b + 1] - xy[a + 1])];
}

function dot({ g, theme }: Brush, [x, y]: [number, number], r: number, colour: string, full: boolean): void {
  g.setLineDash([]);
  g.beginPath();
  g.arc(x, y, r, 0, 6.2832);
  g.lineWidth = 4;
  g.strokeStyle = `rgb(${theme.paper.join(" ")})`;
  g.stroke();
  g.fillStyle = full ? colour : `rgb(${theme.paper.join(" ")})`;
  g.fill();
  if (full) return;
  g.lineWidth = 2;
  g.strokeStyle = colour;
  g.stroke();
}
