/** A container's draft as the Docker Engine API wants it (`POST /containers/create`). */
import type { ContainerDraft } from "../../ports/container_runtime.ts";

/** Parts that are not set stay out: the engine's defaults hold. */
export function createBody(draft: ContainerDraft): Record<string, unknown> {
  const { resources = {}, security = {}, dns } = draft;
  const joinsNetwork = draft.network.startsWith("container:");
  return dense({
    name: draft.name,
    Image: draft.image,
    Labels: draft.labels,
    Entrypoint: draft.entrypoint,
    Cmd: draft.command,
    Env: draft.env,
    WorkingDir: draft.workingDirectory,
    // A container that joins another's network has its host name, too; the engine refuses one of its own.
    Hostname: joinsNetwork ? undefined : draft.hostname,
    Tty: draft.tty ?? false,
    OpenStdin: draft.stdin ?? false,
    StdinOnce: draft.stdinOnce ?? false,
    StopSignal: draft.stopSignal,
    User: security.user,
    Healthcheck: { Test: ["NONE"] },
    HostConfig: dense({
      NetworkMode: draft.network,
      IpcMode: draft.ipc,
      PidMode: draft.pid,
      UTSMode: draft.uts,
      Dns: dns?.servers,
      DnsSearch: dns?.searches,
      DnsOptions: dns?.options,
      Sysctls: draft.sysctls,
      Mounts: draft.mounts?.map((mount) => ({
        Type: "bind",
        Source: mount.hostPath,
        Target: mount.containerPath,
        ReadOnly: mount.readOnly,
        BindOptions: { Propagation: mount.propagation ?? "rprivate", NonRecursive: false },
      })),
      RestartPolicy: { Name: "no" },
      LogConfig: { Type: "json-file", Config: {} },
      CpuShares: resources.cpuShares,
      CpuQuota: resources.cpuQuota,
      CpuPeriod: resources.cpuPeriod,
      Memory: resources.memoryBytes,
      MemorySwap: resources.memoryBytes,
      OomScoreAdj: resources.oomScoreAdj,
      GroupAdd: security.groups,
      Privileged: security.privileged,
      CapAdd: security.addCapabilities,
      CapDrop: security.dropCapabilities,
      ReadonlyRootfs: security.readOnlyRoot,
      SecurityOpt: securityOptions(security),
    }),
  });
}

function securityOptions(security: NonNullable<ContainerDraft["security"]>): string[] {
  const options: string[] = [];
  if (security.noNewPrivileges) options.push("no-new-privileges");
  if (security.seccomp !== undefined && security.seccomp !== "default") options.push(`seccomp=${security.seccomp}`);
  if (security.appArmor !== undefined) options.push(`apparmor=${security.appArmor}`);
  return options;
}

function dense(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
