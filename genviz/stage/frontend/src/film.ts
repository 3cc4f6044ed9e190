// A film: the frames of a model's chain, computed by the server for the weights at the base source's playhead.
import { Player } from "./player";
import { ranges } from "./ranges";
import { Recording } from "./recording";
import { get, words } from "./remote";
import { address } from "./tab";
import type { Asked, Darkroom, Program, Scene, Setting, Source } from "./types";

const REST = 300; // ms after which the base's playhead is at rest
const PACE = 200; // ms between two films of other settings: five a second
const TRAINING = 2000; // ms between two films of newer weights while it trains
const SIGN = 100; // ms of computing that need no sign
const LINKED = 64; // known values that a link can hold
const AGAIN = 2000; // ms to the next attempt after a failure that may pass

export class Film extends Player implements Darkroom {
  seed = 0;
  clamp: Float32Array | null = null;
  forgotten = "";
  readonly settings = new Map<string, Setting>();
  override readonly film = this;
  private leave: (() => void) | null = null;
  private shown = ""; // the address of what is on the screen
  private refused = ""; // an address that would be refused again
  private asking = "";
  private weights = Number.NaN; // whose weights the last film asked for has
  private last = Number.NEGATIVE_INFINITY;
  private stood = { at: Number.NaN, since: 0 }; // where the base's playhead is, and since when
  private noticed = ""; // of the base, what matters here
  private abort: AbortController | null = null;
  private waking: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly id: string,
    readonly base: Source,
    private readonly panel: string,
  ) {
    super();
    const chosen = { get: () => base.selection, set: (point: number) => Object.assign(base, { selection: point }) };
    Object.defineProperty(this, "selection", chosen); // a row is chosen for the whole page
  }

  get loading(): boolean {
    return this.abort !== null;
  }

  /** Another film with the same settings. */
  renew(): void {
    this.seed++;
    this.changed();
  }

  set(name: string, value: Setting): void {
    this.settings.set(name, value);
    this.changed();
  }

  /** A row of known values, NaN where free; null: nothing is known. */
  pin(row: Float32Array | null): void {
    this.clamp = row;
    this.changed();
  }

  asked(): Asked {
    const asked = { seed: this.seed, settings: Object.fromEntries(this.settings) };
    const row = this.clamp;
    if (!row) return { ...asked, clamp: null, ...(this.forgotten && { forgotten: this.forgotten }) };
    if (row.length > LINKED)
      return { ...asked, clamp: null, forgotten: ranges(row.map((x) => (Number.isNaN(x) ? 1 : Number.NaN))) };
    return { ...asked, clamp: Array.from(row, (x) => (Number.isNaN(x) ? null : x)) };
  }

  restore({ seed, settings, clamp, forgotten }: Asked): void {
    this.seed = seed;
    this.forgotten = forgotten ?? "";
    this.settings.clear();
    for (const [name, value] of Object.entries(settings)) this.settings.set(name, value);
    if (clamp) this.clamp = Float32Array.from(clamp, (x) => x ?? Number.NaN);
    this.changed();
  }

  stop(): void {
    if (this.asking) this.refused = this.asking;
    this.cancel();
    this.changed();
  }

  keyframe(): number | null {
    return this.base.keyframe();
  }

  program(name: string): Program | null {
    return this.base.program(name);
  }

  attend(): () => void {
    return this.base.attend();
  }

  ask(): null {
    return null;
  }

  send(verb: string, args?: Record<string, unknown>): Promise<string> {
    return this.base.send(verb as "edit", args);
  }

  /** Whoever draws it wants it: a film out of sight is not computed. */
  override seen(): void {
    const step = this.base.keyframe();
    if (step === null) return;
    const url = this.address(step);
    if (url === this.asking) return;
    if (url === this.shown || url === this.refused) {
      this.cancel(); // back to what is there
      return;
    }
    const left = this.due(step) - Date.now();
    if (left <= 0) void this.shoot(url, step);
    else this.wake(left);
  }

  protected connect(): void {
    this.leave ??= this.base.listen(() => this.notice());
  }

  protected disconnect(): void {
    this.leave?.();
    this.leave = null;
    this.cancel();
    clearTimeout(this.waking);
    this.waking = undefined;
  }

  protected override get training(): boolean {
    return false; // one can play what is still computed
  }

  protected override move(ms: number): void {
    super.move(ms);
    if (!this.playing && this.loading) this.playing = true; // at the end of what has come, not at its end
  }

  /** When a film of these weights may be asked for. */
  private due(step: number): number {
    const { base, stood } = this;
    if (!this.frames.length && !this.loading) return this.last + PACE;
    if (step === this.weights) return this.last + PACE;
    if (base.following && (base.status.state === "running" || base.status.state === "starting")) return this.last + TRAINING;
    return base.playing ? Number.POSITIVE_INFINITY : stood.since + REST;
  }

  private wake(ms: number): void {
    if (!Number.isFinite(ms)) return; // the base's next move tells
    this.waking ??= setTimeout(() => {
      this.waking = undefined;
      this.changed();
    }, ms);
  }

  /** The base was drawn: most of that is of no concern. */
  private notice(): void {
    const { base } = this;
    if (base.playhead !== this.stood.at) this.stood = { at: base.playhead, since: Date.now() };
    const now = `${base.keyframe()}|${base.selection}|${base.playing}|${base.following}`;
    if (now === this.noticed) return;
    this.noticed = now;
    this.changed();
  }

  private address(step: number): string {
    const [kind, name] = this.base.id.split(":");
    const query = new URLSearchParams({ step: String(step), seed: String(this.seed) });
    const shown = this.scene?.panes.some(({ clamp, kind }) => clamp && kind === "images"); // a row, chosen to be completed
    if (shown && this.selection >= 0) query.set("point", String(this.selection));
    for (const [knob, value] of this.settings) query.set(knob, String(value));
    if (this.clamp) query.set("clamp", Array.from(this.clamp, (x) => (Number.isNaN(x) ? "" : Number(x.toFixed(4)))).join());
    return address(`api/${kind}/${encodeURIComponent(name)}/film/${encodeURIComponent(this.panel)}?${query}`);
  }

  private cancel(): void {
    this.abort?.abort();
    this.abort = null;
    this.asking = "";
    if (this.status.state !== "running") return;
    this.status = { state: "done", step: this.frames.at(-1)?.step ?? 0, until: 0 };
  }

  private async shoot(url: string, step: number): Promise<void> {
    this.cancel();
    const abort = new AbortController();
    this.abort = abort;
    this.asking = url;
    this.weights = step;
    this.last = Date.now();
    const until = this.frames.at(-1)?.step ?? 0; // most likely as long as before
    this.status = { state: "running", step: 0, until };
    const sign = setTimeout(() => {
      if (this.abort !== abort) return;
      this.status = { ...this.status, message: "computing…" };
      this.changed();
    }, SIGN);
    const coming = new Recording();
    try {
      const answer = await get(url, abort.signal);
      if (this.abort !== abort) return;
      if (answer.final) this.refused = url;
      if (!answer.ok) throw new Error(await answer.why());
      for await (const chunk of answer.chunks()) {
        if (this.abort !== abort) return;
        coming.feed("frames", chunk);
        this.status = { ...this.status, step: coming.frames.at(-1)?.step ?? 0 };
        if (!this.frames.length || this.frames === coming.frames || this.status.step >= this.playhead) this.cut(coming, url);
        this.changed();
      }
      if (this.abort !== abort) return;
      this.cut(coming, url);
      this.trouble = coming.broken;
    } catch (error) {
      if (this.abort !== abort) return;
      const why = words(error).replace(/\.$/, "");
      if (this.refused === url) this.trouble = `${why[0].toUpperCase()}${why.slice(1)}.`;
      else {
        this.trouble = `This film could not be had: ${why}. It is tried again.`;
        this.last = Date.now() + AGAIN;
      }
    } finally {
      clearTimeout(sign);
    }
    this.cancel();
    this.playhead = Math.min(this.playhead, this.frames.at(-1)?.step ?? 0); // a shorter chain
    this.changed();
  }

  /** From here on the new film is on the screen, at the chain time at which the old one was. */
  private cut(coming: Recording, url: string): void {
    if (!coming.scene || !coming.frames.length) return;
    this.shown = url;
    this.trouble = "";
    if (this.frames !== coming.frames) {
      if (!this.scene || !recast(this.scene, coming.scene)) this.scene = coming.scene;
      this.frames = coming.frames;
    }
    const last = this.frames.at(-1)?.step ?? 0;
    if (this.following || (this.playhead > last && !this.loading)) this.playhead = last;
  }
}

/** Panes of the same build take over what the new scene says, so that they need not be made anew under a person's hand. */
export function recast(old: Scene, fresh: Scene): boolean {
  const build = (scene: Scene) =>
    JSON.stringify(
      scene.panes.map(({ layers, ...pane }) => [pane, layers.map(({ name, type, role, label }) => [name, type, role, label])]),
    );
  if (build(old) !== build(fresh)) return false;
  old.panes.forEach((pane, i) => {
    Object.assign(pane, fresh.panes[i]);
  });
  Object.assign(old, { ...fresh, panes: old.panes });
  return true;
}
