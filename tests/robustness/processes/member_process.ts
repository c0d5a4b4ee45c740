/**
 * One member of a replicated store as a process of its own: real disk, TLS between members. It is told what to do in
 * lines of JSON on its standard input, the first of which says who it is, and answers in lines on its standard output.
 */
import { realDisk } from "../../../actors/disk/real_disk.ts";
import { realClock } from "../../../actors/real/real_clock.ts";
import { realRandom } from "../../../actors/real/real_random.ts";
import {
  openReplicatedStorage,
  type ReplicatedStorage,
} from "../../../actors/store/replica/open_replicated_storage.ts";
import { openTlsTransport } from "../../../actors/transport/tls_transport.ts";
import { StorageError, type StorageWatch } from "../../../ports/storage.ts";
import { standingOf } from "../stage.ts";
import { FaultyTransport, type LinkFaults } from "./faulty_transport.ts";
import { decodeLine, encodeLine, lines, type MemberConfig, type Question } from "./lines.ts";

const output = { write: (value: unknown) => writeAll(encodeLine(value)) };

function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

async function open(config: MemberConfig): Promise<{ storage: ReplicatedStorage; transport: FaultyTransport }> {
  const { name, port, certificate, key, authority, faults, store } = config;
  const tls = await openTlsTransport({
    self: name,
    listen: [{ host: "127.0.0.1", port }],
    certificate,
    key,
    authority,
    clock: realClock,
  });
  const transport = new FaultyTransport(tls, realClock, faults);
  const storage = await openReplicatedStorage({
    ...store,
    disk: realDisk(config.directory),
    clock: realClock,
    random: realRandom,
    transport,
    name,
    processId: Deno.pid,
  });
  return { storage, transport };
}

const watches = new Map<number, StorageWatch>();

/** What is asked of a member, by name; an answer that is no promise is given at once. */
function asked(storage: ReplicatedStorage, transport: FaultyTransport, question: Question): unknown {
  const { id, what, args } = question;
  switch (what) {
    case "range":
      return storage.range(args[0] as never);
    case "txn":
      return storage.txn(args[0] as never);
    case "compact":
      return storage.compact(args[0] as number);
    case "grantLease":
      return storage.grantLease(args[0] as never);
    case "keepLeaseAlive":
      return storage.keepLeaseAlive(args[0] as number);
    case "watch":
      watches.set(
        id,
        storage.watch(args[0] as never, {
          events: (events, revision) => output.write({ watch: id, events, revision }),
          progress: (revision) => output.write({ watch: id, revision }),
          closed: ({ code, message }) => output.write({ watch: id, closed: { code, message } }),
        }),
      );
      return undefined;
    case "progress":
      return watches.get(args[0] as number)?.requestProgress();
    case "cancel":
      watches.get(args[0] as number)?.cancel();
      return void watches.delete(args[0] as number);
    case "faults":
      return transport.set(args[0] as LinkFaults);
    case "standing":
      return standingOf(storage);
    case "hash":
      return storage.hash();
    case "records":
      return storage.membership.records();
    case "addLearner":
      return storage.membership.addLearner(args[0] as never);
    case "promote":
      return storage.membership.promote(args[0] as string);
    case "remove":
      return storage.membership.remove(args[0] as string);
    case "moveLeader":
      return storage.membership.moveLeader();
    default:
      throw new Error(`Cannot answer "${what}": nobody has taught it to this process`);
  }
}

function failure(error: unknown): object {
  const { message } = error as Error;
  if (error instanceof StorageError) return { code: error.code, message, compactedRevision: error.compactedRevision };
  return { code: (error as { code?: string }).code ?? "error", message };
}

const input = lines(Deno.stdin.readable);
const { value: config } = await input.next();
const { storage, transport } = await open(decodeLine(config!) as MemberConfig).catch((error) => {
  output.write({ refused: failure(error) });
  Deno.exit(1);
});
output.write({ opened: true });
for await (const line of input) {
  const question = decodeLine(line) as Question;
  (async () => await asked(storage, transport, question))().then(
    (result) => output.write({ id: question.id, result }),
    (error) => output.write({ id: question.id, error: failure(error) }),
  );
}
Deno.exit(0);
