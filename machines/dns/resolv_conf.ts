/** `/etc/resolv.conf` of the host, as far as a forwarder cares. */
export function nameServers(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [keyword, address] = line.trim().split(/\s+/);
    return keyword === "nameserver" && address !== undefined ? [address.replace(/%.*$/, "")] : [];
  });
}

/** The host's search list; the last line that has one counts. */
export function searchDomains(text: string): string[] {
  let domains: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...rest] = line.trim().split(/\s+/);
    if (keyword === "search" || keyword === "domain") domains = rest.filter((domain) => domain !== ".");
  }
  return domains;
}
