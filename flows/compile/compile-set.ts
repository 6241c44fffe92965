import type { DesiredDocument, DocumentProblem } from "#model/desired.ts";
import type { ServiceCatalogue } from "../catalogue.ts";
import { parseTemplate } from "../catalogue.ts";
import { type FlowDocument, validate as validateFlow } from "../generated/flow-document.ts";
import { type ServiceInstance, validate as validateServices } from "../generated/services.ts";
import type { ServiceTemplate } from "../generated/template.ts";
import { type FlowNode, localUnit } from "../protocol.ts";
import { badShape, lint } from "./lint.ts";
import { type ParameterSchema, readParameters, type SiteLookup } from "./parameters.ts";
import { namespaced } from "./plain-flow.ts";
import type { Problem } from "./problem.ts";
import { compileTemplate } from "./template.ts";
import { type Capability, type CompiledUnit, standardHealth, standardLimits, unitHash } from "./unit.ts";

const maxUnits = 200;
const maxFunctionNodesOfGateway = 50;
const maxFunctionNodesOfFlow = 8;
/** A plain flow may do everything but change equipment, unless its document says so. */
const flowCapabilities: readonly Capability[] = ["snmp.get", "probe", "notify", "http", "command"];

export interface CompileContext {
  readonly gateway: string;
  readonly catalogue: ServiceCatalogue;
  readonly site: SiteLookup;
  readonly registry: ReadonlySet<string> | undefined;
}

export interface CompiledSet {
  readonly units: readonly CompiledUnit[];
  /** Units that shall not run: known, and switched off. */
  readonly disabled: readonly { readonly id: string; readonly label: string; readonly source: string; readonly document: string }[];
  readonly templates: readonly ServiceTemplate[];
  readonly problems: readonly DocumentProblem[];
}

/** Documents of the desired state -> units that can be deployed, and everything that is wrong with them. Touches nothing. */
export function compileSet(documents: readonly DesiredDocument[], context: CompileContext): CompiledSet {
  const out: Collector = { units: [], disabled: [], templates: [], problems: [] };
  for (const document of documents) if (document.kind === "template") readTemplateDocument(document, out);
  for (const document of documents) {
    if (document.kind === "services") readServices(document, context, out);
    else if (document.kind === "flow") readFlow(document, context, out);
  }
  checkWhole(out);
  return out;
}

interface Collector {
  readonly units: CompiledUnit[];
  readonly disabled: CompiledSet["disabled"][number][];
  readonly templates: ServiceTemplate[];
  readonly problems: DocumentProblem[];
}

function report(out: Collector, document: DesiredDocument, problems: readonly Problem[], path = ""): void {
  for (const problem of problems) out.problems.push({ ...problem, document: document.id, path: `${path}${problem.path}` });
}

function readTemplateDocument(document: DesiredDocument, out: Collector): void {
  const { template, problems } = parseTemplate(document.content);
  report(out, document, problems);
  if (template !== undefined) out.templates.push(template);
}

function violations(errors: typeof validateServices.errors): readonly Problem[] {
  return (errors ?? []).map(({ instancePath, message }) => ({ code: "E_SCHEMA", path: instancePath, message: message ?? "is not valid" }));
}

function readServices(document: DesiredDocument, context: CompileContext, out: Collector): void {
  const bad = badShape(document.content, "", 0);
  const content: unknown = bad === undefined ? structuredClone(document.content) : undefined;
  if (bad !== undefined) {
    report(out, document, [bad]);
    return;
  }
  if (!validateServices(content)) {
    report(out, document, violations(validateServices.errors));
    return;
  }
  for (const [index, instance] of content.services.entries()) readInstance(instance, `/services/${index}`, { document, context, out });
}

interface Reading {
  readonly document: DesiredDocument;
  readonly context: CompileContext;
  readonly out: Collector;
}

function readInstance(instance: ServiceInstance, path: string, { document, context, out }: Reading): void {
  const [id = "", version] = instance.template.split("@");
  const template = context.catalogue.templateWith(out.templates, id, version);
  if (template === undefined) {
    const message = `there is no service "${instance.template}" on this gateway; send it as a document of kind template`;
    report(out, document, [{ code: "E_UNKNOWN_TEMPLATE", path: `${path}/template`, message }]);
    return;
  }
  const source = `${template.id}@${template.version}`;
  const label = instance.label ?? template.title;
  if (!instance.enabled) {
    out.disabled.push({ id: instance.id, label, source, document: document.id });
    return;
  }
  const { values, problems } = readParameters(template.parameters as unknown as ParameterSchema, instance.parameters, instance.secrets, {
    path,
    site: context.site,
  });
  const ruleProblems = problems.length > 0 ? [] : brokenRules(template, values, path);
  report(out, document, [...problems, ...ruleProblems]);
  if (problems.length + ruleProblems.length > 0) return;
  const compiled = compiledNodes(template, { id: instance.id, label, gateway: context.gateway, values });
  if ("problem" in compiled) {
    report(out, document, [{ ...compiled.problem, path }]);
    return;
  }
  const capabilities = template.requires.capabilities;
  const found = lint(compiled.nodes, {
    pathOf: (at) => `${path}/template/flow/nodes/${compiled.origin[at] ?? 0}`,
    registry: context.registry,
    capabilities,
    maxFunctionNodes: template.limits.functionNodes,
    mayCarryCredentials: false,
  });
  report(out, document, found);
  if (found.length > 0) return;
  addUnit(out, { instance, document, path, source, label, nodes: compiled.nodes, template, capabilities });
}

