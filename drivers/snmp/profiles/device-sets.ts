import { builtInSets } from "../metric-sets/built-in-sets.ts";
import type { Cadence, ColumnDefinition, MetricSet, TableDefinition } from "../metric-sets/metric-set.ts";
import type { Exchange } from "../session/exchange.ts";
import { deviceTable } from "./device-table.ts";
import { enumerationName } from "./enumeration-names.ts";
import { type Found, findScalars, firstBelow } from "./find-instances.ts";
import type { InheritedEntry, WholeProfile } from "./inherit.ts";
import type { Match } from "./match-profiles.ts";
import type { ProfileSymbol, Tag } from "./profile.ts";
import { columnOf } from "./symbol-column.ts";
import { fixedLabel, labelOf } from "./tag-label.ts";
import { UnitTable } from "./units.ts";

const units = new UnitTable(builtInSets);
const builtInTables: ReadonlySet<string> = new Set(builtInSets.flatMap((set) => set.tables.map(({ table }) => table)));
/** `OID metric` of what is polled anyway. */
const builtInColumns: ReadonlySet<string> = new Set(
  builtInSets.flatMap((set) =>
    set.tables.flatMap(({ columns }) => columns.flatMap(({ oid, fallback, metric }) => [`${oid} ${metric}`, `${fallback} ${metric}`])),
  ),
);

/** A symbol in the place where it was found. */
interface Placed {
  readonly entry: InheritedEntry;
  readonly symbol: ProfileSymbol;
  readonly found: Found;
}

/** Sets of the profiles of one device, of what it really answers. @throws GatewayError driver.* when the agent stops answering */
export async function resolveSets(matches: readonly Match[], exchange: Exchange): Promise<readonly MetricSet[]> {
  const names = new Set(builtInTables);
  const sets: MetricSet[] = [];
  for (const { profile } of matches) sets.push(await resolveSet(profile, names, exchange));
  return sets.filter((set) => set.tables.length > 0);
}

async function resolveSet(profile: WholeProfile, names: Set<string>, exchange: Exchange): Promise<MetricSet> {
  const scalars = profile.entries.filter((entry) => !isTable(entry));
  const rows = profile.entries.filter(isTable);
  const scalarOids = scalars.flatMap(({ symbols }) => symbols.flatMap(({ oid }) => oid ?? []));
  const tagOids = profile.deviceTags.map(({ from }) => from.oid);
  const found = await findScalars([...scalarOids, ...tagOids], exchange);
  const columns = await firstBelow(rows.flatMap(columnsAsked), exchange);
  const placedScalars = place(scalars, (symbol) => (symbol.oid === undefined ? undefined : found.get(symbol.oid)));
  const placedRows = place(rows, (symbol, entry) => {
    const column = symbol.oid ?? firstTagColumn(entry.tags, columns);
    const sample = column === undefined ? undefined : columns.get(column);
    return column === undefined || sample === undefined ? undefined : { is: "column", column, sample };
  });
  const unique = (name: string): string => uniqueName(name, profile.name, names);
  const device = deviceTable(profile, found);
  return {
    name: setName(profile.name),
    title: profile.title ?? profile.name,
    tables: [
      ...scalarTables(profile, placedScalars, unique),
      ...rowTables(profile, placedRows, unique),
      ...(device === undefined ? [] : [{ ...device, table: unique(device.table) }]),
    ],
  };
}

/** Settings name sets by these characters. */
export function setName(profile: string): string {
  return (
    profile
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, "-")
      .replace(/^-+/, "")
      .slice(0, 63) || "profile"
  );
}

function isTable({ table, tags }: InheritedEntry): boolean {
  return table !== undefined || tags.length > 0;
}

function columnsAsked({ symbols, tags }: InheritedEntry): readonly string[] {
  const tagOids = tags.flatMap(({ from }) => (from.is === "column" ? [from.oid] : []));
  return [...symbols.flatMap(({ oid }) => oid ?? []), ...tagOids];
}

/** Rows of a symbol without an OID are those of the first tag that is a column of this table. */
function firstTagColumn(tags: readonly Tag[], columns: ReadonlyMap<string, unknown>): string | undefined {
  for (const { from } of tags) if (from.is === "column" && from.slices === undefined && columns.has(from.oid)) return from.oid;
  return undefined;
}

/**
 * Of symbols with the same name (in the same table) the first that answers counts: the profile's own before what it extends, then the
 * longer OID, then the order of the file.
 */
