/** The audit log of a master, as its options say. */
import { parse } from "yaml";
import { basename, dirname, extname, join } from "node:path";
import { AuditDelivery, type AuditDestination, type AuditMode } from "../actors/audit/audit_delivery.ts";
import { AuditLogFile } from "../actors/audit/audit_log_file.ts";
import { realRandom } from "../actors/real/real_random.ts";
import type { ActorSystem } from "../actors/system.ts";
import { auditWebhook } from "../http/audit/audit_webhook.ts";
import { Auditor } from "../http/audit/auditor.ts";
import { kubeconfigTarget, type WebhookTarget } from "../http/outgoing/kubeconfig_target.ts";
import { type AuditPolicy, parsePolicy } from "../machines/audit/policy.ts";
import { type ApiServerFlags, numberOf, readNamed, textOf, understood } from "./api_server_flags.ts";

export interface AuditOptions {
  readonly policy: AuditPolicy;
  readonly log: string | undefined;
  readonly webhook: WebhookTarget | undefined;
}

/** Undefined: nothing is audited. @throws Error saying what cannot be. */
export async function readAuditOptions(flags: ApiServerFlags): Promise<AuditOptions | undefined> {
  const text = await readNamed(flags, "audit-policy-file");
  const log = textOf(flags, "audit-log-path");
  const config = await readNamed(flags, "audit-webhook-config-file");
  const destinations = ["audit-log-path", "audit-webhook-config-file"];
  if (text === undefined) {
    const [vain] = Object.keys(flags).filter((flag) => flag.startsWith("audit-"));
    if (vain === undefined) return undefined;
    throw new Error(`Cannot use --${vain} without --audit-policy-file, which says what is told`);
  }
  if (log === undefined && config === undefined) {
    throw new Error(`Cannot audit to nowhere: --audit-policy-file needs --${destinations.join(" or --")}`);
  }
  const policy = await understood(flags, "audit-policy-file", () => parsePolicy(parse(text)));
  const webhook = config === undefined
    ? undefined
    : await understood(flags, "audit-webhook-config-file", () => kubeconfigTarget(config, Deno.readTextFile));
  return { policy, log, webhook };
}

export interface RunningAudit {
  readonly auditor: Auditor;
  metrics(): string[];
  stop(): Promise<void>;
}

export interface AuditWorld {
  readonly system: ActorSystem;
  /** The master's. */
  readonly name: string;
  /** Others of this host write logs of the same name. */
  readonly hasPeers: boolean;
  readonly flags: ApiServerFlags;
  report(problem: string): void;
}

const megabyte = 2 ** 20;
const stopMs = 5_000;

export async function startAudit(world: AuditWorld): Promise<RunningAudit | undefined> {
  const { system, name, hasPeers, flags, report } = world;
  const options = await readAuditOptions(flags);
  if (options === undefined) return undefined;
  const { clock } = system;
  const deliveries: AuditDelivery[] = [];
  const deliver = (kind: "log" | "webhook", destination: AuditDestination, mode: AuditMode, rest: Batches) =>
    deliveries.push(
      new AuditDelivery({
        ...{ system, node: name, name: kind, destination, report },
        mode: (textOf(flags, `audit-${kind}-mode`) ?? mode) as AuditMode,
        bufferSize: numberOf(flags, `audit-${kind}-batch-buffer-size`, 10_000),
        ...rest,
      }),
    );
  if (options.log !== undefined) {
    const limits = {
      maxBytes: numberOf(flags, "audit-log-maxsize", 100) * megabyte,
      maxFiles: numberOf(flags, "audit-log-maxbackup", 100),
      maxAgeDays: numberOf(flags, "audit-log-maxage", 366),
    };
    const file = new AuditLogFile(hasPeers ? pathOf(options.log, name) : options.log, limits, clock);
    await file.open();
    deliver("log", file, "blocking", { maxBatch: 1_000, maxWaitMs: 100, attempts: 1, retryMs: 1_000 });
  }
  if (options.webhook !== undefined) {
    deliver("webhook", auditWebhook(options.webhook, clock), "batch", {
      maxBatch: numberOf(flags, "audit-webhook-batch-max-size", 400),
      maxWaitMs: numberOf(flags, "audit-webhook-batch-max-wait", 30) * 1_000,
      attempts: 5,
      retryMs: 10_000,
    });
  }
  const auditor = new Auditor({ policy: options.policy, sinks: deliveries, clock, random: realRandom });
  return {
    auditor,
    metrics: () => [...auditor.metrics(), ...errorMetrics(deliveries.reduce((sum, { dropped }) => sum + dropped, 0))],
    async stop() {
      const patience = new Promise<void>((resolve) => void clock.wakeAt(clock.now() + stopMs, resolve));
      await Promise.all(deliveries.map((delivery) => delivery.stop(patience)));
    },
  };
}

interface Batches {
  readonly maxBatch: number;
  readonly maxWaitMs: number;
  readonly attempts: number;
  readonly retryMs: number;
}

/** `audit.log` of `master-1` is `audit.master-1.log`. */
function pathOf(path: string, master: string): string {
  const extension = extname(path);
  return join(dirname(path), `${basename(path, extension)}.${master}${extension}`);
}

function errorMetrics(dropped: number): string[] {
  const name = "apiserver_audit_error_total";
  const help = "[ALPHA] Counter of audit events that failed to be audited properly. Plugin identifies the plugin " +
    "affected by the error.";
  return [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, `${name}{plugin="buffered"} ${dropped}`];
}
