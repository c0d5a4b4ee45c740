/** A master: store, API server, and, while it leads, controllers and scheduler. Everything is wired here. */
import { realRandom } from "../actors/real/real_random.ts";
import { TracedWrites } from "../actors/inspection/traced_writes.ts";
import { startCompactor } from "../actors/store/compactor.ts";
import { actorKind, type Address, address } from "../actors/system.ts";
import { auditedRequests } from "../http/audit/audited_requests.ts";
import { createApp } from "../http/app.ts";
import { authenticator } from "../http/auth/authentication.ts";
import { keyFiles } from "../http/auth/certificates/key_files.ts";
import { kubeconfig } from "../http/auth/certificates/kubeconfig.ts";
import { type ClusterKeys, clusterKeys, keptCertificate } from "../http/auth/certificates/pki.ts";
import { componentSubjects } from "../http/auth/certificates/subjects.ts";
import { impersonate } from "../http/auth/impersonation.ts";
import { answerIssuerDiscovery, discoveryPath, keySetPath } from "../http/auth/tokens/issuer_discovery.ts";
import type { Api } from "../http/machinery/api.ts";
import { prepareFlowControl } from "../http/flow_control/default_objects.ts";
import { FlowControl } from "../http/flow_control/flow_control.ts";
import { type ListenAddress, serve, type Server } from "../http/server.ts";
import { type NodeProxy, nodeProxy } from "../http/streaming/node_proxy.ts";
import { acceptWatchSocket } from "../http/streaming/watch_socket.ts";
import { apiServerMachine } from "../machines/api_server/api_server_machine.ts";
import { knownServers, publishedServer } from "../machines/network/reach.ts";
import { startAggregation } from "./aggregated_apis.ts";
import { readApiServerFlags } from "./api_server_flags.ts";
import type { RunningAudit } from "./audit.ts";
import type { RunningAuthentication } from "./authentication.ts";
import { prepareCluster } from "./bootstrap_objects.ts";
import { startClusterInspector } from "./cluster_inspector.ts";
import type { Inspector } from "./inspector.ts";
import { type RunningEncryption, startEncryption } from "./encryption.ts";
import { joinRoutes } from "./join_routes.ts";
import { createMasterApi, type MasterApi } from "./master_api.ts";
import { startComponents } from "./master_components.ts";
import { masterListeners } from "./master_listeners.ts";
import type { Master, MasterOptions } from "./master_options.ts";
import { type MasterStore, openMasterStore } from "./master_store.ts";
import { namingPortOwner } from "./port_owner.ts";
import { snapshotOf, snapshotRoutes } from "./snapshot_routes.ts";
import { storeCheck } from "./store_check.ts";

export { controllerAccount } from "./master_components.ts";
export type { AmongMasters, Master, MasterOptions, OpenedStorage } from "./master_options.ts";

/** Opens everything; resolves when the API server listens. @throws Error saying what stands in the way. */
export async function startMaster(options: MasterOptions): Promise<Master> {
  const { system, state, plan, name } = options;
  const { clock } = system;
  const files = keyFiles(state.path("pki"));
  const keys = await clusterKeys(files, clock.wallTime());
  const { among, reach } = options;
  const { addresses, subject } = masterListeners(options);
  const [serving, admin] = await Promise.all([
    keptCertificate(
      files,
      among === undefined ? "apiserver" : `apiserver-${name}`,
      keys.authority,
      subject,
      clock.wallTime(),
    ),
    keptCertificate(files, "admin", keys.authority, componentSubjects.admin, clock.wallTime()),
  ]);
  const server = publishedServer(reach, plan.apiServerPort);
  const config = kubeconfig({
    cluster: state.name,
    user: `${state.name}-admin`,
    context: state.name,
    server,
    authority: keys.authority.certificate,
    credentials: admin,
  });
  const running = new RunningMaster(options, keys, serving, server, addresses);
  await running.start();
  await keyFiles(state.directory).write("kubeconfig", config);
  return {
    server,
    keys,
    kubeconfig: config,
    client: (user) => running.api.client(user),
    ready: running.prepared.promise,
    stop: () => running.stop(),
  };
}

type Pair = ClusterKeys["authority"];

class RunningMaster {
  readonly prepared = Promise.withResolvers<void>();
  readonly #listening = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #options: MasterOptions;
  readonly #address: Address;
  #components: Address[] = [];
  #presence: { stop(): void } | undefined;
  #store: MasterStore | undefined;
  #etcd: Promise<{ close(): Promise<void> } | undefined> | undefined;
  #server: Server | undefined;
  #proxy: NodeProxy | undefined;
  #inspector: Inspector | undefined;
  #made: MasterApi | undefined;
  #audit: RunningAudit | undefined;
  #encryption: RunningEncryption | undefined;
  #others: RunningAuthentication | undefined;
  #flows: { stop(): void } | undefined;
  #stopAggregation = () => {};
  #storeProblem: () => Promise<string | undefined> = () => Promise.resolve("the store is not open");

