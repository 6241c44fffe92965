import { formatAge, type Zone } from "#web/time.ts";
import { formatBytes, formatCount, formatDuration } from "#web/units.ts";
import type { Overview } from "./overview.ts";
import { serverNowMs } from "./server.ts";

const clockWords: Readonly<Record<string, string>> = {
  synced: "synchronised",
  holdover: "was synchronised, runs on",
  unanchored: "not set yet: values get their dates later",
};

/** How this gateway is, in one row. */
export function Facts(props: { readonly overview: Overview; readonly zone: Zone }) {
  const { gateway, status } = props.overview;
  const { ledger, buffer, uplink, equipment } = status;
  const failing = equipment.filter((one) => one.reachability === "down").length;
  const isUp = uplink.state === "connected";
  return (
    <header class="gateway-head">
      <div class="gateway-title">
        <h1>{gateway.site}</h1>
        <span class={isUp ? "mark good" : "mark warn"}>{isUp ? "connected to the NOC" : `NOC: ${uplink.state ?? "unknown"}`}</span>
        <span class="muted">
          gateway {gateway.id}, {gateway.tenant}
        </span>
      </div>
      <dl class="facts">
        <Fact name="Equipment">
          {equipment.length}
          {failing > 0 ? `, ${failing} cannot be polled` : ", all answering"}
        </Fact>
        <Fact name="Waiting for the NOC" hint="Kept on this gateway until the NOC has acknowledged it">
          {ledger.buffered === 0 ? "nothing" : `${formatCount(ledger.buffered)} samples`}
          {buffer.oldestMs === undefined || ledger.buffered === 0 ? "" : `, oldest ${formatAge(buffer.oldestMs, serverNowMs())}`}
        </Fact>
        <Fact name="Delivered">{formatCount(ledger.delivered)} samples</Fact>
        <Fact name="Lost" hint="Every loss has a reason and a range; see gatehouse status">
          {ledger.dropped === 0 ? "nothing" : `${formatCount(ledger.dropped)} samples`}
        </Fact>
        {buffer.usedBytes === undefined ? null : <Fact name="Buffer">{formatBytes(buffer.usedBytes)}</Fact>}
        <Fact name="Clock">{clockWords[status.clock.quality] ?? status.clock.quality}</Fact>
        <Fact name="Running for">{formatDuration(status.uptimeS)}</Fact>
        <Fact name="Version">{gateway.version}</Fact>
      </dl>
    </header>
  );
}

function Fact(props: { readonly name: string; readonly hint?: string; readonly children: preact.ComponentChildren }) {
  return (
    <div title={props.hint}>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

/** Whose fault it is, first; the evidence for it below. */
export function Verdict(props: { readonly verdict: Overview["verdict"] }) {
  const { verdict } = props;
  if (verdict === undefined || verdict.sentence === "") return null;
  return (
    <section class="card verdict" aria-labelledby="verdict-title">
      <header>
        <h2 id="verdict-title">{verdict.sentence}</h2>
        <span class="mark warn">{verdict.cause}</span>
      </header>
      <ul>
        {verdict.evidence.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </section>
  );
}
