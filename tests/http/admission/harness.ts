/** All of admission over an API in memory, for writes that are told in a few words. */
import { admission } from "../../../http/admission/plugins.ts";
import { RbacPolicy } from "../../../http/auth/rbac/policy.ts";
import { mastersAuthorizer } from "../../../http/auth/rbac/rbac_authorizer.ts";
import { ResourceRegistry } from "../../../http/machinery/resource_registry.ts";
import type { AdmissionRequest, Authorizer, Resource } from "../../../http/machinery/types.ts";
import { createResources } from "../../../http/resources/built_in.ts";
import { loadSchema } from "../../../http/schema/schema.ts";
import { ApiError } from "../../../machines/objects/status.ts";
import { MemoryApi, stillClock } from "../auth/memory_api.ts";
import { request as attributes, user } from "../auth/requests.ts";

const schema = loadSchema();
const registry = new ResourceRegistry(createResources());
const random = { next: () => 0.5, uuid: () => "u", bytes: (count: number) => new Uint8Array(count) };

export interface Write {
  /** `create apps:deployments in ns`, `update pods/status a in ns`. */
  readonly text: string;
  readonly object?: object;
  readonly old?: object;
  readonly dryRun?: boolean;
  readonly who?: ReturnType<typeof user>;
}

export interface Answer {
  // deno-lint-ignore no-explicit-any
  readonly object: any;
  readonly error: ApiError | undefined;
  readonly warnings: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Harness {
  readonly api: MemoryApi;
  run(write: Write): Promise<Answer>;
  stop(): void;
}

export type Options = Partial<Parameters<typeof admission>[0]>;

/** With a namespace `ns` and its default account. */
export async function harness(fill: (api: MemoryApi) => void = () => {}, options: Options = {}): Promise<Harness> {
  const api = new MemoryApi();
  api.put("namespaces", { metadata: { name: "ns", labels: { team: "a" } }, status: { phase: "Active" } });
  api.put("serviceaccounts", { metadata: { name: "default", namespace: "ns" } });
  fill(api);
  const authorizer: Authorizer = options.authorizer ?? mastersAuthorizer;
  const made = admission({
    client: api,
    registry,
    schema,
    clock: { ...stillClock, wakeAt: (_, callback) => (queueMicrotask(callback), { cancel() {} }) },
    random,
    authorizer,
    policy: new RbacPolicy(),
    serviceCidr: "10.0.0.0/16",
    ...options,
  });
  const following = made.follow();
  await following.ready;
  const plugins = [...made.early, ...made.late];
  return {
    api,
    stop: () => following.stop(),
    async run(write) {
      const warnings: string[] = [];
      const annotations: Record<string, string> = {};
      const request = requestOf(write, warnings, annotations);
      let error: ApiError | undefined;
      try {
        for (const plugin of plugins) await plugin.admit?.(request);
        for (const plugin of plugins) await plugin.validate?.(request);
      } catch (thrown) {
        if (!(thrown instanceof ApiError)) throw thrown;
        error = thrown;
      }
      return { object: request.object, error, warnings, annotations };
    },
  };
}

const operations = { create: "CREATE", update: "UPDATE", delete: "DELETE", connect: "CONNECT" } as const;

function requestOf(
  { text, object, old, dryRun = false, who = user("bob") }: Write,
  warnings: string[],
  annotations: Record<string, string>,
): AdmissionRequest {
  const given = attributes(who, text);
  const resource = rowOf(given.group, given.resource);
  const { group, version, kind } = resource;
  const typed = (value: object | undefined) =>
    value === undefined
      ? undefined
      : { apiVersion: group === "" ? version : `${group}/${version}`, kind, ...structuredClone(value) };
  const name = (object as { metadata?: { name?: string } } | undefined)?.metadata?.name ?? given.name;
  return {
    attributes: { ...given, version, name },
    operation: operations[given.verb as keyof typeof operations],
    resource,
    dryRun,
    object: typed(object) as AdmissionRequest["object"],
    old: typed(old) as AdmissionRequest["old"],
    options: { fieldManager: "test" },
    warn: (text) => void warnings.push(text),
    annotate: (key, value) => void (annotations[key] = value),
  };
}

function rowOf(group: string, resource: string): Resource {
  const found = registry.all().find((row) => row.group === group && row.resource === resource);
  if (found === undefined) throw new Error(`Cannot find resource ${resource} in group "${group}"`);
  return found;
}
