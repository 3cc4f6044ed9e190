import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { recast } from "./film";
import { source } from "./store";
import { blob, browser, bytes, frame, line, pass, record, Socket, scene, watched } from "./testing";
import type { Scene } from "./types";

type Asked = {
  url: string;
  send: (part?: Uint8Array) => void;
  refuse: (status: number, why: string) => void;
  dropped: boolean;
};
let asked: Asked[] = [];

beforeEach(() => {
  browser();
  asked = [];
  vi.stubGlobal("fetch", (url: string, { signal }: { signal: AbortSignal }) => {
    let send!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (to) => {
        send = to;
      },
    });
    return new Promise<Response>((resolve, reject) => {
      const one: Asked = {
        url: url.slice(url.indexOf("/api/")),
        dropped: false,
        send: (part) => {
          if (!body.locked) resolve(new Response(body));
          if (part) send.enqueue(part);
          else send.close();
        },
        refuse: (status, error) => resolve(new Response(JSON.stringify({ error }), { status })),
      };
      signal.addEventListener("abort", () => {
        one.dropped = true;
        reject(new Error("aborted"));
      });
      asked.push(one);
    });
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A film of a watched run with a keyframe at 4, drawn again and again, as a stage in sight does. */
function filmed(keyframes = [0, 4]) {
  const { run } = watched({ status: { state: "paused", step: 200, until: 300 } });
  const at = Socket.last.asked.no;
  let offset = line({ status: { state: "paused", step: 200, until: 300 } }).length;
  for (const keyframe of keyframes) {
    Socket.last.give(0, offset, line({ keyframe }), at);
    offset += line({ keyframe }).length;
  }
  const film = source("film:run:abc/undoing");
  const sight = { on: true };
  film.listen(() => sight.on && film.seen());
  return { run, film, sight };
}
const whole = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => [...frame(from + k)]).flat();
const latest = () => asked[asked.length - 1];

describe("a film", () => {
  test("is asked for at the base's keyframe, plays as it comes, and ends", async () => {
    const { film } = filmed();
    await pass(20);
    expect(asked.map(({ url }) => url)).toEqual(["/api/run/abc/film/undoing?step=4&seed=0"]);
    await pass(120);
    expect(film.status).toMatchObject({ state: "running", message: "computing…" });
    film.play(true);
    latest().send(bytes(scene, whole(0, 3)));
    await pass(20);
    expect(film.frames.map(({ step }) => step)).toEqual([0, 1, 2]);
    await pass(20_000);
    expect(film.playhead).toBeLessThan(2.01);
    expect(film.playing).toBe(true); // at the end of what has come, not at its end
    latest().send(bytes(whole(3, 5)));
    latest().send();
    await pass(20_000);
    expect(film.playhead).toBe(4);
    expect(film.playing).toBe(false);
    expect(film.film?.loading).toBe(false);
    expect(film.status.state).toBe("done");
    expect(asked).toHaveLength(1);
  });

  test("keeps its chain time when settings change; the latest wins, five a second at most", async () => {
    const { film } = filmed();
    await pass(20);
    latest().send(bytes(scene, whole(0, 11)));
    latest().send();
    await pass(300);
    film.seek(6);
    for (let k = 1; k <= 20; k++) {
      film.film?.set("eta", k / 20);
      await pass(20);
    }
    await pass(200);
    expect(asked.length).toBeGreaterThanOrEqual(3);
    expect(asked.length).toBeLessThanOrEqual(5);
    expect(asked.slice(1, -1).every(({ dropped }) => dropped)).toBe(true);
    expect(latest().url).toContain("eta=1");
    expect(latest().url).toContain("seed=0"); // the same noise
    const old = film.frames;
    latest().send(bytes(scene, whole(0, 4)));
    await pass(20);
    expect(film.frames).toBe(old); // the new one has not come so far
    expect(film.playhead).toBe(6);
    latest().send(bytes(whole(4, 8)));
    await pass(20);
    expect(film.frames).not.toBe(old);
    expect(film.playhead).toBe(6);
    latest().send();
    await pass(20);
    film.film?.renew();
    film.film?.pin(Float32Array.of(Number.NaN, 0.25));
    film.selection = 3; // where no row is shown it changes nothing
    await pass(300);
    expect(latest().url).toBe("/api/run/abc/film/undoing?step=4&seed=1&eta=1&clamp=%2C0.25");
    const pane = { name: "row", kind: "images", clamp: true, layers: [] };
    latest().send(bytes(record(0, 0, blob({ panes: [pane], programs: {} })), whole(0, 8)));
    latest().send();
    await pass(300);
    expect(latest().url).toContain("&point=3&");
  });

  test("follows the base to other weights when it rests, and only in sight", async () => {
    const { run, film, sight } = filmed([0, 4, 100]);
    await pass(20);
    latest().send(bytes(scene, frame(0)));
    latest().send();
    expect(latest().url).toContain("step=100");
    await pass(500);
    run.seek(5);
    await pass(100);
    run.seek(6);
    await pass(280);
    expect(asked).toHaveLength(1);
    await pass(100);
    expect(latest().url).toContain("step=4&");
    latest().send(bytes(scene, frame(0)));
    latest().send();
    await pass(500);
    sight.on = false;
    run.seek(1);
    await pass(1000);
    expect(asked).toHaveLength(2);
    sight.on = true;
    film.changed();
    await pass(400);
    expect(latest().url).toContain("step=0&");
  });

  test("says what was refused and does not ask again; what may pass is tried again", async () => {
    const { film } = filmed();
    await pass(20);
    latest().refuse(404, "clamp leaves nothing free");
    await pass(5000);
    expect(film.problem).toBe("Clamp leaves nothing free.");
    expect(asked).toHaveLength(1);
    film.film?.renew();
    await pass(300);
    expect(asked).toHaveLength(2);
    latest().refuse(500, "out of luck");
    await pass(20);
    expect(film.problem).toMatch(/out of luck. It is tried again.$/);
    await pass(3000);
    expect(asked).toHaveLength(3);
    latest().send(bytes(scene, frame(0), record(0, 3, blob({ error: "it became too long" }))));
    latest().send();
    await pass(100);
    expect(film.problem).toBe("it became too long");
    expect(film.frames).toHaveLength(1);
  });

  test("can be stopped: what has come stays", async () => {
    const { film } = filmed();
    await pass(20);
    latest().send(bytes(scene, whole(0, 3)));
    await pass(20);
    film.film?.stop();
    await pass(3000);
    expect(latest().dropped).toBe(true);
    expect(asked).toHaveLength(1);
    expect(film.frames).toHaveLength(3);
    expect(film.film?.loading).toBe(false);
  });
});

test("panes of the same build are kept, others are made anew", () => {
  const make = (alt: string, layer: string): Scene => ({
    panes: [{ name: "walk", kind: "plane", alt, layers: [{ type: "points", name: layer, tensors: {} }] }],
    programs: {},
    latent: 0,
    shape: [2],
    controls: [],
  });
  const old = make("a", "x");
  const [pane] = old.panes;
  const fresh = make("a", "x");
  expect(recast(old, fresh)).toBe(true);
  expect(old.panes[0]).toBe(pane);
  expect(pane.layers).toBe(fresh.panes[0].layers);
  expect(recast(old, make("a", "y"))).toBe(false);
});
