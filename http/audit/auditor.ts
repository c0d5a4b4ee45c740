/**
 * The audit log of an API server: which requests are told of, and what becomes of the telling. Requests from the network
 * come by `audited_requests.ts`, those of components in this process by `audited_api.ts`.
 */
import { type AuditPolicy, judge, type Level } from "../../machines/audit/policy.ts";
import type { AuditSink } from "../../ports/audit_sink.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { internal } from "../machinery/errors.ts";
import type { RequestInfo } from "../machinery/request_info.ts";
import type { UserInfo } from "../machinery/types.ts";
import { AuditTrail } from "./audit_trail.ts";

export interface AuditorOptions {
  readonly policy: AuditPolicy;
  readonly sinks: readonly AuditSink[];
  readonly clock: Clock;
  readonly random: Pick<Random, "uuid">;
}

export interface Arrival {
  readonly info: Omit<RequestInfo, "rest">;
  readonly requestURI: string;
  readonly user: UserInfo | undefined;
  readonly sourceIPs: readonly string[];
  readonly userAgent: string;
  /** Wall time in ms. */
  readonly receivedAt: number;
  /** Of its client's choice. */
  readonly auditID?: string;
}

export class Auditor {
  readonly #options: AuditorOptions;
  #events = 0;
  #rejected = 0;
  readonly #byLevel = new Map<Level, number>();

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  get now(): number {
    return this.#options.clock.wallTime();
  }

  newId(): string {
    return this.#options.random.uuid();
  }

  /** Undefined where the policy does not want to hear of it. */
  begin({ info, user, requestURI, sourceIPs, userAgent, receivedAt, auditID }: Arrival): AuditTrail | undefined {
    const verdict = judge(this.#options.policy, { ...info, ...(user === undefined ? {} : { user }) });
    this.#byLevel.set(verdict.level, (this.#byLevel.get(verdict.level) ?? 0) + 1);
    if (verdict.level === "None") return undefined;
    const { verb } = info;
    return new AuditTrail({
      verdict,
      facts: { auditID: auditID ?? this.newId(), requestURI, verb, user, sourceIPs, userAgent, receivedAt },
      objectRef: info.resourceRequest ? reference(info) : undefined,
      now: () => this.now,
      write: (line) => this.#write(line),
    });
  }

  #write(line: string): Promise<void> | undefined {
    this.#events++;
    let waiting: Promise<void> | undefined;
    for (const sink of this.#options.sinks) {
      const written = sink.write(line);
      if (written !== undefined) {
        waiting = waiting === undefined ? written : Promise.all([waiting, written]).then(() => {});
      }
    }
    return waiting?.catch((error: Error) => {
      this.#rejected++;
      throw internal(`Cannot write to the audit log: ${error.message}`);
    });
  }

  /** Lines for `/metrics`, under kube-apiserver's names. */
  metrics(): string[] {
    const counter = (name: string, help: string) => [`# HELP ${name} ${help}`, `# TYPE ${name} counter`];
    const levels = [...this.#byLevel].map(([level, count]) => `apiserver_audit_level_total{level="${level}"} ${count}`);
    return [
      ...counter(
        "apiserver_audit_event_total",
        "[ALPHA] Counter of audit events generated and sent to the audit backend.",
      ),
      `apiserver_audit_event_total ${this.#events}`,
      ...counter("apiserver_audit_level_total", "[ALPHA] Counter of policy levels for audit events (1 per request)."),
      ...levels,
      ...counter(
        "apiserver_audit_requests_rejected_total",
        "[ALPHA] Counter of apiserver requests rejected due to an error in audit logging backend.",
      ),
      `apiserver_audit_requests_rejected_total ${this.#rejected}`,
    ];
  }
}

function reference({ resource, namespace, name, group, version, subresource }: Arrival["info"]) {
  const filled = { resource, namespace, name, apiGroup: group, apiVersion: version, subresource };
  return Object.fromEntries(Object.entries(filled).filter(([, value]) => value !== ""));
}
