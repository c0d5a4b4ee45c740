/**
 * What a controller is: a row that says which changes concern which of its keys, and a plain function from what it
 * sees to what it would write. Watching, queueing, retrying and writing are done once, for all of them.
 */
import type { KubeObject } from "../objects/object.ts";
import type { ObjectReader } from "../objects/reader.ts";
import type { ResourceRef } from "../objects/resources.ts";

/** The local copies a controller reads. */
export interface Caches {
  of<T extends Pick<KubeObject, "metadata"> = KubeObject>(resource: ResourceRef): ObjectReader<T>;
}

/** An Event to be recorded (core/v1) about an object. */
export interface EventDraft {
  readonly about: Pick<KubeObject, "apiVersion" | "kind" | "metadata">;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  /** `{name}` stands for the written object's name, `{error}` for why it failed. */
  readonly message: string;
}

/** An object, of that uid, that must not exist; without a name: any object in the namespace. */
export interface Absence {
  readonly resource: ResourceRef;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
}

/** What somebody would have to be allowed (a SubjectAccessReview). */
export interface Permission {
  readonly user: string;
  readonly groups: readonly string[];
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
}

/** A certificate for the key of a PKCS #10 request. */
export interface CertificateWanted {
  /** The request, PEM. */
  readonly request: string;
  readonly usages: readonly ("server" | "client")[];
  readonly validSeconds: number;
}

/** One write a controller wants. A refusal ends the plan; the key is tried again after a back-off. */
export type Write =
  & {
    readonly onSuccess?: EventDraft;
    readonly onFailure?: EventDraft;
    /** Written when this is refused; `{error}` in its texts stands for why. */
    readonly onFailureWrite?: Write;
    /** Looked up in the API itself before the write; while one of them exists it is not made, and tried again later. */
    readonly absent?: readonly Absence[];
    /** Asked of the API before the write: it is refused while this user may not do this. */
    readonly permitted?: Permission;
  }
  & (
    | {
      readonly type: "create";
      readonly resource: ResourceRef;
      readonly object: object;
      readonly existsIsFine?: boolean;
    }
    | {
      readonly type: "update";
      readonly resource: ResourceRef;
      readonly object: KubeObject;
      readonly subresource?: string;
    }
    | {
      readonly type: "patch";
      readonly resource: ResourceRef;
      readonly namespace?: string;
      readonly name: string;
      readonly patch: "merge" | "strategic" | "json";
      readonly body: unknown;
      readonly subresource?: string;
      /** The object is gone: nothing to do. */
      readonly missingIsFine?: boolean;
    }
    | {
      readonly type: "delete";
      readonly resource: ResourceRef;
      readonly namespace?: string;
      readonly name: string;
      /** Only this very object; that it is gone already is fine. */
      readonly uid?: string;
      readonly resourceVersion?: string;
      readonly propagation?: "Orphan" | "Background" | "Foreground";
      readonly gracePeriodSeconds?: number;
    }
    | {
      /** Has a certificate signed and writes it into the request's status. */
      readonly type: "certify";
      readonly resource: ResourceRef;
      readonly object: KubeObject;
      readonly certificate: CertificateWanted;
    }
    | { readonly type: "event"; readonly event: EventDraft }
  );

/**
 * What to write, in order. The writes of a group do not depend on each other: they are made in batches of 1, 2, 4, 8
 * ... so that a refusal that concerns all of them (a quota) is met once, not a hundred times.
 */
export interface Plan {
  readonly writes: readonly (Write | readonly Write[])[];
  /** Look again after this time, even if nothing changes. */
  readonly againAfterMs?: number;
  /** Why nothing can be done at the moment, for `explain`. */
  readonly waitsFor?: string;
}

/** What a plan may know besides the objects. */
export interface PlanContext {
  /** Wall time in ms since the epoch. */
  readonly now: number;
  /** A suffix for generated names: 5 characters of Kubernetes' safe alphabet, another one at each call. */
  suffix(): string;
}

export interface Controller {
  /** Kubernetes' name of it, for example "deployment-controller". */
  readonly name: string;
  /** The source of its events; its name, unless told. */
  readonly eventSource?: string;
  /** Its user: `system:serviceaccount:kube-system:NAME` as Kubernetes names controllers' accounts. */
  readonly account: string;
  /** What it watches, and the keys that a change of an object concerns; `previous` is set for updates. */
  readonly watches: readonly {
    readonly resource: ResourceRef;
    keys(object: KubeObject, previous: KubeObject | undefined, caches: Caches): readonly string[];
  }[];
  /** Caches it reads besides those it watches. */
  readonly reads?: readonly ResourceRef[];
  /** The plan for a key; undefined when there is nothing under the key any more. */
  plan(key: string, caches: Caches, context: PlanContext): Plan | undefined;
}

/** The key of a change's own object, for a controller's main resource. */
export function ownKey(object: KubeObject): readonly string[] {
  const { namespace, name } = object.metadata;
  return [namespace === undefined ? name : `${namespace}/${name}`];
}

/** Keys "namespace/name" of the controller owners of the given kind, of an object and of what it was before. */
export function controllerKeys(kind: string): Controller["watches"][number]["keys"] {
  return (object, previous) => {
    const keys = new Set<string>();
    for (const each of [object, previous]) {
      const owner = each?.metadata.ownerReferences?.find((reference) => reference.controller === true);
      if (owner?.kind === kind) keys.add(`${object.metadata.namespace}/${owner.name}`);
    }
    return [...keys];
  };
}

export const nothing: Plan = { writes: [] };
