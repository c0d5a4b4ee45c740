/** etcd's API of clusters that run, by etcdctl and the npm client etcd3: of one master, and of each of three. */
import { Buffer } from "node:buffer";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Etcd3 } from "etcd3";
import { etcdAddress } from "../../commands/etcd_endpoint.ts";
import { TestCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { clientsMissing } from "../support/kubectl.ts";
import { etcdctl, type EtcdPlace } from "./servers.ts";

const ignore = clientsMissing("kubectl", "helm");

/** Where master `number` of a cluster answers, and with which certificate. */
async function placeOf({ state }: TestCluster, number = 0): Promise<EtcdPlace> {
  const { index } = JSON.parse(await Deno.readTextFile(`${state}/cluster.json`)) as { index: number };
  const pki = `${state}/pki/etcd`;
  const files = { ca: `${pki}/ca.crt`, cert: `${pki}/client.crt`, key: `${pki}/client.key` };
  return { url: etcdAddress(index, number), files };
}

async function ok(place: EtcdPlace, ...args: string[]): Promise<string> {
  const { code, output, error } = await etcdctl(place, ...args);
  assertEquals([code, code === 0 ? "" : error], [0, ""], args.join(" "));
  return output;
}

/** It is served a moment after the cluster is ready. */
const served = (place: EtcdPlace) => eventually(`${place.url} answers`, () => ok(place, "get", "nothing"));

Deno.test({
  name: "up serves etcd's API for etcdctl and etcd3 with the store's certificates, and to nobody else",
  ignore,
  fn: async () => {
    await using cluster = await TestCluster.start({ nodes: 1, flags: ["--runtime", "simulated"] });
    const place = await placeOf(cluster);
    await served(place);
    assertMatch(
      await ok(place, "member", "list"),
      /^[0-9a-f]{1,16}, started, master-0, , https:\/\/127\.0\.0\.1:\d+, false$/,
    );
    assertEquals(
      await ok(place, "get", "/registry/namespaces/default", "--keys-only"),
      "/registry/namespaces/default",
    );
    assertEquals(await ok(place, "put", "/mine", "1"), "OK");
    // kubectl sees what is deleted beside it.
    await cluster.kubectl.ok("create configmap beside");
    assertEquals(await ok(place, "del", "/registry/configmaps/default/beside"), "1");
    await cluster.kubectl.ok("wait --for=delete configmap/beside --timeout=20s");

    const pem = (path: string) => Buffer.from(Deno.readTextFileSync(path));
    const client = new Etcd3({
      hosts: place.url,
      credentials: {
        rootCertificate: pem(place.files.ca),
        certChain: pem(place.files.cert),
        privateKey: pem(place.files.key),
      },
      grpcOptions: { "grpc.ssl_target_name_override": "localhost" },
    });
    assertEquals(await client.get("/mine").string(), "1");
    client.close();

    const { pki } = { pki: `${cluster.state}/pki` };
    const admin = { ...place, files: { ...place.files, cert: `${pki}/admin.crt`, key: `${pki}/admin.key` } };
    const refused = await etcdctl(admin, "--command-timeout=2s", "get", "/mine");
    assert(refused.code !== 0 && refused.output === "", "the administrator's certificate of the API was let in");
  },
});

Deno.test({
  name: "up --masters 3 serves etcd's API on every master: one store, one leader, the same hash",
  ignore,
  fn: async () => {
    await using cluster = await TestCluster.start({ nodes: 1, flags: ["--masters", "3", "--runtime", "simulated"] });
    const places = await Promise.all([0, 1, 2].map((number) => placeOf(cluster, number)));
    await Promise.all(places.map(served));
    const [first] = places as [EtcdPlace];
    const members = await eventually("all members have a vote", async () => {
      const lines = (await ok(first, "member", "list")).split("\n").map((line) => line.split(", "));
      assertEquals(lines.map(([, , , , , learner]) => learner), ["false", "false", "false"]);
      assertEquals(lines.map(([, , , , url]) => url).sort(), places.map(({ url }) => url).sort());
      return lines;
    });
    assertEquals(members.map(([, , name]) => name).sort(), ["master-0", "master-1", "master-2"]);
    for (const [at, place] of places.entries()) {
      assertEquals(await ok(place, "put", `/from/${at}`, `${at}`), "OK");
      for (const other of places) assertEquals(await ok(other, "get", `/from/${at}`, "--print-value-only"), `${at}`);
    }
    const statusOf = async (place: EtcdPlace) =>
      JSON.parse(await ok(place, "endpoint", "status", "-w", "json"))[0].Status as {
        header: { member_id: number; revision: number };
        leader: number;
      };
    const { leader, header: { revision } } = await statusOf(first);
    const hashOf = async (place: EtcdPlace) =>
      JSON.parse(await ok(place, "endpoint", "hashkv", `--rev=${revision}`, "-w", "json"))[0].HashKV.hash as number;
    const hashes = await Promise.all(places.map(hashOf));
    assertEquals(new Set(hashes).size, 1, `${hashes}`);

    const leading = await Promise.all(places.map(async (place) => (await statusOf(place)).header.member_id === leader));
    assertEquals(leading.filter((leads) => leads).length, 1);
    const target = members.find(([, , , , url]) => url === places[leading.indexOf(false)]!.url)![0]!;
    assertMatch(await ok(places[leading.indexOf(true)]!, "move-leader", target), /^Leadership transferred/);
    await eventually("the other one leads", async () => assert((await statusOf(first)).leader !== leader));
    assertEquals(await ok(first, "put", "/after", "1"), "OK");
  },
});
