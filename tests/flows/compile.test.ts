import { describe, expect, it } from "vitest";
import type { DesiredDocument } from "#model/desired.ts";
import { parseTemplate, ServiceCatalogue } from "../../flows/catalogue.ts";
import { compileSet } from "../../flows/compile/compile-set.ts";
import { compileTemplate } from "../../flows/compile/template.ts";
import type { ServiceTemplate } from "../../flows/generated/template.ts";
import { flowDocument, functionFlow, root } from "./ground.ts";

const catalogue = new ServiceCatalogue(`${root}/flows/library`);
const context = {
  gateway: "gw-test-01",
  catalogue,
  registry: undefined,
  site: { hasEquipment: (id: string) => id === "sw-1", hasCheck: () => false },
};

function services(...list: readonly object[]): DesiredDocument {
  return { kind: "services", id: "services", rev: 1, sha256: "", content: { v: 1, services: list } };
}

function codes(document: DesiredDocument): readonly string[] {
  return compileSet([document], context).problems.map(({ code, path }) => `${code} ${path}`);
}

function template(nodes: readonly object[], parameters: object = {}): ServiceTemplate {
  const { template: parsed, problems } = parseTemplate({
    kind: "ServiceTemplate",
    id: "sample-one",
    version: "1.0.0",
    title: "Sample",
    category: "Network",
    summary: "A service that only exists for a test of the compiler.",
    parameters: { type: "object", properties: parameters },
    flow: { nodes },
    health: {},
    limits: {},
    requires: {},
    acceptance: [{ fault: "none", expect: { type: "none" } }],
  });
  if (parsed === undefined) throw new Error(JSON.stringify(problems));
  return parsed;
}

const instance = (values: Record<string, unknown>) => ({ id: "one", label: "One", gateway: "gw-test-01", values });

describe("a template", () => {
  it("puts parameters in with their type where they are the whole value, and as text inside of one", () => {
    const { nodes } = compileTemplate(
      template([{ id: "in", type: "metric in", metric: "${limit}", name: "above ${limit} of ${$service}", row: "$${limit}" }], {
        limit: { type: "number" },
      }),
      instance({ limit: 5 }),
    );
    expect(nodes[1]).toMatchObject({ id: "s_one__in", z: "s_one", metric: 5, name: "above 5 of one", row: "${limit}" });
  });

  it("repeats a node for each entry of a list and wires copies of one list to each other", () => {
    const { nodes } = compileTemplate(
      template(
        [
          { id: "start", type: "inject", wires: [["probe"]] },
          { id: "probe", type: "probe", $each: "targets", target: "${item.host}", wires: [["out"]] },
          { id: "out", type: "metric out", $each: "targets", row: "${index}" },
        ],
        { targets: { type: "array" } },
      ),
      instance({ targets: [{ host: "a" }, { host: "b" }] }),
    );
    const byId = new Map(nodes.map((node) => [node.id, node]));
    expect(byId.get("s_one__start")?.wires).toEqual([["s_one__probe_0", "s_one__probe_1"]]);
    expect(byId.get("s_one__probe_1")).toMatchObject({ target: "b", wires: [["s_one__out_1"]] });
  });

  it("leaves a node out when its condition does not hold, with the wires to it", () => {
    const made = template([
      { id: "a", type: "inject", wires: [["b"]] },
      { id: "b", type: "debug", $if: "loud" },
    ]);
    expect(compileTemplate(made, instance({ loud: false })).nodes.map(({ id }) => id)).toEqual(["s_one", "s_one__a"]);
    expect(compileTemplate(made, instance({ loud: false })).nodes[1]?.wires).toEqual([[]]);
  });

  it("locks its tab and gives parameters to it as environment", () => {
    const [tab] = compileTemplate(template([{ id: "a", type: "inject" }]), instance({ limit: 5, name: "x" })).nodes;
    expect(tab).toMatchObject({
      id: "s_one",
      type: "tab",
      locked: true,
      env: [
        { name: "limit", value: "5", type: "num" },
        { name: "name", value: "x", type: "str" },
      ],
    });
  });
});

describe("every service of the library", () => {
  it("can be read, and is described", () => {
    expect(catalogue.broken).toEqual([]);
    for (const { id, description } of catalogue.entries()) expect(description.length, id).toBeGreaterThan(200);
  });
});

describe("an instance", () => {
  it("is refused with every problem at once, each at its place", () => {
    const found = codes(services({ id: "one", template: "link-errors", parameters: { equipment: "sw-9", errorsPerS: "many", colour: 1 } }));
    expect(found).toEqual([
      "E_PARAMETER /services/0/parameters/colour",
      "E_UNKNOWN_EQUIPMENT /services/0/parameters/equipment",
      "E_PARAMETER /services/0/parameters/errorsPerS",
    ]);
  });

  it("must keep the rules between its parameters", () => {
    const found = codes(services({ id: "one", template: "link-errors", parameters: { equipment: "sw-1", errorsPerS: 1, clearBelow: 2 } }));
    expect(found).toEqual(["E_PARAMETER /services/0/parameters/clearBelow"]);
  });

  it("of a template that is not there is refused", () => {
    expect(codes(services({ id: "one", template: "no-such-thing@9.9.9" }))).toEqual(["E_UNKNOWN_TEMPLATE /services/0/template"]);
  });

  it("with an id that is taken is refused", () => {
    const one = { id: "one", template: "link-errors", parameters: { equipment: "sw-1" } };
    expect(codes(services(one, one))).toEqual(["E_DUPLICATE_ID "]);
  });
});

