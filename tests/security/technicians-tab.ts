import { request } from "node:http";
import { expect } from "vitest";
import { until } from "../integration/processes.ts";
import type { Canary, CanaryHunt } from "./canary-hunt.ts";
import type { SecuredSite } from "./secured-site.ts";

/** What a technician types in the editor: into fields for credentials, and in clear where no secret belongs. */
export interface Typed {
  readonly tabField: Canary;
  readonly subflowField: Canary;
  readonly inFunction: Canary;
  readonly inHeader: Canary;
  readonly inEnvironment: Canary;
  /** The community that this gateway polls with. */
  readonly ofSite: Canary;
}

const tab = "aaaa1111bbbb2222";
const sub = "bbbb1111bbbb2222";
const at = { x: 1, y: 1 };
const code = (func: string) => ({
  ...at,
  type: "function",
  func,
  outputs: 1,
  timeout: 0,
  noerr: 0,
  initialize: "",
  finalize: "",
  libs: [],
});

/** A tab of the worst kind: it says everything it knows, wherever a flow can say something. */
function tellTaleTab(typed: Typed, url: string): readonly object[] {
  const say = [
    `const carrier = "${typed.inFunction.text}";`,
    "const all = [carrier, env.get('TAB_KEY'), ...msg.payload, JSON.stringify(msg.told || ''), JSON.stringify(msg.headers || '')];",
    "const seen = all.join(' ');",
    "context.set('seen', seen); flow.set('seen', seen); global.set('seen', seen);",
    "node.status({ text: seen.slice(0, 200) }); node.warn(seen); node.error(seen); node.log(seen);",
    "for (const one of all) node.error(one + Buffer.from(one).toString('base64'));",
    `const harbour = [..."${typed.ofSite.text}"].join(""); node.error(harbour); context.set("harbour", harbour);`,
    `const hint = "${typed.ofSite.text}";`,
    "return { ...msg, payload: `length ${all.slice(0, 4).join('').length} said ${seen}` };",
  ].join("\n");
  const environment = [
    { name: "API_TOKEN", type: "str", value: typed.inEnvironment.text },
    { name: "SUB_PASS", type: "cred" },
  ];
  return [
    {
      id: tab,
      type: "tab",
      label: "Told",
      disabled: false,
      info: "",
      env: [{ name: "TAB_KEY", type: "cred" }],
      credentials: { TAB_KEY: typed.tabField.text },
    },
    {
      id: sub,
      type: "subflow",
      name: "Sub",
      info: "",
      env: environment,
      in: [{ ...at, wires: [{ id: "tab-sub-fn" }] }],
      out: [{ ...at, wires: [{ id: "tab-sub-fn", port: 0 }] }],
    },
    { ...code("return { ...msg, payload: [env.get('SUB_PASS'), env.get('API_TOKEN')] };"), id: "tab-sub-fn", z: sub, wires: [[]] },
    { ...at, id: "tab-go", z: tab, type: "inject", props: [], repeat: "", once: true, onceDelay: "0.1", wires: [["tab-sub"]] },
    {
      ...at,
      id: "tab-sub",
      z: tab,
      type: `subflow:${sub}`,
      name: "",
      env: [{ name: "SUB_PASS", type: "cred" }],
      credentials: { SUB_PASS: typed.subflowField.text },
      wires: [["tab-keep"]],
    },
    { ...code("return { ...msg, kept: msg.payload };"), id: "tab-keep", z: tab, wires: [["tab-ask", "tab-say"]] },
    {
      ...at,
      id: "tab-ask",
      z: tab,
      type: "http call",
      method: "GET",
      url,
      hosts: "",
      headers: JSON.stringify({ authorization: `Bearer ${typed.inHeader.text}` }),
      secret: "",
      body: "",
      timeoutMs: 5000,
      maxBytes: 65536,
      redirects: 0,
      wires: [["tab-told"], ["tab-told"]],
    },
    { ...code("return { ...msg, told: msg.payload, payload: msg.kept };"), id: "tab-told", z: tab, wires: [["tab-say"]] },
    { ...code(say), id: "tab-say", z: tab, wires: [["tab-alarm", "tab-notice"]] },
    {
      ...at,
      id: "tab-alarm",
      z: tab,
      type: "alarm",
      alarm: "tabTold",
      severity: "minor",
      equipment: "",
      path: "",
      text: "{{payload}}",
      cause: "",
      repair: "",
      wires: [[]],
    },
    {
      ...at,
      id: "tab-notice",
      z: tab,
      type: "notify",
      channel: "noc",
      title: "{{payload}}",
      text: "{{payload}}",
      severity: "warning",
      wires: [[]],
    },
    { ...at, id: "tab-end", z: tab, type: "inject", props: [], repeat: "", once: false, onceDelay: "0.1", wires: [["tab-die"]] },
    {
      ...code(`Promise.reject(new Error("died of ${typed.inFunction.text}")); throw new Error("broke at ${typed.inFunction.text}");`),
      id: "tab-die",
      z: tab,
      wires: [[]],
    },
  ];
}

