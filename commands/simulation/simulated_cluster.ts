/**
 * A whole cluster in this process, under one seed: masters, schedulers, controller managers, and nodes with kubelet and
 * proxy, each in a simulated process on a simulated host, all on one clock. Nothing here reaches the world.
 */
import { startControllerManager } from "../../actors/controllers/controller_manager.ts";
import { startScheduler } from "../../actors/scheduler/scheduler.ts";
import { ApiNetwork, calmWeather, type NetworkWeather } from "../../actors/simulated/api_network.ts";
import { SimulatedDisk } from "../../actors/simulated/disk.ts";
import { SimulatedClock } from "../../actors/simulated/simulated_clock.ts";
import { joinAs } from "../../actors/simulated/peer_transport.ts";
import { SimulatedNetwork } from "../../actors/simulated/simulated_transport.ts";
import { SimulatedHost, SimulatedProcess } from "../../actors/simulated/simulated_process.ts";
import { SimulatedRandom } from "../../actors/simulated/simulated_random.ts";
import type { ActorSystem, Inspection, SentMessage } from "../../actors/system.ts";
import type { Api } from "../../http/machinery/api.ts";
import type { UserInfo } from "../../http/machinery/types.ts";
import { type AddressPlan, addressPlan, controlPlaneAddress } from "../../machines/network/address_plan.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RuntimeEvent } from "../../ports/container_runtime.ts";
import { nodeUser } from "../control_plane.ts";
import { controllerAccount } from "../master.ts";
import { Component } from "./component.ts";
import {
  prepareSimulatedCluster,
  type RunningMaster,
  type SimulatedMasterOptions,
  startSimulatedMaster,
} from "./simulated_master.ts";
import { SimulatedNode } from "./simulated_node.ts";

const storeRetryMs = 2_000;
/** Slower than on a real network, 100 ms: most of what an idle cluster does is this. */
const defaultHeartbeatMs = 500;

export interface ClusterOptions {
  readonly seed: number;
  readonly masters: number;
  readonly nodes: number;
  /** Between members of the store; an election begins after ten that stayed away. */
  readonly heartbeatMs?: number;
  /** Puts bugs in, for tests that ask whether they are found. */
  readonly mutate?: Mutations;
}

/** Wrappers around what a cluster is made of. */
export interface Mutations {
  disk?(disk: SimulatedDisk, random: SimulatedRandom): SimulatedDisk;
  /** A component's way to the API; `component` is the kind in its name. */
  client?(client: ApiClient, component: string): ApiClient;
  node?(node: SimulatedNode): void;
  /** What runs a component's actors. */
  system?(clock: Clock): ActorSystem;
}

/** What is told as it happens. */
export interface ClusterEvents {
  inspected?(inspection: Inspection, process: string): void;
  /** A message from one actor to another of its process. */
  sent?(message: SentMessage, process: string): void;
  container?(event: RuntimeEvent, node: string): void;
  /** A master serves: its caches hold everything. */
  served?(api: Api, master: string): void;
  escaped?(error: unknown, process: string): void;
  refused?(error: unknown, component: string): void;
}

export class SimulatedMaster {
  readonly host: SimulatedHost;
  readonly component: Component;
  running: RunningMaster | undefined;

  constructor(readonly name: string, component: (master: SimulatedMaster) => Component, readonly disk: SimulatedDisk) {
    this.host = new SimulatedHost(name);
    this.component = component(this);
  }
}

export class SimulatedCluster {
  readonly clock = new SimulatedClock();
  readonly random: SimulatedRandom;
  /** From components to API servers. */
  readonly network: ApiNetwork;
  /** Between the members of the store. */
  readonly peers: SimulatedNetwork;
  readonly plan: AddressPlan = addressPlan(0);
  readonly masters: SimulatedMaster[] = [];
  readonly nodes: SimulatedNode[] = [];
  /** Everything that can die, by name. */
  readonly components = new Map<string, Component>();
  readonly hosts = new Map<string, SimulatedHost>();
  /** Where people sit: it never fails. */
  readonly #user: SimulatedProcess;

