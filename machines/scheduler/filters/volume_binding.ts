import { type Filter, filter } from "../plugin.ts";

/** A pod's claims must exist and be bound: who gives them volumes does so before the pod is placed. */
export const volumeBinding: Filter = filter({
  name: "VolumeBinding",
  applies: ({ claims }) => claims.length > 0,
  refuses({ claims }, { claim }) {
    const missing = claims.find((key) => claim(key) === undefined);
    if (missing !== undefined) return `persistentvolumeclaim "${missing.split("/")[1]}" not found`;
    const unbound = claims.some((key) => !claim(key)?.spec?.volumeName);
    return unbound ? "pod has unbound immediate PersistentVolumeClaims" : undefined;
  },
  check: () => undefined,
  wakesOn: ["claimChanged"],
});
