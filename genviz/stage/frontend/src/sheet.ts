// A canvas of so many CSS pixels, as fine as the screen.

export function paper(
  canvas: HTMLCanvasElement,
  w: number,
  h: number,
  draw: (g: CanvasRenderingContext2D) => unknown,
  ratio = window.devicePixelRatio || 1,
): void {
  const [pw, ph] = [Math.round(w * ratio), Math.round(h * ratio)];
  if (canvas.width !== pw || canvas.height !== ph) {
    [canvas.width, canvas.height] = [pw, ph];
    canvas.style.width = `${w}px`;
    canvas.style.height = `${h}px`;
  }
  const g = canvas.getContext("2d");
  if (!g) return;
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  draw(g);
}
