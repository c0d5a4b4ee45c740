/**
 * CertificateSigningRequests: who is given a certificate without anybody's approval, what is signed, and what is
 * cleared away (Kubernetes docs, "Certificates and Certificate Signing Requests" and "TLS bootstrapping").
 *
 * Beyond what Kubernetes does by itself, a node's request for its kubelet's serving certificate is approved when it
 * names nothing but the node and the addresses that the cluster has given it.
 */
import type { ConfigMap, KubeObject } from "../../objects/object.ts";
import { type ResourceRef, resources } from "../../objects/resources.ts";
import { type Controller, nothing, ownKey, type Plan, type Write } from "../controller.ts";
import { type CertificationNames, readCertificationRequest } from "./certification_request.ts";
import { givenNode, nodesRecord } from "./node_record.ts";

export interface CertificateRequest extends KubeObject {
  readonly spec: {
    /** Base64 of PEM. */
    readonly request: string;
    readonly signerName: string;
    readonly usages?: readonly string[];
    readonly expirationSeconds?: number;
    readonly username?: string;
    readonly groups?: readonly string[];
  };
  readonly status?: {
    readonly certificate?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastUpdateTime?: string;
    }[];
  };
}

export const certificateRequests: ResourceRef = {
  group: "certificates.k8s.io",
  version: "v1",
  resource: "certificatesigningrequests",
};

export const kubeletClientSigner = "kubernetes.io/kube-apiserver-client-kubelet";
export const kubeletServingSigner = "kubernetes.io/kubelet-serving";
const clientSigner = "kubernetes.io/kube-apiserver-client";

const nodePrefix = "system:node:";
const yearSeconds = 365 * 86_400;
const hourMs = 3_600_000;
const account = "certificate-controller";

/** What may stand in a request to a signer; a text says what is wrong. */
const signers: Readonly<
  Record<string, { usage: "server" | "client"; refusal(names: CertificationNames): string | undefined }>
> = {
  [kubeletClientSigner]: {
    usage: "client",
    refusal: (names) => nodeRefusal(names) ?? (hasOtherNames(names) ? "it must have no alternative names" : undefined),
  },
  [kubeletServingSigner]: {
    usage: "server",
    refusal: (names) =>
      nodeRefusal(names) ??
        (names.otherNames.length > 0 ? "it must have no mail addresses and no URIs" : undefined) ??
        (names.dnsNames.length + names.ipAddresses.length === 0 ? "it must have a DNS name or an address" : undefined),
  },
  [clientSigner]: {
    usage: "client",
    refusal: ({ organizations }) =>
      organizations.includes("system:masters") ? "nobody is made one of system:masters" : undefined,
  },
};

const allowedUsages = {
  client: ["client auth", "digital signature", "key encipherment"],
  server: ["server auth", "digital signature", "key encipherment"],
} as const;

function usageRefusal(usage: "server" | "client", usages: readonly string[]): string | undefined {
  if (!usages.includes(`${usage} auth`)) return `its usages must include "${usage} auth"`;
  const odd = usages.find((each) => !(allowedUsages[usage] as readonly string[]).includes(each));
  return odd === undefined ? undefined : `usage "${odd}" is not given by this signer`;
}

function nodeRefusal({ commonName, organizations }: CertificationNames): string | undefined {
  if (organizations.length !== 1 || organizations[0] !== "system:nodes") return "its organization must be system:nodes";
  return commonName.startsWith(nodePrefix) && commonName.length > nodePrefix.length
    ? undefined
    : `its common name must begin with ${nodePrefix}`;
}

function hasOtherNames({ dnsNames, ipAddresses, otherNames }: CertificationNames): boolean {
  return dnsNames.length + ipAddresses.length + otherNames.length > 0;
}

/** Why a request's signer would not sign it, or its names. */
function judge({ spec }: CertificateRequest): { refusal: string } | { names: CertificationNames } {
  const signer = signers[spec.signerName]!;
  const names = namesOf(spec.request);
  if (names === undefined) return { refusal: "its certification request cannot be read" };
  const refusal = signer.refusal(names) ?? usageRefusal(signer.usage, spec.usages ?? []);
  return refusal === undefined ? { names } : { refusal };
}

function namesOf(request: string): CertificationNames | undefined {
  const body = /-----BEGIN CERTIFICATE REQUEST-----([^-]+)-----END/.exec(atobOr(request))?.[1];
  if (body === undefined) return undefined;
  const bytes = atobOr(body.replace(/\s+/g, ""));
  return readCertificationRequest(Uint8Array.from(bytes, (character) => character.charCodeAt(0)));
}

function atobOr(text: string): string {
  try {
    return atob(text);
  } catch {
    return "";
  }
}

const holds = ({ status }: CertificateRequest, type: string) =>
  status?.conditions?.some((each) => each.type === type) ?? false;
const isDecided = (request: CertificateRequest) => holds(request, "Approved") || holds(request, "Denied");
const time = (now: number) => new Date(now).toISOString().replace(/\.\d+Z$/, "Z");

const watchesRequests = { resource: certificateRequests, keys: ownKey };

function withCondition(request: CertificateRequest, now: number, type: string, reason: string, message: string) {
  const at = time(now);
  const condition = { type, status: "True", reason, message, lastUpdateTime: at, lastTransitionTime: at };
  return { ...request, status: { ...request.status, conditions: [...request.status?.conditions ?? [], condition] } };
}

