// What a person has done to the target of a race, and how it is taken back. Each change makes another target, on which all chains
// begin anew; while something is dragged only the picture follows.

import { type Dot, dotRows, dotsOf, escapes, forgotten, remembered } from "./escape";
import { onMixture, type Settings } from "./kernels";
import type { Mixture } from "./mixture";
import type { Ground, Race, RaceView } from "./race";
import { barrier, fieldOf, given, laid, MODES, marginalOf, rows, type Shape, same, shapeOf, without } from "./shape";

const COARSE = 56; // places across of the density while it is dragged
const FINE = 160; // … and at rest, as the panel has them
const CHANGES = 100; // that can be taken back
const ONE = 1000; // ms within which touches of the same handle or slider are one change

type Before = { shape: Shape; chosen: number; past: Dot[]; lanes: readonly Settings[]; tick: number; guess: number };

export class Shaping {
  on = false; // modes can be taken hold of
  open = false; // the barrier is shown
  chosen = -1;
  past: Dot[] = []; // how long escapes took at other barriers
  readonly able: boolean;
  private now: Shape;
  private held: Shape | null = null; // as it was before it was dragged
  private rest: Ground | null = null; // and what the race stood on
  private resumes = false;
  private changes: Before[] = [];
  private touched = { what: "", at: 0 };
  private readonly laws = new WeakMap<Shape, Mixture>();
  private readonly passes = new WeakMap<Shape, number>();

  constructor(
    private readonly race: Race,
    private readonly ground: Ground,
  ) {
    const { mixture, dim } = ground.target;
    this.able = Boolean(mixture && dim === 2 && mixture.count <= MODES[1] && ground.field);
    this.now = mixture && this.able ? given(mixture) : { modes: [], width: 1 };
  }

  get shape(): Shape {
    return this.now;
  }

  get dragged(): boolean {
    return this.held !== null;
  }

  /** The given mixture; only where it is `able`. */
  get base(): Mixture {
    return this.ground.target.mixture as Mixture;
  }

  get frame(): [[number, number], [number, number]] {
    return [this.ground.x, this.ground.y];
  }

  get changed(): boolean {
    return this.able && (this.past.length > 0 || this.law !== this.base);
  }

  get undoes(): boolean {
    return this.changes.length > 0;
  }

  /** Nats; not a number of one mode. It follows the widths while they are dragged, a single mode only when that is let go. */
  get barrier(): number {
    const { held, now } = this;
    return this.barrierOf(held?.width === now.width ? held : now);
  }

  private barrierOf(shape: Shape): number {
    const found = this.passes.get(shape) ?? barrier(this.lawOf(shape));
    this.passes.set(shape, found);
    return found;
  }

  /** What it is now, while it is dragged too. */
  get law(): Mixture {
    return this.lawOf(this.now);
  }

  private lawOf(shape: Shape): Mixture {
    const found = this.laws.get(shape) ?? laid(this.base, shape);
    this.laws.set(shape, found);
    return found;
  }

  choose(k: number): void {
    this.chosen = k;
    this.race.changed();
  }

  /** While it is dragged: a coarse picture, and the race rests. */
  show(shape: Shape): void {
    const { race } = this;
    if (!this.held) {
      [this.held, this.rest] = [this.now, race.ground];
      this.resumes = race.playing;
      if (race.playing) race.play(false);
    }
    this.now = shape;
    if (race.ground && this.ground.field) race.ground = { ...race.ground, field: fieldOf(this.law, this.ground.field, COARSE) };
    race.changed();
  }

  /** It is let go: the change is made. */
  settle(what = ""): void {
    const { held, now } = this;
    if (!held) return;
    this.drop();
    this.change(now, what);
  }

  /** It is let go, and nothing has been. */
  drop(): void {
    if (!this.held) return;
    this.now = this.held;
    this.race.ground = this.rest;
    this.held = this.rest = null;
    if (this.resumes) this.race.play(true);
    this.race.changed();
  }

  /** Another target: chains begin anew, and what they told of the last one is kept. `what` is touched: one touch after the
   * other, as by the keys of an arrow, is taken back at once. */
  change(shape: Shape, what = ""): void {
    if (same(this.base, shape, this.now)) return;
    const { race, now, past, touched } = this;
    const at = performance.now();
    const more = what && what === touched.what && at - touched.at < ONE && this.changes.length;
    if (!more || race.tick) this.note(); // what has been run on is to be had again
    this.touched = { what, at };
    if (this.barrierOf(now) !== this.barrierOf(shape)) this.past = remembered(past, escapes(race, this.barrierOf(now), true));
    this.now = shape;
    this.chosen = Math.min(this.chosen, shape.modes.length - 1);
    race.stand(this.ofShape());
  }

  /** One stays. */
  remove(k: number): void {
    if (this.now.modes.length <= MODES[0]) return;
    this.chosen = k; // the next one, so that the hand that took one off has something to stay at
    this.change(without(this.now, k));
  }

  undo(): void {
    this.drop();
    const before = this.changes.pop();
    if (!before) return;
    this.touched.what = "";
    [this.now, this.past, this.chosen] = [before.shape, before.past, before.chosen];
    this.race.stand(this.ofShape(), before);
  }

  /** As the panel gave it, and no dots. */
  reset(): void {
    this.drop();
    if (!this.changed) return;
    this.note();
    [this.now, this.past, this.chosen] = [given(this.base), [], -1];
    this.race.stand(this.ofShape());
  }

  /** A lane has other settings, or is gone: what it told was of another sampler. */
  forget(lane: number, gone = false): void {
    for (const one of [this, ...this.changes]) one.past = forgotten(one.past, lane, gone);
  }

  get view(): RaceView {
    const { on, open, past, now } = this;
    if (!this.able) return {};
    const shape = rows(this.base, now);
    return {
      ...(on && { shaping: true }),
      ...(open && { barrier: true }),
      ...(shape.length && { shape }),
      ...(now.width !== 1 && { width: now.width }),
      ...(past.length && { escapes: dotRows(past) }),
    };
  }

  /** What a link says, before the lanes are set to it. */
  take({ shaping = false, barrier = false, shape = [], width = 1, escapes = [] }: RaceView, lanes: number): Ground {
    if (!this.able) return this.ground;
    [this.on, this.open, this.chosen] = [shaping, barrier, -1];
    this.past = dotsOf(escapes, lanes);
    this.changes = [];
    this.held = this.rest = null;
    this.now = shapeOf(this.base, shape, width, this.frame);
    return this.ofShape();
  }

  private note(): void {
    const { race, now: shape, past, chosen } = this;
    this.changes = [...this.changes, { shape, chosen, past, lanes: [...race.of], tick: race.tick, guess: race.guess }].slice(
      -CHANGES,
    );
  }

  private ofShape(): Ground {
    const { ground, base, law } = this;
    if (law === base || !ground.field) return ground;
    return {
      ...ground,
      target: onMixture(law),
      field: fieldOf(law, ground.field, FINE),
      marginal: marginalOf(law, ground.x, FINE),
      draws: null,
      narrowest: law.narrowest,
    };
  }
}
