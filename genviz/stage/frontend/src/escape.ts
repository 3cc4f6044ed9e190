// How long chains stay in a mode before they come to another one: what each lane tells now, and what it told at other barriers.

import type { Race } from "./race";

export const MOST_DOTS = 40;

/** Evaluations for each jump; `open`: none has been seen in so many. */
export type Dot = { lane: number; barrier: number; per: number; open: boolean };

/** Of each lane up to the step it shows, or up to the last one it took; lanes that have not begun tell nothing. */
export function escapes(race: Race, barrier: number, last = false): Dot[] {
  if (!race.modes || Number.isNaN(barrier)) return [];
  return race.lanes.flatMap((lane, i) => {
    const step = last ? lane.steps : Math.min(race.step(i), lane.steps);
    if (!step) return [];
    const jumps = lane.jumps(step);
    const per = (step * lane.kernel.cost * lane.many) / Math.max(jumps, 1);
    return [{ lane: i, barrier: Number(barrier.toFixed(2)), per: Number(per.toPrecision(3)), open: !jumps }];
  });
}

/** With what the lanes tell now; at the same barrier the newer counts. */
export function remembered(past: Dot[], now: Dot[]): Dot[] {
  const kept = past.filter((old) => !now.some(({ lane, barrier }) => lane === old.lane && barrier === old.barrier));
  return [...kept, ...now].slice(-MOST_DOTS);
}

/** Of a lane that is another one now, or of one that is gone: those after it move up. */
export const forgotten = (past: Dot[], lane: number, gone: boolean): Dot[] =>
  past.filter((dot) => dot.lane !== lane).map((dot) => (gone && dot.lane > lane ? { ...dot, lane: dot.lane - 1 } : dot));

/** In a link: [lane, barrier, evaluations], and a 1 where they are more than that. */
export const dotRows = (past: Dot[]): number[][] =>
  past.map(({ lane, barrier, per, open }) => [lane, barrier, per, ...(open ? [1] : [])]);

const HIGHEST = 1e4; // nats
const LONGEST = 1e9; // evaluations

const fits = (barrier: number, per: number) => barrier >= 0 && barrier <= HIGHEST && per >= 1 && per <= LONGEST;

/** … as far as they make sense. */
export const dotsOf = (told: number[][], lanes: number): Dot[] =>
  told
    .filter(([lane, barrier, per]) => Number.isInteger(lane) && lane >= 0 && lane < lanes && fits(barrier, per))
    .map(([lane, barrier, per, open]) => ({ lane, barrier, per, open: open === 1 }))
    .slice(-MOST_DOTS);
