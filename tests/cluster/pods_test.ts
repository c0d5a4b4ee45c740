/** Pods of every sort, with stock kubectl: what a kubelet promises, seen from outside. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { busybox } from "../docker/images.ts";
import { clusterSuite } from "../support/cluster_suite.ts";
import { eventually } from "../support/eventually.ts";
import { type Client, manifest, Running } from "../support/kubectl.ts";

const test = clusterSuite("pods");

interface Container {
  name?: string;
  command?: string[];
  [field: string]: unknown;
}

/** A pod whose containers run shell scripts. */
function pod(name: string, script: string, more: Container = {}, spec: Record<string, unknown> = {}): string {
  const container = (each: Container, source: string) => ({
    name: "main",
    image: busybox,
    command: ["sh", "-c", source],
    ...each,
  });
  return manifest({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 1, containers: [container(more, script)], ...spec },
  });
}

const forever = "while true; do sleep 1000 & wait $!; done";

async function run(kubectl: Client, input: string, until = "condition=Ready"): Promise<void> {
  const name = (JSON.parse(input) as { metadata: { name: string } }).metadata.name;
  await kubectl.ok("apply -f -", { input });
  await kubectl.ok(["wait", `--for=${until}`, `pod/${name}`, "--timeout=40s"]);
}

/** Runs a shell command in a container. */
const shell = (kubectl: Client, name: string, script: string, ...flags: string[]) =>
  kubectl.ok(["exec", ...flags, name, "--", "sh", "-c", script]);

test("kubectl logs follows, cuts, dates and tells containers apart", async ({ kubectl }) => {
  const counting = "i=0; while [ $i -lt 5 ]; do echo line $i; i=$((i+1)); done; trap 'echo bye; exit' TERM; ";
  await run(
    kubectl,
    pod("talker", "", {}, {
      containers: [
        { name: "first", image: busybox, command: ["sh", "-c", `${counting}${forever}`] },
        { name: "second", image: busybox, command: ["sh", "-c", `echo of the second; ${forever}`] },
      ],
    }),
  );
  assertEquals(await kubectl.ok("logs talker -c first"), "line 0\nline 1\nline 2\nline 3\nline 4");
  assertEquals(await kubectl.ok("logs talker -c first --tail=2"), "line 3\nline 4");
  assertEquals(await kubectl.ok("logs talker -c second"), "of the second");
  assertEquals(await kubectl.ok("logs talker -c first --limit-bytes=6"), "line 0");
  const dated = await kubectl.ok("logs talker -c first --timestamps --since=1h");
  for (const line of dated.split("\n")) assertMatch(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z line \d$/);
  // kubectl cuts the time to seconds.
  const later = new Date(Date.now() + 2_000).toISOString();
  assertEquals(await kubectl.ok(["logs", "talker", "-c", "first", `--since-time=${later}`]), "");
  assertStringIncludes(await kubectl.ok("logs talker --all-containers"), "of the second");
  assertStringIncludes(await kubectl.ok("logs talker"), "line 0");
  assertMatch(await kubectl.fails("logs talker -c third"), /container third is not valid for pod talker/);
  assertMatch(
    await kubectl.fails("logs talker -c first --previous"),
    /previous terminated container "first" in pod "talker" not found/,
  );
  await using follow = new Running(kubectl.command(["logs", "-f", "talker", "-c", "first", "--tail=1"]));
  await follow.says("line 4");
  await kubectl.ok("delete pod talker");
  const { code, out } = await follow.ended();
  assertEquals([code, out], [0, "line 4\nbye\n"]);
});

