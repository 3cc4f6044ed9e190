// A race of samplers on one target, in the browser: up to four lanes in lock-step, by evaluations or by steps. What it shows is a
// function of its settings, the seed and the tick alone, so that a link has all of it, and a lane that is changed catches up.

import { Based } from "./based";
import { type Settings as Laned, RANGES, type Sampler, type Target, targetOf } from "./kernels";
import { type Fog, Lane } from "./lane";
import { Chance } from "./random";
import { drawn, within } from "./shape";
import { Shaping } from "./shaping";
import type { Field, Frame, Pane, Program, Scene, Tensor } from "./types";
import { number, whole } from "./words";

export const RATES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]; // ticks a second
export const CHAINS = [1, 5, 20, 64];
export const MOST = 4; // lanes
export const LEAST = 2;
const BUDGET = 10_000; // ticks of a race; as many again each time it is sent on
const LONGEST = 30_000;
const WORK = 5; // ms of an animation frame that steps may take
const SLOWLY = 2; // ticks a second of slow motion
const SPREAD = 0.3; // standard deviation of the chains' starts round the place they begin at
const AGAIN = 400; // ms between two figures of a lane, at least
const MOMENTS = 120; // of a clip
const SIDE = 96; // cells of the fog
const REACH = 3;

export type Clock = "evaluations" | "steps";
export type Start = "centre" | "point" | "draws";
export type RaceView = {
  lanes?: Laned[];
  clock?: Clock;
  chains?: number;
  begin?: Start;
  point?: [number, number];
  seed?: number;
  fog?: boolean;
  jumps?: boolean;
  rate?: number;
  guess?: number;
  tick?: number;
  shaping?: boolean; // modes can be taken hold of
  barrier?: boolean; // it is shown, and how long escapes take
  shape?: number[][]; // what of the modes differs: see shape.ts
  width?: number; // factor of all widths
  escapes?: number[][]; // told at other barriers: see escape.ts
};
export const NONE = 9; // the guess that no lane does it

const NAMES: Record<Sampler, string> = {
  mh: "Metropolis–Hastings",
  gibbs: "Gibbs",
  ula: "Langevin, untested",
  mala: "MALA",
  hmc: "HMC",
  pt: "tempering",
};
export const SAMPLERS: [Sampler, string, string][] = [
  ["mh", "Metropolis–Hastings", "A random step, taken with min(1, p(y)/p(x))"],
  ["gibbs", "Gibbs", "Each coordinate in turn from its exact conditional: nothing is refused"],
  ["ula", "Langevin (ULA)", "Uphill with noise, never tested: biased by its step"],
  ["mala", "MALA", "Uphill with noise, then tested"],
  ["hmc", "HMC", "An orbit of L leapfrog steps from a random push, then tested"],
  ["pt", "parallel tempering", "K replicas, hotter and hotter, that walk as Metropolis does and swap places"],
];

/** Steps in standard deviations of the narrowest part of the target: tuned on 25 Gaussians of 0.3, acceptance .36, .72, .98, .54. */
const TUNED: Record<Sampler, number> = { mh: 5 / 3, gibbs: 1, ula: 0.5, mala: 4 / 3, hmc: 0.5, pt: 5 / 3 };
const LANES: Sampler[] = ["mh", "mala", "hmc", "pt"];

/** What the panel gave of the target, and what its programs are. */
export type Ground = {
  target: Target;
  pane: Pane;
  field: Field | null;
  x: [number, number];
  y: [number, number];
  marginal: Tensor | null; // (n, 2): x₁ and its density
  draws: Tensor | null; // (n, 2)
  narrowest: number;
};

