/** The resources that exist, for controllers that look after all of them. */
import type { ResourceRef } from "../objects/resources.ts";

export interface ResourceKind {
  readonly resource: ResourceRef;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Those that can be listed, watched and deleted. */
export interface ResourceTable {
  readonly all: readonly ResourceKind[];
  /** By an object's or a reference's apiVersion and kind, whatever the version. */
  find(apiVersion: string, kind: string): ResourceKind | undefined;
}

export function resourceTable(all: readonly ResourceKind[]): ResourceTable {
  const byKind = new Map(all.map((each) => [`${each.resource.group}/${each.kind}`, each]));
  return { all, find: (apiVersion, kind) => byKind.get(`${groupOf(apiVersion)}/${kind}`) };
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion.split("/")[0]! : "";
}
