/**
 * A joined node's certificates. Its keys are made here and never leave; certificates are asked for with
 * CertificateSigningRequests (Kubernetes docs, "TLS bootstrapping"): first with the token, later with the certificate
 * that there is, before it ends.
 */
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { certificationRequest, type KeyPair, makeSigningKey } from "../http/auth/certificates/issue.ts";
import type { KeyFiles } from "../http/auth/certificates/pki.ts";
import { kubeletServingSubject, kubeletSubject } from "../http/auth/certificates/subjects.ts";
import {
  type CertificateRequest,
  certificateRequests,
  kubeletClientSigner,
  kubeletServingSigner,
} from "../machines/controllers/certificates/certificate_controllers.ts";
import { addressPlan, nodePlan } from "../machines/network/address_plan.ts";
import type { ApiClient } from "../ports/api_client.ts";

export interface NodeIdentity {
  readonly index: number;
  readonly number: number;
  readonly name: string;
  readonly nodeAddress?: string;
}

const patienceMs = 60_000;
/** What is left of a certificate's time when another is asked for, as a part of all of it. */
const renewalPart = 0.2;
/** A timer cannot be set for longer than 24 days. */
const longestWaitMs = 86_400_000;

/**
 * Certificate and key of both sorts, made or renewed with `client` where they are missing or about to end. With the
 * bootstrap token only the first can be had; without a client nothing is asked for.
 */
export async function keptNodeCertificates(
  files: KeyFiles,
  identity: NodeIdentity,
  client: ApiClient | undefined,
): Promise<{ client: KeyPair; serving: KeyPair | undefined }> {
  const { name } = identity;
  const hadClient = await readPair(files, "kubelet-client");
  const own = hadClient !== undefined && (client === undefined || !isDue(hadClient.certificate))
    ? hadClient
    : await renewed(files, client, "kubelet-client", kubeletClientSigner, kubeletSubject(name), "client auth");
  const address = identity.nodeAddress ?? nodePlan(addressPlan(identity.index), identity.number).address;
  const hadServing = await readPair(files, "kubelet");
  // Who has only the token yet has no right to one.
  if (client === undefined || hadClient === undefined) return { client: own, serving: hadServing };
  if (hadServing !== undefined && !isDue(hadServing.certificate)) return { client: own, serving: hadServing };
  const subject = kubeletServingSubject(name, [address, "127.0.0.1"]);
  return {
    client: own,
    serving: await renewed(files, client, "kubelet", kubeletServingSigner, subject, "server auth"),
  };
}

/** Resolves when one of the certificates should be renewed. */
export async function untilRenewal(files: KeyFiles): Promise<void> {
  for (;;) {
    const pairs = await Promise.all(["kubelet-client", "kubelet"].map((name) => readPair(files, name)));
    const waitMs = Math.min(...pairs.map((pair) => pair === undefined ? 0 : dueAt(pair.certificate) - Date.now()));
    if (waitMs <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    Deno.unrefTimer(setTimeout(resolve, Math.min(waitMs, longestWaitMs)));
    await promise;
  }
}

async function readPair(files: KeyFiles, name: string): Promise<KeyPair | undefined> {
  const [certificate, key] = await Promise.all([files.read(`${name}.crt`), files.read(`${name}.key`)]);
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

/** Wall time in ms. */
function dueAt(pem: string): number {
  const { validFrom, validTo } = new X509Certificate(Buffer.from(pem));
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return to - (to - from) * renewalPart;
}

const isDue = (pem: string) => dueAt(pem) <= Date.now();

async function renewed(
  files: KeyFiles,
  client: ApiClient | undefined,
  file: string,
  signerName: string,
  subject: Parameters<typeof certificationRequest>[0],
  usage: string,
): Promise<KeyPair> {
  if (client === undefined) throw new Error(`Cannot use "${file}.crt": it is missing; the node has to join again`);
  const key = await makeSigningKey();
  const request = await certificationRequest(subject, key);
  const made = await client.create<CertificateRequest>(certificateRequests, undefined, {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { generateName: signerName === kubeletClientSigner ? "node-csr-" : "csr-" },
    spec: { request: btoa(request), signerName, usages: ["digital signature", usage] },
  });
  const certificate = await signed(client, made);
  await files.write(`${file}.key`, key);
  await files.write(`${file}.crt`, certificate);
  return { certificate, key };
}

async function signed(client: ApiClient, request: CertificateRequest): Promise<string> {
  const { name, resourceVersion = "" } = request.metadata;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const look = ({ status }: CertificateRequest) => {
    if (status?.certificate) return resolve(atob(status.certificate));
    const refusal = status?.conditions?.find(({ type }) => type === "Denied" || type === "Failed");
    if (refusal !== undefined) {
      const { message = "no reason was given" } = refusal as { message?: string };
      reject(new Error(`Cannot get a certificate: request "${name}" was ${refusal.type.toLowerCase()}: ${message}`));
    }
  };
  const limit = setTimeout(
    () =>
      reject(
        new Error(
          `Cannot get a certificate: request "${name}" has been neither approved nor denied for ${
            patienceMs / 1000
          } s ` +
            `(kubectl certificate approve ${name})`,
        ),
      ),
    patienceMs,
  );
  const watch = client.watch<CertificateRequest>(
    certificateRequests,
    { fieldSelector: `metadata.name=${name}`, resourceVersion },
    {
      events: (batch) => batch.forEach((event) => "object" in event && look(event.object)),
      closed: (status) =>
        reject(new Error(`Cannot wait for request "${name}": ${status?.message ?? "the watch ended"}`)),
    },
  );
  try {
    return await promise;
  } finally {
    clearTimeout(limit);
    watch.cancel();
  }
}
