import type { FaultDomain, VerdictEvidence } from "#model/verdict.ts";
import type { CheckReading, EquipmentFact, SiteFacts } from "./site-facts.ts";

/** What `verdictOf` finds; when it began is the keeper's business. */
export interface Finding {
  readonly domain: FaultDomain;
  readonly confidence: number;
  readonly text: string;
  readonly evidence: readonly VerdictEvidence[];
  readonly subject?: string;
}

const maxEvidence = 12;
/** So many different places that fail at once, and none that answers, outweigh a connection that still stands. */
const hostsThatProve = 3;

/** Whose fault it is: device, LAN, gateway, line, ISP, DNS, remote service or NOC, with the reasons in words. Pure; see README.md for the order. */
export function verdictOf(facts: SiteFacts): Finding {
  const view = new SiteView(facts);
  const finding =
    view.ownNetwork() ??
    view.localNetwork() ??
    view.wayOut() ??
    view.names() ??
    view.provider() ??
    view.noc() ??
    view.service() ??
    view.device() ??
    view.power();
  if (finding === undefined) return view.found("none", 1, "nothing is wrong", undefined);
  return { ...finding, evidence: finding.evidence.slice(0, maxEvidence) };
}

/** The facts, sorted by what they speak of. */
class SiteView {
  readonly #facts: SiteFacts;
  /** Of whom nothing is heard. */
  readonly #silent: readonly EquipmentFact[];
  /** Their polls fail, but they answer: no proof against the network, rather for it. */
  readonly #complaining: readonly EquipmentFact[];
  readonly #upCount: number;
  readonly #outside: readonly CheckReading[];
  readonly #router: EquipmentFact | undefined;

  constructor(facts: SiteFacts) {
    this.#facts = facts;
    const failing = facts.equipment.filter(({ state }) => state === "failing");
    this.#silent = failing.filter(({ complaint }) => complaint === undefined);
    this.#complaining = failing.filter(({ complaint }) => complaint !== undefined);
    this.#upCount = facts.equipment.length - this.#silent.length + (facts.othersUp ?? 0);
    this.#outside = facts.checks.filter(({ targetClass }) => ["public", "service", "noc"].includes(targetClass));
    const gateway = facts.host?.defaultRoute?.gateway;
    this.#router = gateway === undefined ? undefined : facts.equipment.find(({ address }) => address === gateway);
  }

