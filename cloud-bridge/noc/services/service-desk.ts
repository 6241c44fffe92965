import { GatewayError, isGatewayError } from "#model/errors.ts";
import type { CatalogueEntry, ServiceDirectory, ServiceProblem, WantedService } from "#ports/catalogue.ts";
import type { Clock } from "#ports/clock.ts";
import type { Logger } from "#ports/logger.ts";
import type { Unit } from "#ports/unit.ts";
import type { DesiredView } from "../authority/manifests.ts";
import type { NocAuthority } from "../authority/noc-authority.ts";
import { type Activation, culprits, type Ending, endingOf, reportOfServices, stepsOf } from "./activation.ts";
import { type ServiceView, viewOf } from "./service-view.ts";

export interface ServiceDeskOptions {
  readonly directory: ServiceDirectory;
  readonly authority: NocAuthority;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One gateway. */
export interface Site {
  readonly tenant: string;
  readonly gateway: string;
}

/** What the NOC knows to be there; undefined = it knows nothing yet, and the gateway judges alone. */
export interface KnownSite {
  readonly equipment: ReadonlySet<string> | undefined;
  readonly checks: ReadonlySet<string> | undefined;
}

const servicesDocument = "services";
/** As flows/services.schema.json has it. */
const maxServices = 200;
const lookEveryMs = 1_000;

/**
 * Services of gateways: activated, changed and deactivated one at a time, and followed to their end. What a gateway refuses or takes back is
 * taken out of the document again (or becomes what it was before), so that it stands in the way of nothing else.
 */
export class ServiceDesk implements Unit {
  readonly name = "services";
  readonly #options: ServiceDeskOptions;

  constructor(options: ServiceDeskOptions) {
    this.#options = options;
  }

  catalogue(): readonly CatalogueEntry[] {
    return this.#options.directory.entries();
  }

  /** Everything wrong with it, before anything is sent. */
  check(site: Site, wanted: WantedService, known: KnownSite): readonly ServiceProblem[] {
    // Secrets that were given before need not be given again.
    const secrets = { ...this.#wanted(site).find((one) => one.id === wanted.id)?.secrets, ...wanted.secrets };
    return this.#options.directory.check(
      { ...wanted, secrets },
      { hasEquipment: (id) => known.equipment?.has(id) ?? true, hasCheck: (id) => known.checks?.has(id) ?? true },
    );
  }

  list({ tenant, gateway }: Site): readonly ServiceView[] {
    const { authority } = this.#options;
    const view = authority.view(tenant, gateway);
    const wanted = this.#wanted({ tenant, gateway });
    const changes = authority.store.activations<Activation>(tenant, gateway);
    const blamed = culprits(reportOfServices(view), view.reported?.gen === view.gen ? wanted : []);
    const ids = new Set([...wanted.map(({ id }) => id), ...changes.filter(isWorthTelling).map(({ service }) => service)]);
    const titles = new Map(this.catalogue().map((entry) => [entry.id, entry.title]));
    const isOthersTurn = changes.some(({ state }) => state === "sent");
    const views = [...ids].sort().map((id) =>
      viewOf(id, {
        isOthersTurn,
        view,
        titles,
        isBlamed: blamed.has(id),
        wanted: wanted.find((one) => one.id === id),
        change: changes.find((one) => one.service === id),
      }),
    );
    // What moves or failed is what people look for; a sort keeps the order of the rest.
    return views.toSorted((a, b) => rankOf(a) - rankOf(b));
  }

  /** Activates or changes one service. @throws GatewayError noc.invalid. What is wrong with its parameters is told by `check`, which the caller asks first. */
  activate(site: Site, wanted: WantedService, by: string): { readonly gen: number; readonly changed: boolean } {
    const before = this.#wanted(site);
    const known = before.find((one) => one.id === wanted.id);
    const secrets = { ...known?.secrets, ...wanted.secrets };
    const merged: WantedService = Object.keys(secrets).length === 0 ? wanted : { ...wanted, secrets };
    const list = known === undefined ? [...before, merged] : before.map((one) => (one.id === wanted.id ? merged : one));
    if (list.length > maxServices) throw new GatewayError("noc.invalid", { message: `a gateway has at most ${maxServices} services` });
    return this.#change(site, { list, service: wanted.id, template: wanted.template, action: "activate", before: known ?? null }, by);
  }

  /** @throws GatewayError noc.invalid when it is not there */
  deactivate(site: Site, service: string, by: string): { readonly gen: number; readonly changed: boolean } {
    const before = this.#wanted(site);
    const known = before.find((one) => one.id === service);
    if (known === undefined) throw new GatewayError("noc.invalid", { message: `no service ${service.slice(0, 48)} is active there` });
    const list = before.filter((one) => one !== known);
    return this.#change(site, { list, service, template: known.template, action: "deactivate", before: known }, by);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { authority, logger } = this.#options;
    while (!signal.aborted) {
      await authority.news.next(lookEveryMs, signal);
      if (signal.aborted) return;
      try {
        this.#settle();
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        logger.error({ code: error.code }, "services could not be followed");
        await this.#options.clock.sleep(lookEveryMs, signal).catch(() => undefined);
      }
    }
  }

