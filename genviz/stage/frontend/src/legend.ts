// The legend of a pane: a toggle for each layer with a label. The swatch shows the colour and the form.

import { drawing, el } from "./dom";
import { PLAIN } from "./draw/curves";
import { hueOf, SHAPES, type Shape, type Theme } from "./theme";
import type { Layer } from "./types";

const CIRCLE = (x: number, y: number, r: number) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;

const GRID = "M2 3q8 4 16 0M2 11q8-4 16 0M5 1v12M15 1v12";

/** One class mark as a path, round (x, y). */
function mark(shape: Shape, x: number, y: number, r: number): string {
  const polygon = (...at: number[]) => `M${at.map((v, i) => (i % 2 ? y + v * r : x + v * r).toFixed(2)).join(" ")}z`;
  switch (shape) {
    case "circle":
      return CIRCLE(x, y, r);
    case "square":
      return polygon(-0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, 0.9);
    case "bar":
      return polygon(-1.25, -0.5, 1.25, -0.5, 1.25, 0.5, -1.25, 0.5);
    case "post":
      return polygon(-0.5, -1.25, 0.5, -1.25, 0.5, 1.25, -0.5, 1.25);
    case "up":
      return polygon(0, -1.2, 1.1, 0.85, -1.1, 0.85);
    case "down":
      return polygon(0, 1.2, 1.1, -0.85, -1.1, -0.85);
    case "diamond":
      return polygon(0, -1.3, 1.3, 0, 0, 1.3, -1.3, 0);
    case "plus":
      return polygon(
        -0.36,
        -1.2,
        0.36,
        -1.2,
        0.36,
        -0.36,
        1.2,
        -0.36,
        1.2,
        0.36,
        0.36,
        0.36,
        0.36,
        1.2,
        -0.36,
        1.2,
        -0.36,
        0.36,
        -1.2,
        0.36,
        -1.2,
        -0.36,
        -0.36,
        -0.36,
      );
    case "cross":
      return polygon(
        -1.1,
        -0.65,
        -0.65,
        -1.1,
        0,
        -0.45,
        0.65,
        -1.1,
        1.1,
        -0.65,
        0.45,
        0,
        1.1,
        0.65,
        0.65,
        1.1,
        0,
        0.45,
        -0.65,
        1.1,
        -1.1,
        0.65,
        -0.45,
        0,
      );
    case "star": {
      const at = Array.from({ length: 10 }, (_, i) =>
        [Math.sin((i * Math.PI) / 5), -Math.cos((i * Math.PI) / 5)].map((v) => v * (i % 2 ? 0.55 : 1.4)),
      );
      return polygon(...at.flat());
    }
  }
}

export function swatch(layer: Layer, theme: Theme, drawn: boolean): SVGSVGElement {
  const colour = hueOf(theme, layer);
  const line = (d: string): [string, string] => [(layer.role === "truth" ? "." : "~") + d, colour];
  const [w, h] = [20, 14];
  switch (layer.type) {
    case "points":
      if (layer.role === "label")
        return drawing(
          26,
          h,
          [0, 1, 2].map((k) => [mark(SHAPES[k], 5 + 8 * k, 7, 3), theme.classes[k]]),
        );
      if (layer.role === "noise")
        return drawing(w, h, [
          [CIRCLE(5, 7, 1.6), colour],
          [CIRCLE(12, 5, 1.6), colour],
          [CIRCLE(15, 10, 1.6), colour],
        ]);
      if (layer.role === "error") return drawing(w, h, [[mark("cross", 10, 7, 4.5), colour]]);
      if (layer.role === "data") return drawing(w, h, [[CIRCLE(10, 7, 4), colour]]);
      return drawing(w, h, [line(CIRCLE(10, 7, 4.5))]);
    case "field":
      if (layer.style === "contour") return drawing(w, h, [line(CIRCLE(10, 7, 6)), line(CIRCLE(10, 7, 2.5))]);
      return drawing(
        w,
        h,
        [0.15, 0.4, 0.65, 0.95].map((share, k) => [`M${2 + 4 * k} 1h4v12h-4z`, shade(theme.ramp, share)]),
      );
    case "arrows":
      return drawing(w, h, [line("M2 7h14M11 3l5 4-5 4")]);
    case "ellipses":
      return drawing(w, h, [line("M2 7a8 5 0 1 0 16 0a8 5 0 1 0-16 0z")]);
    case "mesh":
      return drawing(w, h, [line(GRID)]);
    case "curves":
      if (layer.stack) return drawing(w, h, [["M2 8l5-3 4 2 7-5v11H2z", colour]]);
      return dashed(drawing(w, h, [line("M2 10l5-5 4 4 7-6")]), layer.dash);
    case "bars":
      return drawing(w, h, [["M2 2h14v4H2zM2 8h8v4H2z", colour]]);
    case "images":
      return layer.diverging
        ? drawing(
            w,
            h,
            [0, 0.25, 0.5, 0.75, 1].map((share, k) => [`M${4 * k} 1h4v12h-4z`, shade(theme.diverging, share)]),
          )
        : tiles(theme);
    case "trace":
      return drawing(w, h, [line("M2 11q5-12 9-4t7-3"), [CIRCLE(11, 7, 3), colour]]);
    case "handles":
      return drawing(w, h, [
        ["~M10 0v14", theme.accent],
        [CIRCLE(10, 7, 4), theme.accent],
      ]);
    case "decode":
      if (layer.at === "mesh") return drawing(w, h, [line(GRID)]);
      if (layer.at === "traversal" && drawn) return drawing(w, h, [line("M2 11q5-12 9-4t7-3")]);
      return layer.at === "lattice" || layer.at === "traversal" || !drawn
        ? tiles(theme)
        : drawing(w, h, [line(CIRCLE(10, 7, 5.5)), [CIRCLE(10, 7, 1.8), colour]]);
    default:
      return drawing(w, h, [line("M2 10l5-5 4 4 7-6")]);
  }
}

