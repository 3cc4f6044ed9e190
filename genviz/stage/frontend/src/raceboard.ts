// The lanes of a race, side by side: what may be set of each, its map, what it counts, its charts; above them the question and what
// all lanes share, below them the course.

import { Plane, squared } from "./axes";
import { disclosure, el, say } from "./dom";
import { PLAIN } from "./draw/curves";
import { Backdrops, type Course, drawCharts, drawCourse, drawMap, type Flash, type Seen, tall } from "./draw/race";
import { RANGES, type Sampler, type Settings } from "./kernels";
import type { Lane } from "./lane";
import { Modes } from "./modes";
import { LEAST, type Race } from "./race";
import { RaceBar } from "./racebar";
import { ShapeBar } from "./shapebar";
import { paper } from "./sheet";
import type { Theme } from "./theme";
import type { Pane } from "./types";
import { number, whole } from "./words";

type Act = (act: () => unknown) => Promise<void>;
export type Host = { readonly theme: Theme; readonly still: boolean; run: Act; commit(): void };

const SLOW_ENOUGH = 60; // ticks a second, up to which proposals are drawn
const PHASE = 125; // ms of each of four moments of a step in slow motion
const CALM = 300; // ms between two drawings of charts while it runs
const COUNTED = 120; // … and between two of its counts
const APART = 60; // ticks between two figures of a lane, at least
const FIGURING = 3; // ms of an animation frame
const PATIENCE = 500; // ms that labels may be behind
const WIDE = 225; // pixels of a lane
const GAP = 20;
const COURSE = 56;
const FLASHES = 8;
const STRIDE = 0.02; // of the map, that an arrow key moves the start

export class RaceBoard {
  readonly root = el("div", { class: "race" });
  private readonly bar: RaceBar;
  readonly shaper: ShapeBar;
  readonly backdrop = new Backdrops(); // of all lanes while there is no fog
  private readonly warning = el("p", { class: "warning", role: "status", hidden: true });
  private readonly row = el("div", { class: "racelanes" });
  private readonly course = el("div", {
    class: "course",
    role: "slider",
    tabindex: 0,
    "aria-label": "the race",
    "aria-valuemin": 0,
  });
  private readonly canvas = el("canvas");
  private readonly handle = el("div", { class: "handle" });
  private readonly text = el("div", { class: "text" });
  private views: LaneView[] = [];
  touched = 0; // the lane on whose map modes were taken hold of last: Tab walks through its handles
  private drawn = 0;
  private stood = 0;
  private width = 0;
  private look = "";