  #wanted({ tenant, gateway }: Site): readonly WantedService[] {
    const { store } = this.#options.authority;
    const document = store.documents(tenant, gateway).find((one) => one.id === servicesDocument);
    if (document === undefined) return [];
    // Written by this class, or by a person who gave the whole document: then only what looks like a service counts.
    const content = JSON.parse(document.text) as { readonly services?: unknown };
    return Array.isArray(content.services) ? (content.services as readonly unknown[]).filter(isWanted) : [];
  }

  #change(
    site: Site,
    change: Pick<Activation, "service" | "template" | "action" | "before"> & { readonly list: readonly WantedService[] },
    by: string,
  ): { readonly gen: number; readonly changed: boolean } {
    const { list, ...what } = change;
    const outcome = this.#send(site, list, by);
    if (!outcome.changed) return outcome;
    const atMs = Math.round(this.#options.clock.now().wallMs);
    const open = this.#open(site).find((one) => one.service === what.service);
    // A change on top of one that nobody has judged yet: what was good before both is what to go back to.
    const before = open === undefined ? what.before : open.before;
    this.#keep({ ...site, ...what, before, gen: outcome.gen, state: "sent", atMs, by, steps: [] });
    return outcome;
  }

  #send({ tenant, gateway }: Site, services: readonly WantedService[], by: string) {
    const content = { v: 1, services };
    return this.#options.authority.change(tenant, gateway, [{ kind: servicesDocument, id: servicesDocument, content }], by);
  }

  #keep(activation: Activation): void {
    this.#options.authority.store.putActivation(activation);
  }

  #open({ tenant, gateway }: Site): readonly Activation[] {
    return this.#options.authority.store.activations<Activation>(tenant, gateway).filter((one) => one.state === "sent");
  }

  #settle(): void {
    const open = this.#options.authority.store.openActivations<Activation>();
    const bySite = Map.groupBy(open, (one) => `${one.tenant}/${one.gateway}`);
    for (const ofSite of bySite.values()) {
      const [first] = ofSite;
      if (first !== undefined) this.#settleSite({ tenant: first.tenant, gateway: first.gateway }, ofSite);
    }
  }

  #settleSite(site: Site, open: readonly Activation[]): void {
    const { authority, clock } = this.#options;
    const view = authority.view(site.tenant, site.gateway);
    const blamed = culprits(reportOfServices(view), this.#wanted(site));
    const others = open.some((one) => blamed.has(one.service));
    const ended = open.flatMap((one) => {
      const ending = endingOf(one, view, { services: blamed, others });
      return ending === undefined ? [] : [{ one, ending }];
    });
    if (ended.length === 0) return;
    const endedMs = Math.round(clock.now().wallMs);
    for (const { one, ending } of ended) this.#keep({ ...one, ...ending, endedMs, steps: stepsOf(view, one.service) });
    this.#takeBack(site, ended, view);
    authority.news.announce();
  }

  /** A service that did not come into effect must not make the next change fail. */
  #takeBack(site: Site, ended: readonly { readonly one: Activation; readonly ending: Ending }[], view: DesiredView): void {
    const failed = ended.filter(
      ({ one, ending }) => one.action === "activate" && (ending.state === "refused" || ending.state === "rolled-back"),
    );
    if (failed.length === 0) return;
    const back = new Map(failed.map(({ one }) => [one.service, one.before]));
    const list = this.#wanted(site).flatMap((one) => {
      const before = back.get(one.id);
      return before === undefined ? [one] : before === null ? [] : [before];
    });
    const { gen } = this.#send(site, list, "noc");
    for (const { one, ending } of failed)
      this.#options.logger.warn(
        { gateway: site.gateway, service: one.service, generation: view.gen, next: gen, reason: (ending.reason ?? "").slice(0, 300) },
        "a service did not come into effect and was taken out again",
      );
  }
}

function rankOf({ state }: ServiceView): number {
  if (state === "on its way") return 0;
  return state === "healthy" || state === "switched off" ? 2 : 1;
}

/** What ended well and is gone needs no line; what failed stays to be read. */
function isWorthTelling(one: Activation): boolean {
  return one.state !== "deactivated";
}

function isWanted(value: unknown): value is WantedService {
  if (typeof value !== "object" || value === null) return false;
  const { id, template } = value as Partial<WantedService>;
  return typeof id === "string" && typeof template === "string";
}
