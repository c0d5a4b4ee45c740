/** What a pod's charts have around them: a container runtime, volumes, and the pod's object in the API. */
import {
  type PlainActor,
  plainActor,
  type PlainEnvelope,
  type PlainEvent,
  type Reaction,
} from "../check/plain_actor.ts";

/** One container as the runtime has it, over all its attempts. */
export interface RuntimeRow {
  readonly at: "none" | "created" | "running" | "exited";
  readonly exitCode: number;
  /** The running process has been sent its stop signal. */
  readonly asked: boolean;
  /** Processes started, 2 for more. */
  readonly starts: number;
  /** Its process has once ended with 0. */
  readonly completed: boolean;
}

/** What the next request to the runtime or to the volumes meets. */
export type Mood = "fine" | "refuses" | "doesButFails";

export interface Runtime {
  readonly sandbox: "none" | "created" | "running" | "dead";
  readonly containers: Readonly<Record<string, RuntimeRow>>;
  readonly mood: Mood;
  /** What must never happen, once it did. */
  readonly broken: string;
}

export interface Volumes {
  readonly mounted: boolean;
  readonly mood: Mood;
}

export interface PodObject {
  readonly at: "there" | "deleting" | "gone";
  readonly mood: "fine" | "refuses";
}

const nothingOfIt: RuntimeRow = { at: "none", exitCode: 0, asked: false, starts: 0, completed: false };

const troubles = (mood: Mood) =>
  mood === "fine"
    ? [
      { event: { type: "trouble.begins", mood: "refuses" }, spends: "failures" },
      { event: { type: "trouble.begins", mood: "doesButFails" }, spends: "failures" },
    ]
    : [];

const failure = (type: string) => ({ type, reason: "Error", message: "it failed" });

/**
 * A runtime that does what it is asked, refuses, or does it and yet fails; whose processes end when they like. Exits
 * are told as the engine's event stream tells them, after the start was answered.
 */
export function runtimeActor(names: readonly string[]): PlainActor<Runtime> {
  const row = (data: Runtime, name: string, change: Partial<RuntimeRow>): Runtime => ({
    ...data,
    containers: { ...data.containers, [name]: { ...data.containers[name]!, ...change } },
  });
  const exit = (data: Runtime, name: string, exitCode: number): Reaction<Runtime> => ({
    data: row(data, name, {
      at: "exited",
      exitCode,
      asked: false,
      completed: data.containers[name]!.completed || exitCode === 0,
    }),
    sends: [{ to: name, event: { type: "container.exited", exitCode } }],
  });
  /** Does it or not, and answers, as the mood is. */
  const served = (
    data: Runtime,
    { by, fact, fails, ...order }: {
      by: string;
      answers: string;
      answersParams?: unknown;
      fact: string;
      fails: string;
    },
    done: Runtime,
    more: readonly PlainEnvelope[] = [],
  ): Reaction<Runtime> => {
    const after = data.mood === "refuses" ? data : done;
    const event = data.mood === "fine" ? { type: fact } : failure(fails);
    const others = data.mood === "refuses" ? [] : more;
    return { data: { ...after, mood: "fine" }, sends: [{ to: by, ...order, event }, ...others] };
  };
  const broken = (data: Runtime, what: string): Runtime => data.broken === "" ? { ...data, broken: what } : data;

  return plainActor<Runtime>("runtime", {
    sandbox: "none",
    containers: Object.fromEntries(names.map((name) => [name, nothingOfIt])),
    mood: "fine",
    broken: "",
  }, {
    "trouble.begins": (data, { mood }) => ({ data: { ...data, mood } }),
    "sandbox.createAsked": (data) =>
      served(
        data,
        { by: "pod", answers: "createSandbox", fact: "sandbox.created", fails: "sandbox.failed" },
        data.sandbox === "none" ? { ...data, sandbox: "created" } : data,
      ),
    "sandbox.startAsked": (data) => {
      const answer = { by: "pod", answers: "startSandbox", fact: "sandbox.started", fails: "sandbox.failed" };
      if (data.sandbox === "none" || data.sandbox === "dead") return served({ ...data, mood: "refuses" }, answer, data);
      return served(data, answer, { ...data, sandbox: "running" });
    },
    "sandbox.removeAsked": (data, { everything }) => {
      const answer = {
        by: "pod",
        answers: "removeSandbox",
        answersParams: { everything },
        fact: "sandbox.removed",
        fails: "sandbox.removeFailed",
      };
      const killed = everything
        ? Object.fromEntries(
          Object.entries(data.containers).map(([name, each]) => [name, { ...each, at: "none" as const, asked: false }]),
        )
        : data.containers;
      return served(data, answer, { ...data, sandbox: "none", containers: killed });
    },
    "sandbox.dies": (data) =>
      data.sandbox === "running"
        ? { data: { ...data, sandbox: "dead" }, sends: [{ to: "pod", event: { type: "sandbox.died" } }] }
        : undefined,
    "container.createAsked": (data, { name }: PlainEvent) => {
      const answer = {
        by: name,
        answers: "createContainer",
        fact: "container.created",
        fails: "container.createFailed",
      };
      // A container joins the namespaces of a sandbox that is there.
      if (data.sandbox === "none") return served({ ...data, mood: "refuses" }, answer, data);
      const { at } = data.containers[name]!;
      const made = row(data, name, { at: "created", asked: false });
      return served(
        data,
        answer,
        at === "running" ? broken(made, `${name} is made anew while its process runs`) : made,
      );
    },
    "container.startAsked": (data, { name }: PlainEvent) => {
      const answer = { by: name, answers: "startContainer", fact: "container.started", fails: "container.startFailed" };
      const { at, starts } = data.containers[name]!;
      if (at === "none" || data.sandbox !== "running") return served({ ...data, mood: "refuses" }, answer, data);
      if (at === "running") return served(data, answer, data);
      // Of a start whose answer was lost the kubelet asks whether it runs.
      const mood = data.mood === "doesButFails" ? "fine" : data.mood;
      return served(
        { ...data, mood },
        answer,
        row({ ...data, mood }, name, { at: "running", starts: Math.min(2, starts + 1) }),
      );
    },
    "container.stopAsked": (data, { name }: PlainEvent) => {
      const { at } = data.containers[name]!;
      if (data.mood !== "fine") {
        const sends = [{ to: name, answers: "stopContainer", event: failure("container.stopFailed") }];
        const asked = data.mood === "doesButFails" && at === "running" ? row(data, name, { asked: true }) : data;
        return { data: { ...asked, mood: "fine" }, sends };
      }
      if (at === "running") return { data: row(data, name, { asked: true }) };
      if (at === "exited") return { data };
      return { data, sends: [{ to: name, event: { type: "container.exited", exitCode: 137 } }] };
    },
    "container.killAsked": (data, { name }: PlainEvent) => {
      const { at } = data.containers[name]!;
      if (data.mood !== "fine") {
        const sends = [{ to: name, answers: "killContainer", event: failure("container.stopFailed") }];
        return { data: { ...data, mood: "fine" }, sends };
      }
      if (at === "running") return exit(data, name, 137);
      if (at === "exited") return { data };
      return { data, sends: [{ to: name, event: { type: "container.exited", exitCode: 137 } }] };
    },
    "process.exits": (data, { name, exitCode }: PlainEvent) =>
      data.containers[name]!.at === "running" ? exit(data, name, exitCode) : undefined,
    "process.obeys": (data, { name }: PlainEvent) =>
      data.containers[name]!.at === "running" ? exit(data, name, 0) : undefined,
  }, {
    events: (data) => [
      ...troubles(data.mood),
      { event: { type: "sandbox.dies" }, spends: "sandboxDeaths" },
      ...Object.entries(data.containers).flatMap(([name, { at, asked }]) =>
        at !== "running" ? [] : asked ? [{ event: { type: "process.obeys", name } }] : [
          { event: { type: "process.exits", name, exitCode: 0 }, spends: "exits" },
          { event: { type: "process.exits", name, exitCode: 1 }, spends: "exits" },
        ]
      ),
    ],
  });
}