/** Approves what a node may have by itself. */
export const certificateApprover: Controller = {
  name: "certificatesigningrequest-approving-controller",
  account,
  watches: [
    watchesRequests,
    // A request may come before the record of its node does.
    {
      resource: resources.configMaps,
      keys: ({ metadata }, _previous, caches) =>
        `${metadata.namespace}/${metadata.name}` === nodesRecord.key
          ? caches.of<CertificateRequest>(certificateRequests).list().filter((each) =>
            !isDecided(each) && each.spec.signerName === kubeletServingSigner
          ).map((each) => each.metadata.name)
          : [],
    },
  ],
  plan(key, caches, { now }): Plan | undefined {
    const request = caches.of<CertificateRequest>(certificateRequests).get(key);
    if (request === undefined) return undefined;
    const { spec } = request;
    if (isDecided(request) || (spec.signerName !== kubeletClientSigner && spec.signerName !== kubeletServingSigner)) {
      return nothing;
    }
    const judged = judge(request);
    if ("refusal" in judged) return { writes: [], waitsFor: `somebody to deny it: ${judged.refusal}` };
    const isOwn = spec.username === judged.names.commonName;
    const approve = (message: string): Write => ({
      type: "update",
      resource: certificateRequests,
      object: withCondition(request, now, "Approved", "AutoApproved", message),
      subresource: "approval",
    });
    if (spec.signerName === kubeletServingSigner) {
      const record = caches.of<ConfigMap>(resources.configMaps).get(nodesRecord.key);
      const given = givenNode(record?.data, judged.names.commonName.slice(nodePrefix.length));
      return isOwn && spec.groups?.includes("system:nodes") && isOwnPlace(judged.names, given?.address)
        ? { writes: [approve("Auto approving kubelet serving certificate: it names the node's own addresses.")] }
        : { writes: [], waitsFor: "somebody to approve it: it names more than the node's own addresses" };
    }
    const permitted = {
      user: spec.username ?? "",
      groups: spec.groups ?? [],
      verb: "create",
      group: certificateRequests.group,
      resource: certificateRequests.resource,
      subresource: isOwn ? "selfnodeclient" : "nodeclient",
    };
    return {
      writes: [{ ...approve("Auto approving kubelet client certificate after SubjectAccessReview."), permitted }],
    };
  },
};

function isOwnPlace({ commonName, dnsNames, ipAddresses }: CertificationNames, address: string | undefined): boolean {
  const name = commonName.slice(nodePrefix.length);
  return dnsNames.every((each) => each === name) &&
    ipAddresses.every((each) => each === "127.0.0.1" || each === address);
}

/** Signs what was approved. */
export const certificateSigner: Controller = {
  name: "certificatesigningrequest-signing-controller",
  account,
  watches: [watchesRequests],
  plan(key, caches, { now }): Plan | undefined {
    const request = caches.of<CertificateRequest>(certificateRequests).get(key);
    if (request === undefined) return undefined;
    const { spec, status } = request;
    const signer = signers[spec.signerName];
    if (signer === undefined || !holds(request, "Approved") || holds(request, "Denied")) return nothing;
    if ((status?.certificate ?? "") !== "" || holds(request, "Failed")) return nothing;
    const judged = judge(request);
    const failed = (message: string): Write => ({
      type: "update",
      resource: certificateRequests,
      object: withCondition(request, now, "Failed", "SignerValidationFailure", message),
      subresource: "status",
    });
    if ("refusal" in judged) return { writes: [failed(judged.refusal)] };
    const certificate = {
      request: atobOr(spec.request),
      usages: [signer.usage],
      validSeconds: Math.min(spec.expirationSeconds ?? yearSeconds, yearSeconds),
    };
    return {
      writes: [{
        type: "certify",
        resource: certificateRequests,
        object: request,
        certificate,
      }],
    };
  },
};

/** How long a request is kept after its last word; requests that nobody decides about stay a day. */
const keptMs = { Approved: hourMs, Denied: hourMs, Failed: hourMs, pending: 24 * hourMs } as const;

export const certificateCleaner: Controller = {
  name: "certificatesigningrequest-cleaner-controller",
  account,
  watches: [watchesRequests],
  plan(key, caches, { now }): Plan | undefined {
    const request = caches.of<CertificateRequest>(certificateRequests).get(key);
    if (request === undefined) return undefined;
    const deadline = deadlineOf(request);
    if (deadline > now) return { writes: [], againAfterMs: deadline - now };
    const { name, uid } = request.metadata;
    return { writes: [{ type: "delete", resource: certificateRequests, name, uid }] };
  },
};

function deadlineOf({ metadata, status }: CertificateRequest): number {
  const said = (status?.conditions ?? []).flatMap(({ type, lastUpdateTime }) => {
    // An approved one that nobody has signed yet waits as one that nobody has decided about.
    if (type === "Approved" && (status?.certificate ?? "") === "") return [];
    const kept = keptMs[type as keyof typeof keptMs];
    return kept === undefined ? [] : [Date.parse(lastUpdateTime ?? metadata.creationTimestamp ?? "") + kept];
  });
  return said.length > 0 ? Math.min(...said) : Date.parse(metadata.creationTimestamp ?? "") + keptMs.pending;
}
