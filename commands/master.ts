/** A master: store, API server, and, while it leads, controllers and scheduler. Everything is wired here. */
import { startControllerManager } from "../actors/controllers/controller_manager.ts";
import { realDisk } from "../actors/disk/real_disk.ts";
import { realRandom } from "../actors/real/real_random.ts";
import { startScheduler } from "../actors/scheduler/scheduler.ts";
import { type MemberStorage, openStorage } from "../actors/store/open_storage.ts";
import { actorKind, type ActorSystem, type Address, address } from "../actors/system.ts";
import { admission } from "../http/admission/plugins.ts";
import { createApp } from "../http/app.ts";
import { authenticator } from "../http/auth/authentication.ts";
import { keyFiles } from "../http/auth/certificates/key_files.ts";
import { kubeconfig } from "../http/auth/certificates/kubeconfig.ts";
import { type ClusterKeys, clusterKeys, keptCertificate } from "../http/auth/certificates/pki.ts";
import { apiServerSubject, componentSubjects } from "../http/auth/certificates/subjects.ts";
import { impersonate } from "../http/auth/impersonation.ts";
import { nodeAuthorizer, podsOfNode } from "../http/auth/node_authorizer.ts";
import { RbacPolicy } from "../http/auth/rbac/policy.ts";
import { anyOf, mastersAuthorizer, rbacAuthorizer } from "../http/auth/rbac/rbac_authorizer.ts";
import { reviews } from "../http/auth/reviews.ts";
import { answerIssuerDiscovery, discoveryPath, keySetPath } from "../http/auth/tokens/issuer_discovery.ts";
import { ServiceAccountTokens } from "../http/auth/tokens/service_account_tokens.ts";
import { tokenRequestHandler } from "../http/auth/tokens/token_request.ts";
import { type Api, createApi } from "../http/machinery/api.ts";
import type { Authorizer, UserInfo } from "../http/machinery/types.ts";
import { createResources } from "../http/resources/built_in.ts";
import { loadSchema } from "../http/schema/schema.ts";
import { serve, type Server } from "../http/server.ts";
import { type NodeProxy, nodeProxy } from "../http/streaming/node_proxy.ts";
import { apiServerMachine } from "../machines/api_server/api_server_machine.ts";
import type { AddressPlan } from "../machines/network/address_plan.ts";
import type { KubeObject } from "../machines/objects/object.ts";
import { ApiError } from "../machines/objects/status.ts";
import type { ApiClient } from "../ports/api_client.ts";
import { prepareCluster } from "./bootstrap_objects.ts";
import type { ClusterState } from "./cluster_state.ts";
import { explainRoutes } from "./explain_routes.ts";
import { type Inspector, startInspector } from "./inspector.ts";
import { nodesExplained } from "./nodes_explained.ts";
import { namingPortOwner } from "./port_owner.ts";

export interface MasterOptions {
  readonly system: ActorSystem;
  readonly state: ClusterState;
  /** "master-0": names its store member, its leases and its actors. */
  readonly name: string;
  readonly plan: AddressPlan;
  /** Where pods and nodes reach it; loopback is added. */
  readonly controlPlaneAddress: string;
  /** Whether that address is on this host already; without it only loopback is listened on. */
  readonly listenForCluster: boolean;
  /** Where the cluster's name server answers; absent: there is none. */
  readonly dns?: { readonly address: string; readonly port: number };
  /** Whether nodes are processes of their own, with actors that this one knows nothing of. */
  readonly nodesElsewhere?: boolean;
  report(problem: string): void;
}

