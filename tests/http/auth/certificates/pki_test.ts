import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { parse } from "@std/yaml";
import { KubeConfig } from "@kubernetes/client-node";
import { X509Certificate } from "node:crypto";
import { keyFiles } from "../../../../http/auth/certificates/key_files.ts";
import { kubeconfig } from "../../../../http/auth/certificates/kubeconfig.ts";
import {
  clusterKeys,
  installClusterKeys,
  keptCertificate,
  type KeyFiles,
} from "../../../../http/auth/certificates/pki.ts";
import { apiServerSubject, componentSubjects, kubeletSubject } from "../../../../http/auth/certificates/subjects.ts";

const now = Date.now();
const year = 365 * 86_400_000;

function memoryFiles(): KeyFiles & { contents: Map<string, string> } {
  const contents = new Map<string, string>();
  return {
    contents,
    read: (path) => Promise.resolve(contents.get(path)),
    write: (path, content) => Promise.resolve(void contents.set(path, content)),
  };
}

Deno.test("the cluster's keys are made once, in files that only their owner reads", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const files = keyFiles(`${directory}/pki`);
    const first = await clusterKeys(files, now);
    assertEquals(await clusterKeys(files, now + year), first);
    const modes: Record<string, number> = {};
    for await (const { name } of Deno.readDir(`${directory}/pki`)) {
      modes[name] = (await Deno.stat(`${directory}/pki/${name}`)).mode! & 0o777;
    }
    assertEquals(modes["ca.key"], 0o600);
    assertEquals(new Set(Object.values(modes)), new Set([0o600]));
    assertEquals(Object.keys(modes).sort(), ["ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.key"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a joining master takes over the keys, and never those of a second cluster", async () => {
  const keys = await clusterKeys(memoryFiles(), now);
  const joining = memoryFiles();
  await installClusterKeys(joining, keys);
  assertEquals(await clusterKeys(joining, now), keys);
  await installClusterKeys(joining, keys);
  const foreign = await clusterKeys(memoryFiles(), now);
  await assertRejects(() => installClusterKeys(joining, foreign), Error, "belongs to another cluster");
});

Deno.test("an authority whose key is missing is not replaced", async () => {
  const files = memoryFiles();
  await clusterKeys(files, now);
  files.contents.delete("ca.key");
  await assertRejects(() => clusterKeys(files, now), Error, 'Cannot load the authority "ca"');
});

Deno.test("a certificate is kept while it serves, and made again when it does not", async () => {
  const files = memoryFiles();
  const { authority } = await clusterKeys(files, now);
  const subject = apiServerSubject({ addresses: ["10.9.0.1"], serviceAddress: "10.96.0.1" });
  const made = (wanted: typeof subject, at: number) => keptCertificate(files, "apiserver", authority, wanted, at);
  const first = await made(subject, now);
  const again = await made(subject, now + 300 * 86_400_000);
  assertEquals(again, first);
  const more = await made({ ...subject, ipAddresses: [...subject.ipAddresses!, "10.9.0.2"] }, now);
  assertNotEquals(more, first);
  const renewed = await made(subject, now + 340 * 86_400_000);
  assertNotEquals(renewed, more);
  const certificate = new X509Certificate(more.certificate);
  assertEquals(
    [certificate.checkHost("kubernetes.default.svc"), certificate.checkIP("10.9.0.2"), certificate.checkIP("10.9.0.3")],
    ["kubernetes.default.svc", "10.9.0.2", undefined],
  );
});

Deno.test("components and kubelets get the names and groups that the policy knows", async () => {
  const files = memoryFiles();
  const { authority } = await clusterKeys(files, now);
  const subjects: Record<string, string> = {};
  const all = { ...componentSubjects, "kubelet": kubeletSubject("n1") };
  for (const [name, subject] of Object.entries(all)) {
    const { certificate } = await keptCertificate(files, name, authority, subject, now);
    subjects[name] = new X509Certificate(certificate).subject.replaceAll("\n", ", ");
  }
  assertEquals(subjects, {
    "admin": "O=kubeadm:cluster-admins, CN=kubernetes-admin",
    "super-admin": "O=system:masters, CN=kubernetes-super-admin",
    "scheduler": "CN=system:kube-scheduler",
    "controller-manager": "CN=system:kube-controller-manager",
    "kube-proxy": "CN=system:kube-proxy",
    "apiserver-kubelet-client": "O=kubeadm:cluster-admins, CN=kube-apiserver-kubelet-client",
    "front-proxy-client": "CN=front-proxy-client",
    "kubelet": "O=system:nodes, CN=system:node:n1",
  });
});

Deno.test("a kubeconfig is one that client libraries read", async () => {
  const files = memoryFiles();
  const { authority } = await clusterKeys(files, now);
  const credentials = await keptCertificate(files, "admin", authority, componentSubjects.admin, now);
  const options = { cluster: "dev", user: "admin", server: "https://127.0.0.1:6443", authority: authority.certificate };
  const text = kubeconfig({ ...options, credentials });
  const config = new KubeConfig();
  config.loadFromString(text);
  const key = config.getCurrentUser()?.keyData;
  assertEquals([config.getCurrentContext(), config.getCurrentCluster()?.server, atob(key ?? "")], [
    "admin@dev",
    "https://127.0.0.1:6443",
    credentials.key,
  ]);
  const withToken = parse(kubeconfig({ ...options, credentials: { token: "t" } })) as { users: unknown[] };
  assertEquals(withToken.users, [{ name: "admin", user: { token: "t" } }]);
});