test("kubectl exec passes streams, exit codes and terminals", async ({ kubectl, cluster }) => {
  await run(kubectl, pod("box", forever));
  assertEquals(await kubectl.ok("exec box -- echo a b"), "a b");
  assertEquals(await kubectl.ok("exec -i box -- cat", { input: "through the container\n" }), "through the container");
  const big = "0123456789abcdef".repeat(65_536);
  assertEquals((await kubectl.ok("exec -i box -- cat", { input: big })).length, big.length);
  const both = await kubectl.run(["exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 3"]);
  assertEquals(both, { code: 3, out: "out\n", error: "err\ncommand terminated with exit code 3\n" });
  const missing = await kubectl.run(["exec", "box", "--", "nothing"]);
  assertMatch(missing.out + missing.error, /exec: "nothing": executable file not found in \$PATH/);
  assertMatch(await kubectl.fails("exec nobody -- true"), /pods "nobody" not found/);
  assertMatch(await kubectl.fails("exec box -c none -- true"), /container none? ?(is )?not (found|valid)/);
  const inTerminal = [
    cluster.kubectl.program,
    ...kubectl.fixed,
    "exec",
    "-it",
    "box",
    "--",
    "sh",
    "-c",
    "stty -a 2>&1; tty; test -t 0 && echo a terminal",
  ];
  const { stdout } = await new Deno.Command("script", {
    args: ["-qec", inTerminal.map((word) => `'${word}'`).join(" "), "/dev/null"],
    env: cluster.kubectl.env,
    stdin: "null",
  }).output();
  assertStringIncludes(new TextDecoder().decode(stdout), "a terminal");
});

test("kubectl attach joins the container's own streams", async ({ kubectl }) => {
  await run(
    kubectl,
    pod("echo", "while read line; do echo got $line; [ $line = end ] && exit; done", { stdin: true, stdinOnce: true }, {
      restartPolicy: "Never",
    }),
  );
  const { out, error } = await kubectl.run(["attach", "-i", "echo"], { input: "one\ntwo\nend\n" });
  assertStringIncludes(out, "got one\ngot two\ngot end\n", error);
  await kubectl.ok("wait --for=jsonpath={.status.phase}=Succeeded pod/echo --timeout=20s");
});

test("kubectl run -i --rm runs a command and leaves nothing", async ({ kubectl }) => {
  const args = ["run", "once", "-i", "--rm", "--restart=Never", `--image=${busybox}`, "--quiet", "--", "cat"];
  const { code, out, error } = await kubectl.run(args, { input: "hello from here\n" });
  assertEquals(code, 0, error);
  assertStringIncludes(out, "hello from here");
  assertEquals(await kubectl.ok("get pods -o name"), "");
});

test("kubectl cp copies files and folders both ways", async ({ kubectl, cluster }) => {
  // kubectl runs the container's `tar`.
  await run(kubectl, pod("files", forever));
  const folder = `${cluster.directory}/copied`;
  await Deno.mkdir(`${folder}/in/deep`, { recursive: true });
  const bytes = crypto.getRandomValues(new Uint8Array(50_000));
  await Deno.writeFile(`${folder}/in/deep/bytes`, bytes);
  await Deno.writeTextFile(`${folder}/in/text`, "text\n");
  await kubectl.ok(["cp", `${folder}/in`, "files:/tmp/there"]);
  assertEquals(await shell(kubectl, "files", "cat /tmp/there/text; wc -c < /tmp/there/deep/bytes"), "text\n50000");
  await kubectl.ok(["cp", "files:/tmp/there", `${folder}/back`]);
  assertEquals(await Deno.readFile(`${folder}/back/deep/bytes`), bytes);
  await kubectl.ok(["cp", "files:/tmp/there/text", `${folder}/text`]);
  assertEquals(await Deno.readTextFile(`${folder}/text`), "text\n");
});

test("init containers run in order before the others, sidecars beside them", async ({ kubectl }) => {
  const mounts = [{ name: "shared", mountPath: "/shared" }];
  const init = (name: string, script: string, more = {}) => ({
    name,
    image: busybox,
    command: ["sh", "-c", script],
    volumeMounts: mounts,
    ...more,
  });
  await run(
    kubectl,
    pod("ordered", `cat /shared/order; ${forever}`, { volumeMounts: mounts }, {
      volumes: [{ name: "shared", emptyDir: {} }],
      initContainers: [
        init("one", "echo one >> /shared/order"),
        init("side", `echo side >> /shared/order; ${forever}`, {
          restartPolicy: "Always",
          startupProbe: { exec: { command: ["grep", "side", "/shared/order"] }, periodSeconds: 1 },
        }),
        init("two", "echo two >> /shared/order"),
      ],
    }),
  );
  assertEquals(await kubectl.ok("logs ordered -c main"), "one\nside\ntwo");
  assertMatch(await kubectl.ok("get pod ordered --no-headers"), /^ordered\s+2\/2\s+Running\s+0/);
});

