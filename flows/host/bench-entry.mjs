import { runFlowHostRole } from "./bench-bundle.mjs"; runFlowHostRole(); await new Promise(() => undefined);
