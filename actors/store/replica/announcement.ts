/**
 * Keeps what the log says of this member true: its name and where it is reached. A member that was added without a name
 * is not spoken to by anybody: it says what it is called to everybody it was told of.
 */
import type { MemberRecord } from "../../../machines/raft/roster.ts";
import type { Wake } from "../../../ports/clock.ts";
import type { StoreMembershipControl } from "../../../ports/store_membership.ts";
import type { Replica } from "./replica.ts";

const againMs = 1_000;

export class Announcement {
  #isUnderWay = false;
  #again: Wake | undefined;

  constructor(readonly replica: Replica, readonly control: StoreMembershipControl) {
    replica.watchers.add(() => this.look());
    replica.endings.add(() => this.#again?.cancel());
    replica.link.handlers.set("announce", async (from, head) => {
      const { record: { name, peerAddresses, clientAddresses } } = head as { record: MemberRecord };
      const known = replica.roster.current.find(({ id }) => id === from);
      if (known === undefined) return { taken: false };
      const said = { id: from, name, peerAddresses, clientAddresses };
      if (JSON.stringify(known) !== JSON.stringify(said)) await control.update(from, said);
      return { taken: true };
    });
  }

  /** Says it if there is something to be said. */
  look(): void {
    const { replica } = this;
    if (this.#isUnderWay || replica.context === undefined || !replica.isOpen) return;
    const { member: id } = replica.loaded.identity;
    const { name, peerAddresses, clientAddresses } = replica.options;
    const known = replica.roster.current.find((each) => each.id === id);
    const wanted = {
      id,
      name,
      peerAddresses: peerAddresses.length > 0 ? peerAddresses : known?.peerAddresses ?? [],
      clientAddresses: clientAddresses.length > 0 ? clientAddresses : known?.clientAddresses ?? [],
    };
    const isTold = known !== undefined && JSON.stringify(wanted) === JSON.stringify({ ...known, id });
    if (isTold) return;
    this.#isUnderWay = true;
    this.#say(wanted).then(() => {
      this.#isUnderWay = false;
      if (!replica.isOpen) return;
      const { clock } = replica.options;
      this.#again?.cancel();
      this.#again = clock.wakeAt(clock.now() + againMs, () => this.look());
    });
  }

  async #say(record: MemberRecord): Promise<void> {
    const { replica } = this;
    try {
      if (replica.context?.leader !== "") return await this.control.update(record.id, record);
      await Promise.all(replica.link.others.map((id) => replica.link.call(id, "announce", { record })));
    } catch {
      // Not now: another change is under way, or there is no leader any more. It looks again in a while.
    }
  }
}
