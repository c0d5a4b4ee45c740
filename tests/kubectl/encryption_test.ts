/** Secrets encrypted at rest, their keys changed, as an administrator does it with kubectl; what is on the disk is looked at. */
import { assert, assertEquals } from "@std/assert";
import { type ApiCluster, startApiCluster } from "../support/api_cluster.ts";
import { eventually } from "../support/eventually.ts";
import { clientsMissing } from "../support/kubectl.ts";

const secret = (fill: number) => btoa(String.fromCharCode(...new Uint8Array(32).fill(fill)));
const provider = (cipher: string, name: string, fill: number) => ({
  [cipher]: { keys: [{ name, secret: secret(fill) }] },
});

async function configure(directory: string, ...providers: object[]): Promise<string> {
  const path = `${directory}/encryption.json`;
  const configuration = {
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "EncryptionConfiguration",
    resources: [{ resources: ["secrets", "pandas.example.org"], providers }],
  };
  await Deno.writeTextFile(path, JSON.stringify(configuration));
  return path;
}

/** Everything that the store has ever written. */
async function onDisk({ directory }: ApiCluster): Promise<string> {
  const texts: string[] = [];
  for await (const { name } of Deno.readDir(`${directory}/state/store`)) {
    texts.push(new TextDecoder("latin1").decode(await Deno.readFile(`${directory}/state/store/${name}`)));
  }
  return texts.join("");
}

Deno.test({
  name: "secrets are encrypted at rest, their key is changed while the cluster runs, and all stay readable",
  ignore: clientsMissing("kubectl"),
  async fn() {
    const changes: string[] = [];
    const cluster = await startApiCluster(
      async (directory) => ({ encryptionProviderConfig: await configure(directory, provider("aescbc", "key1", 1)) }),
      (problem) => / has changed/.test(problem) && changes.push(problem) > 0,
    );
    try {
      const { kubectl, directory } = cluster;
      const password = "correct-horse-battery-staple";
      await kubectl.ok(`create secret generic s --from-literal=password=${password}`);
      await kubectl.ok(`create configmap c --from-literal=colour=visible-on-purpose`);
      const definition = {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "pandas.example.org" },
        spec: {
          group: "example.org",
          scope: "Namespaced",
          names: { plural: "pandas", kind: "Panda" },
          versions: [{
            name: "v1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          }],
        },
      };
      await kubectl.ok("apply -f -", { input: JSON.stringify(definition) });
      await kubectl.ok("wait --for=condition=Established crd/pandas.example.org --timeout=20s");
      const panda = { apiVersion: "example.org/v1", kind: "Panda", metadata: { name: "p" }, diet: "hidden-bamboo" };
      await eventually("pandas are served", () => kubectl.ok("apply -f -", { input: JSON.stringify(panda) }));
      const first = await onDisk(cluster);
      for (const hidden of [password, btoa(password), "hidden-bamboo"]) assertEquals(first.includes(hidden), false);
      assert(first.includes("visible-on-purpose") && first.includes("k8s:enc:aescbc:v1:key1:"));

      await configure(directory, provider("secretbox", "key2", 2), provider("aescbc", "key1", 1));
      await eventually("the change is seen", () => assertEquals(changes.length, 1));
      const all = await kubectl.ok("get secrets -A -o json");
      await kubectl.ok("replace -f -", { input: all });
      const kept = (text: string, key: string) => text.split(`k8s:enc:${key}:`).length - 1;
      assertEquals(kept(await onDisk(cluster), "secretbox:v1:key2"), JSON.parse(all).items.length);

      await configure(directory, provider("secretbox", "key2", 2));
      await eventually("the change is seen", () => assertEquals(changes.length, 2));
      const read = await kubectl.ok("get secret s -o jsonpath={.data.password}");
      assertEquals(atob(read), password);
      await kubectl.ok("label secret s rotated=yes");
      assertEquals((await onDisk(cluster)).includes(btoa(password)), false);
    } finally {
      await cluster[Symbol.asyncDispose]();
    }
  },
});
