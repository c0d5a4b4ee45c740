/** What each kind of fault does to a cluster, and how it is undone: a table. */
import { calmWeather } from "../../actors/simulated/api_network.ts";
import { noTroubles } from "../../actors/simulated/runtime_link.ts";
import type { Component } from "./component.ts";
import type { Fault, FaultKind } from "./schedule.ts";
import type { SimulatedCluster, SimulatedMaster } from "./simulated_cluster.ts";
import type { SimulatedNode } from "./simulated_node.ts";

type Undo = () => void;
/** Nothing to undo, or nobody to hit: undefined. */
type Strike = (cluster: SimulatedCluster, fault: Fault) => Undo | undefined;

const nothing: Undo = () => {};

function one<T>(all: readonly T[], { place }: Fault): T | undefined {
  return all[Math.floor(place * all.length)];
}

/** Down for as long as the fault lasts. */
function crash(kind: string): Strike {
  return (cluster, fault) => {
    const component = one([...cluster.components.values()].filter(({ name }) => name.startsWith(`${kind}/`)), fault);
    component?.holdDown();
    return component === undefined ? undefined : () => component.release();
  };
}

function onNode(strike: (node: SimulatedNode, fault: Fault, cluster: SimulatedCluster) => Undo): Strike {
  return (cluster, fault) => {
    const node = one(cluster.nodes, fault);
    return node === undefined ? undefined : strike(node, fault, cluster);
  };
}

function onMaster(strike: (master: SimulatedMaster, fault: Fault, cluster: SimulatedCluster) => Undo): Strike {
  return (cluster, fault) => {
    const master = one(cluster.masters, fault);
    return master === undefined ? undefined : strike(master, fault, cluster);
  };
}

function componentsOn(cluster: SimulatedCluster, host: string): Component[] {
  return [...cluster.components.values()].filter((component) => component.host.name === host);
}

const strikes: Readonly<Record<FaultKind, Strike>> = {
  apiCrash: crash("api"),
  schedulerCrash: crash("scheduler"),
  controllersCrash: crash("controllers"),
  kubeletCrash: crash("kubelet"),
  proxyCrash: crash("proxy"),

  powerLoss: onMaster((master, _, cluster) => {
    const all = componentsOn(cluster, master.host.name);
    master.disk.crash();
    for (const each of all) each.holdDown();
    return () => {
      master.disk.restart();
      for (const each of all) each.release();
    };
  }),

  diskError: onMaster((master, { strength }) => {
    const fault = strength < 0.6 ? "io" : strength < 0.8 ? "noSpace" : "crash";
    master.disk.failAt(master.disk.operations + 1 + Math.floor(strength * 50), fault);
    return () => master.disk.restart();
  }),

  partition(cluster, fault) {
    const hosts = [...cluster.hosts.keys()];
    const alone = one(hosts, fault);
    if (alone === undefined) return undefined;
    // From everybody, or from some.
    const others = hosts.filter((host, index) => host !== alone && (fault.strength < 0.5 || index % 2 === 0));
    for (const other of others) cluster.cut(alone, other);
    return () => {
      for (const other of others) cluster.join(alone, other);
    };
  },

  delay(cluster, { strength }) {
    cluster.setWeather({ delayMs: [1, Math.floor(10 * 300 ** strength)] });
    return () => cluster.setWeather({ delayMs: calmWeather.delayMs });
  },

  loss(cluster, { strength, place }) {
    const amount = 0.2 * strength;
    cluster.setWeather({ requestLoss: amount * place, answerLoss: amount * (1 - place) });
    return () => cluster.setWeather({ requestLoss: 0, answerLoss: 0 });
  },

  brokenWatches(cluster, fault) {
    const host = one([...cluster.hosts.keys()], fault);
    if (host !== undefined) cluster.network.breakWatches(host);
    return nothing;
  },

  slowNode(cluster, fault) {
    const host = one([...cluster.hosts.values()], fault);
    if (host === undefined) return undefined;
    host.slowMs = Math.floor(5 * 100 ** fault.strength);
    return () => host.slowMs = 0;
  },

  stall(cluster, fault) {
    const component = one([...cluster.components.values()], fault);
    component?.process?.stall(cluster.clock.now() + fault.forMs);
    return nothing;
  },

  engineRestart: onNode((node, { strength }) => {
    node.engine.disconnect();
    // An engine without live restore takes its containers along.
    if (strength < 0.5) endContainers(node, 1);
    return () => node.engine.reconnect();
  }),

  engineFailures: onNode((node, { strength, place }) => {
    node.troubles = { ...node.troubles, failBefore: 0.4 * strength, failAfter: 0.2 * place };
    return () => node.troubles = { ...node.troubles, failBefore: 0, failAfter: 0 };
  }),

  droppedEvents: onNode((node, { strength }) => {
    node.troubles = { ...node.troubles, dropEvents: strength };
    return () => node.troubles = { ...node.troubles, dropEvents: 0 };
  }),

  containerDeath: onNode((node, { strength }) => {
    endContainers(node, strength);
    return nothing;
  }),

  clockJump(cluster, fault) {
    const host = one([...cluster.hosts.values()], fault);
    if (host === undefined) return undefined;
    const jump = Math.floor((fault.strength - 0.5) * 2 * 3_600_000);
    host.wallOffsetMs += jump;
    return () => host.wallOffsetMs -= jump;
  },

  nodeReboot: onNode((node, _, cluster) => {
    const all = componentsOn(cluster, node.name);
    for (const each of all) each.holdDown();
    endContainers(node, 1);
    node.engine.disconnect();
    node.forgetKernelState();
    return () => {
      node.engine.reconnect();
      for (const each of all) each.release();
    };
  }),
};

/** A part of those that run. */
function endContainers(node: SimulatedNode, part: number): void {
  const running = node.engine.containers().filter(({ state }) => state === "running");
  for (const { id } of running.slice(0, Math.ceil(part * running.length))) node.engine.exit(id, 137);
}

/** The faults that have struck and last. */
export class Faults {
  readonly #lasting = new Map<number, Undo>();

  constructor(readonly cluster: SimulatedCluster) {}

  strike(fault: Fault): void {
    const undo = strikes[fault.kind](this.cluster, fault);
    if (undo === undefined) return;
    this.#lasting.set(fault.id, undo);
    const { clock } = this.cluster;
    clock.wakeAt(clock.now() + fault.forMs, () => this.#end(fault.id));
  }

  #end(id: number): void {
    const undo = this.#lasting.get(id);
    this.#lasting.delete(id);
    undo?.();
  }

  /** Everything is whole again. */
  heal(): void {
    for (const id of [...this.#lasting.keys()]) this.#end(id);
    const { nodes, hosts } = this.cluster;
    this.cluster.healNetworks();
    for (const node of nodes) {
      node.troubles = noTroubles;
      node.engine.reconnect();
    }
    for (const host of hosts.values()) {
      host.slowMs = 0;
      host.wallOffsetMs = 0;
    }
  }
}

/** In words, for reports. */
export function describeFault({ kind, forMs, place, strength }: Fault): string {
  return `${kind} for ${(forMs / 1000).toFixed(1)} s (place ${place.toFixed(3)}, strength ${strength.toFixed(2)})`;
}
