/** The npm client etcd3 does the same on Chartroom's endpoint and on Debian's etcd; strangers are let in by neither. */
import { Buffer } from "node:buffer";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Etcd3 } from "etcd3";
import { openEtcdStorage } from "../../actors/etcd/open_etcd_storage.ts";
import { realClock } from "../../actors/real/real_clock.ts";
import { realRandom } from "../../actors/real/real_random.ts";
import { StorageError } from "../../ports/storage.ts";
import { type EtcdServer, serverKinds } from "./servers.ts";

function clientOf({ url, files: { pem } }: EtcdServer): Etcd3 {
  return new Etcd3({
    hosts: url,
    credentials: {
      rootCertificate: Buffer.from(pem.ca),
      privateKey: Buffer.from(pem.key),
      certChain: Buffer.from(pem.cert),
    },
    // Deno names no addresses in the TLS greeting; the certificate has this name, too.
    grpcOptions: { "grpc.ssl_target_name_override": "localhost" },
  });
}

for (const [name, start] of Object.entries(serverKinds)) {
  Deno.test(`etcd3 on ${name} puts, compares, leases and watches`, async () => {
    const server = await start({ quick: true });
    const client = clientOf(server);
    try {
      const watcher = await client.watch().prefix("k").create();
      const seen: string[] = [];
      const two = new Promise<void>((resolve) => {
        watcher.on("put", ({ key, value }) => {
          seen.push(`${key}=${value}`);
          if (seen.length === 2) resolve();
        });
      });
      await client.put("k1").value("1");
      assertEquals(await client.get("k1").string(), "1");
      const won = await client.if("k1", "Value", "==", "1").then(client.put("k2").value("2")).commit();
      assert(won.succeeded);
      await two;
      assertEquals(seen, ["k1=1", "k2=2"]);
      await watcher.cancel();
      assertEquals(await client.getAll().prefix("k").strings(), { k1: "1", k2: "2" });
      const lease = client.lease(60);
      await lease.put("k3").value("3");
      await lease.revoke();
      assertEquals(await client.get("k3").string(), null);
    } finally {
      client.close();
      await server.close();
    }
  });

  Deno.test(`${name} lets in nobody without a certificate of its authority`, async () => {
    const server = await start({ quick: true });
    const { pem, stranger } = server.files;
    const open = (tls: { ca: string; cert?: string; key?: string }) =>
      openEtcdStorage({
        endpoints: [new URL(server.url).host],
        tls,
        timeoutMs: 1_500,
        clock: realClock,
        random: realRandom,
      });
    try {
      for (const tls of [{ ca: pem.ca }, { ca: pem.ca, cert: stranger.certificate, key: stranger.key }]) {
        const error = await assertRejects(() => open(tls), StorageError);
        assertEquals(error.code, "unavailable");
      }
      // And the client lets in no server of another authority.
      await assertRejects(() => open({ ...pem, ca: stranger.certificate }), StorageError);
    } finally {
      await server.close();
    }
  });
}
