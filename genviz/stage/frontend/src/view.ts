// One mount of the stage: panes in a row or a column, one drawing per animation frame, nothing while nothing moves.

import { codesOf, widest } from "./codes";
import type { DamageView } from "./damage";
import { DamageBoard } from "./damageboard";
import { el, say, scrolls } from "./dom";
import { type Figure, Figures } from "./figures";
import { compared } from "./fork";
import { interact } from "./interact";
import { Help, keyboard } from "./keys";
import { abreast, arrange, GAP, NARROW, pair, type Room, within } from "./layout";
import { hostOf, interleaved, Pair } from "./pair";
import { type Host, PaneView } from "./pane";
import { print, size } from "./print";
import type { RaceView } from "./race";
import { RaceBoard } from "./raceboard";
import { Save, type Sheet } from "./save";
import { slowOf } from "./slow";
import { meter } from "./stats";
import { source as sourceOf } from "./store";
import type { Company } from "./strips";
import { publish, readTheme, type Theme, watchTheme } from "./theme";
import { Transport } from "./transport";
import type { Asked, Scene, Source, WalkView } from "./types";
import { WalkBar } from "./walkbar";
import { head, live, position } from "./words";

export type ViewState = {
  playhead?: number;
  following?: boolean;
  axes?: [number, number];
  hidden?: string[];
  selection?: number;
  cursor?: number[] | null;
  walk?: WalkView;
  race?: RaceView;
  damage?: DamageView;
  film?: Asked;
  pair?: string; // the run in lock-step with the active one
  given?: string; // the runs that Python had asked for when this was sent
} & Pick<Company, "run" | "beside">;
export type Options = {
  panes: string[] | null;
  transport: boolean;
  height: number;
  view: ViewState | null;
  label: string;
  loop: boolean; // a preview: plays over and over, without legend and words
  figures: Record<string, Figure>; // metrics shown as numbers with sparklines, and what they are called
  beside: string[]; // further runs on the stage, as sources
};

const oriented = new WeakSet<Source>(); // whose two dimensions were chosen, by a person, a link or the codes
const BEGUN = 64; // steps before which the spread of the codes says nothing
const REST = 2000; // ms a looping preview shows its last picture
const PACE = 200; // ms between two messages to Python

/** What stands in place of the panes. */
type Board = {
  root: HTMLElement;
  layout(width: number): void;
  draw(): void;
  print?(canvas: HTMLCanvasElement, ratio: number): HTMLCanvasElement | null;
};

export class View implements Host {
  readonly root = el("div", { class: "stage", role: "region" });
  readonly hidden = new Set<string>();
  theme: Theme;
  private readonly probe = el("span", { class: "probe", "aria-hidden": "true" });
  private readonly panes = el("div", { class: "panes" });
  private readonly blank = el("div", { class: "blank" });
  private readonly blankText = el("p", {}, "");
  private readonly motion = window.matchMedia("(prefers-reduced-motion: reduce)");
  private readonly observer: ResizeObserver;
  private readonly sight: IntersectionObserver;
  private readonly ends: (() => void)[] = [];
  private transport: Transport | null = null;
  private bar: WalkBar | null = null; // of a chain that runs here
  private board: Board | null = null; // of a race, or of recalls that are painted
  private readonly figures: Figures;
  private views: PaneView[] = [];
  private scene: Scene | null = null;
  private focus: PaneView | undefined;
  private visible = true;
  private pending = 0;
  private drawn = -1; // the source's version that is on screen
  private sending: ReturnType<typeof setTimeout> | undefined;
  private sent: string[] = []; // what Python will echo
  private given = ""; // what Python asked for last
  private readonly born = performance.now();

