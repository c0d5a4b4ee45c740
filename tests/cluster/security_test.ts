/** What the API server is told with `up` and `master`, in processes with the permissions that they really have. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TestCluster } from "../support/cluster.ts";
import { clientsMissing } from "../support/kubectl.ts";
import { eventually } from "../support/eventually.ts";
import { JoinedProcess, joinWords } from "../support/masters.ts";

const ignore = clientsMissing("kubectl", "helm");

const policy = `
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Metadata
  resources: [{ resources: [secrets] }]
- level: None
`;

Deno.test({
  name: "three masters encrypt and audit, and one that joins is handed the keys and told its own log",
  ignore,
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "chartroom-test-" });
    await Deno.writeTextFile(`${directory}/policy, of a test.yaml`, policy);
    const flags = [
      ...["--runtime", "simulated", "--masters", "3", "--secrets-encryption"],
      ...["--audit-policy-file", `${directory}/policy, of a test.yaml`, `--audit-log-path=${directory}/log/audit.log`],
    ];
    try {
      await using cluster = await TestCluster.start({ nodes: 1, flags });
      const { kubectl } = cluster;
      await kubectl.ok("create secret generic s --from-literal=password=hunter2");
      const names = (await Array.fromAsync(Deno.readDir(`${directory}/log`))).map(({ name }) => name).sort();
      assertEquals(names, ["audit.master-0.log", "audit.master-1.log", "audit.master-2.log"]);
      const log = (await Promise.all(names.map((name) => Deno.readTextFile(`${directory}/log/${name}`)))).join("");
      assertStringIncludes(log, '"requestURI":"/api/v1/namespaces/default/secrets?');
      const configuration = await Deno.readTextFile(`${cluster.state}/encryption.yaml`);
      assertMatch(configuration, /secretbox/);
      assertEquals((await Deno.stat(`${cluster.state}/encryption.yaml`)).mode! & 0o777, 0o600);

      const own = `${cluster.directory}/joined`;
      const words = await joinWords(cluster, "--master");
      const more = [
        "--audit-policy-file",
        `${directory}/policy, of a test.yaml`,
        "--audit-log-path",
        `${own}.log/a.log`,
      ];
      await using joined = new JoinedProcess([
        ...words,
        ...["--name", "fourth", "--state", own, "--runtime", "simulated"],
        ...more,
      ]);
      await eventually("it has joined", () => assertMatch(joined.said, /ready\./), { withinMs: 60_000 });
      assertEquals(await Deno.readTextFile(`${own}/encryption.yaml`), configuration);
      assertEquals((await Deno.readTextFile(`${own}/master.json`)).includes("secret"), false);
      const stored = await Array.fromAsync(Deno.readDir(`${own}/store`));
      const texts = await Promise.all(
        stored.map(async ({ name }) => new TextDecoder("latin1").decode(await Deno.readFile(`${own}/store/${name}`))),
      );
      assert(texts.join("").includes("k8s:enc:secretbox:v1:key1:"));
      for (const hidden of ["hunter2", btoa("hunter2")]) assertEquals(texts.join("").includes(hidden), false);
      // Any of the four may answer: each can read it.
      for (let attempt = 0; attempt < 12; attempt++) {
        assertEquals(atob(await kubectl.ok("get secret s -o jsonpath={.data.password}")), "hunter2");
      }
      assert((await Deno.stat(`${own}.log/a.log`)).isFile);
      assertEquals(await joined.end("SIGTERM"), 0);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "up says what is wrong with an option of the API server before anything is started",
  ignore,
  async fn() {
    const path = await Deno.makeTempFile();
    await Deno.writeTextFile(path, "apiVersion: v1\nkind: Policy");
    for (const split of [[], ["--split"]]) {
      const flags = ["--runtime", "simulated", ...split, "--audit-policy-file", path, "--audit-log-path", "/tmp/a.log"];
      const error = await TestCluster.start({ nodes: 1, flags }).then(() => undefined, (error: Error) => error);
      assertStringIncludes(
        error?.message ?? "it started",
        `Cannot use --audit-policy-file ${path}: Cannot use the audit`,
      );
    }
    await Deno.remove(path);
  },
});
