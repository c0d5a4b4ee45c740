import { assertEquals, assertStringIncludes } from "@std/assert";
import { isMounted, mountsBelow } from "../../actors/node_files/mounts.ts";
import { resources } from "../../ports/api_client.ts";
import { busybox } from "./images.ts";
import { Harness, isGone, sleeper } from "./kubelet_harness.ts";

const text = async (stream: ReadableStream<Uint8Array> | undefined) => await new Response(stream ?? null).text();

async function run(harness: Harness, pod: string, script: string): Promise<string> {
  const target = { namespace: "default", pod, container: "" };
  const options = { stdin: false, stdout: true, stderr: true, tty: false };
  const process = await harness.kubelet!.streams.exec(target, ["sh", "-c", script], options);
  return (await text(process.stdout)) + (await text(process.stderr));
}

async function until(read: () => Promise<string>, wanted: string): Promise<void> {
  const end = performance.now() + 20_000;
  for (let said = await read(); said !== wanted; said = await read()) {
    if (performance.now() > end) assertEquals(said, wanted);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

Deno.test("a kubelet mounts every kind of volume it knows, keeps them fresh and unmounts them", async () => {
  await using harness = await Harness.start();
  const configMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings" },
    data: { color: "blue", "b.txt": "b" },
  };
  await harness.api.create(resources.configMaps, "default", configMap);
  await harness.api.create(resources.secrets, "default", {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "keys" },
    data: { key: btoa("secret") },
  });
  const pod = await harness.createPod("files", {
    securityContext: { fsGroup: 2000 },
    volumes: [
      { name: "cm", configMap: { name: "settings", items: [{ key: "color", path: "deep/color", mode: 0o400 }] } },
      { name: "all", configMap: { name: "settings" } },
      { name: "secret", secret: { secretName: "keys", defaultMode: 0o600 } },
      { name: "maybe", configMap: { name: "absent", optional: true } },
      { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      {
        name: "all-in-one",
        projected: {
          sources: [
            { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
            { configMap: { name: "settings", items: [{ key: "b.txt", path: "b.txt" }] } },
            { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
          ],
        },
      },
    ],
    containers: [
      sleeper("app", {
        volumeMounts: [
          { name: "cm", mountPath: "/cm" },
          { name: "all", mountPath: "/all" },
          { name: "all", mountPath: "/one/color", subPath: "color" },
          { name: "secret", mountPath: "/secret", readOnly: true },
          { name: "maybe", mountPath: "/maybe" },
          { name: "memory", mountPath: "/memory" },
          { name: "all-in-one", mountPath: "/projected" },
        ],
        env: [
          { name: "COLOR", valueFrom: { configMapKeyRef: { name: "settings", key: "color" } } },
          { name: "KEY", valueFrom: { secretKeyRef: { name: "keys", key: "key" } } },
          { name: "SAID", value: "$(COLOR)-$(KEY)-$$(X)" },
          { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          { name: "LIMIT", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
        ],
        resources: { limits: { memory: "64Mi", cpu: "500m" } },
      }),
    ],
    hostAliases: [{ ip: "1.2.3.4", hostnames: ["alias", "other"] }],
  }, { labels: { app: "files" } });
  const ready = await harness.ready("files");
  assertEquals(
    await run(harness, "files", "cat /cm/deep/color /all/b.txt /one/color /secret/key /projected/b.txt"),
    "bluebbluesecretb",
  );
  assertEquals(await run(harness, "files", "cat /projected/labels; ls /maybe | wc -l"), 'app="files"0\n');
  assertStringIncludes(await run(harness, "files", "cat /projected/token"), "token-");
  assertEquals(await run(harness, "files", "stat -L -c %a:%g /secret/key /cm/deep/color"), "640:2000\n440:2000\n");
  assertEquals(
    await run(harness, "files", 'echo "$SAID $POD_IP $LIMIT"'),
    `blue-secret-$(X) ${ready.status!.podIP} 64\n`,
  );
  assertStringIncludes(await run(harness, "files", "cat /etc/hosts"), "1.2.3.4\talias\tother\n");
  assertStringIncludes(await run(harness, "files", "cat /etc/hosts"), `${ready.status!.podIP}\tfiles\n`);
  assertStringIncludes(
    await run(harness, "files", "cat /etc/resolv.conf"),
    "search default.svc.cluster.local svc.cluster.local",
  );
  assertStringIncludes(await run(harness, "files", "cat /etc/resolv.conf"), "nameserver 10.96.0.10");
  assertEquals(await run(harness, "files", "hostname"), "files\n");
  assertEquals(
    await run(
      harness,
      "files",
      "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max",
    ),
    "67108864\n",
  );
  const secrets = `${harness.directory}/pods/${pod.metadata.uid}/volumes/kubernetes.io~secret/secret`;
  assertEquals(await isMounted(secrets), true);
  assertEquals(
    await run(harness, "files", "dd if=/dev/zero of=/memory/x bs=1M count=3 2>/dev/null; wc -c < /memory/x"),
    "1048576\n",
  );

  await harness.api.patch(resources.configMaps, "default", "settings", "merge", {
    data: { color: "green", "c.txt": "c" },
  });
  await harness.api.patch(resources.pods, "default", "files", "merge", { metadata: { labels: { app: "other" } } });
  await until(
    () => run(harness, "files", "cat /all/color; ls /all; cat /projected/labels"),
    'greenb.txt\nc.txt\ncolor\napp="other"',
  );

  await harness.deletePod("files");
  await harness.until("files", isGone);
  assertEquals(await mountsBelow(harness.directory), []);
  assertEquals(harness.faults, []);
});

Deno.test("a kubelet says which volume it cannot mount, and refuses a subPath that leads out of its volume", async () => {
  await using harness = await Harness.start();
  await harness.createPod("missing", {
    volumes: [{ name: "cm", configMap: { name: "absent" } }],
    containers: [sleeper("app", { volumeMounts: [{ name: "cm", mountPath: "/cm" }] })],
  });
  await harness.createPod("claim", {
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
    containers: [sleeper("app", { volumeMounts: [{ name: "data", mountPath: "/data" }] })],
  });
  await harness.createPod("escape", {
    volumes: [{ name: "shared", emptyDir: {} }],
    initContainers: [{
      name: "evil",
      image: busybox,
      command: ["ln", "-s", "/etc", "/shared/link"],
      volumeMounts: [{ name: "shared", mountPath: "/shared" }],
    }],
    containers: [sleeper("app", { volumeMounts: [{ name: "shared", mountPath: "/out", subPath: "link" }] })],
  });
  const said = async (pod: string, reason: string) =>
    (await harness.events(pod)).filter((event) => event.reason === reason).map(({ message }) => message)[0] ?? "";
  await until(
    () => said("missing", "FailedMount"),
    'MountVolume.SetUp failed for volume "cm" : configmap "absent" not found',
  );
  await until(
    () => said("claim", "FailedMount"),
    'MountVolume.SetUp failed for volume "data" : persistent volume claims are not supported by this kubelet yet',
  );
  await until(() => said("escape", "Failed"), 'Error: Cannot use subPath "link": it leads out of the volume');
  await harness.api.create(resources.configMaps, "default", {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "absent" },
    data: {},
  });
  await harness.ready("missing");
  assertEquals(harness.faults, []);
});
