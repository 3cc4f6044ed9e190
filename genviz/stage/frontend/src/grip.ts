// A handle on a picture that a person drags with pointer, touch or arrow keys.

import { el } from "./dom";

export type Pull = {
  to(x: number, y: number): void; // pixels of the canvas
  by(dx: number, dy: number): void; // arrow keys, in strides
  end(): void;
  drop(): void; // Escape
};

export class Grip {
  readonly root: HTMLElement;
  held = false;

  constructor(kind: string, label: string, pull: Pull) {
    this.root = el("div", { class: `grip ${kind}`, role: "slider", tabindex: 0, "aria-label": label, title: label });
    const { root } = this;
    const to = (event: PointerEvent) => {
      const box = root.parentElement?.getBoundingClientRect();
      if (box) pull.to(event.clientX - box.left, event.clientY - box.top);
    };
    root.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      root.setPointerCapture(event.pointerId);
      this.held = true;
    });
    root.addEventListener("pointermove", (event) => this.held && to(event));
    for (const name of ["pointerup", "pointercancel"]) {
      root.addEventListener(name, () => {
        if (this.held) pull.end();
        this.held = false;
      });
    }
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (way) {
        const stride = event.shiftKey ? 5 : 1;
        pull.by(stride * way[0], stride * way[1]);
        pull.end();
      } else if (event.key === "Escape") pull.drop();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  place(x: number, y: number, text: string): void {
    this.root.style.transform = `translate(${x}px, ${y}px)`;
    if (this.root.getAttribute("aria-valuetext") !== text) this.root.setAttribute("aria-valuetext", text);
  }
}