export class Race extends Based {
  override readonly race = this;
  lanes: Lane[] = [];
  ground: Ground | null = null;
  shaping: Shaping | null = null; // what a person does to the target
  tick = 0;
  slow = false;
  jumps = false; // how often chains went from mode to mode is drawn
  struck = 0; // when the last tick came, in ms
  private settings: Laned[] = [];
  private timing: Clock = "evaluations";
  private count = 5;
  private start: Start = "centre";
  private chosen: [number, number] = [0, 0];
  private chance = 0;
  private veiled = false;
  private pace = 200;
  private guessed = -1;
  private until = BUDGET;
  private credit = 0;
  private programs: [Program, Program] | null = null;
  private origin: Scene | null = null;
  private leave: (() => void) | null = null;
  private wish: RaceView | null = null;
  private asked = "";
  private turn = 0; // whose figures are next

  // ------------------------------------------------------------ what a person may do

  get of(): readonly Laned[] {
    return this.settings;
  }

  get samplers(): typeof SAMPLERS {
    return SAMPLERS.filter(([name]) => name !== "gibbs" || this.ground?.target.mixture);
  }

  /** The step that suits a sampler here. */
  tuned(sampler: Sampler): Laned {
    const eps = Number((TUNED[sampler] * (this.ground?.narrowest ?? SPREAD)).toPrecision(2));
    return { sampler, eps: within(eps, RANGES.eps), leapfrog: 20, temperatures: 8 };
  }

  /** Other settings of a lane: it starts anew and catches up with the others. */
  set(lane: number, change: Partial<Laned>): void {
    const before = this.settings[lane];
    const other = change.sampler && change.sampler !== before.sampler ? this.tuned(change.sampler) : before;
    this.shaping?.forget(lane);
    this.settings[lane] = { ...other, ...change };
    this.lanes[lane] = this.made(this.settings[lane]);
    this.changed();
  }

  add(): void {
    if (this.settings.length >= MOST) return;
    const free = this.samplers.find(([name]) => !this.settings.some(({ sampler }) => sampler === name))?.[0] ?? "mh";
    this.settings.push(this.tuned(free));
    this.lanes.push(this.made(this.settings[this.settings.length - 1]));
    this.changed();
  }

  remove(lane: number): void {
    if (this.settings.length <= LEAST) return;
    this.settings.splice(lane, 1);
    this.lanes.splice(lane, 1);
    this.shaping?.forget(lane, true);
    if (this.guessed !== NONE) this.guessed = -1;
    this.changed();
  }

  get clock(): Clock {
    return this.timing;
  }

  set clock(clock: Clock) {
    if (clock === this.timing) return;
    this.timing = clock;
    this.again();
  }

  get chains(): number {
    return this.count;
  }

  set chains(count: number) {
    this.count = count;
    this.again();
  }

  get begin(): Start {
    return this.start;
  }

  set begin(start: Start) {
    this.start = start;
    this.again();
  }

  get point(): [number, number] {
    return this.chosen;
  }

  set point(point: [number, number]) {
    this.chosen = point.map((at) => Number(at.toFixed(3))) as [number, number]; // as a link has it
    this.start = "point";
    this.again();
  }

  get seed(): number {
    return this.chance;
  }

  set seed(seed: number) {
    this.chance = seed;
    this.again();
  }

  get fog(): boolean {
    return this.veiled;
  }

  set fog(on: boolean) {
    this.veiled = on;
    this.changed();
  }

  get rate(): number {
    return this.pace;
  }

  set rate(rate: number) {
    this.pace = rate;
    this.changed();
  }

  faster(way: 1 | -1): void {
    const at = RATES.findIndex((rate) => rate >= this.pace);
    this.rate = RATES[within((at < 0 ? RATES.length - 1 : at) + way, [0, RATES.length - 1])];
  }

  get guess(): number {
    return this.guessed;
  }

  /** Before the start; afterwards it would be no guess. */
  set guess(lane: number) {
    if (this.tick) return;
    this.guessed = this.guessed === lane ? -1 : lane;
    this.changed();
  }

  /** All begins anew, with the settings as they are. */
  again(): void {
    this.tick = 0;
    this.until = BUDGET;
    this.credit = 0;
    this.following = true;
    this.lanes = this.ground ? this.settings.map((one) => this.made(one)) : [];
    this.placed();
    this.changed();
  }

