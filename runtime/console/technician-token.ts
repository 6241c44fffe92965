import { isGatewayError } from "#model/errors.ts";
import type { Clock } from "#ports/clock.ts";
import type { State } from "#ports/state.ts";
import type { ConsoleScope, SignedIn, SignInMethod } from "./source.ts";

/** RELIABILITY 5.5: a token lasts at most a working day. */
const longestS = 8 * 3_600;
const toleranceS = 120;
const usedKey = "console/used-tokens";
const maxUsed = 256;
const scopes: readonly ConsoleScope[] = ["view", "operate", "flows.read", "flows.write"];

export interface TechnicianTokenParts {
  /** Verifies form, signature (a key for technicians, pinned or named by the root), addressee, tenant and issuer. @throws GatewayError codec.* */
  readonly verify: (token: string) => Promise<{ readonly payload: Uint8Array }>;
  readonly clock: Clock;
  /** Remembers which tokens were used: each signs in once. */
  readonly state: State;
}

interface Claims {
  readonly jti: string;
  readonly sub: string;
  readonly iat: number;
  readonly exp: number;
  readonly scope: string;
}

/**
 * Tokens of the NOC for one technician and one gateway (`gh-tech+jws`), verified without asking anybody. A clock that was never set cannot judge
 * dates: then a token of at most 8 h life is taken once, because whoever issued it named this gateway and this person.
 */
export class TechnicianTokens implements SignInMethod {
  readonly name = "technician token";
  readonly #parts: TechnicianTokenParts;

  constructor(parts: TechnicianTokenParts) {
    this.#parts = parts;
  }

  async verify(secret: string): Promise<SignedIn | undefined> {
    if (secret.split(".").length !== 3) return undefined;
    const claims = await this.#claims(secret);
    if (claims === undefined) return undefined;
    const now = this.#parts.clock.now();
    const nowS = now.wallMs / 1_000;
    if (claims.exp <= claims.iat || claims.exp - claims.iat > longestS) return undefined;
    const isDated = now.quality !== "unanchored";
    if (isDated && (nowS > claims.exp + toleranceS || nowS < claims.iat - toleranceS)) return undefined;
    const granted = scopes.filter((scope) => claims.scope.split(" ").includes(scope));
    if (granted.length === 0 || !this.#use(claims)) return undefined;
    const lifeS = isDated ? claims.exp - nowS : claims.exp - claims.iat;
    return { person: claims.sub, scopes: granted, lifeMs: Math.max(60, lifeS) * 1_000 };
  }

  async #claims(token: string): Promise<Claims | undefined> {
    try {
      const { payload } = await this.#parts.verify(token);
      const { jti, sub, iat, exp, scope } = JSON.parse(new TextDecoder().decode(payload)) as Readonly<Record<string, unknown>>;
      const isRight = typeof jti === "string" && /^[\w-]{8,64}$/.test(jti) && typeof sub === "string" && /^[\x20-\x7e]{1,120}$/.test(sub);
      if (!isRight || typeof iat !== "number" || typeof exp !== "number" || typeof scope !== "string") return undefined;
      return { jti, sub, iat, exp, scope };
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return undefined;
    }
  }

  /** False = it was used before. Durable: a restart does not make it good again. */
  #use({ jti, exp }: Claims): boolean {
    const { state } = this.#parts;
    const used = JSON.parse(state.getText(usedKey) ?? "[]") as [string, number][];
    if (used.some(([id]) => id === jti)) return false;
    // The ones that end last are kept: what is forgotten is out of date by then, or the list would hold more than 256 tokens of one day.
    const kept = [...used, [jti, exp] as [string, number]].sort((a, b) => b[1] - a[1]).slice(0, maxUsed);
    state.put({ [usedKey]: JSON.stringify(kept) });
    return true;
  }
}
