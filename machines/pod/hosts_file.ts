/** A pod's host name and /etc/hosts (Kubernetes "Adding entries to Pod /etc/hosts with HostAliases"). */
import type { Pod } from "../objects/object.ts";

export function hostnameOf(pod: Pod): string {
  const { hostname, hostnameOverride } = pod.spec as { hostname?: string; hostnameOverride?: string };
  const name = hostnameOverride ?? hostname ?? pod.metadata.name;
  // The kernel takes 64 bytes; Kubernetes cuts at 63 and leaves no separator at the end.
  return name.length > 63 ? name.slice(0, 63).replace(/[-.]+$/, "") : name;
}

export function hostDomainOf(pod: Pod, domain: string): string {
  const subdomain = pod.spec?.subdomain;
  return subdomain ? `${subdomain}.${pod.metadata.namespace}.svc.${domain}` : "";
}

/** `hostFile`: the node's own, for pods on its network. */
export function hostsFile(pod: Pod, podIPs: readonly string[], domain: string, hostFile: string): string {
  const aliases = pod.spec?.hostAliases ?? [];
  const written = aliases.map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join("\t")}\n`).join("");
  const added = written === "" ? "" : `\n# Entries added by HostAliases.\n${written}`;
  if (pod.spec?.hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${hostFile}${added}`;
  const hostname = hostnameOf(pod);
  const fqdn = hostDomainOf(pod, domain);
  const names = fqdn === "" ? hostname : `${hostname}.${fqdn}\t${hostname}`;
  return [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    ...podIPs.map((ip) => `${ip}\t${names}`),
    "",
  ].join("\n") + added;
}
