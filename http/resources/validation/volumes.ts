/** Rules of a pod's volumes. */
import { dns1123LabelErrors, dns1123SubdomainErrors } from "../../../machines/objects/names.ts";
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, int, list, text, texts } from "../fields.ts";
import { validateClaimSpec } from "./claim_spec.ts";
import { validateDownwardItem } from "./environment.ts";
import { duplicate, forbidden, invalid, invalidFor, notSupported, oneOf, type Path, path, required } from "./field.ts";
import { validateLabelSelector } from "./labels.ts";
import { nonnegativeQuantity } from "./resource_requirements.ts";

/** A relative path that stays inside. */
export function validateLocalPath(value: string, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (value.startsWith("/")) errors.push(invalid(at, value, "must be a relative path"));
  return [...errors, ...validateNoBackstep(value, at)];
}

export function validateNoBackstep(value: string, at: Path): FieldError[] {
  return value.split("/").includes("..") ? [invalid(at, value, "must not contain '..'")] : [];
}

/** A relative path whose name may not start with two dots. */
export function validateLocalNonReservedPath(value: string, at: Path): FieldError[] {
  const errors = validateLocalPath(value, at);
  if (value.startsWith("..") && !value.startsWith("../")) errors.push(invalid(at, value, "must not start with '..'"));
  return errors;
}

const modeText = "must be a number between 0 and 0777 (octal), both inclusive";

function validateMode(mode: unknown, at: Path): FieldError[] {
  return has(mode) && (int(mode) < 0 || int(mode) > 0o777) ? [invalid(at, int(mode), modeText)] : [];
}

function validateKeyToPath(item: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const key = text(item["key"]);
  if (key === "") errors.push(required(at.child("key")));
  if (text(item["path"]) === "") errors.push(required(at.child("path")));
  else errors.push(...validateLocalNonReservedPath(text(item["path"]), at.child("path")));
  return [...errors, ...validateMode(item["mode"], at.child("mode"))];
}

function validateItems(items: unknown, at: Path): FieldError[] {
  return list(items).flatMap((item, index) => validateKeyToPath(item, at.index(index)));
}

function validateDownwardFile(item: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (text(item["path"]) === "") errors.push(required(at.child("path")));
  errors.push(...validateLocalNonReservedPath(text(item["path"]), at.child("path")));
  errors.push(...validateDownwardItem(item, at));
  return [...errors, ...validateMode(item["mode"], at.child("mode"))];
}

const minTokenSeconds = 600;
const maxTokenSeconds = 2 ** 32;

type SourceRule = (source: Fields, at: Path, volumeName: string) => FieldError[];