  constructor(
    readonly race: Race,
    readonly host: Host,
  ) {
    this.shaper = new ShapeBar(this);
    this.bar = new RaceBar(this);
    this.course.append(this.canvas, this.handle);
    this.root.append(this.bar.root, this.shaper.root, this.row, this.warning, this.course, this.text); // a warning moves no map
    let down = false;
    const to = (event: PointerEvent) => {
      const box = this.course.getBoundingClientRect();
      race.seek(((event.clientX - box.left) / box.width) * this.until);
    };
    this.course.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.course.setPointerCapture(event.pointerId);
      if (race.playing) race.play(false);
      down = true;
      to(event);
    });
    this.course.addEventListener("pointermove", (event) => down && to(event));
    for (const name of ["pointerup", "pointercancel"])
      this.course.addEventListener(name, () => {
        if (down) host.commit();
        down = false;
      });
    this.root.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== "z" || !race.shaping?.undoes) return;
      if (event.target instanceof HTMLInputElement && event.target.type === "number") return; // what is typed there
      event.preventDefault();
      void host.run(() => race.shaping?.undo());
    });
    this.course.addEventListener("keydown", (event) => {
      if (event.key !== "Home" && event.key !== "End") return;
      event.preventDefault();
      race.seek(event.key === "Home" ? 0 : race.tick);
      host.commit();
    });
  }

  private get until(): number {
    return Math.max(10_000, Math.ceil(this.race.tick / 10_000) * 10_000);
  }

  /** Columns for so many pixels. */
  layout(width: number): void {
    this.width = width;
    const count = Math.max(1, this.race.of.length);
    let columns = Math.max(1, Math.min(count, Math.floor((width + GAP) / (WIDE + GAP))));
    columns = Math.ceil(count / Math.ceil(count / columns));
    this.row.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    this.row.style.columnGap = `${GAP}px`;
    const lane = Math.floor((width - GAP * (columns - 1)) / columns);
    for (const view of this.views) view.resize(lane);
  }

  draw(now = performance.now()): void {
    const { race, views } = this;
    if (views.length !== race.of.length) {
      this.views = race.of.map((_, i) => new LaneView(this, i));
      this.touched = 0;
      this.row.replaceChildren(...this.views.map(({ root }) => root));
      this.layout(this.root.clientWidth);
    }
    if (race.ground && !this.text.firstChild) this.explained(race.ground.pane);
    const done = race.diagnose(now + FIGURING, race.slow ? 1 : APART);
    this.bar.draw(); // a verdict may rest on the figures
    this.shaper.draw(now);
    if (this.host.still && race.playing && now - this.stood < PATIENCE) return; // in steps, not in motion
    this.stood = now;
    const due = this.views.filter((view) => view.stale && (!race.playing || now - view.judgedAt > CALM));
    const next = due.sort((a, b) => a.judgedAt - b.judgedAt)[0]; // one an animation frame
    for (const view of this.views) view.draw(now, view === next);
    if (now - this.drawn > CALM || !race.playing) {
      this.drawn = now;
      const { warning } = race;
      this.warning.hidden = !warning;
      say(this.warning, warning);
    }
    this.pass();
    if (!done || due.length > 1 || this.views.some((view) => view.busy)) requestAnimationFrame(() => race.changed());
  }

  private explained({ reads = "", how = "" }: Pane): void {
    this.text.append(el("p", { class: "reads" }, reads), ...disclosure(how));
  }

  /** The modes found, and where the playhead is. */
  private pass(): void {
    const { race, host } = this;
    const w = this.width;
    if (w < 10) return;
    this.handle.style.transform = `translateX(${(race.playhead / this.until) * w}px)`;
    this.course.setAttribute("aria-valuemax", String(race.tick));
    this.course.setAttribute("aria-valuenow", String(Math.round(race.playhead)));
    this.course.setAttribute("aria-valuetext", race.position);
    const lanes = race.lanes.map((lane, i): Course => {
      const firsts = [...lane.first].filter((n) => n >= 0).sort((a, b) => a - b);
      return { name: race.name(i), firsts: firsts.map((n) => n * race.price(lane)), ...this.pen(i) };
    });
    const look = `${w}|${host.theme.dark}|${host.theme.paper}|${this.until}|${Math.round((race.tick / this.until) * w)}|${lanes.map(({ firsts }) => firsts.length)}`;
    if (look === this.look) return;
    this.look = look;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(w * ratio);
    this.canvas.height = Math.round(COURSE * ratio);
    this.canvas.style.height = `${COURSE}px`;
    const g = this.canvas.getContext("2d");
    g?.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (g) drawCourse(g, w, COURSE, host.theme, lanes, [race.tick, this.until, race.modes]);
  }

  /** How a lane's line is told from the others. */
  pen(lane: number): { colour: string; dash: number[] } {
    return { colour: this.host.theme.classes[[0, 1, 4, 9][lane]], dash: PLAIN[lane] };
  }

  /** A canvas of ours, finer. */
  print(canvas: HTMLCanvasElement, ratio: number): HTMLCanvasElement | null {
    for (const view of this.views) {
      const printed = view.print(canvas, ratio);
      if (printed) return printed;
    }
    return this.shaper.print(canvas, ratio);
  }
}

class LaneView {
  readonly root = el("section", { class: "racelane" });
  busy = false; // something grows or fades
  private readonly map = el("canvas", { role: "img", tabindex: 0 });
  private readonly charts = el("canvas", { class: "charts", role: "img" });
  private readonly swatch = el("canvas", { class: "swatch", "aria-hidden": "true" });
  private readonly sampler = el("select", { "aria-label": "sampler" });
  private readonly eps: Dial;
  private readonly leapfrog: Dial;
  private readonly temperatures: Dial;
  private readonly off = el("button", { class: "icon small", type: "button", "aria-label": "Take this lane off" }, "×");
  private readonly told = el("p", { class: "told", title: "The last step of the first chain, the large disc" });
  private readonly counts = el("dl", { class: "counts" });
  private readonly rows = new Map<string, HTMLElement>();
  private readonly backdrop = new Backdrops(); // with the fog that its own chains have not cleared
  private readonly modes: Modes;
  private width = 0;
  private offered = "";
  private flash: Flash[] = [];
  private last = -1; // step that was drawn
  private of: Lane | null = null;
  judgedAt = 0; // when charts and labels were drawn last
  private judgedOf = ""; // and of what
  private countedAt = 0;
  private marked = "";
  private seen: Seen | null = null;

