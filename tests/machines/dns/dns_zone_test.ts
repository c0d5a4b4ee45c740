import { assertEquals } from "@std/assert";
import type { EndpointSlice, Service } from "../../../machines/objects/object.ts";
import { DnsZone } from "../../../machines/dns/dns_zone.ts";
import { nameServers, searchDomains } from "../../../machines/dns/resolv_conf.ts";
import { service, slice } from "../../actors/kube_proxy/objects.ts";

const options = {
  domain: "cluster.local",
  ttl: 5,
  address: "10.161.0.10",
  reverseCidrs: ["10.160.0.0/16", "10.161.0.0/17"],
};

function zone(): DnsZone {
  const made = new DnsZone(options);
  const put = (name: string, spec: Record<string, unknown>, slices: object[] = []) =>
    made.replaceService(`default/${name}`, service(name, spec) as unknown as Service, slices as EndpointSlice[]);
  put("kubernetes", { clusterIP: "10.161.0.1", ports: [{ name: "https", port: 443, protocol: "TCP" }] });
  const endpoints = [
    { addresses: ["10.160.0.2"], hostname: "db-0", conditions: { ready: true } },
    { addresses: ["10.160.0.3"], conditions: { ready: true } },
    { addresses: ["10.160.0.4"], hostname: "db-2", conditions: { ready: false } },
  ];
  const ports = [{ name: "sql", port: 5432, protocol: "TCP" }];
  const db = { ...slice("db", []), endpoints, ports };
  put("db", { clusterIP: "None", ports }, [db]);
  put("eager", { clusterIP: "None", ports, publishNotReadyAddresses: true }, [db]);
  put("empty", { clusterIP: "None", ports });
  put("outside", { type: "ExternalName", externalName: "Example.COM." });
  put("alias", { type: "ExternalName", externalName: "kubernetes.default.svc.cluster.local" });
  return made;
}

/** The answer in short: the code or "elsewhere", then each record's type and data. */
function ask(name: string, type = "A"): string {
  const answer = zone().answer(name, type);
  if (answer.type === "elsewhere") return "elsewhere";
  const show = (data: unknown) => typeof data === "string" ? data : Object.values(data as object).join(" ");
  const records = answer.answers.map((record) => `${record.type} ${show(record.data)}`);
  const authority = answer.authorities.map(({ type }) => type);
  const chase = answer.chase === undefined ? [] : [`then ${answer.chase}`];
  return [answer.code, ...records, ...authority, ...chase].join(", ");
}

