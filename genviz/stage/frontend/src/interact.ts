// Pointer, touch and arrow keys on a canvas: choosing a code, choosing a point.

import { paintable, paints } from "./board";
import { cursor, pointed, row } from "./codes";
import type { Tile } from "./draw/images";
import { hit } from "./draw/points";
import { seen } from "./paint";
import type { PaneView } from "./pane";
import { timeAt } from "./trace";
import type { Points, Trace } from "./types";

const CLICK = 5; // pixels a click may wander

export function interact(view: PaneView): void {
  const { canvas, host, pane } = view;
  if (!view.interactive) return;
  if (paintable(view)) {
    paints(view);
    return;
  }
  let down: { x: number; y: number } | null = null;

  const at = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const move = (event: PointerEvent) => {
    const plane = view.plane;
    if (!(pane.latent || ((view.dragged || view.carried) && down)) || !plane || !host.source.scene) return;
    const [x, y] = at(event);
    const { box } = plane;
    const inside = x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h;
    if (!inside && !down) return;
    const [px, py] = [Math.min(Math.max(x, box.x), box.x + box.w), Math.min(Math.max(y, box.y), box.y + box.h)];
    if (view.dragged) put(view, view.dragged, plane.ux(px), plane.uy(py));
    else if (view.carried) view.carried.put([plane.ux(px), plane.uy(py)]);
    else host.source.cursor = pointed(host.source, host.still, plane.ux(px), plane.uy(py));
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    down = { x: event.clientX, y: event.clientY };
    canvas.setPointerCapture(event.pointerId);
    if ((view.dragged || view.carried) && host.source.playing) host.source.play(false);
    move(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (down || event.pointerType === "mouse") move(event);
    if (!down) canvas.classList.toggle("over", under(view, ...at(event)).index >= 0 || Boolean(tileAt(view, ...at(event))));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!down) return;
    const still = Math.hypot(event.clientX - down.x, event.clientY - down.y) < CLICK;
    down = null;
    if (still) pick(view, ...at(event));
    host.commit();
  });
  canvas.addEventListener("pointercancel", () => {
    down = null; // the finger scrolls the page
  });
  canvas.addEventListener("keydown", (event) => {
    if (keyed(view, event)) event.preventDefault();
  });
}

/** Sets a particle at the chain time of the playhead: the whole step next to it. */
function put(view: PaneView, trace: Trace, x: number, y: number): void {
  const { source } = view.host;
  source.cursor = Float32Array.of(x, y, Math.round(timeAt(trace, source.playhead)));
}

/** The layer and index of the point within reach. */
function under(view: PaneView, x: number, y: number): { layer: Points | null; index: number } {
  const { plane, host, pane } = view;
  if (!plane) return { layer: null, index: -1 };
  for (const layer of view.layers) {
    if (layer.type !== "points" || !layer.pick || host.hidden.has(view.id(layer.name))) continue;
    const index = hit(seen(layer, pane, host.source.axes), plane.px, plane.py, x, y);
    if (index >= 0) return { layer, index };
  }
  return { layer: null, index: -1 };
}

/** A click on a point or a picture selects it, a second click lets it go. */
function pick(view: PaneView, x: number, y: number): void {
  const { source } = view.host;
  const tile = tileAt(view, x, y);
  if (tile) source.selection = source.selection === tile.index ? -1 : tile.index;
  const { layer, index } = under(view, x, y);
  if (!layer) return;
  source.selection = source.selection === index ? -1 : index;
  const code = codeOf(view, layer, index);
  if (code && source.selection >= 0) source.cursor = code;
}

/** The picture one can choose there. */
function tileAt(view: PaneView, x: number, y: number): Tile | undefined {
  const names = view.layers.flatMap((layer) => (layer.type === "images" && layer.pick ? [layer.name] : []));
  return view.tiles.find(
    (tile) => names.includes(tile.layer) && x >= tile.x && x <= tile.x + tile.w && y >= tile.y && y <= tile.y + tile.h,
  );
}

const codeOf = (view: PaneView, layer: Points, i: number) =>
  view.pane.latent ? row(layer, i, view.host.source.scene?.latent ?? 0) : null;

/** Arrow keys walk through the latent plane, Enter selects the nearest point, Escape lets go. */
function keyed(view: PaneView, event: KeyboardEvent): boolean {
  const { source, still } = view.host;
  const plane = view.plane;
  if (event.ctrlKey || event.metaKey || event.altKey || !plane) return false;
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  if (way && view.pane.latent) {
    const [x0, x1, y0, y1] = plane.limits;
    const stride = event.shiftKey ? 0.1 : 0.02;
    const code = cursor(source, still);
    const x = code[source.axes[0]] + way[0] * stride * (x1 - x0);
    const y = code[source.axes[1]] + way[1] * stride * (y1 - y0);
    source.cursor = pointed(source, still, Math.min(Math.max(x, x0), x1), Math.min(Math.max(y, y0), y1));
    view.host.commit();
    return true;
  }
  if (way && view.dragged) {
    const [x0, x1, y0, y1] = plane.limits;
    const stride = event.shiftKey ? 0.1 : 0.02;
    const [x, y] = view.particle() ?? [(x0 + x1) / 2, (y0 + y1) / 2];
    const [to, up] = [x + way[0] * stride * (x1 - x0), y + way[1] * stride * (y1 - y0)];
    put(view, view.dragged, Math.min(Math.max(to, x0), x1), Math.min(Math.max(up, y0), y1));
    view.host.commit();
    return true;
  }
  if (way && view.carried) {
    const [x0, x1, y0, y1] = plane.limits;
    const stride = event.shiftKey ? 0.1 : 0.02;
    view.carried.put([
      view.carried.stands(0) + way[0] * stride * (x1 - x0),
      view.carried.stands(1) + way[1] * stride * (y1 - y0),
    ]);
    view.host.commit();
    return true;
  }
  if (event.key === "Escape" && view.dragged && source.cursor) source.cursor = null;
  else if (event.key === "Enter" && view.pane.latent) {
    const code = cursor(source, still);
    pick(view, plane.px(code[source.axes[0]]), plane.py(code[source.axes[1]] ?? 0));
  } else if (event.key === "Escape" && source.selection >= 0) source.selection = -1;
  else return false;
  view.host.commit();
  return true;
}
