// A chain that the browser runs itself, from the weights at another source's playhead: a sweep is one call of a client program for
// each chain, and every sweep is a frame. Chance is a function of (seed, chain, sweep), so that a chain can be had again.

import { Based } from "./based";
import { atLeast, Change, Exact, type Group } from "./machine";
import { chosen } from "./programs";
import { Chance } from "./random";
import { ranges, unranged } from "./ranges";
import { Lru } from "./remote";
import type {
  Ambient,
  Begin,
  Coin,
  Frame,
  Grain,
  Images,
  Layer,
  Metric,
  Pane,
  Program,
  Scene,
  Source,
  Spot,
  Tensor,
  Walking,
  WalkView,
} from "./types";
import { live, number, whole } from "./words";

const RATE = 15; // sweeps a second at speed 1
const WALKED = 2.5; // sweeps a second of those that were asked for by number: each is to be seen
const BUDGET = 10; // ms of an animation frame that sweeps may take
const MOST = 2000; // sweeps kept, if they are small
const BYTES = 24e6; // of all that are kept
const MOMENT = 500; // ms of a captioned moment
export const CHAINS = [1, 4, 12, 20];
export const WARMEST = 4;
const EIGHTHS = 8; // of a sweep through the units one by one, after which its energy is noted

type Kept = Map<string, Float32Array | Uint8Array>; // a register's numbers, one chain after the other
type Sweep = { y: Float32Array; registers: Map<string, Float32Array>; coins: Coin[]; at: number; unit: number };
type Place = { board: string; at: number };

class Moment implements Frame {
  readonly time = 0;
  readonly limits = {};
  constructor(
    readonly step: number,
    readonly kept: Kept,
    readonly shown: (moment: Moment) => Record<string, Layer>,
    readonly weights = 0, // the step of training at which those were that led here
  ) {}

  readonly caption = "";

  get layers(): Record<string, Layer> {
    return this.shown(this);
  }
}

export class Walk extends Based implements Walking {
  override readonly walk = this;
  clamp = new Float32Array(0);
  spot: Spot | null = null;
  moment: Frame | null = null;
  grain: Grain = "sweep";
  private readonly name: string;
  private chance = new Chance(0);
  private count = 12;
  private heat = 1;
  private flipping = 0;
  private slowly = false;
  private begin: Begin = "noise";
  private states: Float32Array[] = [];
  private parked: Float32Array[] = []; // where the chains stood that were left for others: the persistent fantasies
  private sweep: Sweep | null = null; // of the first chain, one that is only partly shown
  private goal = Number.POSITIVE_INFINITY; // the sweep after which playing ends
  private credit = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private given: Program | null = null;
  private origin: Scene | null = null;
  private row = -1; // of the data, where it began
  private leave: (() => void) | null = null;
  private wish: WalkView | null = null;
  private asked = ""; // the view it was given last
  private lessons = 0; // updates of the run that there will be once the last one asked for is told of
  private latest = ""; // what became of the unit or layer that was told last
  private sight = -1;
  private readonly drawn = new Lru<Moment, Record<string, Layer>>(8);
  private readonly energy: Metric = { steps: [], values: [] };
  private readonly change = new Change();
  private readonly exact = new Exact((whole) => {
    this.drawn.clear(); // bars that were drawn before their list was whole
    if (whole) this.frames = this.frames.slice(); // nor do their axes know of it: those are of the frames that were there
    this.changed();
  });

  constructor(id: string, rest: string, source: (id: string) => Source) {
    const cut = rest.lastIndexOf("/");
    super(id, rest.slice(0, cut), source);
    this.name = rest.slice(cut + 1);
    const { base } = this;
    Object.defineProperty(this, "selection", {
      get: () => base.selection,
      set: (next: number) => {
        base.selection = next;
      },
    });
  }

  // ------------------------------------------------------------ what a person may do

  get chains(): number {
    return this.count;
  }

  set chains(count: number) {
    this.count = count;
    const { states } = this;
    if (!this.dim) return;
    this.rest();
    while (states.length < count) states.push(this.fresh(states.length, this.begin)); // those that are there go on
    states.length = count;
    this.exact.forget();
    this.record();
  }

  get seed(): number {
    return this.chance.seed;
  }

  set seed(seed: number) {
    this.chance = new Chance(seed);
    this.start(this.begin);
  }

  get temperature(): number {
    return this.heat;
  }

  /** The share of units that are turned when the chains begin at data. */
  get flips(): number {
    return this.flipping;
  }

  set flips(share: number) {
    this.flipping = share;
    this.start("data");
  }

  set temperature(heat: number) {
    this.heat = heat; // from the next sweep on; at 0 every unit follows its input
    this.exact.forget();
    this.changed();
  }

  get slow(): boolean {
    return this.slowly;
  }

  set slow(on: boolean) {
    this.slowly = on;
    if (on && this.grain === "sweep") this.grain = "unit";
    this.rest();
    this.changed();
  }

  /** How much a step may be: where units come one by one there are no layers. */
  get grains(): Grain[] {
    if (!this.given?.coins.length) return ["sweep"];
    return this.given.coins.some(({ order }) => order) ? ["unit", "sweep"] : ["unit", "layer", "sweep"];
  }

