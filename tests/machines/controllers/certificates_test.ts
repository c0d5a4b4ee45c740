import { assertEquals } from "@std/assert";
import { bootstrapSigner, tokenCleaner } from "../../../machines/controllers/bootstrap_tokens/bootstrap_controllers.ts";
import { readBootstrapToken, tokenParts } from "../../../machines/controllers/bootstrap_tokens/bootstrap_token.ts";
import {
  certificateApprover,
  certificateCleaner,
  certificateRequests,
  certificateSigner,
} from "../../../machines/controllers/certificates/certificate_controllers.ts";
import { readCertificationRequest } from "../../../machines/controllers/certificates/certification_request.ts";
import { freeNumber, givenNode, givenText } from "../../../machines/controllers/certificates/node_record.ts";
import type { Plan } from "../../../machines/controllers/controller.ts";
import { certificationRequest, derOf, makeSigningKey } from "../../../http/auth/certificates/issue.ts";
import { kubeletServingSubject, kubeletSubject } from "../../../http/auth/certificates/subjects.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { isSignedBy, signDetached } from "../../../http/auth/tokens/bootstrap_tokens.ts";
import type { KubeObject } from "../../../machines/objects/object.ts";
import { PaperWorld } from "./paper_world.ts";

const key = await makeSigningKey();
const clientRequest = await certificationRequest(kubeletSubject("w1"), key);
const servingRequest = await certificationRequest(kubeletServingSubject("w1", ["10.0.0.7", "127.0.0.1"]), key);
const nodeGroups = ["system:nodes", "system:authenticated"];

Deno.test("readCertificationRequest finds the names, and nothing in what is no request", () => {
  assertEquals(readCertificationRequest(derOf(servingRequest)), {
    commonName: "system:node:w1",
    organizations: ["system:nodes"],
    dnsNames: ["w1"],
    ipAddresses: ["10.0.0.7", "127.0.0.1"],
    otherNames: [],
  });
  const bytes = derOf(clientRequest);
  for (let length = 0; length < 60; length++) {
    assertEquals(readCertificationRequest(bytes.subarray(0, length)), undefined);
  }
});

interface Case {
  name: string;
  request?: string;
  signer: string;
  username?: string;
  usages?: string[];
  address?: string;
  approves: string | undefined;
}

const clientSigner = "kubernetes.io/kube-apiserver-client-kubelet";
const servingSigner = "kubernetes.io/kubelet-serving";
const bootstrap = "system:bootstrap:abcdef";
const cases: Case[] = [
  {
    name: "a new node's client certificate, if RBAC agrees",
    signer: clientSigner,
    username: bootstrap,
    approves: "nodeclient",
  },
  { name: "a node's own next one, if RBAC agrees", signer: clientSigner, approves: "selfnodeclient" },
  {
    name: "nothing for usages beyond",
    signer: clientSigner,
    usages: ["client auth", "code signing"],
    approves: undefined,
  },
  { name: "no server's certificate as a client's", signer: clientSigner, request: servingRequest, approves: undefined },
  {
    name: "a kubelet's serving certificate for the address it was given",
    signer: servingSigner,
    request: servingRequest,
    usages: ["digital signature", "server auth"],
    address: "10.0.0.7",
    approves: "by its record",
  },
  {
    name: "no serving certificate for another address",
    signer: servingSigner,
    request: servingRequest,
    usages: ["server auth"],
    address: "10.0.0.8",
    approves: undefined,
  },
  {
    name: "no serving certificate that somebody else asks for",
    signer: servingSigner,
    request: servingRequest,
    username: "system:node:w2",
    usages: ["server auth"],
    address: "10.0.0.7",
    approves: undefined,
  },
];

for (const { name, request = clientRequest, signer, username = "system:node:w1", usages, address, approves } of cases) {
  Deno.test(`certificateApprover approves ${name}`, () => {
    const world = new PaperWorld();
    if (address !== undefined) {
      const data = { w1: givenText({ number: 100, address }) };
      world.put(resources.configMaps, { metadata: { namespace: "kube-system", name: "chartroom-nodes" }, data });
    }
    world.put(certificateRequests, {
      metadata: { name: "r" },
      spec: {
        request: btoa(request),
        signerName: signer,
        usages: usages ?? ["digital signature", "client auth"],
        username,
        groups: nodeGroups,
      },
    });
    const plan = planFor(certificateApprover, world);
    const [write] = plan.writes as unknown as { subresource?: string; permitted?: { subresource: string } }[];
    assertEquals(write?.subresource, approves === undefined ? undefined : "approval");
    assertEquals(write && (write.permitted?.subresource ?? "by its record"), approves);
  });
}

function planFor(controller: typeof certificateApprover, world: PaperWorld, name = "r"): Plan {
  return controller.plan(name, world, { now: world.now, suffix: () => "x" })!;
}

