// Points of a curve that set knobs: dragged up and down, told to the page on release.

import type { Plane } from "./axes";
import { Grip } from "./grip";
import type { PaneView } from "./pane";
import type { Handles } from "./types";
import { number } from "./words";

const STRIDE = 0.02; // of the height of the plane, by an arrow key

export class Pulls {
  private grips: Grip[] = [];
  private built = "";
  private pulled = new Map<number, number>(); // heights that the next picture will show
  private shown: ArrayLike<number> | null = null;

  constructor(private readonly view: PaneView) {}

  draw(layer: Handles | undefined, plane: Plane | null): void {
    const xy = layer?.tensors.xy?.data;
    for (const { root } of this.grips) root.hidden = !xy;
    if (!layer || !xy || !plane) return;
    const built = layer.knobs.join();
    if (built !== this.built) {
      this.built = built;
      for (const grip of this.grips) grip.root.remove();
      this.grips = layer.knobs.map((knob, i) => this.grip(layer.name, knob, i));
      this.view.frame.append(...this.grips.map(({ root }) => root));
    }
    if (this.shown && (this.shown.length !== xy.length || Array.from(xy).some((x, i) => x !== this.shown?.[i])))
      this.pulled.clear();
    this.shown = xy;
    this.grips.forEach((grip, i) => {
      const y = this.pulled.get(i) ?? xy[2 * i + 1];
      grip.place(plane.px(xy[2 * i]), plane.py(y), `${layer.knobs[i]} = ${number((layer.scale[i] ?? 1) * y, 3)}`);
    });
  }

  private grip(name: string, knob: string, i: number): Grip {
    const { view } = this;
    const now = () => view.layers.find((layer): layer is Handles => layer.type === "handles" && layer.name === name);
    const height = () => this.pulled.get(i) ?? now()?.tensors.xy?.data[2 * i + 1] ?? 0;
    const to = (y: number) => {
      const [, , lo, hi] = view.plane?.limits ?? [0, 0, 0, 1];
      this.pulled.set(i, Math.min(Math.max(y, lo), hi));
      view.host.invalidate();
    };
    return new Grip("knobbed", `Drag up and down to set ${knob.replaceAll("_", " ")}`, {
      to: (_, y) => view.plane && to(view.plane.uy(y)),
      by: (dx, dy) => {
        const [, , lo, hi] = view.plane?.limits ?? [0, 0, 0, 1];
        to(height() + (dy || dx) * STRIDE * (hi - lo));
      },
      end: () => view.host.set({ [knob]: Number(((now()?.scale[i] ?? 1) * height()).toPrecision(3)) }),
      drop: () => {
        this.pulled.delete(i);
        view.host.invalidate();
      },
    });
  }
}
