/**
 * Makes http/auth/generated/bootstrap_policy.json and http/flow_control/generated/default_objects.json, the roles,
 * bindings, flow schemas and priority levels every cluster starts with, from the recording of a real server, one object a
 * line.
 *
 *     deno run -A tools/generate_bootstrap.ts [--check]
 */
import { recorded } from "./recorded.ts";
import { writeOrCheck } from "./write_or_check.ts";

/** What the recorded server's distribution added to Kubernetes' own. */
const notKubernetes = new Set(["system:controller:service-ca-cert-publisher"]);

const answers = recorded("bootstrap-objects.json") as Record<string, { metadata: { name: string } }[]>;
const kinds = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"].map((kind) => {
  const objects = (answers[`/apis/rbac.authorization.k8s.io/v1/${kind}`] ?? [])
    .filter(({ metadata }) => !notKubernetes.has(metadata.name))
    .map((object) => JSON.stringify(object));
  return `${JSON.stringify(kind)}: [\n${objects.join(",\n")}\n]`;
});
writeOrCheck(
  new URL("../http/auth/generated/bootstrap_policy.json", import.meta.url),
  `{\n${kinds.join(",\n")}\n}\n`,
);

const flowControl = ["flowschemas", "prioritylevelconfigurations"].map((kind) => {
  const objects = (answers[`/apis/flowcontrol.apiserver.k8s.io/v1/${kind}`] ?? []).map(({ metadata, ...object }) => {
    const { spec } = object as { spec?: unknown };
    return JSON.stringify({ metadata, spec });
  });
  return `${JSON.stringify(kind)}: [\n${objects.join(",\n")}\n]`;
});
writeOrCheck(
  new URL("../http/flow_control/generated/default_objects.json", import.meta.url),
  `{\n${flowControl.join(",\n")}\n}\n`,
);
