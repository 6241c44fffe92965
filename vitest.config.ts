import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Those that pack programs of their own take minutes: GATEHOUSE_PACKAGED_UPDATES=1 asks for them.
    include: [
      "tests/**/*.test.ts",
      ...(process.env["GATEHOUSE_PACKAGED_UPDATES"] === "1" || process.env["GATEHOUSE_LONG"] === "1" ? ["tests/**/*.long.ts"] : []),
    ],
    // Deadlines are for what hangs, not for what is slow: a loaded machine must not decide a verdict.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    // Integration tests start real daemons and wait for them half of their time: one more than the two cores that must do.
    maxWorkers: 3,
  },
});
