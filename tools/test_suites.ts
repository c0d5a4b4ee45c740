/** The suites of tests, from fast to slow, and what each needs of the machine it runs on. */

export interface Suite {
  readonly name: string;
  /** Folders and files. */
  readonly paths: readonly string[];
  readonly ignore?: readonly string[];
  /** Given to `deno test` besides what every suite gets. */
  readonly flags?: readonly string[];
  readonly needs: readonly Need[];
}

/** What a machine must offer; `missing` says what is not there, undefined when all is well. */
export interface Need {
  readonly name: string;
  missing(): string | undefined;
}

const root: Need = {
  name: "root",
  missing: () => Deno.uid() === 0 ? undefined : `it needs root, and this is user ${Deno.uid()}`,
};

const docker: Need = {
  name: "Docker",
  missing: () => succeeds("docker", "version") ? undefined : "it needs a Docker Engine that answers `docker version`",
};

const packetFilter: Need = {
  name: "nftables",
  missing() {
    if (!succeeds("nft", "list", "tables")) return "it needs nftables (`nft list tables`) and the right to use it";
    return succeeds("ip", "link") ? undefined : "it needs iproute2 (`ip`)";
  },
};

const kubectl: Need = {
  name: "kubectl",
  missing: () =>
    succeeds(Deno.env.get("KUBECTL") ?? "kubectl", "version", "--client")
      ? undefined
      : "it needs kubectl on the PATH, or named by KUBECTL",
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

/** Tests that need nothing but Deno; leaks of resources and operations fail them. */
const fast: Suite = {
  name: "fast",
  paths: ["tests"],
  ignore: ["docker", "network", "kubectl", "cluster", "browser"].map((name) => `tests/${name}`),
  flags: ["--sanitize-ops", "--sanitize-resources"],
  needs: [],
};

export const suites: readonly Suite[] = [
  fast,
  { name: "kubectl", paths: ["tests/kubectl"], needs: [kubectl] },
  { name: "network", paths: ["tests/network"], needs: [root, packetFilter] },
  { name: "docker", paths: ["tests/docker"], needs: [root, docker] },
  { name: "cluster", paths: ["tests/cluster"], needs: [root, docker, packetFilter] },
  { name: "browser", paths: ["tests/browser"], needs: [browser] },
];

function succeeds(command: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
