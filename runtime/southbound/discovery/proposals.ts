import { type Equipment, isEquipmentId } from "#model/equipment.ts";
import { GatewayError } from "#model/errors.ts";
import type { State } from "#ports/state.ts";
import { compareIdentities, type IdentityKeys, plainName } from "./identity.ts";
import { readJson } from "./stored.ts";

/** What discovery knows of something that could be monitored. */
export interface Finding {
  readonly address: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly deviceClass: string;
  readonly keys: IdentityKeys;
  readonly vendor?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly sysName?: string;
  readonly mac?: string;
  /** Name of the credential that was answered; absent = it does not answer SNMP with any that it was asked with. */
  readonly credential?: string;
  /** Members of a stack beyond one. */
  readonly members?: number;
  /** In words, at most 16. */
  readonly evidence: readonly string[];
}

/** Something a person may accept or refuse. */
export interface Proposal extends Finding {
  /** `p1`, `p2` ... */
  readonly id: string;
  readonly suggestedId: string;
  readonly state: "open" | "accepted" | "refused";
  /** Who decided; absent while open. */
  readonly decidedBy?: "person" | "policy";
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

/** One key per proposal: a decision writes one of them. */
const keyPrefix = "discovery/proposal/";
const maxOpen = 500;
const maxStored = 2_000;
/** Refused ones are remembered, so that they are not proposed again; beyond this the oldest is forgotten. */
const maxRefused = 500;
const maxEvidence = 16;
/** lastSeenMs alone is not worth a write to flash. */
const seenGrainMs = 24 * 3_600_000;

export interface ProposalOptions {
  readonly state: State;
  readonly autoAccept: readonly string[];
  readonly pollIntervalMs: number;
  /** Ids that are taken by configured equipment. */
  readonly takenIds: () => ReadonlySet<string>;
}

/** The durable list of what could be monitored. Nothing is monitored because discovery found it: a person accepts, or site policy does. */
export class Proposals {
  readonly #options: ProposalOptions;
  readonly #all = new Map<string, Proposal>();
  #next = 1;
  /** Ids whose stored form differs. */
  readonly #changed = new Set<string>();
  overflow = 0;

  constructor(options: ProposalOptions) {
    this.#options = options;
    for (const key of options.state.keys(keyPrefix, maxStored)) {
      const proposal = readJson(options.state, key, isProposal);
      if (proposal === undefined) continue;
      this.#all.set(proposal.id, proposal);
      this.#next = Math.max(this.#next, Number(proposal.id.slice(1)) + 1);
    }
  }

  list(): readonly Proposal[] {
    return [...this.#all.values()];
  }

  /** @returns the proposal if it is new, with what policy decided about it */
  offer(finding: Finding, wallMs: number): Proposal | undefined {
    const known = this.#find(finding);
    if (known !== undefined) {
      this.#renew(known, finding, wallMs);
      return undefined;
    }
    if (this.#count("open") >= maxOpen) {
      this.overflow += 1;
      return undefined;
    }
    const isAccepted = finding.credential !== undefined && this.#options.autoAccept.includes(finding.deviceClass);
    const proposal: Proposal = {
      ...finding,
      evidence: finding.evidence.slice(0, maxEvidence),
      id: `p${this.#next++}`,
      suggestedId: this.#suggestId(finding),
      state: isAccepted ? "accepted" : "open",
      ...(isAccepted ? { decidedBy: "policy" as const } : {}),
      firstSeenMs: wallMs,
      lastSeenMs: wallMs,
    };
    this.#put(proposal);
    return proposal;
  }

  /** @throws GatewayError command.refused when there is none, or it cannot be polled */
  accept(id: string): Proposal {
    const proposal = this.#get(id);
    if (proposal.credential === undefined)
      throw new GatewayError("command.refused", {
        message: `${proposal.address} answers SNMP with none of the subnet's credentials; add the right one, then it can be accepted`,
        fields: { proposal: proposal.id },
      });
    return this.#decide(proposal, "accepted");
  }

  /** @throws GatewayError command.refused when there is none */
  refuse(id: string): Proposal {
    return this.#decide(this.#get(id), "refused");
  }

  /** Everything that was accepted, as equipment to poll. */
  acceptedEquipment(): readonly Equipment[] {
    return this.list().flatMap((proposal) => equipmentOf(proposal, this.#options.pollIntervalMs) ?? []);
  }

  save(): void {
    if (this.#changed.size === 0) return;
    const entries = [...this.#changed].map((id) => {
      const proposal = this.#all.get(id);
      return [`${keyPrefix}${id}`, proposal === undefined ? undefined : JSON.stringify(proposal)] as const;
    });
    this.#options.state.put(Object.fromEntries(entries));
    this.#changed.clear();
  }

  #get(id: string): Proposal {
    const proposal = this.#all.get(id);
    if (proposal === undefined) throw new GatewayError("command.refused", { message: "there is no such proposal" });
    return proposal;
  }

  #decide(proposal: Proposal, state: "accepted" | "refused"): Proposal {
    const decided: Proposal = { ...proposal, state, decidedBy: "person" };
    this.#put(decided);
    const refused = this.list().filter((one) => one.state === "refused");
    const [oldest] = refused;
    if (refused.length > maxRefused && oldest !== undefined) {
      this.#all.delete(oldest.id);
      this.#changed.add(oldest.id);
    }
    this.save();
    return decided;
  }

  /** By identity; by address only where neither has an identity that says otherwise. */
  #find(finding: Finding): Proposal | undefined {
    const all = this.list();
    return (
      all.find((one) => compareIdentities(one.keys, finding.keys) === "same") ??
      all.find((one) => one.addresses.includes(finding.address) && compareIdentities(one.keys, finding.keys) === "unknown")
    );
  }

