// What one may do to a chain in the browser: how much a step is, where it begins, how warm it is, what is held.

import { type Brushed, brush } from "./board";
import { el, group, say, seedBox } from "./dom";
import type { Begin, Grain, Walking } from "./types";
import { CHAINS, WARMEST } from "./walk";
import { number } from "./words";

type Act = (act: () => unknown) => Promise<void>;
const BEGINS: Record<Begin, [string, string]> = {
  data: ["data", "Start from the chosen row of the data; further chains start from the rows after it"],
  noise: ["noise", "Start from noise"],
  fantasy: ["fantasy", "Go on where the chains stood that began in noise: they persist while the weights change"],
};
const GRAINS: Record<Grain, string> = {
  unit: "A step is one unit: its input arrives, a coin falls, the light changes",
  layer: "A step is one layer: its units do not depend on each other",
  sweep: "A step is a whole sweep, of all chains",
};
const BRUSHES: Record<Brushed, string> = {
  on: "Paint units on, and hold them there",
  off: "Paint units off, and hold them there",
  free: "Let units go",
};
const KS = [1, 2, 5, 10, 25];
const COLDEST = -2.1; // on the slider: there the temperature is 0

export class WalkBar {
  readonly root = el("div", { class: "walkbar" });
  private readonly pressed: [HTMLButtonElement, () => boolean][] = [];
  private readonly begins: HTMLButtonElement[] = [];
  private readonly grains: HTMLButtonElement[];
  private readonly flips = el("input", { type: "range", min: 0, max: 50, step: 1, value: 0, "aria-label": "flipped, percent" });
  private readonly flipsShown = el("output", {}, "0 %");
  private readonly flipping: HTMLElement;
  private readonly holds = el("button", { class: "text-button", type: "button", "aria-pressed": "true" }, "hold");
  private readonly chains: HTMLSelectElement;
  private readonly heat = el("input", { type: "range", min: COLDEST, max: 2, step: 0.1, "aria-label": "temperature" });
  private readonly heatShown = el("output", {}, "1");
  private readonly seed: HTMLInputElement;
  private readonly learn = el("button", { class: "text-button live", type: "button" }, "learn once");
  private readonly freeing = el("button", { class: "text-button", type: "button" }, "free all");
  private readonly many: HTMLElement;
  private readonly paint: HTMLElement;
  private shown = "";

