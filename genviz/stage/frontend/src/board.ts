// Painting on a lit board, with pointer, touch or keys: what is painted is held until it is freed.

import { board, unitAt } from "./draw/units";
import type { PaneView } from "./pane";
import type { Units } from "./types";

export type Brushed = "on" | "off" | "free";
const VALUE: Record<Brushed, number> = { on: 1, off: 0, free: Number.NaN };

/** What the next stroke does, and whether what it did is held; one for all boards of the tab. */
export const brush: { now: Brushed; holds: boolean } = { now: "on", holds: true };

export const paintable = (view: PaneView): Units | undefined =>
  view.host.source.walk
    ? view.pane.layers.find((layer): layer is Units => layer.type === "units" && layer.paint === true)
    : undefined;

export function paints(view: PaneView): void {
  const { canvas, host } = view;
  const walk = host.source.walk;
  const layer = paintable(view);
  if (!walk || !layer) return;
  canvas.classList.add("paintable");
  const count = () => layer.tensors.values?.shape[0] ?? 0;
  const first = Math.max(layer.first ?? 0, 0); // a board of hidden units is a later part of the state
  const at = () => board(count(), layer.columns, view.box);
  const under = ({ clientX, clientY }: { clientX: number; clientY: number }) => {
    const { left, top } = canvas.getBoundingClientRect();
    return unitAt(at(), count(), clientX - left, clientY - top);
  };
  let last: { unit: number; x: number; y: number } | null = null;
  /** All units on the way from the last place: a fast pointer leaves none out. */
  const stroke = ({ clientX: x, clientY: y }: { clientX: number; clientY: number }) => {
    const from = last ?? { x, y };
    const legs = Math.max(1, Math.ceil(Math.hypot(x - from.x, y - from.y) / Math.max(2, at().cell / 2)));
    for (let leg = 1; leg <= legs; leg++) {
      const [clientX, clientY] = [from.x + ((x - from.x) * leg) / legs, from.y + ((y - from.y) * leg) / legs];
      const unit = under({ clientX, clientY });
      if (unit >= 0 && unit !== last?.unit) walk.paint(first + unit, VALUE[brush.now], brush.holds);
      last = { unit, x: clientX, y: clientY };
    }
  };
  let down = false;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    [down, last] = [true, null];
    view.at = -1;
    stroke(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (down) stroke(event);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => {
      if (down) host.commit();
      down = false;
    });
  }
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) move(view, Math.max(view.at, 0));
  });
  canvas.addEventListener("blur", () => move(view, -1));
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { columns } = at();
    const way = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    const now = Math.max(view.at, 0);
    if (way) {
      const next = now + way * (event.shiftKey ? 4 : 1);
      if (next >= 0 && next < count()) move(view, next);
    } else if (event.key === " " || event.key === "Enter") {
      const held = walk.clamp[first + now]; // on, off, free
      if (brush.holds) walk.paint(first + now, Number.isNaN(held) ? 1 : held ? 0 : Number.NaN);
      else walk.paint(first + now, 1 - walk.stands(first + now), false);
      move(view, now);
      host.commit();
    } else return;
    event.preventDefault();
  });
}

function move(view: PaneView, unit: number): void {
  view.at = unit;
  view.host.invalidate();
}
