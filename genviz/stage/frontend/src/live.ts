// The one socket of a tab: subscriptions that survive a lost connection, and commands with their answers.
import { STREAMS, type Stream } from "./recording";

export interface Subscriber {
  readonly run: string;
  at(): Record<Stream, number>;
  bytes(stream: Stream, chunk: Uint8Array): void;
  reset(stream: Stream): void;
  missing(why: string): void;
  changed(): void; // the connection came or went
}
export type Stats = { gaps: number; frames: number; lag: number; bytes: number };
type Answer = { error: string; run?: string }; // a fork names the new run
type Call = { text: string; sent: boolean; done: (answer: Answer) => void };
type Told = { call?: number; error?: string; run?: string; no?: number; missing?: string; reset?: Stream };

const PATIENCE = 35_000; // ms for an answer: somewhat longer than the server's own
const LATE = 5_000; // ms until the wait is told
const WAITING = "genviz has not answered yet: still waiting.";
const LOST = "The connection to genviz is lost: trying again. What has arrived stays on the stage.";

export class Live {
  problem = "";
  private socket: WebSocket | null = null;
  private wait = 300; // ms to the next attempt
  private count = 0; // numbers for subscriptions and calls
  private subs = new Map<Subscriber, number>();
  private calls = new Map<number, Call>();

  constructor(
    private readonly url: () => string,
    private readonly stats: Stats,
  ) {}

  subscribe(sub: Subscriber): void {
    this.subs.set(sub, 0);
    this.ask(sub);
    this.open();
  }

  unsubscribe(sub: Subscriber): void {
    this.drop(sub);
    this.subs.delete(sub);
  }

  /** Resolves with "" or the error. */
  async call(run: string, verb: string, args: Record<string, unknown>): Promise<string> {
    return (await this.answer(run, verb, args)).error;
  }

  answer(run: string, verb: string, args: Record<string, unknown>): Promise<Answer> {
    const call = ++this.count;
    return new Promise((resolve) => {
      const done = (answer: Answer) => {
        clearTimeout(timer);
        clearTimeout(late);
        this.calls.delete(call);
        if (this.problem === WAITING) this.say("");
        resolve(answer);
      };
      const timer = setTimeout(
        () => done({ error: `No answer from genviz within ${PATIENCE / 1000} seconds: is it still running?` }),
        PATIENCE,
      );
      const late = setTimeout(() => this.problem || this.say(WAITING), LATE);
      this.calls.set(call, { text: JSON.stringify({ do: verb, run, call, args }), sent: false, done });
      this.open();
      this.flush();
    });
  }

  private open(): void {
    if (this.socket) return;
    const socket = new WebSocket(this.url());
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.wait = 300;
      this.say("");
      for (const sub of this.subs.keys()) this.ask(sub);
      this.flush();
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) =>
      typeof data === "string" ? this.told(JSON.parse(data) as Told) : this.got(data);
    socket.onclose = () => {
      // The old socket counts as open until the next attempt, so that a new subscriber does not jump the queue.
      for (const { sent, done } of [...this.calls.values()])
        if (sent) done({ error: "The connection was lost before the answer: look whether it was carried out." });
      for (const sub of this.subs.keys()) this.subs.set(sub, 0);
      this.say(LOST);
      setTimeout(() => {
        this.socket = null;
        if (this.subs.size || this.calls.size) this.open();
      }, this.wait);
      this.wait = Math.min(this.wait * 1.6, 2000);
    };
  }

  private say(problem: string): void {
    if (problem === this.problem) return;
    this.problem = problem;
    for (const sub of this.subs.keys()) sub.changed();
  }

  private get ready(): boolean {
    return this.socket?.readyState === 1;
  }

  private flush(): void {
    if (!this.ready) return;
    for (const call of this.calls.values()) {
      if (!call.sent) this.socket?.send(call.text);
      call.sent = true;
    }
  }

  /** Each time under a new number: what is still on its way under the old one is then known to be stale. */
  private ask(sub: Subscriber): void {
    if (!this.ready || !this.subs.has(sub)) return;
    this.drop(sub);
    const no = ++this.count;
    this.subs.set(sub, no);
    this.socket?.send(JSON.stringify({ run: sub.run, no, at: sub.at() }));
  }

  private drop(sub: Subscriber): void {
    const no = this.subs.get(sub);
    if (no && this.ready) this.socket?.send(JSON.stringify({ run: sub.run, no, at: null }));
  }

  private of(number: number): Subscriber | undefined {
    for (const [sub, no] of this.subs) if (no && no === number) return sub;
    return undefined;
  }

  private got(data: ArrayBuffer): void {
    const view = new DataView(data);
    const stream = STREAMS[view.getUint32(4, true)];
    const sub = this.of(view.getUint32(0, true));
    if (!sub || !stream) return;
    if (Number(view.getBigUint64(8, true)) !== sub.at()[stream]) {
      this.stats.gaps++;
      this.ask(sub);
      return;
    }
    this.stats.bytes += data.byteLength - 16;
    sub.bytes(stream, new Uint8Array(data, 16));
  }

  private told({ call, error, run, no, missing, reset }: Told): void {
    if (call !== undefined) this.calls.get(call)?.done({ error: error ?? "", run });
    const sub = no === undefined ? undefined : this.of(no);
    if (!sub) return;
    if (reset) {
      sub.reset(reset);
      this.ask(sub);
    }
    if (missing !== undefined) {
      this.subs.set(sub, 0);
      sub.missing(missing);
      setTimeout(() => this.subs.get(sub) === 0 && this.ask(sub), 2000); // a run may be only about to begin
    }
  }
}
