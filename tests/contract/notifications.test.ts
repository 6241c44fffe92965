import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TrapReceiver, type TrapReceiverOptions } from "../../drivers/notifications/trap-receiver.ts";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import type { SnmpCredential } from "../../runtime/model/equipment.ts";
import { CollectingSink, equipmentId, type RunningUnit, startReceiver } from "../drivers/notifications/receiving.ts";
import { until } from "../drivers/simulated/running-site.ts";
import { silentLogger } from "../sim/silent-logger.ts";

const haveSnmptrap = spawnSync("snmptrap", ["-V"]).error === undefined;
const run = promisify(execFile);
const linkDown = "1.3.6.1.6.3.1.1.5.3";
const unlimited = { perSecond: 1e6, burst: 1e6 };

const credentials: readonly SnmpCredential[] = [
  { version: "3", user: "sha", auth: { protocol: "sha256", key: "authpass-1" }, priv: { protocol: "aes128", key: "privpass-1" } },
  { version: "3", user: "sha512", auth: { protocol: "sha512", key: "authpass-2" }, priv: { protocol: "aes256", key: "privpass-2" } },
  { version: "3", user: "blumenthal", auth: { protocol: "sha1", key: "authpass-3" }, priv: { protocol: "aes256", key: "privpass-3" } },
  { version: "3", user: "reeder", auth: { protocol: "sha1", key: "authpass-4" }, priv: { protocol: "aes192-cisco", key: "privpass-4" } },
  { version: "3", user: "des", auth: { protocol: "md5", key: "authpass-6" }, priv: { protocol: "des", key: "privpass-6" } },
  { version: "3", user: "md5", auth: { protocol: "md5", key: "authpass-5" } },
  { version: "3", user: "open" },
  // Users of one name, as a site has them whose devices have keys of their own.
  { version: "3", user: "noc", auth: { protocol: "sha256", key: "authpass-7" } },
  { version: "3", user: "noc", auth: { protocol: "sha256", key: "authpass-7" }, priv: { protocol: "aes128", key: "privpass-9" } },
  { version: "3", user: "noc", auth: { protocol: "sha256", key: "authpass-7" }, priv: { protocol: "aes128", key: "privpass-7" } },
  { version: "3", user: "noc", auth: { protocol: "sha512", key: "authpass-8" }, priv: { protocol: "aes128", key: "privpass-8" } },
];

const access: Readonly<Record<string, readonly string[]>> = {
  sha: ["-l", "authPriv", "-u", "sha", "-a", "SHA-256", "-A", "authpass-1", "-x", "AES", "-X", "privpass-1"],
  sha512: ["-l", "authPriv", "-u", "sha512", "-a", "SHA-512", "-A", "authpass-2", "-x", "AES-256", "-X", "privpass-2"],
  blumenthal: ["-l", "authPriv", "-u", "blumenthal", "-a", "SHA", "-A", "authpass-3", "-x", "AES-256", "-X", "privpass-3"],
  reeder: ["-l", "authPriv", "-u", "reeder", "-a", "SHA", "-A", "authpass-4", "-x", "AES-192-C", "-X", "privpass-4"],
  des: ["-l", "authPriv", "-u", "des", "-a", "MD5", "-A", "authpass-6", "-x", "DES", "-X", "privpass-6"],
  md5: ["-l", "authNoPriv", "-u", "md5", "-a", "MD5", "-A", "authpass-5"],
  open: ["-l", "noAuthNoPriv", "-u", "open"],
};

