/** Writes what type checking says into the status of validating policies (validatingadmissionpolicy-status-controller). */
import { jsonEquals } from "../../../machines/objects/json.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import type { ApiClient, ResourceRef } from "../../../ports/api_client.ts";
import type { Clock } from "../../../ports/clock.ts";
import { type Following, followResource } from "../../auth/follow_resource.ts";
import type { ResourceRegistry } from "../../machinery/resource_registry.ts";
import type { SchemaAccess } from "../../machinery/schema_access.ts";
import { fields } from "../../resources/fields.ts";
import { typeWarnings } from "./type_check.ts";

const policies: ResourceRef = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  resource: "validatingadmissionpolicies",
};

export interface TypeCheckOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly registry: ResourceRegistry;
  readonly schema: SchemaAccess;
  report(problem: string): void;
}

export function followTypeChecks({ client, clock, registry, schema, report }: TypeCheckOptions): Following {
  const check = async (policy: KubeObject): Promise<void> => {
    const { generation } = policy.metadata;
    const { observedGeneration } = fields(policy.status);
    if (observedGeneration === generation) return;
    const expressionWarnings = await typeWarnings(policy, registry, schema);
    const typeChecking = expressionWarnings.length === 0 ? {} : { expressionWarnings };
    const status = { ...fields(policy.status), observedGeneration: generation, typeChecking };
    if (jsonEquals(status, policy.status)) return;
    await client.update(policies, { ...policy, status }, { subresource: "status" });
  };
  const checked = (policy: KubeObject): void => {
    check(policy).catch((error: unknown) => {
      // Somebody else wrote or deleted it: what it is now comes as a change of its own.
      if (error instanceof ApiError && (error.code === 409 || error.code === 404)) return;
      report(`Cannot check the types of policy ${policy.metadata.name}: ${(error as Error).message}`);
    });
  };
  return followResource<KubeObject>(client, clock, policies, {
    replaced: (all) => all.forEach(checked),
    changed: (type, policy) => {
      if (type !== "DELETED") checked(policy);
    },
  });
}
