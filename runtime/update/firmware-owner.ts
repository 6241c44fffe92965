import type { DesiredDocument, DocumentOutcome, DocumentProblem } from "#model/desired.ts";
import { type GatewayError, isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { ApplyProgress, DocumentOwner } from "#ports/desired-state.ts";
import type { UpdatePolicy, Updater } from "#ports/updater.ts";

/** Content of a document of the kind `firmware`: only names; what the bytes are is said by the signed release metadata. */
interface Firmware {
  readonly version: string;
  readonly allowOlder?: boolean;
}

/**
 * Passes the version that the NOC wants on to the updater. `applied` = noted, durably; downloading, switching and probation take their time
 * and show in the gateway's state and version. The site's own windows and cap hold, whatever the NOC says.
 */
export class FirmwareOwner implements DocumentOwner {
  readonly kinds = ["firmware"] as const;
  readonly #updater: Updater;
  readonly #policy: UpdatePolicy;
  readonly #clock: Clock;

  constructor(updater: Updater, policy: UpdatePolicy, clock: Clock) {
    this.#updater = updater;
    this.#policy = policy;
    this.#clock = clock;
  }

  async check(documents: readonly DesiredDocument[]): Promise<readonly DocumentProblem[]> {
    const [document, ...more] = documents;
    if (document === undefined) return [];
    const problem = (code: string, path: string, message: string): DocumentProblem => ({ document: document.id, code, path, message });
    if (more.length > 0) return [problem("E_DUPLICATE", "", "a generation names at most one version")];
    return isFirmware(document.content) ? [] : [problem("E_SCHEMA", "", "expected {version: 1.2.3, allowOlder?: true}")];
  }

  async apply(documents: readonly DesiredDocument[], progress: ApplyProgress, signal: AbortSignal): Promise<readonly DocumentOutcome[]> {
    const [document] = documents;
    if (document === undefined) {
      await this.#updater.cancel();
      return [];
    }
    const startedMs = this.#clock.monotonicMs();
    const outcome = (status: DocumentOutcome["status"], error?: GatewayError): DocumentOutcome => ({
      document: document.id,
      status,
      ...(error === undefined ? {} : { problem: { document: document.id, code: error.code, path: "", message: error.message } }),
      tookMs: this.#clock.monotonicMs() - startedMs,
    });
    if (!isFirmware(document.content)) return [outcome("unsupported")];
    const { version, allowOlder = false } = document.content;
    if (version === this.#updater.current().version) return [outcome("unchanged")];
    try {
      await this.#updater.request({ version }, { ...this.#policy, allowOlder }, signal);
      progress(document.id, "staged", `${version} is fetched and tried when the site's windows allow it`);
      return [outcome("applied")];
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return [outcome("failed", error)];
    }
  }
}

function isFirmware(content: unknown): content is Firmware {
  if (typeof content !== "object" || content === null || !("version" in content)) return false;
  const isVersion = typeof content.version === "string" && /^\d{1,6}(\.\d{1,6}){2}(-[0-9a-z.-]{1,40})?$/.test(content.version);
  return isVersion && (!("allowOlder" in content) || typeof content.allowOlder === "boolean");
}
