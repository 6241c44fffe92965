import type { SecurityMutant } from "./mutant.ts";

/** Controls of what may stand, travel and be remembered where. */
export const mutantsOfSecrets: readonly SecurityMutant[] = [
  {
    test: "tests/cloud-bridge/noc/authority/authority.test.ts",
    title: "takes no secret in clear: text that a SET writes is sealed or declared to be none",
    file: "cloud-bridge/noc/authority/command-book.ts",
    find: "if (clear !== undefined) {",
    replace: 'if (clear === "") {',
  },
  {
    test: "tests/northbound/orders/desk-secrets.test.ts",
    title: "writes down of an order no more than may be remembered, and runs it whole in this run of the gateway or never",
    file: "runtime/northbound/command-desk/remembered.ts",
    find: "return operation.remembered === undefined ? command :",
    replace: 'return operation.name !== "" ? command :',
  },
  {
    test: "tests/security/canaries.test.ts",
    title: "stand in no log, error, answer, page, message, database, bundle or dump",
    file: "runtime/operations/snmp-operations.ts",
    find: "remembered: { arguments: rememberedOrder, output: rememberedRecord, about: objectsOf },",
    replace: "remembered: { arguments: rememberedOrder, output: (output) => (void rememberedRecord, output), about: objectsOf },",
  },
  {
    test: "tests/security/canaries.test.ts",
    title: "stand in no log, error, answer, page, message, database, bundle or dump",
    file: "flows/http-order.ts",
    find: "const redacted = (text: string) => forms.reduce((rest, form) => rest.replaceAll(form, hidden), text);",
    replace: "void forms;\n  void hidden;\n  const redacted = (text: string) => text;",
  },
  {
    test: "tests/flows/secrets.test.ts",
    title: "is found by value, under any name and in every writing, as soon as it changes; ordinary words are left alone",
    file: "flows/secret-mask.ts",
    find: "const text = this.#known(given);",
    replace: "const text = given;",
  },
  {
    test: "tests/flows/secrets.test.ts",
    title: "is freed of secrets in every writing, of a beginning where it was cut, and in what is told",
    file: "flows/known-secrets.ts",
    find: "const rest = text.replace(pattern, mask);",
    replace: "const rest = text;",
  },
  {
    test: "tests/flows/secrets.test.ts",
    title: "makes no flow of the NOC once it is masked: the push is refused with the reason",
    file: "flows/secret-mask.ts",
    find: "out += rest.slice(from, begin) + mask;",
    replace: "out += rest.slice(from, end);",
  },
  {
    test: "tests/flows/secrets.test.ts",
    title: "lies encrypted in the state, under a key that is not there",
    file: "flows/unit-store.ts",
    find: "this.#atRest.seal(packed(value))",
    replace: "packed(value)",
  },
  {
    test: "tests/store/state-values.test.ts",
    title: "while it runs: the reader gets the twin, or nothing",
    file: "runtime/store/state-values.ts",
    find: "return sumOf(key, row.value) === row.sum ? row.value : undefined;",
    replace: "void sumOf;\n  void key;\n  return row.value;",
  },
  {
    test: "tests/integration/orders.test.ts",
    title: "go on after the keys were rotated beside the running signer",
    file: "cloud-bridge/noc/authority/signer-server.ts",
    find: "      await keys.refresh();\n",
    replace: "",
  },
];
