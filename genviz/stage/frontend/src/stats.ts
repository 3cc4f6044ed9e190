// How long drawing takes and how often it happens, on `window.__genviz.stats.draw` for `make bench`.

type Draw = { frames: number; ms: number; fps: number };

const times: number[] = [];

export function meter(ms: number): void {
  const now = performance.now();
  const shared = (window as unknown as { __genviz?: { stats?: { draw?: Draw } } }).__genviz;
  if (!shared?.stats) return;
  shared.stats.draw ??= { frames: 0, ms, fps: 0 };
  const draw = shared.stats.draw;
  draw.frames++;
  draw.ms += 0.1 * (ms - draw.ms);
  if (now - (times[times.length - 1] ?? 0) < 4) return; // another mount in the same animation frame
  times.push(now);
  while (now - times[0] > 1000) times.shift();
  draw.fps = times.length;
}