  /** Another target: a step that suited the last one suits this one, and is as in `before` where that is given. */
  stand(ground: Ground, before?: { lanes: readonly Laned[]; tick: number; guess: number }): void {
    const suited = this.settings.map(({ sampler, eps }) => eps === this.tuned(sampler).eps);
    this.ground = ground;
    this.settings = this.settings.map((one, i) => {
      const own = before?.lanes[i];
      const was = own?.sampler === one.sampler ? own : this.tuned(one.sampler);
      return suited[i] ? { ...one, eps: was.eps } : one;
    });
    this.again();
    if (before) this.guessed = before.guess;
    this.from(before?.tick ?? 0);
  }

  /** As if it had come so far: the lanes catch up. */
  private from(tick: number): void {
    this.tick = within(Math.round(tick), [0, LONGEST]);
    this.until = Math.max(BUDGET, Math.ceil(this.tick / BUDGET) * BUDGET);
    this.placed();
    this.changed();
  }

  get view(): RaceView {
    const usual = LANES.map((name) => this.tuned(name));
    const lanes = this.settings.map((one) => brief(one));
    const tick = Math.round(this.playhead);
    return {
      ...(JSON.stringify(lanes) !== JSON.stringify(usual.map(brief)) && { lanes }),
      ...(this.timing !== "evaluations" && { clock: this.timing }),
      ...(this.count !== 5 && { chains: this.count }),
      ...(this.start !== "centre" && { begin: this.start }),
      ...(this.start === "point" && { point: this.chosen }),
      ...(this.chance && { seed: this.chance }),
      ...(this.veiled && { fog: true }),
      ...(this.jumps && { jumps: true }),
      ...(this.pace !== 200 && { rate: this.pace }),
      ...(this.guessed >= 0 && { guess: this.guessed }),
      ...(tick && { tick }),
      ...this.shaping?.view,
    };
  }

  /** Takes up what a link says, once there is something to walk on. */
  set view(view: RaceView) {
    if (JSON.stringify(view) === this.asked) return;
    this.asked = JSON.stringify(view);
    this.wish = view;
    this.follow();
  }

  // ------------------------------------------------------------ in words

  /** What a lane is called: by its number, too, where another one has the same sampler. */
  name(lane: number): string {
    const { sampler } = this.settings[lane];
    const twice = this.settings.filter((one) => one.sampler === sampler).length > 1;
    return NAMES[sampler] + (twice ? ` (lane ${lane + 1})` : "");
  }

  /** So many ticks, in words. */
  private counted(ticks: number): string {
    const one = ticks === 1 ? "" : "s";
    return `${whole(ticks)} ${this.timing === "evaluations" ? `evaluation${one} a chain` : `step${one}`}`;
  }

  get position(): string {
    return `${whole(this.playhead)} of ${this.counted(this.until)}`;
  }

  get words(): string {
    const parts = [this.position];
    if (!this.following) parts.push(`the race is at ${whole(this.tick)}`);
    else if (this.behind) parts.push("a lane catches up…");
    else if (this.tick >= LONGEST) parts.push("that is the end: rewind, or change something");
    else if (this.tick >= this.until) parts.push("play goes on");
    return parts.join(" · ");
  }

  get modes(): number {
    return this.lanes[0]?.modes ?? 0;
  }

  get question(): string {
    return this.modes ? `Who is the first to find all ${this.modes} modes?` : "Who has the most effective samples at the end?";
  }

