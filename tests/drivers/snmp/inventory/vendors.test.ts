import { describe, expect, it } from "vitest";
import { identityOf } from "./synthetic-agent.ts";
import { networkDevices } from "./synthetic-network.ts";
import { otherDevices } from "./synthetic-others.ts";
import { switchDevices } from "./synthetic-switches.ts";

describe("devices of many vendors", () => {
  it.each([...networkDevices, ...switchDevices, ...otherDevices].map((device) => [device.name, device] as const))(
    "%s",
    async (_name, { objectId, sysDescr, walk = {}, is }) => {
      expect(await identityOf(objectId, sysDescr, walk)).toMatchObject(is);
    },
  );
});
