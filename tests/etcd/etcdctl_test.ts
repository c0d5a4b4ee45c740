/** What etcdctl does and prints, the same on Chartroom's endpoint and on Debian's etcd. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { etcdctl, etcdctlCommand, etcdctlWith, type EtcdPlace, type EtcdServer, serverKinds } from "./servers.ts";

async function ok(server: EtcdPlace, ...args: string[]): Promise<string> {
  const { code, output, error } = await etcdctl(server, ...args);
  assertEquals([code, code === 0 ? "" : error], [0, ""], args.join(" "));
  return output;
}

/** etcd's own words, out of what etcdctl says around them. */
async function refused(server: EtcdPlace, ...args: string[]): Promise<string> {
  const { code, error } = await etcdctl(server, ...args);
  assert(code !== 0, `${args.join(" ")} was not refused`);
  return error.split("\n").at(-1)!.replace(/^Error: /, "");
}

/** The first lines that a watch prints. */
async function watchLines(server: EtcdServer, count: number, ...args: string[]): Promise<string[]> {
  const child = etcdctlCommand(server, ["watch", ...args]).spawn();
  let text = "";
  try {
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (text.split("\n").length > count) break;
    }
  } finally {
    child.kill("SIGKILL");
    await child.stderr.cancel();
    await child.status;
  }
  return text.split("\n").slice(0, count);
}

const stories: Record<string, (server: EtcdServer) => Promise<void>> = {
  "puts, gets and deletes": async (server) => {
    assertEquals(await ok(server, "put", "/a", "1"), "OK");
    assertEquals(await ok(server, "put", "/a", "2", "--prev-kv"), "OK\n/a\n1");
    assertEquals(await ok(server, "put", "/a", "--ignore-value"), "OK");
    assertEquals(await ok(server, "get", "/a", "--print-value-only"), "2");
    assertEquals(await ok(server, "get", "/a", "--rev=2", "--print-value-only"), "1");
    assertEquals(await refused(server, "put", "/none", "--ignore-value"), "etcdserver: key not found");
    assertEquals(
      await refused(server, "get", "/a", "--rev=99"),
      "etcdserver: mvcc: required revision is a future revision",
    );
    assertEquals(await ok(server, "del", "/a", "--prev-kv"), "1\n/a\n2");
    assertEquals(await ok(server, "del", "/a"), "0");
  },

  "sorts and limits by every target": async (server) => {
    for (const [key, value] of [["/s/b", "1"], ["/s/a", "3"], ["/s/c", "2"], ["/s/b", "0"]]) {
      await ok(server, "put", key!, value!);
    }
    const keys = (...args: string[]) =>
      ok(server, "get", "/s/", "--prefix", "--keys-only", ...args)
        .then((output) => output.split("\n").filter((line) => line !== "").join(" "));
    assertEquals(await keys(), "/s/a /s/b /s/c");
    assertEquals(await keys("--order=DESCEND", "--limit=2"), "/s/c /s/b");
    assertEquals(await keys("--sort-by=CREATE"), "/s/b /s/a /s/c");
    assertEquals(await keys("--sort-by=MODIFY", "--order=DESCEND"), "/s/b /s/c /s/a");
    assertEquals(await keys("--sort-by=VERSION", "--order=DESCEND", "--limit=1"), "/s/b");
    assertEquals(await keys("--sort-by=VALUE"), "/s/b /s/c /s/a");
    assertEquals(JSON.parse(await ok(server, "get", "/s/", "--prefix", "--limit=1", "-w", "json")).count, 3);
  },

  "compares and takes a branch": async (server) => {
    await ok(server, "put", "/t", "1");
    const txn = async (input: string) => {
      const { code, output, error } = await etcdctlWith(server, input, "txn");
      return code === 0 ? output.split("\n").filter((line) => line !== "").join(" ") : error.split("\n").at(-1);
    };
    assertEquals(await txn(`value("/t") = "1"\n\nput /t 2\nget /t\n\nget /none\n\n`), "SUCCESS OK /t 2");
    assertEquals(await txn(`version("/t") < "2"\n\nput /t 3\n\nget /t\n\n`), "FAILURE /t 2");
    const twice = await txn(`version("/t") > "0"\n\nput /t 3\nput /t 4\n\n\n`);
    assertEquals(twice, "Error: etcdserver: duplicate key given in txn request");
  },

  "grants, lists and revokes leases": async (server) => {
    const id = (await ok(server, "lease", "grant", "60")).split(" ")[1]!;
    await ok(server, "put", "/leased", "1", `--lease=${id}`);
    assert((await ok(server, "lease", "list")).includes(id));
    const left = await ok(server, "lease", "timetolive", id, "--keys");
    assert(/granted with TTL\(60s\), remaining\((59|60)s\), attached keys\(\[\/leased\]\)/.test(left), left);
    assert((await ok(server, "lease", "keep-alive", "--once", id)).includes("keepalived with TTL(60)"));
    await ok(server, "lease", "revoke", id);
    assertEquals(await ok(server, "get", "/leased"), "");
    assertEquals(
      await refused(server, "lease", "revoke", id),
      "failed to revoke lease (etcdserver: requested lease not found)",
    );
    assertEquals(await refused(server, "put", "/a", "1", "--lease=7"), "etcdserver: requested lease not found");
  },

  "watches from a revision and stops at what is compacted": async (server) => {
    await ok(server, "put", "/w", "1");
    const { header } = JSON.parse(await ok(server, "get", "/w", "-w", "json"));
    await ok(server, "put", "/w", "2");
    await ok(server, "del", "/w");
    const from = `--rev=${header.revision}`;
    assertEquals(await watchLines(server, 11, "/w", from, "--prev-kv"), [
      ...["PUT", "/w", "1", "PUT", "/w", "1", "/w", "2", "DELETE", "/w", "2"],
    ]);
    await ok(server, "compaction", String(header.revision + 2));
    const late = await etcdctl(server, "watch", "/w", from);
    const canceled = "watch was canceled (etcdserver: mvcc: required revision has been compacted)";
    assert(late.code !== 0 && `${late.output}${late.error}`.includes(canceled), late.error);
  },

  "compacts, hashes, reports its status and members": async (server) => {
    for (const value of ["1", "2", "3"]) await ok(server, "put", "/c", value);
    const { header } = JSON.parse(await ok(server, "get", "/c", "-w", "json"));
    assertEquals(
      await ok(server, "compaction", "--physical", String(header.revision)),
      `compacted revision ${header.revision}`,
    );
    const compacted = "etcdserver: mvcc: required revision has been compacted";
    assertEquals(await refused(server, "compaction", String(header.revision)), compacted);
    assertEquals(await refused(server, "get", "/c", "--rev=2"), compacted);
    const [hashed] = JSON.parse(await ok(server, "endpoint", "hashkv", "-w", "json"));
    assert(hashed.HashKV.hash > 0 && hashed.HashKV.compact_revision === header.revision);
    const statusOf = async (place: EtcdPlace) =>
      JSON.parse(await ok(place, "endpoint", "status", "-w", "json"))[0].Status as {
        leader: number;
        header: { member_id: number };
      };
    const { leader, header: { member_id: leading } } = await statusOf(server.leader);
    assertEquals([leading, (await statusOf(server)).leader], [leader, leader]);
    const members = (await ok(server, "member", "list")).split("\n");
    assertEquals(members.length, server.all.length);
    for (const line of members) {
      assertMatch(line, /^[0-9a-f]{1,16}, started, \w+, .*https:\/\/127\.0\.0\.1:\d+, false$/);
    }
    assert((await refused(server.leader, "move-leader", "123")).includes("etcdserver: bad leader transferee"));
    assert((await refused(server, "member", "remove", "123")).includes("etcdserver: member not found"));
  },

  "saves a snapshot that its client takes for whole, and defragments": async (server) => {
    const path = await Deno.makeTempFile({ suffix: ".db" });
    try {
      await ok(server, "snapshot", "save", path);
      const { size } = await Deno.stat(path);
      assertEquals([size >= 544, size % 512], [true, 32]);
    } finally {
      await Deno.remove(path);
    }
    assert((await ok(server, "defrag")).startsWith("Finished defragmenting"));
  },
};

