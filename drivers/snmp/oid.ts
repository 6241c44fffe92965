/** Orders dotted OIDs (or index parts of OIDs) by their arcs, as SNMP does. */
export function compareOids(left: string, right: string): number {
  const a = left.split(".");
  const b = right.split(".");
  const shared = Math.min(a.length, b.length);
  for (let arc = 0; arc < shared; arc++) {
    const difference = Number(a[arc]) - Number(b[arc]);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether `oid` is an instance below `column` (not the column itself). */
export function isBelow(oid: string, column: string): boolean {
  return oid.length > column.length + 1 && oid.charCodeAt(column.length) === 46 && oid.startsWith(column);
}

/** The index part of an instance OID; the caller has checked isBelow. */
export function indexBelow(oid: string, column: string): string {
  return oid.slice(column.length + 1);
}