  get begins(): Begin[] {
    return this.rows() ? ["data", "noise", "fantasy"] : ["noise", "fantasy"];
  }

  get learning(): "" | "never" | "ready" {
    if (!this.origin?.actions?.includes("learn_once") || !this.rows() || !this.given?.coins.length) return ""; // a mere average
    return this.base.id.startsWith("run:") ? "ready" : "never";
  }

  get paints(): boolean {
    return (
      this.bits && (this.scene?.panes.some(({ layers }) => layers.some((one) => one.type === "units" && one.paint)) ?? false)
    );
  }

  get words(): string {
    const { playhead, base } = this;
    const { steps, values } = this.energy;
    const energy = values[this.following ? values.length - 1 : steps.lastIndexOf(Math.round(playhead))];
    const parts = [`sweep ${whole(playhead)}`];
    if (this.latest && this.following) parts.push(this.latest);
    if (energy !== undefined) parts.push(`energy ${number(energy)} nats`);
    if (base.id.startsWith("run:")) {
      const here = this.frames[atLeast(this.frames, playhead)];
      const used = here instanceof Moment ? here.weights : 0;
      const [next, newest] = [this.given?.of ?? used, base.keyframe() ?? used];
      parts.push(`weights of step ${whole(used)}`);
      if (next !== used) parts.push(`the next sweep has those of step ${whole(next)}`);
      if (newest !== next) parts.push(`step or play fetches those of step ${whole(newest)}`);
    } else parts.push("finished weights");
    const { taught } = this;
    if (taught < this.lessons) parts.push("the update is on its way…");
    else if (taught) parts.push(taught === 1 ? "taught once" : `taught ${whole(taught)} times`);
    if (this.known) parts.push(`${whole(this.known)} clamped`);
    return parts.join(" · ");
  }

  get view(): WalkView {
    const { count, seed, heat, grain, begin, clamp, flipping } = this;
    const held = ranges(clamp);
    return {
      ...(count !== 12 && { chains: count }),
      ...(seed && { seed }),
      ...(heat !== 1 && { temperature: Math.round(heat * 100) / 100 }),
      ...(grain !== "sweep" && { grain }),
      ...(begin !== "noise" && { begin }),
      ...(flipping && { flips: Math.round(flipping * 100) / 100 }),
      ...(held && { clamp: held }),
    };
  }

  /** Takes up what a link says, once there is something to walk on. */
  set view(view: WalkView) {
    if (JSON.stringify(view) === this.asked) return; // every rerun of the page says it again
    this.asked = JSON.stringify(view);
    this.wish = view;
    this.follow();
  }

  start(from: Begin): void {
    if (!this.dim) return;
    if (this.begin !== "data") this.parked = this.states;
    this.begin = from;
    this.row = from === "data" ? Math.max(this.base.selection, 0) : -1;
    this.states = Array.from({ length: this.count }, (_, k) => this.fresh(k, from));
    this.again();
  }

  sweeps(count: number): void {
    this.start("data");
    this.goal = count;
    this.play(true);
  }

  paint(unit: number, value: number, hold = true): void {
    if (!(unit >= 0 && unit < this.size)) return;
    const group = this.groups.find(({ from, to }) => unit >= from && unit < to);
    if (group && hold) this.clamp.fill(Number.NaN, group.from, group.to);
    const on = value === 1;
    if (hold && (!group || on)) this.clamp[unit] = value; // of several, that one is on can be held, not that one is off
    this.sweep = null;
    this.exact.forget();
    if (!group) this.set(unit, value);
    else if (on) for (let i = group.from; i < group.to; i++) this.set(i, Number(i === unit));
    this.drawn.clear();
    this.seek(Number.POSITIVE_INFINITY);
  }

  /** A unit of every chain, and on the newest pictures of them. */
  private set(unit: number, value: number): void {
    if (Number.isNaN(value)) return;
    for (const state of this.states) state[unit] = value;
    const newest = this.frames.at(-1);
    if (!(newest instanceof Moment)) return;
    const { board, at } = this.place("x", unit);
    for (const name of board === "x" ? ["x", "p"] : [board]) {
      const held = newest.kept.get(name);
      const stride = board === "x" ? this.dim : Number.POSITIVE_INFINITY; // of a hidden board the first chain alone is kept
      for (let k = at; held && k < held.length; k += stride) held[k] = held instanceof Uint8Array ? 255 * value : value;
    }
  }

  /** Puts the first chain somewhere, from where it then goes on. */
  put(state: number[]): void {
    if (!this.states[0] || state.length !== this.dim) return;
    this.begin = "noise";
    this.states[0].set(state);
    this.again();
  }

  stands(unit: number): number {
    return this.states[0]?.[unit] ?? 0;
  }

  free(): void {
    this.clamp.fill(Number.NaN);
    this.exact.forget();
    this.changed();
  }

  async learn(): Promise<string> {
    const { datum: data, dream } = this;
    if (this.learning === "never") return "This is a shipped recording: press Train, and your own run can learn from a dream.";
    if (!data || !dream) return "There is no picture yet to learn from.";
    if (this.playing) this.play(false);
    this.lessons = Math.max(this.lessons, this.taught) + 1;
    this.changed();
    const refused = await this.base.send("edit", { verb: "learn_once", args: { data: [...data], dream: [...dream] } });
    if (refused) this.lessons--;
    return refused;
  }

