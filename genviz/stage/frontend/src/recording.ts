// What has arrived of one run: three streams of bytes turned into the lists that pictures read.
import type { Frame, Metric, Scene, Status } from "./types";
import { type Entry, type Moment, readFrames, readJournal, readMetrics, Splitter, type Value } from "./wire";

export const STREAMS = ["journal", "metrics", "frames"] as const;
export type Stream = (typeof STREAMS)[number];

export class Recording {
  scene: Scene | null = null;
  frames: Frame[] = [];
  shots: Frame[] = [];
  metrics = new Map<string, Metric>();
  status: Status = { state: "starting", step: 0, until: 0 };
  info: Record<string, unknown> = {};
  edits: { step: number; verb: string; args: unknown }[] = [];
  broken = ""; // why a film broke off
  keyframes: number[] = []; // ascending steps whose weights can be fetched
  private columns: Metric[] = []; // by number: a value may come before the name of its column
  private journal = new Splitter(readJournal);
  private values = new Splitter(readMetrics);
  private moments = new Splitter(readFrames);

  /** How many bytes of each stream have arrived. */
  at(): Record<Stream, number> {
    return { journal: this.journal.at, metrics: this.values.at, frames: this.moments.at };
  }

  /** Takes in what came and says how many records it completed. */
  feed(stream: Stream, bytes: Uint8Array): number {
    if (stream === "journal") return each(this.journal.feed(bytes), (entry) => this.note(entry));
    if (stream === "metrics") return each(this.values.feed(bytes), (value) => this.measure(value));
    return each(this.moments.feed(bytes), (moment) => this.show(moment));
  }

  /** The stream became shorter than what has arrived: it starts again. */
  reset(stream: Stream): void {
    if (stream === "journal") {
      this.journal = new Splitter(readJournal);
      this.edits = [];
      this.keyframes = [];
    } else if (stream === "metrics") {
      this.values = new Splitter(readMetrics);
      for (const column of this.columns) if (column) cut(column, 0);
    } else {
      this.moments = new Splitter(readFrames);
      this.frames = [];
      this.shots = [];
    }
  }

  /** An action at rest changed the weights of a step that were announced before. */
  protected renewed(_step: number): void {}

  private note(entry: Entry): void {
    if (entry.open) this.info = entry.open;
    if (entry.status) this.status = entry.status;
    if (entry.edit) this.edits.push(entry.edit);
    if (entry.keyframe !== undefined) {
      if (this.keyframes.includes(entry.keyframe)) this.renewed(entry.keyframe);
      put(this.keyframes, entry.keyframe, (step) => step);
    }
    entry.columns?.forEach((name, i) => {
      this.metrics.set(name, this.column((entry.at ?? 0) + i));
    });
  }

  private measure({ step, column, value }: Value): void {
    const metric = this.column(column);
    cut(metric, step);
    metric.steps.push(step);
    metric.values.push(value);
  }

  private show(moment: Moment): void {
    if (moment.kind === "scene") this.scene = moment.scene;
    else if (moment.kind === "trouble") this.broken = moment.error;
    else if (moment.kind === "frame") put(this.frames, moment.frame, ({ step }) => step);
    else if (this.shots.at(-1)?.step === moment.frame.step) this.shots.push(moment.frame);
    else this.shots = [moment.frame];
  }

  private column(number: number): Metric {
    this.columns[number] ??= { steps: [], values: [] };
    return this.columns[number];
  }
}

function each<T>(items: T[], take: (item: T) => void): number {
  for (const item of items) take(item);
  return items.length;
}

/** A resumed run goes over its last steps again: what lies at or after them is replaced, never doubled. */
function put<T>(list: T[], item: T, step: (item: T) => number): void {
  while (list.length && step(list[list.length - 1]) >= step(item)) list.pop();
  list.push(item);
}

function cut({ steps, values }: Metric, step: number): void {
  while (steps.length && steps[steps.length - 1] >= step) {
    steps.pop();
    values.pop();
  }
}
