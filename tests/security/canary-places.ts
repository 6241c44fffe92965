import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { expect } from "vitest";
import type { CanaryHunt } from "./canary-hunt.ts";
import type { SecuredSite } from "./secured-site.ts";

/** Every answer, file and output of a whole site. */
export async function lookEverywhere(site: SecuredSite, hunt: CanaryHunt): Promise<void> {
  const operations = [
    "status",
    "health",
    "alarms",
    "alarm-history",
    "config-effective",
    "history-series",
    "discovery-proposals",
    "update-status",
  ];
  for (const operation of [...operations, "no-such-operation"])
    hunt.look(`control ${operation}`, JSON.stringify(await site.control(operation)) ?? "");
  await lookAtConsole(site, hunt);
  await lookAtNoc(site, hunt);
  const out = site.path("support.tar.gz");
  const bundle = ["support-bundle", "--state", site.path("gateway"), "--config", site.path("gatehouse.yaml"), "--out", out];
  await site.done(bundle);
  hunt.look("support bundle", gunzipSync(readFileSync(out)));
  hunt.look("audit", await site.done(["audit", "--state", site.path("gateway")]));
  hunt.look("config show", await site.done(["config", "show", site.path("gatehouse.yaml")]));
  for (const [index, one] of [...site.gateways, ...site.others].entries()) hunt.look(`output of process ${index}`, one.lines.join("\n"));
  hunt.lookBelow("state of the gateway", site.path("gateway"));
  lookIntoState(site, hunt);
  hunt.lookBelow("folder of the NOC", site.path("noc"), (path) => path.endsWith("/token"));
  hunt.lookBelow("folder of the enrolment role", site.path("enrolment"));
  hunt.lookBelow("files of the broker", site.path("broker"));
  const dumps = readdirSync(".").filter((name) => /^(core(\.|$)|report\..*\.json$|.*\.heapsnapshot$)/.test(name));
  for (const name of dumps) hunt.look(`dump ${name}`, readFileSync(name));
}

/** Each value as a whole: packed and torn over pages of the file, its bytes would hide what it holds. */
function lookIntoState(site: SecuredSite, hunt: CanaryHunt): void {
  const copy = site.path("copy-of-state.db");
  for (const part of ["", "-wal"])
    if (existsSync(site.path("gateway", `state.db${part}`))) copyFileSync(site.path("gateway", `state.db${part}`), `${copy}${part}`);
  const database = new Database(copy);
  const rows = database.prepare<[], { readonly key: string; readonly value: Buffer }>("SELECT key, value FROM entry").all();
  database.close();
  expect(rows.map(({ key }) => key)).toContain("flows/sealed/local");
  for (const { key, value } of rows) hunt.look(`state.db ${key}`, value);
}

async function lookAtConsole(site: SecuredSite, hunt: CanaryHunt): Promise<void> {
  const url = `http://127.0.0.1:${site.consolePort}`;
  const code = (await site.control<{ readonly code: string }>("console-code"))?.code;
  const headers = { "content-type": "application/json", "x-gatehouse": "1" };
  const signIn = await fetch(`${url}/api/session`, { method: "POST", headers, body: JSON.stringify({ secret: code }) });
  const cookie = (signIn.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  expect(signIn.status).toBe(200);
  for (const path of ["/", "/api/overview", "/api/history/series", "/app.js", "/nothing"])
    hunt.look(`console ${path}`, await (await fetch(url + path, { headers: { cookie } })).text());
  for (const operation of ["config.show", "logs.capture", "snmp.get", "support.bundle", "flows.restart"]) {
    const body = JSON.stringify({ operation, args: { equipment: "agent-v2", seconds: 1, oids: ["1.3.6.1.2.1.1.5.0"] } });
    const answer = await fetch(`${url}/api/command`, { method: "POST", headers: { ...headers, cookie }, body });
    hunt.look(`console command ${operation}`, await answer.text());
  }
}

async function lookAtNoc(site: SecuredSite, hunt: CanaryHunt): Promise<void> {
  const gateway = `/api/gateways/${site.gatewayId}`;
  const paths = [
    "/api/status",
    "/api/gateways",
    "/api/alarms",
    "/api/alarms?state=all",
    "/api/authority",
    "/api/authority/audit",
    "/api/connectors",
    "/api/events",
  ];
  const own = [
    "",
    "/desired",
    "/desired/config",
    "/desired/services",
    "/equipment",
    "/events",
    "/values",
    "/ledger",
    "/checks",
    "/commands",
  ];
  for (const path of [...paths, ...own.map((one) => gateway + one)]) {
    const answer = await fetch(site.nocUrl(path), { headers: { authorization: `Bearer ${site.token}` } });
    hunt.look(`noc ${path}`, await answer.text());
  }
  for (const op of ["config.show", "logs.capture", "support.bundle", "discover"]) {
    const answer = await fetch(site.nocUrl(`${gateway}/commands`), {
      method: "POST",
      headers: { authorization: `Bearer ${site.token}`, "content-type": "application/json" },
      body: JSON.stringify({ op, args: { seconds: 1 } }),
    });
    const row = (await answer.json()) as { readonly id?: string };
    if (row.id === undefined) continue;
    hunt.look(
      `noc command ${op}`,
      await (
        await fetch(site.nocUrl(`/api/commands/${row.id}?waitMs=3000`), { headers: { authorization: `Bearer ${site.token}` } })
      ).text(),
    );
  }
}