function place(entries: readonly InheritedEntry[], find: (symbol: ProfileSymbol, entry: InheritedEntry) => Found | undefined): Placed[] {
  const wanted = entries.flatMap((entry) => entry.symbols.map((symbol) => ({ entry, symbol })));
  wanted.sort(
    (left, right) => left.entry.distance - right.entry.distance || (right.symbol.oid?.length ?? 0) - (left.symbol.oid?.length ?? 0),
  );
  const taken = new Set<string>();
  const placed: Placed[] = [];
  for (const { entry, symbol } of wanted) {
    const key = `${entry.table ?? ""} ${symbol.name}`;
    if (taken.has(key)) continue;
    const found = find(symbol, entry);
    if (found === undefined || builtInColumns.has(`${found.column} ${symbol.name}`)) continue;
    taken.add(key);
    placed.push({ entry, symbol, found });
  }
  return placed;
}

function scalarTables(profile: WholeProfile, placed: readonly Placed[], unique: (name: string) => string): TableDefinition[] {
  const groups = groupBy(placed, ({ entry, symbol, found }) =>
    found.is === "instance"
      ? [found.index, cadenceOf(symbol), entry.mib, JSON.stringify(entry.staticTags)].join(" ")
      : `column ${found.column} ${symbol.name}`,
  );
  return groups.map((members): TableDefinition => {
    const [first] = members;
    const mib = first.entry.mib ?? profile.name;
    const columns = members.map((member) => columnFor(profile, member));
    const fixedLabels = { ...profile.staticTags, ...first.entry.staticTags };
    const cadence = cadenceOf(first.symbol);
    if (first.found.is === "column") {
      const labels = Object.entries(fixedLabels).map(([name, text]) => fixedLabel(name, text));
      return { table: unique(`${mib}:${first.symbol.name}`), cadence, columns, labels };
    }
    const { index } = first.found;
    return {
      table: unique(`${mib}:scalars`),
      cadence,
      scalars: true,
      columns,
      ...(index !== "0" && { instance: index }),
      ...(Object.keys(fixedLabels).length > 0 && { fixedLabels }),
    };
  });
}

function rowTables(profile: WholeProfile, placed: readonly Placed[], unique: (name: string) => string): TableDefinition[] {
  const groups = groupBy(placed, ({ entry, symbol }) =>
    [
      entry.mib,
      entry.table ?? entry.line,
      cadenceOf(symbol),
      tagsKey(entry.tags),
      JSON.stringify(entry.staticTags),
      filterKey(symbol),
    ].join(" "),
  );
  return groups.map((members): TableDefinition => {
    const [{ entry, symbol }] = members;
    const tags = dedupeTags(entry.tags);
    const fixed = Object.entries({ ...profile.staticTags, ...entry.staticTags });
    const skip = [
      ...tags.filter(({ rowFilter }) => rowFilter.length > 0).map(({ name, rowFilter }) => ({ label: name, unless: rowFilter })),
      ...(symbol.rowFilter.length > 0 && tags[0] !== undefined ? [{ label: tags[0].name, unless: symbol.rowFilter }] : []),
    ];
    return {
      table: unique(`${entry.mib ?? profile.name}:${entry.table ?? symbol.name}`),
      cadence: cadenceOf(symbol),
      columns: members.map((member) => columnFor(profile, member)),
      labels: [...tags.map(labelOf), ...fixed.map(([name, text]) => fixedLabel(name, text))],
      ...(skip.length > 0 && { skip }),
    };
  });
}

function columnFor(profile: WholeProfile, { symbol, found }: Placed): ColumnDefinition {
  const place = { oid: found.column, metric: symbol.name, enumeration: enumerationName(profile.name, symbol.name) };
  return columnOf(symbol, place, found.sample, units);
}

/** A label has one value: of tags of the same name the first counts. */
function dedupeTags(tags: readonly Tag[]): readonly Tag[] {
  const names = new Set<string>();
  return tags.filter(({ name }) => !names.has(name) && names.add(name));
}

function tagsKey(tags: readonly Tag[]): string {
  return tags.map(({ name, from }) => (from.is === "index" ? `${name}#${from.arc}` : `${name}=${from.oid}`)).join(",");
}

function filterKey({ rowFilter }: ProfileSymbol): string {
  return rowFilter.map(({ source }) => source).join(",");
}

const liveUpToS = 60;
const slowUpToS = 600;

function cadenceOf({ pollIntervalS }: ProfileSymbol): Cadence {
  if (pollIntervalS === undefined || pollIntervalS <= liveUpToS) return "live";
  return pollIntervalS <= slowUpToS ? "slow" : "rare";
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly [T, ...T[]])[] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

function uniqueName(name: string, profile: string, taken: Set<string>): string {
  let candidate = name.slice(0, 120);
  if (taken.has(candidate)) candidate = `${candidate}@${profile}`;
  for (let count = 2; taken.has(candidate); count++) candidate = `${name.slice(0, 120)}@${profile}#${count}`;
  taken.add(candidate);
  return candidate;
}
