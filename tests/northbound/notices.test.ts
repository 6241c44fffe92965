import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GatewayError } from "../../runtime/model/errors.ts";
import type { AlarmChange, Event } from "../../runtime/model/observation.ts";
import { Notices } from "../../runtime/northbound/second-path/notices.ts";
import type { Notifier } from "../../runtime/ports/notifier.ts";
import type { State } from "../../runtime/ports/state.ts";
import { openState } from "../../runtime/store/state.ts";
import { seededEntropy } from "../sim/seeded-entropy.ts";
import { silentLogger } from "../sim/silent-logger.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

/** A receiver behind the port. */
class Receiver implements Notifier {
  readonly address = "somewhere";
  readonly taken: AlarmChange[] = [];
  error: GatewayError | undefined;
  readonly name: string;
  readonly kind: "webhook" | "mail";

  constructor(name: string, kind: "webhook" | "mail") {
    this.name = name;
    this.kind = kind;
  }

  async notify(change: AlarmChange): Promise<void> {
    if (this.error !== undefined) throw this.error;
    this.taken.push(change);
  }

  get texts(): readonly string[] {
    return this.taken.map(({ text }) => text);
  }
}

const folder = { path: "" };
let [hook, post] = [new Receiver("ops", "webhook"), new Receiver("office", "mail")];
let clock: VirtualClock;
let state: State;
let notices: Notices;
let stop: AbortController;
let running: Promise<void>;
let events: Event[] = [];
let ids = 0;

function start(maxPerHour = 600): void {
  state = openState(folder.path);
  stop = new AbortController();
  notices = new Notices({
    targets: [hook, post].map((notifier) => ({ notifier, minSeverity: "critical" as const, maxPerHour })),
    nextId: () => `id-${++ids}`,
    ...{ state, sink: { offer: (event: Event) => void events.push(event) }, clock, entropy: seededEntropy(1), logger: silentLogger },
  });
  running = notices.run(stop.signal);
}

async function end(): Promise<void> {
  stop.abort(new Error("end"));
  await running;
  state.close();
}

beforeEach(() => {
  folder.path = mkdtempSync(join(tmpdir(), "gatehouse-notices-"));
  clock = new VirtualClock();
  [hook, post] = [new Receiver("ops", "webhook"), new Receiver("office", "mail")];
  events = [];
  start();
});

afterEach(async () => {
  await end();
  rmSync(folder.path, { recursive: true, force: true });
});

const say = (channel: string, title = "door open", text = "") =>
  notices.send({ service: "room", channel, title, text, severity: "warning" });
const passes = (ms: number) => clock.runUntil(clock.sleep(ms, new AbortController().signal));

describe("a notice of a service", () => {
  it("goes to the receiver that is named, or to all of a kind, once, whatever severity alarms need", async () => {
    say("ops", "door open", "since noon");
    say("mail");
    await passes(5_000);
    expect(hook.taken).toMatchObject([
      { text: "door open: since noon", type: "serviceNotice", severity: "warning", attributes: { service: "room" } },
    ]);
    expect(post.texts).toEqual(["door open"]);
    expect(events.map(({ type, text }) => [type, text])).toEqual([
      ["notify.delivered", "told ops: a service asked for it"],
      ["notify.delivered", "told office: a service asked for it"],
    ]);
  });

  it("is refused with the channels there are when it names another", () => {
    expect(() => say("pager")).toThrow('this gateway has no channel "pager" for notices; there are: noc, ops, office');
  });

  it("waits for a receiver that fails, over a restart, and is then told once", async () => {
    hook.error = new GatewayError("notify.unreachable", { message: "down" });
    say("ops", "first");
    say("ops", "second");
    await passes(10_000);
    await end();
    start();
    await passes(30_000);
    hook.error = undefined;
    await passes(600_000);
    expect(hook.texts).toEqual(["first", "second"]);
    await end();
    start();
    await passes(60_000);
    expect(hook.texts).toEqual(["first", "second"]);
  });

  it("waits for its hour's share when a service says too much", async () => {
    await end();
    start(2);
    for (const title of ["a", "b", "c"]) say("ops", title);
    await passes(60_000);
    expect(hook.texts).toEqual(["a", "b"]);
    await passes(1_800_000);
    expect(hook.texts).toEqual(["a", "b", "c"]);
  });

  it("leaves nothing in the state once it is told", async () => {
    say("webhook");
    await passes(5_000);
    expect(state.keys("notice/", 10)).toEqual([]);
  });
});
