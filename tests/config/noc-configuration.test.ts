import { describe, expect, it } from "vitest";
import { loadNocConfiguration } from "../../runtime/config/noc-configuration.ts";
import { ConfigurationError } from "../../runtime/config/problem.ts";
import { written } from "./configuration-kit.ts";

const environment = { KEY: "a-key-that-nobody-guesses-1", SHORT: "short" };

describe("noc.yaml", () => {
  it("names receivers, with defaults", () => {
    const file = written({ "gatehouse.yaml": `connectors: [{ name: ops, url: "https://ops.example.net/alarms", secret: { $env: KEY } }]` });
    const { value, shown } = loadNocConfiguration(file, environment);
    expect(value.connectors[0]).toMatchObject({ minSeverity: "major", holdMs: 0, maxPerMinute: 600, tenants: [] });
    expect(JSON.stringify([value, shown])).not.toContain(environment.KEY);
  });

  it("says everything that is wrong at once", () => {
    const file = written({
      "gatehouse.yaml": `conectors: []
connectors:
  - { name: ops, url: "ftp://ops.example.net/", secret: { $env: KEY } }
  - { name: ops, url: "http://127.0.0.1:1/", secret: { $env: SHORT }, minSeverity: bad, tenants: ["A B"] }`,
    });
    let problems: readonly string[] = [];
    try {
      loadNocConfiguration(file, environment);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems = error.problems.map(({ pointer }) => pointer);
    }
    for (const pointer of [
      "/conectors",
      "/connectors/0/url",
      "/connectors/1/name",
      "/connectors/1/secret",
      "/connectors/1/minSeverity",
      "/connectors/1/tenants/0",
    ]) {
      expect(problems).toContain(pointer);
    }
  });
});
