// What a person sets of a film: other noise, the knobs that only looking reads, and letting go of what is known.

import { el, say } from "./dom";
import type { Control, Darkroom, Setting, Source } from "./types";
import { number } from "./words";

const FINE = 200; // places of a slider of numbers that are not whole
const SIGHS = 1000; // ms of computing after which it can be stopped

export class Controls {
  readonly root = el("div", { class: "controls", role: "group", "aria-label": "settings of the film" });
  private readonly knobs = el("div", { class: "knobs" });
  private readonly another: HTMLButtonElement;
  private readonly clear: HTMLButtonElement;
  private readonly halt: HTMLButtonElement;
  private built = "";
  private since = 0; // when the computing began
  private readonly shown = new Map<string, (value: Setting) => void>();

  constructor(
    private readonly source: Source,
    private readonly film: Darkroom,
    private readonly commit: () => void,
  ) {
    const button = (words: string, title: string, act: () => void) => {
      const node = el("button", { class: "text-button", type: "button", title }, words);
      node.addEventListener("click", () => {
        act();
        commit();
      });
      return node;
    };
    const renew = button("new noise", "The same chain with other random numbers", () => film.renew());
    this.clear = button("clear", "Let go of the known values (ctrl + z)", () => film.pin(null));
    this.halt = button("stop", "Stop computing: what has come stays", () => film.stop());
    this.another = button("another picture", "The next row of the training data", () => {
      source.selection = Math.max(source.selection, 0) + 1; // that of nobody's choice is the first
    });
    this.root.append(renew, this.another, this.knobs, this.clear, this.halt);
  }

  draw(): void {
    const { film, source } = this;
    const controls = source.scene?.controls ?? [];
    const built = JSON.stringify(controls.map(({ value: _, ...rest }) => rest));
    if (built !== this.built) {
      this.built = built;
      this.shown.clear();
      this.knobs.replaceChildren(...controls.map((control) => this.widget(control)));
    }
    for (const { name, value } of controls) this.shown.get(name)?.(film.settings.get(name) ?? value);
    this.clear.hidden = !film.clamp;
    this.another.hidden = !source.scene?.panes.some((pane) => pane.clamp && pane.kind === "images");
    if (!film.loading) this.since = 0;
    else if (!this.since) {
      this.since = performance.now();
      setTimeout(() => source.changed(), SIGHS + 20);
    }
    this.halt.hidden = !film.loading || performance.now() - this.since < SIGHS;
  }

  private widget(control: Control): HTMLElement {
    const { name, help, kind, choices } = control;
    const told = `${help}${kind === "int" || kind === "float" ? ` (${control.low} … ${control.high})` : ""}`;
    const set = (value: Setting) => this.film.set(name, value);
    const label = el("span", {}, name.replaceAll("_", " "));
    if (kind === "bool" || choices.length) {
      const input =
        kind === "bool"
          ? el("input", { type: "checkbox" })
          : el("select", {}, ...choices.map((choice) => el("option", { value: String(choice) }, String(choice))));
      input.addEventListener("change", () => {
        set(
          input instanceof HTMLInputElement
            ? input.checked
            : (choices.find((choice) => String(choice) === input.value) ?? input.value),
        );
        this.commit();
      });
      this.shown.set(name, (value) => {
        if (input instanceof HTMLInputElement) input.checked = Boolean(value);
        else if (input.value !== String(value)) input.value = String(value);
      });
      return el("label", { class: "knob", title: told }, label, input);
    }
    if (kind === "int" && (control.high ?? 1) - (control.low ?? 0) > FINE) {
      const input = el("input", { type: "number", min: control.low ?? 0, max: control.high ?? 1, step: 1 });
      input.addEventListener("change", () => {
        if (!input.checkValidity() || input.value === "") return void input.reportValidity(); // the browser says which numbers may be
        set(Number(input.value));
        this.commit();
      });
      this.shown.set(name, (value) => {
        if (input.value !== String(value) && !input.matches(":focus")) input.value = String(value);
      });
      return el("label", { class: "knob", title: told }, label, input);
    }
    const scale = scaleOf(control);
    const input = el("input", { type: "range", min: 0, max: scale.places, step: 1, "aria-label": name.replaceAll("_", " ") });
    const output = el("output");
    input.addEventListener("input", () => set(scale.value(Number(input.value))));
    input.addEventListener("change", () => this.commit());
    this.shown.set(name, (value) => {
      const place = String(scale.place(Number(value)));
      if (input.value !== place && !input.matches(":active")) input.value = place;
      const said = control.called[String(value)] ?? number(Number(value));
      say(output, said);
      input.setAttribute("aria-valuetext", said);
    });
    return el("label", { class: "knob", title: told }, label, input, output);
  }
}

/** A knob's values along a slider: whole numbers one by one, others evenly or on the scale of their logarithms. */
export function scaleOf({ kind, low, high, log }: Pick<Control, "kind" | "low" | "high" | "log">): {
  places: number;
  value: (place: number) => number;
  place: (value: number) => number;
} {
  const [from, to] = [low ?? 0, high ?? 1];
  const whole = kind === "int";
  if (whole && !log) return { places: to - from, value: (place) => from + place, place: (value) => value - from };
  const [a, b] = log && from > 0 ? [Math.log(from), Math.log(to)] : [from, to];
  const back = log && from > 0 ? Math.exp : (x: number) => x;
  const there = log && from > 0 ? Math.log : (x: number) => x;
  return {
    places: FINE,
    value: (place) => {
      const exact = back(a + ((b - a) * place) / FINE);
      return whole ? Math.round(exact) : Math.min(Math.max(Number(exact.toPrecision(3)), from), to);
    },
    place: (value) => Math.round(((there(value) - a) / (b - a)) * FINE),
  };
}
