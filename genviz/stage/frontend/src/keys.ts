// The keyboard of the whole stage. Keys belong to whoever is being typed into; we take only what nobody else wants.

import { play, rewind, step } from "./commands";
import { el } from "./dom";
import type { PaneView } from "./pane";
import type { Save } from "./save";
import type { Action, Transport } from "./transport";
import type { Source } from "./types";

const HELP: [string, string][] = [
  ["space", "play, pause"],
  ["← →", "at the head of a run one training step, else one frame of the recording"],
  ["shift ← →", "ten frames back, forth"],
  ["[ ]", "slower, faster"],
  ["R", "rewind"],
  ["F", "fork: a new run that goes on from here otherwise"],
  ["C", "compare: two runs in lock-step, side by side"],
  ["1 – 9", "show or hide a layer of the pane under the pointer"],
  ["arrows in the latent plane", "move through the code (shift: faster)"],
  ["arrows, space on a board of units", "move over the units; hold one on, off, let it go"],
  ["Enter, Esc there", "select the nearest point, let it go"],
  ["arrows on a map of a race", "move where the chains start (shift: faster)"],
  [
    "arrows, + −, Delete on a mode of its target",
    "move it, change its share, take it off; Enter chooses it, ctrl Z takes back",
  ],
  ["arrows, space on a plane of damage", "move the brush (shift: faster), recall there; ctrl Z"],
  ["G", "save a picture, a clip, a script …"],
  ["arrows where a particle or a grip is", "move it (shift: faster); Esc lets it go"],
  ["arrows, Enter on a picture to complete", "move the sponge, wipe (shift: bring back); ctrl Z, Esc"],
  ["?", "this list"],
];

type Stage = {
  root: HTMLElement;
  readonly source: Source;
  transport: Transport;
  focused(): PaneView | undefined;
  help: Help;
  save: Save;
};

/** How the focus came where it is: who clicked a button wants Space for the stage, who tabbed to it wants to press it. */
export class Hand {
  pointing = false;

  see({ type, key }: { type: string; key?: string }): void {
    if (type === "pointerdown") this.pointing = true;
    else if (key === "Tab") this.pointing = false;
  }
}

const hand = new Hand(); // one a page: the focus outlives the stage that a button opened
const stages: Stage[] = []; // on this page, in their order
let near: Stage | null = null; // whom the pointer was over last
let watching = false;

function watch(): void {
  if (watching) return;
  watching = true;
  for (const type of ["pointerdown", "keydown"] as const) window.addEventListener(type, (event) => hand.see(event), true);
}

/** Where a letter would be typed or a choice made. */
function occupied(event: KeyboardEvent): boolean {
  return event.composedPath().some((node) => {
    if (!(node instanceof HTMLElement)) return false;
    return node.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName) || node.getAttribute("role") === "textbox";
  });
}

/** Keys go to the stage that has the focus, else to the one the pointer was over last, else to the first of the page. */
function meant(event: KeyboardEvent): Stage | undefined {
  const path = event.composedPath();
  return stages.find(({ root }) => path.includes(root)) ?? near ?? stages[0];
}

/** Listens until the function that it returns is called. */
export function keyboard(stage: Stage): () => void {
  const { root, transport, focused, help, save } = stage;
  watch();
  stages.push(stage);
  const enter = () => {
    near = stage;
  };
  root.addEventListener("pointerenter", enter);
  let taken = false;
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || occupied(event)) return;
    if (meant(event) !== stage) return;
    const { source } = stage;
    const target = event.composedPath()[0];
    const node = target instanceof HTMLElement ? target : null;
    const pressable = node?.closest("button, a, summary, [role=button], [role=tab], [role=radio], [role=slider]:not(.strip)");
    const latent = node?.classList.contains("latent");
    if (node?.classList.contains("paintable") && /^(Arrow|Enter$| $)/.test(event.key)) return; // the board's own
    const act = (): Action | null => {
      switch (event.key) {
        case " ":
          return pressable && !hand.pointing ? null : () => play(source);
        case "ArrowLeft":
        case "ArrowRight": {
          const inner = pressable && !node?.closest(".transport, .legend");
          if (latent || inner) return null;
          const way = event.key === "ArrowLeft" ? -1 : 1;
          return () => (event.shiftKey ? step(source, 10 * way) : step(source, way));
        }
        case "[":
          return () => transport.faster(-1);
        case "]":
          return () => transport.faster(1);
        case "r":
        case "R":
          return () => rewind(source);
        case "f":
        case "F":
          return () => transport.strip.fork();
        case "c":
        case "C":
          return () => transport.strip.toggle();
        case "?":
          return () => help.toggle();
        case "g":
        case "G":
          return () => save.toggle(true);
        case "Escape":
          return help.open ? () => help.toggle() : save.open ? () => save.toggle() : null;
        default: {
          const n = Number(event.key);
          return n >= 1 && n <= 9 ? () => focused()?.toggle(n - 1) : null;
        }
      }
    };
    const found = act();
    if (!found) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // Streamlit has an R of its own
    taken = event.key === " ";
    void transport.run(found);
  };
  const release = (event: KeyboardEvent) => {
    if (taken && event.key === " ") event.preventDefault(); // where a button is pressed by letting the key go
    taken = false;
  };
  window.addEventListener("keydown", press, true);
  window.addEventListener("keyup", release, true);
  return () => {
    stages.splice(stages.indexOf(stage), 1);
    if (near === stage) near = null;
    root.removeEventListener("pointerenter", enter);
    window.removeEventListener("keydown", press, true);
    window.removeEventListener("keyup", release, true);
  };
}

/** The list of keys, over the panes. */
export class Help {
  readonly root = el("div", { class: "help", role: "dialog", "aria-label": "Keyboard", hidden: true, tabindex: -1 });
  private from: HTMLElement | null = null;

  constructor() {
    const close = el("button", { class: "text-button", type: "button" }, "close");
    close.addEventListener("click", () => this.toggle());
    this.root.append(
      el("h3", {}, "Keyboard"),
      el("dl", {}, ...HELP.flatMap(([key, what]) => [el("dt", {}, key), el("dd", {}, what)])),
      close,
    );
  }

  get open(): boolean {
    return !this.root.hidden;
  }

  toggle(): void {
    this.root.hidden = !this.root.hidden;
    if (this.open) {
      const within = this.root.getRootNode() as Document | ShadowRoot;
      this.from = within.activeElement instanceof HTMLElement ? within.activeElement : null;
      this.root.focus();
    } else this.from?.focus();
  }
}