  constructor(readonly options: ClusterOptions, readonly events: ClusterEvents = {}) {
    this.random = new SimulatedRandom(options.seed);
    this.network = new ApiNetwork(this.clock, this.random.fork("network"));
    this.peers = new SimulatedNetwork(this.clock, this.random.fork("peers"), { delayMs: [1, 1] });
    this.#user = new SimulatedProcess(
      "user",
      new SimulatedHost("user"),
      this.clock,
      (error) => events.escaped?.(error, "user"),
    );
    for (let number = 0; number < options.masters; number++) this.#addMaster(number);
    for (let number = 0; number < options.nodes; number++) this.#addNode(number);
  }

  /** Starts everything. Time has to pass for it to come up. */
  start(): void {
    for (const component of this.components.values()) component.start();
  }

  /** The administrator's. */
  get administrator(): ApiClient {
    const user = { name: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] };
    return this.#connect(this.#user, user);
  }

  /** An API that serves now. */
  get api(): Api | undefined {
    return this.masters.find(({ component, running }) => component.alive && running !== undefined)?.running?.api;
  }

  /** Nothing passes between two hosts any more. */
  cut(host: string, other: string): void {
    this.network.cut(host, other);
    this.peers.cut(host, other);
    this.peers.cut(other, host);
  }

  join(host: string, other: string): void {
    this.network.join(host, other);
    this.peers.mend(host, other);
    this.peers.mend(other, host);
  }

  /** How the networks are from now on. */
  setWeather(change: Partial<NetworkWeather>): void {
    const { network, peers } = this;
    network.weather = { ...network.weather, ...change };
    const { delayMs, requestLoss, answerLoss } = network.weather;
    peers.setFaults({ delayMs, loss: requestLoss + answerLoss });
  }

  /** Both networks are whole again. */
  healNetworks(): void {
    this.network.heal();
    this.peers.heal();
    this.setWeather(calmWeather);
  }

  #add(name: string, host: SimulatedHost, start: Component["options"]["start"], died?: () => void): Component {
    this.hosts.set(host.name, host);
    const component = new Component({
      name,
      host,
      world: this.clock,
      start,
      ...(died === undefined ? {} : { died }),
      ...(this.options.mutate?.system === undefined ? {} : { system: this.options.mutate.system }),
      inspect: (inspection) => this.events.inspected?.(inspection, name),
      ...(this.events.sent === undefined ? {} : { sent: (message) => this.events.sent!(message, name) }),
      escaped: (error) => this.events.escaped?.(error, name),
      refused: (error) => this.events.refused?.(error, name),
    });
    this.components.set(name, component);
    return component;
  }

  #addMaster(number: number): void {
    const name = `master-${number}`;
    const random = this.random.fork(name);
    const plain = new SimulatedDisk({ random: random.fork("disk") });
    const disk = this.options.mutate?.disk?.(plain, random.fork("mutation")) ?? plain;
    const { heartbeatMs = defaultHeartbeatMs } = this.options;
    const master: SimulatedMaster = new SimulatedMaster(
      name,
      (own) =>
        this.#add(`api/${name}`, own.host, async (process, system) => {
          const options: SimulatedMasterOptions = {
            name,
            process,
            system,
            disk,
            random: random.fork(`life ${own.component.lives}`),
            plan: this.plan,
            controlPlaneAddress: controlPlaneAddress(this.plan, number),
            members: this.masters.map(({ name }) => name),
            heartbeatMs,
            ...(this.options.masters > 1 ? { transport: joinAs(process, this.peers, name) } : {}),
          };
          this.network.serve(name, { process, listening: () => own.running !== undefined });
          const running = await startSimulatedMaster(options);
          if (!process.alive) return;
          own.running = running;
          this.#watchStore(own, process, running);
          this.events.served?.(running.api, name);
          await prepareSimulatedCluster(running, options);
        }, () => {
          own.running = undefined;
          disk.abandon();
        }),
      disk,
    );
    this.masters.push(master);
    const resources = () =>
      (this.api?.registry.all() ?? []).filter(({ verbs, storedAs }) =>
        ["list", "watch", "delete"].every((verb) => verbs.includes(verb as "list")) && storedAs === undefined
      ).map(({ group, version, resource, kind, namespaced }) => ({
        resource: { group, version, resource },
        kind,
        namespaced,
      }));
    this.#add(`scheduler/${name}`, master.host, (process, system) => {
      startScheduler({
        system,
        node: name,
        identity: name,
        random: random.fork(`scheduler ${process.now()}`),
        client: this.#connect(process, component("kube-scheduler")),
      });
    });
    this.#add(`controllers/${name}`, master.host, (process, system) => {
      // As a real one asks for discovery first.
      if (this.api === undefined) throw new Error("Cannot start the controllers: no API server answers");
      startControllerManager({
        system,
        node: name,
        identity: name,
        random: random.fork(`controllers ${process.now()}`),
        clientFor: (account) =>
          this.#connect(
            process,
            account === "kube-controller-manager" ? component(account) : controllerAccount(account),
          ),
        resources: resources(),
        rootCa: "authority",
      });
    });
  }

  /** A master whose store has failed is started anew, as who looks after it would. */
  #watchStore({ component }: SimulatedMaster, process: SimulatedProcess, { storage }: RunningMaster): void {
    storage.actor.subscribe((snapshot) => {
      if (process.alive && component.process === process && snapshot.matches("failed")) component.restart(storeRetryMs);
    });
  }

  #addNode(number: number): void {
    const name = `worker-${number}`;
    const host = new SimulatedHost(name);
    const node = new SimulatedNode({
      number,
      name,
      host,
      plan: this.plan,
      world: this.clock,
      random: this.random.fork(name),
      observe: (event) => this.events.container?.(event, name),
    });
    this.options.mutate?.node?.(node);
    this.nodes.push(node);
    this.#add(
      `kubelet/${name}`,
      host,
      (process, system) => node.startKubelet(process, system, this.#connect(process, nodeUser(name))),
    );
    this.#add(
      `proxy/${name}`,
      host,
      (process, system) =>
        node.startProxy(
          process,
          system,
          this.#connect(process, component("kube-proxy")),
          this.#connect(process, nodeUser(name)),
        ),
    );
  }

  #connect(process: SimulatedProcess, user: UserInfo): ApiClient {
    const client = this.network.connect({
      process,
      servers: this.masters.map(({ name }) => name),
      clientOf: (server) => this.masters.find(({ name }) => name === server)?.running?.api.client(user),
    });
    return this.options.mutate?.client?.(client, process.name.split("/")[0]!) ?? client;
  }
}

function component(name: string): UserInfo {
  return { name: `system:${name}`, groups: ["system:authenticated"] };
}
