// What chains tell of themselves: autocorrelation, effective sample size and split R-hat, as arviz computes them (Vehtari et al.
// 2021, after Geyer 1992). Transforms are dear, so that they pause: a caller runs them for as long as it has time.

/** Runs to the end what may pause. */
export function finish<T>(work: Generator<void, T>): T {
  for (let next = work.next(); ; next = work.next()) if (next.done) return next.value;
}

/** Both halves of each chain; of an odd number of draws the middle one belongs to none. */
export function halves(chains: ArrayLike<number>[]): Float64Array[] {
  return chains.flatMap((chain) => {
    const n = chain.length >> 1;
    const all = chain instanceof Float64Array ? chain : Float64Array.from(chain);
    return [all.subarray(0, n), all.subarray(all.length - n)];
  });
}

/** ρ pooled over chains, about the mean of all: chains that stay in different places are correlated for ever. */
export function* correlation(chains: ArrayLike<number>[], lags: number): Generator<void, Float64Array> {
  const centre = mean(Float64Array.from(chains, (chain) => mean(chain)));
  const covariance = yield* autocovariance(chains, centre);
  const some = covariance.subarray(0, lags);
  return covariance[0] > 0 ? some.map((value) => value / covariance[0]) : some.fill(1);
}

type Moments = { means: Float64Array; within: number; between: number; draws: number };

/** Mean variance within chains, variance of their means. */
function* moments(chains: ArrayLike<number>[]): Generator<void, Moments> {
  const draws = chains[0]?.length ?? 0;
  let within = 0;
  const means = new Float64Array(chains.length);
  for (const [k, chain] of chains.entries()) {
    means[k] = mean(chain);
    let sum = 0;
    for (let i = 0; i < draws; i++) sum += (chain[i] - means[k]) ** 2;
    within += sum / (draws - 1) / chains.length;
    yield;
  }
  return { means, within, between: variance(means), draws };
}

const mean = (x: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i];
  return sum / x.length;
};

function variance(x: ArrayLike<number>): number {
  if (x.length < 2) return 0;
  const centre = mean(x);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] - centre) ** 2;
  return sum / (x.length - 1);
}

/** √(((T − 1)/T · W + B/T) / W) over half chains of T draws; not a number of fewer than four draws. */
export function* splitRhat(chains: ArrayLike<number>[]): Generator<void, number> {
  if ((chains[0]?.length ?? 0) < 4) return Number.NaN;
  const { within, between, draws: t } = yield* moments(halves(chains));
  return Math.sqrt((t - 1) / t + between / within); // B = T · the variance of means
}

/** In place, of 2ᵏ complex numbers (Cooley & Tukey 1965); forth, not divided. */
export function transform(re: Float64Array, im: Float64Array): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    [re[i], re[j]] = [re[j], re[i]];
    [im[i], im[j]] = [im[j], im[i]];
  }
  const [cos, sin] = wheel(n);
  for (let size = 2; size <= n; size *= 2) {
    const [part, stride] = [size / 2, n / size];
    for (let from = 0; from < n; from += size) {
      for (let k = 0, w = 0; k < part; k++, w += stride) {
        const [a, b] = [from + k, from + k + part];
        const x = re[b] * cos[w] - im[b] * sin[w];
        const y = re[b] * sin[w] + im[b] * cos[w];
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}

let spun: [cos: Float64Array, sin: Float64Array] = [new Float64Array(0), new Float64Array(0)];
function wheel(n: number): [Float64Array, Float64Array] {
  if (spun[0].length === n / 2) return spun;
  const angle = (k: number) => (-2 * Math.PI * k) / n;
  spun = [
    Float64Array.from({ length: n / 2 }, (_, k) => Math.cos(angle(k))),
    Float64Array.from({ length: n / 2 }, (_, k) => Math.sin(angle(k))),
  ];
  return spun;
}

/**
 * Mean over chains of 1/n Σ (xᵢ − x̄)(xᵢ₊ₜ − x̄). Two real chains are one complex one: of its spectrum's size the transform back
 * has the sum of both autocovariances as its real part, and of all chains the sizes are added up before that. With `about`, of
 * distances from there instead of from each chain's own mean.
 */
export function* autocovariance(chains: ArrayLike<number>[], about?: number): Generator<void, Float64Array> {
  const n = chains[0]?.length ?? 0;
  let size = 2;
  while (size < 2 * n) size *= 2;
  const power = new Float64Array(size);
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  for (let k = 0; k < chains.length; k += 2) {
    const [a, b] = [chains[k], chains[k + 1]];
    const [ma, mb] = [about ?? mean(a), b ? (about ?? mean(b)) : 0];
    re.fill(0);
    im.fill(0);
    for (let i = 0; i < n; i++) re[i] = a[i] - ma;
    if (b) for (let i = 0; i < n; i++) im[i] = b[i] - mb;
    transform(re, im);
    for (let i = 0; i < size; i++) power[i] += re[i] * re[i] + im[i] * im[i];
    yield;
  }
  im.fill(0);
  transform(power, im); // of a real spectrum back is forth, mirrored: its real part is the same
  return power.subarray(0, n).map((value) => value / (size * n * chains.length));
}

/** Effective draws among all: split chains, Geyer's initial monotone sequence. */
export function* effective(chains: ArrayLike<number>[]): Generator<void, number> {
  if ((chains[0]?.length ?? 0) < 4) return Number.NaN;
  const parts = halves(chains);
  const { means, draws: n } = yield* moments(parts);
  const total = parts.length * n;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const part of parts) {
    for (const value of part) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    yield;
  }
  if (high - low < 1e-15) return total;
  const covariance = yield* autocovariance(parts);
  const within = (covariance[0] * n) / (n - 1);
  const all = covariance[0] + (parts.length > 1 ? variance(means) : 0);
  const rho = (t: number) => 1 - (within - covariance[t]) / all;
  const kept = new Float64Array(n);
  let [even, odd, t] = [1, rho(1), 1];
  kept[0] = 1;
  kept[1] = odd;
  while (t < n - 3 && even + odd > 0) {
    [even, odd] = [rho(t + 1), rho(t + 2)];
    if (even + odd >= 0) {
      kept[t + 1] = even;
      kept[t + 2] = odd;
    }
    t += 2;
  }
  const last = t - 2;
  if (even > 0) kept[last + 1] = even;
  for (t = 1; t <= last - 2; t += 2) {
    if (kept[t + 1] + kept[t + 2] <= kept[t - 1] + kept[t]) continue;
    kept[t + 1] = (kept[t - 1] + kept[t]) / 2;
    kept[t + 2] = kept[t + 1];
  }
  let sum = 0;
  for (let k = 0; k <= last; k++) sum += kept[k];
  const tau = Math.max(-1 + 2 * sum + kept[last + 1], 1 / Math.log10(total));
  return total / tau;
}
