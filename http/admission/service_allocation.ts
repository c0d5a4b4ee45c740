/**
 * Gives services their cluster addresses and node ports, at create and when an update makes them needed; keeps what a
 * client left out of an update. The last step before a service is validated. Kubernetes docs, "Service ClusterIP
 * allocation" and "Type: NodePort".
 */
import type { Service } from "../../machines/objects/object.ts";
import { ApiError } from "../../machines/objects/status.ts";
import { invalid } from "../machinery/errors.ts";
import type { AdmissionPlugin, FieldError } from "../machinery/types.ts";
import { parseAddress, type ServiceAllocator } from "./service_allocator.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Spec = Mutable<NonNullable<Service["spec"]>>;
type Port = Mutable<NonNullable<Spec["ports"]>[number]>;

export function serviceAllocation(allocator: ServiceAllocator): AdmissionPlugin {
  return {
    name: "ServiceAllocation",
    admit(request) {
      const { attributes, operation, object, old, dryRun } = request;
      if (attributes.group !== "" || attributes.resource !== "services" || attributes.subresource !== "") return;
      if (object === undefined || (operation !== "CREATE" && operation !== "UPDATE")) return;
      const service = object as unknown as Service;
      const spec = (service.spec ??= {} as Spec) as Spec;
      const before = (old as unknown as Service | undefined)?.spec as Spec | undefined;
      if (before !== undefined) keepAllocated(spec, before);
      matchAddressLists(spec, before);
      const owner = `${attributes.namespace}/${service.metadata.name}`;
      const errors: FieldError[] = [];
      setFamilies(spec, errors);
      if (errors.length === 0) {
        allocateAddress(spec, before, owner, allocator, dryRun, errors);
        allocatePorts(spec, before, owner, allocator, dryRun, errors);
      }
      if (errors.length > 0) throw invalid("", "Service", service.metadata.name, errors);
    },
  };
}

const hasAddress = ({ type }: Spec) => type !== "ExternalName";
const hasNodePorts = ({ type, allocateLoadBalancerNodePorts }: Spec) =>
  type === "NodePort" || (type === "LoadBalancer" && allocateLoadBalancerNodePorts !== false);
const mayHaveNodePorts = ({ type }: Spec) => type === "NodePort" || type === "LoadBalancer";
const hasHealthPort = ({ type, externalTrafficPolicy }: Spec) =>
  type === "LoadBalancer" && externalTrafficPolicy === "Local";

/** A client that leaves out what the server allocated keeps it, and loses it when the type has no use for it. */
function keepAllocated(spec: Spec, before: Spec): void {
  if (hasAddress(before) && hasAddress(spec)) {
    if ((spec.clusterIP ?? "") === "" && (spec.clusterIPs ?? []).length === 0) {
      copyIfSet(spec, before, "clusterIP");
      copyIfSet(spec, before, "clusterIPs");
    }
  }
  const ports = (spec.ports ?? []) as Port[];
  if (mayHaveNodePorts(before) && mayHaveNodePorts(spec)) {
    const taken = new Set(ports.map(({ nodePort }) => nodePort));
    for (const port of ports) {
      if ((port.nodePort ?? 0) !== 0) continue;
      const same = before.ports?.find((one) => protocolOf(one) === protocolOf(port) && one.port === port.port)
        ?.nodePort;
      if (same !== undefined && !taken.has(same)) port.nodePort = same;
    }
  } else if (mayHaveNodePorts(before) && !mayHaveNodePorts(spec)) {
    const old = new Set(before.ports?.map(({ nodePort }) => nodePort));
    for (const port of ports) if (old.has(port.nodePort)) delete port.nodePort;
  }
  if (hasHealthPort(before) && hasHealthPort(spec)) {
    if ((spec.healthCheckNodePort ?? 0) === 0) copyIfSet(spec, before, "healthCheckNodePort");
  } else if (hasHealthPort(before) && spec.healthCheckNodePort === before.healthCheckNodePort) {
    delete spec.healthCheckNodePort;
  }
}

function copyIfSet<K extends keyof Spec>(to: Spec, from: Spec, field: K): void {
  if (from[field] !== undefined) to[field] = from[field];
}

function protocolOf({ protocol }: { protocol?: string }): string {
  return protocol ?? "TCP";
}

/** `clusterIP` is the first of `clusterIPs`; clients of before dual stack set only the former. */
function matchAddressLists(spec: Spec, before: Spec | undefined): void {
  const [clusterIP, clusterIPs] = [spec.clusterIP ?? "", spec.clusterIPs ?? []];
  if (before === undefined) {
    if (clusterIP !== "" && clusterIPs.length === 0) spec.clusterIPs = [clusterIP];
    return;
  }
  const changed = clusterIP !== (before.clusterIP ?? "");
  const listChanged = JSON.stringify(clusterIPs) !== JSON.stringify(before.clusterIPs ?? []);
  if (!changed || listChanged) {
    if (clusterIP !== "" && clusterIPs.length === 0) spec.clusterIPs = [clusterIP];
    return;
  }
  if (clusterIP === "") delete spec.clusterIPs;
  else spec.clusterIPs = [clusterIP, ...clusterIPs.slice(1)];
}

