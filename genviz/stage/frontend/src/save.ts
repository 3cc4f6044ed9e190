// The save menu: what is on screen as a picture or a clip, and what the server keeps of the run as files.

import { cost, few, fineness, type Kind, LONG, moments, type Progress, RATE, record } from "./clip";
import { el, say } from "./dom";
import type { Size } from "./print";
import { address } from "./tab";
import type { Frame, Source } from "./types";
import { head } from "./words";
import { encoding, gif, video, type Writer } from "./writers";

const FINE = 2; // pixels a CSS pixel, of a picture
const WRITTEN = 700; // ms until the view stands in the address
const KEPT = 60_000; // ms that a file made here can be taken
const NEAR = 0.02; // of the recording: so near to its end nobody wants the rest

/** The stage as something to print. */
export type Sheet = {
  source: Source;
  size(): Size;
  /** What is on screen, on paper of that size, with so many pixels a CSS pixel. */
  print(scale: number, size: Size): HTMLCanvasElement;
  /** Goes to a step and draws all of it. */
  show(step: number): Promise<void>;
  commit(): void;
};

/** The recording that a film or a walk begins from, or the source itself. */
const whole = (source: Source): Source => source.base ?? source;

/** "vae-moons-2000.gif": model, data, the part if it is one, and step, as the server names its files. */
export function fileName(source: Source, ending: string): string {
  const { model, data } = whole(source).info as { model?: string; data?: string };
  const path = (data ?? "").split(/:[^:/\\]*=/)[0];
  const set = path
    .split(/[/\\]/)
    .pop()
    ?.replace(/(.)\.[^.]*$/, "$1");
  const part = source.base && source.id.split("/").pop();
  const named = [model ?? "genviz", set, part].filter(Boolean).join("-");
  return `${named.replace(/[^A-Za-z0-9_]+/g, "-")}-${Math.round(source.playhead)}${ending}`;
}

/** Of what a source shows, what the server keeps: files and their addresses. */
export function files(source: Source): [name: string, path: string][] {
  const { id, playhead } = whole(source);
  const [, kind, name] = /^(run|pretrained):(.+)$/.exec(id) ?? [];
  if (!kind) return [];
  const at = (what: string) => `api/${kind}/${encodeURIComponent(name)}/export/${what}`;
  if (kind === "pretrained") return [["weights (safetensors)", at("weights")]];
  return [
    ["weights (safetensors)", at(`weights?step=${Math.floor(playhead)}`)],
    ["Python script", at("script")],
    ["notebook", at("notebook")],
  ];
}

const SHIPPED = "A shipped recording has no script or notebook: train it here, and save those of your own run.";

export class Save {
  readonly root = el("div", { class: "save", role: "dialog", "aria-label": "Save", hidden: true, tabindex: -1 });
  private readonly from = el("select", { "aria-label": "which part" });
  private readonly kinds = {
    gif: this.button("GIF", () => this.clip("gif")),
    video: this.button("video", () => this.clip("video")),
  };
  private readonly files = el("p", { class: "files" });
  private readonly told = el("span", { class: "told", role: "status" });
  private readonly bar = el("progress", { max: 1, value: 0, hidden: true });
  private readonly go = this.button("go on", () => this.answer?.(true));
  private readonly stop = this.button("stop", () => this.end());
  private answer: ((on: boolean) => void) | null = null;
  private working = false;
  private stopped = false;
  private before: HTMLElement | null = null;

  constructor(private readonly sheet: Sheet) {
    const link = this.button("copy link", () => this.copy(link));
    link.title = "Copy the address: it opens this very view";
    const close = this.button("close", () => this.toggle());
    for (const node of [this.go, this.stop]) node.hidden = true;
    this.from.addEventListener("change", () => this.length());
    this.root.append(
      el(
        "p",
        {},
        el("b", {}, "Picture"),
        this.button("PNG", () => this.png()),
      ),
      el("p", {}, el("b", {}, "Clip"), this.from, this.kinds.gif, this.kinds.video),
      el("p", { class: "work" }, this.told, this.bar, this.go, this.stop),
      this.files,
      el("p", {}, link, close),
    );
  }

  get open(): boolean {
    return !this.root.hidden;
  }

  /** Shows or hides the menu; `clip`: with the clip at hand. */
  toggle(clip = false): void {
    this.root.hidden = !this.root.hidden;
    if (!this.open) {
      this.before?.focus();
      return;
    }
    const within = this.root.getRootNode() as Document | ShadowRoot;
    this.before = within.activeElement instanceof HTMLElement ? within.activeElement : null;
    if (!this.working) this.fill();
    (clip ? this.kinds.gif : this.root).focus();
  }

  close(): void {
    this.end();
  }

  private button(name: string, act: () => unknown): HTMLButtonElement {
    const node = el("button", { class: "text-button", type: "button" }, name);
    node.addEventListener("click", () => void this.run(act));
    return node;
  }

