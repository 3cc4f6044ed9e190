// The modes of a target as handles on a map: dragged, placed with a click on empty ground, chosen, moved with keys, taken off.

import type { Plane } from "./axes";
import { el } from "./dom";
import type { RaceBoard } from "./raceboard";
import { MODES, type Mode, moved, put, SHARES, type Shape, shared, shareOf, within } from "./shape";
import type { Shaping } from "./shaping";
import { number } from "./words";

const NEAR = { mouse: 14, touch: 18 }; // pixels from a handle, as far as it reaches: beyond it a finger scrolls
const STILL = 4; // pixels that are no drag
const STRIDE = 0.02; // of the map, by an arrow key
const MORE = 1.25; // times the odds, by + and −

type Held = { pointer: number; k: number; x: number; y: number; dx: number; dy: number; moved: boolean };

export class Modes {
  readonly root = el("div", { class: "modes", role: "group", "aria-label": "modes of the target", hidden: true });
  private grips: HTMLButtonElement[] = [];
  private plane: Plane | null = null;
  private shape: Shape | null = null; // as it was drawn last
  private look = "";
  private held: Held | null = null;

  constructor(
    private readonly board: RaceBoard,
    private readonly lane: number,
  ) {
    const { root } = this;
    root.addEventListener("pointerdown", (event) => this.down(event));
    root.addEventListener("pointermove", (event) => this.move(event));
    root.addEventListener("pointerup", (event) => this.up(event));
    root.addEventListener("pointercancel", ({ pointerId }) => {
      if (this.held?.pointer !== pointerId) return;
      if (this.held.moved) this.shaping?.drop();
      this.held = null;
    });
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("click", (event) => {
      const k = this.at(event.target);
      if (k >= 0 && !event.detail) this.shaping?.choose(k === this.shaping.chosen ? -1 : k); // by Enter or Space
    });
  }

  private get shaping(): Shaping | null {
    return this.board.race.shaping;
  }

  private at = (target: EventTarget | null) => this.grips.indexOf(target as HTMLButtonElement);

  draw(plane: Plane): void {
    const { shaping, root } = this;
    root.hidden = !shaping?.on || this.board.race.fog; // which hides where they are
    if (!shaping || root.hidden) return;
    this.plane = plane;
    const { shape, chosen } = shaping;
    const look = `${plane.box.w}|${plane.box.h}|${chosen}|${this.board.touched}`;
    if (shape === this.shape && look === this.look) return;
    [this.shape, this.look] = [shape, look];
    const { modes } = shape;
    const { masses } = shaping.law;
    while (this.grips.length > modes.length) this.grips.pop()?.remove();
    while (this.grips.length < modes.length) {
      const grip = el("button", { class: "mode", type: "button" });
      this.grips.push(grip);
      root.append(grip);
    }
    const tabbed = this.board.touched === this.lane ? "0" : "-1"; // those of the other maps are the same
    modes.forEach((mode, k) => {
      const grip = this.grips[k];
      set(grip, "tabindex", tabbed);
      set(grip, "style", `transform: translate(${plane.px(mode.x).toFixed(1)}px, ${plane.py(mode.y).toFixed(1)}px)`);
      set(grip, "aria-pressed", String(k === chosen));
      set(grip, "aria-label", `mode ${k + 1} of ${modes.length}, at ${told(mode)}, share ${number(100 * masses[k], 2)} %`);
    });
  }

  /** After a change: the focus goes along. */
  focus(k: number): void {
    if (this.plane) this.draw(this.plane);
    this.grips[within(k, [0, this.grips.length - 1])]?.focus({ preventScroll: true });
  }

  private down(event: PointerEvent): void {
    const { shaping, plane } = this;
    if (event.button || !shaping || !plane || this.held) return;
    const { x, y } = this.point(event);
    let [k, least]: [number, number] = [-1, NEAR[event.pointerType === "mouse" ? "mouse" : "touch"]];
    let [dx, dy] = [0, 0];
    shaping.shape.modes.forEach((mode, i) => {
      const [u, v] = [plane.px(mode.x) - x, plane.py(mode.y) - y];
      if (Math.hypot(u, v) < least) [k, least, dx, dy] = [i, Math.hypot(u, v), u, v];
    });
    this.held = { pointer: event.pointerId, k, x, y, dx, dy, moved: false };
    this.board.touched = this.lane;
    this.root.setPointerCapture(event.pointerId);
    if (k >= 0) shaping.choose(k);
  }

  private move(event: PointerEvent): void {
    const { shaping, plane, held } = this;
    if (held?.pointer !== event.pointerId || held.k < 0 || !shaping || !plane) return; // on empty ground the page may be scrolled
    const { x, y } = this.point(event);
    if (!held.moved && Math.hypot(x - held.x, y - held.y) < STILL) return;
    held.moved = true;
    shaping.show(moved(shaping.shape, held.k, plane.ux(x + held.dx), plane.uy(y + held.dy), shaping.frame));
  }

  private up(event: PointerEvent): void {
    const { shaping, plane, held, board } = this;
    if (held?.pointer !== event.pointerId || !shaping || !plane) return;
    this.held = null;
    const { x, y } = this.point(event);
    const { shape } = shaping;
    if (held.moved) shaping.settle();
    else if (held.k < 0 && Math.hypot(x - held.x, y - held.y) < 2 * STILL && shape.modes.length < MODES[1]) {
      shaping.change(put(shape, plane.ux(x), plane.uy(y), shaping.frame));
      shaping.choose(shape.modes.length);
    }
    board.host.commit();
    this.focus(shaping.chosen);
  }

  private point(event: PointerEvent): { x: number; y: number } {
    const box = this.root.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private key(event: KeyboardEvent): void {
    const { shaping, board } = this;
    const k = this.at(event.target);
    if (!shaping || k < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const { shape, frame } = shaping;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const more = { "+": MORE, "=": MORE, "-": 1 / MORE, "−": 1 / MORE }[event.key];
    if (way) {
      const [dx, dy] = way.map((one, i) => one * STRIDE * (event.shiftKey ? 5 : 1) * (frame[i][1] - frame[i][0]));
      shaping.change(moved(shape, k, shape.modes[k].x + dx, shape.modes[k].y + dy, frame), `move ${k}`);
      shaping.choose(k);
    } else if (more && shape.modes.length > 1) {
      const share = shareOf(shaping.base, shape, k);
      const odds = (more * share) / (1 - share);
      shaping.change(shared(shaping.base, shape, k, within(odds / (1 + odds), SHARES)), `share ${k}`);
      shaping.choose(k);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      shaping.remove(k);
      this.focus(k);
    } else if (event.key === "Escape") shaping.choose(-1);
    else return;
    board.host.commit();
    event.preventDefault();
    event.stopPropagation();
  }
}

export const told = ({ x, y }: Mode) => `(${number(x)}, ${number(y)})`;

/** Only what differs: a layout is dear. */
function set(node: HTMLElement, name: string, value: string): void {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}
