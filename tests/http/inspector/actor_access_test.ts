import { assertEquals } from "@std/assert";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { ActorAccess } from "../../../http/inspector/actor_access.ts";
import type { RequestAttributes } from "../../../http/machinery/types.ts";

type Actor = Parameters<ActorAccess["maySee"]>[0];

function access(allows: (asked: RequestAttributes) => boolean, later = false) {
  const asked: string[] = [];
  const clock = new ManualClock();
  const authorizer = {
    authorize(request: RequestAttributes) {
      const { verb, group, resource, namespace, name } = request;
      asked.push(`${verb} ${group}/${resource} ${namespace}/${name}`);
      const decision = { allowed: allows(request), reason: "" };
      return later ? Promise.resolve(decision) : decision;
    },
  };
  return { access: new ActorAccess({ name: "ann", groups: [] }, authorizer, clock), asked, clock };
}

const actor = (kind: string, namespace?: string, name?: string): Actor => ({
  node: "worker-0",
  kind,
  ...(namespace === undefined ? {} : { namespace }),
  ...(name === undefined ? {} : { name }),
});

const onlyPodsOfDefault = ({ resource, namespace }: RequestAttributes) =>
  resource === "pods" && namespace === "default";

const cases: readonly [string, Actor, boolean][] = [
  ["a pod of a namespace whose pods he may get", actor("pod", "default", "web"), true],
  ["a container of such a pod", actor("container", "default", "web:app"), true],
  ["a pod of another namespace", actor("pod", "other", "web"), false],
  ["the key of a controller whose object he may not get", actor("deployment-controller", "default", "web"), false],
  ["an actor whose object is not known", actor("root-ca-publisher", "default", "x"), false],
  ["a node", actor("node", undefined, "worker-0"), false],
  ["the key of a controller whose object has no namespace", actor("node-lifecycle-controller", undefined, "n"), false],
  ["such a key of a controller that is not known", actor("certificate-controller", undefined, "x"), false],
  ["what belongs to no object", actor("store", undefined, "master-0"), true],
  ["a lease of leaders", actor("leader-election", "kube-system", "kube-scheduler"), true],
];

for (const [name, asked, expected] of cases) {
  Deno.test(`ActorAccess, who may get pods in default, asks for ${name}: ${expected ? "seen" : "hidden"}`, () => {
    assertEquals(access(onlyPodsOfDefault).access.maySee(asked), expected);
  });
}

Deno.test("ActorAccess heeds a role that names single objects", () => {
  const { access: mine } = access(({ name }) => name === "web");
  assertEquals(mine.maySee(actor("pod", "default", "web")), true);
  assertEquals(mine.maySee(actor("probe", "default", "web:app")), true);
  assertEquals(mine.maySee(actor("pod", "default", "other")), false);
});

Deno.test("ActorAccess asks once in ten seconds, and heeds what has changed then", () => {
  let allowed = true;
  const { access: mine, asked, clock } = access(() => allowed);
  for (let index = 0; index < 100; index++) assertEquals(mine.maySee(actor("pod", "default", `p${index}`)), true);
  assertEquals(asked, ["get /pods default/"]);
  allowed = false;
  clock.advance(10_000);
  assertEquals(mine.maySee(actor("pod", "default", "p0")), false);
});

Deno.test("ActorAccess waits for the answer where that is asked for, and hides what cannot be found out", async () => {
  assertEquals(await access(onlyPodsOfDefault, true).access.sees(actor("pod", "default", "web")), true);
  assertEquals(await access(onlyPodsOfDefault, true).access.sees(actor("pod", "other", "web")), false);
  const broken = { authorize: () => Promise.reject(new Error("away")) };
  const mine = new ActorAccess({ name: "ann", groups: [] }, broken, new ManualClock());
  assertEquals(await mine.sees(actor("pod", "default", "web")), false);
});

Deno.test("ActorAccess takes for an administrator who may do everything, by whatever role", async () => {
  const all = access(({ verb, group, resource, namespace }) => `${verb}${group}${resource}${namespace}` === "***");
  assertEquals(await all.access.mayEverything(), true);
  assertEquals(await access(onlyPodsOfDefault).access.mayEverything(), false);
});

Deno.test("ActorAccess hides what it is still asking about", async () => {
  const { access: mine } = access(() => true, true);
  assertEquals(mine.maySee(actor("pod", "default", "web")), undefined);
  await Promise.resolve();
  assertEquals(mine.maySee(actor("pod", "default", "web")), true);
});
