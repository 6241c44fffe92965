/** Compares versions like 1.10.0 and 1.10.0-rc.1: negative when `a` is older. A pre-release is older than its release. */
export function compareVersions(a: string, b: string): number {
  const [numbersA = "", preA] = split(a);
  const [numbersB = "", preB] = split(b);
  const byNumbers = compareParts(numbersA, numbersB);
  if (byNumbers !== 0) return byNumbers;
  if (preA === undefined || preB === undefined) return preA === preB ? 0 : preA === undefined ? 1 : -1;
  return compareParts(preA, preB);
}

function split(version: string): readonly [string, string | undefined] {
  const dash = version.indexOf("-");
  return dash < 0 ? [version, undefined] : [version.slice(0, dash), version.slice(dash + 1)];
}

function compareParts(a: string, b: string): number {
  const partsA = a.split(".");
  const partsB = b.split(".");
  for (let i = 0; i < Math.max(partsA.length, partsB.length); i++) {
    const one = partsA[i] ?? "";
    const other = partsB[i] ?? "";
    if (one === other) continue;
    const isNumber = /^\d+$/.test(one) && /^\d+$/.test(other);
    return isNumber ? Number(one) - Number(other) || 0 : one < other ? -1 : 1;
  }
  return 0;
}