test("a failing init container keeps its pod from starting, and says so", async ({ kubectl }) => {
  await kubectl.ok("apply -f -", {
    input: pod("stuck", forever, {}, {
      initContainers: [{ name: "no", image: busybox, command: ["sh", "-c", "echo cannot; exit 7"] }],
    }),
  });
  await kubectl.ok([
    "wait",
    "--for=jsonpath={.status.initContainerStatuses[0].lastState.terminated.exitCode}=7",
    "pod/stuck",
    "--timeout=30s",
  ]);
  await kubectl.ok([
    "wait",
    "--for=jsonpath={.status.initContainerStatuses[0].state.waiting.reason}=CrashLoopBackOff",
    "pod/stuck",
    "--timeout=30s",
  ]);
  assertMatch(await kubectl.ok("get pod stuck --no-headers"), /^stuck\s+0\/1\s+Init:CrashLoopBackOff/);
  assertEquals(await kubectl.ok("logs stuck -c no"), "cannot");
});

test("a crashing container is backed off from, and its last words stay readable", async ({ kubectl }) => {
  await kubectl.ok("apply -f -", {
    input: pod("crash", "echo last words; echo because > /dev/termination-log; exit 5"),
  });
  await kubectl.ok(
    "wait --for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff pod/crash --timeout=30s",
  );
  assertMatch(await kubectl.ok("get pod crash --no-headers"), /^crash\s+0\/1\s+CrashLoopBackOff\s+[1-9]/);
  assertEquals(await kubectl.ok("logs crash --previous"), "last words");
  const described = await kubectl.ok("describe pod crash");
  assertMatch(described, /Last State:\s+Terminated\s+Reason:\s+Error\s+Message:\s+because\s+Exit Code:\s+5/);
  assertMatch(described, /Warning\s+BackOff\s+.*Back-off restarting failed container main in pod crash_/);
});

test("a pod that ends well is Completed under OnFailure and not run again", async ({ kubectl }) => {
  await run(
    kubectl,
    pod("done", "echo did it", {}, { restartPolicy: "OnFailure" }),
    "jsonpath={.status.phase}=Succeeded",
  );
  assertMatch(await kubectl.ok("get pod done --no-headers"), /^done\s+0\/1\s+Completed\s+0/);
  assertEquals(await kubectl.ok("logs done"), "did it");
  await run(kubectl, pod("failed", "exit 9", {}, { restartPolicy: "Never" }), "jsonpath={.status.phase}=Failed");
  assertMatch(await kubectl.ok("get pod failed --no-headers"), /^failed\s+0\/1\s+Error\s+0/);
});

test("probes decide readiness, restarts and start-up", async ({ kubectl }) => {
  const every = { periodSeconds: 1, failureThreshold: 1 };
  await kubectl.ok("apply -f -", {
    input: pod("probed", `touch /tmp/alive; httpd -f -p 8080 -h /tmp & ${forever}`, {
      ports: [{ containerPort: 8080 }],
      startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 20 },
      readinessProbe: { httpGet: { path: "/ready", port: 8080 }, ...every },
      livenessProbe: { exec: { command: ["cat", "/tmp/alive"] }, ...every },
    }),
  });
  await kubectl.ok("wait --for=jsonpath={.status.containerStatuses[0].started}=true pod/probed --timeout=30s");
  assertMatch(await kubectl.ok("get pod probed --no-headers"), /^probed\s+0\/1\s+Running/);
  await shell(kubectl, "probed", "touch /tmp/ready");
  await kubectl.ok("wait --for=condition=Ready pod/probed --timeout=30s");
  await shell(kubectl, "probed", "rm /tmp/ready");
  await kubectl.ok("wait --for=condition=Ready=false pod/probed --timeout=30s");
  await shell(kubectl, "probed", "rm /tmp/alive");
  await kubectl.ok("wait --for=jsonpath={.status.containerStatuses[0].restartCount}=1 pod/probed --timeout=30s");
  const events = await kubectl.ok("describe pod probed");
  assertMatch(events, /Warning\s+Unhealthy\s+.*Readiness probe failed: HTTP probe failed with statuscode: 404/);
  assertMatch(events, /Warning\s+Unhealthy\s+.*Liveness probe failed: cat: can't open '\/tmp\/alive'/);
  assertMatch(events, /Normal\s+Killing\s+.*Container main failed liveness probe, will be restarted/);
});