  constructor(
    private readonly board: RaceBoard,
    private readonly i: number,
  ) {
    const { race, host } = board;
    const set = (change: Partial<Settings>) => race.set(i, change);
    this.modes = new Modes(board, i);
    this.sampler.addEventListener("change", () => host.run(() => set({ sampler: this.sampler.value as Sampler })));
    const done = () => host.commit();
    this.eps = new Dial("ε", "Length of a step, in units of the data", RANGES.eps, true, (eps) => set({ eps }), done);
    this.leapfrog = new Dial("L", "Leapfrog steps of an orbit", RANGES.leapfrog, false, (leapfrog) => set({ leapfrog }), done);
    this.temperatures = new Dial(
      "K",
      "Replicas, each hotter than the one before",
      RANGES.temperatures,
      false,
      (temperatures) => set({ temperatures }),
      done,
    );
    this.off.addEventListener("click", () => host.run(() => race.remove(i)));
    this.root.append(
      el("header", {}, this.swatch, this.sampler, this.off),
      el("div", { class: "dials" }, this.eps.root, this.leapfrog.root, this.temperatures.root),
      el("div", { class: "map" }, this.map, this.modes.root),
      this.told,
      this.counts,
      this.charts,
    );
    this.starts();
  }

  /** A click or a drag, or arrow keys, say where all chains begin. */
  private starts(): void {
    const { map, board } = this;
    const { race, host } = board;
    const able = () => race.begin === "point" || !race.tick;
    const put = (event: PointerEvent) => {
      const { seen } = this;
      const box = map.getBoundingClientRect();
      if (seen) race.point = [seen.plane.ux(event.clientX - box.left), seen.plane.uy(event.clientY - box.top)];
    };
    let down: { x: number; y: number; touch: boolean } | null = null;
    map.addEventListener("pointerdown", (event) => {
      if (event.button || !able()) return;
      down = { x: event.clientX, y: event.clientY, touch: event.pointerType !== "mouse" };
      if (down.touch) return; // a finger may be scrolling: a tap is known when it is over
      map.setPointerCapture(event.pointerId);
      put(event);
    });
    map.addEventListener("pointermove", (event) => {
      if (down && !down.touch) put(event);
    });
    map.addEventListener("pointerup", (event) => {
      if (!down) return;
      const near = Math.hypot(event.clientX - down.x, event.clientY - down.y) < 8;
      if (down.touch && near) put(event);
      if (!down.touch || near) host.commit();
      down = null;
    });
    map.addEventListener("pointercancel", () => {
      down = null;
    });
    map.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!way || !able() || !race.ground) return;
      const { x, y } = race.ground;
      const far = event.shiftKey ? 5 * STRIDE : STRIDE;
      const clamp = (value: number, [low, high]: [number, number]) => Math.min(Math.max(value, low), high);
      race.point = [
        clamp(race.point[0] + way[0] * far * (x[1] - x[0]), x),
        clamp(race.point[1] + way[1] * far * (y[1] - y[0]), y),
      ];
      host.commit();
      event.preventDefault();
    });
  }

  /** Of what charts and labels are; told apart from what they were drawn of. */
  private get standing(): string {
    const { board, i, of, width } = this;
    const { race, host } = board;
    const lane = race.lanes[i];
    if (!lane) return "";
    const { theme } = host;
    return `${width}|${theme.dark}|${theme.paper}|${lane === of}|${race.step(i)}|${lane.steps}|${lane.figures?.step}|${race.fog}|${race.begin}`;
  }

  get stale(): boolean {
    return this.standing !== this.judgedOf;
  }

  resize(width: number): void {
    this.width = width;
    this.last = -1;
  }

  draw(now: number, calm: boolean): void {
    const { board, i } = this;
    const { race, host } = board;
    const lane = race.lanes[i];
    if (!lane || !race.ground || this.width < 20) return;
    this.dials(lane);
    const step = Math.min(race.step(i), lane.steps);
    if (lane !== this.of || step < this.last) {
      this.flash = [];
      this.last = step;
      this.of = lane;
    }
    this.jumped(lane, step, now);
    const fine = !race.playing || race.slow || race.rate <= SLOW_ENOUGH;
    const slowly =
      race.slow && race.playing && !host.still && (race.price(lane) === 1 || race.step(i) * race.price(lane) === race.tick);
    const phase = slowly ? Math.floor((now - race.struck) / PHASE) : 3;
    const told = fine && step ? lane.moment(step) : null;
    const under = race.slow || !race.playing ? race.price(lane) : 1;
    const gone = Math.round(race.playhead) % under;
    const orbit =
      lane.settings.sampler === "hmc" && gone && step <= lane.steps ? { path: lane.ahead(step).path, places: gone + 1 } : null;
    const height = Math.min(this.width, 340);
    const { x, y } = race.ground;
    const box = { x: 0, y: 0, w: this.width, h: height };
    this.seen = {
      theme: host.theme,
      lane,
      step,
      plane: new Plane(box, squared([x[0], x[1], y[0], y[1]], box.w, box.h)),
      field: race.ground.field,
      fog: race.fog,
      cleared: race.following ? String(lane.cleared) : `at ${step}`,
      told: orbit ? null : told,
      phase,
      orbit,
      jumps: race.jumps,
      flashes: this.flash,
      now,
      still: host.still,
      start:
        race.begin === "point" || (!race.tick && race.begin === "centre")
          ? race.begin === "point"
            ? race.point
            : [0, 0]
          : null,
    };
    const backdrop = race.fog ? this.backdrop : board.backdrop;
    paper(this.map, this.width, height, (g) => this.seen && drawMap(g, this.width, height, this.seen, backdrop));
    this.modes.draw(this.seen.plane);
    const open = race.begin === "point" || !race.tick;
    this.map.classList.toggle("open", open);
    this.map.classList.toggle("latent", open); // arrow keys are its own
    this.moment(told, orbit ? gone : 0, lane, phase);
    if (calm || now - this.countedAt > COUNTED) this.judged(lane, step, calm); // words that change cost a layout
    this.busy = !host.still && this.flash.some(({ since }) => now - since < PATIENCE);
  }

  /** The flashes of the jumps since the last drawing. */
  private jumped(lane: Lane, step: number, now: number): void {
    for (let n = Math.max(this.last + 1, step - 40, 1); lane.modes && n <= step; n++) {
      for (let k = 0; k < lane.many; k++) {
        const to = lane.mode(k, n);
        if (to < 0) continue;
        let from = -1;
        for (let m = n - 1; m >= Math.max(0, n - 50) && from < 0; m--) from = lane.mode(k, m);
        if (from >= 0 && from !== to) this.flash.push({ from, to, since: now });
      }
    }
    this.last = step;
    if (this.flash.length) this.flash = this.flash.slice(-FLASHES).filter(({ since }) => now - since < PATIENCE);
  }

  private dials(lane: Lane): void {
    const { race } = this.board;
    const { sampler } = lane.settings;
    const offered = race.samplers.map(([name]) => name).join();
    if (offered !== this.offered) {
      this.offered = offered;
      this.sampler.replaceChildren(...race.samplers.map(([name, told, title]) => el("option", { value: name, title }, told)));
    }
    if (this.sampler.value !== sampler) this.sampler.value = sampler;
    this.sampler.title = race.samplers.find(([name]) => name === sampler)?.[2] ?? "";
    this.eps.show(sampler !== "gibbs", lane.settings.eps);
    this.leapfrog.show(sampler === "hmc", lane.settings.leapfrog);
    this.temperatures.show(sampler === "pt", lane.settings.temperatures);
    this.off.hidden = race.of.length <= LEAST;
    const { colour, dash } = this.board.pen(this.i);
    if (this.marked === colour) return;
    this.marked = colour;
    paper(this.swatch, 22, 10, (g) => {
      g.clearRect(0, 0, 22, 10);
      g.strokeStyle = colour;
      g.lineWidth = 2;
      g.setLineDash(dash);
      g.beginPath();
      g.moveTo(1, 5);
      g.lineTo(21, 5);
      g.stroke();
    });
  }

  /** The last step of the first chain in words: proposal, ratio, coin, and what came of it. */
  private moment(told: Seen["told"], gone: number, lane: Lane, phase: number): void {
    const chain = told?.[0];
    const words = gone ? [`an orbit on its way: ${gone} of ${lane.kernel.leapfrog}`] : chain ? steps(lane, chain) : [""];
    say(this.told, words.slice(0, Math.max(phase, 0) + 1).join(" · "));
  }

  private judged(lane: Lane, step: number, calm: boolean): void {
    const { race, host } = this.board;
    this.countedAt = performance.now();
    const { figures } = lane;
    const { sampler } = lane.settings;
    const percent = (share: number) => `${Math.round(100 * share)} %`;
    const acceptance = lane.acceptance(step);
    const swaps = lane.swaps(step);
    const lost = lane.divergences(step);
    const deceived = lane.deceived && lane.steps > 100;
    const taken = Number.isNaN(acceptance) ? (lane.kernel.tests ? "–" : "all, untested") : percent(acceptance);
    const accepted: [string, string, string, boolean?] =
      sampler === "pt"
        ? [
            "accepted · swapped",
            `${taken} · ${Number.isNaN(swaps) ? "–" : percent(swaps)}`,
            "Share of the proposals of all replicas that were taken, and of the swaps between neighbours.",
          ]
        : lost
          ? [
              "accepted · diverged",
              `${taken} · ${whole(lost)}`,
              "Share of the proposals that were taken; steps refused as the energy changed by more than 1,000 nats or was no number.",
              true,
            ]
          : ["accepted", taken, "Share of the proposals that were taken."];
    const rows: [string, string, string, boolean?][] = [
      ["steps", whole(step), "Steps of each chain."],
      [
        "evaluations",
        whole(step * lane.kernel.cost),
        "Of the density, its slope or both, a chain: what a step costs times its steps.",
      ],
      accepted,
    ];
    if (lane.modes)
      rows.push([
        "modes found",
        `${lane.found(step)} of ${lane.modes}`,
        `By any of the ${lane.many} chains: nearest centre, within 3 standard deviations.${figures && lane.many > 1 ? ` The chain that found fewest has been in ${figures.alone}.` : ""}`,
      ]);
    rows.push([
      "effective",
      !figures || step < 4 ? "–" : Number.isNaN(figures.ess) ? "not mixed" : number(figures.ess, 2),
      "Independent draws that all chains together are worth (ESS, split chains, Geyer's sequence), the worse coordinate. Not mixed: a chain never left its mode, or R-hat is above 1.2.",
    ]);
    rows.push([
      "R-hat",
      !figures || Number.isNaN(figures.rhat) ? "–" : figures.rhat > 100 ? "> 100" : figures.rhat.toFixed(2),
      deceived
        ? "Near 1, though modes are missing: it compares the chains with each other, not with the target."
        : "Split R-hat: 1 where the halves of all chains look alike, the worse coordinate.",
      deceived,
    ]);
    this.table(rows);
    if (!calm || !race.ground) return;
    this.judgedAt = performance.now();
    this.judgedOf = this.standing;
    const { marginal, x } = race.ground;
    const masses = lane.ground.target.mixture?.masses ?? new Float64Array(0);
    paper(this.charts, this.width, tall(lane.modes), (g) => {
      g.clearRect(0, 0, this.width, tall(lane.modes));
      drawCharts(g, this.width, { theme: host.theme, lane, step, x, marginal, masses });
    });
    const said = rows.map(([label, value]) => `${label} ${value}`).join(", ");
    const where = race.fog ? "Where its chains have been, the rest in fog" : "The target's density";
    this.map.setAttribute(
      "aria-label",
      `${race.name(this.i)}. ${where}, with ${lane.many} chains at step ${whole(step)}. ${said}.` +
        (this.map.classList.contains("open") ? " Arrow keys move where they start." : ""),
    );
    this.charts.setAttribute(
      "aria-label",
      `Charts of ${race.name(this.i)}: trace, autocorrelation, marginal${lane.modes ? ", visits" : ""}. ` +
        (figures?.visits
          ? `Visits are off the true masses by ${number(distance(figures.visits, masses), 2)} in total variation.`
          : ""),
    );
  }

  private table(rows: [string, string, string, boolean?][]): void {
    for (const [label, value, how, bad] of rows) {
      let row = this.rows.get(label);
      if (!row) {
        row = el("div", {}, el("dt", {}, label), el("dd"));
        this.rows.set(label, row);
      }
      say(row.lastElementChild as HTMLElement, value);
      if (row.title !== how) row.title = how;
      row.classList.toggle("bad", Boolean(bad));
    }
    const wanted = rows.map(([label]) => this.rows.get(label) as HTMLElement);
    if (wanted.length !== this.counts.children.length || wanted.some((row, k) => this.counts.children[k] !== row))
      this.counts.replaceChildren(...wanted);
  }

  print(canvas: HTMLCanvasElement, ratio: number): HTMLCanvasElement | null {
    const { seen, board } = this;
    const { race, host } = board;
    if (!seen || !race.ground || (canvas !== this.map && canvas !== this.charts)) return null;
    const printed = el("canvas");
    if (canvas === this.map) {
      const height = this.map.height / (this.map.width / this.width);
      paper(printed, this.width, height, (g) => drawMap(g, this.width, height, seen, new Backdrops()), ratio);
      return printed;
    }
    const { lane, step } = seen;
    const { marginal, x } = race.ground;
    const masses = lane.ground.target.mixture?.masses ?? new Float64Array(0);
    const draw = (g: CanvasRenderingContext2D) =>
      drawCharts(g, this.width, { theme: host.theme, lane, step, x, marginal, masses });
    paper(printed, this.width, tall(lane.modes), draw, ratio);
    return printed;
  }
}