const projections: Readonly<Record<string, SourceRule>> = {
  secret: (source, at) => requireName(source, at, "name"),
  configMap: (source, at) => requireName(source, at, "name"),
  downwardAPI: (source, at) =>
    list(source["items"]).flatMap((item, index) => validateDownwardFile(item, at.child("items").index(index))),
  serviceAccountToken(source, at) {
    const errors: FieldError[] = [];
    const seconds = int(source["expirationSeconds"]);
    if (seconds < minTokenSeconds) {
      errors.push(invalid(at.child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes"));
    }
    if (seconds > maxTokenSeconds) {
      errors.push(
        invalid(at.child("expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds"),
      );
    }
    if (text(source["path"]) === "") return [...errors, required(at.child("path"))];
    return [...errors, ...validateLocalNonReservedPath(text(source["path"]), at.child("path"))];
  },
  clusterTrustBundle(source, at) {
    const errors: FieldError[] = [];
    const name = text(source["name"]);
    const signer = text(source["signerName"]);
    if (name !== "" && signer !== "") errors.push(invalid(at, source, "only one of name and signerName may be used"));
    if (name === "" && signer === "") errors.push(required(at, "either name or signerName must be specified"));
    if (has(source["labelSelector"])) {
      errors.push(...validateLabelSelector(source["labelSelector"], at.child("labelSelector")));
    }
    if (text(source["path"]) === "") errors.push(required(at.child("path")));
    return [...errors, ...validateLocalNonReservedPath(text(source["path"]), at.child("path"))];
  },
  podCertificate(source, at) {
    const errors = ["signerName", "keyType"].filter((name) => text(source[name]) === "").map((name) =>
      required(at.child(name))
    );
    return errors;
  },
};

/** Where a projection's files go, to find two of one path. */
function projectedPaths(source: Fields): string[] {
  return Object.entries(source).flatMap(([, value]) => {
    const own = text(fields(value)["path"]);
    const items = list(fields(value)["items"]).map((item) => text(item["path"]));
    return own === "" ? items : [own, ...items];
  }).filter((each) => each !== "");
}

function validateProjected(source: Fields, at: Path): FieldError[] {
  const errors = validateMode(source["defaultMode"], at.child("defaultMode"));
  const seen = new Set<string>();
  list(source["sources"]).forEach((each, index) => {
    const here = at.child("sources").index(index);
    const given = Object.keys(projections).filter((name) => has(each[name]));
    given.forEach((name, position) => {
      const value = fields(each[name]);
      if (position > 0) errors.push(forbidden(here, "may not specify more than 1 volume type"));
      errors.push(...projections[name]?.(value, here.child(name), "") ?? []);
      if (name === "secret" || name === "configMap") {
        errors.push(...validateItems(value["items"], here.child(name, "items")));
      }
    });
    if (given.length === 0) errors.push(required(here, "must specify a source"));
    for (const file of projectedPaths(each)) {
      if (seen.has(file)) errors.push(invalid(at, file, "conflicting duplicate paths"));
      seen.add(file);
    }
  });
  return errors;
}

function requireName(source: Fields, at: Path, field: string): FieldError[] {
  return text(source[field]) === "" ? [required(at.child(field))] : [];
}

/** The fields of a source that may not be empty. */
const requires = (...names: string[]): SourceRule => (source, at) => {
  return names.filter((name) =>
    !has(source[name]) || source[name] === "" || (Array.isArray(source[name]) && source[name].length === 0)
  )
    .map((name) => required(at.child(name)));
};

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

/** Volume sources that persistent volumes have, too. */
export const sharedSources: Readonly<Record<string, SourceRule>> = {
  hostPath(source, at) {
    if (text(source["path"]) === "") return [required(at.child("path"))];
    const errors = validateNoBackstep(text(source["path"]), at.child("path"));
    return [...errors, ...oneOf(text(source["type"]), hostPathTypes, at.child("type"))];
  },
  nfs(source, at) {
    const errors = requires("server", "path")(source, at, "");
    const file = text(source["path"]);
    if (file !== "" && !file.startsWith("/")) errors.push(invalid(at.child("path"), file, "must be an absolute path"));
    return errors;
  },
  gcePersistentDisk(source, at) {
    const errors = requires("pdName")(source, at, "");
    return [...errors, ...validatePartition(source, at)];
  },
  awsElasticBlockStore: (source, at) => [...requires("volumeID")(source, at, ""), ...validatePartition(source, at)],
  iscsi: requires("targetPortal", "iqn"),
  glusterfs: requires("endpoints", "path"),
  flexVolume: requires("driver"),
  cinder: requires("volumeID"),
  cephfs: requires("monitors"),
  rbd: requires("monitors", "image"),
  quobyte: requires("registry", "volume"),
  fc: (source, at) =>
    texts(source["targetWWNs"]).length + texts(source["wwids"]).length === 0
      ? [required(at.child("targetWWNs"), "must specify either targetWWNs or wwids, but not both")]
      : [],
  azureFile: requires("secretName", "shareName"),
  vsphereVolume: requires("volumePath"),
  photonPersistentDisk: requires("pdID"),
  portworxVolume: requires("volumeID"),
  azureDisk: requires("diskName", "diskURI"),
  scaleIO: requires("gateway", "system", "volumeName"),
  storageos: () => [],
  flocker: requires("datasetName"),
};

function validatePartition(source: Fields, at: Path): FieldError[] {
  const partition = int(source["partition"]);
  return partition < 0 || partition > 255
    ? [invalid(at.child("partition"), partition, "must be between 0 and 255, inclusive")]
    : [];
}

const podSources: Readonly<Record<string, SourceRule>> = {
  ...sharedSources,
  emptyDir: (source, at) =>
    has(source["sizeLimit"]) && nonnegativeQuantity(source["sizeLimit"], at.child("sizeLimit")).length > 0
      ? [forbidden(at.child("sizeLimit"), "SizeLimit field must be a valid resource quantity")]
      : [],
  gitRepo: (
    source,
    at,
  ) => [
    ...requires("repository")(source, at, ""),
    ...validateLocalPath(text(source["directory"]), at.child("directory")),
  ],
  secret: (source, at) => [
    ...requireName(source, at, "secretName"),
    ...validateMode(source["defaultMode"], at.child("defaultMode")),
    ...validateItems(source["items"], at.child("items")),
  ],
  configMap: (source, at) => [
    ...requireName(source, at, "name"),
    ...validateMode(source["defaultMode"], at.child("defaultMode")),
    ...validateItems(source["items"], at.child("items")),
  ],
  downwardAPI: (source, at) => [
    ...validateMode(source["defaultMode"], at.child("defaultMode")),
    ...list(source["items"]).flatMap((item, index) => validateDownwardFile(item, at.child("items").index(index))),
  ],
  projected: validateProjected,
  persistentVolumeClaim: requires("claimName"),
  csi(source, at) {
    const errors = validateDriverName(text(source["driver"]), at.child("driver"));
    const secret = source["nodePublishSecretRef"];
    if (has(secret)) errors.push(...requireName(fields(secret), at.child("nodePublishSecretRef"), "name"));
    return errors;
  },
  ephemeral(source, at) {
    const template = source["volumeClaimTemplate"];
    if (!has(template)) return [required(at.child("volumeClaimTemplate"))];
    return validateClaimSpec(fields(fields(template)["spec"]), at.child("volumeClaimTemplate", "spec"));
  },
  image: (source, at) => [
    ...requireName(source, at, "reference"),
    ...oneOf(text(source["pullPolicy"]), ["Always", "IfNotPresent", "Never"], at.child("pullPolicy")),
  ],
};

const maxDriverName = 63;

export function validateDriverName(name: string, at: Path): FieldError[] {
  if (name === "") return [required(at)];
  const errors: FieldError[] = [];
  if (name.length > maxDriverName) {
    errors.push({
      reason: "FieldValueTooLong",
      field: at.toString(),
      message: `Too long: may not be more than ${maxDriverName} bytes`,
    });
  }
  const lower = name.toLowerCase();
  return [...errors, ...invalidFor(at, name, dns1123SubdomainErrors(lower))];
}

/** spec.volumes. @returns also the names of the sound volumes: only they can be mounted. */
export function validateVolumes(
  volumes: unknown,
  at: Path = path("spec", "volumes"),
): { readonly errors: FieldError[]; readonly names: ReadonlySet<string> } {
  const names = new Set<string>();
  const errors = list(volumes).flatMap((volume, index) => {
    const here = at.index(index);
    const name = text(volume["name"]);
    const found = validateSource(volume, here, name);
    if (name === "") found.push(required(here.child("name")));
    else {
      found.push(...invalidFor(here.child("name"), name, dns1123LabelErrors(name)));
      if (names.has(name)) found.push(duplicate(here.child("name"), name));
    }
    if (found.length === 0) names.add(name);
    return found;
  });
  return { errors, names };
}

function validateSource(volume: Fields, at: Path, name: string): FieldError[] {
  const given = Object.keys(podSources).filter((type) => has(volume[type]));
  if (given.length === 0) return [required(at, "must specify a volume type")];
  return given.flatMap((type, index) => {
    if (index > 0) return [forbidden(at.child(type), "may not specify more than 1 volume type")];
    return podSources[type]?.(fields(volume[type]), at.child(type), name) ?? [];
  });
}

const propagations = ["Bidirectional", "HostToContainer", "None"];

/** volumeMounts of a container. */
export function validateVolumeMounts(container: Fields, volumes: ReadonlySet<string>, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const mountPaths = new Set<string>();
  const devices = list(container["volumeDevices"]);
  list(container["volumeMounts"]).forEach((mount, index) => {
    const here = at.child("volumeMounts").index(index);
    const name = text(mount["name"]);
    const mountPath = text(mount["mountPath"]);
    if (name === "") errors.push(required(here.child("name")));
    if (!volumes.has(name)) errors.push(notFoundVolume(here, name));
    if (mountPath === "") errors.push(required(here.child("mountPath")));
    if (mountPaths.has(mountPath)) errors.push(invalid(here.child("mountPath"), mountPath, "must be unique"));
    mountPaths.add(mountPath);
    if (devices.some((device) => text(device["name"]) === name)) {
      errors.push(invalid(here.child("name"), name, "must not already exist in volumeDevices"));
    }
    if (devices.some((device) => text(device["devicePath"]) === mountPath)) {
      errors.push(invalid(here.child("mountPath"), mountPath, "must not already exist as a path in volumeDevices"));
    }
    errors.push(...validateSubPaths(mount, here));
    errors.push(...validatePropagation(mount, container, here));
  });
  devices.forEach((device, index) => {
    const here = at.child("volumeDevices").index(index);
    const name = text(device["name"]);
    const file = text(device["devicePath"]);
    if (name === "") errors.push(required(here.child("name")));
    if (!volumes.has(name)) errors.push(notFoundVolume(here, name));
    if (file === "") errors.push(required(here.child("devicePath")));
    else errors.push(...validateNoBackstep(file, here.child("devicePath")));
  });
  return errors;
}

function notFoundVolume(at: Path, name: string): FieldError {
  return {
    reason: "FieldValueNotFound",
    field: at.child("name").toString(),
    message: `Not found: ${JSON.stringify(name)}`,
  };
}

function validateSubPaths(mount: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const subPath = text(mount["subPath"]);
  const expression = text(mount["subPathExpr"]);
  if (subPath !== "") errors.push(...validateLocalPath(subPath, at.child("subPath")));
  if (expression !== "") {
    if (subPath !== "") {
      errors.push(invalid(at.child("subPathExpr"), expression, "subPathExpr and subPath are mutually exclusive"));
    }
    errors.push(...validateLocalPath(expression, at.child("subPathExpr")));
  }
  return errors;
}

function validatePropagation(mount: Fields, container: Fields, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const propagation = mount["mountPropagation"];
  const readOnly = text(mount["recursiveReadOnly"]);
  if (has(propagation)) {
    if (!propagations.includes(text(propagation))) {
      errors.push(notSupported(at.child("mountPropagation"), propagation, propagations));
    } else if (propagation === "Bidirectional" && fields(container["securityContext"])["privileged"] !== true) {
      errors.push(
        forbidden(
          at.child("mountPropagation"),
          "Bidirectional mount propagation is available only to privileged containers",
        ),
      );
    }
  }
  if (readOnly === "" || readOnly === "Disabled") return errors;
  const here = at.child("recursiveReadOnly");
  if (readOnly !== "Enabled" && readOnly !== "IfPossible") {
    return [...errors, notSupported(here, readOnly, ["Disabled", "Enabled", "IfPossible"])];
  }
  if (mount["readOnly"] !== true) errors.push(forbidden(here, "may only be specified when readOnly is true"));
  if (has(propagation) && propagation !== "None") {
    errors.push(forbidden(here, "may only be specified when mountPropagation is None or not specified"));
  }
  return errors;
}