test("environment comes from values, ConfigMaps, Secrets, fields and resources", async ({ kubectl }) => {
  await kubectl.ok("create configmap settings --from-literal=MODE=fast --from-literal=LEVEL=3");
  await kubectl.ok("create secret generic keys --from-literal=TOKEN=t0p");
  const from = (kind: string, ref: unknown) => ({ valueFrom: { [kind]: ref } });
  await run(
    kubectl,
    pod("env", `env | sort; ${forever}`, {
      resources: { limits: { memory: "64Mi", cpu: "500m" }, requests: { cpu: "10m" } },
      envFrom: [{ configMapRef: { name: "settings" } }, { prefix: "S_", secretRef: { name: "keys" } }],
      env: [
        { name: "PLAIN", value: "p" },
        { name: "COMPOSED", value: "$(PLAIN)-$(MODE)-$$(X)" },
        { name: "ONE", ...from("configMapKeyRef", { name: "settings", key: "LEVEL" }) },
        { name: "MAYBE", ...from("secretKeyRef", { name: "absent", key: "x", optional: true }) },
        { name: "NAME", ...from("fieldRef", { fieldPath: "metadata.name" }) },
        { name: "LABEL", ...from("fieldRef", { fieldPath: "metadata.labels['app']" }) },
        { name: "IP", ...from("fieldRef", { fieldPath: "status.podIP" }) },
        { name: "HOST", ...from("fieldRef", { fieldPath: "status.hostIP" }) },
        { name: "SA", ...from("fieldRef", { fieldPath: "spec.serviceAccountName" }) },
        { name: "MEMORY", ...from("resourceFieldRef", { resource: "limits.memory", divisor: "1Mi" }) },
        { name: "CPU", ...from("resourceFieldRef", { resource: "limits.cpu" }) },
      ],
    }),
  );
  const env = Object.fromEntries((await kubectl.ok("logs env")).split("\n").map((line) => line.split(/=(.*)/, 2)));
  const ip = await kubectl.ok("get pod env -o jsonpath={.status.podIP}");
  const expected = {
    MODE: "fast",
    LEVEL: "3",
    S_TOKEN: "t0p",
    PLAIN: "p",
    COMPOSED: "p-fast-$(X)",
    ONE: "3",
    NAME: "env",
    LABEL: "env",
    IP: ip,
    HOST: await kubectl.ok("get pod env -o jsonpath={.status.hostIP}"),
    SA: "default",
    MEMORY: "64",
    CPU: "1",
    HOSTNAME: "env",
  };
  assertEquals(Object.fromEntries(Object.keys(expected).map((name) => [name, env[name]])), expected);
  assertEquals(env["MAYBE"], undefined);
  assertMatch(env["KUBERNETES_SERVICE_HOST"] ?? "", /^10\./);
});

test("a missing ConfigMap or image keeps a container waiting, until it is there", async ({ kubectl }) => {
  await kubectl.ok("apply -f -", {
    input: pod("waits", `echo $V; ${forever}`, {
      env: [{ name: "V", valueFrom: { configMapKeyRef: { name: "later", key: "v" } } }],
    }),
  });
  await kubectl.ok(
    "wait --for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CreateContainerConfigError pod/waits --timeout=20s",
  );
  await kubectl.ok("create configmap later --from-literal=v=came");
  await kubectl.ok("wait --for=condition=Ready pod/waits --timeout=40s");
  assertEquals(await kubectl.ok("logs waits"), "came");
  await kubectl.ok(["run", "never", "--image=chartroom-test/absent:1", "--image-pull-policy=Never"]);
  await kubectl.ok(
    "wait --for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ErrImageNeverPull pod/never --timeout=20s",
  );
  await kubectl.ok(["run", "pulls", "--image=127.0.0.1:1/absent:1"]);
  await eventually("the pull has failed", async () => {
    assertMatch(await kubectl.ok("get pod pulls --no-headers"), /ErrImagePull|ImagePullBackOff/);
  });
});

