/** apiregistration.k8s.io/v1 and certificates.k8s.io/v1. */
import { dns1035LabelErrors, dns1123SubdomainErrors, pathSegmentErrors } from "../../machines/objects/names.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource } from "../machinery/types.ts";
import { ageColumn, column, nameColumn, spec, status } from "./columns/column.ts";
import { humanDuration } from "./columns/duration.ts";
import { defaultTo, ensure, fields, has, int, isFields, list, same, text, texts } from "./fields.ts";
import { keepStatus, row, statusSubresource } from "./row.ts";
import { forbidden, invalid, invalidFor, oneOf, path, required } from "./validation/field.ts";

const at = path("spec");

function validateAPIService(object: KubeObject): FieldError[] {
  const given = spec(object);
  const group = text(given["group"]);
  const version = text(given["version"]);
  const errors: FieldError[] = [];
  const required_ = `${version}.${group}`;
  if (object.metadata.name !== required_ && text(object.metadata.name) !== "") {
    errors.push(
      invalid(
        path("metadata", "name"),
        object.metadata.name,
        'must be `spec.version+"."+spec.group`: ' + JSON.stringify(required_),
      ),
    );
  }
  if (group === "" && version !== "v1") {
    errors.push(required(at.child("group"), "only v1 may have an empty group and it better be legacy kube"));
  }
  if (group !== "") errors.push(...invalidFor(at.child("group"), group, dns1123SubdomainErrors(group)));
  errors.push(...invalidFor(at.child("version"), version, dns1035LabelErrors(version)));
  const bounds = [["groupPriorityMinimum", 20_000], ["versionPriority", 1000]] as const;
  for (const [name, most] of bounds) {
    const value = int(given[name]);
    if (value <= 0 || value > most) {
      errors.push(invalid(at.child(name), value, `must be positive and less than ${most}`));
    }
  }
  const { service, caBundle, insecureSkipTLSVerify: insecure } = given;
  if (!isFields(service)) {
    if (text(caBundle) !== "") {
      errors.push(
        invalid(at.child("caBundle"), `${text(caBundle).length} bytes`, "local APIServices may not have a caBundle"),
      );
    }
    if (insecure === true) {
      errors.push(
        invalid(at.child("insecureSkipTLSVerify"), true, "local APIServices may not have insecureSkipTLSVerify"),
      );
    }
    return errors;
  }
  for (const name of ["namespace", "name"]) {
    if (text(service[name]) === "") errors.push(required(at.child("service", name)));
  }
  const port = int(service["port"]);
  if (port < 1 || port > 65535) {
    errors.push(
      invalid(at.child("service", "port"), port, "port is not valid: must be between 1 and 65535, inclusive"),
    );
  }
  if (insecure === true && text(caBundle) !== "") {
    errors.push(invalid(at.child("insecureSkipTLSVerify"), true, "may not be true if caBundle is present"));
  }
  return errors;
}

function availableCell(object: KubeObject): string {
  const condition = list(status(object)["conditions"]).find((each) => each["type"] === "Available");
  if (condition === undefined) return "Unknown";
  return condition["status"] === "True" ? "True" : `${text(condition["status"])} (${text(condition["reason"])})`;
}

function serviceCell(object: KubeObject): string {
  const service = spec(object)["service"];
  return isFields(service) ? `${text(service["namespace"])}/${text(service["name"])}` : "Local";
}

/** What an aggregated API is before anybody looked at it. */
function initialConditions(object: KubeObject, now: string): Record<string, unknown> {
  if (isFields(spec(object)["service"])) return {};
  return {
    conditions: [{
      type: "Available",
      status: "True",
      lastTransitionTime: now,
      reason: "Local",
      message: "Local APIServices are always available",
    }],
  };
}

