// The transport (C1): buttons, speed, the scrub bar, and the state of the run in plain words.

import { faster, goLive, isSlow, moving, play, rewind, SPEEDS, slow, step, trainOn } from "./commands";
import { Controls } from "./controls";
import { drawing, el, ICON, say } from "./dom";
import { RATES } from "./race";
import type { Save } from "./save";
import { type Mount, Strips } from "./strips";
import type { Theme } from "./theme";
import type { Pane, Source } from "./types";
import { atHead, live, state } from "./words";

/** What a button does; a promise resolves with "" or what went wrong. */
export type Action = () => unknown;

export class Transport {
  readonly root = el("div", { class: "transport" });
  readonly strip: Strips;
  private readonly status = el("p", { class: "status", role: "status" });
  private readonly error = el("p", { class: "error", role: "alert" });
  private readonly playing: HTMLButtonElement;
  private readonly stepping: HTMLButtonElement;
  private readonly slowing: HTMLButtonElement;
  private readonly golive: HTMLButtonElement;
  private readonly onward: HTMLButtonElement;
  private readonly forking: HTMLButtonElement;
  private readonly speed: HTMLSelectElement;
  readonly controls: Controls | null; // they scroll away, the rest stays in sight
  private shown = "";

  constructor(
    private source: Source,
    private readonly mount: Mount,
    help: () => void,
    save: Save,
  ) {
    this.strip = new Strips(source, {
      ...mount,
      turn: (other) => {
        this.source = other;
        this.shown = "";
        mount.turn(other);
      },
    });
    this.controls = source.film ? new Controls(source, source.film, () => mount.commit()) : null;
    const button = (label: string, icon: string, act: Action, key: string) => {
      const node = el(
        "button",
        { class: "icon", type: "button", "aria-label": label, title: `${label} (${key})` },
        drawing(20, 20, [icon]),
      );
      node.addEventListener("click", () => this.run(act));
      return node;
    };
    const first = button("Rewind", ICON.rewind, () => rewind(this.source), "R");
    const back = button("One step back", ICON.back, () => step(this.source, -1), "←");
    this.playing = button("Play", ICON.play, () => play(this.source), "space");
    this.playing.classList.add("main");
    this.stepping = button("One step", ICON.step, () => step(this.source, 1), "→");
    this.slowing = el("button", { class: "text-button", type: "button", "aria-pressed": "false" }, "slow");
    const { race } = source;
    this.slowing.title = race
      ? "Slow motion: two a second, with proposal, ratio, coin and what came of it"
      : source.walk
        ? "Slow motion: each unit's update in captioned moments"
        : live(source)
          ? "Slow motion: each training step in captioned moments"
          : "Play at a quarter of the speed";
    this.slowing.addEventListener("click", () => this.run(() => slow(this.source)));
    this.golive = el("button", { class: "text-button live", type: "button", hidden: true }, "go live");
    this.golive.addEventListener("click", () => this.run(() => goLive(this.source)));
    this.onward = el("button", { class: "text-button live", type: "button", hidden: true }, "train on");
    this.onward.title = "Train by as many steps again";
    this.onward.addEventListener("click", () => this.run(() => trainOn(this.source)));
    this.speed = el("select", { class: "speed", "aria-label": "speed of playing", title: "speed of playing ([ and ])" });
    const paces = race ? RATES.map((rate) => [rate, `${rate} a second`]) : SPEEDS.map((speed) => [speed, `${speed}×`]);
    this.speed.append(...paces.map(([value, told]) => el("option", { value }, String(told))));
    this.speed.addEventListener("change", () => {
      const value = Number(this.speed.value);
      if (!race) this.source.speed = value;
      else
        this.run(() => {
          race.rate = value;
        });
    });
    this.strip.root.hidden = Boolean(race); // it has a course of its own
    this.forking = el("button", { class: "text-button fork", type: "button" }, "fork");
    const fork = this.forking;
    fork.title = "Fork here (F): a new run that is this one up to the playhead, to go on otherwise";
    fork.hidden = Boolean(source.film || source.walk || race);
    fork.addEventListener("click", () => this.run(() => this.strip.fork()));
    const saving = el("button", { class: "text-button keys", type: "button" }, "save");
    saving.title = "Save a picture, a clip, weights, a script, the link (G)";
    saving.addEventListener("click", () => save.toggle());
    const keys = el(
      "button",
      { class: "text-button keys", type: "button", "aria-label": "Keyboard", title: "Keyboard (?)" },
      "?",
    );
    keys.addEventListener("click", help);
    const row = el(
      "div",
      { class: "row" },
      first,
      back,
      this.playing,
      this.stepping,
      this.slowing,
      this.speed,
      fork,
      this.golive,
      this.onward,
      this.status,
      saving,
      keys,
    );
    this.root.append(save.root, row, this.strip.root, this.error);
  }

  /** Acts, says in place what went wrong, and tells Python where we stand. */
  async run(act: Action): Promise<void> {
    const told = await act();
    say(this.error, typeof told === "string" ? told : "");
    this.offer();
    this.mount.commit();
  }

  /** A fork that takes long is offered with its price told, and asked for once more. */
  private offer(): void {
    const { asking } = this.strip;
    this.forking.classList.toggle("live", asking);
    say(this.forking, asking ? "fork all the same" : "fork");
  }

  faster(way: 1 | -1): void {
    faster(this.source, way);
  }

  draw(pane: Pane | undefined, theme: Theme, hidden: Set<string>): void {
    const { source } = this;
    this.strip.draw(pane, theme, hidden);
    this.controls?.draw();
    const on = moving(source);
    const training = live(source) && (source.status.state === "running" || source.status.state === "starting");
    const look = `${source.status.state}|${on}|${isSlow(source)}|${source.race?.rate ?? source.speed}|${training && !source.following}|${training}|${live(source) && atHead(source)}`;
    if (look !== this.shown) {
      this.shown = look;
      const finished = source.status.state === "done";
      const label = on ? "Pause" : live(source) && atHead(source) && !training && !finished ? "Train on" : "Play";
      this.onward.hidden = !(live(source) && finished && !on);
      this.playing.setAttribute("aria-label", label);
      this.playing.title = `${label} (space)`;
      this.playing.replaceChildren(drawing(20, 20, [on ? ICON.pause : ICON.play]));
      this.stepping.title =
        source.walk || source.race
          ? "One step (→)"
          : live(source) && atHead(source)
            ? "One training step (→)"
            : "Next frame (→)";
      this.slowing.setAttribute("aria-pressed", String(isSlow(source)));
      this.speed.value = String(source.race?.rate ?? source.speed);
      this.golive.hidden = !(training && !source.following);
      this.root.classList.toggle("training", training);
    }
    this.offer();
    say(this.status, state(source));
    this.status.classList.toggle("bad", Boolean(source.problem) || source.status.state === "diverged");
  }
}
