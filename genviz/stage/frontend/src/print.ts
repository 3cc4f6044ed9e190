// What stands on the page, on one canvas: pictures at any resolution, words where and as they stand.

const MARGIN = 20; // pixels of paper round the page
const FOOT = 26; // pixels below it, for the line that says what this is
const CONTROLS = ".link, .tip"; // of use on the page alone

type Look = { paper: string; soft: string; font: string };

/** `root` as it is laid out now, on paper of so many CSS pixels, with a line below; `picture` gives what a canvas shows at
 *  this resolution. */
export function print(
  root: HTMLElement,
  scale: number,
  [width, height]: Size,
  look: Look,
  foot: [left: string, right: string],
  picture: (canvas: HTMLCanvasElement) => HTMLCanvasElement,
): HTMLCanvasElement {
  const box = root.getBoundingClientRect();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [even(width * scale), even(height * scale)];
  const g = canvas.getContext("2d", { willReadFrequently: true });
  if (!g) throw new Error("the browser gives no canvas to draw on");
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.fillStyle = look.paper;
  g.fillRect(0, 0, width + 2, height + 2);
  g.font = `12px ${look.font}`;
  g.fillStyle = look.soft;
  g.textBaseline = "alphabetic";
  g.textAlign = "right";
  g.fillText(foot[1], width - MARGIN, height - MARGIN);
  g.textAlign = "left";
  g.fillText(foot[0], MARGIN, height - MARGIN, Math.max(0, width - 2 * MARGIN - g.measureText(foot[1]).width - 16));
  g.translate(MARGIN - box.left, MARGIN - box.top);
  walk(g, root, 1, picture);
  return canvas;
}

export type Size = [width: number, height: number];

/** The paper that it needs, in CSS pixels. */
export function size(root: HTMLElement): Size {
  const { width, height } = root.getBoundingClientRect();
  return [width + 2 * MARGIN, height + 2 * MARGIN + FOOT];
}

const even = (pixels: number) => 2 * Math.round(pixels / 2); // as codecs of video want it

function walk(
  g: CanvasRenderingContext2D,
  node: Element,
  above: number,
  picture: (canvas: HTMLCanvasElement) => HTMLCanvasElement,
): void {
  const style = getComputedStyle(node);
  const alpha = above * Number(style.opacity);
  if (style.display === "none" || style.visibility === "hidden" || !alpha || node.matches(CONTROLS)) return;
  const box = node.getBoundingClientRect();
  g.globalAlpha = alpha;
  if (style.display !== "contents") ground(g, box, style);
  if (node instanceof HTMLCanvasElement) {
    if (box.width && box.height) place(g, picture(node), box);
  } else if (node instanceof SVGElement) drawing(g, node, box, style);
  else if (node instanceof HTMLSelectElement) {
    const text = node.selectedOptions[0]?.text ?? "";
    write(g, text, box.left + 8, box.top + box.height / 2, style, "middle");
  } else {
    for (const child of node.childNodes) {
      if (child instanceof Element) walk(g, child, alpha, picture);
      else if (child instanceof Text) words(g, child, style, alpha);
    }
  }
}

/** A picture of the resolution of the paper keeps its pixels: it stands on whole ones. */
function place(g: CanvasRenderingContext2D, picture: HTMLCanvasElement, box: DOMRect): void {
  const { a: scale, e, f } = g.getTransform();
  const [x, y, w, h] = [box.left * scale + e, box.top * scale + f, box.width * scale, box.height * scale];
  const same = Math.abs(picture.width - w) < 3 && Math.abs(picture.height - h) < 3;
  g.save();
  g.resetTransform();
  if (same) g.drawImage(picture, Math.round(x), Math.round(y));
  else g.drawImage(picture, x, y, w, h);
  g.restore();
}

/** Background and border. */
function ground(g: CanvasRenderingContext2D, box: DOMRect, style: CSSStyleDeclaration): void {
  const round = Math.min(Number.parseFloat(style.borderTopLeftRadius) || 0, box.height / 2);
  g.beginPath();
  g.roundRect(box.left, box.top, box.width, box.height, round);
  g.fillStyle = style.backgroundColor;
  g.fill();
  const [top, right, bottom, left] = ["Top", "Right", "Bottom", "Left"].map((side) => {
    const wide = Number.parseFloat(style[`border${side}Width` as "borderTopWidth"]) || 0;
    return style[`border${side}Style` as "borderTopStyle"] === "none" ? 0 : wide;
  });
  if (top && bottom) {
    g.lineWidth = top;
    g.strokeStyle = style.borderTopColor;
    g.stroke();
  } else {
    g.fillStyle = style.borderBottomColor;
    g.fillRect(box.left, box.bottom - bottom, box.width, bottom);
    g.fillStyle = style.borderLeftColor;
    g.fillRect(box.left, box.top, left, box.height);
    g.fillStyle = style.borderRightColor;
    g.fillRect(box.right - right, box.top, right, box.height);
  }
}

/** The paths of `dom.drawing`. */
function drawing(g: CanvasRenderingContext2D, node: SVGElement, box: DOMRect, style: CSSStyleDeclaration): void {
  g.save();
  g.translate(box.left, box.top);
  const colour = (name: string | null) => (name === "currentColor" ? style.color : (name ?? ""));
  for (const part of node.querySelectorAll("path")) {
    const path = new Path2D(part.getAttribute("d") ?? "");
    const [fill, stroke] = [part.getAttribute("fill"), part.getAttribute("stroke")];
    if (fill !== "none") {
      g.fillStyle = colour(fill);
      g.fill(path);
    }
    if (!stroke) continue;
    g.strokeStyle = colour(stroke);
    g.lineWidth = Number(part.getAttribute("stroke-width"));
    g.setLineDash((part.getAttribute("stroke-dasharray") ?? "").split(" ").filter(Boolean).map(Number));
    g.stroke(path);
  }
  g.restore();
}

/** Each word where the browser has put it. */
function words(g: CanvasRenderingContext2D, text: Text, style: CSSStyleDeclaration, alpha: number): void {
  const range = document.createRange();
  g.globalAlpha = alpha;
  for (const { 0: word, index } of text.data.matchAll(/\S+/g)) {
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    const [box] = range.getClientRects();
    if (box?.width) write(g, word, box.left, box.top, style, "alphabetic");
  }
}

function write(
  g: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  style: CSSStyleDeclaration,
  baseline: "alphabetic" | "middle",
): void {
  g.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  if ("letterSpacing" in g) g.letterSpacing = style.letterSpacing === "normal" ? "0px" : style.letterSpacing;
  g.fillStyle = style.color;
  g.textAlign = "left";
  g.textBaseline = baseline;
  const lower = baseline === "alphabetic" ? g.measureText(text).fontBoundingBoxAscent : 0; // from the top of the line
  g.fillText(text, x, y + lower);
}
