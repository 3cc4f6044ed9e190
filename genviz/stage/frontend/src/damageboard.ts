// The plane of damage as it is painted with pointer, finger or keys; beside it the newest recall and what the colours say.

import { COLUMNS, type Damage } from "./damage";
import { DamageBar } from "./damagebar";
import { disclosure, el, say } from "./dom";
import { type Brush, colourOf, drawDamage, drawRecall, planeOf, tall } from "./draw/damage";
import { paper } from "./sheet";
import { FATES, type Fate } from "./spins";
import type { Theme } from "./theme";
import type { Pane } from "./types";
import { number, whole } from "./words";

export type Host = { readonly theme: Theme; commit(): void };

const RADIUS = { mouse: 11, touch: 15 }; // pixels of the brush
const SIDE = 284; // pixels of what stands beside the plane
const GAP = 24;
const NARROW = 560;
const TALL = { wide: 340, narrow: 300 };
const CALM = 250; // ms between two recalls that are told
const FAR = 5; // places, that arrow keys go with shift

const LEGEND: Record<Fate, [name: string, how: string]> = {
  recalled: ["recalled", "overlap 0.95 or more with the memory that was damaged"],
  another: ["another memory", "the same with another one"],
  inverse: ["an inverse", "all bits of a memory turned, nearly"],
  spurious: ["spurious", "it rests where nothing was stored: a mixture, or near none"],
  swings: ["swings", "between two states, for ever"],
};

export class DamageBoard {
  readonly root = el("div", { class: "damage" });
  private readonly bar: DamageBar;
  private readonly title = el("h3");
  private readonly canvas = el("canvas", { class: "paintable", role: "img", tabindex: 0 });
  private readonly told = el("p", { class: "told", "aria-live": "polite" });
  private readonly recall = el("canvas", { role: "img" });
  private readonly said = el("p", { class: "said", role: "status" });
  private readonly legend = el("ul");
  private readonly text = el("div", { class: "text" });
  private readonly body: HTMLElement;
  private width = 0;
  private brush: Brush | null = null;
  private cell = -1; // below the middle of the brush
  private hued = ""; // what the legend was drawn with
  private calm = 0; // when sentences were last said

  constructor(
    readonly damage: Damage,
    readonly host: Host,
  ) {
    this.bar = new DamageBar(damage, (act) => {
      act();
      host.commit();
    });
    this.body = el(
      "div",
      { class: "body" },
      el("div", {}, this.canvas, this.told),
      el("div", { class: "beside" }, this.recall, this.said, this.legend),
    );
    this.root.append(el("header", {}, this.title), this.bar.root, this.body, this.text);
    this.pointer();
    this.keys();
  }

  layout(width: number): void {
    this.width = width;
    const narrow = width < NARROW;
    this.body.style.gridTemplateColumns = narrow ? "minmax(0, 1fr)" : `minmax(0, 1fr) ${SIDE}px`;
    this.body.style.columnGap = `${GAP}px`;
    this.brush = null;
  }

  private get size(): { w: number; h: number; side: number } {
    const narrow = this.width < NARROW;
    const w = narrow ? this.width : this.width - SIDE - GAP;
    return { w, h: narrow ? TALL.narrow : TALL.wide, side: narrow ? this.width : SIDE };
  }

  // ------------------------------------------------------------ the brush

