import { assertEquals, assertStringIncludes } from "@std/assert";
import { bootArguments } from "../../commands/boot.ts";
import { bootUnit, unitName } from "../../commands/boot_unit.ts";
import { ClusterState } from "../../commands/cluster_state.ts";

Deno.test("bootUnit is what systemd needs to start a cluster with the machine and to leave one that was told to stop", () => {
  assertEquals(
    bootUnit({
      name: "blue",
      command: ["/opt/chartroom/chartroom", "up", "--masters", "3", "--name", "blue", "--state", "/var/lib/blue"],
      environment: { HOME: "/root" },
    }),
    `# Written by "chartroom up --boot"; "chartroom down" takes it away.
[Unit]
Description=Chartroom cluster "blue"
Wants=network-online.target
After=network-online.target docker.service

[Service]
Type=exec
Environment="HOME=/root"
ExecStart="/opt/chartroom/chartroom" "up" "--masters" "3" "--name" "blue" "--state" "/var/lib/blue"
Restart=on-failure
RestartSec=5
KillMode=process
TimeoutStopSec=60
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
`,
  );
  assertEquals(unitName("blue"), "chartroom-blue.service");
});

const words: { given: string; written: string }[] = [
  { given: "/with space", written: '"/with space"' },
  { given: 'a"quote', written: '"a\\"quote"' },
  { given: "back\\slash", written: '"back\\\\slash"' },
  { given: "100%", written: '"100%%"' },
  { given: "$HOME", written: '"$$HOME"' },
];
for (const { given, written } of words) {
  Deno.test(`bootUnit writes ${given} so that systemd reads it back`, () => {
    assertStringIncludes(bootUnit({ name: "a", command: ["up", given], environment: {} }), `"up" ${written}\n`);
  });
}

const lines: { given: string[]; kept: string[] }[] = [
  { given: ["up", "--boot"], kept: ["up"] },
  { given: ["up", "--detach", "--nodes", "3", "--boot", "--install"], kept: ["up", "--nodes", "3"] },
  { given: ["up", "--name", "b", "--state", "s", "--masters=3"], kept: ["up", "--masters=3"] },
  { given: ["up", "--name=b", "--state=s", "--runtime", "simulated"], kept: ["up", "--runtime", "simulated"] },
];
for (const { given, kept } of lines) {
  Deno.test(`bootArguments of ${given.join(" ")} are those of the same cluster in the foreground`, () => {
    const state = new ClusterState("b", "/var/lib/b");
    assertEquals(bootArguments(state, given), [...kept, "--name", "b", "--state", "/var/lib/b"]);
  });
}
