import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Those that pack programs of their own take minutes: GATEHOUSE_PACKAGED_UPDATES=1 asks for them.
    include: ["tests/**/*.test.ts", ...(process.env["GATEHOUSE_PACKAGED_UPDATES"] === "1" ? ["tests/**/*.long.ts"] : [])],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Integration tests start real daemons; more than this and they starve each other on two cores.
    maxWorkers: 2,
  },
});
