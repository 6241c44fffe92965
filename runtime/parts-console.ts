import { GatewayError } from "#model/errors.ts";
import type { Alarms } from "#ports/alarms.ts";
import type { CheckStatus, Checks } from "#ports/checks.ts";
import type { Editor } from "#ports/editor.ts";
import type { History } from "#ports/history.ts";
import packageJson from "../package.json" with { type: "json" };
import type { GatewayConfiguration } from "./config/gateway-configuration.ts";
import { Console, type ConsoleOptions } from "./console/console.ts";
import { bundledPages } from "./console/pages/bundle.ts";
import type { CheckView, ConsoleSource, ServiceView, SignInMethod } from "./console/source.ts";
import type { Gateway } from "./gateway.ts";
import type { ControlHandler } from "./host/control-server.ts";
import type { Platform } from "./parts-platform.ts";
import { undatedReports } from "./undated-reports.ts";

/** What the console shows besides status and history; rooms that are not there are left out. */
export interface ConsoleRooms {
  readonly alarms?: Pick<Alarms, "active">;
  readonly verdict?: NonNullable<ConsoleSource["verdict"]>;
  readonly checks?: Pick<Checks, "list">;
  readonly services?: () => readonly ServiceView[];
  readonly editor?: Editor;
  readonly command?: NonNullable<ConsoleSource["command"]>;
  readonly signInMethods?: readonly SignInMethod[];
  readonly challenge?: () => string;
  readonly tls?: NonNullable<ConsoleOptions["tls"]> | undefined;
  readonly onSignIn?: NonNullable<ConsoleOptions["onSignIn"]>;
  readonly tries?: NonNullable<ConsoleOptions["tries"]>;
}

/** The console that the configuration asks for; undefined = none. */
export function openConsole(
  configuration: GatewayConfiguration,
  gateway: Pick<Gateway, "status" | "history">,
  rooms: ConsoleRooms,
  platform: Platform,
): Console | undefined {
  const { console: wanted, gateway: identity } = configuration;
  const { history } = gateway;
  if (!wanted.enabled) return undefined;
  const { alarms, checks, verdict, services, command, editor, signInMethods, challenge, onSignIn, tls, tries } = rooms;
  return new Console({
    listen: { host: wanted.host, port: wanted.port },
    allowedHosts: wanted.allowedHosts,
    gateway: { id: identity.id, site: identity.site, tenant: identity.tenant, version: packageJson.version },
    source: {
      status: () => gateway.status(),
      ...(history === undefined ? {} : { history: historyView(history, platform.clock) }),
      ...(alarms === undefined ? {} : { alarms: () => alarms.active() }),
      ...(checks === undefined ? {} : { checks: () => checks.list().map(checkView) }),
      ...(verdict === undefined ? {} : { verdict }),
      ...(services === undefined ? {} : { services }),
      ...(command === undefined ? {} : { command }),
    },
    ...(tls === undefined ? {} : { tls }),
    pages: bundledPages(),
    ...(editor === undefined ? {} : { editor }),
    ...(signInMethods === undefined ? {} : { signInMethods }),
    ...(challenge === undefined ? {} : { challenge }),
    ...(onSignIn === undefined ? {} : { onSignIn }),
    ...(tries === undefined ? {} : { tries }),
    ...platform,
  });
}

function historyView(history: History, clock: Platform["clock"]): NonNullable<ConsoleSource["history"]> {
  return {
    series: (equipment) => history.series(equipment),
    read: (query) => history.read(query),
    undated: (isEmpty) => undatedReports(history, clock, isEmpty),
  };
}

function checkView({ definition, state, last }: CheckStatus): CheckView {
  const { id, type, target } = definition;
  const view = { id, type, target };
  if (state === "waiting" || last === undefined) return view;
  const { error } = last.evidence;
  return {
    ...view,
    ...(state === "unmeasured" ? {} : { ok: state === "up" }),
    atMs: last.observedAt.wallMs,
    ...(typeof error === "string" ? { detail: error } : {}),
  };
}

/** What the control socket answers for `gatehouse console code`: whoever may speak to the socket may sign in at the page. */
export function consoleHandlers(console: () => Console | undefined): Readonly<Record<"console-code", ControlHandler>> {
  return {
    "console-code": async () => {
      const open = console();
      if (open === undefined)
        throw new GatewayError("command.refused", { message: "this gateway serves no console (console.enabled is false)" });
      if (open.url === undefined)
        throw new GatewayError("command.refused", { message: "the console is not open yet; the log says why if its port is in use" });
      const { code, lifeS } = open.codes.issue();
      return { ...open.status(), code, lifeS, link: `${open.url}/#code=${code}` };
    },
  };
}