/** Signs in on site, draws the tab, lets the NOC look at it, and has it fail. */
export async function drawTab(site: SecuredSite, hunt: CanaryHunt, typed: Typed, url: string): Promise<void> {
  const console = `http://127.0.0.1:${site.consolePort}`;
  const secret = (await site.control<{ readonly code: string }>("console-code"))?.code;
  const own = { "content-type": "application/json", "x-gatehouse": "1" };
  const signIn = await fetch(`${console}/api/session`, { method: "POST", headers: own, body: JSON.stringify({ secret }) });
  const cookie = (signIn.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const opened = await fetch(`${console}/api/editor`, { method: "POST", headers: { ...own, cookie }, body: "{}" });
  const { path } = (await opened.json()) as { readonly path: string };
  const authorization = `Bearer ${new URL(path, console).searchParams.get("access_token") ?? ""}`;
  const headers = { ...own, cookie, authorization, "node-red-deployment-type": "full" };
  const before = JSON.parse((await ask(`${console}/editor/flows`, headers)).body) as readonly object[];
  expect(await ask(`${console}/editor/flows`, headers, [...before, ...tellTaleTab(typed, url)])).toEqual({ status: 204, body: "" });
  let alarms = "";
  const said = async () => {
    alarms = JSON.stringify(await site.control("alarms"));
    return alarms.includes("tabTold");
  };
  await until("the tab said what it knows", said, 90_000, () => alarms);
  // It had all of it: the length is that of what was typed.
  const length = [typed.inFunction, typed.tabField, typed.subflowField, typed.inEnvironment].reduce(
    (sum, { text }) => sum + text.length,
    0,
  );
  expect(alarms).toContain(`length ${length} said`);
  hunt.look("what the editor shows of credentials", (await ask(`${console}/editor/credentials/tab/${tab}`, headers)).body);
  await lookAtTab(site, hunt);
  expect((await ask(`${console}/editor/inject/tab-end`, headers, {})).status).toBe(200);
  const lines = () => site.gateways.at(-1)?.lines ?? [];
  await until(
    "its errors are in the log",
    () => ["died of", "broke at"].every((text) => lines().some((line) => line.includes(text))),
    90_000,
  );
}

/** A connection for each: those to the editor end with the flow host, and a pool would find them dead. */
function ask(
  url: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method: body === undefined ? "GET" : "POST", headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (piece: string) => {
        text += piece;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
      answer.on("error", reject);
    });
    asking.on("error", reject);
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** As the NOC sees a technician's change: the tab as an export, with what looks like a secret masked. */
async function lookAtTab(site: SecuredSite, hunt: CanaryHunt): Promise<void> {
  const headers = { authorization: `Bearer ${site.token}`, "content-type": "application/json" };
  const body = JSON.stringify({ op: "flows.local", args: { tab } });
  const asked = await fetch(site.nocUrl(`/api/gateways/${site.gatewayId}/commands`), { method: "POST", headers, body });
  const { id } = (await asked.json()) as { readonly id?: string };
  let shown = "";
  const done = async () => {
    shown = await (await fetch(site.nocUrl(`/api/commands/${id}?waitMs=10000`), { headers })).text();
    return shown.includes("tab-say");
  };
  await until("the NOC has the tab", done, 90_000, () => shown);
  for (const there of ["[secret]", "tab-ask/headers", "tab-say/func"]) expect(shown).toContain(there);
  hunt.look("the tab as the NOC sees it", shown);
}