Deno.test("certificateSigner has signed what was approved, once, and fails what it would not sign", () => {
  const world = new PaperWorld();
  const at = new Date(world.now).toISOString();
  const put = (request: string, status: object) =>
    world.put(certificateRequests, {
      metadata: { name: "r" },
      spec: { request: btoa(request), signerName: clientSigner, usages: ["client auth"], expirationSeconds: 3600 },
      status,
    });
  const approved = { conditions: [{ type: "Approved", status: "True", lastUpdateTime: at }] };
  put(clientRequest, {});
  assertEquals(planFor(certificateSigner, world).writes, []);
  put(clientRequest, approved);
  const [write] = planFor(certificateSigner, world).writes as unknown as { certificate: object }[];
  assertEquals(write?.certificate, { request: clientRequest, usages: ["client"], validSeconds: 3600 });
  put(servingRequest, approved);
  const [failed] = planFor(certificateSigner, world).writes as unknown as {
    object: { status: { conditions: { type: string }[] } };
  }[];
  assertEquals(failed?.object.status.conditions.map(({ type }) => type), ["Approved", "Failed"]);
  put(clientRequest, { ...approved, certificate: "abc" });
  assertEquals(planFor(certificateSigner, world).writes, []);

  assertEquals(planFor(certificateCleaner, world).againAfterMs, 3_600_000);
  world.now += 3_600_000;
  assertEquals((planFor(certificateCleaner, world).writes as unknown as { type: string }[])[0]?.type, "delete");
});

const token = "abcdef.0123456789abcdef";
function secret(world: PaperWorld, more: Record<string, string> = {}): KubeObject {
  const texts = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-signing": "true",
    ...more,
  };
  const data = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, btoa(text)]));
  const metadata = { namespace: "kube-system", name: "bootstrap-token-abcdef" };
  return world.put(resources.secrets, { metadata, type: "bootstrap.kubernetes.io/token", data });
}

Deno.test("bootstrapSigner signs cluster-info with every token, and takes signatures back", () => {
  const world = new PaperWorld();
  const kubeconfig = "clusters: []";
  world.put(resources.configMaps, {
    metadata: { namespace: "kube-public", name: "cluster-info" },
    data: { kubeconfig, other: "stays" },
  });
  secret(world);
  const signer = bootstrapSigner(signDetached);
  const data = () =>
    (world.of<KubeObject & { data: Record<string, string> }>(resources.configMaps)
      .get("kube-public/cluster-info")!).data;
  assertEquals(world.reconcile(signer, "kube-public/cluster-info"), true);
  const signature = data()["jws-kubeconfig-abcdef"]!;
  assertEquals(isSignedBy(signature, kubeconfig, token), true);
  assertEquals(isSignedBy(signature, `${kubeconfig} `, token), false);
  assertEquals(isSignedBy(signature, kubeconfig, "abcdef.0123456789abcdeg"), false);
  assertEquals(isSignedBy(signature, kubeconfig, "abcdeg.0123456789abcdef"), false);
  assertEquals(world.reconcile(signer, "kube-public/cluster-info"), false);
  world.remove(resources.secrets, "kube-system/bootstrap-token-abcdef");
  assertEquals(world.reconcile(signer, "kube-public/cluster-info"), true);
  assertEquals(data(), { kubeconfig, other: "stays" });
});

Deno.test("tokenCleaner deletes a token when its time has come", () => {
  const world = new PaperWorld();
  secret(world, { expiration: new Date(world.now + 5_000).toISOString() });
  const name = "kube-system/bootstrap-token-abcdef";
  assertEquals(planFor(tokenCleaner, world, name).againAfterMs, 5_000);
  world.now += 5_000;
  assertEquals((planFor(tokenCleaner, world, name).writes as unknown as { type: string }[])[0]?.type, "delete");
});

Deno.test("readBootstrapToken reads no Secret with a foreign group, another name or a time that is none", () => {
  const world = new PaperWorld();
  assertEquals(readBootstrapToken(secret(world))?.usages, ["signing"]);
  assertEquals(readBootstrapToken(secret(world, { "auth-extra-groups": "system:masters" })), undefined);
  assertEquals(readBootstrapToken(secret(world, { "token-id": "abcdeg" })), undefined);
  assertEquals(readBootstrapToken(secret(world, { expiration: "tomorrow" })), undefined);
  assertEquals(tokenParts("abcdef.0123456789abcde"), undefined);
});

Deno.test("freeNumber gives each node a number of its own, from 100", () => {
  const data = { a: givenText({ number: 100, address: "1.2.3.4" }), c: givenText({ number: 102, address: "1.2.3.6" }) };
  assertEquals(freeNumber(data, 254), 101);
  assertEquals(freeNumber(undefined, 254), 100);
  assertEquals(freeNumber(data, 101), undefined);
  assertEquals(givenNode(data, "c"), { number: 102, address: "1.2.3.6" });
});
