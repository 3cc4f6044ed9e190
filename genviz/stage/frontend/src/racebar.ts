// What all lanes of a race share: the question and the guess, the clock, chains, where they start, the fog, the seed.

import { el, group, say, seedBox } from "./dom";
import { CHAINS, type Clock, MOST, NONE, type Start } from "./race";
import type { RaceBoard } from "./raceboard";

const CLOCKS: Record<Clock, [string, string]> = {
  evaluations: ["evaluations", "Equal cost: a step of HMC takes L evaluations of the density, one of tempering K"],
  steps: ["steps", "Equal steps, whatever they cost"],
};
const STARTS: Record<Start, [string, string]> = {
  centre: ["centre", "All chains begin near the origin"],
  point: ["point", "All chains begin near a point: click or drag on a map"],
  draws: ["exact draws", "Each chain begins at a row of the data, an exact draw of the target"],
};

export class RaceBar {
  readonly root = el("div", { class: "racebar" });
  private readonly question = el("span", { class: "question" });
  private readonly guesses = el("span", { class: "guesses", role: "group", "aria-label": "your guess" });
  private readonly verdict = el("p", { class: "verdict", role: "status" });
  private readonly pressed: [HTMLButtonElement, () => boolean][] = [];
  private readonly chains = el("select", { "aria-label": "chains in each lane" });
  private readonly seed: HTMLInputElement;
  private readonly target: HTMLElement; // what may be done to it
  private readonly more: HTMLButtonElement;
  private guessed = "";
  private shown = "";

  constructor(private readonly board: RaceBoard) {
    const { race, host } = board;
    const choose = <T extends string>(
      label: string,
      options: Record<T, [string, string]>,
      now: () => T,
      set: (value: T) => void,
    ) =>
      group(
        label,
        ...(Object.keys(options) as T[]).map((value) =>
          this.button(
            options[value][0],
            options[value][1],
            () => now() === value,
            () => set(value),
          ),
        ),
      );
    const clock = choose(
      "clock",
      CLOCKS,
      () => race.clock,
      (value) => {
        race.clock = value;
      },
    );
    const start = choose(
      "start",
      STARTS,
      () => race.begin,
      (value) => {
        race.begin = value;
      },
    );
    this.chains.append(...CHAINS.map((n) => el("option", { value: n }, `${n}`)));
    this.chains.addEventListener("change", () =>
      host.run(() => {
        race.chains = Number(this.chains.value);
      }),
    );
    this.seed = seedBox((seed) =>
      host.run(() => {
        race.seed = seed;
      }),
    );
    const fog = this.button(
      "fog",
      "Hide the target: it is seen only where a lane's own chains have been",
      () => race.fog,
      () => {
        race.fog = !race.fog;
      },
    );
    const jumps = this.button(
      "jumps",
      "Draw how often chains have gone from one mode to another",
      () => race.jumps,
      () => {
        race.jumps = !race.jumps;
        race.changed();
      },
    );
    const shape = this.button(
      "shape",
      "Take hold of the target: move its modes, add some, take some off, make them heavier",
      () => race.shaping?.on ?? false,
      () => {
        if (race.shaping) race.shaping.on = !race.shaping.on;
        race.changed();
      },
    );
    const barrier = this.button(
      "barrier",
      "How high the passes between modes are, and how long it takes to get over them",
      () => race.shaping?.open ?? false,
      () => {
        if (race.shaping) race.shaping.open = !race.shaping.open;
        race.changed();
      },
    );
    this.target = group("", shape, barrier);
    this.more = el("button", { class: "text-button", type: "button" }, "add a lane");
    this.more.addEventListener("click", () => host.run(() => race.add()));
    this.root.append(
      el("div", { class: "ask" }, this.question, this.guesses, this.verdict),
      el(
        "div",
        { class: "walkbar" },
        clock,
        group("chains", this.chains),
        start,
        group("", fog, jumps),
        this.target,
        board.shaper.back,
        group("seed", this.seed),
        this.more,
      ),
    );
  }

  private button(name: string, title: string, on: () => boolean, act: () => void): HTMLButtonElement {
    const button = el("button", { class: "text-button", type: "button", "aria-pressed": "false", title }, name);
    button.addEventListener("click", () => this.board.host.run(act));
    this.pressed.push([button, on]);
    return button;
  }

  draw(): void {
    const { race, host } = this.board;
    const { verdict } = race;
    const names = race.of.map((_, i) => race.name(i));
    const key = `${names}|${race.question}`;
    if (key !== this.guessed) {
      this.guessed = key;
      say(this.question, race.question);
      this.guesses.replaceChildren(
        ...[...names, "none"].map((name, i) => {
          const lane = i < names.length ? i : NONE;
          const button = el("button", { class: "text-button", type: "button" }, name);
          button.dataset.lane = String(lane);
          button.title = "Your guess, before the start; the answer comes by itself";
          button.addEventListener("click", () =>
            host.run(() => {
              race.guess = lane;
            }),
          );
          return button;
        }),
      );
      this.shown = "";
    }
    const look = [
      race.guess,
      !race.tick,
      verdict,
      race.clock,
      race.chains,
      race.begin,
      race.fog,
      race.jumps,
      race.seed,
      race.shaping?.on,
      race.shaping?.open,
      race.shaping?.able,
      names.length,
    ].join("|");
    if (look === this.shown) return;
    this.shown = look;
    for (const button of this.guesses.querySelectorAll("button")) {
      const on = Number(button.dataset.lane) === race.guess;
      button.setAttribute("aria-pressed", String(on));
      button.disabled = race.tick > 0;
      button.hidden = race.tick > 0 && !on;
    }
    say(this.verdict, verdict);
    for (const [button, on] of this.pressed) button.setAttribute("aria-pressed", String(on()));
    this.chains.value = String(race.chains);
    this.seed.value = String(race.seed);
    this.target.hidden = !race.shaping?.able;
    this.more.hidden = names.length >= MOST;
  }
}