  private pointer(): void {
    const { canvas, damage } = this;
    let from: Brush | null = null; // where it is pressed
    let paint = damage.stroke();
    const at = (event: PointerEvent): Brush => {
      const { left, top } = canvas.getBoundingClientRect();
      const radius = event.pointerType === "mouse" ? RADIUS.mouse : RADIUS.touch;
      return { x: event.clientX - left, y: event.clientY - top, radius };
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      from = at(event);
      this.move(from);
      paint = damage.stroke();
      paint(this.under(from, from));
    });
    canvas.addEventListener("pointermove", (event) => {
      const to = at(event);
      this.move(to);
      if (!from) return;
      const before = new Set(this.under(from, from)); // a place is painted when the brush comes to it
      paint(this.under(from, to).filter((cell) => !before.has(cell)));
      from = to;
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, () => {
        from = null;
      });
    canvas.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && this.move(null)); // a finger has gone, but its place is told
  }

  private keys(): void {
    const { canvas, damage, host } = this;
    const to = (cell: number) => {
      const { plane } = planeOf(damage, this.size.w, this.size.h);
      const [x, y] = [plane.px((cell % COLUMNS) / 100), plane.py(Math.floor(cell / COLUMNS) + 1)];
      this.move({ x, y, radius: RADIUS.mouse });
    };
    const start = () => (this.cell < 0 ? Math.floor(damage.rows / 2) * COLUMNS + damage.noise : this.cell);
    canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && to(start()));
    canvas.addEventListener("blur", () => this.move(null));
    canvas.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "z") {
        damage.undo();
        host.commit();
      } else if (event.ctrlKey || event.metaKey || event.altKey) return;
      else if (event.key === " " || event.key === "Enter") {
        to(start());
        if (this.brush) damage.stroke()(this.under(this.brush, this.brush));
      } else {
        const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
        if (!way) return;
        const far = event.shiftKey ? FAR : 1;
        const place = (value: number, most: number) => Math.min(Math.max(value, 0), most - 1);
        const column = place((start() % COLUMNS) + far * way[0], COLUMNS);
        to(place(Math.floor(start() / COLUMNS) + far * way[1], damage.rows) * COLUMNS + column);
      }
      event.preventDefault();
    });
  }

  private move(brush: Brush | null): void {
    this.brush = brush;
    this.cell = brush ? this.place(brush) : -1;
    if (this.cell >= 0) this.damage.noise = this.cell % COLUMNS;
    this.damage.changed();
  }

  /** The place at a pixel, −1 beside the plane. */
  private place({ x, y }: Brush): number {
    const { plane } = planeOf(this.damage, this.size.w, this.size.h);
    const [column, row] = [Math.round(100 * plane.ux(x)), Math.round(plane.uy(y)) - 1];
    return column < 0 || column >= COLUMNS || row < 0 || row >= this.damage.rows ? -1 : row * COLUMNS + column;
  }

  /** The places whose middle the brush comes over on a straight way, and that below its own. */
  private under(from: Brush, to: Brush): number[] {
    const { plane } = planeOf(this.damage, this.size.w, this.size.h);
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const long = dx * dx + dy * dy;
    const found = new Set<number>([this.place(to)].filter((cell) => cell >= 0));
    for (let cell = 0; cell < this.damage.cells; cell++) {
      const x = plane.px((cell % COLUMNS) / 100) - from.x;
      const y = plane.py(Math.floor(cell / COLUMNS) + 1) - from.y;
      const along = long ? Math.min(Math.max((x * dx + y * dy) / long, 0), 1) : 0;
      if (Math.hypot(x - along * dx, y - along * dy) <= to.radius) found.add(cell);
    }
    return [...found];
  }

  // ------------------------------------------------------------ drawing

  draw(now = performance.now()): void {
    const { damage, host, width } = this;
    const { theme } = host;
    if (!damage.ground || width < 20) return;
    if (!this.text.firstChild) this.explained(damage.ground.pane);
    this.bar.draw();
    this.colours();
    const { w, h, side } = this.size;
    paper(this.canvas, w, h, (g) => drawDamage(g, w, h, theme, damage, this.brush));
    if (damage.busy && now - this.calm < CALM) return; // what changes too fast is not seen; sentences cost a layout, and an ear
    this.calm = now;
    paper(this.recall, side, tall(damage, side), (g) => drawRecall(g, side, theme, damage));
    const said = ended(damage);
    say(this.said, said);
    this.recall.setAttribute("aria-label", `The newest recall: a memory, what was made of it, and where that went. ${said}`);
    say(this.told, place(damage, this.cell < 0 ? null : this.cell));
    this.canvas.setAttribute("aria-label", described(damage, this.cell));
  }

  private explained({ title = "", reads = "", how = "" }: Pane): void {
    say(this.title, title);
    this.text.append(el("p", { class: "reads" }, reads), ...disclosure(how));
  }

  private colours(): void {
    const { theme } = this.host;
    const { together } = this.damage.of;
    const key = `${theme.dark}|${together}`;
    if (key === this.hued) return;
    this.hued = key;
    const shown = FATES.filter((fate) => fate !== "swings" || together);
    this.legend.replaceChildren(
      ...shown.map((fate) => entry(colourOf(theme, fate), ...LEGEND[fate])),
      entry(theme.role.error, "wrong bits", "of the small pictures, pale where they are off"),
    );
  }
}

function entry(colour: string, name: string, how: string): HTMLElement {
  const swatch = el("i", { "aria-hidden": "true" });
  swatch.style.background = colour;
  return el("li", {}, swatch, el("span", {}, el("b", {}, name), ` ${how}`));
}

/** "3 recalled, 2 spurious". */
function counted(counts: ArrayLike<number>): string {
  const told = FATES.flatMap((fate, k) =>
    counts[k] ? [`${whole(counts[k])} ${fate === "swings" ? "swing" : LEGEND[fate][0]}`] : [],
  );
  return told.join(", ");
}

function place(damage: Damage, cell: number | null): string {
  if (cell === null) return "Point at a place to see what became of it.";
  const memories = Math.floor(cell / COLUMNS) + 1;
  const counts = damage.fates(cell);
  const n = counts.reduce((sum, one) => sum + one, 0);
  const where = `${memories} ${memories === 1 ? "memory" : "memories"}, ${cell % COLUMNS} % of ${whole(damage.units)} bits flipped`;
  return n ? `${where}: of ${whole(n)} ${n === 1 ? "recall" : "recalls"} ${counted(counts)}.` : `${where}: not painted yet.`;
}

/** What came of the newest recall. */
function ended({ last }: Damage): string {
  if (!last) return "Here the newest recall is shown.";
  const nearest = `overlap ${number(last.overlap, 2)} with memory ${last.like + 1}`;
  const most = `${nearest}, the ${last.overlap < 0 ? "inverse" : "memory"} that it is most like`;
  switch (last.fate) {
    case "recalled":
      return `Recalled: ${nearest}.`;
    case "another":
      return `Another memory: ${nearest}, not ${last.asked + 1}.`;
    case "inverse":
      return `An inverse: ${nearest}.`;
    case "spurious":
      return `Spurious: ${most}.`;
    case "swings":
      return `It swings between two states: one has ${most}.`;
  }
}

/** The plane for those who cannot see it. */
function described(damage: Damage, cell: number): string {
  let painted = 0;
  const sum = new Array<number>(FATES.length).fill(0);
  for (let at = 0; at < damage.cells; at++) {
    const counts = damage.fates(at);
    if (counts.some((n) => n)) painted++;
    counts.forEach((n, k) => {
      sum[k] += n;
    });
  }
  const all = painted ? `; of all recalls ${counted(sum)}` : "";
  return (
    `A plane: across the share of flipped bits, 0 to 50 %, up the number of memories, 1 to ${damage.rows}. ` +
    `${whole(painted)} of ${whole(damage.cells)} places are painted${all}. ` +
    `${cell < 0 ? "" : `The brush: ${place(damage, cell)} `}Arrow keys move the brush, space paints.`
  );
}