function addUnit(
  out: Collector,
  parts: {
    readonly instance: ServiceInstance;
    readonly document: DesiredDocument;
    readonly path: string;
    readonly source: string;
    readonly label: string;
    readonly nodes: readonly FlowNode[];
    readonly template: ServiceTemplate;
    readonly capabilities: readonly Capability[];
  },
): void {
  const { instance, document, template, ...rest } = parts;
  const unit = {
    ...rest,
    id: instance.id,
    document: document.id,
    limits: { ...standardLimits, ...template.limits },
    health: { ...standardHealth, ...template.health },
    secrets: instance.secrets,
    ...(instance.plan === undefined ? {} : { plan: instance.plan }),
  };
  out.units.push({ ...unit, hash: unitHash(unit, instance.quarantine) });
}

function compiledNodes(
  template: ServiceTemplate,
  instance: Parameters<typeof compileTemplate>[1],
): ReturnType<typeof compileTemplate> | { readonly problem: Problem } {
  try {
    return compileTemplate(template, instance);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { problem: { code: "E_TOO_LARGE", path: "", message: error.message } };
  }
}

function brokenRules(template: ServiceTemplate, values: Readonly<Record<string, unknown>>, path: string): readonly Problem[] {
  return template.rules.flatMap(({ less: [low, high], message }) => {
    const [a, b] = [values[low], values[high]];
    return typeof a === "number" && typeof b === "number" && !(a < b)
      ? [
          {
            code: "E_PARAMETER" as const,
            path: `${path}/parameters/${low}`,
            message: `${message} (${low} ${a} must be below ${high} ${b})`,
          },
        ]
      : [];
  });
}

function readFlow(document: DesiredDocument, context: CompileContext, out: Collector): void {
  const bad = badShape(document.content, "", 0);
  if (bad !== undefined) {
    report(out, document, [bad]);
    return;
  }
  const isBare = Array.isArray(document.content);
  const content: unknown = isBare
    ? { v: 1, id: document.id.replace(/^flow\./, ""), flow: structuredClone(document.content) }
    : structuredClone(document.content);
  if (!validateFlow(content)) {
    report(out, document, violations(validateFlow.errors));
    return;
  }
  const label = content.label ?? content.id;
  if (!content.enabled) {
    out.disabled.push({ id: content.id, label, source: "flow", document: document.id });
    return;
  }
  const exported = content.flow as unknown as readonly FlowNode[];
  const capabilities = content.capabilities ?? flowCapabilities;
  const problems = lint(exported, {
    pathOf: (index) => `${isBare ? "" : "/flow"}/${index}`,
    registry: context.registry,
    capabilities,
    maxFunctionNodes: Math.max(maxFunctionNodesOfFlow, content.limits.functionNodes),
    mayCarryCredentials: false,
  });
  report(out, document, problems);
  if (problems.length > 0) return;
  const unit = unitOfFlow(content, { document, label, capabilities, nodes: namespaced(content.id, label, exported) });
  out.units.push({ ...unit, hash: unitHash(unit, content.quarantine) });
}

function unitOfFlow(
  content: FlowDocument,
  parts: {
    readonly document: DesiredDocument;
    readonly label: string;
    readonly capabilities: readonly Capability[];
    readonly nodes: readonly FlowNode[];
  },
): Omit<CompiledUnit, "hash"> {
  return {
    id: content.id,
    document: parts.document.id,
    path: "",
    source: "flow",
    label: parts.label,
    nodes: parts.nodes,
    limits: { ...standardLimits, ...content.limits },
    health: { ...standardHealth, ...content.health },
    capabilities: parts.capabilities,
    secrets: content.secrets,
    ...(content.plan === undefined ? {} : { plan: content.plan }),
  };
}

/** What only the set as a whole can break. */
function checkWhole(out: Collector): void {
  const seen = new Set<string>([localUnit]);
  for (const { id, document } of [...out.units, ...out.disabled]) {
    if (seen.has(id))
      out.problems.push({ document, code: "E_DUPLICATE_ID", path: "", message: `the id "${id}" is taken by another service or flow` });
    seen.add(id);
  }
  if (out.units.length > maxUnits)
    out.problems.push({
      document: out.units[0]?.document ?? "",
      code: "E_LIMIT",
      path: "",
      message: `${out.units.length} services and flows; at most ${maxUnits}`,
    });
  const functions = out.units.flatMap(({ nodes }) => nodes).filter(({ type }) => type === "function").length;
  if (functions > maxFunctionNodesOfGateway)
    out.problems.push({
      document: out.units[0]?.document ?? "",
      code: "E_LIMIT",
      path: "",
      message: `${functions} function nodes on one gateway; at most ${maxFunctionNodesOfGateway} (0.2 MB each)`,
    });
}
