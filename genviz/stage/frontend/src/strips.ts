// The runs on the stage: a strip each, one below the other on one scale of steps; one of them is active, another may be in
// lock-step with it.

import { drawing, el, say } from "./dom";
import { cost, named, type Origin, originOf, runOf, type Told } from "./fork";
import { source as sourceOf } from "./store";
import { Strip, type Track } from "./strip";
import { tab } from "./tab";
import type { Theme } from "./theme";
import type { Pane, Source } from "./types";
import { extent, live, standing } from "./words";

export const MOST = 4;
const LETTERS = "ABCD";
const UNFINISHED = /starting|running|paused/;

/** What the steps of a strip are. */
const time = (source: Source) =>
  source.race ? "the race" : source.walk ? "sweeps of the chain" : source.film ? "chain time" : "training time";

/** What the address says of the stage: the active run, all that are there in their order, and the one in lock-step. */
export type Company = { run?: string; beside?: string[]; pair?: string };

type Lane = {
  source: Source;
  strip: Strip;
  root: HTMLElement;
  badge: HTMLElement;
  name: HTMLElement;
  state: HTMLElement;
  pair: HTMLButtonElement;
  known: Origin | null; // where it came from, before its journal says so
  leave: () => void;
};

export type Mount = {
  turn(source: Source): void; // another run is active
  paired(): void; // another one is in lock-step with it, or none
  commit(): void;
};

export class Strips {
  readonly root = el("div", { class: "strips" });
  partner: Source | null = null;
  private lanes: Lane[] = [];
  private next: Lane | null = null; // a fork becomes active when it has a picture
  private dear = -1; // the step whose cost was told
  private width = 0;
  private look: [Pane | undefined, Theme, Set<string>] | null = null;

  constructor(
    private active: Source,
    private readonly mount: Mount,
  ) {
    this.add(active);
  }

  get told(): Told[] {
    return this.lanes.map((lane, i) => ({
      letter: LETTERS[i],
      run: runOf(lane.source),
      origin: originOf(lane.source) ?? lane.known,
      source: lane.source,
    }));
  }

  of(source: Source): Told | undefined {
    return this.told.find((one) => one.source === source);
  }

  get company(): Company {
    if (!live(this.active)) return {};
    const beside = this.lanes.length > 1 ? this.lanes.map(({ source }) => runOf(source)) : [];
    return { run: runOf(this.active), beside, ...(this.partner && { pair: runOf(this.partner) }) };
  }

  /** Which runs are here, and which one is active, as the page asks for. */
  set(active: Source, beside: Source[]): void {
    const wanted = [...new Set([...beside, active])].slice(-MOST);
    for (const source of wanted) this.add(source);
    for (const { source } of [...this.lanes]) if (!wanted.includes(source)) this.remove(source);
    this.lanes.sort((a, b) => wanted.indexOf(a.source) - wanted.indexOf(b.source));
    this.root.replaceChildren(...this.lanes.map(({ root }) => root));
    this.turn(active);
  }

  turn(source: Source): void {
    this.next = null;
    if (source === this.active) return;
    const before = this.active;
    this.active = source;
    if (this.partner === source) this.partner = before; // the two change places
    this.mount.turn(source);
    this.redraw();
  }

  /** In lock-step with the active run, or no longer; without a name the nearest one, its parent first. */
  toggle(source?: Source): string {
    if (this.lanes.length < 2) return "One run alone is on the stage: fork it (F) to have another beside it.";
    const origin = this.of(this.active)?.origin?.run;
    const others = this.lanes.map((lane) => lane.source).filter((other) => other !== this.active);
    const nearest = others.find((other) => runOf(other) === origin) ?? others[0];
    const wanted = source ?? this.partner ?? nearest;
    this.partner = this.partner === wanted ? null : wanted;
    this.mount.paired();
    this.redraw();
    return "";
  }

  pairUp(run: string): void {
    const lane = this.lanes.find(({ source }) => runOf(source) === run);
    if (lane && lane.source !== this.active && lane.source !== this.partner) this.toggle(lane.source);
  }

  /** Whether a fork here waits for its cost to be accepted. */
  get asking(): boolean {
    return this.dear >= 0 && this.dear === Math.round(this.active.playhead);
  }

  /** A new run that stands where the playhead is; "" or why not. */
  async fork(): Promise<string> {
    const parent = this.active;
    if (parent.walk || parent.film || parent.race) return "A chain has no fork of its own: fork the training above.";
    if (!live(parent)) return "A shipped recording has no run to fork: press Train, and fork that.";
    if (!parent.frames.length) return "There is no step to fork at yet: wait for the first picture.";
    if (this.lanes.length >= MOST) return "Four runs are on the stage, which is all it holds: take one off with its ×.";
    const step = Math.round(parent.playhead);
    const dear = cost(parent.frames, step);
    if (dear && !this.asking) {
      this.dear = step;
      return dear;
    }
    this.dear = -1;
    const { error, run } = await tab().live.answer(runOf(parent), "fork", { step });
    if (error || !run) return error;
    const fork = sourceOf(`run:${run}`);
    const [axes, selection, cursor] = [parent.axes, parent.selection, parent.cursor];
    Object.assign(fork, { axes: [...axes], selection, cursor, speed: parent.speed });
    const focused = this.root.querySelector(":focus");
    this.next = this.add(fork, { run: runOf(parent), step });
    if (focused) this.next.strip.root.focus(); // whoever was at the strip goes on at the new one
    this.redraw();
    return "";
  }