  #renew(known: Proposal, finding: Finding, wallMs: number): void {
    const { id, suggestedId, state, firstSeenMs, decidedBy } = known;
    const renewed: Proposal = {
      ...finding,
      evidence: finding.evidence.slice(0, maxEvidence),
      id,
      suggestedId,
      state,
      firstSeenMs,
      lastSeenMs: wallMs,
      ...(decidedBy === undefined ? {} : { decidedBy }),
    };
    const isSame = JSON.stringify({ ...renewed, lastSeenMs: 0 }) === JSON.stringify({ ...known, lastSeenMs: 0 });
    if (isSame && Math.abs(wallMs - known.lastSeenMs) < seenGrainMs) return;
    this.#put(renewed);
  }

  #put(proposal: Proposal): void {
    this.#all.set(proposal.id, proposal);
    this.#changed.add(proposal.id);
  }

  #count(state: Proposal["state"]): number {
    return this.list().filter((one) => one.state === state).length;
  }

  #suggestId({ sysName, deviceClass, address }: Finding): string {
    const taken = new Set([...this.#options.takenIds(), ...this.list().map((one) => one.suggestedId)]);
    const named = plainName(sysName ?? "")
      .replaceAll(/[^a-z0-9_-]+/g, "-")
      .replaceAll(/^[^a-z0-9]+|-+$/g, "")
      .slice(0, 50);
    const base = named !== "" ? named : `${deviceClass === "unknown" ? "device" : deviceClass}-${address.split(".").slice(2).join("-")}`;
    for (let count = 1; ; count++) {
      const id = count === 1 ? base : `${base}-${count}`;
      if (!taken.has(id)) return id;
    }
  }
}

/** The entry that an accepted proposal becomes. */
export function equipmentOf(proposal: Proposal, pollIntervalMs: number): Equipment | undefined {
  const { suggestedId, address, port, credential, state, sysName } = proposal;
  if (state !== "accepted" || credential === undefined || !isEquipmentId(suggestedId)) return undefined;
  const name = sysName === undefined || sysName === "" ? {} : { name: sysName.slice(0, 128) };
  return Object.freeze({ id: suggestedId, address, port, driver: "snmp", credential, pollIntervalMs, ...name });
}

function isProposal(value: unknown): value is Proposal {
  if (typeof value !== "object" || value === null) return false;
  const { id, address, addresses, keys, state, evidence } = value as Partial<Record<keyof Proposal, unknown>>;
  return (
    typeof id === "string" &&
    /^p\d+$/.test(id) &&
    typeof address === "string" &&
    Array.isArray(addresses) &&
    Array.isArray(evidence) &&
    typeof keys === "object" &&
    keys !== null &&
    "serials" in keys &&
    Array.isArray(keys.serials) &&
    typeof state === "string"
  );
}
