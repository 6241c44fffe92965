import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Catalogue, CatalogueEntry } from "#ports/catalogue.ts";
import { badShape } from "./compile/lint.ts";
import { checkParameterSchema } from "./compile/parameter-schema.ts";
import type { Problem } from "./compile/problem.ts";
import { type ServiceTemplate, validate } from "./generated/template.ts";

const maxTemplates = 500;

/** Reads a template as far as it can be judged without parameters. */
export function parseTemplate(content: unknown): { readonly template?: ServiceTemplate; readonly problems: readonly Problem[] } {
  const bad = badShape(content, "", 0);
  if (bad !== undefined) return { problems: [bad] };
  const copy: unknown = structuredClone(content);
  if (!validate(copy)) {
    const problems = (validate.errors ?? []).map(({ instancePath, message, params }) => ({
      code: "E_SCHEMA" as const,
      path: instancePath,
      message: `${message ?? "is not valid"}${params["additionalProperty"] === undefined ? "" : ` ("${String(params["additionalProperty"])}")`}`,
    }));
    return { problems };
  }
  const problems = checkParameterSchema(copy.parameters, "/parameters");
  return problems.length > 0 ? { problems } : { template: copy, problems };
}

/** The templates of this gateway: those of its software, and those the NOC has sent on top. */
export class ServiceCatalogue implements Catalogue {
  readonly #folder: string;
  #library: Library | undefined;
  #sent: ReadonlyMap<string, ServiceTemplate> = new Map();

  /** @param folder flows/library, read when it is first asked for; a missing one is an empty catalogue */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Folders of the library that could not be read: file and reason. */
  get broken(): Library["broken"] {
    return this.#read().broken;
  }

  #read(): Library {
    this.#library ??= readLibrary(this.#folder);
    return this.#library;
  }

  /** Replaces what the NOC has sent. @throws RangeError more than 500 */
  setSent(templates: readonly ServiceTemplate[]): void {
    if (templates.length > maxTemplates) throw new RangeError(`more than ${maxTemplates} templates`);
    this.#sent = new Map(templates.map((template) => [keyOf(template), template]));
  }

  entries(): readonly CatalogueEntry[] {
    return [...this.#all()].map((template) => ({
      id: template.id,
      version: template.version,
      title: template.title,
      category: template.category,
      summary: template.summary,
      parameters: template.parameters,
      description: this.#read().builtIn.get(keyOf(template))?.description ?? "",
      ...(template.equipment === undefined ? {} : { equipment: template.equipment }),
      ...(template.dataSources === undefined ? {} : { dataSources: template.dataSources }),
      ...(template.plans === undefined ? {} : { plans: template.plans }),
    }));
  }

  template(id: string, version?: string): ServiceTemplate | undefined {
    return this.templateFrom(this.#all(), id, version);
  }

  /** As `template`, with some more that are not in effect yet. */
  templateWith(more: readonly ServiceTemplate[], id: string, version?: string): ServiceTemplate | undefined {
    return this.templateFrom([...more, ...this.#all()], id, version);
  }

  private templateFrom(all: Iterable<ServiceTemplate>, id: string, version: string | undefined): ServiceTemplate | undefined {
    let newest: ServiceTemplate | undefined;
    for (const template of all) {
      if (template.id !== id || (version !== undefined && template.version !== version)) continue;
      if (newest === undefined || isNewer(template.version, newest.version)) newest = template;
    }
    return newest;
  }

  *#all(): Iterable<ServiceTemplate> {
    yield* this.#sent.values();
    for (const { template } of this.#read().builtIn.values()) if (!this.#sent.has(keyOf(template))) yield template;
  }
}

interface Library {
  readonly builtIn: ReadonlyMap<string, { readonly template: ServiceTemplate; readonly description: string }>;
  readonly broken: readonly { readonly folder: string; readonly problems: readonly Problem[] }[];
}

function readLibrary(folder: string): Library {
  const builtIn = new Map<string, { readonly template: ServiceTemplate; readonly description: string }>();
  const broken: { readonly folder: string; readonly problems: readonly Problem[] }[] = [];
  for (const name of foldersIn(folder)) {
    const { template, problems } = readTemplate(join(folder, name));
    if (template === undefined) broken.push({ folder: name, problems });
    else builtIn.set(keyOf(template), { template, description: readText(join(folder, name, "README.md")) });
  }
  return { builtIn, broken };
}

function isNewer(one: string, other: string): boolean {
  const [a, b] = [one, other].map((version) => version.split(".").map(Number));
  for (let part = 0; part < 3; part += 1) {
    const difference = (a?.[part] ?? 0) - (b?.[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function keyOf(template: ServiceTemplate): string {
  return `${template.id}@${template.version}`;
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .slice(0, maxTemplates);
  } catch {
    // No library in this build: the NOC's templates are all there is.
    return [];
  }
}

function readTemplate(folder: string): ReturnType<typeof parseTemplate> {
  try {
    return parseTemplate(JSON.parse(readFileSync(join(folder, "template.json"), "utf8")));
  } catch (error) {
    // A broken folder costs itself only.
    return { problems: [{ code: "E_SCHEMA", path: "", message: String(error) }] };
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // A service without a description is shown without one.
    return "";
  }
}
