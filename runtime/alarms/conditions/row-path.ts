/** Tables that speak of the same things share a name in paths, so that their alarms are about one resource. */
const resources: readonly (readonly [RegExp, string])[] = [
  [/^(IF-MIB:|EtherLike-MIB:)/, "interface"],
  [/:hrStorageTable$/, "volume"],
  [/:(dskTable|raidTable|volumeTable|systemVolumeTable|virtualDiskTable|cpqDaLogDrvTable)$/, "volume"],
  [/:(diskTable|systemHdTable|physicalDiskTable|cpqDaPhyDrvTable)$/, "disk"],
  [/:prtMarkerSuppliesTable$/, "supply"],
  [/:prtInputTable$/, "tray"],
  [/ensor/, "sensor"],
  [/[Ff]an/, "fan"],
];

/** `interface/Gi1/0/3`, `volume//data`; "" for a scalar row. */
export function rowPath(table: string, rowKey: string, prefix?: string): string {
  if (rowKey === "") return "";
  const name = prefix ?? resources.find(([pattern]) => pattern.test(table))?.[1] ?? table.slice(table.indexOf(":") + 1);
  return `${name}/${rowKey}`;
}
