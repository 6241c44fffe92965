/** Leaves a gateway writes and reads (PROTOCOL section 5). */
const written = ["state", "hello", "tm", "bf", "ev", "sla", "inv", "chk", "rep", "rsp", "blobq", "log", "eds"];
const read = ["ack", "des", "cmd", "blob", "edq"];

export interface BrokerFilePaths {
  readonly port: number;
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  readonly revocationList: string;
  readonly acl: string;
}

/**
 * Listener of mosquitto 2 for gateways. `use_username_as_clientid` is essential: without it a gateway with a valid certificate takes over
 * another one's session by calling itself like it.
 */
export function mosquittoListener(paths: BrokerFilePaths): string {
  return [
    "# Written by `gatehouse noc broker-files`. One listener for gateways; the NOC's own roles come in by another.",
    "per_listener_settings true",
    `listener ${paths.port}`,
    `cafile ${paths.authority}`,
    `certfile ${paths.certificate}`,
    `keyfile ${paths.key}`,
    `crlfile ${paths.revocationList}`,
    "tls_version tlsv1.3",
    "require_certificate true",
    "use_identity_as_username true",
    "use_username_as_clientid true",
    "allow_anonymous false",
    `acl_file ${paths.acl}`,
    "max_connections 20000",
    "message_size_limit 262144",
    "max_inflight_messages 32",
    "max_queued_messages 100",
    "persistent_client_expiration 1h",
    "",
  ].join("\n");
}

/** One gateway reaches its own topics of its own tenant and nothing else; what is not allowed is refused. */
export function mosquittoAcl(tenants: readonly { readonly tenant: string; readonly gateways: readonly string[] }[]): string {
  const lines = ["# Written by `gatehouse noc broker-files`: each certificate's common name may use its own topics only."];
  for (const { tenant, gateways } of tenants) {
    for (const gateway of gateways) {
      lines.push("", `user ${gateway}`);
      lines.push(...written.map((leaf) => `topic write gh/1/${tenant}/g/${gateway}/${leaf}`));
      lines.push(...read.map((leaf) => `topic read gh/1/${tenant}/g/${gateway}/${leaf}`));
      lines.push(`topic read gh/1/${tenant}/noc/state`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** The same for EMQX 5: authorization file (`acl.conf`), tenant taken from the certificate's organisation. */
export function emqxAcl(): string {
  // EMQX's own placeholders, not ours.
  const [tenant, client] = ["client_attrs.tenant", "clientid"].map((name) => `$\{${name}}`);
  const rule = (action: string, topic: string) => `{allow, all, ${action}, ["gh/1/${tenant}/${topic}"]}.`;
  return [
    "%% Written by `gatehouse noc broker-files`.",
    "%% Needs in emqx.conf: mqtt.peer_cert_as_clientid = cn, mqtt.peer_cert_as_username = cn,",
    '%% mqtt.client_attrs_init = [{expression = "cert_subject.organization", set_as_attr = tenant}], authorization.no_match = deny,',
    "%% authorization.deny_action = disconnect.",
    ...written.map((leaf) => rule("publish", `g/${client}/${leaf}`)),
    ...read.map((leaf) => rule("subscribe", `g/${client}/${leaf}`)),
    rule("subscribe", "noc/state"),
    "{deny, all}.",
    "",
  ].join("\n");
}
