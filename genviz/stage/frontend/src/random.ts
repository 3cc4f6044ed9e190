// Chance that can be had again: a draw is a function of (seed, chain, step, its number), whatever was drawn before it.
// Philox4x32-10: Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as 1, 2, 3 (SC 2011).

const [M0, M1] = [0xd2511f53, 0xcd9e8d57];
const [W0, W1] = [0x9e3779b9, 0xbb67ae85];

/** The upper 32 bits of a product of two 32-bit numbers, the second in halves. */
function high(a: number, b0: number, b1: number): number {
  const [a0, a1] = [a & 0xffff, a >>> 16];
  const u = a1 * b0 + ((a0 * b0) >>> 16);
  const v = a0 * b1 + (u & 0xffff);
  return (a1 * b1 + (u >>> 16) + (v >>> 16)) | 0;
}

/** Four 32-bit numbers from four of a counter and two of a key, in place. */
export function philox(c: Uint32Array, k0: number, k1: number): void {
  let [c0, c1, c2, c3] = c;
  for (let round = 0; round < 10; round++) {
    const [h0, l0] = [high(c0, M0 & 0xffff, M0 >>> 16), Math.imul(M0, c0)];
    const [h1, l1] = [high(c2, M1 & 0xffff, M1 >>> 16), Math.imul(M1, c2)];
    c0 = h1 ^ c1 ^ k0;
    c1 = l1;
    c2 = h0 ^ c3 ^ k1;
    c3 = l0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  c[0] = c0;
  c[1] = c1;
  c[2] = c2;
  c[3] = c3;
}

/** The draws of one step of one chain, one after the other; `turn` goes to another. */
export class Chance {
  private readonly block = new Uint32Array(4);
  private chain = 0;
  private step = 0;
  private drawn = 0;
  private spare = Number.NaN; // the second of two normal numbers

  constructor(readonly seed: number) {}

  turn(chain: number, step: number): this {
    this.chain = chain;
    this.step = step;
    this.drawn = 0;
    this.spare = Number.NaN;
    return this;
  }

  /** Uniform on (0, 1), never an end of it. */
  readonly uniform = (): number => {
    const { block, drawn } = this;
    if (drawn % 4 === 0) {
      block[0] = drawn >>> 2;
      block[1] = this.step;
      block[2] = this.chain;
      block[3] = 0;
      philox(block, this.seed, 0);
    }
    this.drawn++;
    return (block[drawn % 4] + 0.5) / 4294967296;
  };

  /** Standard normal (Box & Muller 1958). */
  readonly noise = (): number => {
    if (!Number.isNaN(this.spare)) {
      const kept = this.spare;
      this.spare = Number.NaN;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
