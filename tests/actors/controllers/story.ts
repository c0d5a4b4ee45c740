/** A control plane with the recorded nodes and a namespace of its own, in which a recorded story is played again. */
import { assertEquals } from "@std/assert";
import type { Draft, ResourceRef } from "../../../ports/api_client.ts";
import { resources } from "../../../machines/objects/resources.ts";
import { startControlPlane } from "../../support/control_plane.ts";
import { Kubelets, recordedNodes } from "../../support/kubelets.ts";
import { type Behaviour, behaviour, comparable, shoot } from "./behaviours.ts";

type World = Awaited<ReturnType<typeof newWorld>>;

export async function newWorld(namespace: string) {
  const plane = await startControlPlane();
  const { client, clock, system } = plane;
  const refused: string[] = [];
  system.inspect((inspection) => {
    if (inspection.type !== "transition") return;
    const { type, message } = inspection.event as { type: string; message?: string };
    if (type === "reconcile.failed" && /forbidden/i.test(message ?? "")) refused.push(message ?? "");
    else if (type === "reconcile.failed" && Deno.env.has("TELL")) console.log(inspection.actor, message);
  });
  const kubelets = new Kubelets(client, clock);
  await clock.settle();
  for (const node of recordedNodes) await kubelets.register(node);
  const metadata = { name: namespace };
  await client.create(resources.namespaces, undefined, { apiVersion: "v1", kind: "Namespace", metadata });
  await clock.settle();
  /** Lets everybody react, also those whose write came too late and who try again in a moment. */
  const react = () => clock.pass(100);
  return {
    ...plane,
    kubelets,
    react,
    namespace,
    /** Writes that a role does not allow: there must be none. */
    refused,
    /** Creates and lets everybody react. */
    async create(resource: ResourceRef, draft: Draft) {
      await client.create(resource, namespace, { ...draft, metadata: { namespace, ...draft.metadata } });
      await react();
    },
    async merge(resource: ResourceRef, name: string, body: object) {
      await client.patch(resource, namespace, name, "merge", body);
      await react();
    },
    /** One round of every kubelet: pods asked to end are gone, the others run. */
    async round() {
      await kubelets.finishAll(namespace);
      await react();
      for (const pod of await kubelets.pods(namespace)) {
        const waits = pod.status?.phase === "Pending" && pod.spec?.nodeName &&
          pod.metadata.deletionTimestamp === undefined;
        if (!waits) continue;
        await kubelets.run(pod);
        await react();
      }
    },
  };
}

/** Plays a story; where there is no recording it is only played. */
export function story(
  name: string,
  play: (
    world: World,
    same: (what: string, only?: readonly string[]) => Promise<void>,
    told: Behaviour | undefined,
  ) => Promise<void>,
): void {
  Deno.test(`controllers behave as recorded: ${name}`, async () => {
    const told = behaviour(name);
    const world = await newWorld(told?.namespace ?? "bh");
    try {
      await play(world, async (what, only) => {
        if (told === undefined) return;
        const ours = comparable(await shoot(world.client, world.namespace), only);
        const theirs = comparable(told.shot(what).objects, only);
        assertEquals(ours, theirs, `step "${what}"`);
      }, told);
      assertEquals(world.refused, []);
    } finally {
      await world.stop();
    }
  });
}
