/** The Maintenance service: how a member is, what it holds, and its alarms. */
import { createHash } from "node:crypto";
import type { ServerWritableStream } from "@grpc/grpc-js";
import {
  alarmActions,
  type AlarmRequest,
  alarmTypes,
  type HashKvRequest,
  type MoveLeaderRequest,
  type Read,
  type SnapshotResponse,
} from "../../machines/etcd/messages.ts";
import type { Part } from "../../machines/etcd/protobuf.ts";
import type { StoreAlarm } from "../../ports/store_administration.ts";
import { type EtcdContext, grpcError, headerOf, invalid, numericId, textId, unary } from "./grpc_calls.ts";

/** The release of etcd whose behaviour clients may expect; they look at it before they use what came later. */
export const etcdVersion = "3.5.16";

/** etcd's snapshots are pages of this size and a SHA-256: clients tell by it that one arrived whole. */
const pageBytes = 512;

export function maintenanceService(context: EtcdContext) {
  const { administration } = context;
  return {
    Status: unary(async () => {
      const health = await administration.health();
      return {
        header: await headerOf(context),
        version: etcdVersion,
        dbSize: health.sizeBytes,
        dbSizeInUse: health.sizeInUseBytes,
        leader: numericId(health.leader),
        raftIndex: BigInt(health.committedIndex),
        raftAppliedIndex: BigInt(health.appliedIndex),
        raftTerm: BigInt(health.term),
        errors: [...health.errors],
        isLearner: health.learner,
      };
    }),
    Alarm: unary(async (asked: Read<typeof AlarmRequest>) => ({
      header: await headerOf(context),
      alarms: (await alarm(context, asked)).map(({ type, member }) => ({
        memberId: numericId(member),
        alarm: alarmTypes.indexOf(type),
      })),
    })),
    Defragment: unary(async () => {
      await administration.defragment();
      return { header: await headerOf(context) };
    }),
    Hash: unary(async () => {
      const { hash } = await administration.hashAt();
      return { header: await headerOf(context), hash };
    }),
    HashKV: unary(async ({ revision }: Read<typeof HashKvRequest>) => {
      const { hash, hashRevision, compactedRevision, revision: latest } = await administration.hashAt(revision);
      const header = await headerOf(context, latest);
      return { header, hash, hashRevision, compactRevision: compactedRevision === 0 ? -1 : compactedRevision };
    }),
    Snapshot: (call: ServerWritableStream<unknown, Part<Read<typeof SnapshotResponse>>>) => {
      sendSnapshot(context, call).then(() => call.end(), (error) => call.destroy(grpcError(error)));
    },
    MoveLeader: unary(async ({ targetId }: Read<typeof MoveLeaderRequest>) => {
      await administration.moveLeader(textId(targetId));
      return { header: await headerOf(context) };
    }),
  };
}

async function alarm(
  { administration }: EtcdContext,
  { action, memberId, alarm: number }: Read<typeof AlarmRequest>,
): Promise<readonly StoreAlarm[]> {
  const type = alarmTypes[number];
  if (type === undefined) throw invalid(`unknown alarm ${number}`);
  if (action === alarmActions.get) {
    const alarms = await administration.alarms();
    return type === "none" ? alarms : alarms.filter((each) => each.type === type);
  }
  if (type === "none") return [];
  const meant = { type, member: textId(memberId) };
  if (action === alarmActions.activate) {
    await administration.raiseAlarm(meant);
    return [meant];
  }
  if (action !== alarmActions.deactivate) throw invalid(`unknown alarm action ${action}`);
  return await administration.clearAlarm(meant) ? [meant] : [];
}

/** The snapshot file of the store, filled up with zeros to whole pages, and the SHA-256 of all that. */
async function sendSnapshot(
  context: EtcdContext,
  call: ServerWritableStream<unknown, Part<Read<typeof SnapshotResponse>>>,
): Promise<void> {
  const header = await headerOf(context);
  const hash = createHash("sha256");
  let size = 0;
  const send = async (blob: Uint8Array) => {
    if (call.cancelled) throw invalid("the snapshot was called off");
    size += blob.length;
    if (call.write({ header, blob })) return;
    await new Promise<void>((resolve) => {
      call.once("drain", resolve);
      call.once("cancelled", resolve);
    });
  };
  for await (const piece of context.administration.snapshot()) {
    hash.update(piece);
    await send(piece);
  }
  const padding = new Uint8Array((pageBytes - size % pageBytes) % pageBytes);
  hash.update(padding);
  await send(padding);
  await send(new Uint8Array(hash.digest()));
}
