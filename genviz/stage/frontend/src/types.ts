// The mirror of genviz/layers.py and genviz/stage/pack.py, and the contract between the store and the pictures.

import type { Damage } from "./damage";
import type { Mixture } from "./mixture";
import type { Race } from "./race";

export type Role = "data" | "model" | "noise" | "truth" | "error" | "label";
export type Tensor = { data: Float32Array | Int32Array; shape: number[] }; // dequantised

type Base<T extends string> = { type: T; name: string; role?: Role; static?: boolean; hidden?: boolean; label?: string };
type With<K extends string> = { tensors: { [k in K]?: Tensor } };
export type Points = Base<"points"> &
  With<"xy" | "labels" | "codes"> & { classes?: string[]; names?: string[]; size?: number; pick?: boolean };
export type Images = Base<"images"> &
  With<"pixels"> & { columns?: number; captions?: string[]; follow?: "selection"; diverging?: number; pick?: boolean };
export type Units = Base<"units"> & With<"values"> & { columns?: number; names?: string[]; paint?: boolean; first?: number };
export type Field = Base<"field"> & With<"values"> & { extent: [number, number, number, number]; style: "heat" | "contour" };
export type Arrows = Base<"arrows"> & With<"start" | "end">;
export type Mesh = Base<"mesh"> & With<"xy">;
export type Path = Base<"path"> & With<"xy">;
export type Ellipses = Base<"ellipses"> & With<"mean" | "cov"> & { levels: number[]; follow?: "selection" };
export type Bars = Base<"bars"> &
  With<"values" | "labels" | "marks"> & {
    classes?: string[];
    marked?: string;
    names?: string[];
    threshold?: number;
    unit?: string;
    sort?: boolean;
    log?: boolean;
    upright?: boolean;
  };
export type Curves = Base<"curves"> &
  With<"xy"> & { columns?: string[]; stack?: boolean; signs?: number[]; dash?: number; hue?: number };
export type Decode = Base<"decode"> &
  With<never> & {
    program: string;
    at: "cursor" | "selection" | "lattice" | "traversal" | "mesh";
    side: number;
    span: number;
  };
export type Numbers = Base<"numbers"> & With<"figures"> & { rows: [string, number, string, string][]; follow?: "selection" };
export type Trace = Base<"trace"> & With<never> & { ahead: string; back?: string; clock: number[] };
export type Handles = Base<"handles"> & With<"xy"> & { knobs: string[]; scale: number[] };
export type Caption = Base<"caption"> & With<never> & { text?: string };
export type Layer =
  | Points
  | Images
  | Units
  | Field
  | Arrows
  | Mesh
  | Path
  | Ellipses
  | Bars
  | Curves
  | Decode
  | Numbers
  | Trace
  | Handles
  | Caption;

export type Pane = {
  name: string;
  title?: string; // absent: the pane explains itself
  kind: "plane" | "images" | "bars" | "curves" | "numbers";
  layers: Layer[];
  reads?: string;
  how?: string;
  alt?: string;
  x?: [number, number];
  y?: [number, number];
  x_label?: string;
  x_log?: boolean;
  y_label?: string;
  latent?: boolean;
  line?: boolean;
  ask?: string;
  whole?: boolean; // asked of the model, whatever point is chosen
  walks?: string; // the client program that fills its layers, in the browser
  clamp?: boolean; // of a film: a person may fix values here
};
export type Setting = number | string | boolean;
/** A knob that a person may set of a film. */
export type Control = {
  name: string;
  value: Setting;
  kind: "int" | "float" | "bool" | "str";
  low: number | null;
  high: number | null;
  help: string;
  log: boolean;
  called: Record<string, string>; // a word for a number that means something of its own
  choices: Setting[];
};
export type Op = [string, ...(string | number)[]]; // e.g. ["linear", "decoder.0.weight", "decoder.0.bias"], ["relu"]
export type Scene = {
  panes: Pane[];
  programs: Record<string, Op[]>;
  latent: number;
  shape: number[];
  controls: Control[];
  actions?: string[]; // what a person may do to a run besides setting knobs
};
export type Frame = {
  step: number;
  time: number;
  layers: Record<string, Layer>;
  limits: Record<string, number[]>;
  caption: string;
};
export type Metric = { steps: number[]; values: number[]; made?: number }; // `made`: literal points, told apart by number
/** What a program has besides its argument: the chain time, the inverse temperature, sources of chance. */
export type Ambient = {
  t?: number;
  beta?: number;
  noise?: () => number;
  uniform?: () => number;
  held?: Float32Array; // known values of a state, NaN where free: what goes through its units one by one passes them over
};
/** A place in a program where chance decides, as it was at the last call: `out` fell with `p` (for a Gaussian the mean), which a
 *  sigmoid made of `input`; `name` is the register that got it, "x" the new state. */
export type Coin = {
  kind: "bernoulli" | "gaussian" | "choice"; // a choice: one of all is on
  name: string;
  p: Float32Array;
  out: Float32Array;
  input: Float32Array | null;
  order: Int32Array | null; // in which its units came, one after the other; null: all at once
};
/** Returns a reused buffer, and leaves its registers: copy before the next call. */
export type Program = ((x: Float32Array, at?: Ambient) => Float32Array) & {
  registers: Map<string, Float32Array>;
  coins: Coin[];
  width: number; // of what it returns
  of?: number; // the step of training whose weights it has
  mixture?: Mixture; // the mixture of Gaussians in it, if there is one
  bare?: boolean; // … and whether minus its log is all there is
};
export type Status = {
  state: "starting" | "running" | "paused" | "done" | "stopped" | "interrupted" | "diverged";
  step: number;
  until: number;
  message?: string;
  slow?: boolean; // it tells its steps in captioned moments
};

