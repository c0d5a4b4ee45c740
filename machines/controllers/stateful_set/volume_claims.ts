/** A StatefulSet's claims: made before the pod that needs them, kept or dropped as the retention policy says. */
import { jsonEquals } from "../../objects/json.ts";
import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from "../../objects/object.ts";
import { resources } from "../../objects/resources.ts";
import type { Write } from "../controller.ts";
import { event, type Owner } from "../workload_pods.ts";
import { claimsOf, podName } from "./ordinals.ts";

/** Makes the claims that are missing for a pod. */
export function createClaims(set: StatefulSet, ordinal: number, existing: ReadonlyMap<string, unknown>): Write[] {
  const pod = podName(set, ordinal);
  return claimsOf(set, ordinal).filter(({ metadata }) => !existing.has(metadata.name)).map((claim): Write => {
    const { name } = claim.metadata;
    const owners = ownersOf(set, undefined);
    const of = `Claim ${name} Pod ${pod} in StatefulSet ${set.metadata.name}`;
    return {
      type: "create",
      resource: resources.persistentVolumeClaims,
      object: { ...claim, metadata: { ...claim.metadata, ...(owners.length > 0 && { ownerReferences: owners }) } },
      existsIsFine: true,
      onSuccess: event(set, "Normal", "SuccessfulCreate", `create ${of} success`),
      onFailure: event(set, "Warning", "FailedCreate", `create ${of} failed error: {error}`),
    };
  });
}

/** Brings the owners of a pod's claims up to date; a condemned pod's claims may go with it. */
export function ownClaims(
  set: StatefulSet,
  ordinal: number,
  condemned: Pod | undefined,
  existing: ReadonlyMap<string, PersistentVolumeClaim>,
): Write[] {
  const wanted = ownersOf(set, condemned);
  const pod = podName(set, ordinal);
  return claimsOf(set, ordinal).flatMap(({ metadata: { name } }) => {
    const claim = existing.get(name);
    if (claim === undefined) return [];
    const others = (claim.metadata.ownerReferences ?? []).filter((owner) =>
      owner.uid !== set.metadata.uid && !(owner.kind === "Pod" && owner.name === pod)
    );
    const ownerReferences = [...others, ...wanted];
    if (jsonEquals(ownerReferences, claim.metadata.ownerReferences ?? [])) return [];
    const metadata = { ...claim.metadata, ownerReferences };
    const object = { ...claim, metadata };
    return [{ type: "update", resource: resources.persistentVolumeClaims, object } satisfies Write];
  });
}

function ownersOf(set: StatefulSet, condemned: Pod | undefined): OwnerReference[] {
  const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  if (condemned !== undefined && whenScaled === "Delete") {
    return [reference({ ...condemned, apiVersion: "v1", kind: "Pod" })];
  }
  return whenDeleted === "Delete" ? [reference(set)] : [];
}

function reference({ apiVersion, kind, metadata: { name, uid } }: Owner): OwnerReference {
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}
