import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSnmpEngine } from "../../drivers/snmp/engine/engine.ts";
import { createReferenceEngine } from "../../drivers/snmp/reference/reference-engine.ts";
import { datagramBunches } from "../../runtime/host/datagram-bunches.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import type { SnmpCredential } from "../../runtime/model/equipment.ts";
import type { SnmpEngine, SnmpSession, TableColumn, Varbind } from "../../runtime/ports/snmp.ts";
import { peer } from "../peers.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { asDebianPrints, authKey, debianAccess, debianWalk, privKey, Snmpd } from "./snmp-peers.ts";

const clock = new SystemClock(() => true);
const signal = new AbortController().signal;
const snmpd = new Snmpd();

const implementations: readonly (readonly [string, () => SnmpEngine])[] = [
  // With bunches, as `gatehouse run` has it; the engine's own tests do without.
  [
    "our own engine",
    () =>
      createSnmpEngine({
        ...{ clock, entropy: systemEntropy, logger: silentLogger },
        bunches: datagramBunches(process.platform, process.arch),
      }),
  ],
  ["npm net-snmp", () => createReferenceEngine({ clock })],
];

const credentials: readonly (readonly [string, SnmpCredential])[] = [
  ["v1", { version: "1", community: "private" }],
  ["v2c", { version: "2c", community: "private" }],
  ["v3 SHA-1 without privacy", { version: "3", user: "plain", auth: { protocol: "sha1", key: authKey } }],
  ["v3 SHA-1, AES-128", user("old", "sha1")],
  ["v3 SHA-256, AES-128", user("new", "sha256")],
];

function user(name: string, protocol: "sha1" | "sha256"): SnmpCredential {
  return { version: "3", user: name, auth: { protocol, key: authKey }, priv: { protocol: "aes128", key: privKey } };
}

beforeAll(async () => {
  if (!peer("snmpd").available || !peer("snmpbulkwalk").available) return;
  await snmpd.start([
    `createUser plain SHA ${authKey}`,
    `createUser old SHA ${authKey} AES ${privKey}`,
    `createUser new SHA-256 ${authKey} AES ${privKey}`,
  ]);
});
afterAll(() => snmpd.dispose());

async function walkAll(session: SnmpSession, root: string): Promise<readonly Varbind[]> {
  const rows: Varbind[] = [];
  const limits = { maxRows: 10_000, maxRequests: 10_000, deadlineMs: clock.monotonicMs() + 20_000 };
  for await (const batch of session.walk(root, limits, signal)) rows.push(...batch);
  return rows;
}

/** Present values, counters as numbers. */
function valuesOf(column: TableColumn | undefined): readonly unknown[] {
  const values: unknown[] = [];
  for (const [row, value] of (column?.value ?? []).entries()) {
    if (column?.present[row] === 1) values.push(typeof value === "bigint" ? Number(value) : value);
    else values.push(undefined);
  }
  return values;
}

function textOf(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
}

const missing = [peer("snmpd"), peer("snmpbulkwalk")].map(({ reason }) => reason).join(" ");

