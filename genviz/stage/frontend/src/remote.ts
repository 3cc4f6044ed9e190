// What is fetched on demand: weights for the client programs, and panels that only the server can compute.
import { compile } from "./programs";
import type { Pane, Program, Scene } from "./types";
import { readLook, readSafetensors, type Tensors } from "./wire";

const PAUSE = 500; // ms between two fetches of weights: a class of twenty shares one server

/** A map that forgets what was not read for longest. */
export class Lru<K, V> extends Map<K, V> {
  constructor(private readonly limit: number) {
    super();
  }

  override get(key: K): V | undefined {
    const value = super.get(key);
    if (value !== undefined && this.delete(key)) super.set(key, value); // last read, last forgotten
    return value;
  }

  override set(key: K, value: V): this {
    super.set(key, value);
    for (const oldest of this.keys()) if (this.size > this.limit) this.delete(oldest);
    return this;
  }
}

export class Weights {
  problem = "";
  private sets = new Lru<number, { tensors: Tensors; programs: Map<string, Program | null> }>(24);
  private absent = new Set<number>();
  private stale = new Map<number, number>(); // steps whose weights changed, and when; the old ones serve until the new ones come
  private wanted = 0;
  private asked: number | null = null;
  private busy = false;
  private last = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly url: (step: number) => string,
    private readonly changed: () => void,
  ) {}

  /** The program with the newest weights at hand that are not after `step`; if `wanted`, those of `step` itself are on their way. */
  program(name: string, scene: Scene, step: number, wanted: boolean): Program | null {
    this.asked = step;
    if (wanted && (!this.sets.has(step) || this.stale.has(step)) && !this.absent.has(step)) this.want(step);
    const nearest = Math.max(...[...this.sets.keys()].filter((each) => each <= step));
    const set = this.sets.get(nearest);
    if (!set) return null;
    let program = set.programs.get(name);
    if (program === undefined) {
      program = this.compiled(name, scene, set.tensors);
      if (program) program.of = nearest;
      set.programs.set(name, program);
    }
    return program;
  }

  /** Resolves when the weights of the step last asked for are here, or cannot be had. */
  async settled(): Promise<void> {
    const step = this.asked;
    const here = step === null || (this.sets.has(step) && !this.stale.has(step)) || this.absent.has(step);
    if (!here) await this.fetch(step);
  }

  /** The weights of a step are others now. */
  renew(step: number): void {
    this.absent.delete(step);
    if (this.sets.has(step) || this.busy) this.stale.set(step, Date.now());
  }

  private compiled(name: string, scene: Scene, tensors: Tensors): Program | null {
    try {
      if (!Object.hasOwn(scene.programs, name)) throw new Error("the model has no such program");
      return compile(scene.programs[name], tensors);
    } catch (error) {
      this.problem = `The program ${name} cannot run in the browser: ${words(error)}.`;
      this.changed();
      return null;
    }
  }

  private want(step: number): void {
    this.wanted = step; // while one is on its way only the last wish counts
    if (this.busy) return;
    this.busy = true;
    setTimeout(() => void this.fetch(this.wanted), Math.max(0, this.last + PAUSE - Date.now()));
  }

  private async fetch(step: number): Promise<void> {
    this.last = Date.now();
    try {
      const answer = await get(this.url(step));
      if (answer.final) this.absent.add(step);
      if (!answer.ok) throw new Error(await answer.why());
      this.sets.set(step, { tensors: readSafetensors(await answer.bytes()), programs: new Map() });
      if ((this.stale.get(step) ?? 0) < this.last) this.stale.delete(step); // else they changed on the way
      this.problem = "";
    } catch (error) {
      this.problem = `The weights of step ${step} could not be had: ${words(error)}.`;
    }
    this.busy = false;
    this.changed();
  }
}

export class Looks {
  private answers = new Lru<string, Pane[] | { error: string }>(48);
  private busy = new Map<string, Promise<void>>(); // one question a panel: the redraw after its answer asks for what is wanted then

  constructor(private readonly changed: () => void) {}

  ask(panel: string, url: string): Pane[] | { error: string } | null {
    const answer = this.answers.get(url);
    if (!answer && !this.busy.has(panel)) {
      const done = this.fetch(url).then(() => {
        this.busy.delete(panel);
        this.changed();
      });
      this.busy.set(panel, done);
    }
    return answer ?? null;
  }

  async settled(): Promise<void> {
    await Promise.all(this.busy.values());
  }

  private async fetch(url: string): Promise<void> {
    try {
      const answer = await get(url);
      if (answer.ok) this.answers.set(url, readLook(await answer.bytes()));
      else if (answer.final) this.answers.set(url, { error: await answer.why() });
      else throw new Error(await answer.why());
    } catch (error) {
      this.answers.set(url, { error: `This could not be computed: ${words(error)}. It is tried again.` });
      setTimeout(() => {
        this.answers.delete(url);
        this.changed();
      }, 2000);
    }
  }
}

export const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

type Answer = {
  ok: boolean;
  final: boolean;
  bytes(): Promise<Uint8Array>;
  chunks(): AsyncGenerator<Uint8Array>; // as they come
  why(): Promise<string>;
};

/** `final`: asking again would give the same refusal. */
export async function get(url: string, signal: AbortSignal | null = null): Promise<Answer> {
  const answer = await (signal ? fetch(url, { signal }) : fetch(url)).catch(() => {
    throw new Error("genviz does not answer");
  });
  return {
    ok: answer.ok,
    final: answer.status >= 400 && answer.status < 500 && answer.status !== 429,
    bytes: async () => new Uint8Array(await answer.arrayBuffer()),
    chunks: async function* () {
      const reader = answer.body?.getReader();
      for (let part = await reader?.read(); part?.value; part = await reader?.read()) yield part.value;
    },
    why: async () => {
      try {
        return String(((await answer.json()) as { error: string }).error);
      } catch {
        return `genviz answered ${answer.status}`;
      }
    },
  };
}