  private get taught(): number {
    return this.base.edits.filter(({ verb }) => verb === "learn_once").length;
  }

  // ------------------------------------------------------------ the player's part

  override play(on = !this.playing): void {
    if (on && !this.able) return;
    if (!on) {
      this.rest();
      this.goal = Number.POSITIVE_INFINITY;
    }
    if (on && this.playhead >= this.head) this.following = true;
    else if (on) this.following = false;
    this.credit = on ? 1 : 0; // the first comes at once
    this.attending(on);
    this.playing = on;
  }

  override seek(step: number): void {
    super.seek(Number.isFinite(step) ? Math.round(step) : step);
    if (!this.following) this.rest();
  }

  protected override move(ms: number): void {
    const goal = this.goal < Number.POSITIVE_INFINITY;
    this.credit += (Math.min(ms, 100) / 1000) * (goal ? WALKED : RATE * this.speed);
    const began = performance.now();
    while (this.credit >= 1 && this.playing && !this.spot) {
      this.credit--;
      if (!this.following) this.recorded();
      else if (this.head >= this.goal && !this.sweep) this.play(false);
      else if (this.slowly) this.tell();
      else this.once(this.grain);
      if (performance.now() - began > BUDGET) this.credit = 0;
    }
  }

  override around(): { a: Frame; b: Frame; mix: number } | null {
    const { frames } = this;
    if (!frames.length) return null;
    const here = this.following && this.sweep ? this.partly() : frames[atLeast(frames, this.playhead)];
    return { a: here, b: here, mix: 0 }; // nothing lies between two states
  }

  /** A program that not every model has. */
  private optional(name: string): Program | null {
    return this.origin?.programs[name] ? this.base.program(name) : null;
  }

  ask(panel: string, point: number): Pane[] | { error: string } | null {
    return this.base.ask(panel, point);
  }

  async send(verb: string, args: Record<string, unknown> = {}): Promise<string> {
    if (verb !== "step") return "A chain in the browser only walks.";
    if (!this.able) return "The weights are on their way.";
    if (this.given?.of !== this.base.keyframe()) this.attending(true); // until they are there
    for (let n = Number(args.n ?? 1); n > 0; n--) {
      if (this.spot) this.reveal();
      if (this.grain === "unit" || this.slowly) this.tell();
      else this.once(this.grain);
    }
    return "";
  }

  protected override connect(): void {
    this.attending(true); // until the first weights are there
    super.connect();
  }

  protected override disconnect(): void {
    if (this.playing) this.play(false);
    this.attending(false);
    super.disconnect();
  }

  private attending(on: boolean): void {
    if (on) this.leave ??= this.base.attend();
    else {
      this.leave?.();
      this.leave = null;
    }
  }

  // ------------------------------------------------------------ what it walks on

  /** The base has changed: perhaps it has a scene now, or other weights. */
  protected follow(): void {
    const { base } = this;
    if (base.scene && base.scene !== this.origin) {
      this.origin = base.scene;
      this.scene = laid(base.scene, this.name);
      this.metrics.set("energy", this.energy);
      this.exact.spreads = this.scene.panes.some(({ layers }) => layers.some(({ name }) => name === "spread"));
      this.states = [];
      this.frames = [];
      this.changed();
    }
    const program = base.program(this.name);
    if (program && program !== this.given) {
      this.given = program; // a sweep that is shown in part ends as it began
      this.exact.renew(this.optional("energy"));
      this.drawn.clear();
      if (!this.playing) this.attending(false);
      if (!this.states.length) this.open();
      else if (!this.playing && !this.sweep && this.following) this.refresh();
      this.changed();
    }
    if (this.wish && this.states.length) this.take(this.wish);
    if (base.selection !== this.sight) {
      this.sight = base.selection;
      this.drawn.clear();
      this.changed();
    }
  }

  private open(): void {
    if (this.clamp.length !== this.size) this.clamp = new Float32Array(this.size).fill(Number.NaN);
    this.states = Array.from({ length: this.count }, (_, k) => this.fresh(k, this.begin));
    this.again();
  }

  private take(view: WalkView): void {
    this.wish = null;
    this.count = CHAINS.includes(view.chains ?? 0) ? (view.chains ?? 1) : this.count;
    this.heat = Math.min(Math.max(view.temperature ?? this.heat, 0), WARMEST);
    this.flipping = Math.min(Math.max(view.flips ?? this.flipping, 0), 0.5);
    this.grain = view.grain ?? this.grain;
    this.chance = new Chance(view.seed ?? this.seed);
    if (view.clamp !== undefined) unranged(view.clamp, this.clamp);
    const begin = view.begin ?? this.begin;
    this.start(this.begins.includes(begin) ? begin : "noise");
  }

  private get able(): boolean {
    return Boolean(this.given && this.states.length);
  }

  private get dim(): number {
    return (this.scene?.shape ?? []).reduce((n, size) => n * size, this.scene ? 1 : 0);
  }

  /** Units of a whole state: a row of data, and what is hidden behind it. */
  private get size(): number {
    return this.given?.width || this.dim;
  }

  private get head(): number {
    return this.frames.at(-1)?.step ?? 0;
  }

  private get known(): number {
    return this.clamp.reduce((sum, value) => sum + Number(!Number.isNaN(value)), 0);
  }

