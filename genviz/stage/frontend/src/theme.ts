// The colours of look.md. Light or dark is decided by the page's background, so the stage follows any host.

import type { Layer, Role } from "./types";

export type Theme = {
  dark: boolean;
  paper: [number, number, number];
  ink: string;
  soft: string; // text of second rank
  line: string;
  tile: string; // the paper a picture is printed on
  accent: string;
  role: Record<Exclude<Role, "label">, string>;
  classes: string[];
  ramp: Uint8ClampedArray; // 256 × rgb, background → indigo
  diverging: Uint8ClampedArray; // 256 × rgb, blue – background – orange
  print: Uint8ClampedArray; // 256 × rgb, paper → ink: digits
  font: string;
};

type Rgb = [number, number, number];

// Petroff's ten, made for colour-blind readers; lighter twins of the dark ones where the page is dark.
const CLASSES_LIGHT = [
  "#3f90da",
  "#e08e00",
  "#bd1f01",
  "#7c8c8a",
  "#832db6",
  "#a96b59",
  "#e76300",
  "#a2943f",
  "#5f6370",
  "#2fa9ae",
];
const CLASSES_DARK = [
  "#5fabf0",
  "#ffb938",
  "#f2664d",
  "#a9b8b6",
  "#b983e6",
  "#c99180",
  "#ff8f47",
  "#cfc489",
  "#989cab",
  "#92dadd",
];

export const SHAPES = ["circle", "square", "up", "diamond", "down", "plus", "cross", "bar", "post", "star"] as const;
export type Shape = (typeof SHAPES)[number];

/** Reads the theme off an element whose colour is the page's background (see style.css, `.probe`). */
export function readTheme(probe: HTMLElement): Theme {
  const style = getComputedStyle(probe);
  const paper = rgb(style.color);
  const dark = luminance(paper) < 0.35;
  const role = dark
    ? { data: "#0BD8B6", model: "#FF8B3E", noise: "#9DA0AB", truth: "#EDEEF0", error: "#D864D8" }
    : { data: "#12A594", model: "#F76808", noise: "#8B8D98", truth: "#1C2024", error: "#AB4ABA" };
  const ink = dark ? "#EDEEF0" : "#1C2024";
  const tile: Rgb = dark ? mix(paper, [255, 255, 255], 0.04) : mix(paper, [255, 255, 255], 0.6);
  return {
    dark,
    paper,
    ink,
    soft: dark ? "#B0B4BA" : "#5A5E66",
    line: dark ? "#43484E" : "#D9D9E0",
    tile: `rgb(${tile.join(" ")})`,
    accent: dark ? "#8E8CF3" : "#5B5BD6",
    role,
    classes: dark ? CLASSES_DARK : CLASSES_LIGHT,
    ramp: table(dark ? [paper, rgb("#3F3E8F"), rgb("#A9A7FF")] : [paper, rgb("#B4B5F1"), rgb("#4A49C4")]),
    diverging: table([rgb(dark ? "#4FA3F7" : "#2F6FD0"), paper, rgb(role.model)]),
    print: table([tile, rgb(ink)]),
    font: style.fontFamily || "sans-serif",
  };
}

/** Colours as custom properties, for the parts of the stage that are HTML. */
export function publish(theme: Theme, root: HTMLElement): void {
  for (const [name, colour] of Object.entries(theme.role)) root.style.setProperty(`--${name}`, colour);
  for (const name of ["ink", "soft", "line", "accent", "tile"] as const) root.style.setProperty(`--${name}`, theme[name]);
  root.classList.toggle("dark", theme.dark);
}

/** A colour that changes runs a transition, and a transition can be heard: the only event a change of theme gives us. */
export function watchTheme(probe: HTMLElement, changed: () => void): () => void {
  probe.addEventListener("transitionend", changed);
  return () => probe.removeEventListener("transitionend", changed);
}

export const colourOf = (theme: Theme, role: Role | undefined) => (role === "label" ? theme.ink : theme.role[role ?? "model"]);

let scratch: CanvasRenderingContext2D | null = null;

/** Any CSS colour as bytes: the browser parses, a pixel tells. */
function rgb(colour: string): Rgb {
  scratch ??= Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", {
    willReadFrequently: true,
  });
  if (!scratch) return [255, 255, 255];
  scratch.fillStyle = "#fff";
  scratch.fillStyle = colour;
  scratch.fillRect(0, 0, 1, 1);
  const [r = 255, g = 255, b = 255] = scratch.getImageData(0, 0, 1, 1).data;
  return [r, g, b];
}

const linear = (byte: number) => (byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
const byte = (x: number) => 255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * Math.max(x, 0) ** (1 / 2.4) - 0.055);
const luminance = ([r, g, b]: Rgb) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);

/** Mixing in OKLab keeps the steps of a ramp perceptually even. */
function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const p = oklab(a);
  const q = oklab(b);
  const [l, m, s] = [0, 1, 2].map((i) => (p[i] ?? 0) + share * ((q[i] ?? 0) - (p[i] ?? 0))) as Rgb;
  const [u, v, w] = [l + 0.3963 * m + 0.2158 * s, l - 0.1056 * m - 0.0639 * s, l - 0.0895 * m - 1.2915 * s].map(
    (x) => x ** 3,
  ) as Rgb;
  return [
    4.0767 * u - 3.3077 * v + 0.231 * w,
    -1.2684 * u + 2.6098 * v - 0.3413 * w,
    -0.0042 * u - 0.7034 * v + 1.7076 * w,
  ].map((x) => Math.round(Math.min(255, Math.max(0, byte(x))))) as Rgb;
}

function oklab(colour: Rgb): Rgb {
  const [r, g, b] = colour.map(linear) as Rgb;
  const l = Math.cbrt(0.4122 * r + 0.5363 * g + 0.0514 * b);
  const m = Math.cbrt(0.2119 * r + 0.6807 * g + 0.1074 * b);
  const s = Math.cbrt(0.0883 * r + 0.2817 * g + 0.63 * b);
  return [0.2105 * l + 0.7936 * m - 0.0041 * s, 1.978 * l - 2.4286 * m + 0.4506 * s, 0.0259 * l + 0.7828 * m - 0.8087 * s];
}

function table(stops: Rgb[]): Uint8ClampedArray {
  const out = new Uint8ClampedArray(768);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const k = Math.min(stops.length - 2, Math.floor(at));
    out.set(mix(stops[k] ?? [0, 0, 0], stops[k + 1] ?? [0, 0, 0], at - k), 3 * i);
  }
  return out;
}

/** The colour of a layer: of its own, where several lines of one meaning are told apart, else that of its role. */
export const hueOf = (theme: Theme, layer: Layer) =>
  layer.type === "curves" && layer.hue !== undefined && layer.hue >= 0
    ? theme.classes[layer.hue % theme.classes.length]
    : colourOf(theme, layer.role);
