import type { JSX } from "preact";
import type { ServiceProblem } from "#ports/catalogue.ts";
import { type FormValues, initialValue, type ParameterForm } from "./parameter-form.ts";
import { type PickerSite, usePicker } from "./picker.ts";

interface ParameterFieldProps {
  /** JSON pointer of the value. */
  readonly path: string;
  readonly name: string;
  readonly schema: ParameterForm;
  readonly required: boolean;
  readonly value: unknown;
  /** Of the whole form: pickers look at the equipment that is chosen. */
  readonly values: FormValues;
  readonly problems: readonly ServiceProblem[];
  readonly site: PickerSite;
  readonly onChange: (value: unknown) => void;
}

/** One parameter with its label, unit, explanation and what is wrong with it. */
export function ParameterField(props: ParameterFieldProps): JSX.Element {
  const { schema, path, name } = props;
  if (schema.type === "array") return <ListField {...props} />;
  if (schema.type === "object") return <ObjectField {...props} />;
  const own = problemsAt(props.problems, path);
  const describedBy = [schema.description === undefined ? "" : `hint ${path}`, own.length > 0 ? `problem ${path}` : ""]
    .map(asId)
    .join(" ")
    .trim();
  const label = schema.title ?? name;
  return (
    <div class={own.length > 0 ? "form-row wrong" : "form-row"}>
      <label for={`field-${path}`}>
        {label}
        {props.required ? <span class="muted"> (needed)</span> : null}
      </label>
      <span class="form-value">
        <Control {...props} id={`field-${path}`} invalid={own.length > 0} describedBy={describedBy} />
        {schema["x-unit"] === undefined ? null : <span class="muted">{unitWords(schema["x-unit"])}</span>}
        {rangeWords(schema)}
      </span>
      {schema.description === undefined ? null : (
        <small id={asId(`hint ${path}`)} class="muted">
          {schema.description}
        </small>
      )}
      {own.length === 0 ? null : (
        <small id={asId(`problem ${path}`)} class="problem" role="alert">
          {own.map(({ message }) => message).join("; ")}
        </small>
      )}
    </div>
  );
}

interface ControlProps extends ParameterFieldProps {
  readonly id: string;
  readonly invalid: boolean;
  readonly describedBy: string;
}

function Control(props: ControlProps): JSX.Element {
  const { schema, value, onChange, id, invalid, describedBy } = props;
  const more = { id, "aria-invalid": invalid, ...(describedBy === "" ? {} : { "aria-describedby": describedBy }) } as const;
  const of = schema["x-of"] ?? "equipment";
  const equipment = typeof props.values[of] === "string" ? (props.values[of] as string) : "";
  const choices = usePicker(schema["x-gatehouse"], equipment, props.site);
  if (schema.type === "boolean")
    return <input {...more} type="checkbox" checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
  if (schema.enum !== undefined)
    return (
      <select {...more} class="field" value={String(value)} onChange={(event) => onChange(event.currentTarget.value)}>
        {schema.enum.map((one) => (
          <option key={String(one)} value={String(one)}>
            {String(one)}
          </option>
        ))}
      </select>
    );
  const isNumber = schema.type === "number" || schema.type === "integer";
  const box = {
    ...more,
    class: isNumber ? "field number-field" : "field",
    value: String(value ?? ""),
    onInput: (event: { readonly currentTarget: { readonly value: string } }) => onChange(event.currentTarget.value),
  };
  if (schema.format === "password")
    return <input {...box} type="password" autoComplete="new-password" placeholder="sealed; empty: unchanged" />;
  if (choices === undefined) return <input {...box} type="text" inputMode={isNumber ? "decimal" : "text"} autoComplete="off" />;
  const placeholder = choices.length === 0 ? "type it" : `choose one of ${choices.length}`;
  return (
    <>
      <input {...box} type="text" list={`choices-${props.path}`} autoComplete="off" placeholder={placeholder} />
      <datalist id={`choices-${props.path}`}>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </datalist>
    </>
  );
}

function ListField(props: ParameterFieldProps): JSX.Element {
  const { schema, path, name, onChange } = props;
  const list = Array.isArray(props.value) ? (props.value as readonly unknown[]) : [];
  const items = schema.items ?? { type: "string" };
  const own = problemsAt(props.problems, path);
  return (
    <fieldset class="form-list">
      <legend>
        {schema.title ?? name}
        {props.required ? <span class="muted"> (needed)</span> : null}
      </legend>
      {schema.description === undefined ? null : <small class="muted">{schema.description}</small>}
      {list.map((item, index) => (
        <div class="form-entry" key={index}>
          <ParameterField
            {...props}
            path={`${path}/${index}`}
            name={`${schema.title ?? name} ${index + 1}`}
            schema={items.type === "object" ? items : { title: `${schema.title ?? name} ${index + 1}`, ...items }}
            required={false}
            value={item}
            onChange={(value) => onChange(list.map((one, at) => (at === index ? value : one)))}
          />
          <button
            type="button"
            class="button quiet"
            aria-label={`Remove ${schema.title ?? name} ${index + 1}`}
            onClick={() => onChange(list.filter((_one, at) => at !== index))}
          >
            Remove
          </button>
        </div>
      ))}
      {list.length >= (schema.maxItems ?? 64) ? null : (
        <button type="button" class="button" onClick={() => onChange([...list, initialValue(items, undefined)])}>
          Add
        </button>
      )}
      {own.length === 0 ? null : (
        <small class="problem" role="alert">
          {own.map(({ message }) => message).join("; ")}
        </small>
      )}
    </fieldset>
  );
}

function ObjectField(props: ParameterFieldProps): JSX.Element {
  const { schema, path, onChange } = props;
  const value = (typeof props.value === "object" && props.value !== null ? props.value : {}) as FormValues;
  return (
    <div class="form-object">
      {Object.entries(schema.properties ?? {}).map(([name, one]) => (
        <ParameterField
          {...props}
          key={name}
          path={`${path}/${name}`}
          name={name}
          schema={one}
          required={schema.required?.includes(name) === true}
          value={value[name]}
          onChange={(inner) => onChange({ ...value, [name]: inner })}
        />
      ))}
    </div>
  );
}

function problemsAt(problems: readonly ServiceProblem[], path: string): readonly ServiceProblem[] {
  return problems.filter((one) => one.path.replace(/^\/secrets\//, "/parameters/") === path);
}

function asId(text: string): string {
  return text.replaceAll(" ", "-");
}

const units: Readonly<Record<string, string>> = { Cel: "°C", min: "min", h: "h", d: "days" };

function unitWords(unit: string): string {
  return units[unit] ?? unit;
}

function rangeWords({ minimum, maximum }: ParameterForm): JSX.Element | null {
  if (minimum === undefined || maximum === undefined) return null;
  return (
    <small class="muted">
      {minimum} to {maximum}
    </small>
  );
}
