// What every drawing function gets: a context, the colours, the plane and how much detail the size allows.

import type { Plane } from "../axes";
import { colourOf, type Shape, type Theme } from "../theme";
import type { Role } from "../types";

export type Brush = {
  g: CanvasRenderingContext2D;
  theme: Theme;
  plane: Plane;
  mini: boolean; // a thumbnail of the filmstrip
  selection: number;
};

/** Stroke of a role: truth is always dashed, so that it is told apart without colour. */
export function pen(b: Brush, role: Role | undefined, width: number): void {
  b.g.strokeStyle = colourOf(b.theme, role);
  b.g.lineWidth = b.mini ? width * 0.6 : width;
  b.g.setLineDash(role === "truth" && !b.mini ? [5, 4] : []);
}

/** Adds one mark to the current path. Filled shapes are closed, plus and cross are strokes. */
export function trace(g: CanvasRenderingContext2D, shape: Shape, x: number, y: number, r: number): void {
  switch (shape) {
    case "circle":
      g.moveTo(x + r, y);
      g.arc(x, y, r, 0, 6.2832);
      return;
    case "square":
      g.rect(x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r);
      return;
    case "bar":
      g.rect(x - 1.25 * r, y - 0.5 * r, 2.5 * r, r);
      return;
    case "post":
      g.rect(x - 0.5 * r, y - 1.25 * r, r, 2.5 * r);
      return;
    case "up":
      polygon(g, [x, y - 1.2 * r, x + 1.1 * r, y + 0.85 * r, x - 1.1 * r, y + 0.85 * r]);
      return;
    case "down":
      polygon(g, [x, y + 1.2 * r, x + 1.1 * r, y - 0.85 * r, x - 1.1 * r, y - 0.85 * r]);
      return;
    case "diamond":
      polygon(g, [x, y - 1.3 * r, x + 1.3 * r, y, x, y + 1.3 * r, x - 1.3 * r, y]);
      return;
    case "plus":
      g.rect(x - 1.2 * r, y - 0.36 * r, 2.4 * r, 0.72 * r);
      g.rect(x - 0.36 * r, y - 1.2 * r, 0.72 * r, 2.4 * r);
      return;
    case "cross": {
      const [a, c] = [1.1 * r, 0.45 * r];
      polygon(g, [x - a, y - a + c, x - a + c, y - a, x + a, y + a - c, x + a - c, y + a]);
      polygon(g, [x + a - c, y - a, x + a, y - a + c, x - a + c, y + a, x - a, y + a - c]);
      return;
    }
    case "star": {
      const at: number[] = [];
      for (let i = 0; i < 10; i++) {
        const reach = i % 2 ? 0.55 * r : 1.4 * r;
        at.push(x + reach * Math.sin((i * Math.PI) / 5), y - reach * Math.cos((i * Math.PI) / 5));
      }
      polygon(g, at);
      return;
    }
  }
}

function polygon(g: CanvasRenderingContext2D, at: number[]): void {
  g.moveTo(at[0], at[1]);
  for (let i = 2; i < at.length; i += 2) g.lineTo(at[i], at[i + 1]);
  g.closePath();
}
