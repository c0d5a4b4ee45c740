/** What is noted of one request under way, and told to the log stage by stage, as far as the policy wants it told. */
import {
  auditEvent,
  type AuditRecord,
  type ObjectReference,
  type ToldStatus,
  withoutManagedFields,
} from "../../machines/audit/audit_event.ts";
import { isAtLeast, type Level, type Stage, type Verdict } from "../../machines/audit/policy.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { ApiError, type Status } from "../../machines/objects/status.ts";
import type { ApiReply } from "../machinery/api_request.ts";
import { apiVersionOf } from "../machinery/resource_registry.ts";
import type { Decision, UserInfo } from "../machinery/types.ts";

export interface TrailOptions {
  readonly verdict: Verdict;
  readonly facts: Pick<
    AuditRecord,
    "auditID" | "requestURI" | "verb" | "user" | "sourceIPs" | "userAgent" | "receivedAt"
  >;
  readonly objectRef: ObjectReference | undefined;
  /** Wall time in ms. */
  now(): number;
  write(line: string, level: Level): Promise<void> | undefined;
}

export class AuditTrail {
  readonly #options: TrailOptions;
  readonly #annotations: Record<string, string> = {};
  readonly #objectRef: ObjectReference | undefined;
  #impersonated: UserInfo | undefined;
  #status: ToldStatus | undefined;
  #sent: unknown;
  #answered: unknown;

  constructor(options: TrailOptions) {
    this.#options = options;
    this.#objectRef = options.objectRef === undefined ? undefined : { ...options.objectRef };
  }

  get #level(): Level {
    return this.#options.verdict.level;
  }

  /** The first value of a key stays. Bound: it is handed on as a function. */
  readonly annotate = (key: string, value: string): void => {
    this.#annotations[key] ??= value;
  };

  decided({ allowed, reason }: Decision): void {
    this.annotate("authorization.k8s.io/decision", allowed ? "allow" : "forbid");
    this.annotate("authorization.k8s.io/reason", reason);
  }

  actsAs(user: UserInfo): void {
    this.#impersonated = user;
  }

  /** The object that was sent, decoded; `withDefaults` makes the form in which it is told. */
  objectSent(object: KubeObject, withDefaults: () => KubeObject): void {
    this.#learn(object.metadata);
    if (isAtLeast(this.#level, "Request")) this.#sent = this.#shown(withDefaults());
  }

  /** A patch, or the options of a deletion. */
  bodySent(value: unknown): void {
    if (isAtLeast(this.#level, "Request")) this.#sent = value;
  }

  /** What a URL does not say of a new object: its name, and what else its sender knows. */
  #learn({ name, namespace, uid, resourceVersion }: Partial<KubeObject["metadata"]>): void {
    const ref = this.#objectRef;
    if (ref === undefined) return;
    const known = { name, namespace, uid, resourceVersion };
    for (const key of ["name", "namespace", "uid", "resourceVersion"] as const) {
      const value = known[key];
      if ((ref[key] ?? "") === "" && value !== undefined && value !== "") ref[key] = value;
    }
  }

  replied(reply: ApiReply): void {
    if (reply.type === "watch" || reply.type === "connect") return;
    const code = reply.type === "list" ? 200 : reply.code;
    this.#status = { code };
    if (reply.type === "value" && isStatus(reply.value)) this.#status = { ...told(reply.value), code };
    if (isAtLeast(this.#level, "RequestResponse")) this.#answered = this.#shown(bodyOf(reply));
  }

  refused(status: Status): void {
    this.#status = told(status);
    if (isAtLeast(this.#level, "RequestResponse")) this.#answered = status;
  }

  /** Of an answer of which nothing else is known. */
  answeredWith(code: number): void {
    this.#status ??= { code };
  }

  failed(error: unknown): void {
    this.refused(
      error instanceof ApiError ? error.status : new ApiError(500, "InternalError", "Internal error").status,
    );
  }

  #shown(value: unknown): unknown {
    return this.#options.verdict.omitManagedFields ? withoutManagedFields(value) : value;
  }

  /** Tells the log that the request has come so far. What this resolves for has to be waited for. */
  reached(stage: Stage): Promise<void> | undefined {
    const { verdict, facts, now, write } = this.#options;
    if (verdict.omitStages.includes(stage)) return undefined;
    const isOver = stage !== "RequestReceived";
    const event = auditEvent(
      {
        ...facts,
        level: verdict.level,
        impersonatedUser: this.#impersonated,
        objectRef: this.#objectRef,
        responseStatus: isOver ? this.#status : undefined,
        requestObject: this.#sent,
        responseObject: stage === "ResponseStarted" ? undefined : this.#answered,
        annotations: this.#annotations,
      },
      stage,
      now(),
    );
    return write(JSON.stringify(event), verdict.level);
  }
}

function told({ status, message, reason, details, code }: Status): ToldStatus {
  return {
    status,
    ...(message === undefined ? {} : { message }),
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    ...(code === undefined ? {} : { code }),
  };
}

function isStatus(value: unknown): value is Status {
  return (value as Partial<Status> | null)?.kind === "Status";
}

function bodyOf(reply: Exclude<ApiReply, { type: "watch" | "connect" }>): unknown {
  switch (reply.type) {
    case "object":
      return reply.entry.object;
    case "value":
      return reply.value;
    case "list": {
      const { resource, resourceVersion } = reply;
      return {
        kind: resource.listKind ?? `${resource.kind}List`,
        apiVersion: apiVersionOf(resource),
        metadata: { resourceVersion, ...(reply.continue === undefined ? {} : { continue: reply.continue }) },
        items: reply.entries.map(({ object }) => object),
      };
    }
  }
}
