/** Faults in the charts of the pod and of its containers. */
import { containerMachine } from "../../../machines/container/container_machine.ts";
import { containerSetup } from "../../../machines/container/container_protocol.ts";
import { podSituations } from "../../../machines/models/pod_models.ts";
import { podSystem } from "../../../machines/models/pod_system.ts";
import { podMachine } from "../../../machines/pod/pod_machine.ts";
import { podSetup } from "../../../machines/pod/pod_protocol.ts";
import { at, edited, type Mutant, no, type Node, without, yes } from "./mutant.ts";

const podMutant = (fault: string, situation: string, machines: { pod?: unknown; container?: unknown }): Mutant => {
  const options = podSituations[situation];
  if (options === undefined) throw new Error(`Cannot check "${fault}": there is no situation "${situation}"`);
  return { fault, model: `pod/${situation}`, system: () => podSystem({ ...options, machines: machines as never }) };
};
const pod = (fault: string, situation: string, change: (root: Node) => void) =>
  podMutant(`pod: ${fault}`, situation, { pod: edited(podMachine, podSetup, change) });
const podGuard = (fault: string, situation: string, guards: object) =>
  podMutant(`pod: ${fault}`, situation, { pod: podMachine.provide({ guards: guards as never }) });
const container = (fault: string, situation: string, change: (root: Node) => void) =>
  podMutant(`container: ${fault}`, situation, { container: edited(containerMachine, containerSetup, change) });
const containerGuard = (fault: string, situation: string, guards: object) =>
  podMutant(`container: ${fault}`, situation, { container: containerMachine.provide({ guards: guards as never }) });

export const podMutants: readonly Mutant[] = [
  podMutant("pod and container: an init container is asked twice and runs twice", "inits", {
    pod: podMachine.provide({ guards: { startsNext: yes } }),
    container: edited(containerMachine, containerSetup, (root) => {
      at(root, "completed").on["container.startAsked"] = { target: "preparing", actions: "allowStart" };
    }),
  }),
  podGuard("does not wait for its main containers to end", "failures", { mainAreOver: yes }),
  podGuard("does not wait for its sidecars to end", "inits", { allAreOver: yes }),
  podGuard("takes its object for gone", "failures", { isObjectGone: yes }),
  podGuard("takes every end for a good one", "never", { endedWell: yes }),
  podGuard("takes every end for a bad one", "never", { endedWell: no }),
  podGuard("does not notice that its apps are over", "never", { appsAreOver: no }),
  podGuard("starts its apps before its init containers", "inits", { isInitialized: yes }),
  podGuard("does not notice that an init container has failed", "init-fails", { initHasFailed: no }),
  podGuard("begins again under Never", "never-sandbox", { mustNotBeginAgain: no }),
  podGuard("does not wait for its volumes", "failures", { isPrepared: no }),
  podGuard("ends under Always", "failures", { appsAreOver: yes }),
  pod("does not unmount its volumes", "failures", (root) => without(at(root, "terminating.unmounting"), "entry")),
  pod(
    "does not try again to remove its sandbox",
    "failures",
    (root) => without(at(root, "terminating.removeBackOff"), "after"),
  ),
  pod("does not try again to report", "failures", (root) => without(at(root, "terminating.reportBackOff"), "after")),
  pod("does not try again to unmount", "failures", (root) => without(at(root, "terminating.unmountBackOff"), "after")),
  pod(
    "does not try again to delete its object",
    "failures",
    (root) => without(at(root, "terminating.deleteBackOff"), "after"),
  ),
  pod(
    "does not try again to make its sandbox",
    "failures",
    (root) => without(at(root, "active.preparing.sandbox.backOff"), "after"),
  ),
  pod(
    "does not try again to mount",
    "failures",
    (root) => without(at(root, "active.preparing.volumes.backOff"), "after"),
  ),
  pod("removes its sandbox alone", "failures", (root) => {
    at(root, "terminating.removing").entry.params = { everything: false };
  }),
  pod("deletes its object before the volumes are unmounted", "failures", (root) => {
    at(root, "terminating.removing").on["sandbox.removed"] = "deleting";
  }),
  pod("does not hear that it is deleted", "failures", (root) => without(root, "on", "pod.deletionAsked")),
  pod("forgets the grace that was asked for", "shorter", (root) => {
    root.on["pod.deletionAsked"] = { target: ".terminating" };
  }),
  pod("does not note that a container has completed", "never", (root) => without(root, "on", "container.completed")),
  pod("does not note that a container was stopped", "failures", (root) => without(root, "on", "container.stopped")),
];

export const containerMutants: readonly Mutant[] = [
  containerGuard("starts before the pod allows it", "inits", { mayStart: yes }),
  containerGuard("wants to run although it was told to stop", "failures", { isUnwanted: no }),
  containerGuard("starts again at once under Never", "never", { restartsAtOnce: yes }),
  containerGuard("does not start again after its first crash", "failures", { restartsAtOnce: no, mustRestart: no }),
  containerGuard("takes every exit for a clean one", "never", { isClean: yes }),
  containerGuard("takes no exit for a clean one", "never", { isClean: no }),
  containerGuard("is ready whatever its probe says", "probes", { hasReadinessProbe: no, hasStartupProbe: no }),
  container("runs on when its stop came while it was made", "failures", (root) => {
    at(root, "preparing.unwanted").on["container.created"] = "#container.starting";
  }),
  container("forgets what started after it was told to stop", "failures", (root) => {
    at(root, "starting.unwanted").on["container.started"] = "#container.stopped";
  }),
  container(
    "does not hear a stop while it runs",
    "failures",
    (root) => without(at(root, "running"), "on", "container.stopAsked"),
  ),
  container(
    "does not hear a stop while it waits",
    "failures",
    (root) => without(at(root, "waiting"), "on", "container.stopAsked"),
  ),
  container(
    "does not hear a stop while it backs off",
    "on-failure",
    (root) => without(at(root, "crashBackOff"), "on", "container.stopAsked"),
  ),
  container(
    "does not kill what ignores the signal",
    "failures",
    (root) => without(at(root, "stopping.forced"), "entry"),
  ),
  container("has no end to its grace", "failures", (root) => without(at(root, "stopping"), "after")),
  container(
    "does not try again to kill",
    "graces-failure",
    (root) => without(at(root, "stopping.killBackOff"), "after"),
  ),
  container("never ends its back-off", "on-failure", (root) => without(at(root, "crashBackOff"), "after")),
  container(
    "does not try again to be made",
    "failures",
    (root) => without(at(root, "preparing.createBackOff"), "after"),
  ),
  container("does not tell that it has completed", "never", (root) => without(at(root, "completed"), "entry")),
  container("does not tell that it was stopped", "failures", (root) => without(at(root, "stopped"), "entry")),
  container("does not take down that it may start", "failures", (root) => {
    at(root, "waiting").on["container.startAsked"] = "preparing";
    at(root, "preparing").on["container.startAsked"] = {};
    delete at(root, "preparing.created").on;
  }),
  container("does not take down that it was told to stop", "failures", (root) => {
    at(root, "running").on["container.stopAsked"] = { target: "stopping" };
  }),
  container(
    "does not notice its end while it is stopped",
    "failures",
    (root) => without(at(root, "stopping"), "on", "container.exited"),
  ),
  container("is killed at once", "failures", (root) => {
    at(root, "stopping.choosing").always = { target: "forced" };
  }),
  container("an init container runs once more when it is asked again", "inits-again", (root) => {
    at(root, "completed").on["container.startAsked"] = { target: "preparing", actions: "allowStart" };
  }),
];