function dashed(svg: SVGSVGElement, dash = 0): SVGSVGElement {
  if (dash) svg.firstElementChild?.setAttribute("stroke-dasharray", PLAIN[dash % 4].join(" "));
  return svg;
}

const tiles = (theme: Theme) =>
  drawing(20, 14, [
    ["M4 1h5v5H4zM11 8h5v5h-5z", theme.ink],
    ["~M3.5 0.5h13v13h-13z", theme.line],
  ]);
const shade = (ramp: Uint8ClampedArray, share: number) =>
  `rgb(${[...ramp.slice(3 * Math.round(255 * share), 3 * Math.round(255 * share) + 3)].join(" ")})`;

/** Hues and shapes of the classes that occur, with their names or numbers. */
function key(labels: ArrayLike<number>, names: string[], theme: Theme, bars: boolean): HTMLElement {
  const present = [...new Set(Array.from(labels))].filter((kind) => kind >= 0).sort((a, b) => a - b);
  const items = present
    .slice(0, 10)
    .map((kind) =>
      el(
        "span",
        { class: "kind" },
        drawing(12, 12, [[bars ? "M3 1h6v10h-6z" : mark(SHAPES[kind % 10], 6, 6, 3.4), theme.classes[kind % 10]]]),
        names[kind] ?? String(kind),
      ),
    );
  return el("span", { class: "kinds", "aria-label": "classes" }, ...items);
}

export type Toggle = { layer: Layer; on: boolean; press: () => void };

/** Fills the legend anew, with the classes of what is `shown`; `drawn` in a plane of 2-D data, where sweeps are lines and not pictures. */
export function fill(root: HTMLElement, toggles: Toggle[], shown: Layer[], theme: Theme, drawn: boolean): void {
  root.replaceChildren(
    ...toggles.map(({ layer, on, press }, i) => {
      const title = `${on ? "Hide" : "Show"} ${layer.label ?? layer.name}${i < 9 ? ` (key ${i + 1})` : ""}`;
      return el(
        "button",
        {
          class: "toggle",
          type: "button",
          "aria-pressed": on ? "true" : "false",
          title,
          "data-layer": layer.name,
          onclick: press,
        },
        swatch(layer, theme, drawn),
        el("span", {}, layer.label ?? layer.name),
      );
    }),
  );
  for (const layer of shown) {
    if (!(layer.type === "bars" || (layer.type === "points" && layer.role === "label"))) continue;
    const { labels } = layer.tensors;
    if (labels) root.append(key(labels.data, layer.classes ?? [], theme, layer.type === "bars"));
    if (layer.type === "bars" && layer.marked)
      root.append(
        el("span", { class: "kinds" }, el("span", { class: "kind" }, drawing(14, 12, [["~M1 6h12", theme.ink]]), layer.marked)),
      );
    if (labels) return; // one key of classes a pane
  }
}