export interface Master {
  /** Where people reach it. */
  readonly server: string;
  readonly keys: ClusterKeys;
  /** The administrator's kubeconfig, also written to the state directory. */
  readonly kubeconfig: string;
  client(user: UserInfo): ApiClient;
  /** Resolves when every cluster's standing objects are there. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

/** Opens everything; resolves when the API server listens. @throws Error saying what stands in the way. */
export async function startMaster(options: MasterOptions): Promise<Master> {
  const { system, state, plan, name } = options;
  const { clock } = system;
  const files = keyFiles(state.path("pki"));
  const keys = await clusterKeys(files, clock.wallTime());
  const addresses = ["127.0.0.1", ...(options.listenForCluster ? [options.controlPlaneAddress] : [])];
  const [serving, admin] = await Promise.all([
    keptCertificate(
      files,
      "apiserver",
      keys.authority,
      apiServerSubject({
        addresses: [...addresses, options.controlPlaneAddress],
        names: [name],
        serviceAddress: plan.apiServiceAddress,
      }),
      clock.wallTime(),
    ),
    keptCertificate(files, "admin", keys.authority, componentSubjects.admin, clock.wallTime()),
  ]);
  const server = `https://127.0.0.1:${plan.apiServerPort}`;
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
  await Deno.writeTextFile(state.path("kubeconfig"), config, { mode: 0o600 });
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
  readonly #policy = new RbacPolicy();
  #components: Address[] = [];
  #following: { stop(): void }[] = [];
  #storage: MemberStorage | undefined;
  #server: Server | undefined;
  #proxy: NodeProxy | undefined;
  #inspector: Inspector | undefined;
  #api: Api | undefined;

  constructor(
    options: MasterOptions,
    readonly keys: ClusterKeys,
    readonly serving: Pair,
    readonly url: string,
    readonly addresses: readonly string[],
  ) {
    this.#options = options;
    this.#address = address({ node: options.name, kind: "api-server", name: options.name });
    // Who waits for it hears of it; nobody waiting is no fault of the process.
    this.prepared.promise.catch(() => {});
  }

  get api(): Api {
    if (this.#api === undefined) throw new Error("Cannot use the API server: it has not been started");
    return this.#api;
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
        return { type: "cluster.prepared" } as const;
      },
      drain: async () => {
        for (const component of this.#components) system.stop(component);
        for (const each of this.#following) each.stop();
        this.#inspector?.stop();
        await this.#server?.close(10_000);
        this.#proxy?.close();
        this.#api?.close();
        return { type: "server.drained" } as const;
      },
      closeStore: async () => {
        await this.#storage?.close();
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
    const { system, state, name, plan } = this.#options;
    const { clock } = system;
    this.#storage = await openStorage({
      disk: realDisk(state.directory),
      clock,
      random: realRandom,
      system,
      address: address({ node: name, kind: "store", name }),
    });
    for (const note of this.#storage.notes) this.#options.report(note);
    const policy = this.#policy;
    let client: ApiClient | undefined;
    const tokens = new ServiceAccountTokens({
      key: this.keys.serviceAccountKey,
      now: () => clock.wallTime(),
      uuid: () => realRandom.uuid(),
      objects: { find: (kind, namespace, object) => findObject(client, kind, namespace, object) },
    });
    let authorizer: Authorizer = mastersAuthorizer;
    const handlers = reviews({
      authorizer: { authorize: (request) => authorizer.authorize(request) },
      policy,
      tokens,
      now: () => clock.wallTime(),
    });
    this.#api = createApi({
      storage: this.#storage,
      clock,
      random: realRandom,
      schema: loadSchema(),
      resources: createResources({
        reviews: handlers,
        token: tokenRequestHandler({ tokens, now: () => clock.wallTime() }),
      }),
      authorizer: (own) => {
        client = own;
        authorizer = anyOf(mastersAuthorizer, nodeAuthorizer(policy, podsOfNode(own)), rbacAuthorizer(policy));
        return authorizer;
      },
      admission: (own) => {
        const plugins = admission({
          client: own,
          clock,
          random: realRandom,
          authorizer: { authorize: (request) => authorizer.authorize(request) },
          policy,
          serviceCidr: plan.serviceCidr,
        });
        this.#follow = async () => {
          const copies = plugins.follow();
          const rules = policy.follow(own, clock);
          this.#following.push(copies, rules);
          await Promise.all([copies.ready, rules.ready]);
        };
        return [...plugins.early, ...plugins.late];
      },
    });
    this.#tokens = tokens;
    this.#authorizer = authorizer;
  }

  #follow: () => Promise<void> = () => Promise.resolve();
  #tokens: ServiceAccountTokens | undefined;
  #authorizer: Authorizer = mastersAuthorizer;

