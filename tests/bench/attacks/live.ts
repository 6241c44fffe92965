import mqtt from "mqtt";
import { requestControl } from "../../../runtime/host/control-client.ts";
import { SystemClock } from "../../../runtime/host/system-clock.ts";
import { freeTcpPort, gatehouse, RunningProcess, until, Workspace } from "../../integration/processes.ts";
import { attacksOnClaims } from "../../northbound/orders/attack-claims.ts";
import { attacksOnForm, cmd } from "../../northbound/orders/attack-forms.ts";
import { gateway, manifest, type NocPens, nocPens, tenant } from "../../northbound/orders/noc-pen.ts";
import type { Stand } from "../../northbound/orders/stand.ts";
import { peer } from "../../peers.ts";

export interface LiveCount {
  readonly tried: number;
  readonly refused: number;
  readonly accepted: number;
  /** What the gateway counted the refusals under. */
  readonly reasons: Readonly<Record<string, number>>;
}

interface Status {
  readonly uplink: { readonly state: string };
  readonly desired: { readonly gen: number };
  readonly authority: { readonly accepted: number; readonly refused: number; readonly refusedByReason: Readonly<Record<string, number>> };
}

/** A gateway of its own process behind mosquitto, and somebody who holds the broker and hears everything. */
class LiveTarget {
  readonly #workspace = new Workspace();
  readonly #clock = new SystemClock(() => true);
  readonly #processes: RunningProcess[] = [];
  #port = 0;
  nonce = "";
  rogue: Awaited<ReturnType<typeof mqtt.connectAsync>> | undefined;

  async start(noc: NocPens): Promise<void> {
    this.#port = await freeTcpPort();
    this.#workspace.write("mosquitto.conf", `listener ${this.#port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
    const broker = new RunningProcess(peer("mosquitto").path, ["-c", this.#workspace.path("mosquitto.conf")]);
    this.#processes.push(broker);
    await broker.until("mosquitto listens", () => broker.lines.some((line) => line.includes("running")));
    const key = (kid: string, x: string | undefined, role: string) => `{ kid: ${kid}, x: "${x}", roles: [${role}] }`;
    this.#workspace.write(
      "gatehouse.yaml",
      [
        `gateway: { id: ${gateway}, tenant: ${tenant}, site: bench }`,
        `uplink: { url: "mqtt://127.0.0.1:${this.#port}", retryMaxMs: 1000 }`,
        `authority: { keys: [${key("des-1", noc.desired.jwk.x, "des")}, ${key("cmd-1", noc.command.jwk.x, "cmd")}] }`,
        "equipment: [{ id: loop-1, address: 127.0.0.1, driver: loopback }]",
        "traps: { enabled: false }",
        "syslog: { enabled: false }",
        "console: { enabled: false }",
        "flows: { enabled: false }",
        "clock: { source: host }",
        "",
      ].join("\n"),
    );
    const rogue = await mqtt.connectAsync(`mqtt://127.0.0.1:${this.#port}`, { protocolVersion: 5 });
    rogue.on("message", (_topic, payload) => {
      this.nonce = (JSON.parse(payload.toString()) as { readonly nonce?: string }).nonce ?? "";
    });
    await rogue.subscribeAsync(`gh/1/${tenant}/g/${gateway}/hello`, { qos: 1 });
    this.rogue = rogue;
    await this.boot();
  }

  /** Starts the gateway and waits for the nonce of its session. */
  async boot(): Promise<void> {
    this.nonce = "";
    const { folder } = this.#workspace;
    this.#processes.push(gatehouse(["run", "--config", `${folder}/gatehouse.yaml`, "--state", `${folder}/state`]));
    await until(
      "the gateway greets",
      () => this.nonce !== "",
      20_000,
      () => this.#processes.at(-1)?.lines.slice(-5).join("\n") ?? "",
    );
    await until("it is connected", async () => (await this.status()).uplink.state === "connected");
  }

  async reboot(): Promise<void> {
    await this.#processes.pop()?.end("SIGKILL");
    await this.boot();
  }

  async status(): Promise<Status> {
    const folder = this.#workspace.path("state");
    return (await requestControl({ folder, operation: "status", clock: this.#clock, timeoutMs: 5_000 })) as Status;
  }

  /** Delivers one payload and waits until the gateway has judged it. @returns whether it was accepted */
  async deliver(leaf: string, payload: Uint8Array): Promise<boolean> {
    const before = (await this.status()).authority;
    await this.rogue?.publishAsync(`gh/1/${tenant}/g/${gateway}/${leaf}`, Buffer.from(payload), { qos: 1 });
    let after = before;
    await until(`${leaf} is judged`, async () => {
      after = (await this.status()).authority;
      return after.accepted + after.refused > before.accepted + before.refused;
    });
    return after.accepted > before.accepted;
  }

  async end(): Promise<void> {
    await this.rogue?.endAsync(true);
    for (const one of this.#processes) await one.end("SIGKILL");
    this.#workspace.remove();
  }
}

/** Every attack on signed orders against the real gateway; first and last a genuine order, so that refusing everything is no success. */
export async function attackLive(): Promise<LiveCount> {
  const noc = await nocPens();
  const target = new LiveTarget();
  let [tried, accepted] = [0, 0];
  try {
    await target.start(noc);
    const nowS = () => Math.floor(Date.now() / 1_000);
    // The attacks read nothing of the stand but its clock and its nonce.
    const stand = (): Stand => ({ nonce: { current: target.nonce }, nowS: nowS() }) as unknown as Stand;
    const older = await noc.desired.sign("gh-desired+jws", manifest(4, nowS()));
    const genuine = await noc.desired.sign("gh-desired+jws", manifest(5, nowS()));
    if (!(await target.deliver("des", genuine))) throw new Error("the genuine manifest was refused");
    const recorded = await noc.command.sign("gh-cmd+jws", cmd(stand()));
    if (!(await target.deliver("cmd", recorded))) throw new Error("the genuine command was refused");
    const attack = async (name: string, leaf: string, payload: Uint8Array) => {
      tried += 1;
      if (!(await target.deliver(leaf, payload))) return;
      accepted += 1;
      console.log(`  ACCEPTED: ${name}`);
    };
    for (const one of [...attacksOnForm, ...attacksOnClaims]) {
      // Beyond what a broker passes on: the listener's own limit refuses it.
      const payload = await one.make(stand(), noc);
      if (payload.length < 200_000) await attack(one.name, one.leaf, payload);
    }
    await attack("an older generation, recorded", "des", older);
    const before = (await target.status()).authority.refusedByReason;
    await target.reboot();
    await attack("a recorded command after a reboot", "cmd", recorded);
    await attack("an older generation after a reboot", "des", older);
    if (!(await target.deliver("cmd", await noc.command.sign("gh-cmd+jws", cmd(stand())))))
      throw new Error("a genuine command was refused at last");
    const { authority, desired } = await target.status();
    if (desired.gen > 5) accepted += 1;
    return { tried, refused: tried - accepted, accepted, reasons: summed(before, authority.refusedByReason) };
  } finally {
    await target.end();
  }
}

/** A gateway counts from its start. */
function summed(...counts: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sum: Record<string, number> = {};
  for (const count of counts) for (const [reason, times] of Object.entries(count)) sum[reason] = (sum[reason] ?? 0) + times;
  return sum;
}
