// How far a memory may be damaged: a plane of noise and load that a person paints with recalls, run here. What becomes of a place is
// a function of the settings, the seed, the place and how often it was painted: the same strokes give the same picture.

import { Player } from "./player";
import { Chance } from "./random";
import { type End, FATES, type Fate, judged, Network, type Rule, type Spins, shuffle, Weights } from "./spins";
import type { Images, Pane, Program, Scene, Source } from "./types";

export const COLUMNS = 51; // 0, 1, … 50 % of the bits are turned
export const SIZES = [64, 100, 200]; // units of the random patterns
export const CLIFF = 0.138; // patterns a unit, where Hebb's memory of random ones breaks
const LOAD = 0.3; // patterns a unit, at most
const ROUNDS = 4; // recalls at each place, of a plane that is filled
const WORK = 5; // ms of an animation frame that recalls may take
const POOLED = 2; // columns on each side that count as the same noise
const KINDS = FATES.length;

export type DamageView = { rule?: Rule; units?: number; own?: boolean; together?: boolean; seed?: number; filled?: boolean };
/** What one pull of the brush asked for and got; `until` places of them all, one after the other, if it is the whole plane. */
type Stroke = { asked: number[]; got: { cell: number; fate: number }[]; next: number; until: number };
/** The newest recall: a memory, what was made of it, where that came to rest, or between which two states it swings. */
export type Recall = { asked: number; memory: Spins; damaged: Spins; rests: Spins; other: Spins | null } & End;
type Settings = Required<Omit<DamageView, "filled">>;

const USUAL: Settings = { rule: "hebb", units: 200, own: false, together: false, seed: 0 };

export class Damage extends Player {
  override readonly damage = this;
  readonly base: Source;
  noise = 10; // that is looked at, in percent of the bits
  last: Recall | null = null;
  ground: { pane: Pane; own: Spins[]; shape: [number, number] } | null = null;
  private settings = USUAL;
  private strokes: Stroke[] = [];
  private pending: { cell: number; stroke: Stroke }[] = []; // the latest is last, and first in turn
  private counts = new Uint16Array(0); // (cells, kinds)
  private scattered = new Int32Array(0); // the places in the order that they are filled in
  private patterns: Spins[] = [];
  private weights = new Weights(0, "hebb");
  private network = new Network(0);
  private chance = new Chance(0);
  private wish: DamageView | null = null;
  private origin: Scene | null = null;
  private unlisten: (() => void) | null = null;

  constructor(
    readonly id: string,
    rest: string,
    source: (id: string) => Source,
  ) {
    super();
    this.base = source(rest);
    this.status = { state: "done", step: 0, until: 0 };
  }

  // ------------------------------------------------------------ the plane

  get of(): Readonly<Settings> {
    return this.settings;
  }

  get units(): number {
    return this.network.units;
  }

  /** The numbers of memories, from 1: as many rows as there are. */
  get rows(): number {
    return this.patterns.length;
  }

  get cells(): number {
    return COLUMNS * this.rows;
  }

  private get all(): number {
    return ROUNDS * this.cells;
  }

  /** A state as a picture: rows and columns, as square as can be. */
  get shape(): [number, number] {
    if (this.settings.own && this.ground) return this.ground.shape;
    let height = Math.floor(Math.sqrt(this.units));
    while (height > 1 && this.units % height) height--;
    return [height, this.units / Math.max(height, 1)];
  }

  /** How often each fate was met at a place. */
  fates(cell: number): Uint16Array {
    return this.counts.subarray(cell * KINDS, (cell + 1) * KINDS);
  }

  /** … and with so many memories at the noise that is looked at, or nearly. */
  near(row: number): number[] {
    const sum = new Array<number>(KINDS).fill(0);
    const end = Math.min(COLUMNS - 1, this.noise + POOLED);
    for (let column = Math.max(0, this.noise - POOLED); column <= end; column++)
      this.fates(row * COLUMNS + column).forEach((n, k) => {
        sum[k] += n;
      });
    return sum;
  }

