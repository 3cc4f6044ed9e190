// What a tab has once. Streamlit may load this module more than once, so it lives on the window, not in the module.
import { Live, type Stats } from "./live";
import type { Source } from "./types";

type Tab = { base?: string; sources: Map<string, Source>; live: Live; stats: Stats };
declare global {
  interface Window {
    __genviz?: Partial<Tab>;
  }
}

export function tab(): Tab {
  const { __genviz: shared = {} } = window;
  window.__genviz = shared;
  const stats = shared.stats ?? { gaps: 0, frames: 0, lag: 0, bytes: 0 };
  const live = shared.live ?? new Live(() => address("api/live").replace(/^http/, "ws"), stats);
  return Object.assign(shared, { stats, live, sources: shared.sources ?? new Map() });
}

/** A page is one path segment, so Streamlit is mounted in the page's folder; `__genviz.base` overrules that. */
export function address(path: string): string {
  const base = new URL((window.__genviz?.base ?? ".").replace(/\/?$/, "/"), document.baseURI);
  return new URL(path, base).href;
}