  /** Who won, as far as the playhead knows; "" while that is open. */
  get verdict(): string {
    const { lanes, playhead } = this;
    if (!lanes.length) return "";
    const said = this.guessed < 0 ? "" : this.guessed === NONE ? "none" : this.name(this.guessed);
    const judged = (right: boolean, truth: string) => {
      if (!said) return truth[0].toUpperCase() + truth.slice(1);
      return right ? `As you said: ${truth}` : `You said ${said}; ${truth}`;
    };
    if (!this.modes) {
      const all = lanes.map(({ figures }, i) => (figures?.step === this.step(i, BUDGET) ? figures.ess : null));
      if (playhead < BUDGET || all.includes(null)) return "";
      const best = Math.max(...all.map((ess) => ess || 0));
      if (!best) return judged(this.guessed === NONE, "no lane has mixed.");
      const at = all.indexOf(best);
      return judged(
        this.guessed === at,
        `${this.name(at)} has the most, ${number(best, 2)} effective samples after ${this.counted(BUDGET)}.`,
      );
    }
    const ends = lanes.map((lane) => (lane.complete < 0 ? Number.POSITIVE_INFINITY : lane.complete * this.price(lane)));
    const first = Math.min(...ends);
    if (first <= playhead) {
      const best = ends.flatMap((end, i) => (end === first ? [i] : []));
      const names = best.map((i) => this.name(i)).join(" and ");
      return judged(
        best.includes(this.guessed),
        `${names} ${best.length > 1 ? "were" : "was"} first: all ${this.modes} modes after ${this.counted(first)}.`,
      );
    }
    if (playhead < BUDGET || this.behind) return "";
    const found = lanes.map((lane, i) => lane.found(this.step(i, playhead)));
    const far = found.indexOf(Math.max(...found));
    return judged(
      this.guessed === NONE,
      `none has found all ${this.modes} modes in ${this.counted(playhead)}; ${this.name(far)} came furthest, with ${found[far]}.`,
    );
  }

  /** What R-hat cannot see, if it fails to see it here. */
  get warning(): string {
    const deceived = this.lanes.flatMap((lane, i) => (lane.deceived && lane.steps > 100 ? [{ lane, i }] : []));
    if (!deceived.length) return "";
    const names = deceived.map(({ i }) => this.name(i)).join(", ");
    const one = deceived.every(({ lane }) => lane.found(lane.steps) === 1);
    const where = one ? "all chains sit in one mode" : "all chains share the same few modes";
    return `${names}: R-hat is near 1 though modes are missing. ${where[0].toUpperCase()}${where.slice(1)}: R-hat cannot see what no chain has visited.`;
  }

  // ------------------------------------------------------------ the player's part

  /** Steps that a lane has taken at a tick. */
  step(lane: number, tick = this.playhead): number {
    return Math.floor((Math.floor(tick + 1e-9) + 1e-9) / this.price(this.lanes[lane]));
  }

  /** Ticks of one step. */
  price(lane: Lane): number {
    return this.timing === "evaluations" ? lane.kernel.cost : 1;
  }

  /** Whether a lane has not come to where the race is. */
  get behind(): boolean {
    return this.lanes.some((lane, i) => lane.steps < this.step(i, this.tick));
  }

  override play(on = !this.playing): void {
    if (on && !this.lanes.length) return;
    if (on && this.tick >= this.until) {
      if (this.until >= LONGEST && this.playhead >= this.tick)
        this.seek(0); // seen once more
      else if (this.playhead >= this.tick) this.until = Math.min(this.until + BUDGET, LONGEST);
    }
    this.following = this.playhead >= this.tick;
    this.credit = on ? 1 : 0;
    this.playing = on;
  }

  override seek(tick: number): void {
    this.playhead = Math.round(within(tick, [0, this.tick]));
    this.following = this.playhead >= this.tick;
    this.struck = 0;
    this.changed();
  }

  /** So many ticks on or back. */
  stride(count: number): string {
    if (!this.lanes.length) return "The target is on its way.";
    if (this.playing) this.play(false);
    if (count > 0 && this.playhead >= this.tick) {
      if (this.tick >= LONGEST) return "";
      this.tick = Math.min(this.tick + count, LONGEST);
      this.until = Math.max(this.until, this.tick);
      this.struck = 0;
      this.run();
      this.placed();
      this.changed();
    } else this.seek(this.playhead + count);
    return "";
  }

