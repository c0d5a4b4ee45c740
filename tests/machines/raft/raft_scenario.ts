/**
 * Stories about a cluster, a verb a line, with a transcript of what the members made of them.
 *
 *     cluster a b c          voters; after a `+` learners; after a `-` members that have nothing yet
 *     log a 1 1 2            what a's disk has after the first entry, by terms; `log a 1 2 term=3`: and the term
 *     small                  messages have one entry at most
 *     wait a                 a's election timeout passes (a follower's lease first, where it has one)
 *     timer a NAME           one timer passes: lease, turn, wait, heartbeat, majority, transfer
 *     deliver [a -> b] [TYPE]  what is under way, of these, until nothing of it is left; without words: everything
 *     drop [a -> b] [TYPE]
 *     cut a / heal           whatever goes to a or comes from a is lost
 *     propose a [SIZE ...]   read a ID     transfer a b     urge a     snapshot a     lost a b (a's connection to b)
 *     addLearner|promoteLearner|removeMember a MEMBER     (asks a)
 *     disk a stops / disk a goes   writes wait, and are done
 *     restart a              with what is on its disk
 *     status                 one line for each member
 */
import { stateName } from "../../../machines/chart_names.ts";
import type { Message } from "../../../machines/raft/message.ts";
import { termAt } from "../../../machines/raft/log.ts";
import type { RaftEvent, RaftSettings } from "../../../machines/raft/raft_member.ts";
import { type Disk, type Local, Locals, type Outcome } from "../../../machines/models/raft/raft_local.ts";
import { diskOf, emptyDisk } from "../../../machines/models/raft/raft_cluster.ts";
import { settings } from "../../../machines/models/raft/raft_slices.ts";

const timers: Readonly<Record<string, string>> = {
  lease: "follower.led",
  turn: "follower.bereft",
  wait: "electionWait",
  heartbeat: "heartbeats",
  majority: "majority",
  transfer: "transfer",
};

class Story {
  #settings: RaftSettings = { ...settings, maxInFlight: 4 };
  #locals = new Locals({ settings: this.#settings });
  #slow = this.#locals;
  readonly #disks = new Map<string, Disk>();
  readonly #members = new Map<string, Local>();
  readonly #stopped = new Set<string>();
  readonly #cut = new Set<string>();
  #flying: Message[] = [];
  readonly lines: string[] = [];

  run(line: string): void {
    const [verb = "", ...words] = line.split(/\s+/);
    this.lines.push(`> ${line}`);
    if (verb === "cluster") return this.#cluster(words);
    if (verb === "log") return this.#log(words);
    if (verb === "small") {
      this.#settings = { ...this.#settings, maxMessageBytes: 0 };
      return;
    }
    this.#begin();
    const [who = "", ...rest] = words;
    switch (verb) {
      case "wait":
        if (this.#timerOf(who, "lease") !== undefined) this.#fire(who, "lease");
        return this.#fire(who, "wait");
      case "timer":
        return this.#fire(who, rest[0]!);
      case "deliver":
        return this.#deliver(words);
      case "drop":
        this.#flying = this.#flying.filter((message) => !isMeant(message, words));
        return;
      case "cut":
        this.#cut.add(who);
        return;
      case "heal":
        return this.#cut.clear();
      case "disk":
        return this.#disk(who, rest[0]!);
      case "restart":
        return this.#note(who, this.#of(who).restart(this.#member(who)));
      case "status":
        for (const local of this.#members.values()) this.lines.push(`  ${statusOf(local)}`);
        return;
      default:
        return this.#note(who, this.#of(who).tell(this.#member(who), this.#event(verb, who, rest)));
    }
  }

  #event(verb: string, who: string, words: readonly string[]): RaftEvent {
    const { context } = this.#member(who).snapshot;
    switch (verb) {
      case "propose":
        return { type: "proposal.made", sizes: words.length === 0 ? [1] : words.map(Number) };
      case "read":
        return { type: "reads.wanted", ids: words.map(Number) };
      case "transfer":
        return { type: "transfer.wanted", to: words[0]! };
      case "urge":
        return { type: "candidacy.urged", from: "", to: who, term: context.term };
      case "snapshot":
        return { type: "snapshot.made", index: context.applied };
      case "lost":
        return { type: "connection.lost", peer: words[0]! };
      case "addLearner":
      case "promoteLearner":
      case "removeMember":
        return { type: "change.proposed", change: { type: verb, member: words[0]! }, size: 1 };
      default:
        throw new Error(`Cannot tell the story: there is no verb "${verb}"`);
    }
  }

  #cluster(words: readonly string[]): void {
    const at = (sign: string) => words.indexOf(sign) === -1 ? words.length : words.indexOf(sign);
    const [learnersAt, newAt] = [at("+"), at("-")];
    const voters = words.slice(0, Math.min(learnersAt, newAt));
    const learners = words.slice(learnersAt + 1, newAt);
    for (const member of [...voters, ...learners]) this.#disks.set(member, diskOf({ voters, learners }));
    for (const member of words.slice(newAt + 1)) this.#disks.set(member, emptyDisk());
  }

