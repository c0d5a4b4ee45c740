/** How probes are carried out, one actor for each of a running container. */
import type { ProbeName } from "../../machines/container/container_machine.ts";
import type { Container } from "../../machines/objects/object.ts";
import { type ProbeInput, probeMachine } from "../../machines/probe/probe_machine.ts";
import { type ActorKind, actorKind, type Address, partsOf } from "../system.ts";
import { dialError, execute, httpGet, portOf, Refused, withTimeout } from "./hooks.ts";
import type { ContainerRecord, PodRecord } from "./pod_record.ts";
import { type KubeletWorld, messageOf } from "./world.ts";

type Probe = NonNullable<Container["livenessProbe"]>;

const fields = { startup: "startupProbe", readiness: "readinessProbe", liveness: "livenessProbe" } as const;
const titles = { startup: "Startup", readiness: "Readiness", liveness: "Liveness" } as const;

export class Probes {
  readonly #kind: ActorKind<typeof probeMachine>;

  constructor(readonly world: KubeletWorld) {
    this.#kind = actorKind("probe", probeMachine, {
      check: async (_, { self, signal }) => {
        const { record, container, name, probe } = this.#at(self);
        try {
          await withTimeout(
            world,
            (probe.timeoutSeconds ?? 1) * 1000,
            signal,
            (limited) => check(world, record, container, name, limited),
          );
        } catch (error) {
          if (!signal.aborted) {
            const said = `${titles[name]} probe failed: ${messageOf(error)}`;
            world.containerEvent(record, container, "Warning", "Unhealthy", said);
          }
          throw error;
        }
        return { type: "check.passed" } as const;
      },
      tellContainer: ({ result }, order) => {
        const { container, name, probe } = this.#at(order.self);
        if (result === "failed" && name !== "readiness") {
          container.stopReason = `failed ${name} probe, will be restarted`;
        }
        const seconds = probe.terminationGracePeriodSeconds;
        order.tell(container.address, {
          type: `probe.${result}`,
          probe: name,
          ...(seconds === undefined || result === "passed" ? {} : { graceMs: seconds * 1000 }),
        });
      },
    });
  }

  /** Nothing happens where the container has no such probe, or it is started already. */
  start(record: PodRecord, container: ContainerRecord, name: ProbeName): void {
    const probe = container.spec[fields[name]];
    const at = this.#address(record, container, name);
    if (probe === undefined || this.world.system.get(at) !== undefined) return;
    this.world.system.spawn(this.#kind, {
      address: at,
      supervisor: container.address,
      input: inputOf(probe, name),
    });
  }

  stop(record: PodRecord, container: ContainerRecord): void {
    for (const name of ["startup", "readiness", "liveness"] as const) {
      this.world.system.stop(this.#address(record, container, name));
    }
  }

  #address(record: PodRecord, container: ContainerRecord, name: ProbeName): Address {
    return this.world.addressOf("probe", record.pod, `${container.name}:${name}`);
  }

  #at(self: Address) {
    const { record, container } = this.world.containerAt(self);
    const name = partsOf(self).name!.split(":")[2] as ProbeName;
    return { record, container, name, probe: container.spec[fields[name]]! };
  }
}

function inputOf(probe: Probe, name: ProbeName): ProbeInput {
  return {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    periodMs: (probe.periodSeconds ?? 10) * 1000,
    successThreshold: probe.successThreshold ?? 1,
    failureThreshold: probe.failureThreshold ?? 3,
    once: name !== "readiness",
  };
}

/** @throws Refused, or the error that kept it from being carried out. */
async function check(
  world: KubeletWorld,
  record: PodRecord,
  container: ContainerRecord,
  name: ProbeName,
  signal: AbortSignal,
): Promise<void> {
  const probe = container.spec[fields[name]]!;
  const { standIn } = world.options;
  if (standIn !== undefined) await standIn.probe(record.pod, container.name, name);
  else if (probe.exec !== undefined) {
    const { exitCode, output } = await execute(world, container, probe.exec.command ?? [], signal);
    if (exitCode !== 0) throw new Refused(output);
  } else if (probe.httpGet !== undefined) {
    const { status } = await httpGet(record, container, probe.httpGet, signal);
    if (status < 200 || status >= 400) throw new Refused(`HTTP probe failed with statuscode: ${status}`);
  } else if (probe.tcpSocket !== undefined) {
    const hostname = probe.tcpSocket.host || record.podIPs[0] || "127.0.0.1";
    const port = portOf(container, probe.tcpSocket.port);
    try {
      (await Deno.connect({ hostname, port, signal } as Deno.ConnectOptions)).close();
    } catch (error) {
      if (signal.aborted) throw error;
      throw new Refused(dialError(`tcp://${hostname}:${port}`, error));
    }
  } else if (probe.grpc !== undefined) {
    throw new Refused("gRPC probes are not supported by this kubelet yet");
  } else {
    throw new Error("Cannot probe: the probe names no action that is known");
  }
}