  draw(pane: Pane | undefined, theme: Theme, hidden: Set<string>): void {
    this.look = [pane, theme, hidden];
    this.redraw();
  }

  resize(width: number): void {
    this.width = width;
    for (const { strip } of this.lanes) strip.resize(strip.root.clientWidth || width);
  }

  /** Before a mount ends: what is asked of the browser is taken back, the runs are let go. */
  stop(): void {
    for (const lane of this.lanes) {
      lane.strip.stop();
      lane.leave();
    }
  }

  private add(source: Source, known: Origin | null = null): Lane {
    const here = this.lanes.find((lane) => lane.source === source);
    if (here) return here;
    const strip = new Strip(
      source,
      () => this.mount.commit(),
      () => this.track(lane),
      () => this.choose(source),
    );
    const badge = el("button", { class: "badge", type: "button" });
    const name = el("span", { class: "name" });
    const state = el("span", { class: "standing" });
    const pair = el("button", { class: "text-button pair", type: "button", "aria-pressed": "false" }, "pair");
    pair.title = "In lock-step with the active run (C): their panes side by side, one playhead for both";
    const off = el(
      "button",
      { class: "icon off", type: "button", title: "Take it off the stage: it stops there, and the Runs page keeps it" },
      drawing(16, 16, ["~M4 4l8 8M12 4l-8 8"]),
    );
    const title = el("div", { class: "title" }, badge, name, state, pair, off);
    const root = el("div", { class: "lane" }, title, strip.root);
    const lane: Lane = { source, strip, root, badge, name, state, pair, known, leave: () => {} };
    title.addEventListener("click", (event) => {
      if (!(event.target as Element).closest(".pair, .off")) this.choose(source);
    });
    pair.addEventListener("click", () => {
      this.toggle(source);
      this.mount.commit();
    });
    off.addEventListener("click", () => this.drop(source));
    const parent = known && this.lanes.find((other) => runOf(other.source) === known.run);
    if (parent) strip.inherit(parent.strip);
    this.lanes.push(lane);
    this.root.append(root);
    strip.resize(this.width);
    const release = source.retain();
    const unlisten = source.listen(() => this.heard(lane));
    lane.leave = () => {
      unlisten();
      release();
    };
    return lane;
  }

  /** A person chose it. */
  private choose(source: Source): void {
    if (source === this.active) return;
    this.turn(source);
    this.mount.commit();
  }

  private drop(source: Source): void {
    const at = this.lanes.findIndex((lane) => lane.source === source);
    if (at < 0 || this.lanes.length < 2) return;
    if (UNFINISHED.test(source.status.state)) void source.send("stop"); // a replay, too, is not done for nobody
    if (this.partner === source || this.active === source) this.end();
    if (this.active === source) this.turn(this.lanes[at ? at - 1 : 1].source);
    this.remove(source);
    this.redraw();
    this.mount.commit();
  }

  private end(): void {
    if (!this.partner) return;
    this.partner = null;
    this.mount.paired();
  }

  private remove(source: Source): void {
    const lane = this.lanes.find((one) => one.source === source);
    if (!lane) return;
    if (this.partner === source) this.end();
    if (this.next === lane) this.next = null;
    lane.strip.stop();
    lane.leave();
    lane.root.remove();
    this.lanes = this.lanes.filter((one) => one !== lane);
  }

  private heard(lane: Lane): void {
    if (this.next === lane && lane.source.scene && lane.source.frames.length) {
      this.turn(lane.source);
      this.mount.commit();
    }
    if (lane.source !== this.active) this.redraw();
  }

  private track(lane: Lane): Track {
    const spans = this.lanes.map(({ source }) => extent(source));
    const ranges = this.lanes.flatMap(({ source, strip }) => strip.range(this.pane(source)) ?? []);
    const origin = originOf(lane.source) ?? lane.known;
    const parent = origin && this.lanes.find(({ source }) => runOf(source) === origin.run);
    return {
      across: [Math.min(...spans.map(([first]) => first)), Math.max(...spans.map(([, last]) => last))],
      range: ranges.length ? [Math.min(...ranges), Math.max(...ranges)] : null,
      born: origin?.step ?? 0,
      past: (!lane.source.frames.length && parent && parent.source.frames.filter(({ step }) => step <= origin.step)) || [],
      low: this.lanes.length > 1,
    };
  }

  /** What the thumbnails of a run show: the pane that the active one shows, if it has it. */
  private pane(source: Source): Pane | undefined {
    const shown = this.look?.[0];
    return source.scene?.panes.find(({ name }) => name === shown?.name) ?? shown;
  }

  private redraw(): void {
    if (!this.look) return;
    const [, theme, hidden] = this.look;
    const told = this.told;
    const alone = this.lanes.length < 2;
    this.root.classList.toggle("alone", alone);
    this.lanes.forEach((lane, i) => {
      const { source, strip, root, badge, name, state, pair } = lane;
      const on = source === this.active;
      root.classList.toggle("active", on);
      root.classList.toggle("together", source === this.partner);
      const title = named(told[i], told);
      say(badge, told[i].letter);
      badge.setAttribute("aria-label", `${told[i].letter}, ${title}${on ? ", active" : ""}`);
      badge.setAttribute("aria-pressed", String(on));
      say(name, title);
      say(state, standing(source));
      pair.hidden = on;
      pair.setAttribute("aria-pressed", String(source === this.partner));
      strip.root.setAttribute("aria-label", alone ? time(source) : `training time of ${told[i].letter}`);
      strip.draw(this.pane(source), theme, hidden);
    });
  }
}
