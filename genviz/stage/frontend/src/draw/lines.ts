// Arrows, warped grids, paths and Gaussians.

import { colourOf } from "../theme";
import type { Arrows, Ellipses, Role } from "../types";
import { type Brush, pen } from "./brush";

export function drawArrows(b: Brush, layer: Arrows): void {
  const [start, end] = [layer.tensors.start?.data, layer.tensors.end?.data];
  if (!start || !end) return;
  const { g, plane, mini } = b;
  const stride = mini ? Math.ceil(start.length / 160) * 2 : 2;
  g.beginPath();
  for (let i = 0; i + 1 < end.length; i += stride) {
    const [x0, y0, x1, y1] = [plane.px(start[i]), plane.py(start[i + 1]), plane.px(end[i]), plane.py(end[i + 1])];
    const length = Math.hypot(x1 - x0, y1 - y0);
    if (length < 0.75) continue;
    g.moveTo(x0, y0);
    g.lineTo(x1, y1);
    if (mini || length < 4) continue;
    const head = Math.min(5, 0.45 * length);
    const [ux, uy] = [((x1 - x0) / length) * head, ((y1 - y0) / length) * head];
    g.moveTo(x1 - ux - 0.5 * uy, y1 - uy + 0.5 * ux);
    g.lineTo(x1, y1);
    g.lineTo(x1 - ux + 0.5 * uy, y1 - uy - 0.5 * ux);
  }
  const alpha = end.length > 400 ? 0.5 : 0.8;
  pen(b, layer.role, 1.1);
  g.globalAlpha *= alpha;
  g.stroke();
  g.globalAlpha /= alpha;
}

/** A grid of ny × nx corners; every `stride`-th line of it is drawn. */
export function drawMesh(b: Brush, xy: ArrayLike<number>, ny: number, nx: number, role: Role | undefined, stride = 1): void {
  const { g, plane } = b;
  g.beginPath();
  const to = (row: number, column: number, first: boolean) => {
    const k = 2 * (row * nx + column);
    if (first) g.moveTo(plane.px(xy[k]), plane.py(xy[k + 1]));
    else g.lineTo(plane.px(xy[k]), plane.py(xy[k + 1]));
  };
  for (let row = 0; row < ny; row += stride) for (let column = 0; column < nx; column++) to(row, column, column === 0);
  for (let column = 0; column < nx; column += stride) for (let row = 0; row < ny; row++) to(row, column, row === 0);
  pen(b, role, 1);
  g.globalAlpha *= 0.55;
  g.stroke();
  g.globalAlpha /= 0.55;
}

export function drawPath(b: Brush, xy: ArrayLike<number>, role: Role | undefined, width = 2): void {
  const { g, plane } = b;
  g.beginPath();
  for (let i = 0; i + 1 < xy.length; i += 2) {
    if (i) g.lineTo(plane.px(xy[i]), plane.py(xy[i + 1]));
    else g.moveTo(plane.px(xy[i]), plane.py(xy[i + 1]));
  }
  pen(b, role, width);
  g.lineJoin = "round";
  g.stroke();
  g.setLineDash([]);
}

/** Gaussians at so many standard deviations; covariance as xx, xy, yy. */
export function drawEllipses(b: Brush, layer: Ellipses): void {
  const [mean, cov] = [layer.tensors.mean?.data, layer.tensors.cov?.data];
  if (!mean || !cov) return;
  const { g, plane } = b;
  const only = layer.follow === "selection" && mean.length > 2 ? b.selection : -1;
  if (layer.follow === "selection" && b.selection < 0) return;
  const levels = layer.levels ?? [1, 2];
  levels.forEach((level, depth) => {
    for (let i = only < 0 ? 0 : only; 2 * i + 1 < mean.length && (only < 0 || i === only); i++) {
      const [xx, xy, yy] = [cov[3 * i], cov[3 * i + 1], cov[3 * i + 2]];
      // the Cholesky factor maps the unit circle to the ellipse, whatever the scales of the axes
      const a = Math.sqrt(Math.max(xx, 0));
      const c = a > 0 ? xy / a : 0;
      const d = Math.sqrt(Math.max(yy - c * c, 0));
      g.beginPath();
      for (let k = 0; k <= 48; k++) {
        const [u, v] = [Math.cos((k * Math.PI) / 24), Math.sin((k * Math.PI) / 24)];
        g.lineTo(plane.px(mean[2 * i] + level * a * u), plane.py(mean[2 * i + 1] + level * (c * u + d * v)));
      }
      const colour = layer.role === "label" ? b.theme.classes[i % 10] : colourOf(b.theme, layer.role);
      pen(b, layer.role, depth ? 1.2 : 2);
      g.strokeStyle = colour;
      g.stroke();
      if (!depth && !b.mini && (only >= 0 || mean.length <= 40)) {
        g.fillStyle = colour;
        g.globalAlpha *= 0.12;
        g.fill();
        g.globalAlpha /= 0.12;
      }
    }
  });
  g.setLineDash([]);
}
