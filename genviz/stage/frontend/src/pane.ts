// One pane: its question, its canvas, its legend, and what it says when there is nothing to see yet.

import type { Plane } from "./axes";
import { layersAt, type Shown } from "./blend";
import { paintable } from "./board";
import { disclosure, el, say } from "./dom";
import { Backdrop } from "./draw/curves";
import { Decoder } from "./draw/decode";
import type { Tile } from "./draw/images";
import { barAt, told } from "./draw/upright";
import { Extent } from "./extent";
import { Pulls } from "./handles";
import { Held } from "./held";
import { fill } from "./legend";
import { missing, type Picture, paint, pointed, roomOf } from "./paint";
import type { Theme } from "./theme";
import { Tracer } from "./trace";
import type { Bars, Frame, Handles, Layer, Numbers, Pane, Scene, Source, Trace, Walking } from "./types";
import { Wipe, wiped } from "./wipe";
import { head, measured, number, summary, whole } from "./words";

/** What a pane needs of the mount it stands in. */
export type Host = {
  readonly source: Source;
  readonly theme: Theme;
  readonly still: boolean;
  readonly hidden: Set<string>;
  readonly preview: boolean;
  invalidate(): void;
  commit(): void;
  set(knobs: Record<string, number>): void; // a person set knobs of the page
  enter(pane: PaneView): void;
  leads(pane: PaneView): boolean;
};

const FINISHED = "With the finished weights: a shipped recording has no earlier ones, a run of your own has.";
const LONG = 2.4; // times the given height that a sweep of many dimensions may take
const PATIENCE = 500; // ms that a canvas's label may be behind its picture

export class PaneView {
  readonly root = el("section", { class: "pane" });
  readonly canvas = el("canvas", { role: "img" });
  readonly frame = el("div", { class: "frame" }, this.canvas);
  readonly extents: Extent;
  readonly decoder = new Decoder();
  private readonly backdrop = new Backdrop();
  private readonly tracer = new Tracer();
  plane: Plane | null = null;
  layers: Shown[] = []; // all of the pane, at the playhead
  size = { w: 0, h: 0 };
  readonly tiles: Tile[] = [];
  private wipe: Wipe | null = null;
  private held: Held | null = null;
  private readonly pulls = new Pulls(this);
  private readonly tag = el("p", { class: "tag", hidden: true });
  at = -1; // of a board, the unit that keys are at
  private readonly sign = el("p", { class: "empty", hidden: true });
  private readonly chip = el("p", { class: "chip", title: FINISHED, hidden: true }, "with the finished weights");
  private readonly moment = el("p", { class: "moment", hidden: true, "aria-live": "polite" });
  readonly header = el("header");
  readonly legend = el("div", { class: "legend", role: "group", "aria-label": "layers" });
  private readonly caption = el("p", { class: "caption", hidden: true });
  private readonly table = el("dl", { class: "numbers" });
  private asked: Pane | null = null;
  private askedFor = -1;
  private waiting = 0; // since when an answer is awaited
  private drawn = ""; // what legend, numbers and label were built from
  private rows = "";
  private telling: ReturnType<typeof setTimeout> | undefined;
  private sight = true;
  private shot: Frame | null = null;
  private late: ReturnType<typeof setTimeout> | undefined; // a drawing that nobody waits for
  private badge: HTMLElement | null = null; // of a pane that stands beside another run's
  private picture: Picture | null = null; // the last one, and its number
  private count = 0;

