import type { EquipmentId } from "#model/equipment.ts";
import type { GapReason, Report } from "#model/report.ts";
import type { WatchParts } from "./watch-parts.ts";

/** Their silence is noticed, but nobody minds if somebody switches them off for a while. */
const patientClasses: ReadonlySet<string> = new Set(["printer", "camera"]);
const patientFactor = 4;
const leastFailures = 2;

interface FailureWords {
  readonly does: string;
  readonly repair: string;
  readonly again?: string;
  /** It answered: the way to it and back is whole. */
  readonly isHeard?: true;
}

/** What equipment does whose polls fail, in the log's words, and what a person can do: who answers, whatever it says, is no matter of power and cable. */
const words: Partial<Record<GapReason, FailureWords>> = {
  auth: { isHeard: true, does: "answers, but refuses the credential", repair: "Check community, user and keys on both sides" },
  badAnswer: {
    isHeard: true,
    does: "answers what is not valid",
    repair: "Restart it or its SNMP agent; look for newer firmware, and for another device at its address",
    again: "answers as it should again",
  },
  noSuchName: {
    isHeard: true,
    does: "refuses what it is asked",
    repair: "Check what the credential may read there (its view, its access list), and the context name",
    again: "answers as it should again",
  },
  // What was heard of it came too late, or there was too much of it.
  partial: {
    does: "does not answer in time",
    repair: "Look at its load and at the way to it, or poll it less often",
    again: "answers in time again",
  },
};
const silentWords = { does: "does not answer", repair: "Check its power and its cable" };

interface Silence {
  readonly sinceMs: number;
  failures: number;
  reason: GapReason;
}

/** Which equipment answers, from the reports alone: a poll without any table is a failed one. */
export class ReachabilityWatch {
  readonly #parts: WatchParts;
  readonly #afterMs: number;
  readonly #silent = new Map<EquipmentId, Silence>();
  readonly #upSinceMs = new Map<EquipmentId, number>();

  /** @param afterMs silence that is an alarm */
  constructor(parts: WatchParts, afterMs: number) {
    this.#parts = parts;
    this.#afterMs = afterMs;
  }

  observe(report: Report): void {
    const { equipment } = report;
    // As before: nearly every report of nearly every equipment.
    if (report.tables.length > 0 && this.#upSinceMs.has(equipment)) return;
    if (!this.#parts.facts.all.has(equipment)) return;
    if (report.tables.length > 0) {
      this.#answered(report);
      return;
    }
    const reason = report.gaps[0]?.reason;
    // A slot that this gateway skipped says nothing about the equipment.
    if (reason === undefined || reason === "skipped") return;
    const silence = this.#silent.get(equipment);
    if (silence === undefined) this.#silent.set(equipment, { sinceMs: report.observedAt.monotonicMs, failures: 1, reason });
    else {
      silence.failures += 1;
      silence.reason = reason;
    }
    this.#upSinceMs.delete(equipment);
  }

  tick(nowMs: number): void {
    const { facts } = this.#parts;
    for (const [equipment, silence] of this.#silent) {
      const isPatient = patientClasses.has(facts.classOf(equipment));
      // What somebody ordered to restart is given the time of a restart.
      const isExpected = facts.isExpected(equipment, nowMs);
      const afterMs = this.#afterMs * (isPatient || isExpected ? patientFactor : 1);
      if (silence.failures < leastFailures || nowMs - silence.sinceMs < afterMs) continue;
      this.#raise(equipment, silence);
    }
  }

  /**
   * What was polled at least once: everything that fails, of what answers the router, and how many others there are. Those are only counted: an object for each,
   * every two seconds, was a twelfth of what a large site left for the collector.
   */
  facts<Fact>(
    router: EquipmentId | undefined,
    factOf: (equipment: EquipmentId, state: "up" | "failing", sinceMs: number, complaint?: string) => Fact,
  ) {
    const equipment: Fact[] = [];
    for (const [id, { sinceMs, reason }] of this.#silent) {
      equipment.push(factOf(id, "failing", sinceMs, complaintOf(reason)));
    }
    const upSinceMs = router === undefined ? undefined : this.#upSinceMs.get(router);
    if (router !== undefined && upSinceMs !== undefined) equipment.push(factOf(router, "up", upSinceMs));
    return { equipment, othersUp: this.#upSinceMs.size - (upSinceMs === undefined ? 0 : 1) };
  }

  /** Whether its polls fail although it answers. */
  isHeard(equipment: EquipmentId): boolean {
    const silence = this.#silent.get(equipment);
    return silence !== undefined && complaintOf(silence.reason) !== undefined;
  }

  #answered({ equipment, observedAt }: Report): void {
    const { list, facts } = this.#parts;
    const reason = this.#silent.get(equipment)?.reason;
    this.#silent.delete(equipment);
    if (this.#upSinceMs.has(equipment)) return;
    this.#upSinceMs.set(equipment, observedAt.monotonicMs);
    const name = facts.nameOf(equipment);
    const again = (reason === undefined ? undefined : words[reason]?.again) ?? "answers again";
    list.clear({ equipment, path: "", type: "equipmentUnreachable", qualifier: "" }, `${name} ${again}`);
    list.clear({ equipment, path: "", type: "equipmentAccess", qualifier: "" }, `${name} accepts the credential again`);
  }

  #raise(equipment: EquipmentId, { reason }: Silence): void {
    const { list, facts } = this.#parts;
    const name = facts.nameOf(equipment);
    const address = facts.all.get(equipment)?.address ?? "";
    const { does, repair } = words[reason] ?? silentWords;
    const shared = {
      equipment,
      path: "",
      qualifier: "",
      source: { kind: "poll", ref: "reachability" },
      attributes: { name, ip: address },
      repair,
    } as const;
    if (reason === "auth") list.set({ ...shared, type: "equipmentAccess", severity: "minor", text: `${name} ${does}` });
    else
      list.set({
        ...{ ...shared, type: "equipmentUnreachable", severity: severityOf(facts.classOf(equipment)) },
        ...{ text: `${name} (${address}) ${does}`, cause: "equipmentMalfunction" },
      });
  }
}

function severityOf(deviceClass: string): "critical" | "major" | "minor" {
  if (deviceClass === "printer" || deviceClass === "camera") return "minor";
  return deviceClass === "router" || deviceClass === "firewall" ? "critical" : "major";
}

/** What equipment does whose polls fail and that is heard all the same; undefined = nothing is heard of it. */
function complaintOf(reason: GapReason): string | undefined {
  const said = words[reason];
  return said?.isHeard === true ? said.does : undefined;
}
