/** resource.k8s.io/v1. */
import { dns1123LabelErrors, dns1123SubdomainErrors } from "../../machines/objects/names.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import type { FieldError, Resource, Strategy } from "../machinery/types.ts";
import { ageColumn, column, nameColumn, spec, status } from "./columns/column.ts";
import { defaultText, type Fields, fields, has, identical, int, isFields, list, text, texts } from "./fields.ts";
import { keepStatus, row, statusSubresource } from "./row.ts";
import { type CelCheck, celErrors } from "./validation/cel.ts";
import {
  duplicate,
  invalid,
  invalidFor,
  notSupported,
  type Path,
  path,
  required,
  tooMany,
} from "./validation/field.ts";
import { validateTolerations } from "./validation/affinity.ts";

const group = "resource.k8s.io";
const version = "v1";
const at = path("spec");
const maxSelectors = 32;
const maxRequests = 32;

function setRequestDefaults(request: Fields): void {
  defaultText(request, { allocationMode: "ExactCount" });
  if (request["allocationMode"] === "ExactCount" && int(request["count"]) === 0) request["count"] = 1;
}

function setClaimDefaults(given: unknown): void {
  for (const request of list(fields(fields(given)["devices"])["requests"])) {
    if (isFields(request["exactly"])) setRequestDefaults(request["exactly"]);
    list(request["firstAvailable"]).forEach(setRequestDefaults);
  }
}

function validateSelectors(selectors: unknown, here: Path, cel: CelCheck | undefined): FieldError[] {
  const given = list(selectors);
  const errors: FieldError[] = given.length > maxSelectors ? [tooMany(here, given.length, maxSelectors)] : [];
  given.forEach((selector, index) => {
    const place = here.index(index).child("cel");
    if (!isFields(selector["cel"])) errors.push(required(place));
    else {errors.push(
        ...celErrors(cel, { kind: "device" }, text(selector["cel"]["expression"]), place.child("expression")),
      );}
  });
  return errors;
}

function validateRequest(request: Fields, here: Path, cel: CelCheck | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const className = text(request["deviceClassName"]);
  if (className === "") errors.push(required(here.child("deviceClassName")));
  else errors.push(...invalidFor(here.child("deviceClassName"), className, dns1123SubdomainErrors(className)));
  errors.push(...validateSelectors(request["selectors"], here.child("selectors"), cel));
  const mode = text(request["allocationMode"]);
  const count = int(request["count"]);
  if (mode === "All") {
    if (count !== 0) {
      errors.push(invalid(here.child("count"), count, "must not be specified when allocationMode is 'All'"));
    }
  } else if (mode === "ExactCount") {
    if (count <= 0) errors.push(invalid(here.child("count"), count, "must be greater than zero"));
  } else errors.push(notSupported(here.child("allocationMode"), mode, ["All", "ExactCount"]));
  return [...errors, ...validateTolerations(request["tolerations"], here.child("tolerations"))];
}

function validateClaimSpec(given: Fields, here: Path, cel: CelCheck | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const devices = fields(given["devices"]);
  const requests = list(devices["requests"]);
  const place = here.child("devices", "requests");
  if (requests.length > maxRequests) errors.push(tooMany(place, requests.length, maxRequests));
  const names = new Set<string>();
  requests.forEach((request, index) => {
    const each = place.index(index);
    const name = text(request["name"]);
    if (names.has(name)) errors.push(duplicate(each, name));
    names.add(name);
    errors.push(...invalidFor(each.child("name"), name, dns1123LabelErrors(name)));
    const options = list(request["firstAvailable"]);
    if (isFields(request["exactly"]) && options.length > 0) {
      errors.push(
        invalid(each, null, "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set"),
      );
    } else if (isFields(request["exactly"])) {
      errors.push(...validateRequest(request["exactly"], each.child("exactly"), cel));
    } else if (options.length > 0) {
      options.forEach((option, position) => {
        const sub = each.child("firstAvailable").index(position);
        errors.push(
          ...invalidFor(sub.child("name"), text(option["name"]), dns1123LabelErrors(text(option["name"]))),
          ...validateRequest(option, sub, cel),
        );
      });
    } else errors.push(required(each, "exactly one of `exactly` or `firstAvailable` is required"));
  });
  return [...errors, ...validateUses(devices, names, here)];
}

/** Constraints and configurations name requests that must be there. */
function validateUses(devices: Fields, names: ReadonlySet<string>, here: Path): FieldError[] {
  return ["constraints", "config"].flatMap((field) =>
    list(devices[field]).flatMap((each, index) =>
      texts(each["requests"]).flatMap((name, position) => {
        const main = name.split("/")[0] ?? "";
        if (names.has(main)) return [];
        return [
          invalid(
            here.child("devices", field).index(index).child("requests").index(position),
            name,
            "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
          ),
        ];
      })
    )
  );
}

function stateCell(claim: KubeObject): string {
  const { allocation, reservedFor } = status(claim);
  const states = [
    ...(has(claim.metadata.deletionTimestamp) ? ["deleted"] : []),
    ...(has(allocation) ? ["allocated"] : []),
    ...(list(reservedFor).length > 0 ? ["reserved"] : []),
  ];
  return states.length === 0 || states.join() === "deleted" ? [...states, "pending"].join(",") : states.join(",");
}

