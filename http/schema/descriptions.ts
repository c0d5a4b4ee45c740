/**
 * Descriptions of definitions and their fields, read from the type declarations of the packages `kubernetes-models` and
 * `@kubernetes-models/apimachinery` when first asked for.
 */
import { readFileSync } from "node:fs";
// The graph must really use a package for its folder to be known; these modules are a few lines each.
import "kubernetes-models/_schemas/IoK8sApiCoreV1NodeAddress";
import "@kubernetes-models/apimachinery/_schemas/IoK8sApimachineryPkgRuntimeRawExtension";

export interface Descriptions {
  readonly own: string | undefined;
  readonly fields: ReadonlyMap<string, string>;
}

const models = new URL("../", import.meta.resolve("kubernetes-models/_schemas/IoK8sApiCoreV1NodeAddress"));
const machinery = new URL(
  "../",
  import.meta.resolve("@kubernetes-models/apimachinery/_schemas/IoK8sApimachineryPkgRuntimeRawExtension"),
);

/** Folders of groups whose name is longer than Go's package. */
const groupFolders: Readonly<Record<string, string>> = {
  admissionregistration: "admissionregistration.k8s.io",
  apiextensions: "apiextensions.k8s.io",
  apiregistration: "apiregistration.k8s.io",
  authentication: "authentication.k8s.io",
  authorization: "authorization.k8s.io",
  certificates: "certificates.k8s.io",
  coordination: "coordination.k8s.io",
  discovery: "discovery.k8s.io",
  events: "events.k8s.io",
  flowcontrol: "flowcontrol.apiserver.k8s.io",
  networking: "networking.k8s.io",
  node: "node.k8s.io",
  rbac: "rbac.authorization.k8s.io",
  resource: "resource.k8s.io",
  scheduling: "scheduling.k8s.io",
  storage: "storage.k8s.io",
};

function fileOf(definition: string): URL {
  if (definition.startsWith("io.k8s.apimachinery.pkg.")) {
    return new URL(`${definition.split(".").slice(4).join("/")}.d.ts`, machinery);
  }
  const [name, version, group = ""] = definition.split(".").reverse();
  const folder = group === "core" ? "" : `${groupFolders[group] ?? group}/`;
  return new URL(`${folder}${version}/${name}.d.ts`, models);
}

const known = new Map<string, Descriptions>();

/** @throws Error when the packages do not have the definition. */
export function descriptionsOf(definition: string): Descriptions {
  let found = known.get(definition);
  if (found === undefined) known.set(definition, found = read(definition));
  return found;
}

/** Texts of kind and apiVersion, which the packages' declarations of top-level kinds leave out. */
export function typeMetaDescriptions(): Descriptions {
  return descriptionsOf("io.k8s.apimachinery.pkg.apis.meta.v1.Status");
}

function read(definition: string): Descriptions {
  const file = fileOf(definition);
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`Cannot describe ${definition}: no declaration at ${file.pathname}`, { cause: error });
  }
  const own = /^\/\*\*\n((?: \*.*\n)*?) \*\/\nexport (?:interface|type)/m.exec(source)?.[1];
  const fields = new Map<string, string>();
  const body = /^export (?:interface|type) \w+[^\n]*\{\n([\s\S]*?)^\}/m.exec(source)?.[1] ?? "";
  for (const [, comment = "", name = ""] of body.matchAll(/^ {4}\/\*\*\n((?: {5}\*.*\n)*?) {5}\*\/\n {4}"([^"]+)"/gm)) {
    fields.set(name, textOf(comment));
  }
  return { own: own === undefined ? undefined : textOf(own), fields };
}

function textOf(comment: string): string {
  const lines = comment.trimEnd().split("\n").map((line) => line.replace(/^ *\* ?/, "")).filter((line) =>
    line !== "@deprecated"
  );
  return lines.join("\n").replaceAll("\\*", "*").replaceAll("*\\/", "*/");
}
