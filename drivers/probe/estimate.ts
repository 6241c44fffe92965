import type { CheckDefinition } from "#model/check.ts";
import type { CheckTraffic } from "#ports/checks.ts";
import { httpSettings, stepsOf } from "./http/steps.ts";
import { signOfLifePorts } from "./icmp/tcp-round-trips.ts";
import { hopBytes } from "./path/path-probe.ts";
import type { IcmpSettings } from "./settings/generated/icmp.ts";
import type { NtpSettings } from "./settings/generated/ntp.ts";
import type { PathSettings } from "./settings/generated/path.ts";
import type { UdpSettings } from "./settings/generated/udp.ts";
import { connectTraffic } from "./stream/connect.ts";

const lookup: CheckTraffic = { bytes: 240, packets: 2 };
/** A handshake with a chain of some certificates. */
const tls: CheckTraffic = { bytes: 7_000, packets: 14 };
const httpHeaders: CheckTraffic = { bytes: 2_500, packets: 4 };
const headerBytes = 48;
const segmentBytes = 1_400;

/** The most that one run may reasonably cost: the bounds of the definition, not what usually comes. Redirects are counted when they happen. */
export function estimate(definition: CheckDefinition): CheckTraffic {
  switch (definition.type) {
    case "icmp": {
      const { packets, sizeBytes } = definition.settings as unknown as IcmpSettings;
      return sum(lookup, times({ bytes: sizeBytes + headerBytes, packets: 1 }, Math.max(2, signOfLifePorts.length) * packets));
    }
    case "tcp":
      return sum(lookup, connectTraffic);
    case "tls":
      return sum(lookup, connectTraffic, tls);
    case "http":
      return estimateHttp(definition);
    case "dns":
      return sum({ bytes: 1_500, packets: 4 }, connectTraffic);
    case "ntp":
      return sum(lookup, times({ bytes: 76 + headerBytes, packets: 2 }, (definition.settings as unknown as NtpSettings).samples));
    case "udp": {
      const { packets, sizeBytes } = definition.settings as unknown as UdpSettings;
      return sum(lookup, times({ bytes: sizeBytes + headerBytes, packets: 1 }, 2 * (packets + 1)));
    }
    case "path":
      return sum(lookup, times({ bytes: hopBytes, packets: 2 }, (definition.settings as unknown as PathSettings).maxHops));
  }
}

function estimateHttp(definition: CheckDefinition): CheckTraffic {
  const settings = httpSettings(definition);
  const steps = stepsOf(definition).map((step) => {
    const isTls = !step.url.startsWith("http://") && (step.url.startsWith("https://") || definition.target.startsWith("https://"));
    const body = step.method === "HEAD" ? 0 : settings.maxBodyBytes;
    const asked = (step.body?.length ?? 0) + JSON.stringify(step.form ?? step.json ?? "").length;
    const segments = Math.ceil((body + asked) / segmentBytes);
    const payload = { bytes: body + asked + segments * headerBytes * 1.5, packets: segments * 1.5 };
    return sum(connectTraffic, httpHeaders, payload, ...(isTls ? [tls] : []));
  });
  const total = sum(lookup, ...steps);
  return { bytes: Math.ceil(total.bytes), packets: Math.ceil(total.packets) };
}

function sum(...parts: readonly CheckTraffic[]): CheckTraffic {
  return parts.reduce((all, part) => ({ bytes: all.bytes + part.bytes, packets: all.packets + part.packets }), { bytes: 0, packets: 0 });
}

function times(one: CheckTraffic, count: number): CheckTraffic {
  return { bytes: one.bytes * count, packets: one.packets * count };
}
