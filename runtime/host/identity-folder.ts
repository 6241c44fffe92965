import { join } from "node:path";
import type { DeviceKeys, GatewayIdentity } from "#model/identity.ts";
import type { AtRest } from "#ports/at-rest.ts";
import type { Entropy } from "#ports/entropy.ts";
import type { IdentityStore } from "#ports/identity.ts";
import { SealedFiles } from "./sealed-file.ts";
import { makeStateFolder } from "./state-folder.ts";

/** `STATE/identity/`: a root file of mode 0400, and keys and identity encrypted under it. Survives the loss of every database. */
export class IdentityFolder implements IdentityStore {
  readonly #folder: string;
  readonly #files: SealedFiles;

  constructor(stateDir: string, entropy: Entropy) {
    this.#folder = join(stateDir, "identity");
    this.#files = new SealedFiles(join(this.#folder, "root.key"), entropy);
  }

  /** @throws GatewayError config.secret */
  current(): GatewayIdentity | undefined {
    return this.#files.read(join(this.#folder, "gateway.sealed")) as GatewayIdentity | undefined;
  }

  /** @throws GatewayError config.secret */
  keys(): DeviceKeys | undefined {
    return this.#files.read(join(this.#folder, "keys.sealed")) as DeviceKeys | undefined;
  }

  keepKeys(keys: DeviceKeys): void {
    makeStateFolder(this.#folder);
    this.#files.write(join(this.#folder, "keys.sealed"), keys);
  }

  keep(identity: GatewayIdentity): void {
    makeStateFolder(this.#folder);
    this.#files.write(join(this.#folder, "gateway.sealed"), identity);
  }
}

/** Values of the databases under the same root: a gateway that was never enrolled has one as well. */
export function atRestOf(stateDir: string, entropy: Entropy): AtRest {
  const folder = join(stateDir, "identity");
  const files = new SealedFiles(join(folder, "root.key"), entropy);
  return {
    seal: (clear) => {
      makeStateFolder(folder);
      return files.seal(clear);
    },
    open: (sealed) => files.open(sealed),
  };
}