const distance = (p: Float64Array, q: Float64Array) => p.reduce((sum, value, k) => sum + Math.abs(value - q[k]), 0) / 2;

/** Proposal, ratio, coin, what came of it. */
function steps(lane: Lane, chain: Seen["told"] extends (infer C)[] | null ? C : never): string[] {
  if (!chain.told) return [""];
  const { sampler } = lane.settings;
  const { log, coin, accepted } = chain.test;
  if (sampler === "gibbs") return ["each coordinate drawn from its conditional", "nothing to test", "taken"];
  if (chain.broken) return ["proposed", "the energy there is not a number", "refused"];
  if (sampler === "ula") return ["proposed: uphill, with noise", "no test", "taken"];
  const change = sampler === "hmc" ? "−ΔH" : "log ratio";
  const words = [
    sampler === "hmc" ? "an orbit" : "proposed",
    `${change} ${number(log, 2)}, ratio ${log >= 0 ? "1" : ratio(log)}`,
    chain.divergent ? "it diverged" : `coin ${coin.toFixed(2)}`,
    accepted ? "accepted" : "rejected: it counts again",
  ];
  if (sampler !== "pt") return words;
  const swapped = chain.swaps.filter((one) => one.accepted).length;
  return [...words.slice(0, 3), `${words[3]}; ${swapped} of ${chain.swaps.length} pairs swap`];
}