test("volumes: ConfigMap items and modes, Secrets in memory, downward API, hostPath, emptyDir, subPath", async ({ kubectl, cluster }) => {
  await kubectl.ok("create configmap c --from-literal=a=1 --from-literal=b=2");
  await kubectl.ok("create secret generic s --from-literal=k=secret");
  const host = `${cluster.directory}/host`;
  await Deno.mkdir(host);
  await Deno.writeTextFile(`${host}/from-host`, "here\n");
  const mount = (name: string, more = {}) => ({ name, mountPath: `/v/${name}`, ...more });
  await run(
    kubectl,
    pod("volumes", forever, {
      volumeMounts: [
        mount("config"),
        mount("secret", { readOnly: true }),
        mount("down"),
        mount("host"),
        mount("made"),
        mount("proc", { readOnly: true }),
        mount("memory"),
        mount("disk"),
        { name: "config", mountPath: "/v/one-file", subPath: "dir/x" },
      ],
    }, {
      securityContext: { fsGroup: 1234 },
      volumes: [
        { name: "config", configMap: { name: "c", items: [{ key: "a", path: "dir/x", mode: 0o400 }] } },
        { name: "secret", secret: { secretName: "s", defaultMode: 0o440 } },
        {
          name: "down",
          downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] },
        },
        { name: "host", hostPath: { path: host, type: "Directory" } },
        { name: "made", hostPath: { path: `${cluster.directory}/made/by/kubelet`, type: "DirectoryOrCreate" } },
        { name: "proc", hostPath: { path: "/proc" } },
        { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
        { name: "disk", emptyDir: {} },
      ],
    }),
  );
  const see = (script: string) => shell(kubectl, "volumes", script);
  assertEquals(await see("cat /v/config/dir/x; ls /v/config; cat /v/one-file"), "1dir\n1");
  assertEquals(await see("cat /v/secret/k; stat -L -c ' %a %g' /v/secret/k"), "secret 440 1234");
  assertEquals(await see("touch /v/secret/x 2>&1 || true"), "touch: /v/secret/x: Read-only file system");
  assertEquals(await see("cat /v/down/labels"), 'app="volumes"');
  assertEquals(await see("cat /v/host/from-host; echo back > /v/host/from-pod"), "here");
  assertEquals(await Deno.readTextFile(`${host}/from-pod`), "back\n");
  assert((await Deno.stat(`${cluster.directory}/made/by/kubelet`)).isDirectory);
  assertEquals(await see("head -c 5 /v/proc/version"), "Linux");
  assertMatch(await see("grep ' /v/memory ' /proc/mounts"), /^tmpfs \/v\/memory tmpfs .*size=1024k/);
  assertMatch(await see("grep ' /v/secret ' /proc/mounts"), /^tmpfs /);
  assertEquals(await see("echo x > /v/disk/f; cat /v/disk/f; stat -c %g /v/disk"), "x\n1234");
  await kubectl.ok("delete pod volumes");
  assertEquals(
    (await Deno.readTextFile("/proc/mounts")).split("\n").filter((line) =>
      line.includes(`${cluster.state}/nodes/`) && line.includes("secret")
    ),
    [],
  );
});

