/** The workload of all clients: the interface counters of 48-port switches, 20 columns of ifTable and ifXTable, 960 values a switch and cycle. */
export const rows: readonly string[] = Array.from({ length: 48 }, (_, port) => String(10101 + port));

const ifEntry = "1.3.6.1.2.1.2.2.1";
const ifXEntry = "1.3.6.1.2.1.31.1.1.1";

/** ifOperStatus, ifAdminStatus as numbers, all others as counters; 8 of ifTable, 12 of ifXTable. */
export const columns: readonly { readonly oid: string; readonly as: "number" | "counter" }[] = [
  ...[7, 8].map((column) => ({ oid: `${ifEntry}.${column}`, as: "number" as const })),
  ...[10, 13, 14, 16, 19, 20].map((column) => ({ oid: `${ifEntry}.${column}`, as: "counter" as const })),
  ...[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].map((column) => ({ oid: `${ifXEntry}.${column}`, as: "counter" as const })),
];

export const valuesPerSwitch: number = rows.length * columns.length;

/** v3 user of the simulated switches; made up, and therefore no secret. */
export const benchUser = {
  version: "3",
  user: "bench",
  auth: { protocol: "sha1", key: "benchauth123" },
  priv: { protocol: "aes128", key: "benchpriv123" },
} as const;

export type Mode = "2c" | "3";

/** What a client prints as its last line. */
export interface ClientResult {
  readonly values: number;
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly requests: number;
  readonly wrong: number;
}