  /** Rows of data, as the model takes them. */
  private rows(): Float32Array[] | null {
    for (const pane of this.scene?.panes ?? []) {
      for (const layer of pane.layers) {
        if (layer.role !== "data" || (layer.type !== "images" && layer.type !== "points")) continue;
        const tensor: Tensor | undefined = layer.type === "images" ? layer.tensors.pixels : layer.tensors.xy;
        const n = tensor?.shape[0] ?? 0;
        if (!tensor || !n || tensor.data.length !== n * this.dim) continue;
        return Array.from({ length: n }, (_, i) => Float32Array.from(tensor.data.subarray(i * this.dim, (i + 1) * this.dim)));
      }
    }
    return null;
  }

  /** Whether a state is bits, on a board; else it is real numbers. */
  private get bits(): boolean {
    return this.scene?.panes.some(({ layers }) => layers.some(({ type, name }) => type === "units" && name === "x")) ?? false;
  }

  private fresh(chain: number, from: Begin): Float32Array {
    const rows = this.rows();
    const chance = this.chance.turn(chain, 0);
    if (from === "data" && rows) {
      // the chosen row; other chains begin at the rows after it
      const row = rows[(Math.max(this.base.selection, 0) + chain) % rows.length];
      return this.held(this.completed(row.map((value) => (this.bits && chance.uniform() < this.flipping ? 1 - value : value))));
    }
    const kept = from === "fantasy" ? this.parked[chain] : undefined;
    if (kept) return this.held(kept.slice());
    if (this.bits) return this.held(this.coined(new Float32Array(this.size).fill(0.5), chance));
    return this.held(Float32Array.from({ length: this.dim }, (_, i) => scattered(rows, i, chance.noise())));
  }

  /** A row with what is hidden behind it: as the model guesses it, else coins. */
  private completed(row: Float32Array): Float32Array {
    if (this.size === row.length) return row;
    const mean = this.optional("rise")?.(row) ?? new Float32Array(this.size).fill(0.5);
    const state = this.coined(mean, this.chance);
    state.set(row);
    return state;
  }

  /** A coin for each unit, by its mean; of a class one. */
  private coined(mean: Float32Array, { uniform }: Pick<Chance, "uniform">): Float32Array {
    const state = Float32Array.from(mean, (share) => Number(uniform() < share));
    for (const { from, to } of this.groups) {
      const shares = mean.subarray(from, to);
      const all = shares.reduce((sum, share) => sum + share, 0);
      const one = chosen(shares, all * uniform());
      for (let i = from; i < to; i++) state[i] = Number(i === from + one);
    }
    return state;
  }

  /** Which units of a state are a class: the program chooses one of them. */
  private get groups(): Group[] {
    const choices = this.given?.coins.filter(({ kind }) => kind === "choice") ?? [];
    return choices.map(({ name }) => {
      const from = this.first(name);
      return { from, to: from + (this.given?.registers.get(name)?.length ?? 0) };
    });
  }

  /** Where units of the row are held and nothing in a sweep reads them: what is free of the hidden ones begins the sweep as the
   * row suggests; a class stays. */
  private recognise(chain: number): void {
    if (this.clamp.subarray(0, this.dim).every(Number.isNaN)) return;
    const state = this.states[chain];
    const mean = this.optional("look")?.(state);
    if (!mean) return;
    const { uniform } = this.chance.turn(chain, this.head | 0x40000000);
    const kept = this.groups;
    for (let i = this.dim; i < state.length; i++) {
      const free = Number.isNaN(this.clamp[i]) && !kept.some(({ from, to }) => i >= from && i < to);
      if (free) state[i] = Number(uniform() < mean[i]);
    }
  }

  private held(state: Float32Array): Float32Array {
    for (let i = 0; i < state.length; i++) if (!Number.isNaN(this.clamp[i])) state[i] = this.clamp[i];
    return state;
  }

  /** Forgets the past: here is sweep 0. */
  private again(): void {
    this.rest();
    this.latest = "";
    this.sweep = null;
    this.goal = Number.POSITIVE_INFINITY;
    this.frames = [];
    this.drawn.clear();
    for (const metric of this.metrics.values()) {
      metric.steps = [];
      metric.values = [];
    }
    this.exact.forget();
    this.following = true;
    this.record();
  }

  // ------------------------------------------------------------ walking

  private ambient(chain: number, sweep: number): Ambient {
    const { uniform, noise } = this.chance.turn(chain, sweep);
    return { beta: 1 / this.heat, uniform, noise, held: this.clamp };
  }

  /** A unit, a layer or a whole sweep. */
  private once(grain: Grain): void {
    if (grain !== "sweep") this.sweep ??= this.tossed();
    const { sweep } = this;
    if (sweep && grain !== "sweep") {
      const { kind, out } = sweep.coins[sweep.at];
      if (grain === "layer" || kind === "choice") sweep.unit = out.length;
      else sweep.unit = this.next(sweep, sweep.unit) + 1;
      if (this.next(sweep, sweep.unit) >= sweep.coins[sweep.at].out.length) {
        sweep.at++;
        sweep.unit = 0;
      }
      if (sweep.at < sweep.coins.length) {
        const { order, out } = sweep.coins[sweep.at];
        if (order) this.figure(this.head + sweep.unit / out.length, through(this.states[0], sweep, sweep.unit));
        this.changed();
        return;
      }
    }
    this.walked();
  }

