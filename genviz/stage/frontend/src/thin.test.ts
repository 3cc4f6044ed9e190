import { expect, it } from "vitest";
import { thin } from "./thin";

const history = (n: number) => ({
  steps: Array.from({ length: n }, (_, i) => i),
  values: Array.from({ length: n }, (_, i) => (i === 70_000 ? 1000 : i % 2)),
});

it("a long history becomes few runs that keep its means and its outliers", () => {
  const { x, y, lo, hi, stride } = thin(history(100_000));
  expect([x.length <= 2048, x.length * stride >= 100_000, stride]).toEqual([true, true, 64]);
  expect([x[0], y[0], lo[0], hi[0]]).toEqual([31.5, 0.5, 0, 1]);
  expect(hi[Math.floor(70_000 / stride)]).toBe(1000);
});

it("grows with its metric, whatever it has already read, and never reads it again", () => {
  const whole = history(9000);
  const metric = { steps: whole.steps.slice(0, 1), values: whole.values.slice(0, 1) };
  let reads = 0;
  const counted = new Proxy(metric.values, {
    get: (list, key, self) => {
      if (typeof key === "string" && /^\d/.test(key)) reads++;
      return Reflect.get(list, key, self);
    },
  });
  const watched = { steps: metric.steps, values: counted };
  for (let i = 1; i < 9000; i++) {
    metric.steps.push(whole.steps[i]);
    metric.values.push(whole.values[i]);
    if (i % 100 === 0) thin(watched);
  }
  expect(thin(watched).y).toEqual(thin(whole).y);
  reads = 0;
  for (let i = 0; i < 50; i++) thin(watched);
  expect(reads).toBeLessThan(200); // a seek looks at the end alone
});

it("a resumed run that goes over its end again is read anew", () => {
  const metric = history(10);
  thin(metric);
  metric.values.splice(5, 5, 7, 7, 7, 7, 7);
  expect(thin(metric).y.slice(4)).toEqual([0, 7, 7, 7, 7, 7]);
});
