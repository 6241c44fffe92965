import { GatewayError } from "#model/errors.ts";

/** Variables by which whoever starts the program changes what it runs, whom it believes, or what it writes down. None is ours to need. */
const openers = [
  ...[
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_EXTRA_CA_CERTS",
    "NODE_USE_SYSTEM_CA",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "NODE_DEBUG",
    "NODE_DEBUG_NATIVE",
  ],
  ...[
    "NODE_V8_COVERAGE",
    "NODE_REPL_EXTERNAL_MODULE",
    "NODE_ICU_DATA",
    "NODE_COMPILE_CACHE",
    "SSLKEYLOGFILE",
    "OPENSSL_CONF",
    "SSL_CERT_FILE",
  ],
  ...["SSL_CERT_DIR", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"],
];

/** Names that are set and should not be, empty ones left out. */
export function openVariables(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return openers.filter((name) => (environment[name] ?? "") !== "");
}

/**
 * A gateway that runs as a service is started with none of them (gatehouse.service unsets them); by hand they are the developer's business, but for
 * the one that takes the meaning out of every certificate.
 * @param isService started by the launcher
 * @returns names that are set, to be warned of
 * @throws GatewayError host.denied
 */
export function demandClosedEnvironment(environment: Readonly<Record<string, string | undefined>>, isService: boolean): readonly string[] {
  const open = openVariables(environment);
  const refused = isService ? open : open.filter((name) => name === "NODE_TLS_REJECT_UNAUTHORIZED" && environment[name] === "0");
  if (refused.length > 0)
    throw new GatewayError("host.denied", {
      message: `not started: ${refused.join(", ")} in the environment could change what this program runs or whom it believes. Unset it`,
      fields: { variables: refused.join(" ") },
    });
  return open;
}
