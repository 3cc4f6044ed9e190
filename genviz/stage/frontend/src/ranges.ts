// Which units hold what, short enough for a link: the clamp of a chain, the forgotten part of a picture.

/** "0-27+,40-": what a clamp holds, in short. */
export function ranges(clamp: Float32Array): string {
  const parts: string[] = [];
  for (let i = 0; i < clamp.length; i++) {
    if (Number.isNaN(clamp[i])) continue;
    let end = i;
    while (end + 1 < clamp.length && clamp[end + 1] === clamp[i]) end++;
    parts.push(`${i === end ? i : `${i}-${end}`}${clamp[i] ? "+" : "-"}`);
    i = end;
  }
  return parts.join();
}

export function unranged(text: string, clamp: Float32Array): void {
  clamp.fill(Number.NaN);
  for (const part of text.split(",")) {
    const [, from, to, sign] = /^(\d+)(?:-(\d+))?([+-])$/.exec(part) ?? [];
    if (!sign) continue;
    for (let i = Number(from); i <= Math.min(Number(to ?? from), clamp.length - 1); i++) clamp[i] = Number(sign === "+");
  }
}