export type Grain = "unit" | "layer" | "sweep";
export type Begin = "data" | "noise" | "fantasy";
/** What is being updated: a unit of a board, −1 for all of it; first its input arrives, then the coin falls, then the light changes. */
export type Spot = { board: string; unit: number; phase: 0 | 1 | 2; since: number; input: number; p: number; value: number };

/** A chain that the browser runs itself, and what a person may do to it. */
export interface Walking {
  readonly base: Source; // whose weights, at whose playhead
  readonly begins: Begin[]; // where it can start
  readonly clamp: Float32Array; // known values by unit, NaN where free
  readonly spot: Spot | null;
  readonly moment: Frame | null; // the captioned moment of a unit's update
  readonly learning: "" | "never" | "ready"; // "": the model has no such action; never: nothing trains here
  readonly paints: boolean; // there is a board to paint on
  readonly grains: Grain[]; // how much a step may be
  readonly words: string; // how it stands
  chains: number;
  seed: number;
  temperature: number;
  grain: Grain;
  flips: number; // share of the units that are turned at the start from data
  slow: boolean;
  view: WalkView; // what a link keeps
  start(from: Begin): void;
  sweeps(count: number): void; // from the data, so many and no more
  paint(unit: number, value: number, hold?: boolean): void; // NaN frees it; without hold the chain may change it again
  put(state: number[]): void; // the first chain, there
  stands(unit: number): number; // how it stands in the first chain
  free(): void;
  learn(): Promise<string>;
}
export type WalkView = {
  chains?: number;
  seed?: number;
  temperature?: number;
  grain?: Grain;
  begin?: Begin;
  flips?: number;
  clamp?: string; // "0-27+,40-": units 0 to 27 are on, 40 is off
};

export type Asked = {
  seed: number;
  settings: Record<string, Setting>;
  clamp: (number | null)[] | null;
  forgotten?: string; // of a row too long for `clamp`, the places of what is not known: "0-27+,40+"
};
/** What can be asked of a film, and what it was asked with. */
export interface Darkroom {
  readonly seed: number;
  readonly settings: ReadonlyMap<string, Setting>;
  readonly clamp: Float32Array | null; // a row of known values, NaN where free
  forgotten: string; // what a link says of the chosen row, until that is there
  readonly loading: boolean;
  renew(): void; // other noise
  set(name: string, value: Setting): void;
  pin(row: Float32Array | null): void;
  stop(): void; // enough of it has come
  asked(): Asked; // for a link
  restore(asked: Asked): void;
}

/** A timeline that can be watched: a live run or a shipped pretrained one. One object per id on `window`, shared by all mounts. */
export interface Source {
  readonly id: string; // "run:<id>" | "pretrained:<name>" | "film:<source>/<panel>" | "walk:<source>/<program>" | "race:<source>" | "damage:<source>"
  readonly film: Darkroom | null; // of a film: its steps are chain steps
  readonly walk: Walking | null; // of a chain that runs here
  readonly race?: Race | null; // of several samplers that run here side by side
  readonly damage?: Damage | null; // of recalls that are painted here
  readonly base?: Source; // of a film or a walk: the recording it begins from
  readonly scene: Scene | null; // null until the layout record arrived
  readonly frames: Frame[]; // ascending steps
  readonly shots: Frame[]; // captioned slow-motion moments, oldest first; only of the current slow motion
  readonly metrics: Map<string, Metric>;
  readonly status: Status;
  readonly info: Record<string, unknown>; // the journal's opening line: model, knobs, data, seed …
  readonly edits: { step: number; verb: string; args: unknown }[];
  readonly problem: string; // in plain words, "" when all is well (connection lost, reconnecting; not found …)
  playhead: number; // in training steps, fractional while playing; set through `seek`
  following: boolean; // the playhead sticks to the newest frame
  playing: boolean; // playback of what is recorded (training itself is status.state)
  speed: number; // 0.25, 0.5, 1, 2, 4
  cursor: Float32Array | null; // the code under the pointer (length scene.latent)
  readonly version: number; // grows with every change but that of the cursor
  axes: [number, number]; // which two code dimensions the latent pane shows
  selection: number; // index of the selected point, −1 for none
  seen(): void; // it is being drawn: what is computed on demand is wanted
  seek(step: number): void; // stops following unless at the end
  play(on?: boolean): void;
  /** The two frames round the playhead and the share of the second: for interpolation. */
  around(): { a: Frame; b: Frame; mix: number } | null;
  /** The step of the newest weights at or before the playhead; null while there are none. A shipped recording has one set. */
  keyframe(): number | null;
  /** A compiled client program with the weights of the newest keyframe at or before the playhead, or of an earlier one; null
   *  until some are there. Calling it starts the fetch, at most two a second, while somebody attends, it plays, or the playhead
   *  rests. */
  program(name: string): Program | null;
  /** Somebody is at a picture that is decoded, until the function that is returned is called. */
  attend(): () => void;
  /** A panel computed by the server for the selected point at the playhead's keyframe; cached; null while it is on its way. */
  ask(panel: string, point: number): Pane[] | { error: string } | null;
  /** Resolves when what the last picture asked for has come: weights of its step, answers of the server. */
  settled?(): Promise<void>;
  /** Commands to the run: play(until), pause, step(n), slow(on), stop. Resolves with "" or the error. */
  send(verb: "play" | "pause" | "step" | "slow" | "stop" | "edit", args?: Record<string, unknown>): Promise<string>;
  /** Called after any change that may need a redraw; returns the unsubscriber. */
  listen(redraw: () => void): () => void;
  changed(): void; // asks every mount for a redraw
  retain(): () => void; // reference count; the last release closes the subscription
}
