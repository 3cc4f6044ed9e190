// Small builders for the parts of the stage that are HTML. Text goes in as text, never as markup.

type Props = Record<string, string | number | boolean | ((event: Event) => void) | undefined>;

/** An element with attributes (`on…` are listeners, true an empty attribute) and children. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** A drawing from path strings; a part that starts with "~" is stroked, "." dashed, the others are filled. */
export function drawing(width: number, height: number, parts: (string | [string, string])[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" })) {
    svg.setAttribute(name, String(value));
  }
  for (const part of parts) {
    const [code, colour] = typeof part === "string" ? [part, "currentColor"] : part;
    const path = document.createElementNS(SVG, "path");
    const stroked = code[0] === "~" || code[0] === ".";
    path.setAttribute("d", stroked ? code.slice(1) : code);
    path.setAttribute("fill", stroked ? "none" : colour);
    if (stroked) path.setAttribute("stroke", colour);
    if (stroked) path.setAttribute("stroke-width", "1.75");
    if (code[0] === ".") path.setAttribute("stroke-dasharray", "3 2");
    svg.append(path);
  }
  return svg;
}

export const ICON = {
  rewind: "M5 4h2.4v12H5zM16 4v12L8 10z",
  back: "M6 10l7.5-6v12zM15 4h1.8v12H15z",
  play: "M6 3.5v13L16.5 10z",
  pause: "M5.5 4h3.2v12H5.5zM11.3 4h3.2v12h-3.2z",
  step: "M14 10L6.5 16V4zM3.2 4H5v12H3.2z",
  live: "M10 5.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9z",
} as const;

/** The element that scrolls a node, across shadow roots; null: the window does. */
export function scrolls(node: Node): HTMLElement | null {
  for (let at: Node | null = node; at; at = at instanceof ShadowRoot ? at.host : at.parentNode) {
    if (at instanceof HTMLElement && at !== node && /auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  }
  return null;
}

/** Sets text only when it differs: an unchanged live region is not read again. */
export function say(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Controls that belong together, with what they are called. */
export const group = (label: string, ...parts: Node[]): HTMLElement =>
  el(
    "div",
    { class: "group", role: "group", ...(label && { "aria-label": label }) },
    ...(label ? [el("span", {}, label)] : []),
    ...parts,
  );

/** A button that shows how something is computed, and that. */
export function disclosure(how: string): HTMLElement[] {
  const text = el("p", { class: "how", hidden: true }, how);
  const button = el("button", { class: "link", type: "button", "aria-expanded": "false" }, "how computed");
  button.addEventListener("click", () => {
    text.hidden = !text.hidden;
    button.setAttribute("aria-expanded", String(!text.hidden));
  });
  return [button, text];
}

const SEEDS = 999_999;

/** A box for a seed, whose chosen number is told. */
export function seedBox(choose: (seed: number) => void): HTMLInputElement {
  const box = el("input", { type: "number", min: 0, max: SEEDS, step: 1, "aria-label": "seed of the chance" });
  box.addEventListener("change", () => choose(Math.min(Math.max(Math.round(Number(box.value)) || 0, 0), SEEDS)));
  return box;
}
