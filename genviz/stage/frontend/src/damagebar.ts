// What may be set of the plane of damage, and what is done to all of it at once.

import { COLUMNS, type Damage } from "./damage";
import { el, group, say, seedBox } from "./dom";
import { SIZES } from "./laboratory";
import type { Rule } from "./spins";
import { whole } from "./words";

const RULES: Record<Rule, [string, string]> = {
  hebb: ["Hebb", "What is alike in a pattern is linked"],
  storkey: ["Storkey", "Hebb's rule, less what the network knows already"],
  pinv: ["projector", "The projector on the span of all patterns (pseudo-inverse)"],
};
const UPDATES: [boolean, string, string][] = [
  [false, "unit by unit", "One unit after the other, in random order: the energy never rises, so it comes to rest"],
  [
    true,
    "all at once",
    "A demonstration, and no way to recall: all units move together, the energy may rise, and it may swing between two states for ever",
  ],
];
const OWN = "own";

export class DamageBar {
  readonly root = el("div", { class: "damagebar" });
  private readonly rules = el("select", { "aria-label": "rule" });
  private readonly memories = el("select", { "aria-label": "memories" });
  private readonly seed: HTMLInputElement;
  private readonly updates: HTMLButtonElement[];
  private readonly filling: HTMLButtonElement;
  private readonly undoing: HTMLButtonElement;
  private readonly wiping: HTMLButtonElement;
  private readonly state = el("span", { class: "state" });
  private offered = -1;

  constructor(
    private readonly damage: Damage,
    run: (act: () => void) => void,
  ) {
    const button = (name: string, title: string, act: () => void) => {
      const node = el("button", { class: "text-button", type: "button", title }, name);
      node.addEventListener("click", () => run(act));
      return node;
    };
    for (const [rule, [name, title]] of Object.entries(RULES)) this.rules.append(el("option", { value: rule, title }, name));
    this.rules.addEventListener("change", () => run(() => damage.set({ rule: this.rules.value as Rule })));
    this.memories.addEventListener("change", () =>
      run(() => {
        const { value } = this.memories;
        damage.set(value === OWN ? { own: true } : { own: false, units: Number(value) });
      }),
    );
    this.seed = seedBox((seed) => run(() => damage.set({ seed })));
    this.updates = UPDATES.map(([together, name, title]) => button(name, title, () => damage.set({ together })));
    this.filling = button("fill", "Paint the whole plane, four recalls at each place", () =>
      damage.progress === null ? damage.fill() : damage.stop(),
    );
    this.undoing = button("undo", "Take the last stroke back (ctrl Z)", () => damage.undo());
    this.wiping = button("wipe", "Begin with an empty plane", () => damage.wipe());
    this.root.append(
      named("memories", this.memories),
      named("rule", this.rules),
      group("update", ...this.updates),
      named("seed", this.seed),
      group("", this.filling, this.undoing, this.wiping, this.state),
    );
  }

  draw(): void {
    const { damage } = this;
    const { rule, units, own, together, seed } = damage.of;
    const mine = damage.ground?.own.patterns ?? [];
    if (this.offered !== mine.length) {
      this.offered = mine.length;
      this.memories.replaceChildren(...SIZES.map((n) => el("option", { value: n }, `random, of ${n} bits`)));
      const bits = mine[0]?.length;
      if (bits) this.memories.append(el("option", { value: OWN }, `this page's ${mine.length}, of ${whole(bits)} bits`));
    }
    show(this.memories, own ? OWN : String(units));
    show(this.rules, rule);
    show(this.seed, String(seed));
    this.rules.title = RULES[rule][1];
    this.updates.forEach((button, k) => {
      button.setAttribute("aria-pressed", String(UPDATES[k][0] === together));
    });
    const { progress } = damage;
    say(this.filling, progress === null ? "fill" : "stop");
    this.undoing.disabled = this.wiping.disabled = !damage.painted;
    say(this.state, progress === null ? "" : `${Math.floor(100 * progress)} % of ${whole(damage.rows)} × ${COLUMNS} places`);
  }
}

const named = (name: string, control: HTMLElement) => el("label", { class: "group" }, el("span", {}, name), control);

function show(control: HTMLInputElement | HTMLSelectElement, value: string): void {
  if (control.value !== value) control.value = value;
}
