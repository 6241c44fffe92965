import { useEffect, useRef, useState } from "preact/hooks";
import type { CatalogueEntry, ServiceProblem } from "#ports/catalogue.ts";
import type { ServiceView } from "../../services/service-view.ts";
import { ParameterField } from "./parameter-field.tsx";
import { initialValues, type ParameterForm, wordsOf } from "./parameter-form.ts";
import { ask, ServerError } from "./server.ts";

interface ServiceFormProps {
  readonly entry: CatalogueEntry;
  /** The service that is changed; absent = a new one. */
  readonly known?: ServiceView | undefined;
  readonly taken: readonly string[];
  readonly tenant: string;
  readonly gateway: string;
  readonly onError: (error: ServerError) => void;
  readonly onClose: () => void;
  readonly onSent: () => void;
}

/** A form made of the service's schema; what is wrong is said at its field, before anything is sent. */
export function ServiceForm(props: ServiceFormProps) {
  const { entry, known } = props;
  const schema = entry.parameters as unknown as ParameterForm;
  const [id, setId] = useState(known?.id ?? freeId(entry.id, props.taken));
  const [plan, setPlan] = useState(known?.plan ?? entry.plans?.[0]?.id ?? "");
  const [values, setValues] = useState(() => initialValues(schema, known?.parameters));
  const [problems, setProblems] = useState<readonly ServiceProblem[]>([]);
  const [failure, setFailure] = useState<string | undefined>(undefined);
  const [sending, setSending] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const address = (rest: string) =>
    `/api/gateways/${encodeURIComponent(props.gateway)}/services/${encodeURIComponent(id)}${rest}?tenant=${encodeURIComponent(props.tenant)}`;
  const send = async () => {
    const body = JSON.stringify({ template: entry.id, ...wordsOf(schema, values), ...(plan === "" ? {} : { plan }) });
    const checked = await ask<{ readonly problems: readonly ServiceProblem[] }>(address("/check"), { method: "POST", body });
    setProblems(checked.problems);
    if (checked.problems.length > 0) return focusFirst(checked.problems);
    await ask(address(""), { method: "PUT", body });
    props.onSent();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    setSending(true);
    setFailure(undefined);
    send().then(
      () => setSending(false),
      (error: unknown) => {
        if (!(error instanceof ServerError)) throw error;
        setSending(false);
        setFailure(error.message);
      },
    );
  };
  const general = problems.filter(({ path }) => !/^\/(parameters|secrets)\//.test(path));
  return (
    <form class="service-form" onSubmit={submit} noValidate aria-labelledby="service-form-title">
      <h3 id="service-form-title" ref={heading} tabIndex={-1}>
        {known === undefined ? entry.title : `${entry.title}: ${known.id}`}
      </h3>
      <p>{entry.summary}</p>
      <Description entry={entry} />
      {known === undefined ? (
        <label class="form-row">
          <span>Name of this instance</span>
          <input class="field" value={id} maxLength={48} onInput={(event) => setId(event.currentTarget.value)} />
        </label>
      ) : null}
      {Object.entries(schema.properties ?? {}).map(([name, parameter]) => (
        <ParameterField
          key={name}
          path={`/parameters/${name}`}
          name={name}
          schema={parameter}
          required={schema.required?.includes(name) === true}
          value={values[name]}
          values={values}
          problems={problems}
          site={props}
          onChange={(value) => setValues((before) => ({ ...before, [name]: value }))}
        />
      ))}
      {entry.plans === undefined ? null : (
        <label class="form-row">
          <span>Charged by</span>
          <select class="field" value={plan} onChange={(event) => setPlan(event.currentTarget.value)}>
            {entry.plans.map((one) => (
              <option key={one.id} value={one.id}>
                {one.title}
              </option>
            ))}
          </select>
        </label>
      )}
      {general.length === 0 && failure === undefined ? null : (
        <p class="problem" role="alert">
          {[...general.map(({ message }) => message), ...(failure === undefined ? [] : [failure])].join("; ")}
        </p>
      )}
      <div class="actions">
        <button type="submit" class="button primary" disabled={sending}>
          {known?.wanted === true ? "Change" : "Activate"}
        </button>
        <button type="button" class="button" onClick={props.onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

/** The service's own README in plain words: paragraphs, with what is bold in them as their beginning. */
function Description(props: { readonly entry: CatalogueEntry }) {
  const paragraphs = props.entry.description.split(/\n\s*\n/).filter((text) => !text.startsWith("#") && text.trim() !== "");
  if (paragraphs.length === 0) return null;
  return (
    <details class="service-about">
      <summary>What it notices, needs, and where its data comes from</summary>
      {paragraphs.map((text) => {
        const [, begin, rest] = /^\*\*([^*]+)\*\*\s*([\s\S]*)$/.exec(text.trim()) ?? [undefined, undefined, text];
        return (
          <p key={text}>
            {begin === undefined ? null : <b>{begin} </b>}
            {(rest ?? "").replaceAll(/[`*]/g, "")}
          </p>
        );
      })}
    </details>
  );
}

function freeId(template: string, taken: readonly string[]): string {
  for (let number = 1; number < 1_000; number += 1) {
    const id = number === 1 ? template : `${template}-${number}`;
    if (!taken.includes(id)) return id;
  }
  return template;
}

function focusFirst(problems: readonly ServiceProblem[]): void {
  const [first] = problems;
  const field = first === undefined ? null : document.getElementById(`field-${first.path.replace("/secrets/", "/parameters/")}`);
  field?.focus();
}