test("a pod's service account token works against the API", async ({ kubectl, namespace, cluster }) => {
  await kubectl.ok("create serviceaccount reader");
  await kubectl.ok(["create", "rolebinding", "reader", "--clusterrole=view", `--serviceaccount=${namespace}:reader`]);
  await run(kubectl, pod("caller", forever, {}, { serviceAccountName: "reader" }));
  const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
  assertEquals(await shell(kubectl, "caller", `cat ${folder}/namespace`), namespace);
  const authority = await shell(kubectl, "caller", `cat ${folder}/ca.crt`);
  const token = await shell(kubectl, "caller", `cat ${folder}/token`);
  const address = await shell(kubectl, "caller", "echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT");
  using client = Deno.createHttpClient({ caCerts: [authority] });
  // By the service's address, as a pod reaches it, and with the certificate that a pod checks.
  const get = (path: string) =>
    fetch(`https://${address}${path}`, { client, headers: { authorization: `Bearer ${token}` } });
  const pods = await get(`/api/v1/namespaces/${namespace}/pods`);
  assertEquals([pods.status, (await pods.json()).items.length], [200, 1]);
  const secrets = await get(`/api/v1/namespaces/${namespace}/secrets`);
  assertEquals([secrets.status, (await secrets.json()).reason], [403, "Forbidden"]);
  assertEquals(await shell(kubectl, "caller", "nc -w 3 kubernetes.default 443 </dev/null && echo open"), "open");
  assertStringIncludes(await cluster.kubectl.ok("get endpointslices kubernetes"), "6");
});

test("preStop and postStart hooks run, and the grace period ends what will not end", async ({ kubectl, cluster }) => {
  const folder = `${cluster.directory}/hooks`;
  await Deno.mkdir(folder);
  const volumes = [{ name: "out", hostPath: { path: folder } }];
  await run(
    kubectl,
    pod("hooks", forever, {
      volumeMounts: [{ name: "out", mountPath: "/out" }],
      lifecycle: {
        postStart: { exec: { command: ["sh", "-c", "echo started >> /out/log"] } },
        preStop: { exec: { command: ["sh", "-c", "echo stopping >> /out/log"] } },
      },
    }, { volumes, terminationGracePeriodSeconds: 2 }),
  );
  await kubectl.ok("delete pod hooks --timeout=30s");
  assertEquals(await Deno.readTextFile(`${folder}/log`), "started\nstopping\n");
  await run(kubectl, pod("deaf", "trap '' TERM; while true; do sleep 1; done"));
  const begun = performance.now();
  await kubectl.ok("delete pod deaf --grace-period=1 --timeout=30s");
  assert(performance.now() - begun < 10_000);
});

test("memory over the limit is OOMKilled, and other limits are the cgroup's", async ({ kubectl }) => {
  await run(
    kubectl,
    pod("greedy", "exec tail /dev/zero", { resources: { limits: { memory: "16Mi", cpu: "250m" } } }, {
      restartPolicy: "Never",
    }),
    "jsonpath={.status.phase}=Failed",
  );
  assertEquals(
    await kubectl.ok("get pod greedy -o jsonpath={.status.containerStatuses[0].state.terminated.reason}"),
    "OOMKilled",
  );
});

test("security context: user, read-only root, capabilities, host namespaces", async ({ kubectl }) => {
  await run(
    kubectl,
    pod("secure", forever, {
      securityContext: { runAsUser: 1000, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
    }, { hostNetwork: true, hostPID: true }),
  );
  assertEquals(await shell(kubectl, "secure", "id -u"), "1000");
  assertMatch(await shell(kubectl, "secure", "touch /x 2>&1 || true"), /Read-only file system/);
  assertMatch(await shell(kubectl, "secure", "grep CapEff /proc/self/status"), /CapEff:\s+0+$/);
  const address = await kubectl.ok("get pod secure -o jsonpath={.status.podIP},{.status.hostIP}");
  assertEquals(address.split(",")[0], address.split(",")[1]);
});

test("kubectl debug adds a container to a running pod; top says that there are no metrics", async ({ kubectl }) => {
  await run(kubectl, pod("target", forever));
  await kubectl.ok([
    "debug",
    "target",
    "-c",
    "extra",
    `--image=${busybox}`,
    "--",
    "sh",
    "-c",
    "echo looking; hostname",
  ]);
  await eventually("the added container has run", async () => {
    assertEquals(await kubectl.ok("logs target -c extra"), "looking\ntarget");
  });
  assertMatch(await kubectl.ok("get pod target --no-headers"), /^target\s+1\/1\s+Running\s+0/);
  assertMatch(await kubectl.fails("top pod"), /Metrics API not available/);
});
