// A source that the browser computes by itself from another one, a recording: from its scene, and the weights at its playhead.

import { Player } from "./player";
import type { Program, Source } from "./types";

export abstract class Based extends Player {
  readonly base: Source;
  private unlisten: (() => void) | null = null;

  constructor(
    readonly id: string,
    rest: string,
    source: (id: string) => Source,
  ) {
    super();
    this.base = source(rest);
    this.status = { state: "done", step: 0, until: 0 };
  }

  /** The base has changed: perhaps it has a scene now, or other weights. */
  protected abstract follow(): void;

  keyframe(): number | null {
    return this.base.keyframe();
  }

  program(name: string): Program | null {
    return this.base.program(name);
  }

  attend(): () => void {
    return this.base.attend();
  }

  override get problem(): string {
    return this.trouble || this.base.problem;
  }

  protected connect(): void {
    this.unlisten ??= this.base.listen(() => this.follow());
    this.follow();
  }

  protected disconnect(): void {
    this.unlisten?.();
    this.unlisten = null;
  }

  /** What a person did with it cannot be had again. */
  protected override get kept(): boolean {
    return true;
  }
}