  protected override move(ms: number): void {
    this.credit += (Math.min(ms, 100) / 1000) * (this.slow ? SLOWLY : this.pace);
    const due = Math.floor(this.credit);
    this.credit -= due;
    if (!this.following) {
      this.playhead = Math.min(this.playhead + due, this.tick);
      if (due) this.struck = performance.now();
      if (this.playhead >= this.tick) this.following = true;
      return;
    }
    if (!this.behind && due) {
      this.tick = Math.min(this.tick + due, this.until);
      this.struck = performance.now();
    }
    this.run();
    this.placed();
    if (this.tick >= this.until && !this.behind) this.playing = false;
  }

  /** Lanes step until they are where the race is, or time is up. */
  private run(): void {
    const deadline = performance.now() + WORK;
    for (let i = 0; i < this.lanes.length; i++) this.lanes[i].run(this.step(i, this.tick), deadline);
  }

  /** Works on one lane's figures for a while; whether all are there. */
  diagnose(deadline: number, apart: number): boolean {
    const { lanes } = this;
    for (let k = 0; k < lanes.length; k++) {
      const i = (this.turn + k) % lanes.length;
      const lane = lanes[i];
      const step = Math.min(this.step(i), lane.steps);
      const since = Math.abs(step - (lane.figures?.step ?? -1e9));
      if (!since) continue;
      if (this.playing && (since < apart / this.price(lane) || performance.now() - lane.figured < AGAIN)) continue;
      if (!lane.diagnose(step, deadline)) {
        this.turn = i;
        return false;
      }
      this.turn = (i + 1) % lanes.length;
      if (performance.now() > deadline) return false;
    }
    return true;
  }

  override seen(): void {
    if (this.playing || !this.behind) return;
    this.run();
    this.changed(); // until they have caught up
  }

  override around(): { a: Frame; b: Frame; mix: number } | null {
    const newest = this.frames.at(-1);
    return newest ? { a: newest, b: newest, mix: 0 } : null;
  }

  ask(): null {
    return null;
  }

  async send(verb: string, args: Record<string, unknown> = {}): Promise<string> {
    return verb === "step" ? this.stride(Number(args.n ?? 1)) : "A race in the browser only runs.";
  }

  protected override connect(): void {
    this.leave ??= this.base.attend();
    super.connect();
  }

  protected override disconnect(): void {
    if (this.playing) this.play(false);
    this.leave?.();
    this.leave = null;
    super.disconnect();
  }

  /** What the scrub bar of a recording needs: the beginning and where it stands. */
  private placed(): void {
    const frame = (step: number): Frame => ({ step, time: 0, layers: {}, limits: {}, caption: "" });
    const count = Math.min(this.tick, MOMENTS);
    this.frames = Array.from({ length: count + 1 }, (_, k) => frame(count ? Math.round((k / count) * this.tick) : 0));
    if (this.following || this.playhead > this.tick) this.playhead = this.tick;
    this.status = { state: "done", step: this.tick, until: 0 };
  }

  /** The base has changed: perhaps its target is there now. */
  protected follow(): void {
    const { base } = this;
    const [energy, score] = [base.program("energy"), base.program("score")];
    if (!base.scene || !energy || !score) return;
    if (base.scene !== this.origin || energy !== this.programs?.[0] || score !== this.programs[1]) {
      if (this.ground) this.wish ??= this.view; // what a person did stays
      this.origin = base.scene;
      this.programs = [energy, score];
      this.ground = grounded(base.scene, energy, score);
      if (!this.ground) return;
      this.shaping = new Shaping(this, this.ground);
      this.scene = { ...base.scene, panes: [this.ground.pane], latent: 0 };
      if (!this.settings.length) this.settings = LANES.map((name) => this.tuned(name));
      this.leave?.();
      this.leave = null;
      this.again();
    }
    if (this.wish && this.ground) this.take(this.wish);
  }

