import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemEntropy } from "../../runtime/host/system-entropy.ts";
import { KeyRing } from "../../runtime/northbound/authority/key-ring.ts";
import { CommandJournal } from "../../runtime/northbound/command-desk/journal.ts";
import { LocalLock } from "../../runtime/northbound/command-desk/local-lock.ts";
import { countStart, DesiredMemory } from "../../runtime/northbound/desired-state/memory.ts";
import { OverlayMemory } from "../../runtime/overlay-memory.ts";
import { openGatewayState } from "../../runtime/parts-appliance.ts";
import type { State } from "../../runtime/ports/state.ts";
import { openState } from "../../runtime/store/state.ts";
import type { DamagedValue } from "../../runtime/store/state-values.ts";
import { UpdateMemory } from "../../runtime/update/update-memory.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { ManualClock } from "./manual-clock.ts";

/** One value a key, each with words that no other has. */
const values: Readonly<Record<string, string>> = {
  "authority/keys": '{"v":1,"version":7,"epoch":2,"keys":[],"is":"alpha"}',
  "authority/pinned": '[{"kid":"bravo","purposes":["command"],"algorithm":"Ed25519","jwk":{}}]',
  "config/overlay": '{"sha256":"charlie","content":{}}',
  "desired/accepted": '{"epoch":0,"gen":9,"hash":"delta"}',
  "desired/next": '{"epoch":0,"gen":9,"hash":"echo","payload":"{}","phase":"received","receivedAtMs":1,"starts":0}',
  lock: '{"locked":true,"reason":"foxtrot"}',
  "update/blacklist": '["1.2.3-golf"]',
  "console/used-tokens": '[["hotel-0001",1900000000]]',
  "traps/engine-boots": "1234567890",
  "uplink/connection": "9876543210",
  "command/01j": '{"command":{"id":"01J","op":"india"},"by":{},"iat":1,"ttl":1,"acceptedWallMs":1,"phase":"done"}',
  "alarms/marks": '{"shelves":[],"windows":[],"is":"juliett"}',
};
const hasTwin = (key: string) => !/^(command|alarms)\//.test(key);

describe("a bit turned inside a value of state.db", () => {
  let folder: string;
  let told: DamagedValue[];
  const file = () => join(folder, "state.db");
  const open = () =>
    openState(folder, { onDamage: () => expect.unreachable("the file is sound"), onDamagedValue: (one) => told.push(one) });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gatehouse-values-"));
    told = [];
    const state = open();
    state.put(values);
    state.close();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Turns one bit in the first, or in every, place where the value stands. */
  function turn(value: string, bit: number, everywhere: boolean): void {
    const bytes = readFileSync(file());
    let at = bytes.indexOf(value);
    expect(at).toBeGreaterThan(0);
    for (; at >= 0; at = everywhere ? bytes.indexOf(value, at + 1) : -1) {
      const place = at + Math.floor(bit / 8);
      bytes[place] = (bytes[place] ?? 0) ^ (1 << (bit % 8));
    }
    writeFileSync(file(), bytes);
  }

  /** What a start reads. */
  function readersOf(state: State): void {
    const clock = new ManualClock();
    void new KeyRing(state, { pinned: [] } as never).list(clock.now());
    void new CommandJournal(state, clock).entries;
    void new LocalLock(state, clock).isLocked;
    const { confirmed, previous, next, pending, ended } = new DesiredMemory(state);
    void [confirmed, previous, next, pending, ended, countStart(state)];
    void [new OverlayMemory(state).overlays(0), new OverlayMemory(state).baseline];
    void [new UpdateMemory(state).armed(), new UpdateMemory(state).isBlacklisted("x")];
  }

  it.each(Object.entries(values))("%s: every reader starts, it is told, and what has a twin is as it was", (key, value) => {
    for (let bit = key.length % 5; bit < value.length * 8; bit += 149) {
      turn(value, bit, false);
      told = [];
      const state = open();
      readersOf(state);
      expect(state.getText(key)).toBe(hasTwin(key) ? value : undefined);
      expect(told).toHaveLength(1);
      expect(told[0]).toMatchObject({ key, outcome: hasTwin(key) ? "restored" : "lost" });
      if (!hasTwin(key)) state.put({ [key]: value });
      state.close();
    }
    expect(readdirSync(join(folder, "corrupt")).length).toBeGreaterThan(0);
  });

  it.each(["lock", "authority/keys", "desired/accepted", "console/used-tokens"])(
    "%s, and in its twin: the gateway starts and takes no orders from afar until somebody unlocks it",
    (key) => {
      turn(values[key] ?? "", 21, true);
      const platform = { clock: new ManualClock(), entropy: systemEntropy, logger: silentLogger };
      const state = openGatewayState(folder, platform as never);
      readersOf(state);
      if (key !== "lock") expect(state.getText(key)).toBeUndefined();
      expect(new LocalLock(state, platform.clock).state).toMatchObject({ locked: true, reason: expect.stringContaining(key) });
      state.close();
    },
  );

  it("while it runs: the reader gets the twin, or nothing", () => {
    const state = open();
    state.put({ "command/02j": "{}" });
    state.close();
    for (const value of [values["lock"] ?? "", values["command/01j"] ?? ""]) turn(value, 9, false);
    const again = open();
    expect(again.getText("lock")).toBe(values["lock"]);
    expect(again.keys("command/", 9)).toEqual(["command/02j"]);
    again.close();
  });

  it("is no damage when an older program, which knows no checksums, wrote the value", () => {
    const old = new SqliteDatabase(file());
    old.prepare("UPDATE entry SET value = ? WHERE key = 'lock'").run(Buffer.from('{"locked":false}'));
    old.prepare("DELETE FROM entry WHERE key = 'desired/next'").run();
    old.pragma("wal_checkpoint(TRUNCATE)");
    // As every opening does: the copy it leaves has no mark.
    writeFileSync(join(folder, "state.bak"), old.serialize());
    old.close();
    const state = open();
    expect(told).toEqual([]);
    expect(state.getText("lock")).toBe('{"locked":false}');
    expect(state.get("desired/next")).toBeUndefined();
    state.close();
    const turned = new SqliteDatabase(file());
    turned.prepare("UPDATE entry SET value = ? WHERE key = 'lock'").run(Buffer.from('{"locked":galse}'));
    turned.close();
    const again = open();
    expect(told).toMatchObject([{ key: "lock", outcome: "restored" }]);
    expect(again.getText("lock")).toBe('{"locked":false}');
    again.close();
  });

  it("is found in a file from before checksums where it spoils JSON", () => {
    turn(values["alarms/marks"] ?? "", 13, true);
    rmSync(join(folder, "state.bak"));
    open().close();
    expect(told).toMatchObject([{ key: "alarms/marks", outcome: "lost" }]);
  });
});
