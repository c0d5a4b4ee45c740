/** Writes on their way in, written short. */
import type { AdmissionRequest, UserInfo } from "../../../http/machinery/types.ts";
import { request, user } from "../auth/requests.ts";

export function admissionRequest(
  text: string,
  { object, old, dryRun = false, who = user("bob") }: {
    object?: object | undefined;
    old?: object | undefined;
    dryRun?: boolean;
    who?: UserInfo;
  },
): AdmissionRequest & { warnings: string[] } {
  const attributes = request(who, text);
  const name = (object as { metadata?: { name?: string } } | undefined)?.metadata?.name ?? attributes.name;
  const operations = { create: "CREATE", update: "UPDATE", delete: "DELETE", connect: "CONNECT" } as const;
  const warnings: string[] = [];
  return {
    attributes: { ...attributes, name },
    operation: operations[attributes.verb as keyof typeof operations],
    resource: { namespaced: attributes.namespace !== "" } as AdmissionRequest["resource"],
    dryRun,
    object: object as AdmissionRequest["object"],
    old: old as AdmissionRequest["old"],
    warnings,
    warn: (warning) => void warnings.push(warning),
  };
}
