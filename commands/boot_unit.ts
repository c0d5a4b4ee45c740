/** What systemd is told, so that a cluster comes back with its host. */

export interface BootUnit {
  /** The cluster's. */
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export const unitDirectory = "/etc/systemd/system";

export const unitName = (cluster: string): string => `chartroom-${cluster}.service`;

/**
 * The unit runs the same command as a person would, in the foreground. It is started again when it fails, but not when
 * it was told to stop (`chartroom down`). Systemd signals that one process alone: it stops those below it in their order,
 * and a Docker Engine that it had to start lives on with its pods.
 */
export function bootUnit({ name, command, environment }: BootUnit): string {
  return `# Written by "chartroom up --boot"; "chartroom down" takes it away.
[Unit]
Description=Chartroom cluster "${name}"
Wants=network-online.target
After=network-online.target docker.service

[Service]
Type=exec
${Object.entries(environment).map(([key, value]) => `Environment=${quoted(`${key}=${value}`)}\n`).join("")}\
ExecStart=${command.map((word) => quoted(word).replaceAll("$", "$$$$")).join(" ")}
Restart=on-failure
RestartSec=5
KillMode=process
TimeoutStopSec=60
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
`;
}

/** As systemd reads it back: `%` begins a specifier there. */
function quoted(word: string): string {
  return `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("\n", "\\n")}"`;
}