  // ------------------------------------------------------------ what a person may do

  /** Other settings: what was painted is painted again with them, as far as it is there. */
  set(change: Partial<Settings>): void {
    this.settings = { ...this.settings, ...change };
    const { strokes, rows, all } = this;
    this.begin();
    for (const { asked, until } of strokes) {
      if (until) this.fill(until < all ? Math.min(until, this.all) : this.all);
      else if (rows === this.rows) this.stroke()(asked);
    }
  }

  /** A new pull of the brush: what it returns asks for a recall at each of some places, by and by. */
  stroke(): (cells: readonly number[]) => void {
    const stroke: Stroke = { asked: [], got: [], next: 0, until: 0 };
    return (cells) => {
      if (cells.length && !stroke.asked.length) this.strokes.push(stroke);
      for (const cell of cells) {
        stroke.asked.push(cell);
        this.pending.push({ cell, stroke });
      }
      this.changed();
    };
  }

  /** Every place in turn, some rounds long. */
  fill(until = this.all): void {
    this.strokes.push({ asked: [], got: [], next: 0, until });
    this.changed();
  }

  stop(): void {
    for (const stroke of this.strokes) if (stroke.until) stroke.until = stroke.next;
    this.strokes = this.strokes.filter(({ until, asked }) => until || asked.length);
    this.changed();
  }

  undo(): void {
    const stroke = this.strokes.pop();
    if (!stroke) return;
    this.pending = this.pending.filter((one) => one.stroke !== stroke);
    for (const { cell, fate } of stroke.got) this.fates(cell)[fate]--;
    this.last = null;
    this.changed();
  }

  wipe(): void {
    this.strokes = [];
    this.begin();
  }

  get painted(): boolean {
    return this.strokes.length > 0;
  }

  /** How much of the plane is filled of what was asked for; null when nothing is being filled. */
  get progress(): number | null {
    const { filling } = this;
    return filling ? filling.next / filling.until : null;
  }

  get busy(): boolean {
    return this.pending.length > 0 || Boolean(this.filling);
  }

  private get filling(): Stroke | undefined {
    return this.strokes.find(({ next, until }) => next < until);
  }

  get view(): DamageView {
    const { settings } = this;
    const names = Object.keys(USUAL) as (keyof Settings)[];
    const changed = Object.fromEntries(
      names.flatMap((name) => (settings[name] === USUAL[name] ? [] : [[name, settings[name]]])),
    );
    const filled = this.strokes.some(({ until }) => until && until >= this.all);
    return { ...changed, ...(filled && { filled }) };
  }

  /** Takes up what a link says, once it is known what there is to remember. */
  set view(view: DamageView) {
    this.wish = view;
    this.follow();
  }

  // ------------------------------------------------------------ recalls

  /** Some recalls, the latest asked for first, until time is up. */
  work(deadline: number): void {
    while (this.busy && performance.now() < deadline) {
      const { filling } = this;
      const next = this.pending.at(-1) ?? (filling && { cell: this.scattered[filling.next % this.cells], stroke: filling });
      if (!next) return;
      const { cell, stroke } = next;
      const memories = Math.floor(cell / COLUMNS) + 1;
      if (this.weights.after.length < memories) {
        this.weights.write(this.patterns[this.weights.after.length]);
        continue;
      }
      if (!this.pending.pop()) stroke.next++;
      const fate = FATES.indexOf(this.recall(cell, memories));
      this.fates(cell)[fate]++;
      stroke.got.push({ cell, fate });
    }
  }

