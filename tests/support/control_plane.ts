/**
 * A whole control plane in memory: the real API with its admission and authorization over the real store on a simulated
 * disk, the controllers and the scheduler, each with its own user. Kubelets are played by the test (`kubelets.ts`).
 */
import { startControllerManager } from "../../actors/controllers/controller_manager.ts";
import { startScheduler } from "../../actors/scheduler/scheduler.ts";
import { SimulatedDisk } from "../../actors/simulated/disk.ts";
import { SimulatedRandom } from "../../actors/simulated/simulated_random.ts";
import { openStorage } from "../../actors/store/open_storage.ts";
import { ActorSystem, address } from "../../actors/system.ts";
import { prepareCluster } from "../../commands/bootstrap_objects.ts";
import { admission } from "../../http/admission/plugins.ts";
import { nodeAuthorizer, podsOfNode } from "../../http/auth/node_authorizer.ts";
import { RbacPolicy } from "../../http/auth/rbac/policy.ts";
import { anyOf, mastersAuthorizer, rbacAuthorizer } from "../../http/auth/rbac/rbac_authorizer.ts";
import { type Api, createApi } from "../../http/machinery/api.ts";
import type { Authorizer, Resource, UserInfo } from "../../http/machinery/types.ts";
import { createResources } from "../../http/resources/built_in.ts";
import { loadSchema } from "../../http/schema/schema.ts";
import type { ApiClient } from "../../ports/api_client.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import { SteadyClock } from "./steady_clock.ts";

export interface ControlPlaneOptions<C extends Clock> {
  /** Time that the test moves, unless told. */
  readonly clock?: C;
  /** One in memory, unless told. */
  readonly disk?: Disk;
  readonly seed?: number;
  readonly controllers?: boolean;
  readonly scheduler?: boolean;
  /** Instead of the built-in resources. */
  readonly resources?: readonly Resource[];
}

export interface ControlPlane<C extends Clock = SteadyClock> {
  readonly clock: C;
  readonly system: ActorSystem;
  readonly api: Api;
  /** The administrator's. */
  readonly client: ApiClient;
  clientOf(user: UserInfo): ApiClient;
  stop(): Promise<void>;
}

export const administrator: UserInfo = {
  name: "kubernetes-admin",
  groups: ["system:masters", "system:authenticated"],
};

let loaded: ReturnType<typeof loadSchema> | undefined;

export async function startControlPlane(options?: ControlPlaneOptions<SteadyClock>): Promise<ControlPlane>;
export async function startControlPlane<C extends Clock>(
  options: ControlPlaneOptions<C> & { clock: C },
): Promise<ControlPlane<C>>;
export async function startControlPlane(options: ControlPlaneOptions<Clock> = {}): Promise<ControlPlane<Clock>> {
  const clock = options.clock ?? new SteadyClock();
  const random = new SimulatedRandom(options.seed ?? 1);
  const system = new ActorSystem({ clock });
  const storage = await openStorage({
    disk: options.disk ?? new SimulatedDisk({ random }),
    clock,
    random,
    system,
    address: address({ node: "test", kind: "store", name: "test" }),
  });
  const policy = new RbacPolicy();
  const following: { stop(): void }[] = [];
  let authorizer: Authorizer = mastersAuthorizer;
  let follow = async () => {};
  const schema = (loaded ??= loadSchema());
  const api = createApi({
    storage,
    clock,
    random,
    schema,
    resources: options.resources ?? createResources(),
    authorizer: (own) => {
      authorizer = anyOf(mastersAuthorizer, nodeAuthorizer(policy, podsOfNode(own)), rbacAuthorizer(policy));
      return authorizer;
    },
    admission: (own, registry) => {
      const asked = { authorize: (request: Parameters<Authorizer["authorize"]>[0]) => authorizer.authorize(request) };
      const plugins = admission({
        client: own,
        registry,
        schema,
        clock,
        random,
        authorizer: asked,
        policy,
        serviceCidr: "10.0.0.0/16",
      });
      follow = async () => {
        const started = [plugins.follow(), policy.follow(own, clock)];
        following.push(...started);
        await Promise.all(started.map(({ ready }) => ready));
      };
      return [...plugins.early, ...plugins.late];
    },
  });
  await api.start();
  await follow();
  const client = api.client(administrator);
  await prepareCluster({
    client,
    serviceCidr: "10.0.0.0/16",
    apiServiceAddress: "10.0.0.1",
    apiServerAddresses: ["192.0.2.1"],
    apiServerPort: 6443,
    clientAuthority: "authority",
    frontProxyAuthority: "front proxy authority",
    now: clock.wallTime(),
  });
  const shared = { system, node: "test", identity: "test", random };
  if (options.scheduler ?? true) startScheduler({ ...shared, client: api.client(component("kube-scheduler")) });
  if (options.controllers ?? true) {
    startControllerManager({
      ...shared,
      clientFor: (account) =>
        api.client(account === "kube-controller-manager" ? component(account) : controllerAccount(account)),
      resources: looked(api),
      rootCa: "authority",
    });
  }
  return {
    clock,
    system,
    api,
    client,
    clientOf: (user) => api.client(user),
    async stop() {
      for (const at of [...system.addresses()]) if (!at.includes("/store/")) system.stop(at);
      for (const each of following) each.stop();
      api.close();
      await storage.close();
      system.stopAll();
    },
  };
}

/** What the namespace controller and the garbage collector look after. */
function looked(api: Api) {
  return api.registry.all()
    .filter(({ verbs, storedAs }) =>
      ["list", "watch", "delete"].every((verb) => verbs.includes(verb as "list")) && storedAs === undefined
    )
    .map(({ group, version, resource, kind, namespaced }) => ({
      resource: { group, version, resource },
      kind,
      namespaced,
    }));
}

function component(name: string): UserInfo {
  return { name: `system:${name}`, groups: ["system:authenticated"] };
}

function controllerAccount(name: string): UserInfo {
  return {
    name: `system:serviceaccount:kube-system:${name}`,
    groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
  };
}