  constructor(
    readonly host: Host,
    readonly pane: Pane,
  ) {
    this.extents = new Extent(pane);
    this.root.dataset.pane = pane.name;
    this.root.dataset.kind = pane.kind;
    if (pane.title) this.header.append(el("h3", {}, pane.title));
    const text = el("div", { class: "text" }, this.caption);
    if (pane.latent && (host.source.scene?.latent ?? 0) > 2) this.header.append(this.chooser());
    if (pane.reads) text.append(el("p", { class: "reads" }, pane.reads));
    if (pane.how) text.append(...disclosure(pane.how));
    this.frame.append(this.sign, this.chip, this.moment, this.tag);
    if (pane.kind === "numbers") this.frame.replaceChildren(this.table);
    else text.prepend(this.table);
    if (this.interactive) this.canvas.tabIndex = 0;
    if (pane.latent || this.trace) this.canvas.classList.add("latent");
    this.root.append(this.header, this.frame, this.legend, text);
    this.root.addEventListener("pointerenter", () => host.enter(this));
    this.root.addEventListener("focusin", () => host.enter(this));
    this.watch("pointerenter", "pointerleave");
    this.watch("focusin", "focusout");
    if (pane.kind === "bars") this.names();
  }

  /** The upright bar under the pointer says what it is. */
  private names(): void {
    const hide = () => {
      this.tag.hidden = true;
    };
    this.canvas.addEventListener("pointerleave", hide);
    for (const type of ["pointermove", "pointerdown"] as const) {
      this.canvas.addEventListener(type, (event) => {
        const bars = this.layers.find((layer): layer is Bars & Shown => layer.type === "bars" && !this.off(layer));
        const i = bars?.upright ? barAt(bars, this.size.w, this.size.h, event.offsetX, event.offsetY) : -1;
        if (!bars || i < 0) return hide();
        this.tag.hidden = false;
        say(this.tag, told(bars, i));
        const x = Math.min(Math.max(event.offsetX - this.tag.offsetWidth / 2, 0), this.size.w - this.tag.offsetWidth);
        this.tag.style.transform = `translate(${x}px, ${Math.max(event.offsetY - 34, 0)}px)`;
      });
    }
  }

  /** While somebody is at a pane that decodes, or in the plane of codes, the newest weights are wanted. */
  private watch(begin: string, end: string): void {
    const { pane, host } = this;
    if (!pane.latent && !pane.layers.some((layer) => layer.type === "decode" || layer.type === "trace")) return;
    let leave: (() => void) | null = null;
    this.root.addEventListener(begin, () => {
      leave ??= host.source.attend();
    });
    this.leaves.push(() => {
      leave?.();
      leave = null;
    });
    this.root.addEventListener(end, this.leaves[this.leaves.length - 1]);
  }
  private readonly leaves: (() => void)[] = [];

  close(): void {
    clearTimeout(this.late);
    for (const leave of this.leaves) leave();
  }

  /** In sight or not: what nobody sees is drawn twice a second, for those who hear it. */
  set sighted(on: boolean) {
    this.sight = on;
    if (on && this.pane.ask) this.host.invalidate(); // now its answer is wanted
    if (on) this.catchUp();
  }

  follow(shot: Frame | null): void {
    this.shot = shot;
    if (this.sight) this.draw(shot);
    else this.late ??= setTimeout(() => this.draw(this.shot), PATIENCE);
  }

  /** Now, if a drawing is late. */
  catchUp(): void {
    if (this.late !== undefined) this.draw(this.shot);
  }

  /** The particle that can be dragged here. */
  get trace(): Trace | undefined {
    return this.pane.layers.find((layer): layer is Trace => layer.type === "trace");
  }

  /** … while its layer is on. */
  get dragged(): Trace | undefined {
    return this.trace && !this.off(this.trace) ? this.trace : undefined;
  }

  /** Where the particle is at the playhead. */
  particle(): [number, number] | null {
    return this.dragged ? this.tracer.at(this.host.source, this.dragged) : null;
  }

  /** The chain in the browser whose state is a point here: a person puts it where she likes. */
  get carried(): Walking | null {
    const points = this.pane.layers.some(({ type, name }) => type === "points" && name === "x");
    return points ? this.host.source.walk : null;
  }

  get interactive(): boolean {
    return (
      Boolean(this.pane.latent || this.trace || this.carried || wiped(this) || paintable(this)) ||
      this.pane.layers.some((layer) => (layer.type === "points" || layer.type === "images") && layer.pick)
    );
  }

  /** It is that run's, of several on the stage. */
  lettered(letter: string): void {
    this.badge = el("span", { class: "badge" }, letter);
    this.badge.dataset.letter = letter;
    this.header.prepend(this.badge);
  }

