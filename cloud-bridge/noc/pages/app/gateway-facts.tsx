import { useState } from "preact/hooks";
import { formatAge, formatMoment, type Zone, zoneLabel } from "#web/time.ts";
import { formatBytes, formatCount } from "#web/units.ts";
import type { GatewayLedger } from "../../registry/ledger.ts";
import type { GatewayView } from "../../registry/overview.ts";
import { ask, ServerError, serverNowMs } from "./server.ts";

const whyWords: Readonly<Record<string, string>> = {
  will: "connection lost",
  shutdown: "shut down",
  reboot: "restarting",
  update: "updating",
};

/** What a gateway is doing, in one row. */
export function GatewayFacts(props: { readonly gateway: GatewayView; readonly zone: Zone }) {
  const { gateway, zone } = props;
  const nowMs = serverNowMs();
  const why = gateway.online ? undefined : whyWords[gateway.why];
  const { bytes, samples, oldestMs } = gateway.buffered;
  return (
    <header class="gateway-head">
      <div class="gateway-title">
        <h1>{gateway.name}</h1>
        <span class={gateway.online ? "mark good" : "mark bad"}>{gateway.online ? "online" : "offline"}</span>
        <span class="muted">
          since {formatMoment(gateway.sinceMs, nowMs, zone)} {zoneLabel(zone, nowMs)}
          {why === undefined ? "" : `, ${why}`}
        </span>
        <EditorButton gateway={gateway} />
      </div>
      <dl class="facts">
        <Fact name="Newest value">{gateway.newestMs === null ? "none yet" : formatAge(gateway.newestMs, nowMs)}</Fact>
        <Fact name="Equipment">
          {gateway.equipment}
          {gateway.silentEquipment > 0 ? `, ${gateway.silentEquipment} silent` : ""}
        </Fact>
        <Fact name="Buffered at connect" hint="What the gateway still held when it last connected">
          {bytes === null
            ? "not told"
            : samples === 0
              ? "nothing"
              : `${formatBytes(bytes)}${samples === null ? "" : `, ${formatCount(samples)} samples`}${oldestMs === null || bytes === 0 ? "" : `, oldest ${formatAge(oldestMs, nowMs)}`}`}
        </Fact>
        <Fact name="Clock">{gateway.clock === "" ? "not told" : gateway.clock}</Fact>
        <Fact name="Version">{gateway.version === "" ? "not told" : gateway.version}</Fact>
        <Fact name="Site">{gateway.site === "" ? gateway.tenant : `${gateway.site}, ${gateway.tenant}`}</Fact>
      </dl>
    </header>
  );
}

/** The tab is opened at the click, or the browser would block it; the address comes when the gateway has opened its editor. */
function EditorButton({ gateway }: { readonly gateway: GatewayView }) {
  const [state, setState] = useState<{ readonly isBusy: boolean; readonly problem?: string }>({ isBusy: false });
  const open = async () => {
    setState({ isBusy: true });
    const tab = window.open("about:blank", "_blank");
    try {
      const query = new URLSearchParams({ tenant: gateway.tenant });
      const { url } = await ask<{ readonly url: string }>(`/api/gateways/${encodeURIComponent(gateway.id)}/editor?${query}`, {
        method: "POST",
      });
      if (tab !== null) {
        tab.opener = null;
        tab.location.href = url;
      }
      setState({ isBusy: false });
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      tab?.close();
      setState({ isBusy: false, problem: error.message });
    }
  };
  return (
    <span class="editor-door">
      {state.problem === undefined ? null : (
        <span class="problem" role="alert">
          {state.problem}
        </span>
      )}
      <button type="button" class="button" disabled={state.isBusy || !gateway.online} onClick={() => void open()}>
        {state.isBusy ? "Opening the editor" : "Open the flow editor"}
      </button>
    </span>
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

/** One sentence: is everything here? The streams behind it on request. */
export function LedgerLine(props: { readonly ledger: GatewayLedger | undefined }) {
  const { ledger } = props;
  if (ledger === undefined) return <section class="card ledger empty">Counting.</section>;
  const { missing, gaps, waiting, deadLetters } = ledger;
  const isWhole = missing === 0 && gaps.records === 0 && deadLetters === 0;
  return (
    <details class="card ledger">
      <summary>
        <span class={isWhole ? "mark good" : missing > 0 ? "mark bad" : "mark warn"}>
          {isWhole ? "nothing missing" : missing > 0 ? "chunks missing" : "known gaps"}
        </span>
        <span>
          <b>{formatCount(ledger.delivered)}</b> samples in <b>{formatCount(ledger.chunks)}</b> chunks
        </span>
        <Count of={ledger.duplicates} one="duplicate removed" many="duplicates removed" />
        <Count of={missing} one="chunk missing" many="chunks missing" />
        <Count of={gaps.records} one="gap record" many="gap records" />
        {waiting.unanchored > 0 ? (
          <Count of={waiting.unanchored} one="chunk waits for the gateway's clock" many="chunks wait for the gateway's clock" />
        ) : null}
        {waiting.pending + waiting.parked > waiting.unanchored ? (
          <Count of={waiting.pending + waiting.parked - waiting.unanchored} one="chunk waiting" many="chunks waiting" />
        ) : null}
        {deadLetters > 0 ? <Count of={deadLetters} one="dead letter" many="dead letters" /> : null}
        <span class="muted ledger-more">streams</span>
      </summary>
      <div class="scroll">
        <table class="table">
          <thead>
            <tr>
              <th>Stream</th>
              <th>Carries</th>
              <th class="number">Complete to</th>
              <th class="number">Highest</th>
              <th class="number">Chunks</th>
              <th class="number">Samples</th>
              <th class="number">Bytes</th>
              <th class="number">Twice</th>
              <th class="number">Late</th>
              <th>Missing</th>
            </tr>
          </thead>
          <tbody>
            {ledger.streams.map((stream) => (
              <tr key={stream.stream}>
                <td class="mono">{stream.stream}</td>
                <td>{classNames[stream.class] ?? stream.class}</td>
                <td class="number">{formatCount(stream.contiguousTo)}</td>
                <td class="number">{formatCount(stream.highest)}</td>
                <td class="number">{formatCount(stream.chunks)}</td>
                <td class="number">{formatCount(stream.samples)}</td>
                <td class="number">{formatBytes(stream.bytes)}</td>
                <td class="number">{formatCount(stream.duplicates)}</td>
                <td class="number">{formatCount(stream.late)}</td>
                <td>
                  {stream.holes.length === 0
                    ? "none"
                    : stream.holes
                        .slice(0, 4)
                        .map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`))
                        .join(", ")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

const classNames: Readonly<Record<string, string>> = { T: "telemetry", E: "events", I: "inventory", S: "evidence" };

function Count(props: { readonly of: number; readonly one: string; readonly many: string }) {
  return (
    <span class={props.of === 0 ? "muted" : ""}>
      {formatCount(props.of)} {props.of === 1 ? props.one : props.many}
    </span>
  );
}