  constructor(
    options: MasterOptions,
    readonly keys: ClusterKeys,
    readonly serving: Pair,
    readonly url: string,
    readonly addresses: readonly ListenAddress[],
  ) {
    this.#options = options;
    this.#address = address({ node: options.name, kind: "api-server", name: options.name });
    // Who waits for it hears of it; nobody waiting is no fault of the process.
    this.prepared.promise.catch(() => {});
  }

  get api(): Api {
    return this.made.api;
  }

  get made(): MasterApi {
    if (this.#made === undefined) throw new Error("Cannot use the API server: it has not been started");
    return this.#made;
  }

  async start(): Promise<void> {
    const { system } = this.#options;
    const kind = actorKind("api-server", apiServerMachine, {
      openStore: async () => {
        await this.#openStore();
        return { type: "store.opened" } as const;
      },
      loadCaches: async () => {
        await this.api.start();
        return { type: "caches.loaded" } as const;
      },
      listen: async () => {
        await this.#listen();
        this.#listening.resolve();
        return { type: "server.listening" } as const;
      },
      prepareCluster: async () => {
        await this.#prepare();
        this.prepared.resolve();
        this.#etcd ??= this.#serveEtcd();
        return { type: "cluster.prepared" } as const;
      },
      drain: async () => {
        for (const component of this.#components) system.stop(component);
        this.#presence?.stop();
        this.#made?.stopFollowing();
        this.#flows?.stop();
        this.#stopAggregation();
        await (await this.#etcd)?.close();
        await this.#inspector?.stop();
        await this.#server?.close(10_000);
        this.#proxy?.close();
        this.#made?.api.close();
        return { type: "server.drained" } as const;
      },
      closeStore: async () => {
        await this.#audit?.stop();
        this.#encryption?.stop();
        this.#others?.stop();
        await this.#store?.storage.close();
        return { type: "store.closed" } as const;
      },
    });
    const actor = system.spawn(kind, {
      address: this.#address,
      input: undefined,
      onStopped: () => {
        const { problem } = actor.getSnapshot().context;
        this.#listening.reject(new Error(problem || "the API server was stopped"));
        this.prepared.reject(new Error(problem || "the API server was stopped"));
        this.#ended.resolve();
      },
    });
    await this.#listening.promise;
  }

  async stop(): Promise<void> {
    this.#options.system.tell(this.#address, { type: "stop.requested" });
    await this.#ended.promise;
  }

  async #openStore(): Promise<void> {
    const { system, plan, state } = this.#options;
    const { storage, notes } = this.#store = await openMasterStore(this.#options);
    for (const note of notes) this.#options.report(note);
    const writes = new TracedWrites(system.steps);
    const traced = writes.storage(storage);
    const flags = await readApiServerFlags(state);
    if ("audit-policy-file" in flags) {
      const { startAudit } = await import("./audit.ts");
      this.#audit = await startAudit({ ...this.#options, flags, hasPeers: this.#options.among?.ownDisk === false });
    }
    this.#storeProblem = storeCheck(storage, system.clock);
    this.#encryption = await startEncryption(traced, {
      ...{ state, flags, clock: system.clock, registry: () => this.api.registry },
      report: (problem) => this.#options.report(problem),
    });
    const encrypted = this.#encryption?.storage;
    if (Object.keys(flags).some((flag) => /^(oidc|authentication|authorization)-/.test(flag))) {
      const { startAuthentication } = await import("./authentication.ts");
      this.#others = await startAuthentication({ ...this.#options, flags, clock: system.clock });
    }
    this.#made = createMasterApi({
      storage: encrypted ?? traced,
      needsRewrite: encrypted === undefined ? undefined : (key) => encrypted.needsRewrite(key),
      clock: system.clock,
      serviceCidr: plan.serviceCidr,
      serviceAccountKey: this.keys.serviceAccountKey,
      auditor: this.#audit?.auditor,
      began: (request) => writes.began(request),
      others: this.#others,
      report: (problem) => this.#options.report(problem),
    });
  }

  async #listen(): Promise<void> {
    const { plan, system, name } = this.#options;
    const { api } = this;
    const { tokens, bootstrapTokens, authorizer } = this.made;
    await this.made.follow();
    const files = keyFiles(this.#options.state.path("pki"));
    const kubeletClient = await keptCertificate(
      files,
      "apiserver-kubelet-client",
      this.keys.authority,
      componentSubjects["apiserver-kubelet-client"],
      system.clock.wallTime(),
    );
    const own = api.client({ name: "system:apiserver", groups: ["system:masters"] });
    const proxy = nodeProxy({
      random: realRandom,
      client: own,
      authority: this.keys.authority.certificate,
      clientCertificate: kubeletClient,
      authorizer,
    });
    this.#proxy = proxy;
    const inspector = await startClusterInspector({
      system,
      cluster: this.#options.state.name,
      state: this.#options.state,
      name,
      server: this.#ownServer(),
      authorizer,
      api,
      client: own,
      authority: this.keys.authority.certificate,
      certificate: kubeletClient,
      own: (node) => this.#options.ownNode?.(node) ?? false,
      others: () => this.#options.among?.others() ?? [],
      report: (problem) => this.#options.report(problem),
    });
    this.#inspector = inspector;
    const aggregated = await startAggregation({ system, node: name, files, keys: this.keys, api, client: own });
    this.#stopAggregation = aggregated.stop;
    const flowControl = new FlowControl(system.clock);
    this.#flows = flowControl.follow(own);
    const app = createApp({
      api,
      aggregation: aggregated.aggregation,
      authenticator: inspector.authenticator(
        authenticator({ tokens, bootstrapTokens, others: this.#others?.tokens ?? [] }),
      ),
      serverAddress: `${
        this.#options.reach.advertiseAddress ?? this.#options.controlPlaneAddress
      }:${plan.apiServerPort}`,
      impersonate: (user, headers) => impersonate(user, headers, authorizer),
      connect: (connection, environment) => proxy.connect(connection, environment),
      acceptWatch: acceptWatchSocket,
      ...(this.#others === undefined ? {} : { allowsAnonymous: this.#others.allowsAnonymous }),
      flowControl,
      metrics: () => [...this.#audit?.metrics() ?? [], ...flowControl.metrics()],
      health: { livez: [{ name: "ping", check: () => undefined }], readyz: this.#readyChecks() },
      open: inspector.open,
      extend: (routes) => {
        inspector.extend(routes);
        for (const path of [discoveryPath, keySetPath]) {
          routes.get(path, async (c) => await answerIssuerDiscovery(c.req.path, tokens, this.url) ?? c.notFound());
        }
        const { state, among } = this.#options;
        joinRoutes(routes, {
          cluster: state.name,
          plan,
          client: own,
          servers: () => this.#servers(),
          problem: this.#storeProblem,
          joinMaster: among?.joinMaster,
        });
        snapshotRoutes(routes, () => snapshotOf(this.#store!));
        among?.extend?.(routes);
      },
    });
    this.#server = await namingPortOwner(plan.apiServerPort, "the API server", () =>
      serve({
        addresses: this.addresses,
        certificate: this.serving.certificate,
        key: this.serving.key,
        clientCertificateAuthority: this.keys.authority.certificate,
        fetch: this.#audited((request, environment) => app.fetch(request, environment)),
        onError: (error) => this.#options.report(`API server of ${name}: ${(error as Error).stack ?? error}`),
      }));
  }

  /** Where this very master is reached: what it alone knows, such as who has signed in to its inspector, is found there. */
  #ownServer(): string {
    const { among } = this.#options;
    return among === undefined ? this.url : `https://${among.ownAddress.host}:${among.ownAddress.port}`;
  }

  #audited(fetch: Parameters<typeof auditedRequests>[1]): typeof fetch {
    return this.#audit === undefined ? fetch : auditedRequests(this.#audit.auditor, fetch);
  }

  async #servers(): Promise<readonly string[]> {
    const { among, reach, plan } = this.#options;
    return knownServers(reach, plan.apiServerPort, await among?.servers() ?? []);
  }

  #readyChecks() {
    let prepared = false;
    this.prepared.promise.then(() => prepared = true, () => {});
    return [
      { name: "ping", check: () => undefined },
      { name: "etcd", check: () => this.api.started ? this.#storeProblem() : "the store has not been read" },
      {
        name: "poststarthook/rbac/bootstrap-roles",
        check: () => prepared ? undefined : "the cluster's standing objects are being written",
      },
    ];
  }

  /** A cluster does without it: that it cannot be served is told. */
  async #serveEtcd(): Promise<{ close(): Promise<void> } | undefined> {
    try {
      return await this.#store?.serveEtcd?.();
    } catch (error) {
      this.#options.report(`API server of ${this.#options.name}: ${(error as Error).message}`);
    }
  }

  async #prepare(): Promise<void> {
    const { plan, system, name, dns, among } = this.#options;
    const { api } = this;
    const client = api.client({ name: "system:apiserver", groups: ["system:masters"] });
    const prepared = prepareCluster({
      client,
      serviceCidr: plan.serviceCidr,
      apiServiceAddress: plan.apiServiceAddress,
      ...(among?.startPresence === undefined
        ? { apiServerAddresses: [this.#options.reach.advertiseAddress ?? this.#options.controlPlaneAddress] }
        : {}),
      apiServerPort: plan.apiServerPort,
      clientAuthority: this.keys.authority.certificate,
      frontProxyAuthority: this.keys.frontProxyAuthority.certificate,
      now: system.clock.wallTime(),
      ...(dns === undefined ? {} : { dns: { address: plan.dnsAddress, endpoints: [dns.address], port: dns.port } }),
    });
    await Promise.all([prepared, prepareFlowControl(client)]);
    if (this.#components.length > 0) return;
    this.#presence = among?.startPresence?.(client);
    this.#components = [
      ...startComponents({ system, name, api, keys: this.keys }),
      startCompactor({ system, node: name, storage: this.#store!.storage }),
    ];
  }
}
