import { assertEquals } from "@std/assert";
import { addressPlan } from "../../../machines/network/address_plan.ts";
import {
  apiServers,
  type JoiningMaster,
  masterNumber,
  masterServers,
  type MemberPlace,
  peerAddress,
  placeForMaster,
} from "../../../machines/network/master_places.ts";

const near = (number: number): MemberPlace => ({ name: `master-${number}`, peerAddresses: [peerAddress(3, number)] });
const far = (name: string, number: number, host: string): MemberPlace => ({
  name,
  peerAddresses: [peerAddress(3, number, host)],
});
const hostA = far("master-0", 0, "192.0.2.1");
const hostB = far("host-b", 8, "192.0.2.2");

const joins: {
  name: string;
  joining: JoiningMaster;
  members: readonly MemberPlace[];
  place: ReturnType<typeof placeForMaster>;
}[] = [
  {
    name: "of a host's only cluster the first number that is free, on loopback",
    joining: { name: "extra" },
    members: [near(0), near(1), { name: "other", peerAddresses: [peerAddress(3, 8)] }],
    place: { number: 9, peerAddress: "https://127.0.0.1:21201" },
  },
  {
    name: "on another host the address that it advertises",
    joining: { name: "host-b", advertiseAddress: "192.0.2.2" },
    members: [hostA],
    place: { number: 8, peerAddress: "https://192.0.2.2:21200" },
  },
  {
    name: "that comes again the number that it had",
    joining: { name: "host-b", advertiseAddress: "192.0.2.7" },
    members: [hostA, hostB],
    place: { number: 8, peerAddress: "https://192.0.2.7:21200" },
  },
  {
    name: "no place far from masters that only their own host reaches",
    joining: { name: "host-b", advertiseAddress: "192.0.2.2" },
    members: [near(0), near(1)],
    place: {
      refused:
        '"master-0", "master-1" can be reached on their own host alone; bring that cluster up with --advertise-address',
    },
  },
  {
    name: "no place on loopback beside masters of other hosts",
    joining: { name: "host-c" },
    members: [hostA, hostB],
    place: { refused: '"master-0", "host-b" may be on other hosts; say with --advertise-address where they reach it' },
  },
  {
    name: "no place where all are taken",
    joining: { name: "one-more" },
    members: Array.from({ length: 56 }, (_, at) => ({ name: `m-${at}`, peerAddresses: [peerAddress(3, 8 + at)] })),
    place: { refused: "there is no room" },
  },
];
for (const { name, joining, members, place } of joins) {
  Deno.test(`placeForMaster gives a master ${name}`, () => {
    assertEquals(placeForMaster(3, joining, members), place);
  });
}

Deno.test("masterNumber is what peerAddress was made from, and nothing for the ports of others", () => {
  for (const number of [0, 8, 63]) {
    assertEquals(masterNumber(3, peerAddress(3, number)), number);
    assertEquals(masterNumber(3, peerAddress(3, number, "192.0.2.9")), number);
    assertEquals(masterNumber(4, peerAddress(3, number)), undefined);
  }
  for (const other of [undefined, "", "nonsense", "https://192.0.2.1", "https://192.0.2.1:443"]) {
    assertEquals(masterNumber(3, other), undefined);
  }
});

Deno.test("apiServers names each place once: those that are advertised, and on one host each master's own", () => {
  const plan = addressPlan(3);
  assertEquals(apiServers(plan, [near(0), near(1)], false), ["https://127.0.4.1:6446", "https://127.0.4.2:6446"]);
  assertEquals(apiServers(plan, [near(0)], true), ["https://10.167.128.1:6446"]);
  const shared = far("master-1", 1, "192.0.2.1");
  const unknown = { name: "new", peerAddresses: [] };
  assertEquals(apiServers(plan, [hostA, shared, hostB, unknown], true), [
    "https://192.0.2.1:6446",
    "https://192.0.2.2:6446",
  ]);
});

Deno.test("masterServers tells masters apart that share this host's advertised address", () => {
  const members = [hostA, far("master-1", 1, "192.0.2.1"), hostB];
  assertEquals(masterServers(addressPlan(3), members, { onHost: false, ownHost: "192.0.2.1" }), [
    { name: "master-0", server: "https://127.0.4.1:6446" },
    { name: "master-1", server: "https://127.0.4.2:6446" },
    { name: "host-b", server: "https://192.0.2.2:6446" },
  ]);
});