  private take(view: RaceView): void {
    this.wish = null;
    const offered = this.samplers.map(([name]) => name);
    const lanes = (view.lanes ?? []).filter(({ sampler }) => offered.includes(sampler)).slice(0, MOST);
    this.ground = this.shaping?.take(view, lanes.length || LANES.length) ?? this.ground; // a step is tuned to it
    this.settings =
      lanes.length >= LEAST ? lanes.map((one) => judged(one, this.tuned(one.sampler))) : LANES.map((name) => this.tuned(name));
    this.timing = view.clock ?? "evaluations";
    this.count = CHAINS.includes(view.chains ?? 0) ? (view.chains ?? 5) : 5;
    this.start = view.begin ?? "centre";
    this.chosen = view.point ?? [0, 0];
    this.chance = view.seed ?? 0;
    this.veiled = view.fog ?? false;
    this.jumps = view.jumps ?? false;
    this.pace = RATES.includes(view.rate ?? 0) ? (view.rate ?? 200) : 200;
    this.guessed = view.guess ?? -1;
    if (this.guessed !== NONE && this.guessed >= this.settings.length) this.guessed = -1;
    this.again();
    this.from(view.tick ?? 0);
  }

  private made(settings: Laned): Lane {
    const { ground } = this;
    if (!ground) throw new Error("there is nothing to walk on yet");
    const { target, x, y } = ground;
    const fog: Fog = { side: SIDE, x, y, reach: REACH };
    return new Lane(settings, { target, seed: this.chance, starts: this.starts(ground), low: x[0], high: x[1], fog });
  }

  private starts({ target, draws }: Ground): Float64Array[] {
    const chance = new Chance(this.chance);
    return Array.from({ length: this.count }, (_, k) => {
      chance.turn(k, 0);
      const n = draws?.shape[0] ?? 0;
      if (this.start === "draws" && !n && target.mixture) return drawn(target.mixture, chance);
      if (this.start === "draws" && draws && n) {
        const row = Math.floor(chance.uniform() * n);
        return Float64Array.from({ length: target.dim }, (_, i) => draws.data[row * target.dim + i]);
      }
      const at = this.start === "point" ? this.chosen : [0, 0];
      return Float64Array.from({ length: target.dim }, (_, i) => (at[i] ?? 0) + SPREAD * chance.noise());
    });
  }
}

/** What of a lane's settings its sampler reads. */
function brief({ sampler, eps, leapfrog, temperatures }: Laned): Laned {
  const own = { sampler, ...(sampler !== "gibbs" && { eps: Number(eps.toPrecision(3)) }) };
  return { ...own, ...(sampler === "hmc" && { leapfrog }), ...(sampler === "pt" && { temperatures }) } as Laned;
}

/** Settings of a link, within their ranges. */
function judged(one: Partial<Laned>, usual: Laned): Laned {
  const whole = (value: number, range: readonly [number, number]) => Math.round(within(value, range));
  return {
    ...usual,
    ...(one.eps && { eps: within(one.eps, RANGES.eps) }),
    ...(one.leapfrog && { leapfrog: whole(one.leapfrog, RANGES.leapfrog) }),
    ...(one.temperatures && { temperatures: whole(one.temperatures, RANGES.temperatures) }),
  };
}

/** The panel's map and the programs' target; null where a scene has no race. */
function grounded(scene: Scene, energy: Program, score: Program): Ground | null {
  const found = scene.panes.find(({ walks }) => walks === "race");
  if (!found) return null;
  const { walks: _, ...pane } = found;
  const dim = scene.shape.reduce((n, size) => n * size, 1);
  const target = targetOf(energy, score, dim);
  const named = (name: string) => pane.layers.find((layer) => layer.name === name);
  const [field, marginal, draws] = [named("density"), named("marginal"), named("draws")];
  const extent = field?.type === "field" ? field.extent : [-1, 1, -1, 1];
  return {
    target,
    pane,
    field: field?.type === "field" ? field : null,
    x: pane.x ?? [extent[0], extent[1]],
    y: pane.y ?? [extent[2], extent[3]],
    marginal: marginal?.type === "curves" ? (marginal.tensors.xy ?? null) : null,
    draws: draws?.type === "points" ? (draws.tensors.xy ?? null) : null,
    narrowest: energy.mixture?.narrowest ?? SPREAD,
  };
}
