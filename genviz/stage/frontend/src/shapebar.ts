// The rows of a race's bar that are there while its target is shaped: what may be done to the chosen mode, how high the passes are, and
// beside it how long an escape takes.

import { el, say } from "./dom";
import { drawEscapes, type Tries } from "./draw/escape";
import { escapes } from "./escape";
import { APART } from "./mixture";
import { told } from "./modes";
import type { RaceBoard } from "./raceboard";
import { emptiest, MODES, put, SHARES, shared, shareOf, WIDTHS, widened, within } from "./shape";
import type { Shaping } from "./shaping";
import { paper } from "./sheet";
import { number } from "./words";

const HIGH = 170; // pixels of the plot
const WIDE = 520; // at most
const CALM = 120; // ms between two drawings of it
const HOW =
  "The greatest energy, −log p, on the straight line between the centres of two modes, less the energy at the centre that lies higher; the least over each mode and its four nearest neighbours, of the exact density.";

export class ShapeBar {
  readonly root = el("div", { class: "shapebar", hidden: true });
  readonly back = el("div", { class: "group" }); // the way back, for the bar that all lanes share
  private readonly tools = el("div", { class: "walkbar tools" });
  private readonly hint = el("p", { class: "hint" });
  private readonly share = el("input", {
    type: "range",
    min: 100 * SHARES[0],
    max: 100 * SHARES[1],
    step: 0.5,
    "aria-label": "share: the mass of the chosen mode, per cent",
  });
  private readonly shareTold = el("output");
  private readonly own = el("span", { class: "group own" });
  private readonly remove = button("remove", "Take the chosen mode off (Delete)");
  private readonly add = button("add a mode", "A new mode where there is most room");
  private readonly undo = button("undo", "Take back the last change (Ctrl+Z)");
  private readonly reset = button("as it was", "The target as it was given, and no dots");
  private readonly pass = el("div", { class: "pass" });
  private readonly width = el("input", { type: "range", step: 0.005, "aria-label": "barrier" });
  private readonly nats = el("output");
  private readonly warning = el("p", { class: "apart", role: "status", hidden: true });
  private readonly plot = el("canvas", { role: "img" });
  private drawn = 0;
  private look = "";

  constructor(private readonly board: RaceBoard) {
    const { race, host } = board;
    const act = (what: (shaping: Shaping) => unknown) => () => host.run(() => race.shaping && what(race.shaping));
    this.remove.addEventListener(
      "click",
      act((shaping) => shaping.remove(shaping.chosen)),
    );
    this.add.addEventListener(
      "click",
      act((shaping) => {
        const { shape, frame } = shaping;
        shaping.change(put(shape, ...emptiest(shape, frame), frame));
        shaping.choose(shape.modes.length);
      }),
    );
    this.undo.addEventListener(
      "click",
      act((shaping) => shaping.undo()),
    );
    this.reset.addEventListener(
      "click",
      act((shaping) => shaping.reset()),
    );
    const slide = (range: HTMLInputElement, name: string, to: (shaping: Shaping, value: number) => void) => {
      range.addEventListener("input", () => race.shaping && to(race.shaping, Number(range.value)));
      range.addEventListener(
        "change",
        act((shaping) => shaping.settle(`${name} ${shaping.chosen}`)),
      );
    };
    slide(this.share, "share", (shaping, value) =>
      shaping.show(shared(shaping.base, shaping.shape, shaping.chosen, value / 100)),
    );
    slide(this.width, "width", (shaping, value) => shaping.show(widened(shaping.shape, 10 ** -value)));
    this.own.append(el("label", { class: "knob" }, el("span", {}, "share"), this.share, this.shareTold), this.remove);
    this.tools.append(this.hint, this.add, this.own);
    const label = el("label", { class: "knob", title: HOW }, el("span", {}, "barrier"), this.width, this.nats);
    this.pass.append(
      el(
        "div",
        { class: "height" },
        label,
        el(
          "p",
          { class: "reads", title: HOW },
          "The lowest pass between neighbouring modes, above the shallower of the two. All widths change together; shares stay, and steps ε that suited follow.",
        ),
      ),
      el(
        "figure",
        {},
        el("figcaption", {}, "How long does an escape take? Evaluations for each jump between modes"),
        this.plot,
        el(
          "p",
          { class: "reads" },
          "Faint: at earlier barriers. An arrow: more than that, no jump yet. Dashed lines grow as e to the barrier.",
        ),
      ),
    );
    this.root.append(this.tools, this.pass, this.warning);
    this.back.append(this.undo, this.reset);
  }

