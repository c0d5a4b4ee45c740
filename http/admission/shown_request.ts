/** A write as those see it who judge it from outside: policies and webhooks. */
import type { KubeObject } from "../../machines/objects/object.ts";
import { scaleOf, withScale } from "../machinery/scale.ts";
import type { AdmissionRequest, Resource, UserInfo } from "../machinery/types.ts";
import { inForm } from "./equivalents.ts";

export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The kind of the objects that a request to this resource, or its subresource, carries. */
export function kindOf(resource: Resource, subresource: string): Kind {
  const { group, version, kind } = resource.subresources?.[subresource]?.kind ?? resource;
  return { group, version, kind };
}

/** The request in the form of `as`, the resource that a rule speaks of. */
export class ShownRequest {
  readonly kind: Kind;

  constructor(readonly request: AdmissionRequest, readonly as: Resource) {
    this.kind = kindOf(as, request.attributes.subresource);
  }

  get object(): KubeObject | undefined {
    return this.#shown(this.request.object);
  }

  get oldObject(): KubeObject | undefined {
    return this.#shown(this.request.old);
  }

  /** Puts a changed object back into the request. */
  replace(object: KubeObject): void {
    const { request } = this;
    if (this.#isScale) request.object = withScale(request.object!, object, request.resource);
    else request.object = inForm(object, this.as, request.resource);
  }

  get #isScale(): boolean {
    return this.request.attributes.subresource === "scale";
  }

  #shown(object: KubeObject | undefined): KubeObject | undefined {
    if (object === undefined) return undefined;
    if (this.#isScale) return scaleOf(object, this.request.resource);
    return inForm(object, this.request.resource, this.as);
  }
}

const optionKinds = { CREATE: "CreateOptions", UPDATE: "UpdateOptions", DELETE: "DeleteOptions", CONNECT: "" } as const;

/** The options of the operation as an object of its own kind. */
export function optionsObject({ operation, options, dryRun, attributes }: AdmissionRequest): KubeObject | undefined {
  if (options === undefined) return undefined;
  const patches = attributes.verb === "patch" && operation === "UPDATE";
  const given: Record<string, unknown> = {
    kind: patches ? "PatchOptions" : optionKinds[operation],
    apiVersion: "meta.k8s.io/v1",
    ...(dryRun ? { dryRun: ["All"] } : {}),
  };
  for (const name of ["fieldManager", "fieldValidation", "gracePeriodSeconds", "propagationPolicy"] as const) {
    if (options[name] !== undefined) given[name] = options[name];
  }
  return given as unknown as KubeObject;
}

/** authentication.k8s.io/v1 UserInfo, what is empty left out. */
export function userObject({ name, uid = "", groups, extra }: UserInfo): Record<string, unknown> {
  return {
    ...(name === "" ? {} : { username: name }),
    ...(uid === "" ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** What an AdmissionReview and the variable `request` say alike, what is empty left out. */
export function requestObject({ request, as, kind }: ShownRequest): Record<string, unknown> {
  const { attributes, operation, resource, dryRun } = request;
  const { subresource, name, namespace } = attributes;
  const isNamespace = attributes.group === "" && attributes.resource === "namespaces";
  const place = isNamespace && operation !== "CREATE" ? name : namespace;
  return {
    kind,
    resource: { group: as.group, version: as.version, resource: as.resource },
    ...(subresource === "" ? {} : { subResource: subresource }),
    requestKind: kindOf(resource, subresource),
    requestResource: { group: attributes.group, version: attributes.version, resource: attributes.resource },
    ...(subresource === "" ? {} : { requestSubResource: subresource }),
    ...(name === "" ? {} : { name }),
    ...(place === "" ? {} : { namespace: place }),
    operation,
    userInfo: userObject(attributes.user),
    dryRun,
  };
}