  private recall(cell: number, memories: number): Fate {
    const { chance, network, patterns, settings } = this;
    const trial = this.fates(cell).reduce((sum, n) => sum + n, 0);
    chance.turn(cell, trial + 1); // step 0 is that of the patterns
    const asked = Math.floor(chance.uniform() * memories);
    const flips = Math.round((cell % COLUMNS) * 0.01 * this.units);
    const damaged = network.damaged(patterns[asked], flips, chance);
    const swings = network.settle(this.weights.after[memories - 1], damaged, settings.together ? null : chance);
    const rests = Int8Array.from(network.s);
    const end = judged(rests, patterns, memories, asked, swings);
    const other = swings ? rests.slice() : null;
    if (other) for (const i of network.turned) other[i] *= -1;
    this.last = { asked, memory: patterns[asked], damaged, rests, other, ...end };
    return end.fate;
  }

  override seen(): void {
    if (!this.busy) return;
    this.work(performance.now() + WORK);
    this.changed(); // until all is painted
  }

  // ------------------------------------------------------------ what a source is

  keyframe(): number | null {
    return this.base.keyframe();
  }

  program(name: string): Program | null {
    return this.base.program(name);
  }

  attend(): () => void {
    return () => {};
  }

  ask(): null {
    return null;
  }

  async send(): Promise<string> {
    return "There is nothing to play here: paint over the plane.";
  }

  override get problem(): string {
    return this.trouble || this.base.problem;
  }

  protected connect(): void {
    this.unlisten ??= this.base.listen(() => this.follow());
    this.follow();
  }

  protected disconnect(): void {
    this.unlisten?.();
    this.unlisten = null;
  }

  protected override get kept(): boolean {
    return true;
  }

  /** The base has changed: perhaps its rows are there now. */
  private follow(): void {
    const { base } = this;
    if (base.scene && base.scene !== this.origin) {
      this.origin = base.scene;
      this.ground = grounded(base.scene);
      if (!this.ground) return;
      this.scene = { ...base.scene, panes: [this.ground.pane], latent: 0 };
      this.begin();
    }
    if (this.wish && this.ground) this.take(this.wish);
  }

  private take({ filled, ...asked }: DamageView): void {
    this.wish = null;
    if (JSON.stringify({ ...asked, ...(filled && { filled }) }) === JSON.stringify(this.view)) return; // what was painted stays
    this.strokes = [];
    const own = Boolean(asked.own && this.ground?.own.length);
    this.set({ ...USUAL, ...asked, own });
    if (filled) this.fill();
  }

  /** An empty plane with the settings as they are. */
  private begin(): void {
    const { rule, units, own, seed } = this.settings;
    this.chance = new Chance(seed);
    this.patterns = own && this.ground ? this.ground.own : random(units, this.chance);
    const size = this.patterns[0].length;
    this.weights = new Weights(size, rule);
    this.network = new Network(size);
    this.counts = new Uint16Array(this.cells * KINDS);
    this.scattered = shuffle(new Int32Array(this.cells), this.chance.turn(this.rows, 0)); // next to the chance of the patterns
    this.strokes = [];
    this.pending = [];
    this.last = null;
    this.changed();
  }
}

function random(units: number, chance: Chance): Spins[] {
  return Array.from({ length: Math.floor(LOAD * units) }, (_, mu) => {
    chance.turn(mu, 0);
    return Int8Array.from({ length: units }, () => (chance.uniform() < 0.5 ? -1 : 1));
  });
}

/** The panel's pane, and the memories of the page as spins; null where a scene has none. */
function grounded(scene: Scene): Damage["ground"] {
  const found = scene.panes.find(({ walks }) => walks === "damage");
  if (!found) return null;
  const { walks: _, ...pane } = found;
  const pixels = pane.layers.find((layer): layer is Images => layer.type === "images")?.tensors.pixels;
  const [count = 0, height = 1, width = 1] = pixels?.shape ?? [];
  const size = height * width;
  const spin = (mu: number) => Int8Array.from({ length: size }, (_, i) => ((pixels?.data[mu * size + i] ?? 0) > 0.5 ? 1 : -1));
  return { pane, own: Array.from({ length: count }, (_, mu) => spin(mu)), shape: [height, width] };
}
