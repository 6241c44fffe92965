import { expect } from "vitest";
import { gatehouse, until } from "../integration/processes.ts";
import type { Canary, CanaryHunt } from "./canary-hunt.ts";
import type { SecuredSite } from "./secured-site.ts";

/** snmpNotifyTag and its row's status, SNMP-NOTIFICATION-MIB: text that an agent takes and nobody polls. */
const tagOf = (row: string) => `1.3.6.1.6.3.13.1.1.1.2.${Buffer.from(row).join(".")}`;
const statusOf = (row: string) => `1.3.6.1.6.3.13.1.1.1.5.${Buffer.from(row).join(".")}`;
const createAndWait = 5;

/** Secrets written to equipment: at the site in clear, by the NOC sealed. snmpd must have them afterwards; nobody else. */
export async function setSecrets(
  site: SecuredSite,
  hunt: CanaryHunt,
  planted: { readonly setBySite: Canary; readonly setByNoc: Canary; readonly pushed: Canary },
  sealed: (secret: string) => Promise<string>,
): Promise<void> {
  // The agent answers with another state of the row than was written: that counts as not confirmed.
  for (const row of ["site", "noc"]) await setAtSite(site, [{ oid: statusOf(row), type: "integer", value: createAndWait }]);
  const varbinds = (row: string, value: unknown) => [{ oid: tagOf(row), type: "octet-string", value }];
  const atSite = await setAtSite(site, varbinds("site", planted.setBySite.text));
  expect(atSite).toContain('"confirmed":true');
  hunt.look("answer to a SET at the site", atSite);
  const clear = await setByNoc(site, varbinds("clear", planted.setByNoc.text));
  expect(clear).toContain("a secret does not travel in clear text");
  hunt.look("answer to a SET by the NOC in clear", clear);
  const value: unknown = JSON.parse(await sealed(planted.setByNoc.text));
  const { id } = JSON.parse(await setByNoc(site, varbinds("noc", value))) as { readonly id: string };
  const headers = { authorization: `Bearer ${site.token}` };
  let answer = "";
  await until(
    "the SET of the NOC ended well",
    async () => {
      answer = await (await fetch(site.nocUrl(`/api/commands/${id}?waitMs=5000`), { headers })).text();
      return answer.includes('"state":"ok"');
    },
    90_000,
    () => answer,
  );
  hunt.look("answer to a SET by the NOC", answer);
  const audit = await site.done(["audit", "--state", site.path("gateway")]);
  for (const row of ["site", "noc"]) expect(audit).toContain(tagOf(row));
  // The agent has them: otherwise nothing was proven.
  const read = gatehouse(
    ["snmp", "get", "127.0.0.1", tagOf("site"), tagOf("noc"), "--port", String(site.snmpPort), "--community-env", "GET_COMMUNITY"],
    {
      GET_COMMUNITY: planted.pushed.text,
    },
  );
  await read.exited;
  await until("its output is read", () => read.isRead);
  const seen = read.lines.join("\n");
  for (const { text } of [planted.setBySite, planted.setByNoc]) expect(seen).toContain(text);
}

async function setAtSite(site: SecuredSite, varbinds: readonly object[]): Promise<string> {
  const url = `http://127.0.0.1:${site.consolePort}`;
  const secret = (await site.control<{ readonly code: string }>("console-code"))?.code;
  const own = { "content-type": "application/json", "x-gatehouse": "1" };
  const signIn = await fetch(`${url}/api/session`, { method: "POST", headers: own, body: JSON.stringify({ secret }) });
  const cookie = (signIn.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const body = JSON.stringify({ operation: "snmp.set", args: { equipment: "agent-pushed", varbinds } });
  const answer = await fetch(`${url}/api/command`, { method: "POST", headers: { ...own, cookie }, body });
  return answer.text();
}

async function setByNoc(site: SecuredSite, varbinds: readonly object[]): Promise<string> {
  const headers = { authorization: `Bearer ${site.token}`, "content-type": "application/json" };
  const body = JSON.stringify({ op: "snmp.set", dev: "agent-pushed", args: { varbinds } });
  return (await fetch(site.nocUrl(`/api/gateways/${site.gatewayId}/commands`), { method: "POST", headers, body })).text();
}