  /** The place of the next unit from `from` on that is free to change, in the order in which the units of a coin come. */
  private next(sweep: Sweep, from: number): number {
    const { name, out, order } = sweep.coins[sweep.at];
    let i = from;
    while (i < out.length && !this.loose(name, order?.[i] ?? i)) i++;
    return i;
  }

  private loose(register: string, unit: number): boolean {
    const first = this.first(register);
    return first < 0 || Number.isNaN(this.clamp[first + unit] ?? Number.NaN);
  }

  /** The place of a register's first unit in the state, −1 if it is no part of it. */
  private first(register: string): number {
    if (register === "x") return 0;
    for (const { layers } of this.scene?.panes ?? [])
      for (const layer of layers) if (layer.type === "units" && layer.name === register) return layer.first ?? -1;
    return -1;
  }

  /** On which board the unit of a register is, and where there: what is hidden in a state has boards of its own. */
  private place(register: string, unit: number): Place {
    if (register === "x" && unit >= this.dim)
      for (const { layers } of this.scene?.panes ?? [])
        for (const layer of layers) {
          const at = unit - (layer.type === "units" ? (layer.first ?? this.size) : this.size);
          if (layer.type === "units" && at >= 0 && at < (layer.tensors.values?.shape[0] ?? 0)) return { board: layer.name, at };
        }
    return { board: register, at: unit };
  }

  /** At rest, and other weights have come: figures of the ones before cannot be compared with theirs. */
  private refresh(): void {
    const newest = this.frames.at(-1);
    if (!(newest instanceof Moment)) return;
    for (const metric of this.metrics.values()) {
      metric.steps = [];
      metric.values = [];
    }
    if (!this.head) {
      this.record(); // nothing has moved yet: all of the picture is theirs
      return;
    }
    this.frames = [...this.frames.slice(0, -1), new Moment(newest.step, newest.kept, newest.shown, this.given?.of)];
    this.figure(this.head, this.states[0]);
  }

  /** The next sweep of the first chain, to be shown bit by bit. */
  private tossed(): Sweep | null {
    if (!this.given) return null;
    this.recognise(0);
    const y = this.held(this.given(this.states[0], this.ambient(0, this.head + 1)).slice());
    const fallen = ({ name, out }: Coin) => {
      const first = this.first(name);
      return first < 0 ? out.slice() : y.subarray(first, first + out.length); // with what is held
    };
    const coins = this.given.coins.map((coin) => ({
      ...coin,
      p: coin.p.slice(),
      out: fallen(coin),
      input: coin.input?.slice() ?? null,
      order: coin.order?.slice() ?? null,
    }));
    const registers = new Map([...this.given.registers].map(([name, values]) => [name, values.slice()]));
    return coins.length ? { y, registers, coins, at: 0, unit: 0 } : null;
  }

  /** Every chain takes a sweep; what was shown in part is now done. */
  private walked(): void {
    const { given, states, sweep } = this;
    if (!given) return;
    this.latest = "";
    const step = this.head + 1;
    const kept = this.blank();
    for (let k = 0; k < states.length; k++) {
      const told = k === 0 ? sweep : null;
      if (!told) this.recognise(k);
      const next = told?.y ?? given(states[k], this.ambient(k, step));
      if (k === 0) this.descend(told ?? given, step);
      states[k].set(next);
      this.held(states[k]);
      this.keep(kept, k, told?.registers ?? given.registers);
    }
    this.sweep = null;
    this.push(step, kept);
    this.exact.visit(states, this.dim);
  }

  /** A frame of where the chains stand without having moved: no sweep has led here. */
  private record(): void {
    const { given, states } = this;
    if (!given) return;
    const kept = this.blank();
    for (let k = 0; k < states.length; k++) {
      given(states[k], this.ambient(k, this.head));
      this.keep(kept, k, new Map([...given.registers, ["p", states[k].subarray(0, this.dim)]])); // what is no part of a state is drawn behind it
    }
    this.push(this.head, kept);
  }

  private push(step: number, kept: Kept): void {
    const { frames } = this;
    while (frames.length && frames[frames.length - 1].step >= step) frames.pop();
    frames.push(new Moment(step, kept, (moment) => this.layers(moment), this.given?.of));
    const size = [...kept.values()].reduce((sum, values) => sum + values.byteLength, 64);
    const most = Math.min(MOST, Math.max(100, Math.floor(BYTES / size)));
    if (frames.length > most) this.frames = frames.filter((_, i) => i === 0 || i >= most / 2 || i % 2 === 0); // older ones thin out
    this.figure(step, this.states[0]);
    this.status = { state: "done", step, until: 0 };
    if (this.following) this.playhead = step;
    this.changed();
  }

  /** What the energy did within a sweep that went through the units one by one. */
  private descend({ coins }: { coins: Coin[] }, step: number): void {
    const order = coins[0]?.order;
    if (!order || coins.length !== 1) return;
    for (let part = 1; part < Math.min(EIGHTHS, order.length); part++) {
      const done = Math.round((part * order.length) / EIGHTHS);
      this.figure(step - 1 + done / order.length, through(this.states[0], { coins }, done));
    }
  }

