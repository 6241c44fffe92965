import { describe, expect, it } from "vitest";
import { load, problemsOf, sentencesOf } from "./configuration-kit.ts";

const gateway = "gateway: { id: gw-lisbon-01 }";
const environment = { KEY: "a-key-that-nobody-guesses-1", PASSWORD: "secret" };

describe("notify in gatehouse.yaml", () => {
  it("has receivers of webhooks and mail, with defaults", () => {
    const { notify } = load(
      `${gateway}
notify:
  webhooks: [{ name: ops, url: "https://ops.example.net/alarms?team=1", secret: { $env: KEY } }]
  mail: [{ name: duty, host: mail.example.org, username: gw, password: { $env: PASSWORD }, from: gw@example.org, to: ["Duty <duty@example.org>"] }]`,
      environment,
    );
    expect(notify.holdMs).toBe(120_000);
    expect(notify.webhooks[0]).toMatchObject({ minSeverity: "major", timeoutMs: 10_000, maxPerHour: 600 });
    expect(notify.mail[0]).toMatchObject({ security: "starttls", minSeverity: "major", maxPerHour: 60 });
    expect(`${JSON.stringify(notify)}`).not.toContain(environment.KEY);
  });

  it("names nobody by default", () => {
    expect(load(gateway).notify).toEqual({ holdMs: 120_000, webhooks: [], mail: [] });
  });

  it("says everything that is wrong at once", () => {
    const sentences = sentencesOf(
      `${gateway}
notify:
  webhooks:
    - { name: ops, url: "https://user:pw@ops.example.net/", secret: { $env: KEY } }
    - { name: two, url: "http://127.0.0.1:1/", secret: { $env: PASSWORD }, ca: x }
  mail:
    - { name: ops, host: mail.example.org, security: none, password: { $env: PASSWORD }, from: "a@b\\nBcc: c@d", to: [] }`,
      environment,
    ).join("\n");
    for (const part of [
      /without user or password/,
      /fewer than 24 characters/,
      /has no effect with http/,
      /is the name of \/notify\/webhooks\/0 already/,
      /only useful together/,
      /would travel in clear text/,
      /name@example\.org/,
    ]) {
      expect(sentences).toMatch(part);
    }
  });

  it("warns of alarms in clear text beyond this machine", () => {
    const problems = problemsWarned(
      `${gateway}\nnotify: { webhooks: [{ name: ops, url: "http://ops.example.net/", secret: { $env: KEY } }] }`,
    );
    expect(problems).toContain("alarms travel in clear text; use https://");
    expect(problemsWarned(`${gateway}\nnotify: { webhooks: [{ name: ops, url: "http://127.0.0.1:9/", secret: { $env: KEY } }] }`)).toEqual(
      [],
    );
  });

  it("refuses a name that could not be a key of the outbox", () => {
    expect(
      problemsOf(`${gateway}\nnotify: { webhooks: [{ name: "Ops/1", url: "https://a.example/", secret: { $env: KEY } }] }`, environment),
    ).toHaveLength(1);
  });
});

function problemsWarned(yaml: string): readonly string[] {
  return load(yaml, environment).warnings.map(({ sentence }) => sentence);
}
