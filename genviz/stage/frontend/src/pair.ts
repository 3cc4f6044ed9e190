// Two runs in lock-step: one playhead in training steps, one cursor, one selection; commands at the head go to both.

import type { Host } from "./pane";
import type { Source } from "./types";
import { head } from "./words";

const SHARED = ["cursor", "selection", "axes", "speed"] as const;
const partners = new WeakMap<Source, Source>(); // who follows whom

const busy = ({ status: { state } }: Source) => state === "running" || state === "starting";

export class Pair {
  private last: Partial<Record<(typeof SHARED)[number], unknown>> = {};

  constructor(
    readonly leader: Source,
    readonly partner: Source,
  ) {
    partners.set(leader, partner);
  }

  /** Brings both together again, whichever was touched; called before anything is drawn. */
  keep(): void {
    const { leader, partner, last } = this;
    for (const name of SHARED) {
      if (!this.fits(name)) continue;
      const [from, to] = leader[name] === last[name] && partner[name] !== last[name] ? [partner, leader] : [leader, partner];
      if (to[name] !== from[name]) Object.assign(to, { [name]: from[name] });
      last[name] = from[name];
    }
    if (partner.playing) partner.play(false);
    if (partner.following !== leader.following) partner.following = leader.following;
    const training = [leader, partner].filter(busy);
    if (leader.following && training.length) leader.playhead = Math.min(leader.playhead, ...training.map(head));
    partner.playhead = Math.min(leader.playhead, head(partner));
  }

  end(): void {
    partners.delete(this.leader);
    for (const one of [this.leader, this.partner]) if (one.frames.length) one.seek(one.playhead);
  }

  /** Codes are shared by models whose codes have as many dimensions. */
  private fits(name: (typeof SHARED)[number]): boolean {
    const [a, b] = [this.leader.scene, this.partner.scene];
    if (!a || !b) return false;
    return name === "selection" ? this.leader.info.data === this.partner.info.data : name === "speed" || a.latent === b.latent;
  }
}

/** A command to a run, and to the one in lock-step with it where it means that one too. */
export async function tell(
  source: Source,
  verb: Parameters<Source["send"]>[0],
  args?: Record<string, unknown>,
): Promise<string> {
  const partner = partners.get(source);
  const also =
    partner &&
    (verb === "pause" ? busy(partner) : verb === "slow" ? busy(partner) || level(partner, source) : level(partner, source));
  const answers = await Promise.all([source.send(verb, args), also ? partner.send(verb, args) : ""]);
  return answers.find(Boolean) ?? "";
}

/** Whether it stands where the other one does, ready to go on. */
const level = (partner: Source, source: Source) =>
  !busy(partner) && partner.status.state !== "diverged" && head(partner) <= head(source);

/** The mount as the panes of another run see it. */
export function hostOf(host: Host, source: Source): Host {
  return new Proxy(host, {
    get: (target, name) => {
      if (name === "source") return source;
      const found = Reflect.get(target, name, target);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}

type Side<T> = { host: Host; panes: T[] };

/** The panes of those names, the same one of each side next to each other. */
export function interleaved<T extends { name: string }>(names: string[], sides: Side<T>[]): { host: Host; pane: T }[] {
  return names.flatMap((name) =>
    sides.flatMap(({ host, panes }) => panes.filter((pane) => pane.name === name).map((pane) => ({ host, pane }))),
  );
}
