// A scene that does not move, sent with the page: a source without a timeline, a run or weights.

import type { Source } from "./types";
import { readLook } from "./wire";

/** The source for a packed scene in base64; what cannot be read becomes a sentence. */
export function still(id: string, blob: string): Source {
  const onlookers = new Set<() => void>();
  let scene: Source["scene"] = null;
  let problem = "";
  try {
    const bytes = Uint8Array.from(atob(blob), (letter) => letter.charCodeAt(0));
    scene = { panes: readLook(bytes), programs: {}, latent: 0, shape: [], controls: [] };
  } catch (error) {
    problem = `This picture cannot be read: ${error instanceof Error ? error.message : String(error)}. Reload the page.`;
  }
  let selection = -1;
  let version = 0;
  let asked = false;
  const changed = () => {
    version++;
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      for (const redraw of onlookers) redraw();
    });
  };
  return {
    id,
    film: null,
    walk: null,
    scene,
    problem,
    frames: [],
    shots: [],
    metrics: new Map(),
    status: { state: "done", step: 0, until: 0 },
    info: {},
    edits: [],
    playhead: 0,
    following: true,
    playing: false,
    speed: 1,
    cursor: null,
    get version() {
      return version;
    },
    axes: [0, 1],
    get selection() {
      return selection;
    },
    set selection(point: number) {
      selection = point;
      changed();
    },
    seen: () => {},
    seek: () => {},
    play: () => {},
    around: () => null,
    keyframe: () => null,
    program: () => null,
    attend: () => () => {},
    ask: () => null,
    send: () => Promise.resolve("This picture does not move."),
    listen: (redraw) => {
      onlookers.add(redraw);
      return () => onlookers.delete(redraw);
    },
    changed,
    retain: () => () => {},
  };
}
