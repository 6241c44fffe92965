/** npm net-snmp as a client of the bench, subtree by subtree: `node npm-client.ts MODE SECONDS FIRST_PORT COUNT`. */
import { createRequire } from "node:module";
import { measure } from "./measuring.ts";
import { benchUser, columns, rows, valuesPerSwitch } from "./workload.ts";

interface Session {
  subtree(oid: string, maxRepetitions: number, feed: (varbinds: readonly unknown[]) => void, done: (error: unknown) => void): void;
  on(event: "error", listener: () => void): void;
  close(): void;
}
interface Library {
  readonly Version2c: number;
  readonly SecurityLevel: { readonly authPriv: number };
  readonly AuthProtocols: { readonly sha: number };
  readonly PrivProtocols: { readonly aes: number };
  createSession(address: string, community: string, options: object): Session;
  createV3Session(address: string, user: object, options: object): Session;
}
const snmp = createRequire(import.meta.url)("net-snmp") as Library;

const repetitions = 25;
const [mode, seconds = "3", firstPort = "0", count = "100"] = process.argv.slice(2);
let wrong = 0;
let requests = 0;

const sessions = Array.from({ length: Number(count) }, (_, index) => {
  const isFarm = Number(firstPort) === 0;
  const address = isFarm ? `127.1.${(index + 1) >> 8}.${(index + 1) & 255}` : "127.0.0.1";
  const options = {
    port: isFarm ? Number(process.env["FARM_PORT"]) : Number(firstPort) + index,
    timeout: 1000,
    retries: 3,
  };
  const session =
    mode === "3"
      ? snmp.createV3Session(address, user(), options)
      : snmp.createSession(address, "public", { ...options, version: snmp.Version2c });
  session.on("error", () => {
    wrong += 1;
  });
  return session;
});

function user(): object {
  const { user: name, auth, priv } = benchUser;
  return {
    name,
    level: snmp.SecurityLevel.authPriv,
    authProtocol: snmp.AuthProtocols.sha,
    authKey: auth.key,
    privProtocol: snmp.PrivProtocols.aes,
    privKey: priv.key,
  };
}

async function read(session: Session): Promise<void> {
  for (const { oid } of columns) {
    let values = 0;
    const feed = (varbinds: readonly unknown[]) => {
      requests += 1;
      values += varbinds.length;
    };
    await new Promise<void>((resolve, reject) => session.subtree(oid, repetitions, feed, (error) => (error ? reject(error) : resolve())));
    if (values !== rows.length) wrong += 1;
  }
}

await measure(Number(seconds), sessions, read, { valuesPerItem: valuesPerSwitch, requests: () => requests, wrong: () => wrong });
for (const session of sessions) session.close();
