/** The Cluster service: the members of the store. */
import type { MemberAddRequest, MemberIdRequest, MemberUpdateRequest, Read } from "../../machines/etcd/messages.ts";
import type { StoreMemberInfo, StoreMembership } from "../../ports/store_administration.ts";
import { type EtcdContext, headerOf, numericId, textId, unary } from "./grpc_calls.ts";

type MemberId = Read<typeof MemberIdRequest>;

export function clusterService(context: EtcdContext) {
  const { administration } = context;
  const answer = async ({ members }: StoreMembership) => ({
    header: await headerOf(context),
    members: members.map(memberMessage),
  });
  return {
    MemberAdd: unary(async ({ peerUrls, isLearner }: Read<typeof MemberAddRequest>) => {
      const change = await administration.addMember({ peerAddresses: peerUrls, learner: isLearner });
      return { ...(await answer(change)), member: memberMessage(change.member) };
    }),
    MemberRemove: unary(async ({ id }: MemberId) => answer(await administration.removeMember(textId(id)))),
    MemberUpdate: unary(async ({ id, peerUrls }: Read<typeof MemberUpdateRequest>) =>
      answer(await administration.updateMember(textId(id), peerUrls))
    ),
    MemberList: unary(async () => answer(await administration.members())),
    MemberPromote: unary(async ({ id }: MemberId) => answer(await administration.promoteMember(textId(id)))),
  };
}

function memberMessage({ id, name, peerAddresses, clientAddresses, learner }: StoreMemberInfo) {
  return {
    id: numericId(id),
    name,
    peerUrls: [...peerAddresses],
    clientUrls: [...clientAddresses],
    isLearner: learner,
  };
}
