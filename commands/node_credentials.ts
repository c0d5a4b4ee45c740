/** A node's certificates, kept in the cluster's state: pki/nodes/NAME. */
import type { KeyPair } from "../http/auth/certificates/issue.ts";
import { keyFiles } from "../http/auth/certificates/key_files.ts";
import { keptCertificate } from "../http/auth/certificates/pki.ts";
import { kubeletServingSubject, kubeletSubject } from "../http/auth/certificates/subjects.ts";
import { type AddressPlan, nodePlan } from "../machines/network/address_plan.ts";
import type { ClusterState } from "./cluster_state.ts";
import { nodeName } from "./node.ts";
import { readReach } from "./reach.ts";

export interface NodeCredentials {
  /** PEM of the cluster's authority, without its key. */
  readonly authority: string;
  /** Of the kubelet's own HTTPS server. */
  readonly serving: KeyPair;
  /** The kubelet's, as a client of the API. */
  readonly client: KeyPair;
}

/** The kubelet's serving certificate, made now if it is missing or about to expire. */
export async function servingCertificate(
  state: ClusterState,
  number: number,
  plan: AddressPlan,
  authority: KeyPair,
  now: number,
): Promise<KeyPair> {
  const name = nodeName(number);
  const { advertiseAddress } = await readReach(state.directory);
  const outside = advertiseAddress === undefined ? [] : [advertiseAddress];
  const subject = kubeletServingSubject(name, [nodePlan(plan, number).address, "127.0.0.1", ...outside]);
  return await keptCertificate(keyFiles(state.path("pki", "nodes", name)), "kubelet", authority, subject, now);
}

/** Puts everything into the state directory that a node in a process of its own reads there. */
export async function issueNodeCredentials(
  state: ClusterState,
  number: number,
  plan: AddressPlan,
  authority: KeyPair,
  now: number,
): Promise<void> {
  const name = nodeName(number);
  const files = keyFiles(state.path("pki", "nodes", name));
  await Promise.all([
    servingCertificate(state, number, plan, authority, now),
    keptCertificate(files, "kubelet-client", authority, kubeletSubject(name), now),
    files.write("ca.crt", authority.certificate),
  ]);
}

/** @throws Error when the master has not issued them. */
export async function readNodeCredentials(state: ClusterState, number: number): Promise<NodeCredentials> {
  const directory = state.path("pki", "nodes", nodeName(number));
  const files = keyFiles(directory);
  const read = async (path: string) => {
    const text = await files.read(path);
    if (text === undefined) throw new Error(`Cannot start ${nodeName(number)}: "${directory}/${path}" is missing`);
    return text;
  };
  const pair = async (name: string): Promise<KeyPair> => ({
    certificate: await read(`${name}.crt`),
    key: await read(`${name}.key`),
  });
  return { authority: await read("ca.crt"), serving: await pair("kubelet"), client: await pair("kubelet-client") };
}
