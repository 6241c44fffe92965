import { signDocument } from "../../../cloud-bridge/protocol/envelope.ts";
import { type Attack, cmd, des, flip, own, swapped } from "./attack-forms.ts";
import { gateway, manifest, tenant } from "./noc-pen.ts";

/** Well signed, or nearly; wrong in what they say. */
export const attacksOnClaims: readonly Attack[] = [
  { name: "for another gateway", leaf: "cmd", reason: "audience", make: own({ aud: "gw-test-02" }) },
  {
    name: "for a list of gateways",
    leaf: "cmd",
    reason: "audience",
    make: async (s, n) => n.command.sign("gh-cmd+jws", { ...cmd(s), aud: [gateway] }),
  },
  { name: "another gateway's manifest", leaf: "des", reason: "audience", make: des({ aud: "gw-test-02" }) },
  { name: "of another tenant", leaf: "cmd", reason: "tenant", make: own({ tenant: "other" }) },
  { name: "another tenant's manifest", leaf: "des", reason: "tenant", make: des({ tenant: "other" }) },
  { name: "from another issuer", leaf: "cmd", reason: "issuer", make: own({ iss: "evil" }) },
  {
    name: "aud twice in the payload",
    leaf: "cmd",
    reason: "payload",
    make: async (s, n) => n.command.sign("gh-cmd+jws", JSON.stringify(cmd(s)).replace("{", '{"aud":"gw-test-02",')),
  },
  {
    name: "a name twice, once escaped",
    leaf: "cmd",
    reason: "payload",
    make: async (s, n) => n.command.sign("gh-cmd+jws", JSON.stringify(cmd(s)).replace("{", '{"\\u0061ud":"x",')),
  },
  {
    name: "a name twice deep inside",
    leaf: "cmd",
    reason: "payload",
    make: async (s, n) => n.command.sign("gh-cmd+jws", JSON.stringify(cmd(s, { args: { a: 1 } })).replace('{"a":1}', '{"a":1,"a":2}')),
  },
  {
    name: "__proto__ in the arguments",
    leaf: "cmd",
    reason: "payload",
    make: async (s, n) => n.command.sign("gh-cmd+jws", JSON.stringify(cmd(s, { args: { a: 1 } })).replace('"a"', '"__proto__"')),
  },
  {
    name: "200 levels deep",
    leaf: "cmd",
    reason: "payload",
    make: async (s, n) =>
      n.command.sign(
        "gh-cmd+jws",
        JSON.stringify(cmd(s, { args: { a: 1 } })).replace('{"a":1}', `${'{"a":'.repeat(200)}1${"}".repeat(200)}`),
      ),
  },
  {
    name: "not UTF-8",
    leaf: "cmd",
    reason: "payload",
    make: async (_s, n) =>
      Buffer.from(await signDocument(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), { type: "gh-cmd+jws", kid: "cmd-1" }, n.command.jwk)),
  },
  { name: "an array as payload", leaf: "cmd", reason: "payload", make: async (_s, n) => n.command.sign("gh-cmd+jws", []) },
  { name: "huge: 70,000 bytes", leaf: "cmd", reason: "too long", make: own({ args: { a: "x".repeat(70_000) } }) },
  { name: "huge: 8 MiB of nothing", leaf: "des", reason: "too long", make: async () => Buffer.alloc(8 * 1_048_576, 0x41) },
  {
    name: "JSON serialisation of a JWS",
    leaf: "cmd",
    reason: "not a compact JWS",
    make: async () => Buffer.from('{"payload":"e30","signatures":[]}'),
  },
  { name: "five parts (a JWE)", leaf: "cmd", reason: "not a compact JWS", make: async () => Buffer.from("a.b.c.d.e") },
  {
    name: "one bit flipped in the payload",
    leaf: "cmd",
    reason: "signature",
    make: async (s, n) => flip(await n.command.sign("gh-cmd+jws", cmd(s))),
  },
  {
    name: "another payload under a valid signature",
    leaf: "cmd",
    reason: "signature",
    make: async (s, n) => swapped(await n.command.sign("gh-cmd+jws", cmd(s)), cmd(s, { op: "test.break" })),
  },
  { name: "no such schema: ttl of a month", leaf: "cmd", reason: "schema", make: own({ ttl: 2_678_400 }) },
  { name: "no such schema: id that is a path", leaf: "cmd", reason: "schema", make: own({ id: "../../../../etc/passwd....." }) },
  {
    name: "expired an hour ago",
    leaf: "cmd",
    reason: "expired",
    make: async (s, n) => n.command.sign("gh-cmd+jws", cmd(s, { iat: s.nowS - 3_600, ttl: 60 })),
  },
  {
    name: "of the far future",
    leaf: "cmd",
    reason: "not yet valid",
    make: async (s, n) => n.command.sign("gh-cmd+jws", cmd(s, { iat: s.nowS + 31_536_000 })),
  },
  {
    name: "an expired manifest",
    leaf: "des",
    reason: "expired",
    make: async (s, n) => n.desired.sign("gh-desired+jws", manifest(9, s.nowS - 90_000, [], { exp: s.nowS - 1_000 })),
  },
  {
    name: "a manifest of next year",
    leaf: "des",
    reason: "not yet valid",
    make: async (s, n) => n.desired.sign("gh-desired+jws", manifest(9, s.nowS + 31_536_000)),
  },
  {
    name: "an older generation",
    leaf: "des",
    reason: "generation",
    make: async (s, n) => n.desired.sign("gh-desired+jws", manifest(4, s.nowS)),
  },
  {
    name: "another content of a known generation",
    leaf: "des",
    reason: "other content of a known generation",
    make: async (s, n) => n.desired.sign("gh-desired+jws", manifest(5, s.nowS, [], { jti: "other" })),
  },
  { name: "another epoch", leaf: "des", reason: "epoch", make: des({ epoch: 7 }) },
  { name: "no nonce", leaf: "cmd", reason: "nonce", make: own({ nonce: undefined }) },
  { name: "a guessed nonce", leaf: "cmd", reason: "nonce", make: own({ nonce: "AAAAAAAAAAAAAAAAAAAAAA" }) },
  {
    name: "a key document of version 0",
    leaf: "cmd",
    reason: "schema",
    make: async (s, n) => n.root.sign("gh-keys+jws", { v: 1, iss: "noc", aud: "gateways", tenant, version: 0, iat: s.nowS, keys: [] }),
  },
  {
    name: "a key document for another tenant",
    leaf: "cmd",
    reason: "tenant",
    make: async (s, n) =>
      n.root.sign("gh-keys+jws", {
        v: 1,
        iss: "noc",
        aud: "gateways",
        tenant: "other",
        version: 9,
        iat: s.nowS,
        keys: [{ kid: "k", roles: ["cmd"], x: "A".repeat(43) }],
      }),
  },
];