  draw(shot: Frame | null): void {
    clearTimeout(this.late);
    this.late = undefined;
    const { host, pane } = this;
    const { source, theme } = host;
    if (this.badge) say(this.badge, `${this.badge.dataset.letter} · ${whole(source.playhead)}`);
    this.layers = layersAt(source, pane.name, pane.layers, shot, host.still);
    this.wipe?.follow();
    const wait = this.answer();
    this.toggles();
    this.words(shot);
    this.numbers();
    if (pane.kind === "numbers") return;
    const on = this.layers.filter((layer) => !this.off(layer) && !(host.preview && layer.type === "decode"));
    const picture: Picture = {
      source,
      pane: this.merged(),
      layers: on,
      shot,
      extents: this.extents,
      decoder: this.decoder,
      backdrop: this.backdrop,
      tracer: this.tracer,
      wipe: this.wipe,
      tiles: this.tiles,
      theme,
      still: host.still,
      mini: false,
      at: this.at,
      ground: "",
    };
    const empty = wait || missing(picture);
    this.sign.hidden = !empty;
    say(this.sign, empty);
    this.count++;
    this.picture = !empty || (pane.kind === "plane" && !pane.ask) ? picture : null;
    this.paint(this.picture);
    this.held?.draw(this.plane);
    this.pulls.draw(
      on.find((layer): layer is Handles & Shown => layer.type === "handles"),
      this.plane,
    );
  }

  /** What a person may fix here of a film. */
  clamps(): void {
    const { pane, host } = this;
    if (!pane.clamp || !host.source.film) return;
    if (pane.kind === "plane") this.held = new Held(this);
    else if (wiped(this)) this.wipe = new Wipe(this);
  }

  /** Draws what the pointer moves, on a copy of the rest. */
  point(): void {
    const { picture, pane, count } = this;
    const follows = pane.latent || picture?.layers.some(pointed);
    if (!picture || !follows) return;
    this.paint({ ...picture, ground: String(count) });
    this.describe();
  }

