// How far a memory may be damaged: a plane of noise and load that a person paints with recalls, run here. What becomes of a place is
// a function of the settings, the seed, the place and how often it was painted: the same strokes give the same picture.

import { Based } from "./based";
import { Laboratory, type Memories, type Recall, type Settings } from "./laboratory";
import { FATES } from "./spins";
import type { Images, Pane, Scene } from "./types";

export const COLUMNS = 51; // 0, 1, … 50 % of the bits are turned
const ROUNDS = 4; // recalls at each place, of a plane that is filled
const WORK = 5; // ms of an animation frame that recalls may take
const POOLED = 2; // columns on each side that count as the same noise
const KINDS = FATES.length;
const USUAL: Settings = { rule: "hebb", units: 200, own: false, together: false, seed: 0 };
const NONE: Memories = { patterns: [], shape: [1, 1] };

export type DamageView = Partial<Settings> & { filled?: boolean };
/** What one pull of the brush asked for and got; `until` places of them all, one after the other, if it is the whole plane. */
type Stroke = { asked: number[]; got: number[]; next: number; until: number };

export class Damage extends Based {
  override readonly damage = this;
  noise = 10; // that is looked at, in percent of the bits
  last: Recall | null = null; // the newest
  ground: { pane: Pane; own: Memories } | null = null; // what the panel gave
  private laboratory = new Laboratory(USUAL, NONE);
  private strokes: Stroke[] = [];
  private pending: { cell: number; stroke: Stroke }[] = []; // the latest is last, and first in turn
  private counts = new Uint16Array(0); // (cells, kinds)
  private trials = new Map<number, number[]>(); // of each place the fates in the order of its trials
  private scattered: Int32Array = new Int32Array(0); // the places in the order that they are filled in
  private wish: DamageView | null = null;
  private origin: Scene | null = null;

  // ------------------------------------------------------------ the plane

  get of(): Readonly<Settings> {
    return this.laboratory.settings;
  }

  get units(): number {
    return this.laboratory.units;
  }

  /** A state as a picture: its rows and columns. */
  get shape(): [number, number] {
    return this.laboratory.memories.shape;
  }

  /** The numbers of memories, from 1: as many rows as there are. */
  get rows(): number {
    return this.laboratory.most;
  }

  get cells(): number {
    return COLUMNS * this.rows;
  }

  private get all(): number {
    return ROUNDS * this.cells;
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
    const { strokes, rows, all } = this;
    this.begin({ ...this.of, ...change });
    for (const { asked, until } of strokes) {
      if (until) this.fill(until < all ? Math.min(until, this.all) : this.all);
      else if (rows === this.rows) this.stroke()(asked);
    }
  }

  /** A new pull of the brush: what it returns asks for a recall at each of some places, by and by. */
  stroke(): (cells: readonly number[]) => void {
    let stroke: Stroke | null = null;
    return (cells) => {
      if (!stroke || !this.strokes.includes(stroke)) {
        stroke = { asked: [], got: [], next: 0, until: 0 }; // another one where it was taken back under the hand
        if (cells.length) this.strokes.push(stroke);
      }
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
    for (const cell of stroke.got) {
      const fate = this.trials.get(cell)?.pop(); // the last trial, whose it was: the first ones stay, as if it had not been
      if (fate !== undefined) this.fates(cell)[fate]--;
    }
    this.last = null;
    this.changed();
  }

  wipe(): void {
    this.begin(this.of);
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
    const settings = this.of;
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
      if (!this.laboratory.ready(memories)) continue;
      if (!this.pending.pop()) stroke.next++;
      const trials = this.trials.get(cell) ?? [];
      this.trials.set(cell, trials);
      this.last = this.laboratory.recall(cell, trials.length, memories, (cell % COLUMNS) / 100);
      const fate = FATES.indexOf(this.last.fate);
      this.fates(cell)[fate]++;
      trials.push(fate);
      stroke.got.push(cell);
    }
  }

  override seen(): void {
    if (!this.busy) return;
    this.work(performance.now() + WORK);
    this.changed(); // until all is painted
  }

  // ------------------------------------------------------------ what a source is

  override attend(): () => void {
    return () => {}; // it needs no weights
  }

  ask(): null {
    return null;
  }

  async send(): Promise<string> {
    return "There is nothing to play here: paint over the plane.";
  }

  /** The base has changed: perhaps its rows are there now. */
  protected follow(): void {
    const { base } = this;
    if (base.scene && base.scene !== this.origin) {
      if (this.ground) this.wish ??= this.view; // other rows: as it was, as far as they allow
      this.origin = base.scene;
      this.ground = grounded(base.scene);
      if (!this.ground) return;
      this.scene = { ...base.scene, panes: [this.ground.pane], latent: 0 };
      this.begin(this.of);
    }
    if (this.wish && this.ground) this.take(this.wish);
  }

  private take({ filled, ...asked }: DamageView): void {
    this.wish = null;
    if (JSON.stringify({ ...asked, ...(filled && { filled }) }) === JSON.stringify(this.view)) return; // what was painted stays
    this.strokes = [];
    const own = Boolean(asked.own && this.ground?.own.patterns.length);
    this.set({ ...USUAL, ...asked, own });
    if (filled) this.fill();
  }

  /** An empty plane. */
  private begin(settings: Settings): void {
    this.laboratory = new Laboratory(settings, this.ground?.own ?? NONE);
    this.counts = new Uint16Array(this.cells * KINDS);
    this.trials = new Map();
    this.scattered = this.laboratory.scattered(this.cells);
    this.strokes = [];
    this.pending = [];
    this.last = null;
    this.changed();
  }
}

/** The panel's pane, and the memories of the page as spins; null where a scene has none. */
function grounded(scene: Scene): Damage["ground"] {
  const found = scene.panes.find(({ walks }) => walks === "damage");
  if (!found) return null;
  const { walks: _, ...pane } = found;
  const pixels = pane.layers.find((layer): layer is Images => layer.type === "images")?.tensors.pixels;
  const [count = 0, height = 1, width = 1] = pixels?.shape ?? [];
  const size = height * width;
  const pattern = (mu: number) =>
    Int8Array.from({ length: size }, (_, i) => ((pixels?.data[mu * size + i] ?? 0) > 0.5 ? 1 : -1));
  return { pane, own: { patterns: Array.from({ length: count }, (_, mu) => pattern(mu)), shape: [height, width] } };
}