  /** The figures of a state of the first chain, at a step or a part of one. */
  private figure(step: number, state: Float32Array): void {
    const energy = this.given && this.optional("energy")?.(state)[0];
    if (energy !== undefined && energy !== null) noted(this.energy, step, energy);
    const overlap = this.optional("overlap")?.(state);
    for (const [k, value] of overlap?.entries() ?? []) {
      const name = `overlap ${k + 1}`;
      if (!this.metrics.has(name)) this.metrics.set(name, { steps: [], values: [] });
      noted(this.metrics.get(name) as Metric, step, value);
    }
  }

  /** One frame of the past. */
  private recorded(): void {
    const { frames } = this;
    const at = atLeast(frames, this.playhead) + 1;
    if (at >= frames.length) this.following = true;
    else this.playhead = frames[at].step;
  }

  // ------------------------------------------------------------ slow motion

  /** The update of a unit, or a layer, in three captioned moments. */
  private tell(): void {
    this.sweep ??= this.tossed();
    const { sweep } = this;
    if (!sweep) {
      this.once("sweep");
      return;
    }
    const coin = sweep.coins[sweep.at];
    const choice = coin.kind === "choice";
    const held = choice && coin.out.some((_, unit) => !this.loose(coin.name, unit));
    const place = this.grain === "unit" && !choice ? this.next(sweep, sweep.unit) : -1;
    if (held || place >= coin.out.length) {
      this.once("layer"); // all of them are clamped
      return;
    }
    this.phase(coin, place < 0 ? -1 : (coin.order?.[place] ?? place), 0);
  }

