/** The flow schemas and priority levels that a cluster starts with. What is there is left as it is. */
import { ApiError } from "../../machines/objects/status.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import { group, levelsRef, schemasRef } from "./flow_control.ts";

interface Defaults {
  readonly flowschemas: readonly { readonly metadata: { readonly name: string } }[];
  readonly prioritylevelconfigurations: Defaults["flowschemas"];
}

export async function prepareFlowControl(client: ApiClient): Promise<void> {
  const present = await Promise.all([schemasRef, levelsRef].map(async (ref) => {
    const { items } = await client.list<{ metadata: { name: string } }>(ref, {});
    return new Set(items.map(({ metadata }) => metadata.name));
  }));
  const { default: text } = await import("./generated/default_objects.json", { with: { type: "json" } });
  const defaults = text as Defaults;
  const make = (ref: typeof schemasRef, kind: string, objects: Defaults["flowschemas"], there: ReadonlySet<string>) =>
    objects.filter(({ metadata }) => !there.has(metadata.name)).map(async (object) => {
      try {
        await client.create(ref, undefined, { apiVersion: `${group}/v1`, kind, ...object });
      } catch (error) {
        // Another master was faster.
        if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
      }
    });
  await Promise.all([
    ...make(levelsRef, "PriorityLevelConfiguration", defaults.prioritylevelconfigurations, present[1]!),
    ...make(schemasRef, "FlowSchema", defaults.flowschemas, present[0]!),
  ]);
}
