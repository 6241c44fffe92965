/** The service catalogue for the NOC's end: the library of this software and the compiler's own judgement, joined here. */
import { join } from "node:path";
import type { DesiredDocument } from "#model/desired.ts";
import type { ServiceDirectory } from "#ports/catalogue.ts";
import { ServiceCatalogue } from "../flows/catalogue.ts";
import { compileSet } from "../flows/compile/compile-set.ts";

const place = "/services/0";

/** @param folder default: flows/library of this software */
export function openServiceDirectory(folder = join(import.meta.dirname, "../flows/library")): ServiceDirectory {
  const catalogue = new ServiceCatalogue(folder);
  return {
    entries: () => catalogue.entries(),
    check: (wanted, site) => {
      const document: DesiredDocument = {
        ...{ kind: "services", id: "services", rev: 0, sha256: "" },
        content: { v: 1, services: [{ ...wanted, enabled: true }] },
      };
      const { problems } = compileSet([document], { gateway: "", catalogue, site, registry: undefined });
      return problems.map(({ code, path, message }) => ({
        code,
        path: path.startsWith(place) ? path.slice(place.length) : path,
        message,
      }));
    },
  };
}