  private paint(picture: Picture | null, canvas = this.canvas, ratio = window.devicePixelRatio || 1): void {
    const g = canvas.getContext("2d");
    const { w, h } = this.size;
    if (!g || w < 2 || h < 2) return;
    const [pw, ph] = [Math.round(w * ratio), Math.round(h * ratio)];
    if (canvas.width !== pw || canvas.height !== ph) [canvas.width, canvas.height] = [pw, ph];
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, w, h);
    if (picture) this.plane = paint(g, w, h, picture);
  }

  /** The picture as it stands, with so many pixels a CSS pixel. */
  print(ratio: number): HTMLCanvasElement {
    this.catchUp();
    if (ratio === (window.devicePixelRatio || 1)) return this.canvas;
    this.printed ??= { canvas: el("canvas"), backdrop: new Backdrop() };
    const { canvas, backdrop } = this.printed;
    this.paint(this.picture && { ...this.picture, backdrop, ground: "" }, canvas, ratio);
    return canvas;
  }
  private printed: { canvas: HTMLCanvasElement; backdrop: Backdrop } | null = null;

  /** The room of a board of units. */
  get box(): ReturnType<typeof roomOf> {
    return roomOf(this.size.w, this.size.h);
  }

  id(layer: string): string {
    return `${this.pane.name}/${layer}`;
  }

  off(layer: Layer): boolean {
    return this.host.hidden.has(this.id(layer.name));
  }

  /** How tall the picture need be when the pane stands alone in its row; bars and sweeps leave no empty paper below. */
  natural(width: number, most: number): number {
    const { kind, layers } = this.pane;
    const bars = layers.find((layer) => layer.type === "bars");
    if (kind === "bars" && bars?.type === "bars" && !bars.upright)
      return Math.min(most, 46 + 34 * (bars.tensors.values?.shape[0] ?? 9));
    const sweep = layers.length === 1 ? layers[0] : undefined;
    if (sweep?.type === "images" && sweep.columns && sweep.tensors.pixels) {
      const [n, h, w] = sweep.tensors.pixels.shape;
      return Math.min(most, 8 + (Math.ceil(n / sweep.columns) * width * h) / (sweep.columns * w));
    }
    if (kind !== "images" || sweep?.type !== "decode" || sweep.at !== "traversal") return most;
    return Math.min(LONG * most, 8 + ((width - 34) / (sweep.side ?? 9)) * (this.host.source.scene?.latent ?? 0));
  }

  /** Shows or hides the n-th layer of the legend. */
  toggle(n: number): void {
    const layer = this.layers.filter((one) => one.label)[n];
    if (!layer) return;
    const id = this.id(layer.name);
    if (!this.host.hidden.delete(id)) this.host.hidden.add(id);
    this.host.commit();
    this.host.invalidate();
  }

  private merged(): Pane {
    const { pane, asked } = this;
    if (!asked) return pane;
    const { x, y, x_label, y_label, x_log, kind } = asked;
    return {
      ...pane,
      kind,
      ...(x_log && { x_log }),
      ...(x && { x }),
      ...(y && { y }),
      ...(x_label && { x_label }),
      ...(y_label && { y_label }),
    };
  }

  /** Adds what the server computed for the selected point; returns what to say while there is nothing. */
  private answer(): string {
    const { source } = this.host;
    if (!this.pane.ask) return "";
    const chosen = source.selection < 0 && !clickable(source.scene) ? 0 : source.selection; // pictures begin with the first
    const point = this.pane.whole ? 0 : chosen;
    if (point < 0) {
      this.asked = null;
      return "Click a point to choose a row.";
    }
    if (!this.sight && this.askedFor !== point) return "It is computed once it is in sight.";
    const answer = source.ask(this.pane.ask, point);
    if (this.askedFor !== point) this.asked = null; // an old answer stays only while time moves
    this.askedFor = point;
    if (answer && "error" in answer) {
      this.asked = null;
      return answer.error;
    }
    if (answer) {
      this.asked = answer[0] ?? null;
      this.waiting = 0;
    } else if (!this.waiting) {
      this.waiting = performance.now();
      setTimeout(() => this.host.invalidate(), 110);
    }
    if (this.asked) this.layers = [...this.layers, ...this.asked.layers];
    else if (performance.now() - this.waiting > 100) return "computing…";
    return "";
  }

  private toggles(): void {
    const { theme, hidden } = this.host;
    const labelled = this.layers.filter((layer) => layer.label);
    const key =
      labelled.map((layer) => `${layer.name}|${layer.label}|${hidden.has(this.id(layer.name))}`).join() +
      theme.accent +
      theme.paper.join();
    if (key === this.drawn) return;
    this.drawn = key;
    const focused = this.legend.contains(active(this.legend)) ? active(this.legend)?.getAttribute("data-layer") : null;
    fill(
      this.legend,
      labelled.map((layer, n) => ({ layer, on: !hidden.has(this.id(layer.name)), press: () => this.toggle(n) })),
      this.layers.filter((layer) => !this.off(layer)),
      theme,
      this.pane.kind === "plane" && !this.pane.latent,
    );
    if (focused) [...this.legend.querySelectorAll("button")].find((button) => button.dataset.layer === focused)?.focus();
  }

  private words(shot: Frame | null): void {
    const { source } = this.host;
    const told = shot ? Object.keys(shot.layers) : [];
    const mine = shot && (told.length ? told.some((key) => key.startsWith(`${this.pane.name}/`)) : this.host.leads(this));
    this.moment.hidden = !mine || !shot.caption;
    if (shot) say(this.moment, shot.caption);
    this.root.classList.toggle("aside", told.length > 0 && !mine);
    const decoded = !this.host.preview && this.layers.some((layer) => layer.type === "decode" && !this.off(layer));
    const early = source.id.startsWith("pretrained:") && source.playhead < head(source);
    this.chip.hidden = !(early && (decoded || this.asked));
    const words = this.layers.flatMap((layer) => (layer.type === "caption" && !this.off(layer) ? [layer.text ?? ""] : []));
    const text = [...(this.host.leads(this) ? [spoken(source)] : []), ...words, this.tracer.problem].filter(Boolean).join(" ");
    this.caption.hidden = !text;
    say(this.caption, text);
    this.describe();
  }

  /** What the canvas shows, in words; nobody listens sixty times a second. */
  private describe(): void {
    const { source } = this.host;
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      const told = summary({ ...this.pane, layers: this.layers }, source.playhead, source.cursor);
      const particle = this.particle();
      const at = particle ? `; a particle at (${particle.map((x) => number(x, 2)).join(", ")})` : "";
      const label = `${this.pane.alt || this.pane.title || ""} ${told}${at}`;
      if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
    }, PATIENCE);
  }

  private numbers(): void {
    const { selection } = this.host.source;
    const rows = this.layers.flatMap((layer) => (layer.type === "numbers" ? figures(layer, selection) : []));
    const key = JSON.stringify(rows.map(([label, , unit, how]) => [label, unit, how]));
    if (key === this.rows) {
      const cells = this.table.querySelectorAll("dd"); // in place: somebody may be at a row's explanation
      rows.forEach(([, value, unit], k) => {
        say(cells[k], figure(value, unit));
      });
      return;
    }
    this.rows = key;
    this.table.replaceChildren(
      ...rows.map(([label, value, unit, how]) => {
        const row = el(
          "div",
          { class: "row", ...(how && { tabindex: 0 }) },
          el("dt", {}, label),
          el("dd", {}, figure(value, unit)),
        );
        if (how) row.append(el("span", { class: "tip", role: "tooltip" }, how));
        return row;
      }),
    );
  }

  /** Two menus for the dimensions that the plane shows. */
  private chooser(): HTMLElement {
    const { source } = this.host;
    const menu = (side: 0 | 1) => {
      const options = Array.from({ length: source.scene?.latent ?? 0 }, (_, k) =>
        el("option", { value: k, selected: source.axes[side] === k }, `z${k + 1}`),
      );
      const select = el(
        "select",
        { "aria-label": side ? "vertical dimension" : "horizontal dimension", "data-axis": side },
        ...options,
      );
      select.addEventListener("change", () => {
        const chosen = Number(select.value);
        const axes: [number, number] = [...source.axes];
        if (axes[1 - side] === chosen) axes[1 - side] = axes[side]; // the two change places
        axes[side] = chosen;
        source.axes = axes;
        source.cursor = null;
        this.host.commit();
      });
      return select;
    };
    return el("span", { class: "axes" }, menu(0), "×", menu(1));
  }

  /** The menus follow the axes that another mount has chosen. */
  sync(): void {
    for (const select of this.root.querySelectorAll<HTMLSelectElement>("select[data-axis]")) {
      const now = String(this.host.source.axes[Number(select.dataset.axis)]);
      if (select.value !== now) select.value = now;
    }
  }
}

const figure = (value: number | null, unit: string) => (value === null ? "–" : measured(value, unit));

/** Rows of figures; those that follow the selection have none while nothing is chosen. */
function figures(layer: Numbers, selection: number): [string, number | null, string, string][] {
  const { figures: all } = layer.tensors;
  if (layer.follow !== "selection" || !all) return layer.rows;
  const [points, count] = all.shape;
  const chosen = selection >= 0 && selection < points;
  return layer.rows.map(([label, , unit, how], k) => [label, chosen ? all.data[selection * count + k] : null, unit, how]);
}

/** What the film says of the moment on the screen. */
function spoken(source: Source): string {
  const around = source.film && source.around();
  return around ? (around.mix < 0.5 ? around.a : around.b).caption : "";
}

const active = (node: Node): Element | null => (node.getRootNode() as Document | ShadowRoot).activeElement ?? null;

/** Whether there are points of data that one can click. */
const clickable = (scene: Scene | null): boolean =>
  scene?.panes.some(({ walks, layers }) => !walks && layers.some((layer) => layer.type === "points" && layer.pick)) ?? false;