function validateSlice(slice: KubeObject): FieldError[] {
  const given = spec(slice);
  const errors: FieldError[] = [];
  const driver = text(given["driver"]);
  if (driver === "") errors.push(required(at.child("driver")));
  else errors.push(...invalidFor(at.child("driver"), driver, dns1123SubdomainErrors(driver)));
  const pool = fields(given["pool"]);
  const name = text(pool["name"]);
  if (name === "") errors.push(required(at.child("pool", "name")));
  else {name.split("/").forEach((part) =>
      errors.push(...invalidFor(at.child("pool", "name"), part, dns1123SubdomainErrors(part)))
    );}
  if (int(pool["resourceSliceCount"]) <= 0) {
    errors.push(
      invalid(at.child("pool", "resourceSliceCount"), int(pool["resourceSliceCount"]), "must be greater than zero"),
    );
  }
  if (int(pool["generation"]) < 0) {
    errors.push(invalid(at.child("pool", "generation"), pool["generation"], "must be greater than or equal to zero"));
  }
  const places = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"].filter((field) =>
    has(given[field]) && given[field] !== false && given[field] !== ""
  );
  if (places.length === 0) {
    errors.push(
      required(at, "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"),
    );
  }
  if (places.length > 1) {
    errors.push(
      invalid(
        at,
        `{${places.map((place) => `\`${place}\``).join(", ")}}`,
        "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set",
      ),
    );
  }
  const seen = new Set<string>();
  list(given["devices"]).forEach((device, index) => {
    const here = at.child("devices").index(index);
    const deviceName = text(device["name"]);
    if (deviceName === "") errors.push(required(here.child("name")));
    else errors.push(...invalidFor(here.child("name"), deviceName, dns1123LabelErrors(deviceName)));
    if (seen.has(deviceName)) errors.push(duplicate(here.child("name"), deviceName));
    seen.add(deviceName);
  });
  return errors;
}

const immutableSpec = (next: KubeObject, old: KubeObject): FieldError[] =>
  identical(next["spec"], old["spec"]) ? [] : [invalid(at, next["spec"] ?? null, "field is immutable")];

/** @param cel checks the expressions of selectors. */
export function dynamicResources(cel: CelCheck | undefined): readonly Resource[] {
  const validateClass = (object: KubeObject): FieldError[] =>
    validateSelectors(spec(object)["selectors"], at.child("selectors"), cel);
  const classStrategy: Strategy = { validate: validateClass, validateUpdate: validateClass };
  return [
    row({
      group,
      version,
      resource: "deviceclasses",
      kind: "DeviceClass",
      namespaced: false,
      columns: [nameColumn, ageColumn],
      strategy: classStrategy,
    }),
    row({
      group,
      version,
      resource: "resourceclaims",
      kind: "ResourceClaim",
      subresources: { status: statusSubresource },
      columns: [
        nameColumn,
        column("State", "A summary of the current state (allocated, pending, reserved, etc.).", stateCell),
        ageColumn,
      ],
      strategy: {
        setDefaults: (claim) => setClaimDefaults(claim["spec"]),
        prepareForCreate(claim) {
          claim["status"] = {};
        },
        validate: (claim) => validateClaimSpec(spec(claim), at, cel),
        prepareForUpdate: keepStatus,
        validateUpdate: (next, old) => [...immutableSpec(next, old), ...validateClaimSpec(spec(next), at, cel)],
        hasGeneration: false,
      },
    }),
    row({
      group,
      version,
      resource: "resourceclaimtemplates",
      kind: "ResourceClaimTemplate",
      columns: [nameColumn, ageColumn],
      strategy: {
        setDefaults: (template) => setClaimDefaults(spec(template)["spec"]),
        validate: (template) => validateClaimSpec(fields(spec(template)["spec"]), at.child("spec"), cel),
        validateUpdate: (
          next,
          old,
        ) => [...immutableSpec(next, old), ...validateClaimSpec(fields(spec(next)["spec"]), at.child("spec"), cel)],
        hasGeneration: false,
      },
    }),
    row({
      group,
      version,
      resource: "resourceslices",
      kind: "ResourceSlice",
      namespaced: false,
      columns: [
        nameColumn,
        column(
          "Node",
          "Node name if the resources are local to a node, otherwise empty.",
          (slice) => text(spec(slice)["nodeName"]) || "<unset>",
        ),
        column("Driver", "Name of the DRA driver.", (slice) => text(spec(slice)["driver"])),
        column("Pool", "Name of the resource pool.", (slice) => text(fields(spec(slice)["pool"])["name"])),
        ageColumn,
      ],
      strategy: {
        validate: validateSlice,
        validateUpdate: validateSlice,
        hasGeneration: true,
        selectableFields: {
          "spec.driver": (slice) => text(spec(slice)["driver"]),
          "spec.nodeName": (slice) => text(spec(slice)["nodeName"]),
        },
      },
    }),
  ];
}