/** This cluster is IPv4 alone. */
function setFamilies(spec: Spec, errors: FieldError[]): void {
  const reason = "FieldValueInvalid";
  if (!hasAddress(spec)) {
    if ((spec.clusterIP ?? "") === "" && (spec.clusterIPs ?? []).length === 0) {
      for (const field of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] as const) delete spec[field];
    }
    return;
  }
  if (spec.ipFamilyPolicy === "RequireDualStack") {
    const message = 'Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services';
    errors.push({ reason, field: "spec.ipFamilyPolicy", message });
  }
  (spec.ipFamilies ?? []).forEach((family, index) => {
    if (family !== "IPv6") return;
    const message = 'Invalid value: "IPv6": not configured on this cluster';
    errors.push({ reason, field: `spec.ipFamilies[${index}]`, message });
  });
  spec.ipFamilyPolicy ??= "SingleStack";
  if ((spec.ipFamilies ?? []).length === 0) spec.ipFamilies = ["IPv4"];
}

function allocateAddress(
  spec: Spec,
  before: Spec | undefined,
  owner: string,
  allocator: ServiceAllocator,
  dryRun: boolean,
  errors: FieldError[],
): void {
  if (!hasAddress(spec)) return;
  const [address = ""] = spec.clusterIPs ?? [];
  if (address === "None" || (before?.clusterIPs ?? []).includes(address)) return;
  if (address === "") {
    // Once set it may not change; only a service that has none gets one here.
    const given = dryRun ? allocator.freeAddress() : allocator.takeAnyAddress(owner);
    if (given === "full") throw rangeFull("failed to allocate a serviceIP");
    spec.clusterIP = given;
    spec.clusterIPs = [given];
    return;
  }
  // What is no address, and what may not change, is for validation to say.
  if (parseAddress(address) === undefined || (before !== undefined && (before.clusterIPs ?? []).length > 0)) return;
  const refusal = allocator.takeAddress(address, owner, dryRun ? "try" : "take");
  if (refusal === undefined) return;
  const why = refusal === "taken"
    ? "provided IP is already allocated"
    : "the provided network does not match the current range";
  const message = `Invalid value: ${JSON.stringify(spec.clusterIPs)}: failed to allocate IP ${address}: ${why}`;
  errors.push({ reason: "FieldValueInvalid", field: "spec.clusterIPs", message });
}

function allocatePorts(
  spec: Spec,
  before: Spec | undefined,
  owner: string,
  allocator: ServiceAllocator,
  dryRun: boolean,
  errors: FieldError[],
): void {
  const held = new Set((before?.ports ?? []).map(({ nodePort }) => nodePort));
  const named = new Set<number>();
  const take = (port: number, field: string) => {
    if (held.has(port) || named.has(port)) return;
    named.add(port);
    const refusal = allocator.takeNodePort(port, owner, dryRun ? "try" : "take");
    if (refusal === undefined) return;
    const { first, last } = allocator.nodePorts;
    const why = refusal === "taken"
      ? "provided port is already allocated"
      : `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
    errors.push({ reason: "FieldValueInvalid", field, message: `Invalid value: ${port}: ${why}` });
  };
  const takeAny = () => {
    // A dry run shows a port of its own making: nothing is reserved for what will not be.
    const port = dryRun ? allocator.nodePorts.findFree(0) : allocator.takeAnyNodePort(owner);
    if (port === "full") throw rangeFull("failed to allocate a nodePort");
    return port;
  };
  const ports = (spec.ports ?? []) as Port[];
  if (mayHaveNodePorts(spec)) {
    ports.forEach((port, index) => {
      if ((port.nodePort ?? 0) !== 0) take(port.nodePort!, `spec.ports[${index}].nodePort`);
    });
  }
  if (hasNodePorts(spec) && errors.length === 0) {
    for (const port of ports) {
      if ((port.nodePort ?? 0) !== 0) continue;
      // One number serves a port that is there for TCP and for UDP.
      const twin = ports.find((one) => one !== port && one.port === port.port && (one.nodePort ?? 0) !== 0);
      const free = twin !== undefined && protocolOf(twin) !== protocolOf(port) ? twin.nodePort : undefined;
      port.nodePort = free ?? takeAny();
    }
  }
  if (!hasHealthPort(spec) || errors.length > 0) return;
  if ((spec.healthCheckNodePort ?? 0) === 0) spec.healthCheckNodePort = takeAny();
  else if (spec.healthCheckNodePort !== before?.healthCheckNodePort) {
    take(spec.healthCheckNodePort!, "spec.healthCheckNodePort");
  }
}

function rangeFull(what: string): ApiError {
  const message = `Internal error occurred: ${what}: range is full`;
  return new ApiError(500, "InternalError", message, { causes: [{ message: `${what}: range is full` }] });
}