  constructor(
    private readonly walk: Walking,
    run: Act,
  ) {
    const choose = <T extends string>(label: string, options: [T, string, string][], now: () => T, set: (value: T) => void) => {
      const buttons = options.map(([value, name, title]) => {
        const button = el("button", { class: "text-button", type: "button", "aria-pressed": "false", title }, name);
        button.addEventListener("click", () => run(() => set(value)));
        this.pressed.push([button, () => now() === value]);
        return button;
      });
      return { group: group(label, ...buttons), buttons };
    };
    const grain = choose<Grain>(
      "step",
      (Object.keys(GRAINS) as Grain[]).map((name) => [name, name, GRAINS[name]]),
      () => walk.grain,
      (value) => {
        walk.grain = value;
        if (value === "sweep") walk.slow = false;
      },
    );
    this.grains = grain.buttons;
    const begin = (Object.keys(BEGINS) as Begin[]).map((name) => {
      const button = el("button", { class: "text-button", type: "button", title: BEGINS[name][1] }, BEGINS[name][0]);
      button.dataset.begin = name;
      button.addEventListener("click", () => run(() => walk.start(name)));
      this.begins.push(button);
      return button;
    });
    const count = el("select", { "aria-label": "how many sweeps" }, ...KS.map((k) => el("option", { value: k }, `${k}`)));
    const go = el("button", { class: "text-button", type: "button" }, "sweeps from data");
    go.title = "The chain of contrastive divergence, CD-k: so many sweeps from the data, frame by frame";
    go.addEventListener("click", () => run(() => walk.sweeps(Number(count.value))));
    this.many = group("", count, go);
    this.chains = el("select", { "aria-label": "chains" }, ...CHAINS.map((n) => el("option", { value: n }, `${n}`)));
    this.chains.addEventListener("change", () =>
      run(() => {
        walk.chains = Number(this.chains.value);
      }),
    );
    this.heat.addEventListener("input", () => {
      const at = Number(this.heat.value);
      walk.temperature = at <= COLDEST + 0.01 ? 0 : Math.min(2 ** at, WARMEST);
    });
    this.heat.addEventListener("change", () => run(() => undefined));
    this.seed = seedBox((seed) =>
      run(() => {
        walk.seed = seed;
      }),
    );
    const paint = choose<Brushed>(
      "paint",
      (Object.keys(BRUSHES) as Brushed[]).map((name) => [name, name, BRUSHES[name]]),
      () => brush.now,
      (value) => {
        brush.now = value;
        this.draw();
      },
    );
    this.freeing.title = "Let all units go";
    this.freeing.addEventListener("click", () => run(() => walk.free()));
    this.learn.addEventListener("click", () => run(() => walk.learn()));
    this.holds.title = "What you paint is held; let go of this, and the chain may change it again";
    this.holds.addEventListener("click", () => {
      brush.holds = !brush.holds;
      this.draw();
    });
    this.flips.title = "Start from data of which so many units are turned";
    this.flips.addEventListener("input", () => {
      walk.flips = Number(this.flips.value) / 100;
    });
    this.flips.addEventListener("change", () => run(() => undefined));
    this.flipping = group("flip", this.flips, this.flipsShown);
    paint.group.append(this.holds, this.freeing);
    this.paint = paint.group;
    const rest = el("div", { class: "groups", hidden: true }, group("chains", this.chains), group("seed", this.seed));
    const more = el("button", { class: "text-button", type: "button", "aria-expanded": "false" }, "more");
    more.addEventListener("click", () => {
      rest.hidden = !rest.hidden;
      more.setAttribute("aria-expanded", String(!rest.hidden));
      say(more, rest.hidden ? "more" : "less");
    });
    this.root.append(
      grain.group,
      group("start", ...begin),
      this.flipping,
      this.many,
      paint.group,
      group("temperature", this.heat, this.heatShown),
      this.learn,
      rest,
      more,
    );
  }

  draw(): void {
    const { walk } = this;
    const look = [
      walk.grain,
      walk.begins,
      walk.chains,
      walk.temperature,
      walk.seed,
      walk.learning,
      walk.paints,
      walk.grains,
      walk.flips,
      brush.now,
      brush.holds,
      walk.clamp.some((v) => !Number.isNaN(v)),
    ].join("|");
    if (look === this.shown) return;
    this.shown = look;
    for (const [button, on] of this.pressed) button.setAttribute("aria-pressed", String(on()));
    this.paint.hidden = !walk.paints;
    for (const button of this.grains) button.hidden = !walk.grains.includes(button.textContent as Grain);
    this.flipping.hidden = !walk.paints || !walk.begins.includes("data");
    this.flips.value = String(Math.round(100 * walk.flips));
    say(this.flipsShown, `${Math.round(100 * walk.flips)} %`);
    this.holds.setAttribute("aria-pressed", String(brush.holds));
    for (const button of this.begins) button.hidden = !walk.begins.includes(button.dataset.begin as Begin);
    this.many.hidden = !walk.begins.includes("data");
    this.chains.value = String(walk.chains);
    this.heat.value = String(walk.temperature ? Math.log2(walk.temperature) : COLDEST);
    say(this.heatShown, number(walk.temperature, 2));
    this.seed.value = String(walk.seed);
    this.freeing.disabled = !walk.clamp.some((v) => !Number.isNaN(v));
    this.learn.hidden = !walk.learning;
    this.learn.title =
      walk.learning === "never"
        ? "A shipped recording does not learn: train a run of your own first"
        : "One update of the weights from this datum and this dream alone: the difference of the two maps";
  }
}
