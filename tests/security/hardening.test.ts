import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { demandClosedEnvironment, openVariables } from "../../runtime/host/closed-environment.ts";
import { gatehouse, until, Workspace } from "../integration/processes.ts";

const root = join(import.meta.dirname, "../..");
const unit = readFileSync(join(root, "build/systemd/gatehouse.service"), "utf8");
const sources = globSync("{runtime,cloud-bridge,drivers,flows}/**/*.ts", { cwd: root, exclude: (path) => path.includes("generated") });
const filesWith = (pattern: RegExp) => sources.filter((file) => pattern.test(readFileSync(join(root, file), "utf8"))).sort();

describe("the process of a gateway", () => {
  it("does not start as a service while its environment could change what it runs or whom it believes", async () => {
    const workspace = new Workspace();
    const file = workspace.write("gatehouse.yaml", "gateway: { id: gw-closed-01 }\n");
    const args = ["run", "--config", file, "--state", workspace.path("state"), "--beat", workspace.path("beat")];
    const child = gatehouse(args, { NODE_EXTRA_CA_CERTS: file, NODE_OPTIONS: "" });
    try {
      await until("it has ended", () => child.isRead);
      expect(await child.exited).not.toBe(0);
      expect(child.lines.join("\n")).toContain("NODE_EXTRA_CA_CERTS");
    } finally {
      await child.end("SIGKILL");
      workspace.remove();
    }
  });

  it("never starts with certificate checks switched off, by hand neither", () => {
    expect(() => demandClosedEnvironment({ NODE_TLS_REJECT_UNAUTHORIZED: "0" }, false)).toThrow(/NODE_TLS_REJECT_UNAUTHORIZED/);
    expect(demandClosedEnvironment({ NODE_OPTIONS: "--inspect", NODE_PATH: "" }, false)).toEqual(["NODE_OPTIONS"]);
  });

  it("has a unit that unsets every such variable", () => {
    const unset = [...unit.matchAll(/^UnsetEnvironment=(.*)$/gm)].flatMap(([, names = ""]) => names.split(" "));
    const all = openVariables(new Proxy({}, { get: () => "x" }));
    expect(all.filter((name) => !unset.includes(name))).toEqual([]);
    expect(all.length).toBeGreaterThan(10);
  });

  it("is no root and keeps five capabilities, no more", () => {
    expect(unit).toMatch(/^User=gatehouse$/m);
    const kept = /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1]?.split(" ");
    expect(kept).toEqual(["CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW"]);
    for (const line of ["NoNewPrivileges=yes", "ProtectSystem=strict", "LimitNOFILE=8192", "LimitCORE=0", "MemoryMax=512M", "TasksMax=128"])
      expect(unit).toContain(`\n${line}\n`);
  });
});

describe("certificates", () => {
  it("are not checked in two places only: where the label's fingerprint is, and where a check looks at somebody's certificate", () => {
    expect(filesWith(/rejectUnauthorized: false/)).toEqual([
      "cloud-bridge/uplink/enrolment/enrolment-client.ts",
      "drivers/probe/stream/handshake.ts",
    ]);
  });

  it("of the uplink and of enrolment are TLS 1.3 only", () => {
    for (const file of [
      "cloud-bridge/uplink/socket.ts",
      "cloud-bridge/uplink/enrolment/enrolment-client.ts",
      "cloud-bridge/noc/enrolment/enrolment-server.ts",
    ])
      expect(readFileSync(join(root, file), "utf8"), file).toContain('minVersion: "TLSv1.3"');
  });
});
