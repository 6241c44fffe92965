declare const __GATEHOUSE_COMMIT__: string | undefined;

/** Commit this program was built from; `checkout` when it was not built. */
export const builtFromCommit: string = typeof __GATEHOUSE_COMMIT__ === "string" ? __GATEHOUSE_COMMIT__ : "checkout";
