import type { JsonObject } from "../store/rows.ts";
import { elementsOf, textOf, timeOf } from "./batch-elements.ts";
import type { Drafts, GatewayDraft } from "./drafts.ts";

/** Applies one chunk of stream I (PROTOCOL 5.1 `inv`): devices added or changed, whole, and devices gone. */
export async function applyInventory(drafts: Drafts, gateway: GatewayDraft, body: JsonObject): Promise<void> {
  const batchMs = timeOf(body, "at") ?? drafts.nowMs;
  for (const device of elementsOf(body, "add", 50)) {
    const id = textOf(device, "id", 63);
    if (id === "") continue;
    const equipment = await drafts.equipment(gateway, id);
    const atMs = timeOf(device, "at") ?? batchMs;
    if (equipment === undefined || atMs < equipment.inventoryMs) continue;
    equipment.inventory = device;
    equipment.inventoryMs = atMs;
  }
  const gone = body["del"];
  if (!Array.isArray(gone)) return;
  for (const id of gone.slice(0, 1_000)) {
    if (typeof id !== "string") continue;
    gateway.equipment.delete(id);
    await drafts.tx.removeEquipment(gateway.row.ref, id);
  }
}
