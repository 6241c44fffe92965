import { describe, expect, it } from "vitest";
import { load, problemsOf, sentencesOf } from "./configuration-kit.ts";

const gateway = "gateway: { id: gw-lisbon-01 }";
const environment = { PASSWORD: "hidden-password" };

describe("checks in gatehouse.yaml", () => {
  it("have the defaults of their types, and those that are off are left out", () => {
    const { checks } = load(`${gateway}
equipment: [{ id: fw-1, address: 192.0.2.1 }]
checks:
  - { id: router, type: icmp, target: 192.0.2.1, equipment: fw-1, vantage: 192.0.2.9 }
  - { id: later, type: tcp, target: "192.0.2.1:25", enabled: false }`);
    expect(checks).toEqual([
      {
        ...{
          id: "router",
          type: "icmp",
          target: "192.0.2.1",
          equipment: "fw-1",
          vantage: "192.0.2.9",
          intervalMs: 60_000,
          timeoutMs: 10_000,
        },
        settings: { packets: 3, spacingMs: 200, sizeBytes: 56, maxLossPercent: 50 },
      },
    ]);
  });

  it("take their secrets from credentials, which never show", () => {
    const configuration = load(
      `${gateway}
credentials: { crm: { http: { username: { $env: PASSWORD }, password: { $env: PASSWORD } } } }
checks: [{ id: crm, type: http, target: "https://crm.example.net/", settings: { credential: crm, auth: basic } }]`,
      environment,
    );
    expect(configuration.credentials.credential("crm").http).toEqual({ username: environment.PASSWORD, password: environment.PASSWORD });
    expect(JSON.stringify(configuration)).not.toContain(environment.PASSWORD);
  });

  it("say everything that is wrong at once, where it stands", () => {
    const problems = problemsOf(`${gateway}
credentials: { lan: { snmp: { version: 3, user: x } } }
checks:
  - { id: a, type: icmp, target: "-f", timeoutMs: 60000 }
  - { id: a, type: htpp, target: x, equipment: nobody }
  - { id: c, type: http, target: "http://user:pw@x/", settings: { credential: lan, maxBodyBytes: 99999999999 } }
  - { id: d, type: http, target: "http://x/", settings: { credential: lam, method: HEAD, expect: { contains: [a] } } }
  - { id: e, type: dns, target: x.y, settings: { serveer: 192.0.2.1 } }
  - { id: f, type: tcp }`).filter(({ severity }) => severity === "error");
    expect(problems.map(({ pointer }) => pointer)).toEqual([
      "/checks/0/target",
      "/checks/0/timeoutMs",
      "/checks/1/id",
      "/checks/1/type",
      "/checks/1/equipment",
      "/checks/2/target",
      "/checks/2/settings/maxBodyBytes",
      "/checks/3/settings/credential",
      "/checks/3/settings/expect",
      "/checks/4/settings/serveer",
      "/checks/5",
    ]);
    expect(problems[3]?.sentence).toContain('did you mean "http"?');
    expect(problems.at(-2)?.sentence).toBe('unknown key "serveer"; did you mean "server"?');
  });

  it("must fit their budget at their worst, alone and together", () => {
    const check = (id: string, bytes: number) => `  - { id: ${id}, type: http, target: "http://x/", settings: { maxBodyBytes: ${bytes} } }`;
    const limits = "limits: { checkBytesPerHour: 10000000 }";
    const alone = sentencesOf(`${gateway}\n${limits}\nchecks:\n${check("big", 1_000_000)}\n${check("small", 1_000)}`);
    expect(alone).toEqual([
      expect.stringMatching(/may cost \d+ bytes per hour, more than limits.checkBytesPerHour allows all checks together \(10000000\)$/),
    ]);
    const together = sentencesOf(`${gateway}\n${limits}\nchecks:\n${["a", "b", "c", "d"].map((id) => check(id, 65_536)).join("\n")}`);
    expect(together).toEqual([
      expect.stringMatching(/together, limits.checkBytesPerHour is 10000000; most: a \d+, b \d+, c \d+\. Run them less often/),
    ]);
    const often = `${gateway}\nlimits: { checkPacketsPerSecond: 5 }\nchecks: [{ id: a, type: icmp, target: x.example, intervalMs: 1000, timeoutMs: 950, settings: { packets: 3 } }]`;
    expect(sentencesOf(often)).toEqual([expect.stringContaining("packets per second")]);
  });

  it("cannot be polled like equipment", () => {
    expect(sentencesOf(`${gateway}\nequipment: [{ id: a, address: 192.0.2.1, driver: probe }]`)).toEqual([
      expect.stringContaining('unknown driver "probe"'),
    ]);
  });
});
