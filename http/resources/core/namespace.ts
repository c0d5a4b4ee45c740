/** namespaces and namespaces/finalize. */
import type { KubeObject } from "../../../machines/objects/object.ts";
import type { FieldError, Resource } from "../../machinery/types.ts";
import { ageColumn, column, nameColumn, spec, status } from "../columns/column.ts";
import { ensure, fields, has, text, texts } from "../fields.ts";
import { row, statusSubresource } from "../row.ts";
import { invalid, path } from "../validation/field.ts";
import { labelName, validateFinalizerName } from "../validation/metadata.ts";

const nameLabel = "kubernetes.io/metadata.name";

/** Every namespace carries its name as a label, so that selectors can name it. */
function setNameLabel(namespace: KubeObject): void {
  const { name } = namespace.metadata;
  if (!has(name) || name === "") return;
  namespace.metadata.labels = { ...namespace.metadata.labels, [nameLabel]: name };
}

function validateFinalizers(namespace: KubeObject): FieldError[] {
  return texts(spec(namespace)["finalizers"]).flatMap((name, index) =>
    validateFinalizerName(name, path("spec", "finalizers").index(index))
  );
}

const phaseOf = (namespace: KubeObject): string => text(status(namespace)["phase"]);

export const namespaces: Resource = row({
  group: "",
  version: "v1",
  resource: "namespaces",
  kind: "Namespace",
  namespaced: false,
  shortNames: ["ns"],
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  subresources: { finalize: { verbs: ["update"] }, status: statusSubresource },
  columns: [nameColumn, column("Status", "The status of the namespace", phaseOf), ageColumn],
  strategy: {
    setDefaults: setNameLabel,
    prepareForCreate(namespace) {
      const finalizers = ensure(namespace, "spec");
      const names = texts(finalizers["finalizers"]);
      if (!names.includes("kubernetes")) finalizers["finalizers"] = [...names, "kubernetes"];
      namespace["status"] = { phase: "Active" };
      setNameLabel(namespace);
    },
    validate: validateFinalizers,
    prepareForUpdate(next, old, { subresource }) {
      if (subresource !== "finalize") next["spec"] = { ...fields(next["spec"]), finalizers: spec(old)["finalizers"] };
      if (subresource === "" || subresource === "finalize") next["status"] = old["status"];
    },
    validateUpdate: (next, _old, { subresource }) => subresource === "finalize" ? validateFinalizers(next) : [],
    validateStatusUpdate(next) {
      const phase = phaseOf(next);
      const terminating = has(next.metadata.deletionTimestamp);
      if (!terminating && phase !== "Active") {
        return [invalid(path("status", "Phase"), phase, "may only be 'Active' if `deletionTimestamp` is empty")];
      }
      if (terminating && phase !== "Terminating") {
        return [
          invalid(path("status", "Phase"), phase, "may only be 'Terminating' if `deletionTimestamp` is not empty"),
        ];
      }
      return [];
    },
    prepareForDelete(namespace) {
      namespace["status"] = { ...status(namespace), phase: "Terminating" };
    },
    holdsDeletion: (namespace) => texts(spec(namespace)["finalizers"]).length > 0,
    returnsDeletedObject: true,
    validateName: labelName,
    hasGeneration: false,
    selectableFields: { "status.phase": phaseOf },
  },
});