/** Bad flows: what is wrong, the nodes, code and place. */
const node = (id: string, type: string, more: object = {}) => ({ id, type, x: 1, y: 1, wires: [], ...more });
const bad: readonly (readonly [string, readonly object[], string])[] = [
  ["an unknown node type", [node("a", "snmp v4")], "E_UNKNOWN_TYPE /flow/0/type"],
  ["an unknown type that is switched off", [node("a", "snmp v4", { d: true })], "E_UNKNOWN_TYPE /flow/0/type"],
  [
    "a missing library",
    [node("a", "function", { func: "return msg", libs: [{ var: "x", module: "left-pad" }] })],
    "E_LIBRARY /flow/0/libs",
  ],
  ["an id that is there twice", [node("a", "debug"), node("a", "debug")], "E_DUPLICATE_ID /flow/1/id"],
  ["a wire into another service", [node("a", "inject", { wires: [["s_wan__probe"]] })], "E_DANGLING /flow/0/wires/0/0"],
  [
    "a wire to another tab",
    [
      node("t", "tab", { wires: undefined }),
      node("u", "tab", { wires: undefined }),
      node("a", "inject", { z: "t", wires: [["b"]] }),
      node("b", "debug", { z: "u" }),
    ],
    "E_NAMESPACE /flow/2/wires/0/0",
  ],
  ["a place on another service's tab", [node("a", "inject", { z: "s_wan" })], "E_NAMESPACE /flow/0/z"],
  ["a link call that may go anywhere", [node("a", "link call", { linkType: "dynamic" })], "E_NAMESPACE /flow/0/linkType"],
  ["a web server", [node("a", "http in")], "E_LISTENS /flow/0/type"],
  ["a socket that listens", [node("a", "tcp in", { server: "server" })], "E_LISTENS /flow/0/type"],
  ["a program", [node("a", "exec", { command: "id" })], "E_FORBIDDEN_TYPE /flow/0/type"],
  ["a file", [node("a", "file in")], "E_FORBIDDEN_TYPE /flow/0/type"],
  ["a shared configuration", [node("a", "global-config")], "E_FORBIDDEN_TYPE /flow/0/type"],
  [
    "the constructor's way out of the sandbox",
    [node("a", "function", { func: 'Buffer.constructor("return process")()' })],
    "E_SANDBOX /flow/0/func",
  ],
  ["the prototype's way out of the sandbox", [node("a", "function", { func: "return ({}).__proto__" })], "E_SANDBOX /flow/0/func"],
  ["a function that does not compile", [node("a", "function", { func: "return {" })], "E_SYNTAX /flow/0/func"],
  ["credentials inside", [node("a", "debug", { credentials: { password: "x" } })], "E_CREDENTIALS /flow/0/credentials"],
  ["an inject ten times a second", [node("a", "inject", { repeat: "0.1" })], "E_INTERVAL /flow/0/repeat"],
  ["an inject whose interval is no number", [node("a", "inject", { repeat: { toString: 1 } })], "E_INTERVAL /flow/0/repeat"],
  ["a change of equipment without the capability", [node("a", "snmp set")], "E_CAPABILITY /flow/0/type"],
  [
    "more functions than there is memory for",
    Array.from({ length: 9 }, (_, index) => node(`f${index}`, "function", { func: "return msg" })),
    "E_LIMIT /flow/0",
  ],
  ["an id that is none", [node("../etc", "debug")], "E_ID /flow/0/id"],
  ["too much", [node("a", "template", { template: "x".repeat(300_000) })], "E_TOO_LARGE "],
];

describe("a flow is refused before anything is touched:", () => {
  it.each(bad)("%s", (_what, nodes, expected) => {
    expect(codes(flowDocument("bad-one", nodes))).toContain(expected);
  });

  it("a key that reaches the prototype", () => {
    const content: unknown = JSON.parse('{"v":1,"id":"bad-one","flow":[{"id":"a","type":"debug","__proto__":{"z":1}}]}');
    expect(codes({ ...flowDocument("bad-one", []), content })).toEqual(["E_PROTO /flow/0/__proto__"]);
  });

  it("JSON that is too deep", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 60; level += 1) deep = { a: deep };
    expect(codes(flowDocument("bad-one", [node("a", "debug", { deep })]))[0]).toMatch(/^E_TOO_DEEP \/flow\/0\/deep\/a/);
  });
});

describe("a plain flow", () => {
  it("may be the bare export as the editor makes it", () => {
    const document = { ...flowDocument("plain", []), content: functionFlow("return msg;") };
    const { units, problems } = compileSet([document], context);
    expect(problems).toEqual([]);
    expect(units[0]?.nodes.map(({ id }) => id)).toEqual(["s_plain", "s_plain__in", "s_plain__fn", "s_plain__out"]);
    expect(units[0]?.nodes[1]).toMatchObject({ z: "s_plain", wires: [["s_plain__fn"]] });
  });

  it("keeps its subflows inside of its namespace", () => {
    const nodes = [
      { id: "sub", type: "subflow", name: "twice", in: [{ wires: [{ id: "inner" }] }], out: [{ wires: [{ id: "inner", port: 0 }] }] },
      node("inner", "change", { z: "sub" }),
      node("tab", "tab", { label: "T", wires: undefined }),
      node("use", "subflow:sub", { z: "tab" }),
    ];
    const { units, problems } = compileSet([flowDocument("plain", nodes)], context);
    expect(problems).toEqual([]);
    expect(units[0]?.nodes.find(({ id }) => id === "s_plain__use")?.type).toBe("subflow:s_plain__sub");
  });
});