  draw(now: number): void {
    const { race } = this.board;
    const { shaping } = race;
    this.undo.disabled = !shaping?.undoes;
    this.reset.disabled = !shaping?.changed;
    this.root.hidden = !(shaping?.on || shaping?.open);
    this.back.hidden = this.root.hidden && this.undo.disabled && this.reset.disabled;
    if (!shaping || this.root.hidden) return;
    const { shape, chosen } = shaping;
    this.tools.hidden = !shaping.on;
    this.pass.hidden = !shaping.open;
    const mode = shape.modes[chosen];
    this.own.classList.toggle("none", !mode); // it keeps its room: maps must not move under a hand
    this.add.disabled = shape.modes.length >= MODES[1];
    const full = this.add.disabled ? `There are ${MODES[1]}, more cannot be.` : "Click empty ground for a new one.";
    say(
      this.hint,
      race.fog
        ? "The fog hides the modes: lift it to take hold of one."
        : mode
          ? `Mode ${chosen + 1} of ${shape.modes.length}, at ${told(mode)}`
          : `Drag a mode to move it, click it to choose it. ${full}`,
    );
    if (mode) {
      const share = shareOf(shaping.base, shape, chosen);
      this.share.disabled = this.remove.disabled = shape.modes.length <= MODES[0];
      slid(this.share, 100 * share, `${number(100 * share)} per cent`);
      say(this.shareTold, `${number(100 * share, 2)} %`);
    }
    if (shaping.open) this.height(shaping);
    if (!shaping.dragged) this.warned(shaping);
    if (shaping.open && (!race.playing || now - this.drawn > CALM)) this.plotted(shaping, now);
  }

  private warned({ shape, law }: Shaping): void {
    this.warning.hidden = shape.modes.length < 2 || law.modal;
    const near = `Two modes are nearer to each other than ${APART} standard deviations: they cannot be told apart`;
    say(this.warning, this.warning.hidden ? "" : `${near}, so visits and jumps are not counted.`);
  }

  /** The slider goes as far as modes can still be told apart, or to where it stands. */
  private height({ shape, law, barrier }: Shaping): void {
    const one = Number.isNaN(barrier);
    const most = Math.max(one ? 1 : within(Math.floor((100 * shape.width * law.gap) / APART) / 100, WIDTHS), shape.width);
    this.width.min = String(-Math.log10(most));
    this.width.max = String(-Math.log10(WIDTHS[0]));
    this.width.disabled = one;
    const told = one ? "one mode, no pass" : `${number(barrier)} nats`;
    slid(this.width, -Math.log10(shape.width), `${told}, widths times ${number(shape.width)}`);
    say(this.nats, told);
  }

  private get tries(): Tries | null {
    const { race } = this.board;
    const { shaping } = race;
    if (!shaping) return null;
    const names = race.of.map((_, i) => race.name(i));
    const now = shaping.dragged ? [] : escapes(race, shaping.barrier);
    return { past: shaping.past, now, barrier: shaping.barrier, names, colours: names.map((_, i) => this.board.pen(i).colour) };
  }

  private plotted(shaping: Shaping, now: number): void {
    const { tries } = this;
    const { theme } = this.board.host;
    const w = Math.min(this.plot.parentElement?.clientWidth ?? 0, WIDE);
    if (!tries || w < 50) return;
    const look = JSON.stringify([w, theme.dark, theme.paper, tries]);
    if (look === this.look) return;
    [this.look, this.drawn] = [look, now];
    paper(this.plot, w, HIGH, (g) => drawEscapes(g, w, HIGH, theme, tries));
    const said = tries.now.map(({ lane, per, open }) => `${tries.names[lane]} ${open ? "more than " : ""}${number(per)}`);
    const at = Number.isNaN(shaping.barrier) ? "One mode, no barrier" : `At a barrier of ${number(shaping.barrier)} nats`;
    this.plot.setAttribute(
      "aria-label",
      `How long an escape takes. ${at}, evaluations for each jump between modes: ${said.join(", ") || "no chain has run yet"}. ` +
        `${tries.past.length} dots of earlier barriers.`,
    );
  }

  print(canvas: HTMLCanvasElement, ratio: number): HTMLCanvasElement | null {
    const { tries, plot } = this;
    if (canvas !== plot || !tries) return null;
    const printed = el("canvas");
    const w = Number.parseFloat(plot.style.width);
    paper(printed, w, HIGH, (g) => drawEscapes(g, w, HIGH, this.board.host.theme, tries), ratio);
    return printed;
  }
}

const button = (name: string, title: string) => el("button", { class: "text-button", type: "button", title }, name);

function slid(range: HTMLInputElement, value: number, text: string): void {
  if (Math.abs(Number(range.value) - value) > Number(range.step) / 2) range.value = String(value);
  if (range.getAttribute("aria-valuetext") !== text) range.setAttribute("aria-valuetext", text);
}
