import { describe, expect, it } from "vitest";
import { formatAge, formatMoment, formatTime } from "../../runtime/web/time.ts";
import { formatDuration, formatValue, unitLabel } from "../../runtime/web/units.ts";

describe("values as people read them", () => {
  it.each([
    [125_000, "By/s", "1 Mbit/s"],
    [1_543_000_000, "By/s", "12.3 Gbit/s"],
    [0, "By/s", "0 bit/s"],
    [0.25, "By/s", "2 bit/s"],
    [1_500, "By", "1500 B"],
    [1_073_741_824, "By", "1 GiB"],
    [2_048, "KiBy", "2 MiB"],
    [21.54, "Cel", "21.5 °C"],
    [-3, "Cel", "-3 °C"],
    [99.95, "%", "100 %"],
    [3.25, "A", "3.25 A"],
    [12_345, "{packet}/s", "12.3k packets/s"],
    [6, "{user}", "6 user"],
    [1, "enum:ifOperStatus", "up"],
    [7, "enum:ifOperStatus", "lower layer down"],
    [42, "enum:ifOperStatus", "42"],
    [1, "enum:nobodyKnows", "1"],
    [8_640_000, "{tick}", "1 d"],
    [90_061, "s", "1 d 1 h"],
    [12.5, "s", "12.5 s"],
    [-71.4, "dB{mW}", "-71.4 dBm"],
    [5, "", "5"],
    [0.001_234, "", "0.0012"],
  ])("%s %s is %s", (value, unit, shown) => {
    expect(formatValue(value, unit)).toBe(shown);
  });

  it("call a state what the gateway calls it, before the well-known name", () => {
    expect(formatValue(3, "enum:pumpState", { "3": "priming" })).toBe("priming");
    expect(formatValue(1, "enum:ifOperStatus", { "1": "online" })).toBe("online");
    expect(formatValue(2, "enum:ifOperStatus", { "1": "online" })).toBe("down");
  });

  it("name the unit of an axis", () => {
    expect([unitLabel("By/s"), unitLabel("enum:x"), unitLabel("{packet}/s")]).toEqual(["bit/s", "state", "packets/s"]);
  });
});

describe("durations and ages", () => {
  it.each([
    [0, "0 s"],
    [59, "59 s"],
    [60, "1 min"],
    [3_661, "1 h 1 min"],
    [86_400 * 3 + 7_200, "3 d 2 h"],
    [86_400 * 3 + 59, "3 d"],
  ])("%s s is %s", (seconds, shown) => {
    expect(formatDuration(seconds)).toBe(shown);
  });

  it("are short: the largest unit from two minutes on", () => {
    expect([500, 5_000, 119_000, 121_000, 7_260_000].map((ms) => formatAge(0, ms))).toEqual([
      "now",
      "5 s ago",
      "119 s ago",
      "2 min ago",
      "2 h ago",
    ]);
  });

  it("do not call a clock's small difference the future", () => {
    expect(formatAge(3_000, 0)).toBe("now");
    expect(formatAge(60_000, 0)).toBe("in 1 min");
  });
});

describe("times", () => {
  it("leave the date out today only, in the zone that is asked for", () => {
    const noon = Date.UTC(2026, 5, 1, 12);
    expect(formatTime(noon, "UTC")).toBe("2026-06-01 12:00:00");
    expect(formatMoment(noon - 3_600_000, noon, "UTC")).toBe("11:00:00");
    expect(formatMoment(noon - 86_400_000, noon, "UTC")).toBe("2026-05-31 12:00:00");
  });
});