for (const [name, start] of Object.entries(serverKinds)) {
  for (const [story, tell] of Object.entries(stories)) {
    Deno.test(`etcdctl on ${name} ${story}`, async () => {
      const server = await start({ quick: true });
      try {
        await tell(server);
      } finally {
        await server.close();
      }
    });
  }

  Deno.test(`etcdctl on ${name} is refused puts over the quota until there is room and the alarm is cleared`, async () => {
    const server = await start({ quick: true, quotaBytes: 4 << 20 });
    try {
      const big = "x".repeat(100_000);
      let message = "";
      for (let i = 0; i < 80 && message === ""; i++) {
        const { code, error } = await etcdctl(server, "put", "/big", big);
        if (code !== 0) message = error.split("\n").at(-1)!;
      }
      assertEquals(message, "Error: etcdserver: mvcc: database space exceeded");
      assert((await ok(server, "alarm", "list")).endsWith("alarm:NOSPACE"));
      const { header } = JSON.parse(await ok(server, "get", "/none", "-w", "json"));
      await ok(server, "compaction", "--physical", String(header.revision));
      await ok(server, "defrag");
      await ok(server, "alarm", "disarm");
      assertEquals(await ok(server, "alarm", "list"), "");
      assertEquals(await ok(server, "put", "/small", "1"), "OK");
    } finally {
      await server.close();
    }
  });
}

Deno.test("HashKV is the same on Chartroom's endpoint and on Debian's etcd after the same writes", async () => {
  const hashes = [];
  for (const start of Object.values(serverKinds)) {
    const server = await start({ quick: true });
    try {
      for (const [key, value] of [["a", "1"], ["b", "1"], ["a", "2"], ["c", "é"]]) {
        await ok(server, "put", key!, value!);
      }
      await ok(server, "del", "b");
      const before = JSON.parse(await ok(server, "endpoint", "hashkv", "-w", "json"))[0].HashKV;
      await ok(server, "compaction", "--physical", "5");
      await ok(server, "put", "c", "2");
      const after = JSON.parse(await ok(server, "endpoint", "hashkv", "-w", "json"))[0].HashKV;
      hashes.push([before.hash, before.compact_revision, after.hash, after.compact_revision]);
    } finally {
      await server.close();
    }
  }
  assertEquals(hashes[0], hashes[1]);
});
