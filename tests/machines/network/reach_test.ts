import { assertEquals, assertThrows } from "@std/assert";
import {
  addressProblem,
  checkReach,
  type KubeletPlace,
  kubeletPlace,
  listenHosts,
  parseEndpoint,
  publishedNames,
  publishedServer,
  type Reach,
} from "../../../machines/network/reach.ts";

const reaches: {
  name: string;
  reach: Reach;
  hosts: string[];
  server: string;
  names?: string[];
  addresses?: string[];
}[] = [
  { name: "of one host", reach: {}, hosts: ["127.0.0.1", "10.160.128.1"], server: "https://127.0.0.1:6443" },
  {
    name: "that is advertised",
    reach: { advertiseAddress: "192.0.2.1" },
    hosts: ["127.0.0.1", "10.160.128.1", "192.0.2.1"],
    server: "https://192.0.2.1:6443",
    addresses: ["192.0.2.1"],
  },
  {
    name: "behind an address that is translated",
    reach: { advertiseAddress: "192.0.2.1", bindAddress: "172.16.0.1" },
    hosts: ["127.0.0.1", "10.160.128.1", "172.16.0.1"],
    server: "https://192.0.2.1:6443",
    addresses: ["192.0.2.1"],
  },
  {
    name: "that is told to listen everywhere",
    reach: { advertiseAddress: "192.0.2.1", bindAddress: "0.0.0.0" },
    hosts: ["0.0.0.0"],
    server: "https://192.0.2.1:6443",
    addresses: ["192.0.2.1"],
  },
  {
    name: "behind a name that somebody balances",
    reach: { advertiseAddress: "192.0.2.1", controlPlaneEndpoint: "api.example.com:443" },
    hosts: ["127.0.0.1", "10.160.128.1", "192.0.2.1"],
    server: "https://api.example.com:443",
    names: ["api.example.com"],
    addresses: ["192.0.2.1"],
  },
  {
    name: "behind a virtual address",
    reach: { advertiseAddress: "192.0.2.1", controlPlaneEndpoint: "192.0.2.100" },
    hosts: ["127.0.0.1", "10.160.128.1", "192.0.2.1"],
    server: "https://192.0.2.100:6443",
    addresses: ["192.0.2.1", "192.0.2.100"],
  },
];
for (const { name, reach, hosts, server, names = [], addresses = [] } of reaches) {
  Deno.test(`reach of a master ${name}: listeners, kubeconfigs and certificates agree`, () => {
    checkReach(reach);
    assertEquals(listenHosts(reach, ["10.160.128.1"]), hosts);
    assertEquals(publishedServer(reach, 6443), server);
    assertEquals(publishedNames(reach), { names, addresses });
  });
}

const refused: { name: string; reach: Reach; message: string }[] = [
  { name: "loopback", reach: { advertiseAddress: "127.0.0.1" }, message: "no other host reaches loopback" },
  { name: "nobody's address", reach: { advertiseAddress: "0.0.0.0" }, message: "nobody in particular" },
  { name: "a name", reach: { advertiseAddress: "host-a" }, message: "it is no IPv4 address" },
  { name: "an address without another for others", reach: { bindAddress: "0.0.0.0" }, message: "--advertise-address" },
  {
    name: "a URL as endpoint",
    reach: { controlPlaneEndpoint: "https://api:6443" },
    message: "it must be HOST:PORT",
  },
];
for (const { name, reach, message } of refused) {
  Deno.test(`checkReach refuses ${name}`, () => {
    assertThrows(() => checkReach(reach), Error, message);
  });
}

Deno.test("addressProblem has nothing against an address of a network", () => {
  assertEquals(addressProblem("192.168.1.10"), undefined);
});

Deno.test("parseEndpoint takes names and addresses, with a port or without, and nothing else", () => {
  assertEquals(parseEndpoint("api"), { host: "api" });
  assertEquals(parseEndpoint("api.example.com:8443"), { host: "api.example.com", port: 8443 });
  assertEquals(parseEndpoint("10.0.0.1:6443"), { host: "10.0.0.1", port: 6443 });
  for (const bad of ["", ":6443", "api:0", "api:65536", "api:", "256.1.1.1", "a_b", "[::1]:6443", "a..b", "-a"]) {
    assertThrows(() => parseEndpoint(bad), Error, "it must be HOST:PORT", bad);
  }
});

const outside = "192.0.2.1";
const kubelets: { name: string; reach: Reach; own?: string; place: KubeletPlace }[] = [
  {
    name: "listens on its own address",
    reach: {},
    own: "10.162.129.3",
    place: { hosts: ["10.162.129.3"], port: 10_250, addresses: [{ type: "InternalIP", address: "10.162.129.3" }] },
  },
  {
    name: "without a network takes a free port of loopback",
    reach: {},
    place: { hosts: ["127.0.0.1"], port: 0, addresses: [{ type: "InternalIP", address: "127.0.0.1" }] },
  },
  {
    name: "is reached by other hosts at a port of its own",
    reach: { advertiseAddress: outside },
    own: "10.162.129.3",
    place: {
      hosts: ["10.162.129.3", outside],
      port: 10_508,
      addresses: [{ type: "InternalIP", address: "10.162.129.3" }, { type: "ExternalIP", address: outside }],
    },
  },
  {
    name: "without a network is where its host is",
    reach: { advertiseAddress: outside },
    place: {
      hosts: ["127.0.0.1", outside],
      port: 10_508,
      addresses: [{ type: "InternalIP", address: outside }],
    },
  },
  {
    name: "listens everywhere when its host is told to",
    reach: { advertiseAddress: outside, bindAddress: "0.0.0.0" },
    own: "10.162.129.3",
    place: {
      hosts: ["0.0.0.0"],
      port: 10_508,
      addresses: [{ type: "InternalIP", address: "10.162.129.3" }, { type: "ExternalIP", address: outside }],
    },
  },
];
for (const { name, reach, own, place } of kubelets) {
  Deno.test(`kubeletPlace: the third node of the second cluster ${name}`, () => {
    assertEquals(kubeletPlace(reach, { index: 1, number: 2, own }), place);
  });
}