  #log([who = "", ...words]: readonly string[]): void {
    const terms = words.filter((word) => !word.includes("=")).map(Number);
    const term = words.find((word) => word.startsWith("term="))?.slice(5);
    const { configuration } = this.#disks.get(who)!.log.configurations.at(-1)!;
    this.#disks.set(who, diskOf(configuration, terms, term === undefined ? undefined : Number(term)));
  }

  #begin(): void {
    if (this.#members.size > 0) return;
    this.#locals = new Locals({ settings: this.#settings });
    this.#slow = new Locals({ settings: this.#settings, slowDisk: true });
    for (const [member, disk] of this.#disks) this.#members.set(member, this.#locals.start(member, disk).next);
  }

  #fire(who: string, name: string): void {
    const timer = this.#timerOf(who, name);
    if (timer === undefined) throw new Error(`Cannot tell the story: ${who} has no timer ${name}`);
    this.#note(who, this.#of(who).fire(this.#member(who), timer));
  }

  #timerOf(who: string, name: string): string | undefined {
    return Object.keys(this.#member(who).timers).find((id) => id.includes(timers[name] ?? "?"));
  }

  #deliver(words: readonly string[]): void {
    for (let steps = 0;; steps++) {
      if (steps > 500) throw new Error("Cannot tell the story: messages go on and on");
      const at = this.#flying.findIndex((message) => isMeant(message, words));
      if (at === -1) return;
      const message = this.#flying.splice(at, 1)[0]!;
      this.lines.push(`  ${said(message)}`);
      const { to } = message;
      if (!this.#members.has(to)) continue;
      const locals = this.#of(to);
      this.#note(to, locals.deliver(this.#member(to), locals.message(message)));
    }
  }

  #disk(who: string, does: string): void {
    if (does === "stops") {
      this.#stopped.add(who);
      return;
    }
    while (this.#member(who).writes.length > 0) this.#note(who, this.#slow.write(this.#member(who)));
    this.#stopped.delete(who);
  }

  #note(who: string, { next, sent, served, thrown }: Outcome): void {
    if (thrown !== undefined) throw thrown;
    const [before, locals] = [this.#member(who), this.#of(who)];
    this.#members.set(who, next);
    const [was, is] = [statusOf(before), statusOf(next)];
    if (was !== is) this.lines.push(`    ${is}`);
    for (const { ids, index } of served) this.lines.push(`    ${who} serves reads ${ids.join(", ")} at ${index}`);
    for (const id of sent) {
      const message = locals.messages[id]!;
      if (!this.#cut.has(message.from) && !this.#cut.has(message.to)) this.#flying.push(message);
    }
  }

  #of(who: string): Locals {
    return this.#stopped.has(who) ? this.#slow : this.#locals;
  }

  #member(who: string): Local {
    const local = this.#members.get(who);
    if (local === undefined) throw new Error(`Cannot tell the story: there is no member "${who}"`);
    // The two tables number alike states differently.
    return { ...local, id: this.#of(who).all.push(local) - 1 };
  }
}

function isMeant(message: Message, words: readonly string[]): boolean {
  const arrow = words.indexOf("->");
  if (arrow !== -1 && (message.from !== words[arrow - 1] || message.to !== words[arrow + 1])) return false;
  const type = arrow === -1 ? words[0] : words[arrow + 2];
  return type === undefined || message.type === type;
}

function said(message: Message): string {
  const parts = [`${message.from} -> ${message.to} ${message.type} term=${message.term}`];
  switch (message.type) {
    case "preVote.requested":
    case "vote.requested":
      parts.push(`last=${message.last.index}/${message.last.term}`);
      break;
    case "append.requested":
      parts.push(`after=${message.previous.index}/${message.previous.term}`);
      parts.push(`entries=[${message.entries.map(({ index, term }) => `${index}/${term}`).join(" ")}]`);
      parts.push(`commit=${message.commit}`);
      break;
    case "append.accepted":
      parts.push(`index=${message.index}`);
      break;
    case "append.refused":
      parts.push(`index=${message.index} hint=${message.hint.index}/${message.hint.term}`);
      break;
    case "heartbeat.sent":
      parts.push(`commit=${message.commit} round=${message.round}`);
      break;
    case "heartbeat.answered":
      parts.push(`round=${message.round}`);
      break;
    case "snapshot.offered":
      parts.push(`snapshot=${message.snapshot.index}/${message.snapshot.term}`);
      break;
    case "reads.requested":
    case "reads.answered":
      parts.push(`ids=${message.ids.join(",")}`);
  }
  return parts.join(" ");
}

function statusOf({ member, snapshot }: Local): string {
  const { term, vote, commit, log, leader, progress } = snapshot.context;
  const terms = [];
  for (let index = log.base.index + 1; index <= log.last.index; index++) terms.push(termAt(log, index));
  const from = log.base.index === 0 ? "" : `${log.base.index}/${log.base.term} `;
  const peers = Object.entries(progress).map(([id, { state, match, next }]) => ` ${id}:${state} ${match}<${next}`);
  return `${member} ${stateName(snapshot).replaceAll("member.", "")} term=${term} vote=${vote || "-"} ` +
    `leader=${leader || "-"} commit=${commit} log=${from}[${terms.join(" ")}]${peers.join("")}`;
}

/** The transcript of a story; comments and empty lines tell nothing. */
export function tell(story: string): string {
  const told = new Story();
  for (const line of story.split("\n")) if (line.trim() !== "" && !line.startsWith("#")) told.run(line.trim());
  return told.lines.join("\n") + "\n";
}