  private phase(coin: Coin, unit: number, phase: 0 | 1 | 2): void {
    const at = Math.max(unit, 0);
    const [input, p, value] = [coin.input?.[at] ?? coin.p[at], coin.p[at], coin.out[at]];
    const { board, at: there } = this.place(coin.name, at);
    this.spot = { board, unit: unit < 0 ? -1 : there, phase, since: performance.now(), input, p, value };
    const told = this.told(board);
    const caption =
      unit < 0 ? layerWords(coin, phase) : unitWords(coin, this.unitName(board, there), this.spot, this.was(board, there));
    if (phase === 2) this.reveal(false);
    const layers = this.sweep ? this.partly().layers : (this.around()?.a.layers ?? {});
    this.moment = {
      step: this.head,
      time: 0,
      limits: {},
      caption,
      layers: told && layers[told] ? { [told]: layers[told] } : {},
    };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (phase < 2) this.phase(coin, unit, (phase + 1) as 1 | 2);
      else {
        this.spot = null;
        this.moment = null;
        if (this.playing) this.credit = Math.max(this.credit, 1);
      }
      this.changed();
    }, MOMENT);
    this.run();
  }

  /** Redraws while something grows or turns. */
  private run(): void {
    if (!this.spot) return;
    this.changed();
    if (!this.playing) requestAnimationFrame(() => this.run());
  }

  private reveal(clear = true): void {
    const { spot, sweep } = this;
    const due = spot && (spot.phase < 2 || !clear);
    if (clear) this.rest();
    if (!due || !sweep) return;
    const coin = sweep.coins[sweep.at];
    const { board, unit } = spot;
    const words =
      unit < 0 ? lowered(layerWords(coin, 2)) : `${this.unitName(board, unit)}: ${became(coin, spot, this.was(board, unit))}`;
    this.once(unit < 0 ? "layer" : "unit");
    this.latest = words;
  }

  /** Nothing is being told any more; what had not happened yet has not happened. */
  private rest(): void {
    clearTimeout(this.timer);
    this.spot = null;
    this.moment = null;
  }

  /** The key of the board that shows a register. */
  private told(register: string): string {
    for (const pane of this.scene?.panes ?? [])
      for (const layer of pane.layers)
        if (layer.type === "units" && layer.name === register) return `${pane.name}/${layer.name}`;
    return "";
  }

  private unitName(register: string, unit: number): string {
    for (const pane of this.scene?.panes ?? [])
      for (const layer of pane.layers)
        if (layer.type === "units" && layer.name === register) return layer.names?.[unit] ?? `unit ${unit + 1}`;
    return `unit ${unit + 1}`;
  }

  private was(register: string, unit: number): number {
    const key = this.told(register);
    const layer = key ? this.around()?.a.layers[key] : undefined;
    return layer?.type === "units" ? (layer.tensors.values?.data[unit] ?? 0) : 0;
  }

  // ------------------------------------------------------------ pictures

  /** Which registers the panes show, of one chain or of all. */
  private get wanted(): Map<string, "one" | "all"> {
    const found = new Map<string, "one" | "all">([["x", "one"]]);
    for (const pane of this.scene?.panes ?? []) {
      for (const { type, name, role } of pane.layers) {
        if (role === "data" || !(name === "x" || this.given?.registers.has(name))) continue;
        if (type === "images" || type === "points") found.set(name, "all");
        else if (type === "units" && !found.has(name)) found.set(name, "one");
      }
    }
    return found;
  }

  private blank(): Kept {
    const { dim, given, states } = this;
    const small = this.bits;
    return new Map(
      [...this.wanted].map(([name, whose]) => {
        const one = name === "x" ? dim : (given?.registers.get(name)?.length ?? dim);
        const size = one * (whose === "all" ? states.length : 1);
        const coarse = small && (name === "x" || this.given?.coins.some((coin) => coin.name === name) || name === "p");
        return [name, coarse ? new Uint8Array(size) : new Float32Array(size)] as const;
      }),
    );
  }

  private keep(kept: Kept, chain: number, registers: Map<string, Float32Array>): void {
    for (const [name, to] of kept) {
      const first = this.first(name);
      const size = name === "x" ? this.dim : (registers.get(name)?.length ?? 0);
      const values = first < 0 ? registers.get(name) : this.states[chain].subarray(first, first + size);
      if (!values || (chain + 1) * size > to.length) continue; // of the first chain alone
      const at = chain * size;
      const free = name === "p" && size === this.dim ? this.clamp : null; // states have it
      for (let i = 0; i < values.length; i++) {
        const value = free && !Number.isNaN(free[i]) ? free[i] : values[i];
        to[at + i] = to instanceof Uint8Array ? Math.round(255 * value) : value;
      }
    }
  }

  /** The newest frame, with as much of the sweep that goes on as has been shown. */
  private partly(): Frame {
    const { sweep } = this;
    const newest = this.frames.at(-1) as Moment;
    if (!sweep) return newest;
    const kept: Kept = new Map(newest.kept);
    for (const [c, coin] of sweep.coins.entries()) {
      const done = c < sweep.at ? coin.out.length : c === sweep.at ? sweep.unit : 0;
      const fresh: Kept = new Map();
      for (let k = 0; k < done; k++) {
        const unit = coin.order?.[k] ?? k;
        const { board, at } = this.place(coin.name, unit);
        if (!fresh.has(board)) fresh.set(board, kept.get(board)?.slice() ?? new Float32Array(0));
        const to = fresh.get(board) as Float32Array | Uint8Array;
        to[at] = to instanceof Uint8Array ? 255 * coin.out[unit] : coin.out[unit];
      }
      for (const [name, values] of fresh) kept.set(name, values);
    }
    return new Moment(newest.step, kept, (moment) => this.layers(moment), newest.weights);
  }

  private layers(moment: Moment): Record<string, Layer> {
    const known = this.drawn.get(moment);
    if (known) return known;
    const out: Record<string, Layer> = {};
    for (const pane of this.scene?.panes ?? []) {
      for (const layer of pane.layers) {
        const key = `${pane.name}/${layer.name}`;
        let made: Layer | undefined;
        Object.defineProperty(out, key, {
          get: () => {
            made ??= this.filled(layer, moment);
            return made;
          },
          enumerable: true,
        });
      }
    }
    this.drawn.set(moment, out);
    return out;
  }

  /** A layer of the panel, with what the chain says in it. */
  private filled(layer: Layer, moment: Moment): Layer {
    if (layer.role === "data" && layer.type !== "units") return layer;
    const values = moment.kept.get(layer.name);
    if (layer.type === "images" && layer.name === "filters") return this.lit(layer, moment);
    if (layer.type === "field") return this.borrowed(layer);
    if (layer.type === "units" && values) {
      const size = layer.tensors.values?.shape[0] ?? values.length;
      return { ...layer, tensors: { values: { data: floats(values).subarray(0, size), shape: [size] } } };
    }
    if (layer.type === "images" && values) {
      const [, h, w] = layer.tensors.pixels?.shape ?? [0, ...(this.scene?.shape ?? [1, 1])];
      return { ...layer, tensors: { pixels: { data: floats(values), shape: [values.length / (h * w), h, w] } } };
    }
    if (layer.type === "points" && values) return { ...layer, tensors: { xy: plane(floats(values), this.dim) } };
    if (layer.type === "path" && layer.name === "trail") {
      const past = this.frames.slice(
        Math.max(0, atLeast(this.frames, moment.step) - 30),
        atLeast(this.frames, moment.step) + 1,
      );
      const xy = past.flatMap((frame) => {
        const [x = 0, y = 0] =
          this.dim > 1 ? ((frame as Moment).kept.get("x") ?? []) : [(frame as Moment).kept.get("x")?.[0] ?? 0, 0];
        return [x, y];
      });
      return { ...layer, tensors: { xy: { data: Float32Array.from(xy), shape: [xy.length / 2, 2] } } };
    }
    const seen = { size: this.size, x: this.rowOf(moment), data: this.datum };
    return (
      this.change.fill(layer, this.optional("says"), this.optional("energy"), seen) ??
      this.exact.fill(layer, { fair: this.fair, heat: this.heat, clamp: this.clamp, size: this.size, groups: this.groups }) ??
      layer
    );
  }

  /** The row of the first chain. */
  private rowOf(moment: Moment): Float32Array {
    return floats(moment.kept.get("x") ?? new Float32Array(0)).subarray(0, this.dim);
  }

  /** The row of the data to learn from: the one that is chosen, else the one it began at. */
  private get datum(): Float32Array | undefined {
    const rows = this.rows();
    const { selection } = this.base;
    return rows?.[(selection >= 0 ? selection : Math.max(this.row, 0)) % rows.length];
  }

  /** That of the chain which is on the screen; what is hidden behind it, the model finds by itself. */
  private get dream(): Float32Array | undefined {
    const shown = this.around()?.a;
    return shown instanceof Moment ? this.rowOf(shown) : undefined;
  }

  /** Whether it has the exact distribution as its limit: not a hotter one, nor one that guesses behind what is held. */
  private get fair(): boolean {
    const guesses = Boolean(this.origin?.programs.look) && !this.clamp.subarray(0, this.dim).every(Number.isNaN);
    return this.heat === 1 && !guesses;
  }

  /** A map that is recorded of the base under the same name, as it is at the playhead. */
  private borrowed(layer: Layer): Layer {
    const { base } = this;
    const layers = (live(base) ? base.around()?.a : base.frames.at(-1))?.layers ?? {};
    for (const [key, found] of Object.entries(layers))
      if (key.endsWith(`/${layer.name}`) && found.type === layer.type) return { ...found, hidden: layer.hidden };
    return layer;
  }

  /** The filters that are recorded of the base, those of hidden units that are off left blank. */
  private lit(layer: Images, moment: Moment): Layer {
    const { base } = this; // a shipped recording has the finished weights alone
    const here = (live(base) ? base.around()?.a : base.frames.at(-1))?.layers["filters/filters"];
    const h = moment.kept.get("h1") ?? moment.kept.get("h"); // the lowest hidden layer
    if (here?.type !== "images" || !here.tensors.pixels || !h) return layer;
    const { data, shape } = here.tensors.pixels;
    const size = shape[1] * shape[2];
    const pixels = new Float32Array(data.length).fill(0.5);
    for (let j = 0; j < shape[0]; j++) if (h[j]) pixels.set(data.subarray(j * size, (j + 1) * size), j * size);
    return { ...layer, ...(here.diverging && { diverging: here.diverging }), tensors: { pixels: { data: pixels, shape } } };
  }
}

