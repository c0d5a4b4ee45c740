import { assertEquals, assertRejects } from "@std/assert";
import { ManualClock } from "../../../actors/simulated/manual_clock.ts";
import { startSupervisor } from "../../../actors/supervisor/supervisor_actor.ts";
import { ActorSystem } from "../../../actors/system.ts";
import type { RoleProcess, RoleProcesses, RoleProcessListener } from "../../../ports/role_processes.ts";

/** Processes that do what they are told: what happened to them, in order. */
class Processes implements RoleProcesses {
  readonly log: string[] = [];
  readonly living = new Map<string, { listener: RoleProcessListener; end(code: number): void }>();
  /** Roles that do not end when they are asked to. */
  readonly deaf = new Set<string>();

  start(role: string, listener: RoleProcessListener): RoleProcess {
    this.log.push(`start ${role}`);
    const { promise, resolve } = Promise.withResolvers<number>();
    const end = (code: number) => {
      this.living.delete(role);
      resolve(code);
    };
    this.living.set(role, { listener, end });
    return {
      pid: this.log.length,
      ended: promise,
      stop: () => {
        this.log.push(`stop ${role}`);
        if (!this.deaf.has(role)) end(0);
      },
      kill: () => {
        this.log.push(`kill ${role}`);
        end(137);
      },
    };
  }
}

function world(nodes = 2) {
  const clock = new ManualClock();
  const processes = new Processes();
  const crashed: string[] = [];
  const supervisor = startSupervisor({
    system: new ActorSystem({ clock }),
    node: "test",
    nodes,
    processes,
    crashed: (role, code) => crashed.push(`${role} ${code}`),
  });
  /** Lets all that waits happen: promises, then the run queue, until nothing is left. */
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) {
      clock.run();
      await Promise.resolve();
    }
  };
  const ready = async (...roles: string[]) => {
    for (const role of roles) processes.living.get(role)!.listener.ready();
    await settle();
  };
  const end = async (role: string, code: number) => {
    processes.living.get(role)!.end(code);
    await settle();
  };
  const pass = async (milliseconds: number) => {
    clock.advance(milliseconds);
    await settle();
  };
  return { supervisor, processes, crashed, settle, ready, end, pass };
}

Deno.test("Supervisor starts nodes when the master is ready, and stops it when they have ended", async () => {
  const { supervisor, processes, settle, ready } = world();
  await settle();
  assertEquals(processes.log, ["start master-0"]);
  await ready("master-0");
  assertEquals(processes.log.slice(1), ["start worker-0", "start worker-1"]);
  await ready("worker-1", "worker-0");
  await supervisor.ready;
  processes.deaf.add("worker-0");
  supervisor.stop();
  await settle();
  assertEquals(processes.log.slice(3), ["stop worker-0", "stop worker-1"]);
  processes.living.get("worker-0")!.end(0);
  await settle();
  assertEquals(processes.log.slice(5), ["stop master-0"]);
  await supervisor.ended;
  assertEquals(processes.living.size, 0);
});

Deno.test("Supervisor starts a process again after a pause that grows", async () => {
  const { processes, crashed, settle, ready, end, pass } = world(1);
  await settle();
  await ready("master-0");
  await ready("worker-0");
  for (const pause of [250, 500, 1000]) {
    const before = processes.log.length;
    await end("worker-0", 1);
    await pass(pause - 1);
    assertEquals(processes.log.length, before);
    await pass(1);
    assertEquals(processes.log.slice(before), ["start worker-0"]);
    await ready("worker-0");
  }
  assertEquals(crashed, ["worker-0 1", "worker-0 1", "worker-0 1"]);
  await pass(60_000);
  await end("worker-0", 1);
  await pass(250);
  assertEquals(processes.living.has("worker-0"), true);
});

Deno.test("Supervisor gives up when a process ends before it was ever ready, and names it", async () => {
  const { supervisor, processes, settle, ready, end } = world(2);
  await settle();
  await ready("master-0");
  await ready("worker-0");
  await end("worker-1", 1);
  await assertRejects(() => supervisor.ready, Error, "worker-1 did not start");
  await supervisor.ended;
  assertEquals([processes.living.size, processes.log.slice(3)], [0, ["stop worker-0", "stop master-0"]]);
});

Deno.test("Supervisor kills who does not end, after a while or when that is demanded", async () => {
  const { supervisor, processes, settle, ready, pass } = world(1);
  await settle();
  await ready("master-0");
  await ready("worker-0");
  processes.deaf.add("worker-0").add("master-0");
  supervisor.stop();
  await settle();
  await pass(19_999);
  assertEquals(processes.log.slice(2), ["stop worker-0"]);
  await pass(1);
  assertEquals(processes.log.slice(3), ["kill worker-0", "stop master-0"]);
  supervisor.kill();
  await settle();
  assertEquals(processes.log.slice(5), ["kill master-0"]);
  await supervisor.ended;
});