  get #total(): number {
    return this.#silent.length + this.#upCount;
  }

  /** This box itself: its cable, its address, its route. Then nothing it sees is anybody else's fault. */
  ownNetwork(): Finding | undefined {
    const { host } = this.#facts;
    if (host === undefined || host.interfaces.length === 0) return undefined;
    const wired = host.interfaces.filter(({ up, carrier }) => up && carrier !== false);
    // The kernel knows at once; whatever seems to answer still was asked before.
    if (wired.length === 0)
      return this.found("gateway", 0.95, "the gateway itself has no link: its cable, its port or its switch", undefined);
    if (this.#upCount > 0 || this.#outside.some(isOk) || this.#facts.uplink.state === "connected") return undefined;
    if (host.defaultRoute === undefined && this.#silent.length > 0 && this.#upCount === 0)
      return this.found("gateway", 0.7, "the gateway has a link but no way out: no address or no default route", undefined);
    return undefined;
  }

  /** Everything here is silent at once: it is not all of it that broke. */
  localNetwork(): Finding | undefined {
    if (this.#silent.length < 2 || this.#upCount > 0) return undefined;
    if (this.#facts.isPowerOut) return this.found("power", 0.9, "the mains failed: nothing at the site answers any more", undefined);
    if (this.#gatewayAnswers() === true) return undefined;
    return this.found("lan", 0.8, "nothing at the site answers: the network between the gateway and everything else is down", undefined);
  }

  /** Nothing outside can be reached. */
  wayOut(): Finding | undefined {
    const { uplink, wanPortDown } = this.#facts;
    const failing = this.#outside.filter(isFailing);
    const uplinkDown = uplink.state === "down";
    const firstMs = Math.min(...failing.map(({ sinceMs }) => sinceMs));
    // Good news from before the first failure are old news, and a connection to the NOC takes minutes to notice that the line is gone.
    const isAnswered = this.#outside.some((check) => isOk(check) && (failing.length === 0 || check.atMs > firstMs));
    const isConnected = uplink.state === "connected" && new Set(failing.map(({ host }) => host)).size < hostsThatProve;
    if (isAnswered || isConnected || (failing.length === 0 && !uplinkDown)) return undefined;
    if (failing.length === 0) return this.#onlyUplink();
    if (failing.length === 1 && uplink.state === "none" && !this.#hasSecondWitness()) return undefined;
    // Names that do not resolve stop every check that goes by name; addresses tell whether the line is there.
    if (failing.every(({ stage }) => stage === "resolve")) return undefined;
    const router = this.#gatewayAnswers();
    if (router === false) return this.#routerSilent();
    if (wanPortDown !== undefined) return this.found("line", 0.95, `the access line is down: ${wanPortDown}`, this.#router?.id);
    const isp = this.#facts.checks.filter(({ targetClass }) => targetClass === "isp");
    const hops = this.#facts.checks.flatMap(({ publicHops }) => (publicHops === undefined ? [] : [publicHops]));
    if (isp.some(isOk) || hops.some((count) => count > 0))
      return this.found("isp", 0.85, "the line is up, and the provider's network leads nowhere", undefined);
    const isProven = router === true && (isp.some(isFailing) || hops.length > 0);
    return this.found("line", isProven ? 0.85 : 0.6, "the access line is down: nothing outside the site answers", undefined);
  }

  names(): Finding | undefined {
    const dns = this.#facts.checks.filter(({ targetClass }) => targetClass === "dns");
    const unresolved = this.#outside.filter((check) => isFailing(check) && check.stage === "resolve");
    const byName = this.#outside.filter((check) => isOk(check) && /[a-z]/i.test(check.host.replaceAll(":", "")));
    const failing = dns.filter(isFailing);
    if (failing.length === 0 && unresolved.length < 2) return undefined;
    // One name server of several is a nuisance, not an outage; one name that does not exist is its owner's business.
    if (dns.some(isOk) && unresolved.length === 0) return undefined;
    if (failing.length === 0 && byName.length > 0) return undefined;
    // Packets that get lost lose questions as well: then it is not the name servers.
    const echoes = this.#facts.checks.filter(({ targetClass, stage }) => ["public", "isp"].includes(targetClass) && stage !== "resolve");
    if (echoes.some(({ state }) => state !== "ok")) return undefined;
    // When the line goes, names go first: whether the rest still answers must have been seen since.
    const byAddress = this.#outside.filter((check) => check.stage !== "resolve" && !unresolved.includes(check));
    const firstMs = Math.min(...[...failing, ...unresolved].map(({ sinceMs }) => sinceMs));
    if (byAddress.length > 0 && !byAddress.some((check) => isOk(check) && check.atMs > firstMs)) return undefined;
    return this.found(
      "dns",
      failing.length > 0 ? 0.9 : 0.7,
      "names do not resolve: the name servers do not answer as they should",
      failing[0]?.host,
    );
  }

  /** The line is there, but much of what is behind it is not. */
  provider(): Finding | undefined {
    const publics = this.#facts.checks.filter(({ targetClass, stage }) => ["public", "isp"].includes(targetClass) && stage !== "resolve");
    const bad = publics.filter(({ state }) => state !== "ok");
    const failing = bad.filter(isFailing);
    if (failing.length === 0 || new Set(bad.map(({ host }) => host)).size < 2 || bad.length * 2 < publics.length) return undefined;
    // An outage begins like this: whether anything still gets through must have been seen since.
    const firstMs = Math.min(...failing.map(({ sinceMs }) => sinceMs));
    if (!this.#facts.checks.some((check) => isOutside(check) && check.state !== "failing" && check.atMs > firstMs)) return undefined;
    return this.found("isp", 0.7, "packets to several places outside are lost: the provider's network", undefined);
  }

  noc(): Finding | undefined {
    const { uplink, checks } = this.#facts;
    const others = this.#outside.filter(({ targetClass }) => targetClass !== "noc");
    const nocChecks = checks.filter(({ targetClass }) => targetClass === "noc");
    const isDown = uplink.state === "down" || (uplink.state === "connected" && !uplink.answered && nocChecks.some(isFailing));
    if (!isDown || !others.some(isOk)) return undefined;
    const more =
      uplink.state === "down" && isPortClosed(uplink.reason) ? "; its host answers, and nothing listens at the broker's port" : "";
    return this.found("noc", 0.9, `everything but the NOC can be reached${more}`, undefined);
  }

  service(): Finding | undefined {
    const failing = this.#outside.filter(({ targetClass, state }) => state === "failing" && targetClass !== "noc");
    const [first] = failing;
    if (first === undefined) return undefined;
    const hosts = [...new Set(failing.map(({ host }) => host))];
    const proven = this.#outside.some(isOk) || this.#facts.uplink.state === "connected";
    const text = `${hosts.slice(0, 3).join(", ")} ${hosts.length === 1 ? "does" : "do"} not work, and other places do`;
    return this.found("service", proven ? 0.85 : 0.5, proven ? text : `${hosts[0]} does not work`, first.host);
  }

  /** Equipment that is silent while its surroundings answer. */
  device(): Finding | undefined {
    const silent = new Set(this.#silent.map(({ id }) => id));
    const roots = this.#silent.filter(({ parent }) => parent === undefined || !silent.has(parent));
    const [first] = roots;
    if (first === undefined) return this.#complaint();
    if (this.#facts.isPowerOut && this.#silent.length > 1)
      return this.found("power", 0.8, "the mains failed, and part of the site is dark", first.id);
    const behind = this.#silent.length - roots.length;
    const more = behind > 0 ? `, and ${behind} behind it` : "";
    if (roots.length === 1) return this.found("device", 0.9, `${first.name} does not answer${more}`, first.id);
    const names = roots.map(({ name }) => name).slice(0, 4);
    if (roots.length >= 3 && roots.length * 2 > this.#total)
      return this.found("lan", 0.6, `most of the site does not answer: ${names.join(", ")} ...`, first.id);
    return this.found("device", 0.7, `${names.join(", ")} do not answer`, first.id);
  }

  /** Everything still answers, on battery. */
  power(): Finding | undefined {
    if (!this.#facts.isPowerOut) return undefined;
    return this.found("power", 0.9, "the mains failed; what hangs on the UPS still runs", undefined);
  }

  found(domain: FaultDomain, confidence: number, text: string, subject: string | undefined): Finding {
    return { domain, confidence, text, evidence: this.#evidence(domain), ...(subject === undefined ? {} : { subject }) };
  }

  /** Equipment that answers what is of no use: a credential, an access list, an agent. */
  #complaint(): Finding | undefined {
    const [first, ...others] = this.#complaining;
    if (first === undefined) return undefined;
    const text = others.length === 0 ? `${first.name} ${first.complaint}` : `${namesOf(this.#complaining)} answer, but not as they should`;
    return this.found("device", 0.9, text, first.id);
  }

  #routerSilent(): Finding {
    if (this.#router !== undefined && this.#upCount > 0)
      return this.found("device", 0.85, `${this.#router.name}, the way out of the site, does not answer`, this.#router.id);
    return this.found("lan", 0.7, "the way out of the site does not answer", undefined);
  }

  /** The uplink alone is down and nothing else was asked. */
  #onlyUplink(): Finding {
    const { code, reason } = this.#facts.uplink;
    if (this.#gatewayAnswers() === false) return this.#routerSilent();
    if (this.#facts.wanPortDown !== undefined)
      return this.found("line", 0.9, `the access line is down: ${this.#facts.wanPortDown}`, undefined);
    if (code === "uplink.refused" || code === "uplink.tls")
      return this.found("noc", 0.8, "the NOC's broker can be reached, and does not let the gateway in", undefined);
    // The broker's machine said so itself, or a firewall in its name: the way there is whole.
    if (isPortClosed(reason)) {
      const advice = "is the broker running, is the port in uplink.url right, does a firewall refuse?";
      return this.found("noc", 0.7, `the NOC's host can be reached, but nothing listens at the broker's port: ${advice}`, undefined);
    }
    if (/ENOTFOUND|EAI_AGAIN/.test(reason)) return this.found("dns", 0.5, "the name of the NOC's broker does not resolve", undefined);
    return this.found(
      "unknown",
      0.3,
      "the NOC cannot be reached: line, provider or NOC; without a check of another place nobody can tell",
      undefined,
    );
  }

  /** Whether the default gateway is there; undefined = nobody asked it. */
  #gatewayAnswers(): boolean | undefined {
    const checks = this.#facts.checks.filter(({ targetClass }) => targetClass === "lan-gateway");
    if (checks.some(isOk) || this.#router?.state === "up" || this.#router?.complaint !== undefined) return true;
    const neighbour = this.#facts.host?.gatewayNeighbour;
    if (checks.some(isFailing) || this.#router?.state === "failing" || neighbour === "failed") return false;
    return neighbour === "reachable" ? true : undefined;
  }

  #hasSecondWitness(): boolean {
    return this.#facts.wanPortDown !== undefined || this.#gatewayAnswers() === false;
  }

  #evidence(domain: FaultDomain): readonly VerdictEvidence[] {
    const { host, uplink, checks, isPowerOut, wanPortDown } = this.#facts;
    const said: VerdictEvidence[] = [];
    const add = (weight: VerdictEvidence["weight"], text: string) => said.push({ weight, text });
    const linked = host?.interfaces.filter(({ carrier }) => carrier === true).map(({ name }) => name) ?? [];
    if (host !== undefined && host.interfaces.length > 0)
      add(
        domain === "gateway" ? "for" : "against",
        linked.length > 0 ? `the gateway has a link on ${linked.join(", ")}` : "the gateway has no link",
      );
    if (isPowerOut) add(domain === "power" ? "for" : "against", "a UPS reports that the mains failed");
    if (wanPortDown !== undefined) add("for", wanPortDown);
    const answers = this.#gatewayAnswers();
    const address = host?.defaultRoute?.gateway;
    if (address !== undefined)
      add(
        answers === undefined ? "missing" : "for",
        `${address}, the way out, ${answers === undefined ? "was not asked" : answers ? "answers" : "does not answer"}`,
      );
    if (this.#silent.length > 0) add("for", `${this.#silent.length} of ${this.#total} devices do not answer: ${namesOf(this.#silent)}`);
    else if (this.#upCount > 0) add("against", `all ${this.#upCount} devices answer`);
    for (const { name, complaint } of this.#complaining.slice(0, 4)) add("for", `${name} ${complaint}`);
    for (const check of checks.filter(isFailing).slice(0, 4)) add("for", `check ${check.name} fails: ${check.why}`);
    const good = checks.filter(isOk);
    if (good.length > 0)
      add(
        "against",
        `${good.length} checks succeed: ${good
          .slice(0, 3)
          .map(({ name }) => name)
          .join(", ")}`,
      );
    if (uplink.state === "down")
      add(domain === "noc" ? "for" : "against", `the NOC is not connected: ${uplink.reason || "no reason known"}`);
    if (uplink.state === "connected") add("against", "the NOC is connected");
    if (this.#outside.length === 0) add("missing", "no check looks at a place outside");
    return said;
  }
}

function isPortClosed(reason: string): boolean {
  return reason.includes("ECONNREFUSED");
}

function isOutside({ targetClass }: CheckReading): boolean {
  return targetClass !== "lan" && targetClass !== "lan-gateway";
}

function isOk({ state }: CheckReading): boolean {
  return state === "ok";
}

function isFailing({ state }: CheckReading): boolean {
  return state === "failing";
}

function namesOf(equipment: readonly EquipmentFact[]): string {
  const shown = equipment.slice(0, 4).map(({ name }) => name);
  return equipment.length > shown.length ? `${shown.join(", ")} ...` : shown.join(", ");
}
