/**
 * Every pod runs as a service account of its namespace, and finds that account's token, the cluster's CA and its own
 * namespace in /var/run/secrets/kubernetes.io/serviceaccount (Kubernetes docs, "Configure Service Accounts for Pods").
 */
import type { KubeObject, PodSpec, ServiceAccount } from "../../machines/objects/object.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../machinery/types.ts";
import type { ClusterState } from "./cluster_state.ts";
import { type MutablePodSpec, podSpecOf, refuse } from "./pod_plugins.ts";

type Volume = NonNullable<PodSpec["volumes"]>[number];

const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const volumePrefix = "kube-api-access-";
/** An hour, and seven seconds by which the token of this volume is known for one (see token_request.ts). */
const tokenSeconds = 3_607;
/** Letters of generated names: without those that make words or look like digits. */
const letters = "bcdfghjklmnpqrstvwxz2456789";
/** A new namespace gets its account `default` a moment after it is made; who comes in between waits that long. */
const attempts = 10;
const pauseMs = 50;
const mirror = "kubernetes.io/config.mirror";

export function serviceAccount(
  { serviceAccounts }: Pick<ClusterState, "serviceAccounts">,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): AdmissionPlugin {
  async function accountOf(namespace: string, name: string): Promise<ServiceAccount | undefined> {
    for (let attempt = 1;; attempt++) {
      const found = await serviceAccounts.find(namespace, name);
      if (found !== undefined) return found as KubeObject as ServiceAccount;
      if (name !== "default" || attempt === attempts) return undefined;
      await new Promise<void>((resolve) => clock.wakeAt(clock.now() + pauseMs, resolve));
    }
  }

  return {
    name: "ServiceAccount",
    async admit(request) {
      const spec = podSpecOf(request, "CREATE");
      // A mirror pod's account is the kubelet's own affair.
      if (spec === undefined || request.object?.metadata.annotations?.[mirror] !== undefined) return;
      const name = spec.serviceAccountName ?? "";
      spec.serviceAccountName = name === "" ? "default" : name;
      // The old name of the field, which clients still read.
      spec.serviceAccount = spec.serviceAccountName;
      const account = await existing(request, spec.serviceAccountName);
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec, random);
      if ((spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0) {
        spec.imagePullSecrets = (account.imagePullSecrets ?? []).map((one) => ({ ...one }));
      }
    },
    async validate(request) {
      const spec = podSpecOf(request, "CREATE");
      if (spec === undefined) return;
      if (request.object?.metadata.annotations?.[mirror] !== undefined) {
        if ((spec.serviceAccountName ?? "") !== "") {
          throw refuse(request, "a mirror pod may not reference service accounts");
        }
        return;
      }
      await existing(request, spec.serviceAccountName ?? "");
    },
  };

  async function existing(request: AdmissionRequest, name: string): Promise<ServiceAccount> {
    const { namespace } = request.attributes;
    const account = await accountOf(namespace, name);
    if (account !== undefined) return account;
    const quoted = JSON.stringify(name);
    const why = `error looking up service account ${namespace}/${name}: serviceaccount ${quoted} not found`;
    throw refuse(request, why);
  }
}

function mountToken(spec: MutablePodSpec, random: Random): void {
  const volumes = spec.volumes ?? [];
  const before = volumes.find((volume) => volume.name.startsWith(volumePrefix));
  const name = before?.name ?? `${volumePrefix}${suffix(random)}`;
  let needed = false;
  // A pod without containers is refused later, by validation.
  for (const container of [...spec.initContainers ?? [], ...spec.containers ?? []]) {
    const mounts = container.volumeMounts ?? [];
    if (mounts.some((mount) => mount.mountPath === mountPath)) continue;
    container.volumeMounts = [...mounts, { name, readOnly: true, mountPath }];
    needed = true;
  }
  if (needed && before === undefined) spec.volumes = [...volumes, tokenVolume(name)];
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
      defaultMode: 0o644,
    },
  };
}

function suffix(random: Random): string {
  return Array.from({ length: 5 }, () => letters[Math.floor(random.next() * letters.length)]).join("");
}