for (const [name, create] of implementations) {
  for (const [access, credential] of credentials) {
    describe.skipIf(missing.trim() !== "")(`${name} and snmpd by ${access} ${missing}`, () => {
      let engine: SnmpEngine;
      let session: SnmpSession;

      beforeAll(() => {
        engine = create();
        session = engine.open({ address: "127.0.0.1", port: snmpd.port, credential, timeoutMs: 2000, retries: 1 });
      });
      afterAll(() => engine.close());

      it("reads single values in the order asked, and says which are not there", async () => {
        const varbinds = await session.get(["1.3.6.1.2.1.1.6.0", "1.3.6.1.2.1.1.99.0", "1.3.6.1.2.1.1.7.0"], signal);
        expect(varbinds.map(({ oid }) => oid)).toEqual(["1.3.6.1.2.1.1.6.0", "1.3.6.1.2.1.1.99.0", "1.3.6.1.2.1.1.7.0"]);
        expect(varbinds[0]).toMatchObject({ type: "octet-string", value: new Uint8Array(Buffer.from("shelf 3")) });
        expect(varbinds[1]?.type).toMatch(/^no-such-/);
        expect(varbinds[2]).toMatchObject({ type: "integer", value: 72 });
      });

      it("reads what comes after an OID", async () => {
        const varbinds = await session.getNext(["1.3.6.1.2.1.1.6", "1.3.6.1.2.1.1.7.0"], signal);
        expect(varbinds.map(({ oid }) => oid)).toEqual(["1.3.6.1.2.1.1.6.0", "1.3.6.1.2.1.1.8.0"]);
      });

      it.each(["1.3.6.1.2.1.1.9", "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.4.34", "1.3.6.1.6.3.16"])(
        "walks %s as Debian's tool does",
        async (root) => {
          const rows = await walkAll(session, root);
          expect(rows.map(asDebianPrints)).toEqual(debianWalk(snmpd.port, debianAccess(credential), root));
          expect(rows.length).toBeGreaterThan(0);
        },
      );

      it("walks several roots together as it walks each, whatever is not there", async () => {
        const roots = ["1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.99", "1.3.6.1.2.1.1.9.1", "1.3.6.1.2.1.4.34.1.3", "1.3.6.1.4.1.9.9.23"];
        const found = roots.map((): unknown[] => []);
        const limits = { maxRequests: 10_000, deadlineMs: clock.monotonicMs() + 20_000 };
        const walk = session.walkTogether?.(
          roots.map((oid) => ({ oid, maxRows: 10_000 })),
          limits,
          signal,
        );
        for await (const parts of walk ?? [])
          for (const { root, cells, failure } of parts) {
            expect(failure).toBeUndefined();
            found[root]?.push(...cells.map(({ index, value }) => [`${roots[root]}.${index}`, value]));
          }
        const alone = [];
        for (const root of roots) alone.push((await walkAll(session, root)).map(({ oid, value }) => [oid, value]));
        expect(found).toEqual(alone);
        expect(found.map((rows) => rows.length > 0)).toEqual([true, false, true, true, false]);
      });

      it("reads a table into typed columns that hold the same as single reads", async () => {
        const columns = [
          { oid: "1.3.6.1.2.1.2.2.1.2", as: "text" },
          { oid: "1.3.6.1.2.1.2.2.1.4", as: "number" },
          { oid: "1.3.6.1.2.1.2.2.1.5", as: "counter" },
          { oid: "1.3.6.1.2.1.2.2.1.6", as: "bytes" },
          { oid: "1.3.6.1.2.1.2.2.1.99", as: "number" },
        ] as const;
        const rows = (await walkAll(session, "1.3.6.1.2.1.2.2.1.1")).map(({ oid }) => oid.split(".").at(-1) ?? "");
        const answer = await session.readTable({ table: "interfaces", columns, rows }, clock.monotonicMs() + 10_000, signal);
        expect(answer).toMatchObject({ complete: true, changed: false, vanished: 0 });
        for (const [index, { oid }] of columns.entries()) {
          const single = await session.get(
            rows.map((row) => `${oid}.${row}`),
            signal,
          );
          const column = answer.columns[index];
          expect(rows.map((_, row) => column?.present[row])).toEqual(single.map(({ type }) => (type.startsWith("no-such-") ? 0 : 1)));
          expect(valuesOf(column)).toEqual(single.map(({ value }) => (column?.as === "text" ? textOf(value) : value)));
        }
      });

      it("writes a value and reads it back", async () => {
        const value = new Uint8Array(Buffer.from("ops@example.net"));
        const written = { oid: "1.3.6.1.2.1.1.4.0", type: "octet-string", value } as const;
        expect(await session.set([written], signal)).toMatchObject([{ oid: written.oid }]);
        expect(await session.get([written.oid], signal)).toEqual([written]);
      });

      it("says that a value cannot be written", async () => {
        const failed = session.set([{ oid: "1.3.6.1.2.1.1.3.0", type: "timeticks", value: 1 }], signal);
        await expect(failed).rejects.toMatchObject({ code: "driver.refused" });
      });

      it("says that a subtree ends at a limit", async () => {
        const limits = { maxRows: 3, maxRequests: 100, deadlineMs: clock.monotonicMs() + 10_000 };
        const rows: Varbind[] = [];
        const walking = (async () => {
          for await (const batch of session.walk("1.3.6.1.2.1.1", limits, signal)) rows.push(...batch);
        })();
        await expect(walking).rejects.toMatchObject({ code: "driver.limit" });
        expect(rows.length).toBeGreaterThanOrEqual(3);
      });
    });
  }
}
