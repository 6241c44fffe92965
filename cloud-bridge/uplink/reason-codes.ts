/** Names of MQTT 5 reason codes (section 2.4) that a broker sends us; for people and logs. */
const names: Readonly<Record<number, string>> = {
  128: "unspecified error",
  129: "malformed packet",
  130: "protocol error",
  131: "implementation specific error",
  132: "unsupported protocol version",
  133: "client identifier not valid",
  134: "bad user name or password",
  135: "not authorized",
  136: "server unavailable",
  137: "server busy",
  138: "banned",
  139: "server shutting down",
  140: "bad authentication method",
  141: "keep alive timeout",
  142: "session taken over",
  143: "topic filter invalid",
  144: "topic name invalid",
  145: "packet identifier in use",
  147: "receive maximum exceeded",
  148: "topic alias invalid",
  149: "packet too large",
  150: "message rate too high",
  151: "quota exceeded",
  152: "administrative action",
  153: "payload format invalid",
  154: "retain not supported",
  155: "qos not supported",
  156: "use another server",
  157: "server moved",
  158: "shared subscriptions not supported",
  159: "connection rate exceeded",
  160: "maximum connect time",
  161: "subscription identifiers not supported",
  162: "wildcard subscriptions not supported",
};

/** `not authorized (0x87)`. */
export function reasonName(code: number): string {
  const hex = `0x${code.toString(16).padStart(2, "0")}`;
  const name = names[code];
  return name === undefined ? hex : `${name} (${hex})`;
}