  private async run(act: () => unknown): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.tell(`This could not be saved: ${error instanceof Error ? error.message : String(error)}.`);
    }
  }

  private tell(text: string): void {
    say(this.told, text);
  }

  private fill(): void {
    const { source } = this.sheet;
    const [first, last] = [source.frames[0]?.step ?? 0, head(source)];
    const rest = source.playhead - first > NEAR * (last - first) && last - source.playhead > NEAR * (last - first);
    this.from.replaceChildren(
      ...(rest ? [el("option", { value: "here" }, "from here to the end")] : []),
      el("option", { value: "all" }, "the whole recording"),
    );
    const few = source.frames.length < 2;
    for (const node of [this.kinds.gif, this.kinds.video, this.from]) node.disabled = few;
    this.kinds.video.title = typeof VideoEncoder === "undefined" ? "This browser encodes no video: take the GIF" : "";
    this.kinds.video.disabled ||= typeof VideoEncoder === "undefined";
    if (few) this.tell("Nothing that moves is recorded yet.");
    else this.length();
    const links = files(source).map(([name, path]) => {
      const link = el("a", { href: address(path), download: true }, name);
      link.addEventListener("click", (event) => {
        event.preventDefault();
        void this.run(() => this.fetch(link.href));
      });
      return link;
    });
    this.files.replaceChildren(...links, ...(links.length === 1 ? [el("small", {}, SHIPPED)] : []));
    this.files.hidden = !links.length;
  }

  private steps(kind: Kind): number[] {
    const { source } = this.sheet;
    const frames: Frame[] = [...source.frames]; // what is recorded from now on is for another clip
    return moments(frames, this.from.value === "here" ? source.playhead : frames[0].step, source.speed, RATE[kind]);
  }

  private length(): void {
    const seconds = this.steps("gif").length / RATE.gif;
    this.tell(`${seconds.toFixed(1)} s at ${this.sheet.source.speed}×`);
  }

  private async png(): Promise<void> {
    const { sheet } = this;
    if (!sheet.source.scene) throw new Error("there is no picture yet");
    const picture = sheet.print(FINE, sheet.size());
    const blob = await new Promise<Blob | null>((done) => picture.toBlob(done, "image/png"));
    if (!blob) throw new Error("the picture is too large for this browser");
    this.deliver(blob, fileName(sheet.source, ".png"));
  }

  private async clip(kind: Kind): Promise<void> {
    if (this.working) return;
    const { sheet } = this;
    const { source } = sheet;
    const steps = this.steps(kind);
    const [stood, followed, played] = [source.playhead, source.following, source.playing];
    if (played) source.play(false);
    this.state(true);
    try {
      const blob = await this.make(kind, steps);
      this.tell(blob ? `saved as ${blob[1]}` : "stopped");
      if (blob) this.deliver(...blob);
    } finally {
      this.state(false);
      source.seek(followed ? Number.POSITIVE_INFINITY : stood);
      if (played) source.play(true);
    }
  }

  private async make(kind: Kind, steps: number[]): Promise<[Blob, string] | null> {
    const { sheet } = this;
    this.tell("looking at some of its pictures…");
    let paper = sheet.size();
    for (const step of few(steps)) {
      await sheet.show(step); // words below the pictures may take more lines at another step
      const [w, h] = sheet.size();
      paper = [paper[0], Math.max(w === paper[0] ? paper[1] : 0, h)];
    }
    const scale = fineness(kind, ...paper);
    const show = async (step: number) => {
      await sheet.show(step);
      return sheet.print(scale, paper);
    };
    const some: HTMLCanvasElement[] = [];
    for (const step of few(steps)) some.push(await show(step));
    const writer = kind === "gif" ? gif(some, RATE.gif) : await this.film(some[0]);
    await sheet.show(steps[steps.length - 1]);
    const name = fileName(sheet.source, writer.ending);
    const blob = await record(steps, writer, show, (progress, first) => this.allowed(progress, first));
    return blob && [blob, name];
  }

  private async film({ width, height }: HTMLCanvasElement): Promise<Writer> {
    const how = await encoding(width, height, RATE.video);
    if (!how) throw new Error(`this browser cannot encode a video of ${width} × ${height} pixels, take the GIF`);
    return video(how);
  }

  /** Tells how far the work is; asks before it takes long. */
  private async allowed(progress: Progress, first: boolean): Promise<boolean> {
    this.bar.value = progress.share;
    if (this.stopped) return false;
    if (first && progress.seconds > LONG) {
      this.tell(`${cost(progress)}: go on?`);
      this.go.hidden = false;
      const on = await new Promise<boolean>((answer) => {
        this.answer = answer;
      });
      this.answer = null;
      this.go.hidden = true;
      return on;
    }
    if (first || progress.share < 1) this.tell(`${Math.round(100 * progress.share)} % of ${cost(progress)}`);
    return true;
  }

  private end(): void {
    this.stopped = true;
    this.answer?.(false);
  }

  private state(working: boolean): void {
    this.working = working;
    this.stopped = false;
    this.bar.hidden = !working;
    this.bar.value = 0;
    this.stop.hidden = !working;
    this.go.hidden = true;
    for (const node of [this.kinds.gif, this.kinds.video, this.from]) node.disabled = working;
  }

  private async fetch(url: string): Promise<void> {
    const answer = await fetch(url).catch(() => {
      throw new Error("genviz does not answer");
    });
    if (!answer.ok) throw new Error(((await answer.json()) as { error: string }).error);
    const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
    this.deliver(await answer.blob(), name ?? "genviz");
  }

  private deliver(blob: Blob, name: string): void {
    const href = URL.createObjectURL(blob);
    el("a", { href, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(href), KEPT);
  }

  private async copy(button: HTMLButtonElement): Promise<void> {
    this.sheet.commit();
    await new Promise((resolve) => setTimeout(resolve, WRITTEN));
    try {
      await navigator.clipboard.writeText(window.location.href);
    } catch {
      this.tell("The browser does not let this page copy: copy its address from the address bar.");
      return;
    }
    say(button, "copied");
    setTimeout(() => say(button, "copy link"), 2000);
  }
}
