import type { Capability } from "./unit.ts";

const core = [
  ...[
    "inject",
    "debug",
    "complete",
    "catch",
    "status",
    "link in",
    "link out",
    "link call",
    "comment",
    "junction",
    "function",
    "switch",
    "change",
  ],
  ...["range", "template", "delay", "trigger", "rbe", "csv", "json", "yaml", "split", "join", "sort", "batch"],
];
const palette = [
  ...[
    "equipment",
    "metric in",
    "event in",
    "metric out",
    "alarm",
    "snmp get",
    "snmp set",
    "probe",
    "command in",
    "command result",
    "notify",
  ],
  "http call",
];

/** Types that a flow may use: the core nodes that neither open sockets, files nor processes, and our palette. */
export const allowedTypes: ReadonlySet<string> = new Set([...core, ...palette]);

/** Types that accept connections. */
export const listeningTypes: ReadonlySet<string> = new Set([
  ...["http in", "http response", "tcp in", "udp in", "websocket in", "websocket-listener", "mqtt-broker", "ui_base", "ui-base"],
]);

/** Known and never loaded, with what to use instead. */
export const forbiddenTypes: Readonly<Record<string, string>> = {
  "http request": "use `http call`: the gateway makes the request, bounded, to hosts that are named",
  exec: "flows start no programs; ask for an operation of the gateway",
  file: "flows have no files; keep values in context",
  "file in": "flows have no files; keep values in context",
  watch: "flows have no files",
  "tcp out": "flows open no sockets; use `probe` or `http call`",
  "tcp request": "flows open no sockets; use `probe`",
  "udp out": "flows open no sockets; use `probe`",
  "websocket out": "flows open no sockets",
  "websocket-client": "flows open no sockets",
  "mqtt in": "everything travels by the gateway's own connection: use `metric in` or `event in`",
  "mqtt out": "everything travels by the gateway's own connection: use `metric out`",
  html: "is not loaded (it costs 4 MB)",
  xml: "is not loaded",
  "global-config": "would restart every flow when it changes; use the environment of the tab",
  "tls-config": "flows open no sockets",
  "http proxy": "flows open no sockets",
};

/** What a node of this type may only do with the unit's capability. */
export const capabilityOfType: Readonly<Record<string, Capability>> = {
  "snmp get": "snmp.get",
  "snmp set": "snmp.set",
  probe: "probe",
  notify: "notify",
  "http call": "http",
  "command in": "command",
};
