/** The suites of tests, from fast to slow, and what each needs of the machine it runs on. */
import { clientTool, missingClientTool } from "./client_tools.ts";
import { missingEngine, startEngine, succeeds } from "./docker_engine.ts";

export interface Suite {
  readonly name: string;
  /** Folders and files. */
  readonly paths: readonly string[];
  readonly ignore?: readonly string[];
  /** Given to `deno test` besides what every suite gets. */
  readonly flags?: readonly string[];
  readonly needs: readonly Need[];
  /** Many small files, run in a few isolates together (`test_entries.ts`). */
  readonly sharesIsolates?: boolean;
}

/** What a machine must offer. */
export interface Need {
  readonly name: string;
  /** What is not there and cannot be got; undefined when all is well. */
  missing(): string | undefined;
  /** Gets or starts what can be: what the tests find in their environment, and how to undo it. */
  prepare?(): Promise<{ readonly env?: Record<string, string>; undo?(): Promise<void> }>;
}

const root: Need = {
  name: "root",
  missing: () => Deno.uid() === 0 ? undefined : `it needs root, and this is user ${Deno.uid()}`,
};

const docker: Need = {
  name: "Docker",
  missing: missingEngine,
  prepare: async () => ({ undo: await startEngine() }),
};

const packetFilter: Need = {
  name: "nftables",
  missing() {
    if (!succeeds("nft", "list", "tables")) return "it needs nftables (`nft list tables`) and the right to use it";
    return succeeds("ip", "link") ? undefined : "it needs iproute2 (`ip`)";
  },
};

const clients: Need = {
  name: "kubectl and helm",
  missing: () => missingClientTool("kubectl") ?? missingClientTool("helm"),
  prepare: async () => ({ env: { KUBECTL: await clientTool("kubectl"), HELM: await clientTool("helm") } }),
};

const etcd: Need = {
  name: "etcd",
  missing() {
    if (!succeeds("etcd", "--version")) return "it needs etcd (Debian's etcd-server)";
    return succeeds("etcdctl", "version") ? undefined : "it needs etcdctl (Debian's etcd-client)";
  },
};

const browser: Need = {
  name: "a browser",
  missing() {
    const names = [Deno.env.get("CHROME") ?? "", "chromium", "google-chrome", "chromium-browser"];
    return names.some((name) => name !== "" && succeeds(name, "--version"))
      ? undefined
      : "it needs Chromium on the PATH, or named by CHROME";
  },
};

/** A page in a browser, and a cluster with real pods to look at. */
const stuckPods = [
  "tests/browser/object_sequence_test.ts",
  "tests/browser/rolling_update_test.ts",
  "tests/browser/stuck_pods_test.ts",
];

/** Stores that lose their power at every point, are killed, or have real disks and connections. */
const storeOnDisks = [
  "tests/actors/store/kill_test.ts",
  "tests/actors/store/power_loss_test.ts",
  "tests/actors/store/replica/fault_test.ts",
  "tests/actors/store/replica/real_storage_contract_test.ts",
  "tests/actors/store/replica/real_trio_test.ts",
];

/** Leaks of resources and operations fail a test. */
const noLeaks = ["--sanitize-ops", "--sanitize-resources"];

const slower: readonly Suite[] = [
  // What `deno task ok` runs by itself before the fast tests; the types of everything take longer than all of them.
  { name: "toolchain", paths: ["tests/house/toolchain_test.ts"], needs: [] },
  // Models that are broken on purpose: each fault must be noticed.
  { name: "mutants", paths: ["tests/models/shipped_mutants_test.ts"], flags: noLeaks, needs: [] },
  // Workers take longer to begin than the models that they search.
  { name: "workers", paths: ["tests/actors/check", "tests/commands/workers"], flags: noLeaks, needs: [] },
  { name: "simulation", paths: ["tests/simulation/many"], flags: ["--parallel"], needs: [] },
  { name: "store", paths: storeOnDisks, flags: ["--parallel", ...noLeaks], needs: [] },
  { name: "robustness", paths: ["tests/robustness"], flags: ["--parallel"], needs: [] },
  { name: "kubectl", paths: ["tests/kubectl"], needs: [clients] },
  { name: "etcd", paths: ["tests/etcd"], needs: [etcd, clients] },
  { name: "network", paths: ["tests/network"], needs: [root, packetFilter] },
  { name: "docker", paths: ["tests/docker"], needs: [root, docker] },
  { name: "cluster", paths: ["tests/cluster"], needs: [root, docker, packetFilter, clients] },
  { name: "browser", paths: ["tests/browser"], ignore: stuckPods, needs: [browser] },
  { name: "stuck-pods", paths: stuckPods, needs: [root, docker, packetFilter, clients, browser] },
];

/** Tests that need nothing but Deno; leaks of resources and operations fail them. */
const fast: Suite = {
  name: "fast",
  paths: ["tests"],
  ignore: slower.flatMap(({ paths }) => paths),
  flags: ["--parallel", ...noLeaks],
  needs: [],
  sharesIsolates: true,
};

export const suites: readonly Suite[] = [fast, ...slower];