export const apiRegistrationResources: readonly Resource[] = [
  row({
    group: "apiregistration.k8s.io",
    version: "v1",
    resource: "apiservices",
    kind: "APIService",
    namespaced: false,
    categories: ["api-extensions"],
    subresources: { status: statusSubresource },
    columns: [
      nameColumn,
      column("Service", "The reference to the service that hosts this API endpoint.", serviceCell),
      column("Available", "Whether this service is available.", availableCell),
      ageColumn,
    ],
    strategy: {
      setDefaults(object) {
        const service = spec(object)["service"];
        if (isFields(service)) defaultTo(service, { port: 443 });
      },
      prepareForCreate(object, context) {
        object["status"] = initialConditions(object, context.now);
      },
      validate: validateAPIService,
      prepareForUpdate: keepStatus,
      validateUpdate: validateAPIService,
      allowUnconditionalUpdate: false,
      validateName: pathSegmentErrors,
      hasGeneration: false,
    },
  }),
];

const usages = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
]; // deno-fmt-ignore
const minSeconds = 600;
const requestOpening = "-----BEGIN CERTIFICATE REQUEST-----";

function validateSigner(name: string): FieldError[] {
  const here = at.child("signerName");
  if (name === "") return [required(here)];
  const parts = name.split("/");
  if (parts.length !== 2) {
    return [invalid(here, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  }
  const [domain = "", route = ""] = parts;
  const errors: FieldError[] = [];
  if (!domain.includes(".")) {
    errors.push(invalid(here, domain, "should be a domain with at least two segments separated by dots"));
  }
  errors.push(
    ...dns1123SubdomainErrors(domain).map((detail) => invalid(here, domain, `validating label "${domain}": ${detail}`)),
  );
  errors.push(
    ...dns1123SubdomainErrors(route).map((detail) => invalid(here, route, `validating label "${route}": ${detail}`)),
  );
  return errors;
}

function validateRequest(object: KubeObject): FieldError[] {
  const given = spec(object);
  const errors: FieldError[] = [];
  const here = at.child("usages");
  const wanted = texts(given["usages"]);
  const request = given["request"];
  const pem = has(request) ? atob(text(request)) : "";
  if (!pem.includes(requestOpening)) {
    errors.push(invalid(at.child("request"), request ?? null, "PEM block type must be CERTIFICATE REQUEST"));
  }
  if (wanted.length === 0) errors.push(required(here));
  wanted.forEach((usage, index) => {
    if (wanted.indexOf(usage) < index) {
      errors.push({
        reason: "FieldValueDuplicate",
        field: `${here.index(index)}`,
        message: `Duplicate value: ${JSON.stringify(usage)}`,
      });
    } else errors.push(...oneOf(usage, usages, here.index(index)));
  });
  errors.push(...validateSigner(text(given["signerName"])));
  const seconds = given["expirationSeconds"];
  if (has(seconds) && int(seconds) < minSeconds) {
    errors.push(
      invalid(
        at.child("expirationSeconds"),
        seconds,
        `may not specify a duration less than ${minSeconds} seconds (10 minutes)`,
      ),
    );
  }
  return [...errors, ...validateConditions(object)];
}

function validateConditions(object: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const conditions = list(status(object)["conditions"]);
  const here = path("status", "conditions");
  const holds = (type: string): boolean => conditions.some((each) => each["type"] === type);
  if (holds("Approved") && holds("Denied")) {
    errors.push(invalid(here, "Denied", "Approved and Denied conditions are mutually exclusive"));
  }
  conditions.forEach((condition, index) => {
    const place = here.index(index);
    if (text(condition["type"]) === "") errors.push(required(place.child("type")));
    const state = text(condition["status"]);
    if (state === "") errors.push(required(place.child("status")));
    else if (["Approved", "Denied", "Failed"].includes(text(condition["type"])) && state !== "True") {
      errors.push(...oneOf(state, ["True"], place.child("status")));
    }
  });
  return errors;
}

function conditionCell(object: KubeObject): string {
  const types = new Set(list(status(object)["conditions"]).map((each) => text(each["type"])));
  const word = types.has("Denied") ? "Denied" : types.has("Approved") ? "Approved" : "Pending";
  const failed = types.has("Failed") ? ",Failed" : "";
  return `${word}${failed}${text(status(object)["certificate"]) === "" ? "" : ",Issued"}`;
}

const durationText =
  `expirationSeconds is the requested duration of validity of the issued certificate. The certificate signer may issue a certificate with a different validity duration so a client must check the delta between the notBefore and and notAfter fields in the issued certificate to determine the actual duration.

The v1.22+ in-tree implementations of the well-known Kubernetes signers will honor this field as long as the requested duration is not greater than the maximum duration they will honor per the --cluster-signing-duration CLI flag to the Kubernetes controller manager.

Certificate signers may not honor this field for various reasons:

  1. Old signer that is unaware of the field (such as the in-tree
     implementations prior to v1.22)
  2. Signer whose configured maximum is shorter than the requested duration
  3. Signer whose configured minimum is longer than the requested duration

The minimum valid value for expirationSeconds is 600, i.e. 10 minutes.`;

const identity = ["username", "uid", "groups", "extra"];

export const certificateResources: readonly Resource[] = [
  row({
    group: "certificates.k8s.io",
    version: "v1",
    resource: "certificatesigningrequests",
    kind: "CertificateSigningRequest",
    namespaced: false,
    shortNames: ["csr"],
    subresources: { approval: { verbs: ["get", "patch", "update"] }, status: statusSubresource },
    columns: [
      nameColumn,
      ageColumn,
      column(
        "SignerName",
        { of: "certificates.k8s.io/v1beta1/CertificateSigningRequestSpec.signerName" },
        (object) => text(spec(object)["signerName"]) || "<none>",
      ),
      column(
        "Requestor",
        { of: "certificates.k8s.io/v1beta1/CertificateSigningRequestSpec.request" },
        (object) => text(spec(object)["username"]),
      ),
      column(
        "RequestedDuration",
        durationText,
        (object) =>
          has(spec(object)["expirationSeconds"])
            ? humanDuration(int(spec(object)["expirationSeconds"]) * 1000)
            : "<none>",
      ),
      column(
        "Condition",
        { of: "certificates.k8s.io/v1beta1/CertificateSigningRequestStatus.conditions" },
        conditionCell,
      ),
    ],
    strategy: {
      setDefaults(object) {
        ensure(object, "spec");
      },
      prepareForCreate(object, { user }) {
        const given = ensure(object, "spec");
        for (const name of identity) delete given[name];
        if (user.name !== "") given["username"] = user.name;
        if (user.uid !== undefined && user.uid !== "") given["uid"] = user.uid;
        if (user.groups.length > 0) given["groups"] = [...user.groups];
        if (user.extra !== undefined && Object.keys(user.extra).length > 0) {
          given["extra"] = structuredClone(user.extra);
        }
        object["status"] = {};
      },
      validate: validateRequest,
      prepareForUpdate(next, old, { subresource }) {
        next["spec"] = old["spec"];
        const before = fields(old["status"]);
        if (subresource === "") next["status"] = old["status"];
        // Approvers write conditions, signers the certificate.
        if (subresource === "approval") next["status"] = { ...before, conditions: status(next)["conditions"] };
      },
      validateUpdate: (next, old, { subresource }) => {
        if (subresource !== "approval") return [];
        const decided = (object: KubeObject): unknown =>
          list(status(object)["conditions"]).filter((each) => each["type"] === "Approved" || each["type"] === "Denied")
            .map((each) => each["type"]);
        const kept = (decided(old) as string[]).every((type) => (decided(next) as string[]).includes(type));
        return kept ? validateConditions(next) : [
          forbidden(
            path("status", "conditions"),
            'updates may not remove a condition of type "Approved" or "Denied"',
          ),
          ...validateConditions(next),
        ];
      },
      validateStatusUpdate(next, old) {
        const [now, before] = [text(status(next)["certificate"]), text(status(old)["certificate"])];
        const errors = validateConditions(next);
        return before !== "" && !same(now, before)
          ? [...errors, forbidden(path("status", "certificate"), "updates may not change certificate")]
          : errors;
      },
      validateName: pathSegmentErrors,
      hasGeneration: false,
      selectableFields: { "spec.signerName": (object) => text(spec(object)["signerName"]) },
    },
  }),
];
