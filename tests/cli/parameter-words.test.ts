import { describe, expect, it } from "vitest";
import { valuesOf } from "../../runtime/cli/parameter-words.ts";

const schema = {
  type: "object",
  properties: {
    port: { type: "string" },
    limit: { type: "number" },
    on: { type: "boolean" },
    hosts: { type: "array" },
    one: { type: "object" },
  },
};

describe("parameters on the command line", () => {
  it("are read by the service's schema: what looks like a number stays a text where a text is wanted", () => {
    expect(valuesOf(["port=1.12", "limit=1.12", "on=true", 'hosts=["a","b"]', 'one={"a":1}'], schema)).toEqual({
      ...{ port: "1.12", limit: 1.12, on: true, hosts: ["a", "b"], one: { a: 1 } },
    });
  });

  it("may be a list of one without brackets, and text with equals signs", () => {
    expect(valuesOf(["hosts=a", "port=a=b"], schema)).toEqual({ hosts: ["a"], port: "a=b" });
  });

  it("that fit no schema go on as they are, for the check to name them; a word without a name is refused", () => {
    expect(valuesOf(["limit=much", "other=5"], schema)).toEqual({ limit: "much", other: "5" });
    expect(() => valuesOf(["nothing"], schema)).toThrow("NAME=VALUE");
  });
});
