import { join } from "node:path";
import type { FlowNode } from "../protocol.ts";
import { coreNodesDir } from "./node-red.ts";

/** Core node files that are never loaded: whatever opens sockets, files or processes, and two parsers that cost 6 MB. */
const excludedFiles = [
  ...["10-mqtt", "21-httprequest", "21-httpin", "22-websocket", "31-tcpin", "32-udp", "05-tls", "06-httpproxy"],
  ...["90-exec", "10-file", "23-watch", "70-HTML", "70-XML"],
].flatMap((name) => [`${name}.js`, `${name}.html`]);

const folder = import.meta.dirname;

/** What the storage of Node-RED is: the telemetry process keeps everything, this process nothing. */
export interface StoragePort {
  flows(): readonly FlowNode[];
  credentials(): unknown;
  settings(): unknown;
  saveCredentials(credentials: unknown): void;
  saveSettings(settings: unknown): void;
}

export interface SettingsParts {
  readonly nodesDir: string;
  readonly credentialSecret: string;
  readonly safe: boolean;
  readonly storage: StoragePort;
  readonly bridge: object;
  /** Makes the store of context. */
  readonly contextModule: (config: object) => object;
  readonly verifyToken: (token: string) => Promise<{ readonly username: string; readonly permissions: readonly string[] } | null>;
  readonly onLog: (line: object) => void;
}

export function nodeRedSettings(parts: SettingsParts): object {
  return {
    userDir: join(folder, "user-dir"),
    coreNodesDir,
    nodesDir: [parts.nodesDir],
    nodesExcludes: excludedFiles,
    storageModule: storageModule(parts.storage),
    credentialSecret: parts.credentialSecret,
    httpAdminRoot: "/editor",
    httpNodeRoot: false,
    disableEditor: false,
    safeMode: parts.safe,
    logging: { ipc: { level: "info", metrics: false, audit: false, handler: () => parts.onLog } },
    externalModules: {
      autoInstall: false,
      palette: { allowInstall: false, allowUpdate: false, allowUpload: false },
      modules: { allowInstall: false },
    },
    functionExternalModules: false,
    functionGlobalContext: {},
    exportGlobalContextKeys: false,
    envVarExcludes: [".*"],
    telemetry: { enabled: false, updateNotification: false },
    diagnostics: { enabled: false, ui: false },
    runtimeState: { enabled: false, ui: false },
    contextStorage: { default: { module: parts.contextModule } },
    nodeCloseTimeout: 3000,
    apiMaxLength: "2mb",
    debugMaxLength: 1000,
    adminAuth: {
      type: "credentials",
      users: async () => null,
      authenticate: async () => null,
      default: null,
      tokens: parts.verifyToken,
      sessionExpiryTime: 3600,
    },
    editorTheme: editorTheme(),
    gatehouse: parts.bridge,
  };
}

function editorTheme(): object {
  return {
    page: { title: "Gatehouse flows", css: join(folder, "theme/gatehouse.css"), favicon: join(folder, "theme/gatehouse.svg") },
    header: { title: "Gatehouse flows", image: join(folder, "theme/gatehouse.svg") },
    deployButton: { type: "simple", label: "Deploy" },
    menu: {
      "menu-item-palette-manager": false,
      "menu-item-edit-palette": false,
      "menu-item-node-red-version": false,
      "menu-item-help": { label: "Help", url: "https://nodered.org/docs" },
    },
    tours: false,
    userMenu: false,
    palette: { editable: false, categories: ["gatehouse", "common", "function", "sequence", "parser", "subflows"] },
    projects: { enabled: false },
    multiplayer: { enabled: false },
    markdownEditor: { mermaid: { enabled: false } },
    codeEditor: { lib: "monaco" },
  };
}

function storageModule(storage: StoragePort): object {
  let sessions: unknown = {};
  return {
    init: async () => undefined,
    getFlows: async () => storage.flows(),
    // Deployed sets are the telemetry process's: what is sent here was decided there already.
    saveFlows: async () => undefined,
    getCredentials: async () => storage.credentials() ?? {},
    saveCredentials: async (credentials: unknown) => storage.saveCredentials(credentials),
    getSettings: async () => storage.settings() ?? {},
    saveSettings: async (settings: unknown) => storage.saveSettings(settings),
    getSessions: async () => sessions,
    saveSessions: async (given: unknown) => {
      sessions = given;
    },
    getLibraryEntry: async () => [],
    saveLibraryEntry: async () => {
      throw new Error("the library is read-only");
    },
  };
}