describe.skipIf(!haveSnmptrap)("the trap receiver under Debian's snmptrap (skipped: snmp is not installed)", () => {
  const sink = new CollectingSink();
  let receiver: TrapReceiver;
  let running: RunningUnit;
  const target = () => `127.0.0.1:${running.port}`;
  const varbinds = ["1.3.6.1.2.1.2.2.1.1.7", "i", "7", "1.3.6.1.2.1.2.2.1.8.7", "i", "2", "1.3.6.1.2.1.31.1.1.1.1.7", "s", "gi7"];
  const arrived = async (count: number) => {
    await until(() => sink.count >= count);
    return sink.events.at(-1);
  };

  beforeAll(async () => {
    receiver = new TrapReceiver(receiverOptions(sink, { credentials }));
    running = await startReceiver(receiver);
  });
  afterAll(() => running.stop());

  it("understands a v2c trap and names its variables", async () => {
    const before = sink.count;
    await run("snmptrap", ["-v2c", "-c", "any", target(), "4711", linkDown, ...varbinds]);
    expect(await arrived(before + 1)).toMatchObject({
      type: "trap.linkDown",
      equipment: "sw-1",
      severity: "minor",
      text: "linkDown, ifIndex 7, ifOperStatus down, ifName gi7",
      attributes: {
        trapOid: linkDown,
        version: "2c",
        inform: false,
        upTimeTicks: 4711,
        index: "7",
        tags: { ifIndex: 7, ifOperStatus: "down", ifName: "gi7" },
      },
    });
  });

  it("maps v1 traps, generic and enterprise specific, as RFC 3584 says", async () => {
    const before = sink.count;
    await run("snmptrap", ["-v1", "-c", "any", target(), "1.3.6.1.4.1.32473.1", "10.1.2.3", "2", "0", "42", ...varbinds]);
    expect(await arrived(before + 1)).toMatchObject({
      type: "trap.linkDown",
      attributes: { version: "1", agentAddress: "10.1.2.3", enterprise: "1.3.6.1.4.1.32473.1", upTimeTicks: 42, tags: { ifIndex: 7 } },
    });
    await run("snmptrap", ["-v1", "-c", "any", target(), "1.3.6.1.4.1.32473.9", "0.0.0.0", "6", "17", "42"]);
    const event = await arrived(before + 2);
    expect(event).toMatchObject({ type: "trap.unknown", attributes: { trapOid: "1.3.6.1.4.1.32473.9.0.17" } });
    expect(event?.attributes.agentAddress).toBeUndefined();
  });

  it("acknowledges a v2c inform, and snmptrap is content", async () => {
    const before = sink.count;
    await run("snmptrap", ["-v2c", "-Ci", "-c", "any", "-t", "2", "-r", "0", target(), "1", linkDown, ...varbinds]);
    expect(await arrived(before + 1)).toMatchObject({ type: "trap.linkDown", attributes: { inform: true } });
  });

  it.each(Object.keys(access))("takes a v3 trap of user %s", async (user) => {
    const before = sink.count;
    await run("snmptrap", ["-v3", "-e", "0x8000000001020304", ...(access[user] ?? []), target(), "1", linkDown, ...varbinds]);
    expect(await arrived(before + 1)).toMatchObject({
      type: "trap.linkDown",
      attributes: { version: "3", user, engineId: "8000000001020304", tags: { ifName: "gi7" } },
    });
  });

  it.each(Object.keys(access))("is found by and acknowledges a v3 inform of user %s", async (user) => {
    const before = sink.count;
    await run("snmptrap", ["-v3", "-Ci", "-t", "2", "-r", "1", ...(access[user] ?? []), target(), "1", linkDown, ...varbinds]);
    expect(await arrived(before + 1)).toMatchObject({ type: "trap.linkDown", attributes: { version: "3", inform: true, user } });
    expect(sink.count).toBe(before + 1);
  });

  it.each([
    ["SHA-256", "authpass-7", "privpass-7"],
    ["SHA-256", "authpass-7", "privpass-9"],
    ["SHA-512", "authpass-8", "privpass-8"],
  ])("tells users of one name apart by their keys: %s %s %s", async (protocol, authKey, privKey) => {
    const before = sink.count;
    const keys = ["-l", "authPriv", "-u", "noc", "-a", protocol, "-A", authKey, "-x", "AES", "-X", privKey];
    await run("snmptrap", ["-v3", "-e", "0x8000000001020305", ...keys, target(), "1", linkDown, ...varbinds]);
    await arrived(before + 1);
    await run("snmptrap", ["-v3", "-Ci", "-t", "2", "-r", "1", ...keys, target(), "1", linkDown, ...varbinds]);
    expect(await arrived(before + 2)).toMatchObject({ attributes: { version: "3", inform: true, user: "noc" } });
  });

  it("refuses a wrong key and an unknown user, and tells the sender of an inform", async () => {
    const before = sink.count;
    const refused = receiver.counters.refused;
    const wrongKey = (access.sha ?? []).map((word) => (word === "authpass-1" ? "authpass-9" : word));
    const inform = ["-v3", "-Ci", "-t", "1", "-r", "0"];
    await expect(run("snmptrap", [...inform, ...wrongKey, target(), "1", linkDown])).rejects.toThrow(/[Aa]uthentication failure/);
    await expect(run("snmptrap", [...inform, "-l", "noAuthNoPriv", "-u", "nobody", target(), "1", linkDown])).rejects.toThrow(
      /[Uu]nknown user/,
    );
    await run("snmptrap", ["-v3", "-e", "0x8000000001020304", ...wrongKey, target(), "1", linkDown]);
    await until(() => receiver.counters.refused >= refused + 3);
    expect(sink.count).toBe(before);
  });

  it("refuses a v3 trap from a clock that went back: a replay", async () => {
    const send = (boots: number, timeS: number) =>
      run("snmptrap", ["-v3", "-e", "0x8000000099020304", "-Z", `${boots},${timeS}`, ...(access.sha ?? []), target(), "1", linkDown]);
    const before = sink.count;
    await send(5, 10_000);
    await arrived(before + 1);
    await send(5, 9_000);
    await send(4, 20_000);
    await send(5, 9_950);
    await arrived(before + 2);
    expect(sink.count).toBe(before + 2);
  });

  it("accepts only listed communities where they are listed", async () => {
    const strict = new CollectingSink();
    const other = new TrapReceiver(receiverOptions(strict, { communities: ["right"] }));
    const here = await startReceiver(other);
    await run("snmptrap", ["-v2c", "-c", "wrong", `127.0.0.1:${here.port}`, "1", linkDown]);
    await run("snmptrap", ["-v2c", "-c", "right", `127.0.0.1:${here.port}`, "1", linkDown]);
    await until(() => strict.count === 1 && other.counters.refused === 1);
    expect(JSON.stringify(strict.events)).not.toContain("right");
    await here.stop();
  });
});

function receiverOptions(sink: CollectingSink, more: Partial<TrapReceiverOptions>): TrapReceiverOptions {
  return {
    host: "127.0.0.1",
    port: 0,
    clock: new SystemClock(() => true),
    entropy: systemEntropy,
    logger: silentLogger,
    sink,
    lookup: (address) => (address === "127.0.0.1" ? equipmentId("sw-1") : undefined),
    engineId: Buffer.from("80007ed90467772d74657374", "hex"),
    limits: { perSource: unlimited, unknown: unlimited, total: unlimited, maxSources: 16 },
    ...more,
  };
}
