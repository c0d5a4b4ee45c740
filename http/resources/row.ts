/** How a resource is written down: only what is not usual. */
import type {
  Column,
  Resource,
  Strategy,
  StrategyContext,
  Subresource,
  SubresourceRequest,
  Verb,
} from "../machinery/types.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { defaultColumns } from "./columns/column.ts";
import type { CelCheck } from "./validation/cel.ts";

/** What other parts of the server do for a row. A row whose hook is missing answers 501. */
export interface ResourceHooks {
  /** serviceaccounts/NAME/token: makes a token. */
  readonly token?: Handle;
  /** Answers of the review kinds, which are not stored. */
  readonly reviews?: Readonly<Record<ReviewResource, Handle>>;
  /** Compiles CEL expressions; without it no expression is refused for its text. */
  readonly cel?: CelCheck;
}

export type Handle = (request: SubresourceRequest) => Promise<KubeObject>;

export type ReviewResource =
  | "selfsubjectreviews"
  | "tokenreviews"
  | "localsubjectaccessreviews"
  | "selfsubjectaccessreviews"
  | "selfsubjectrulesreviews"
  | "subjectaccessreviews";

export const storedVerbs: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

interface Row {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly singular?: string;
  readonly namespaced?: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs?: readonly Verb[];
  readonly strategy?: Strategy;
  readonly subresources?: Readonly<Record<string, Subresource>>;
  readonly columns?: readonly Column[];
  readonly storagePrefix?: string;
  readonly answer?: Handle;
}

/** A row with what is usual filled in: namespaced, all verbs, the columns of a kind without columns. */
export function row(given: Row): Resource {
  const { singular, namespaced, shortNames, categories, verbs, strategy, subresources, columns, ...rest } = given;
  return {
    ...rest,
    singular: singular ?? given.kind.toLowerCase(),
    namespaced: namespaced ?? true,
    shortNames: shortNames ?? [],
    categories: categories ?? [],
    verbs: verbs ?? storedVerbs,
    strategy: strategy ?? {},
    subresources: subresources ?? {},
    columns: columns ?? defaultColumns,
  };
}

/** An update of the main resource leaves the status alone. */
export function keepStatus(next: KubeObject, old: KubeObject, { subresource }: StrategyContext): void {
  if (subresource !== "status") next["status"] = old["status"];
}

export const statusSubresource: Subresource = { verbs: ["get", "patch", "update"] };

export const scaleSubresource: Subresource = {
  verbs: ["get", "patch", "update"],
  kind: { group: "autoscaling", version: "v1", kind: "Scale" },
};

/** A stream or a proxied request, run by the streaming part of the server. */
export function connectSubresource(kind: string, verbs: readonly Verb[]): Subresource {
  return { verbs, kind: { group: "", version: "v1", kind } };
}

export const proxyVerbs: readonly Verb[] = ["create", "delete", "get", "patch", "update"];

/** Stands where a hook was not given. */
export function notWired(what: string): Handle {
  return () => {
    const message = `Cannot answer ${what}: this server does not provide it`;
    return Promise.reject(new ApiError(501, "NotImplemented", message));
  };
}