const cases: { name: string; asked: [name: string, type?: string]; answer: string }[] = [
  { name: "a service's address", asked: ["kubernetes.default.svc.cluster.local"], answer: "NOERROR, A 10.161.0.1" },
  { name: "whatever the case", asked: ["KuberneTES.default.SVC.cluster.local"], answer: "NOERROR, A 10.161.0.1" },
  { name: "no data for another type", asked: ["kubernetes.default.svc.cluster.local", "AAAA"], answer: "NOERROR, SOA" },
  { name: "no such name", asked: ["nobody.default.svc.cluster.local"], answer: "NXDOMAIN, SOA" },
  { name: "no data where names lie below", asked: ["default.svc.cluster.local"], answer: "NOERROR, SOA" },
  { name: "no such namespace", asked: ["nowhere.svc.cluster.local"], answer: "NXDOMAIN, SOA" },
  {
    name: "a named port",
    asked: ["_https._tcp.kubernetes.default.svc.cluster.local", "SRV"],
    answer: "NOERROR, SRV 0 100 443 kubernetes.default.svc.cluster.local",
  },
  {
    name: "a service by its address",
    asked: ["1.0.161.10.in-addr.arpa", "PTR"],
    answer: "NOERROR, PTR kubernetes.default.svc.cluster.local",
  },
  { name: "no such address of the cluster", asked: ["9.9.161.10.in-addr.arpa", "PTR"], answer: "NXDOMAIN, SOA" },
  { name: "other addresses elsewhere", asked: ["8.8.8.8.in-addr.arpa", "PTR"], answer: "elsewhere" },
  {
    name: "a headless service's ready endpoints",
    asked: ["db.default.svc.cluster.local"],
    answer: "NOERROR, A 10.160.0.2, A 10.160.0.3",
  },
  {
    name: "unready endpoints of a service that wants it",
    asked: ["eager.default.svc.cluster.local"],
    answer: "NOERROR, A 10.160.0.2, A 10.160.0.3, A 10.160.0.4",
  },
  { name: "an endpoint's hostname", asked: ["db-0.db.default.svc.cluster.local"], answer: "NOERROR, A 10.160.0.2" },
  {
    name: "an endpoint without a hostname",
    asked: ["10-160-0-3.db.default.svc.cluster.local"],
    answer: "NOERROR, A 10.160.0.3",
  },
  { name: "no unready endpoint's hostname", asked: ["db-2.db.default.svc.cluster.local"], answer: "NXDOMAIN, SOA" },
  {
    name: "a headless service's named port, once per endpoint",
    asked: ["_sql._tcp.db.default.svc.cluster.local", "SRV"],
    answer: "NOERROR, SRV 0 50 5432 db-0.db.default.svc.cluster.local, " +
      "SRV 0 50 5432 10-160-0-3.db.default.svc.cluster.local",
  },
  { name: "a headless service without endpoints", asked: ["empty.default.svc.cluster.local"], answer: "NXDOMAIN, SOA" },
  {
    name: "an alias to the outside",
    asked: ["outside.default.svc.cluster.local"],
    answer: "NOERROR, CNAME example.com, then example.com",
  },
  {
    name: "the alias itself",
    asked: ["outside.default.svc.cluster.local", "CNAME"],
    answer: "NOERROR, CNAME example.com",
  },
  {
    name: "an alias within the cluster with what it leads to",
    asked: ["alias.default.svc.cluster.local"],
    answer: "NOERROR, CNAME kubernetes.default.svc.cluster.local, A 10.161.0.1",
  },
  { name: "the specification's version", asked: ["dns-version.cluster.local", "TXT"], answer: "NOERROR, TXT 1.1.0" },
  { name: "a pod by its address", asked: ["1-2-3-4.default.pod.cluster.local"], answer: "NOERROR, A 1.2.3.4" },
  { name: "no pod by something else", asked: ["web.default.pod.cluster.local"], answer: "NXDOMAIN, SOA" },
  { name: "other domains elsewhere", asked: ["example.com"], answer: "elsewhere" },
  { name: "look-alikes elsewhere", asked: ["notcluster.local"], answer: "elsewhere" },
];

for (const { name, asked, answer } of cases) {
  Deno.test(`DnsZone answers ${name}`, () => assertEquals(ask(...asked), answer));
}

Deno.test("DnsZone forgets a service that is gone, and only that", () => {
  const made = zone();
  const before = made.size;
  made.replaceService("default/more", service("more", { clusterIP: "10.161.0.50" }) as unknown as Service, []);
  made.replaceService("default/more", undefined, []);
  assertEquals(made.size, before);
  made.replaceService("default/kubernetes", undefined, []);
  const answer = made.answer("kubernetes.default.svc.cluster.local", "A");
  assertEquals(answer.type === "answer" && answer.code, "NXDOMAIN");
});

Deno.test("DnsZone answers aliases in a circle with SERVFAIL", () => {
  const made = new DnsZone(options);
  const alias = (name: string, target: string) =>
    made.replaceService(
      `default/${name}`,
      service(name, {
        type: "ExternalName",
        externalName: `${target}.default.svc.cluster.local`,
      }) as unknown as Service,
      [],
    );
  alias("a", "b");
  alias("b", "a");
  const answer = made.answer("a.default.svc.cluster.local", "A");
  assertEquals(answer.type === "answer" && answer.code, "SERVFAIL");
});

Deno.test("nameServers and searchDomains read resolv.conf", () => {
  const text =
    "# made by hand\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nsearch a.test b.test .\noptions ndots:2\n";
  assertEquals([nameServers(text), searchDomains(text)], [["192.0.2.53", "fe80::1"], ["a.test", "b.test"]]);
});
