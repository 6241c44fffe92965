import type { HelloMessage } from "../../protocol/messages/presence.ts";
import type { AlarmRow, StreamRow } from "../store/rows.ts";
import { nocKeyPrefix } from "./alarm-list.ts";
import type { Delivery } from "./delivery.ts";
import type { Draft, Drafts, GatewayDraft } from "./drafts.ts";
import { putOwnAlarm } from "./own-alarm.ts";

export const reusedKey = `${nocKeyPrefix}sequence-reused`;
/** A sign that comes more often than this is kept as a dead letter only, so that one broken gateway does not fill the event list. */
const repeatMs = 600_000;
const keptBytes = 98_304;

/**
 * A chunk is written once and never touched again, so a second copy of (stream, seq) has the same bytes. One that has others is a new chunk under a
 * used number: a store that was put back, or a fault of the program. Its measurements would be taken for delivered, and lost without a word; so
 * they are set aside (`sequence-reused`) and people are told. Chunks whose bytes are not kept (events, inventory, what is past its retention)
 * cannot be compared.
 */
export async function watchSequence(
  drafts: Drafts,
  gateway: GatewayDraft,
  stream: Draft<StreamRow>,
  copy: { readonly seq: number; readonly delivery: Delivery },
): Promise<void> {
  const { seq, delivery } = copy;
  const stored = await drafts.tx.chunkPayload(stream.ref, seq);
  if (stored === undefined || sameBytes(stored, delivery.payload)) return;
  stream.deadLetters += 1;
  const { leaf, payload } = delivery;
  const letter = { gatewayRef: gateway.row.ref, leaf, streamId: stream.id, seq, reason: "sequence-reused", receivedMs: drafts.nowMs };
  await drafts.tx.addDeadLetter({ ...letter, bytes: payload.byteLength, payload: payload.subarray(0, keptBytes) });
  await raise(drafts, gateway, { stream: stream.id, seq });
}

/** Over when the gateway has left the stream: a new one is numbered from 1. */
export async function endSequenceAlarm(drafts: Drafts, gateway: GatewayDraft, message: HelloMessage): Promise<void> {
  const known = await drafts.tx.alarm(gateway.row.ref, reusedKey);
  if (known === undefined || known.cleared) return;
  const { stream } = (known.body["attrs"] ?? {}) as { readonly stream?: unknown };
  if (Object.values(message.streams).flat().includes(String(stream))) return;
  await putOwnAlarm(drafts, { row: known, cleared: true, over: "the gateway has begun another stream", event: "sequence.reused" });
}

async function raise(drafts: Drafts, gateway: GatewayDraft, place: { readonly stream: string; readonly seq: number }): Promise<void> {
  const { nowMs } = drafts;
  const known = await drafts.tx.alarm(gateway.row.ref, reusedKey);
  const goesOn = known !== undefined && !known.cleared;
  if (goesOn && nowMs - known.changedMs < repeatMs) return;
  const instance = goesOn ? known.instance : `noc-${Math.round(nowMs)}`;
  const raisedMs = goesOn ? known.raisedMs : nowMs;
  const revision = goesOn ? known.revision : 0;
  const text = `gateway ${gateway.row.id} sent other bytes as chunk ${place.seq} of stream ${place.stream}, which was delivered before: the second is a dead letter, its measurements are not in the plots`;
  const common = { gatewayRef: gateway.row.ref, key: reusedKey, instance, revision, severity: "major" as const, cleared: false };
  const body = {
    ...{ k: "alarm", id: instance, key: reusedKey, rev: revision, op: "raise", type: "sequenceReused", tq: "", res: { path: "" } },
    ...{ cat: "processingErrorAlarm", sev: "major", clr: false, text, t0: raisedMs, tr: nowMs, tc: nowMs, n: revision, attrs: place },
    repair: "find out whether its state was put back; restart the gateway's program with an empty buffer, it then begins new streams",
    src: { kind: "noc" },
  };
  const row: AlarmRow = {
    ...{ ...common, equipment: "", path: "", type: "sequenceReused", text, raisedMs, changedMs: nowMs, undated: undefined, body },
  };
  await putOwnAlarm(drafts, { row, cleared: false, over: "", event: "sequence.reused" });
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, index) => byte === other[index]);
}
