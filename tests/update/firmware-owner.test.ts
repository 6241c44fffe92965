import { describe, expect, it } from "vitest";
import { SystemClock } from "../../runtime/host/system-clock.ts";
import { GatewayError } from "../../runtime/model/errors.ts";
import type { UpdatePolicy, Updater, UpdateStatus, UpdateTarget } from "../../runtime/ports/updater.ts";
import { FirmwareOwner } from "../../runtime/update/firmware-owner.ts";

/** Another implementation of the port: notes what it was asked. */
class NotingUpdater implements Updater {
  readonly asked: { readonly target: UpdateTarget; readonly policy: UpdatePolicy }[] = [];
  cancelled = 0;
  refusal: GatewayError | undefined;

  current(): UpdateStatus {
    return { phase: "idle", version: "1.0.0", hardware: "linux-x64" };
  }

  async request(target: UpdateTarget, policy: UpdatePolicy): Promise<UpdateStatus> {
    if (this.refusal !== undefined) throw this.refusal;
    this.asked.push({ target, policy });
    return this.current();
  }

  async cancel(): Promise<UpdateStatus> {
    this.cancelled += 1;
    return this.current();
  }
}

describe("documents of kind firmware", () => {
  const policy: UpdatePolicy = { maxBytesPerSecond: 5_000, windows: [{ fromMinute: 60, toMinute: 120 }] };
  const signal = new AbortController().signal;
  const of = (content: unknown, id = "firmware") => ({
    id,
    kind: "firmware" as const,
    rev: 1,
    sha256: "0".repeat(64),
    must: false,
    content,
  });
  const make = () => {
    const updater = new NotingUpdater();
    return { updater, owner: new FirmwareOwner(updater, policy, new SystemClock(() => true)) };
  };
  const apply = (owner: FirmwareOwner, content: unknown) => owner.apply([of(content)], () => undefined, signal);

  it("name a version; the site's windows and cap hold all the same", async () => {
    const { owner, updater } = make();
    expect(await owner.check([of({ version: "1.2.0" })])).toEqual([]);
    expect(await apply(owner, { version: "1.2.0" })).toMatchObject([{ document: "firmware", status: "applied" }]);
    expect(updater.asked).toEqual([{ target: { version: "1.2.0" }, policy: { ...policy, allowOlder: false } }]);
  });

  it.each([[{}], [{ version: "latest" }], [{ version: "1.2" }], [{ version: "1.2.0", allowOlder: "yes" }], [null], ["1.2.0"]])(
    "are refused when they are not of the form: %j",
    async (content) => {
      const { owner, updater } = make();
      expect(await owner.check([of(content)])).toMatchObject([{ code: "E_SCHEMA" }]);
      expect(await apply(owner, content)).toMatchObject([{ status: "unsupported" }]);
      expect(updater.asked).toEqual([]);
    },
  );

  it("are refused when there are two", async () => {
    const { owner } = make();
    expect(await owner.check([of({ version: "1.2.0" }), of({ version: "1.3.0" }, "other")])).toMatchObject([{ code: "E_DUPLICATE" }]);
  });

  it("change nothing when the version runs, and end the wish when they are gone", async () => {
    const { owner, updater } = make();
    expect(await apply(owner, { version: "1.0.0" })).toMatchObject([{ status: "unchanged" }]);
    expect(await owner.apply([], () => undefined, signal)).toEqual([]);
    expect([updater.asked.length, updater.cancelled]).toEqual([0, 1]);
  });

  it("of a version that failed here are reported as failed, with the reason", async () => {
    const { owner, updater } = make();
    updater.refusal = new GatewayError("update.refused", { message: "1.2.0 failed here before and is not tried again" });
    expect(await apply(owner, { version: "1.2.0" })).toMatchObject([
      { status: "failed", problem: { code: "update.refused", message: expect.stringContaining("not tried again") } },
    ]);
  });
});