/** A state in the middle of a sweep through its units one by one, the first `done` of them having come. */
function through(before: Float32Array, { coins }: { coins: Coin[] }, done: number): Float32Array {
  const state = before.slice();
  const { order, out } = coins[0];
  for (let k = 0; k < done; k++) {
    const unit = order?.[k] ?? k;
    state[unit] = out[unit];
  }
  return state;
}

/** A figure, in place of those that were noted of this step or a later one. */
function noted({ steps, values }: Metric, step: number, value: number): void {
  if (!Number.isFinite(value)) return;
  while ((steps.at(-1) ?? -1) >= step) {
    steps.pop();
    values.pop();
  }
  steps.push(step);
  values.push(value);
}

function floats(values: Float32Array | Uint8Array): Float32Array {
  if (values instanceof Float32Array) return values;
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = values[i] / 255;
  return out;
}

/** The panes that show this program, as recorded ones: what is in them comes from the chain. */
function laid(scene: Scene, program: string): Scene {
  const panes = scene.panes
    .filter(({ walks }) => walks === program)
    .map(({ walks, ...pane }) => ({
      ...pane,
      layers: pane.layers.map((layer) => ({ ...layer, static: layer.role === "data" && layer.type !== "units" })),
    }));
  return { ...scene, panes, latent: 0 };
}

/** The first two columns of all chains. */
function plane(values: Float32Array, dim: number): Tensor {
  const n = values.length / dim;
  const data = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    data[2 * i] = values[i * dim];
    data[2 * i + 1] = dim > 1 ? values[i * dim + 1] : 0;
  }
  return { data, shape: [n, 2] };
}

/** Noise of the size of the data's column. */
function scattered(rows: Float32Array[] | null, column: number, noise: number): number {
  if (!rows) return noise;
  const values = rows.map((row) => row[column]);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return mean + Math.sqrt(variance) * noise;
}

const lowered = (words: string) => words[0].toLowerCase() + words.slice(1);
const raised = (words: string) => words[0].toUpperCase() + words.slice(1);

/** What an update leaves. */
function became(coin: Coin, { value }: Spot, was: number): string {
  if (coin.kind === "gaussian") return `the value becomes ${number(value, 2)}`;
  return `the light ${Math.round(was) === value ? "stays" : "goes"} ${value ? "on" : "off"}`;
}

function unitWords(coin: Coin, name: string, spot: Spot, was: number): string {
  const { phase, input, p } = spot;
  if (phase === 0) return `${raised(name)}: its input arrives, ${number(input, 2)}`;
  if (phase === 2) return raised(became(coin, spot, was));
  return coin.kind === "gaussian" ? `Noise is drawn round ${number(p, 2)}` : `The coin falls, with p = ${p.toFixed(2)} for on`;
}

function layerWords(coin: Coin, phase: number): string {
  const n = coin.out.length;
  if (coin.kind === "choice") {
    if (phase === 0) return `The inputs of all ${whole(n)} classes arrive`;
    return phase === 1 ? "One of them is drawn, by its share" : `Class ${whole(coin.out.indexOf(1) + 1)} of ${whole(n)} is on`;
  }
  if (phase === 0) return `The inputs of all ${whole(n)} units arrive: they do not depend on each other`;
  if (coin.kind === "gaussian") return phase === 1 ? "Noise is drawn for each" : "The values change";
  if (phase === 1) return "A coin falls for each, with its own probability";
  return `The lights change: ${whole(coin.out.reduce((sum, value) => sum + value, 0))} of ${whole(n)} are on`;
}
