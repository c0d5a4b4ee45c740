/**
 * What a machine that joins asks of a master: `POST /chartroom/join/worker` and `/chartroom/join/master`. Who may is
 * said by RBAC (nonResourceURLs), as for any other path; `token create` gives the right to its tokens' groups.
 */
import type { Env, Hono } from "hono";
import {
  firstJoinedNumber,
  freeNumber,
  givenNode,
  givenText,
  nodesRecord,
} from "../machines/controllers/certificates/node_record.ts";
import { type AddressPlan, clusterCidrs, maxNodes, nodePlan } from "../machines/network/address_plan.ts";
import { inCidr } from "../machines/network/cidr.ts";
import { addressProblem } from "../machines/network/reach.ts";
import type { ConfigMap, Node } from "../machines/objects/object.ts";
import { resources } from "../machines/objects/resources.ts";
import { ApiError } from "../machines/objects/status.ts";
import type { ApiClient } from "../ports/api_client.ts";
import { AdministrationError } from "../ports/store_administration.ts";
import { masterJoinPath, serversPath, workerJoinPath } from "./join_paths.ts";

export interface WorkerAnswer {
  readonly cluster: string;
  readonly index: number;
  /** The node's: its address and pod range follow from it. */
  readonly number: number;
  /** Where masters are reached. */
  readonly servers: readonly string[];
}

export type JoinMaster = (request: MasterRequest) => Promise<object>;

export interface MasterRequest {
  readonly name: string;
  /** Of a master that shares this one's state: where other members reach it. */
  readonly peerAddress?: string;
  /** Of one that has joined with a token: where other hosts reach it. */
  readonly advertiseAddress?: string;
}

export interface JoinOptions {
  readonly cluster: string;
  readonly plan: AddressPlan;
  /** Acts as the API server itself. */
  readonly client: ApiClient;
  /** Where masters are reached: `https://host:port`. */
  servers(): Promise<readonly string[]>;
  /** What keeps this master from serving; undefined: nothing. */
  problem(): Promise<string | undefined>;
  readonly joinMaster?: JoinMaster | undefined;
}

const namePattern = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

/** Another attempt a little later may go well: another one is just being taken in, or nobody leads. */
const passing: readonly string[] = ["unhealthy", "noLeader", "timedOut", "tooManyLearners"];

export function joinRoutes<E extends Env>(app: Hono<E>, options: JoinOptions): void {
  app.get(serversPath, async (c) => {
    const problem = await options.problem();
    if (problem !== undefined) throw new ApiError(503, "ServiceUnavailable", `Cannot serve now: ${problem}`);
    return c.json({ servers: await options.servers() });
  });
  app.post(workerJoinPath, async (c) => {
    const body = await c.req.json();
    const name = nameIn(body);
    const { cluster, plan } = options;
    const number = await giveNumber(options, name, addressIn((body as { address?: unknown }).address, plan));
    const answer: WorkerAnswer = { cluster, index: plan.index, number, servers: await options.servers() };
    return c.json(answer);
  });
  app.post(masterJoinPath, async (c) => {
    const body = await c.req.json<{ peerAddress?: string; advertiseAddress?: unknown }>();
    const name = nameIn(body);
    const advertiseAddress = addressIn(body.advertiseAddress, options.plan);
    if (options.joinMaster === undefined) {
      throw new ApiError(
        409,
        "Conflict",
        `Cannot take "${name}" in: masters that join need a replicated store, and this cluster's is one master's own or ` +
          "an external etcd; it has to be brought up with --masters and without --store",
      );
    }
    const { peerAddress } = body;
    try {
      return c.json(
        await options.joinMaster({
          name,
          ...(peerAddress === undefined ? {} : { peerAddress }),
          ...(advertiseAddress === undefined ? {} : { advertiseAddress }),
        }),
      );
    } catch (error) {
      if (!(error instanceof AdministrationError)) throw error;
      if (!passing.includes(error.code)) throw new ApiError(409, "Conflict", error.message);
      throw new ApiError(503, "ServiceUnavailable", error.message, { retryAfterSeconds: 1 });
    }
  });
}

function nameIn(body: unknown): string {
  const name = (body as { name?: unknown } | null)?.name;
  if (typeof name === "string" && namePattern.test(name)) return name;
  throw new ApiError(400, "BadRequest", `Cannot take a machine in: its name is ${JSON.stringify(name)}`);
}

/** Of a machine on another host: none that the cluster gives itself. */
function addressIn(address: unknown, plan: AddressPlan): string | undefined {
  if (address === undefined) return undefined;
  const problem = typeof address !== "string" ? "it is no IPv4 address" : addressProblem(address) ??
    (clusterCidrs(plan).some((range) => inCidr(range, address)) ? "the cluster gives it itself" : undefined);
  if (problem === undefined) return address as string;
  throw new ApiError(
    400,
    "BadRequest",
    `Cannot take a machine in: its address cannot be ${JSON.stringify(address)}: ${problem}`,
  );
}

/** The number that this node has for good. */
async function giveNumber(
  { client, plan }: JoinOptions,
  name: string,
  ownAddress: string | undefined,
): Promise<number> {
  for (;;) {
    const record = await readRecord(client);
    const given = givenNode(record?.data, name);
    await refuseLiving(client, name, given !== undefined);
    if (given !== undefined) return given.number;
    const number = freeNumber(record?.data, maxNodes);
    if (number === undefined) {
      throw new ApiError(
        409,
        "Conflict",
        `Cannot take node "${name}" in: all ${maxNodes - firstJoinedNumber} are given`,
      );
    }
    const entry = { [name]: givenText({ number, address: ownAddress ?? nodePlan(plan, number).address }) };
    try {
      if (record === undefined) {
        const { namespace, name } = nodesRecord;
        const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name }, data: entry };
        await client.create(resources.configMaps, namespace, object);
      } else {
        await client.update(resources.configMaps, { ...record, data: { ...record.data, ...entry } });
      }
      return number;
    } catch (error) {
      // Somebody else joins at the same time.
      if (!(error instanceof ApiError && error.code === 409)) throw error;
    }
  }
}

async function readRecord(client: ApiClient): Promise<ConfigMap | undefined> {
  return await orMissing(client.get<ConfigMap>(resources.configMaps, nodesRecord.namespace, nodesRecord.name));
}

/** A node that runs keeps its name: two kubelets of one name would fight over its pods. */
async function refuseLiving(client: ApiClient, name: string, hasJoined: boolean): Promise<void> {
  const node = await orMissing(client.get<Node>(resources.nodes, undefined, name));
  if (node === undefined) return;
  const isReady = node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  if (!isReady && hasJoined) return;
  throw new ApiError(
    409,
    "Conflict",
    isReady
      ? `Cannot take node "${name}" in: a node of that name is here and Ready`
      : `Cannot take node "${name}" in: that name belongs to a node of the cluster's own`,
  );
}

async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}