export function volumesActor(): PlainActor<Volumes> {
  const served = (
    data: Volumes,
    answers: string,
    mounted: boolean,
    fact: string,
    fails: string,
  ): Reaction<Volumes> => ({
    data: { mounted: data.mood === "refuses" ? data.mounted : mounted, mood: "fine" },
    sends: [{ to: "pod", answers, event: data.mood === "fine" ? { type: fact } : failure(fails) }],
  });
  return plainActor<Volumes>("volumes", { mounted: false, mood: "fine" }, {
    "trouble.begins": (data, { mood }) => ({ data: { ...data, mood } }),
    "volumes.mountAsked": (data) => served(data, "mountVolumes", true, "volumes.mounted", "volumes.mountFailed"),
    "volumes.unmountAsked": (data) =>
      served(data, "unmountVolumes", false, "volumes.unmounted", "volumes.unmountFailed"),
  }, { events: (data) => troubles(data.mood) });
}

/** The pod's object; users delete it with and without its grace, or force it away. */
export function podObjectActor(graces: readonly number[]): PlainActor<PodObject> {
  return plainActor<PodObject>("api", { at: "there", mood: "fine" }, {
    "trouble.begins": (data) => ({ data: { ...data, mood: "refuses" } }),
    "user.deletes": (data, { graceMs }) =>
      data.at === "gone" ? undefined : {
        data: { ...data, at: "deleting" },
        sends: [{ to: "pod", event: { type: "pod.deletionAsked", graceMs } }],
      },
    "user.forces": (data) =>
      data.at === "gone" ? undefined : {
        data: { ...data, at: "gone" },
        sends: [{ to: "pod", event: { type: "pod.objectRemoved" } }],
      },
    "status.written": (data) => ({
      data: { ...data, mood: "fine" },
      sends: [{
        to: "pod",
        answers: "reportStatus",
        event: data.mood === "fine" ? { type: "status.reported" } : failure("status.reportFailed"),
      }],
    }),
    "object.deleteAsked": (data) => ({
      data: { at: data.mood === "fine" ? "gone" : data.at, mood: "fine" },
      sends: [{
        to: "pod",
        answers: "deleteObject",
        event: data.mood === "fine" ? { type: "object.deleted" } : failure("object.deleteFailed"),
      }],
    }),
  }, {
    events: (data) => [
      ...(data.mood === "fine" ? [{ event: { type: "trouble.begins" }, spends: "failures" }] : []),
      ...(data.at === "gone" ? [] : [
        ...graces.map((graceMs) => ({ event: { type: "user.deletes", graceMs }, spends: "deletions" })),
        { event: { type: "user.forces" }, spends: "removals" },
      ]),
    ],
  });
}
