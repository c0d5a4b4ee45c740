/** Runs controllers: one actor per controller, and below it one per key. */
import { type Controller, type Plan, type Write } from "../../machines/controllers/controller.ts";
import { controllerMachine } from "../../machines/controllers/controller_machine.ts";
import { workItemMachine } from "../../machines/controllers/work_item_machine.ts";
import type { KubeObject } from "../../machines/objects/object.ts";
import { generatedName } from "../../machines/objects/generate_name.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { CertificateAuthority } from "../../ports/certificate_authority.ts";
import type { Random } from "../../ports/random.ts";
import { EventRecorder } from "../events/event_recorder.ts";
import type { Informer, SharedInformers } from "../informer.ts";
import { actorKind, type ActorSystem, type Address, address } from "../system.ts";
import { Limiter } from "./limiter.ts";
import { PlanWriter } from "./plan_writer.ts";

export interface ControllerHost {
  readonly system: ActorSystem;
  /** The process' name in addresses. */
  readonly node: string;
  readonly supervisor?: Address;
  readonly client: ApiClient;
  readonly informers: SharedInformers;
  readonly random: Random;
  /** For those that have certificates signed. */
  readonly certificates?: CertificateAuthority;
}

/** Reconciliations of one controller that may run at once (kube-controller-manager's concurrent syncs). */
const concurrency = 5;

/** Starts a controller; it stops with `system.stop(address)`. */
export function startController(controller: Controller, host: ControllerHost): Address {
  const { system, informers } = host;
  const self = address({ node: host.node, kind: "controller", name: controller.name });
  const sources = [...controller.watches.map(({ resource }) => resource), ...controller.reads ?? []];
  const limiter = new Limiter(concurrency);
  const events = new EventRecorder({
    client: host.client,
    clock: system.clock,
    component: controller.eventSource ?? controller.name,
  });
  const writer = new PlanWriter(host.client, informers, events, host.certificates);
  const unsubscribe: (() => void)[] = [];

  const reconcile = (key: string) =>
    limiter.run(async () => {
      const plan: Plan | undefined = controller.plan(key, informers, {
        now: system.clock.wallTime(),
        suffix: () => generatedName("", () => host.random.next()),
      });
      if (plan === undefined) return { type: "reconcile.foundNothing" } as const;
      for (const step of plan.writes) {
        await (isGroup(step) ? writer.writeGroup(step) : writer.write(step));
      }
      return {
        type: "reconcile.done",
        againAfterMs: Math.ceil(plan.againAfterMs ?? 0),
        waitsFor: plan.waitsFor ?? "",
      } as const;
    });
  const itemKind = actorKind(controller.name, workItemMachine, { reconcile: ({ key }) => reconcile(key) });

  const wake = (key: string) => {
    const [name = "", namespace] = key.split("/").reverse();
    const at = address({ node: host.node, kind: controller.name, namespace, name });
    if (system.get(at) === undefined) system.spawn(itemKind, { address: at, supervisor: self, input: { key } });
    else system.tell(at, { type: "object.changed" }, self);
  };
  const kind = actorKind("controller", controllerMachine, {
    watchCaches: async () => {
      await Promise.all(sources.map((resource) => synced(informers.of(resource), unsubscribe)));
      return { type: "caches.synced" } as const;
    },
    followChanges: () => {
      for (const { resource, keys } of controller.watches) {
        unsubscribe.push(
          informers.of<KubeObject>(resource).subscribe({
            changed: (changes) => {
              const concerned = new Set<string>();
              for (const change of changes) {
                const previous = change.type === "updated" ? change.previous : undefined;
                for (const key of keys(change.object, previous, informers)) concerned.add(key);
              }
              for (const key of concerned) wake(key);
            },
          }),
        );
      }
    },
  });
  system.spawn(kind, {
    address: self,
    ...(host.supervisor === undefined ? {} : { supervisor: host.supervisor }),
    input: { name: controller.name },
    onStopped: () => unsubscribe.forEach((each) => each()),
  });
  return self;
}

function isGroup(step: Write | readonly Write[]): step is readonly Write[] {
  return Array.isArray(step);
}

function synced(informer: Informer<KubeObject>, unsubscribe: (() => void)[]): Promise<void> {
  if (informer.synced) return Promise.resolve();
  return new Promise((resolve) => unsubscribe.push(informer.subscribe({ changed() {}, synced: resolve })));
}
