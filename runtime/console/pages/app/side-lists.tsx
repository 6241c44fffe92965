import { formatAge } from "#web/time.ts";
import type { CheckView, ServiceView } from "./overview.ts";
import { serverNowMs } from "./server.ts";

const goodStates = new Set(["healthy", "running", "committed"]);
const busyStates = new Set(["soaking", "applying", "staged", "starting"]);

/** What the provider activated here. */
export function ServiceList(props: { readonly services: readonly ServiceView[] }) {
  if (props.services.length === 0) return null;
  return (
    <section class="card" aria-labelledby="services-title">
      <header>
        <h2 id="services-title">Services</h2>
      </header>
      <ul class="lines">
        {props.services.map((service) => (
          <li key={service.id}>
            <span class={goodStates.has(service.state) ? "mark good" : busyStates.has(service.state) ? "mark warn" : "mark bad"}>
              {service.state}
            </span>
            <span class="line-text">
              {service.label}
              {service.detail === undefined ? null : <span class="muted repair">{service.detail}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Synthetic checks: what is tried from here, and how it went the last time. */
export function CheckList(props: { readonly checks: readonly CheckView[] }) {
  if (props.checks.length === 0) return null;
  const nowMs = serverNowMs();
  return (
    <section class="card" aria-labelledby="checks-title">
      <header>
        <h2 id="checks-title">Checks</h2>
      </header>
      <div class="scroll limited">
        <ul class="lines">
          {props.checks.map((check) => (
            <li key={check.id}>
              <span class={check.ok === undefined ? "mark off" : check.ok ? "mark good" : "mark bad"}>
                {check.ok === undefined ? "waiting" : check.ok ? "ok" : "failed"}
              </span>
              <span class="line-text">
                <b>{check.id}</b> {check.type} <span class="mono muted">{check.target}</span>
                {check.detail === undefined ? null : <span class="muted repair">{check.detail}</span>}
              </span>
              <span class="muted nowrap">{check.atMs === undefined ? "" : formatAge(check.atMs, nowMs)}</span>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