const ratio = (log: number) => (log < -7 ? "below 0.001" : number(Math.exp(log), 2));

/** One number of a lane: dragged, typed or stepped. */
class Dial {
  readonly root: HTMLElement;
  private readonly range: HTMLInputElement;
  private readonly shown = el("output");
  private now = Number.NaN;

  constructor(
    label: string,
    title: string,
    [low, high]: readonly [number, number],
    private readonly log: boolean,
    set: (value: number) => void,
    done: () => void,
  ) {
    const [min, max, step] = log ? [Math.log10(low), Math.log10(high), 0.02] : [low, high, 1];
    this.range = el("input", { type: "range", min, max, step, "aria-label": `${label}: ${title}` });
    this.range.addEventListener("input", () => {
      const at = Number(this.range.value);
      set(log ? Number((10 ** at).toPrecision(2)) : at);
    });
    this.range.addEventListener("change", done);
    this.root = el("label", { title }, el("span", {}, label), this.range, this.shown);
  }

  show(on: boolean, value: number): void {
    this.root.hidden = !on;
    if (!on || value === this.now) return;
    this.now = value;
    this.range.value = String(this.log ? Math.log10(value) : value);
    this.range.setAttribute("aria-valuetext", number(value, 2));
    say(this.shown, number(value, 2));
  }
}