  async #listen(): Promise<void> {
    const { plan, system } = this.#options;
    const { api } = this;
    const tokens = this.#tokens!;
    await this.#follow();
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
      authorizer: this.#authorizer,
    });
    this.#proxy = proxy;
    const inspector = startInspector({
      system,
      cluster: this.#options.state.name,
      name: this.#options.name,
      authorizer: this.#authorizer,
    });
    this.#inspector = inspector;
    const app = createApp({
      api,
      authenticator: inspector.authenticator(authenticator({ tokens })),
      serverAddress: `${this.#options.controlPlaneAddress}:${plan.apiServerPort}`,
      impersonate: (user, headers) => impersonate(user, headers, this.#authorizer),
      connect: (connection, environment) => proxy.connect(connection, environment),
      health: { livez: [{ name: "ping", check: () => undefined }], readyz: this.#readyChecks() },
      open: inspector.open,
      extend: (routes) => {
        inspector.extend(routes);
        for (const path of [discoveryPath, keySetPath]) {
          routes.get(path, async (c) => await answerIssuerDiscovery(c.req.path, tokens, this.url) ?? c.notFound());
        }
        explainRoutes(
          routes,
          system,
          this.#options.nodesElsewhere
            ? nodesExplained(own, { authority: this.keys.authority.certificate, certificate: kubeletClient })
            : undefined,
        );
      },
    });
    this.#server = await namingPortOwner(plan.apiServerPort, "the API server", () =>
      serve({
        addresses: this.addresses.map((host) => ({ host, port: plan.apiServerPort })),
        certificate: this.serving.certificate,
        key: this.serving.key,
        clientCertificateAuthority: this.keys.authority.certificate,
        fetch: (request, environment) => app.fetch(request, environment),
        onError: (error) => this.#options.report(`API server: ${(error as Error).stack ?? error}`),
      }));
  }

  #readyChecks() {
    let prepared = false;
    this.prepared.promise.then(() => prepared = true, () => {});
    return [
      { name: "ping", check: () => undefined },
      { name: "etcd", check: () => this.api.started ? undefined : "the store has not been read" },
      {
        name: "poststarthook/rbac/bootstrap-roles",
        check: () => prepared ? undefined : "the cluster's standing objects are being written",
      },
    ];
  }

  async #prepare(): Promise<void> {
    const { plan, system, name, dns } = this.#options;
    const { api } = this;
    await prepareCluster({
      client: api.client({ name: "system:apiserver", groups: ["system:masters"] }),
      serviceCidr: plan.serviceCidr,
      apiServiceAddress: plan.apiServiceAddress,
      apiServerAddresses: [this.#options.controlPlaneAddress],
      apiServerPort: plan.apiServerPort,
      clientAuthority: this.keys.authority.certificate,
      frontProxyAuthority: this.keys.frontProxyAuthority.certificate,
      now: system.clock.wallTime(),
      ...(dns === undefined ? {} : { dns: { address: plan.dnsAddress, endpoints: [dns.address], port: dns.port } }),
    });
    if (this.#components.length > 0) return;
    const shared = { system, node: name, identity: name, random: realRandom };
    const listed = api.registry.all().filter(({ verbs }) => verbs.includes("list") && verbs.includes("watch"));
    this.#components = [
      startScheduler({ ...shared, client: api.client(component("kube-scheduler")) }),
      startControllerManager({
        ...shared,
        clientFor: (account) =>
          api.client(account === "kube-controller-manager" ? component(account) : controllerAccount(account)),
        resources: listed.filter(({ verbs, storedAs }) => verbs.includes("delete") && storedAs === undefined)
          .map(({ group, version, resource, kind, namespaced }) => ({
            resource: { group, version, resource },
            kind,
            namespaced,
          })),
        rootCa: this.keys.authority.certificate,
      }),
    ];
  }
}

function component(name: string): UserInfo {
  return { name: `system:${name}`, groups: ["system:authenticated"] };
}

/** The bootstrap policy gives each controller's rights to a service account of its own in kube-system. */
export function controllerAccount(name: string): UserInfo {
  return {
    name: `system:serviceaccount:kube-system:${name}`,
    groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
  };
}

async function findObject(
  client: ApiClient | undefined,
  resource: string,
  namespace: string | undefined,
  name: string,
): Promise<{ uid: string; deletionTimestamp?: string } | undefined> {
  try {
    const object = await client?.get<KubeObject>({ group: "", version: "v1", resource }, namespace, name);
    if (object === undefined) return undefined;
    const { uid, deletionTimestamp } = object.metadata;
    return { uid, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) };
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}