  constructor(
    parent: Node,
    public source: Source,
    private options: Options,
    private readonly tell: (state: ViewState) => void,
    readonly set: (knobs: Record<string, number>) => void,
  ) {
    this.blank.append(this.blankText);
    this.root.append(this.probe, this.blank, this.panes);
    this.root.setAttribute("aria-label", options.label || "stage");
    parent.appendChild(this.root);
    this.figures = new Figures(options.figures);
    this.theme = readTheme(this.probe);
    publish(this.theme, this.root);
    if (options.transport) this.addTransport();
    if (source.damage) this.board = new DamageBoard(source.damage, this);
    this.root.classList.toggle("preview", options.loop);
    if (Object.keys(options.figures).length) this.root.replaceChildren(this.probe, this.figures.root);
    this.observer = new ResizeObserver((entries) => this.resized(entries));
    this.observer.observe(this.root);
    if (this.transport) this.observer.observe(this.transport.root);
    this.sight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const view = this.views.find((one) => one.root === target);
        if (view) view.sighted = isIntersecting;
        else if (target === this.root) {
          this.visible = isIntersecting;
          if (isIntersecting) this.invalidate();
        }
      }
    });
    this.sight.observe(this.root);
    const restyle = () => this.restyle();
    this.motion.addEventListener("change", restyle);
    // the page's font may arrive after the first picture
    void document.fonts?.ready.then(restyle);
    this.ends.push(watchTheme(this.probe, restyle), () => this.motion.removeEventListener("change", restyle));
    this.asked = JSON.stringify([source.id, options.beside]);
    this.transport?.strip.set(source, options.beside.map(sourceOf));
    this.apply(options.view);
    this.attend();
    setTimeout(() => this.invalidate(), 320); // the empty state speaks after 300 ms
    this.invalidate();
  }

  get preview(): boolean {
    return this.options.loop;
  }

  get still(): boolean {
    return this.motion.matches;
  }

  /** The script ran again: new options, and perhaps a view that is not our own echo. */
  update(options: Options, source: Source = this.source): void {
    const company = JSON.stringify([source.id, options.beside]);
    const echo = this.companies.lastIndexOf(company);
    if (company !== this.asked && echo < 0) this.transport?.strip.set(source, options.beside.map(sourceOf));
    else if (echo === this.companies.length - 1)
      this.companies = []; // from now on it is news, as by the browser's Back
    else if (echo >= 0) this.commit(); // Python knows what was before
    this.asked = company;
    const rebuild = JSON.stringify(options.panes) !== JSON.stringify(this.options.panes);
    this.options = options;
    const wanted = JSON.stringify(options.view ?? {});
    if (wanted !== this.given && !this.sent.includes(wanted)) this.apply(options.view);
    if (rebuild) this.scene = null;
    this.layout();
    this.invalidate();
  }

  close(): void {
    cancelAnimationFrame(this.pending);
    clearTimeout(this.sending);
    clearTimeout(this.resting);
    this.transport?.strip.stop();
    for (const view of this.views) view.close();
    this.pair?.end();
    this.leave();
    this.observer.disconnect();
    this.sight.disconnect();
    for (const end of this.ends) end();
    this.root.remove();
  }

  invalidate(): void {
    this.drawn = -1;
    this.pending ||= requestAnimationFrame(() => this.draw());
  }

  /** The first pane speaks for all when a moment has no place of its own. */
  leads(pane: PaneView): boolean {
    return this.views[0] === pane;
  }

  enter(pane: PaneView): void {
    this.focus = pane;
  }

  /** At the end of an action; at most five times a second, the latest wins. */
  commit(): void {
    this.sending ??= setTimeout(() => {
      this.sending = undefined;
      const { playhead, following, axes, selection, cursor, film, walk, race, damage } = this.source;
      const hidden = [...this.hidden];
      const own = race ? { race: race.view } : damage ? { damage: damage.view } : null; // of a board
      const state: ViewState =
        own ?? (walk ? { hidden, walk: walk.view } : { playhead: Math.round(playhead * 100) / 100, following, hidden });
      if (film) state.film = film.asked();
      else if (!walk && !own) state.axes = [...axes];
      if (!walk && !own) state.cursor = cursor && [...cursor].map((value) => Math.round(value * 1e4) / 1e4);
      if (!film && !own) state.selection = selection; // a film has that of its base
      const { run, beside, pair } = this.transport?.strip.company ?? {};
      if (pair) state.pair = pair;
      this.sent = [...this.sent.slice(-20), JSON.stringify(state)];
      if (beside)
        this.companies = [...this.companies.slice(-20), JSON.stringify([this.source.id, beside.map((one) => `run:${one}`)])];
      this.tell({ ...state, ...(run && { run, beside, given: this.asked }) });
    }, PACE);
  }

  // ------------------------------------------------------------ the runs on the stage

  private readonly between = el("p", { class: "between", hidden: true }); // how two runs in lock-step differ
  private pair: Pair | null = null;
  private asked = ""; // which runs Python asked for last
  private companies: string[] = []; // and will echo
  private leave = () => {};

  /** Whether it can show that source instead: runs take each other's place, with all their company. */
  turns(id: string): boolean {
    return Boolean(this.transport) && live(this.source) && id.startsWith("run:");
  }

  private attend(): void {
    const { leave } = this;
    const ends = [this.source, ...(this.pair ? [this.pair.partner] : [])].flatMap((one) => [
      one.retain(),
      one.listen(() => this.draw()),
    ]);
    this.leave = () => {
      for (const end of ends) end();
    };
    leave(); // after the new ones are held
  }

  /** Another run is active: it is looked at as the one before was. */
  private turn(source: Source): void {
    this.source = source;
    if (source.axes.join() !== "0,1") oriented.add(source); // as its parent
    this.wanted = null;
    this.begun = true;
    this.repair();
  }

  /** Shows the active run, and the one in lock-step with it if there is one. */
  private repair(): void {
    this.pair?.end();
    const partner = this.transport?.strip.partner;
    this.pair = partner ? new Pair(this.source, partner) : null;
    this.attend();
    this.scene = null;
    this.invalidate();
  }

  private compare(): void {
    const strips = this.transport?.strip;
    const [a, b] = [this.source, this.pair?.partner].map((one) => one && strips?.of(one));
    this.between.hidden = !(a && b);
    if (!a || !b || !strips) return;
    const [first, second] = [a, b].sort((one, other) => one.letter.localeCompare(other.letter));
    say(this.between, compared(first, second, strips.told));
  }

  private apply(view: ViewState | null): void {
    this.given = JSON.stringify(view ?? {});
    if (!view) return;
    const { source } = this;
    if (view.axes) {
      source.axes = view.axes;
      oriented.add(source);
    }
    if (view.pair) this.transport?.strip.pairUp(view.pair);
    if (view.selection !== undefined) source.selection = view.selection;
    if (view.cursor) source.cursor = Float32Array.from(view.cursor);
    if (view.film) source.film?.restore(view.film);
    if (view.hidden) this.hide(view.hidden);
    if (view.walk && source.walk) source.walk.view = view.walk;
    if (view.race && source.race) source.race.view = view.race;
    if (view.damage && source.damage) source.damage.view = view.damage;
    if (view.playhead !== undefined && !view.following) this.wanted = view.playhead;
    if (view.playhead !== undefined || view.following) this.begun = true;
  }

  private wanted: number | null = null; // a playhead to go to as soon as it is recorded
  private begun = false; // the beginning has been shown, or another moment is asked for

  private hide(ids: string[]): void {
    this.hidden.clear();
    for (const id of ids) this.hidden.add(id);
  }

  private addTransport(): void {
    const help = new Help();
    const save = new Save(this.sheet());
    this.ends.push(() => save.close());
    this.transport = new Transport(
      this.source,
      { turn: (source) => this.turn(source), paired: () => this.repair(), commit: () => this.commit() },
      () => help.toggle(),
      save,
    );
    this.panes.before(this.between);
    if (this.transport.controls) this.root.append(this.transport.controls.root);
    this.root.append(this.transport.root, help.root);
    if (this.source.walk) {
      const { transport } = this;
      this.bar = new WalkBar(this.source.walk, (act) => transport.run(act));
      this.panes.before(this.bar.root);
    }
    if (this.source.race) {
      const { transport } = this;
      const stage = this;
      this.board = new RaceBoard(this.source.race, {
        get theme() {
          return stage.theme;
        },
        get still() {
          return stage.still;
        },
        run: (act) => transport.run(act),
        commit: () => this.commit(),
      });
    }
    const fitted = () => this.layout();
    window.addEventListener("resize", fitted);
    this.ends.push(() => window.removeEventListener("resize", fitted));
    const { transport } = this;
    const active = () => this.source;
    this.ends.push(
      keyboard({
        get source() {
          return active();
        },
        root: this.root,
        transport,
        focused: () => this.focus ?? this.views[0],
        help,
        save,
      }),
    );
  }

  /** What the save menu prints. */
  private sheet(): Sheet {
    const { panes } = this;
    const active = () => this.source;
    return {
      get source() {
        return active();
      },
      size: () => size(panes),
      print: (scale, paper) => {
        const { theme, options } = this;
        const look = { paper: `rgb(${theme.paper.join(" ")})`, soft: theme.soft, font: theme.font };
        const view = (canvas: HTMLCanvasElement) => this.views.find((one) => one.canvas === canvas);
        const told: [string, string] = [options.label, position(active())];
        return print(
          panes,
          scale,
          paper,
          look,
          told,
          (canvas) => view(canvas)?.print(scale) ?? this.board?.print?.(canvas, scale) ?? canvas,
        );
      },
      show: async (step) => {
        active().seek(step);
        this.redraw();
        await active().settled?.();
        if (this.drawn !== active().version) this.redraw();
      },
      commit: () => this.commit(),
    };
  }

  /** At once, and wherever the page is scrolled to. */
  private redraw(): void {
    const { visible } = this;
    this.visible = true;
    this.draw();
    this.visible = visible;
  }

  private build(scene: Scene): void {
    const first = !this.views.length;
    this.scene = scene;
    if (this.board) {
      this.panes.replaceChildren(this.board.root);
      this.layout();
      return;
    }
    const { panes } = this.options;
    const partner = this.pair?.partner;
    const names = panes ?? scene.panes.filter((pane) => !pane.walks).map(({ name }) => name);
    const theirs = partner?.scene && { host: hostOf(this, partner), panes: partner.scene.panes };
    const sides = [{ host: this as Host, panes: scene.panes }, ...(theirs ? [theirs] : [])];
    const letter = ({ source }: Host) => this.transport?.strip.of(source)?.letter ?? "";
    sides.sort((a, b) => letter(a.host).localeCompare(letter(b.host)));
    const both = interleaved(names, sides);
    const wanted = both.map(({ pane }) => pane);
    for (const view of this.views) {
      for (const part of [view.frame, view.header, view.legend]) this.observer.unobserve(part);
      this.sight.unobserve(view.root);
      view.close();
    }
    this.views = both.map(({ host, pane }) => new PaneView(host, pane));
    if (theirs) for (const view of this.views) view.lettered(letter(view.host));
    this.root.hidden = Boolean(this.source.walk && !wanted.length); // these data have no such chain
    this.focus = undefined;
    this.panes.replaceChildren(...this.views.map((view) => view.root));
    if (first && !this.options.view?.hidden) {
      this.hide(
        wanted.flatMap((pane) => pane.layers.filter((layer) => layer.hidden).map((layer) => `${pane.name}/${layer.name}`)),
      );
    }
    for (const view of this.views) {
      interact(view);
      view.clamps();
      for (const part of [view.frame, view.header, view.legend]) this.observer.observe(part);
      this.sight.observe(view.root);
    }
    this.layout();
  }

  private layout(): void {
    const width = this.root.clientWidth;
    if (this.board) {
      this.root.classList.toggle("narrow", width <= NARROW);
      this.blank.style.height = `${this.options.height}px`;
      this.board.layout(width);
      return;
    }
    const kinds = this.views.map((view) => view.pane.kind);
    const most = this.options.height || 380;
    const {
      columns,
      template,
      height: wanted,
    } = this.pair ? abreast(kinds, width, most) : arrange(kinds, width, most, this.source.walk ? 3 : undefined); // what does not fit beside the boards has its own row
    const room = this.transport ? this.room(columns) : null;
    const height = room ? Math.round(within(wanted, room)) : wanted;
    const narrow = width <= NARROW;
    this.root.classList.toggle("narrow", narrow);
    this.panes.style.gridTemplateColumns = columns > 1 ? template : "minmax(0, 1fr)";
    this.panes.style.columnGap = `${GAP}px`;
    this.root.style.setProperty("--pane-height", `${height}px`);
    this.views.forEach((view, i) => {
      const alone = columns === 1 || (i === this.views.length - 1 && i % columns === 0); // has its row to itself
      const free = alone && view.pane.kind !== "numbers";
      view.root.style.gridColumn = alone ? "1 / -1" : "";
      view.frame.style.height = free ? `${Math.round(view.natural(width, height))}px` : "";
      view.root.classList.remove("paired", "second");
      view.root.style.setProperty("--place", String(10 * i));
    });
    if (narrow && room && !this.pair) this.together(width, room);
    this.blank.style.height = `${height}px`;
    this.transport?.strip.resize(this.transport.strip.root.clientWidth);
  }

  /** What the first row of panes must share the window with. */
  private room(columns: number): Room {
    const scroller = scrolls(this.root);
    const view = scroller?.getBoundingClientRect() ?? { top: 0, height: window.innerHeight };
    const above = this.root.getBoundingClientRect().top - view.top + (scroller?.scrollTop ?? window.scrollY);
    const tallest = (parts: HTMLElement[]) => Math.max(0, ...parts.map((part) => part.offsetHeight));
    const row = this.views.slice(0, columns);
    return {
      window: view.height,
      above,
      title: tallest(row.map(({ header }) => header)) + this.between.offsetHeight,
      legend: tallest(row.map(({ legend }) => legend)),
      dock: (this.transport?.root.offsetHeight ?? 0) + GAP / 2,
    };
  }

  /** On a narrow stage the plane of codes and what it decodes to stand directly below each other. */
  private together(width: number, room: Room): void {
    const plane = this.views.find(({ pane }) => pane.latent);
    const decoded = this.views.find(
      (view) => view !== plane && view.pane.layers.some((layer) => layer.type === "decode" && layer.at === "cursor"),
    );
    if (!plane || !decoded) return;
    const pictures = decoded.pane.kind === "images";
    const heights = pair(width, room, pictures);
    const place = 10 * Math.min(this.views.indexOf(plane), this.views.indexOf(decoded));
    const first = this.views.indexOf(plane) < this.views.indexOf(decoded) || pictures ? plane : decoded;
    for (const [i, view] of [plane, decoded].entries()) {
      view.root.classList.add("paired");
      view.root.classList.toggle("second", view !== first);
      view.root.classList.toggle("untitled", view === decoded && pictures);
      view.root.style.setProperty("--place", String(place));
      view.frame.style.height = `${Math.round(heights[i])}px`;
    }
  }

  private resized(entries: ResizeObserverEntry[]): void {
    for (const { target, contentRect } of entries) {
      const view = this.views.find((one) => one.frame === target);
      if (view) view.size = { w: Math.floor(contentRect.width), h: Math.floor(contentRect.height) };
    }
    if (entries.some(({ target }) => !this.views.some((one) => one.frame === target))) this.layout(); // the stage or its parts
    this.drawn = -1;
    this.draw(); // before the browser paints: no stretched picture is ever seen
  }

  private restyle(): void {
    this.theme = readTheme(this.probe);
    publish(this.theme, this.root);
    this.layout();
    this.invalidate();
  }

  private draw(): void {
    cancelAnimationFrame(this.pending);
    this.pending = 0;
    if (!this.visible) return;
    const began = performance.now();
    const { source } = this;
    source.seen();
    this.pair?.keep();
    const version = source.version + (this.pair?.partner.version ?? 0);
    if (this.drawn === version) {
      for (const view of this.views) view.point(); // only the pointer has moved
      meter(performance.now() - began);
      return;
    }
    this.drawn = version;
    const ready = !this.pair || this.pair.partner.scene;
    if (source.scene && source.scene !== this.scene && ready) this.build(source.scene);
    this.compare();
    const refused = Boolean(source.film && source.problem && !source.scene); // a sentence is all there is to show
    if (this.root.classList.toggle("refused", refused)) this.blank.style.height = "";
    this.blank.hidden = Boolean(source.scene);
    this.panes.hidden = !source.scene;
    if (!source.scene && performance.now() - this.born > 300)
      say(this.blankText, source.problem || (source.film ? "computing…" : "waiting for the first picture…"));
    if (source.frames.length) this.open();
    this.figures.draw(source, this.theme);
    for (const one of new Set([source, ...this.views.map(({ host }) => host.source)])) slowOf(one).take();
    for (const view of this.views) {
      view.sync();
      view.follow(source.walk ? source.walk.moment : slowOf(view.host.source).shot());
    }
    this.bar?.draw();
    if (source.scene) this.board?.draw();
    this.transport?.draw(this.views[0]?.pane, this.theme, this.hidden);
    meter(performance.now() - began);
  }

  /** A preview starts anew a while after its end, as long as it is in sight. */
  private again(): void {
    const { source } = this;
    const resting = this.begun && !source.playing && source.frames.length > 1 && !this.still;
    if (!resting || this.resting) return;
    this.resting = setTimeout(() => {
      this.resting = undefined;
      if (this.visible && !source.playing && !this.still) source.play(true);
    }, REST);
  }
  private resting: ReturnType<typeof setTimeout> | undefined;

  /** The first frames are there: go to the moment asked for, or play a shipped recording from its beginning. */
  private open(): void {
    const { source, wanted } = this;
    const all = source.status.step > 0 && head(source) >= source.status.step; // no more will come by itself
    if (wanted !== null && (head(source) >= wanted || all)) {
      this.wanted = null;
      source.seek(wanted);
    }
    if (this.options.loop) this.again();
    this.orient();
    if (!(this.transport || this.options.loop) || this.begun) return;
    this.begun = true;
    if (!source.film && !source.id.startsWith("pretrained:")) return;
    if (this.still) source.seek(head(source));
    else {
      source.seek(source.frames[0].step);
      source.play(true);
    }
  }

  /** A plane of many-dimensional codes opens on the two that vary most, unless somebody chose. */
  private orient(): void {
    const { source } = this;
    const newest = source.frames[source.frames.length - 1];
    if (oriented.has(source)) return;
    oriented.add(source);
    if ((source.scene?.latent ?? 0) <= 2 || newest.step < BEGUN) return;
    const codes = codesOf(source, newest);
    if (codes) source.axes = widest(codes);
  }
}
