// Known values of a film in a plane: a line that a person drags fixes the coordinate it crosses.

import type { Plane } from "./axes";
import { el, say } from "./dom";
import { Grip } from "./grip";
import type { PaneView } from "./pane";
import { number } from "./words";

const PARKED = 30; // pixels from the corner, where the two grips of free coordinates wait
const STRIDE = 0.01; // of the range, by an arrow key

/** Two grips on the borders of a plane, one for each coordinate; the line is drawn across while one is known. */
export class Held {
  private readonly lines: { line: HTMLElement; grip: Grip }[];

  constructor(private readonly view: PaneView) {
    this.lines = ([0, 1] as const).map((side) => ({
      line: el("div", { class: side ? "known across" : "known", hidden: true }, el("span")),
      grip: this.grip(side),
    }));
    for (const { line, grip } of this.lines) view.frame.append(line, grip.root);
  }

  /** The coordinate that is known, and its value. */
  private get known(): [side: 0 | 1, value: number] | null {
    const row = this.view.host.source.film?.clamp;
    if (row?.length !== 2) return null;
    const side = Number.isNaN(row[0]) ? 1 : 0;
    return [side, row[side]];
  }

  draw(plane: Plane | null): void {
    if (!plane) return;
    const { box } = plane;
    const { known } = this;
    this.lines.forEach(({ line, grip }, side) => {
      const value = known?.[0] === side ? known[1] : null;
      line.hidden = value === null;
      const at = value === null ? (side ? box.y + box.h - PARKED : box.x + PARKED) : side ? plane.py(value) : plane.px(value);
      if (value !== null) {
        line.style.transform = side ? `translate(${box.x}px, ${at}px)` : `translate(${at}px, ${box.y}px)`;
        line.style.setProperty("--length", `${side ? box.w : box.h}px`);
        say(line.firstElementChild as HTMLElement, `${this.name(side)} = ${number(value, 2)}`);
      }
      const text = value === null ? "free" : number(value, 3);
      if (side) grip.place(box.x, at, text);
      else grip.place(at, box.y + box.h, text);
      grip.root.classList.toggle("set", value !== null);
    });
  }

  private name(side: number): string {
    return (side ? this.view.pane.y_label : this.view.pane.x_label) || (side ? "x₂" : "x₁");
  }

  private grip(side: 0 | 1): Grip {
    const { view } = this;
    const { host } = view;
    const fix = (value: number) => {
      const { plane } = view;
      if (!plane) return;
      const [lo, hi] = side ? plane.limits.slice(2) : plane.limits;
      const row = Float32Array.of(Number.NaN, Number.NaN);
      row[side] = Math.min(Math.max(value, lo), hi);
      host.source.film?.pin(value <= lo ? null : row); // back where it was parked
    };
    return new Grip(side ? "left" : "below", `Drag to hold ${this.name(side)} at a known value`, {
      to: (x, y) => view.plane && fix(side ? view.plane.uy(y) : view.plane.ux(x)),
      by: (dx, dy) => {
        if (!view.plane) return;
        const [lo, hi] = side ? view.plane.limits.slice(2) : view.plane.limits;
        const now = this.known?.[0] === side ? this.known[1] : lo;
        fix(now + (side ? dy : dx) * STRIDE * (hi - lo));
      },
      end: () => host.commit(),
      drop: () => {
        host.source.film?.pin(null);
        host.commit();
      },
    });
  }
}
