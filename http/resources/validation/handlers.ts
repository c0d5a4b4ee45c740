/** Rules of probes and lifecycle hooks. */
import { httpHeaderNameErrors, portNameErrors, portNumberErrors } from "../../../machines/objects/names.ts";
import type { FieldError } from "../../machinery/types.ts";
import { type Fields, fields, has, int, isFields, list, text, texts } from "../fields.ts";
import { forbidden, invalid, invalidFor, nonnegative, oneOf, type Path, required } from "./field.ts";

/** A port that is a number or the name of a port. */
export function validatePortNumOrName(port: unknown, at: Path): FieldError[] {
  if (typeof port === "string") return invalidFor(at, port, portNameErrors(port));
  return invalidFor(at, int(port), portNumberErrors(int(port)));
}

export function validatePortNumber(port: unknown, at: Path): FieldError[] {
  return invalidFor(at, int(port), portNumberErrors(int(port)));
}

export interface HandlerRules {
  /** spec.terminationGracePeriodSeconds, which bounds a sleep. */
  readonly gracePeriodSeconds: number;
}

const handlerTypes: Readonly<Record<string, (handler: Fields, at: Path, rules: HandlerRules) => FieldError[]>> = {
  exec: (handler, at) => texts(handler["command"]).length === 0 ? [required(at.child("command"))] : [],
  httpGet(handler, at) {
    const errors: FieldError[] = [];
    if (text(handler["path"]) === "") errors.push(required(at.child("path")));
    errors.push(...validatePortNumOrName(handler["port"], at.child("port")));
    errors.push(...oneOf(text(handler["scheme"]), ["HTTP", "HTTPS"], at.child("scheme")));
    for (const header of list(handler["httpHeaders"])) {
      const name = text(header["name"]);
      errors.push(...invalidFor(at.child("httpHeaders"), name, httpHeaderNameErrors(name)));
    }
    return errors;
  },
  tcpSocket: (handler, at) => validatePortNumOrName(handler["port"], at.child("port")),
  grpc: (handler, at) => validatePortNumber(handler["port"], at.child("port")),
  sleep(handler, at, { gracePeriodSeconds }) {
    const seconds = int(handler["seconds"]);
    if (seconds >= 0 && seconds <= gracePeriodSeconds) return [];
    return [
      invalid(at, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriodSeconds})`),
    ];
  },
};

function validateHandler(handler: Fields, types: readonly string[], at: Path, rules: HandlerRules): FieldError[] {
  const set = types.filter((type) => has(handler[type]));
  if (set.length === 0) return [required(at, "must specify a handler type")];
  return set.flatMap((type, index) => {
    if (index > 0) return [forbidden(at.child(type), "may not specify more than 1 handler type")];
    return handlerTypes[type]?.(fields(handler[type]), at.child(type), rules) ?? [];
  });
}

const probeTimes = ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];

function validateProbe(probe: Fields, at: Path, rules: HandlerRules): FieldError[] {
  const errors = validateHandler(probe, ["exec", "httpGet", "tcpSocket", "grpc"], at, rules);
  for (const name of probeTimes) errors.push(...nonnegative(probe[name], at.child(name)));
  const grace = probe["terminationGracePeriodSeconds"];
  if (has(grace) && int(grace) <= 0) {
    errors.push(invalid(at.child("terminationGracePeriodSeconds"), grace, "must be greater than 0"));
  }
  return errors;
}

const probes = ["livenessProbe", "readinessProbe", "startupProbe"] as const;
/** Of which a pod may need several successes. */
const readiness = "readinessProbe";

/** Probes and lifecycle hooks of a container that may have them. */
export function validateContainerHandlers(container: Fields, at: Path, rules: HandlerRules): FieldError[] {
  const errors: FieldError[] = [];
  const lifecycle = container["lifecycle"];
  if (isFields(lifecycle)) {
    for (const hook of ["postStart", "preStop"]) {
      if (!isFields(lifecycle[hook])) continue;
      const types = ["exec", "httpGet", "tcpSocket", "sleep"];
      errors.push(...validateHandler(lifecycle[hook], types, at.child("lifecycle", hook), rules));
    }
    if (has(lifecycle["stopSignal"])) {
      errors.push(...validateStopSignal(text(lifecycle["stopSignal"]), at.child("lifecycle", "stopSignal")));
    }
  }
  for (const name of probes) {
    const probe = container[name];
    if (!isFields(probe)) continue;
    const here = at.child(name);
    errors.push(...validateProbe(probe, here, rules));
    if (name === readiness) {
      const grace = probe["terminationGracePeriodSeconds"];
      if (has(grace)) {
        errors.push(invalid(here.child("terminationGracePeriodSeconds"), grace, "must not be set for readinessProbes"));
      }
    } else if (int(probe["successThreshold"]) !== 1) {
      errors.push(invalid(here.child("successThreshold"), int(probe["successThreshold"]), "must be 1"));
    }
  }
  return errors;
}

function validateStopSignal(signal: string, at: Path): FieldError[] {
  return signal === "" ? [required(at)] : [];
}
