// Memories to be damaged and recalled: patterns, their weights for each number of them, and one recall after the other. All that
// comes of a recall is a function of the settings, the place and the trial.

import { Chance } from "./random";
import { type End, judged, Network, type Rule, type Spins, shuffle, Weights } from "./spins";

export const SIZES = [64, 100, 200]; // units of the random patterns
const LOAD = 0.3; // patterns a unit, at most

/** `own`: the memories of the page in place of random ones; `together`: all units move at once. */
export type Settings = { rule: Rule; units: number; own: boolean; together: boolean; seed: number };
export type Memories = { patterns: Spins[]; shape: [rows: number, columns: number] };
/** A memory, what was made of it, where that came to rest, or between which two states it swings. */
export type Recall = { asked: number; memory: Spins; damaged: Spins; rests: Spins; other: Spins | null } & End;

export class Laboratory {
  readonly memories: Memories;
  readonly units: number;
  private readonly chance: Chance;
  private readonly weights: Weights;
  private readonly network: Network;

  constructor(
    readonly settings: Settings,
    own: Memories,
  ) {
    this.chance = new Chance(settings.seed);
    this.memories = settings.own ? own : random(settings.units, this.chance);
    this.units = this.memories.patterns[0].length;
    this.weights = new Weights(this.units, settings.rule);
    this.network = new Network(this.units);
  }

  /** The most memories there can be. */
  get most(): number {
    return this.memories.patterns.length;
  }

  /** Whether the weights of so many memories are there; if not, one more is written. */
  ready(memories: number): boolean {
    const { after } = this.weights;
    if (after.length >= memories) return true;
    this.weights.write(this.memories.patterns[after.length]);
    return false;
  }

  /** One of the first so many memories, by chance, with a share of its bits turned, and what becomes of it. */
  recall(place: number, trial: number, memories: number, share: number): Recall {
    const { network, units } = this;
    const { patterns } = this.memories;
    const chance = this.chance.turn(place, trial + 1); // step 0 is that of the patterns
    const asked = Math.floor(chance.uniform() * memories);
    const damaged = network.damaged(patterns[asked], Math.round(share * units), chance);
    const swings = network.settle(this.weights.after[memories - 1], damaged, this.settings.together ? null : chance);
    const rests = Int8Array.from(network.s);
    const other = swings ? rests.slice() : null;
    if (other) for (const i of network.turned) other[i] *= -1;
    return { asked, memory: patterns[asked], damaged, rests, other, ...judged(rests, patterns, memories, asked, swings) };
  }

  /** So many places in an order of their own. */
  scattered(count: number): Int32Array {
    return shuffle(new Int32Array(count), this.chance.turn(this.most, 0)); // the chance next to that of the patterns
  }
}

function random(units: number, chance: Chance): Memories {
  const patterns = Array.from({ length: Math.floor(LOAD * units) }, (_, mu) => {
    chance.turn(mu, 0);
    return Int8Array.from({ length: units }, () => (chance.uniform() < 0.5 ? -1 : 1));
  });
  let rows = Math.floor(Math.sqrt(units)); // as square as can be
  while (units % rows) rows--;
  return { patterns, shape: [rows, units / rows] };
}
