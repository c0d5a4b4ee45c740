/** The administrator's client of a cluster that runs on this host, from its kubeconfig. */
import { parse } from "@std/yaml";
import { httpClient } from "../actors/api_client/http_client.ts";
import { addressPlan } from "../machines/network/address_plan.ts";
import type { ClusterState } from "./cluster_state.ts";
import { firstThatListens, readOtherMasters } from "./other_masters.ts";

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

export interface Access {
  /**
   * Of this host, whatever the kubeconfig names: every master listens on loopback. While none does, another host's.
   */
  readonly server: string;
  /** Where others reach the cluster: what the kubeconfig names. */
  readonly published: string;
  readonly authority: string;
  readonly certificate: { readonly certificate: string; readonly key: string };
}

/** @throws Error when the cluster was never up. */
export async function administratorAccess(state: ClusterState): Promise<Access> {
  const identity = await state.identity(); // Another cluster's kubeconfig is none of ours.
  let text: string;
  try {
    text = await Deno.readTextFile(state.path("kubeconfig"));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot reach cluster "${state.name}": it was never up; run "chartroom up --name ${state.name}"`);
  }
  const { clusters, users } = parse(text) as Kubeconfig;
  const { cluster = {} } = clusters[0] ?? {};
  const { user = {} } = users[0] ?? {};
  const published = cluster["server"] ?? "";
  return {
    server: identity === undefined ? published : await livingServer(state, addressPlan(identity.index).apiServerPort),
    published,
    authority: atob(cluster["certificate-authority-data"] ?? ""),
    certificate: {
      certificate: atob(user["client-certificate-data"] ?? ""),
      key: atob(user["client-key-data"] ?? ""),
    },
  };
}

async function livingServer({ directory }: ClusterState, port: number): Promise<string> {
  const others = (await readOtherMasters(directory)).map((host) => `https://${host}`);
  const own = `https://127.0.0.1:${port}`;
  return others.length === 0 ? own : await firstThatListens([own, ...others]);
}

export async function administrator(state: ClusterState) {
  const access = await administratorAccess(state);
  return httpClient({
    servers: [access.server],
    authority: access.authority,
    certificate: access.certificate,
    userAgent: "chartroom",
  });
}
