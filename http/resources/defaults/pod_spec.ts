/** What Kubernetes fills into pod specs, alike for pods and for every pod template. */
import { defaultInt, defaultText, defaultTo, ensure, type Fields, has, isFields, list, text } from "../fields.ts";

const defaultMode = 0o644;

/** The tag of an image reference, "latest" when neither tag nor digest is given. */
function isLatest(image: string): boolean {
  if (image.includes("@")) return /:latest@/.test(image);
  const name = image.slice(image.lastIndexOf("/") + 1);
  const colon = name.indexOf(":");
  return colon < 0 || name.slice(colon + 1) === "latest";
}

function defaultHandler(handler: unknown): void {
  if (!isFields(handler)) return;
  const { httpGet, grpc } = handler;
  if (isFields(httpGet)) defaultText(httpGet, { path: "/", scheme: "HTTP" });
  if (isFields(grpc)) defaultTo(grpc, { service: "" });
}

function defaultProbe(probe: unknown): void {
  if (!isFields(probe)) return;
  defaultHandler(probe);
  defaultInt(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
}

function defaultFieldRef(owner: Fields): void {
  const { fieldRef, resourceFieldRef } = owner;
  if (isFields(fieldRef)) defaultText(fieldRef, { apiVersion: "v1" });
  if (isFields(resourceFieldRef)) defaultTo(resourceFieldRef, { divisor: "0" });
}

function setContainerDefaults(container: Fields): void {
  ensure(container, "resources");
  defaultText(container, {
    imagePullPolicy: isLatest(text(container["image"])) ? "Always" : "IfNotPresent",
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  });
  for (const port of list(container["ports"])) defaultText(port, { protocol: "TCP" });
  for (const variable of list(container["env"])) {
    const source = variable["valueFrom"];
    if (!isFields(source)) continue;
    defaultFieldRef(source);
    if (isFields(source["fileKeyRef"])) defaultTo(source["fileKeyRef"], { optional: false });
  }
  for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) defaultProbe(container[probe]);
  const lifecycle = container["lifecycle"];
  if (isFields(lifecycle)) { for (const hook of ["postStart", "preStop"]) defaultHandler(lifecycle[hook]); }
}

/** Defaults of the sources that pods and persistent volumes share. */
export function setVolumeSourceDefaults(volume: Fields): void {
  const { hostPath, iscsi, rbd, azureDisk, scaleIO } = volume;
  if (isFields(hostPath)) defaultTo(hostPath, { type: "" });
  if (isFields(iscsi)) defaultText(iscsi, { iscsiInterface: "default" });
  if (isFields(rbd)) defaultText(rbd, { pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" });
  if (isFields(azureDisk)) {
    defaultTo(azureDisk, { cachingMode: "ReadWrite", kind: "Shared", fsType: "ext4", readOnly: false });
  }
  if (isFields(scaleIO)) defaultText(scaleIO, { storageMode: "ThinProvisioned", fsType: "xfs" });
}

function setVolumeDefaults(volume: Fields): void {
  if (!Object.entries(volume).some(([name, value]) => name !== "name" && has(value))) volume["emptyDir"] = {};
  setVolumeSourceDefaults(volume);
  for (const name of ["secret", "configMap", "downwardAPI", "projected"]) {
    const source = volume[name];
    if (isFields(source)) defaultTo(source, { defaultMode });
  }
  const { downwardAPI, projected, ephemeral, image } = volume;
  if (isFields(downwardAPI)) list(downwardAPI["items"]).forEach(defaultFieldRef);
  if (isFields(projected)) {
    for (const source of list(projected["sources"])) {
      if (isFields(source["serviceAccountToken"])) {
        defaultInt(source["serviceAccountToken"], { expirationSeconds: 3600 });
      }
      if (isFields(source["downwardAPI"])) list(source["downwardAPI"]["items"]).forEach(defaultFieldRef);
      if (isFields(source["podCertificate"])) defaultTo(source["podCertificate"], { maxExpirationSeconds: 86400 });
    }
  }
  if (isFields(ephemeral) && isFields(ephemeral["volumeClaimTemplate"])) {
    ensure(ephemeral["volumeClaimTemplate"], "metadata");
    setClaimSpecDefaults(ensure(ephemeral["volumeClaimTemplate"], "spec"));
  }
  if (isFields(image)) {
    defaultText(image, { pullPolicy: isLatest(text(image["reference"])) ? "Always" : "IfNotPresent" });
  }
}

/** spec of a PersistentVolumeClaim. */
export function setClaimSpecDefaults(spec: Fields): void {
  defaultTo(spec, { volumeMode: "Filesystem" });
  ensure(spec, "resources");
}

/** Every container of a pod spec, with the field it stands in. */
export function containersOf(
  spec: Fields,
): { readonly field: string; readonly index: number; readonly container: Fields }[] {
  return ["initContainers", "containers", "ephemeralContainers"].flatMap((field) =>
    list(spec[field]).map((container, index) => ({ field, index, container }))
  );
}

export function setPodSpecDefaults(spec: Fields): void {
  // The deprecated name of the service account is kept equal to the current one.
  const account = text(spec["serviceAccountName"]) || text(spec["serviceAccount"]);
  if (account !== "") Object.assign(spec, { serviceAccountName: account, serviceAccount: account });
  defaultText(spec, { dnsPolicy: "ClusterFirst", restartPolicy: "Always", schedulerName: "default-scheduler" });
  defaultTo(spec, { terminationGracePeriodSeconds: 30 });
  ensure(spec, "securityContext");
  for (const { container } of containersOf(spec)) setContainerDefaults(container);
  list(spec["volumes"]).forEach(setVolumeDefaults);
}

/** `owner.template` of the workload kinds. */
export function setPodTemplateDefaults(owner: Fields): void {
  const template = ensure(owner, "template");
  ensure(template, "metadata");
  setPodSpecDefaults(ensure(template, "spec"));
}
