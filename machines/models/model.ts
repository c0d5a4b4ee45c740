/** A model that can be listed, checked and replayed by name: a system, or one of several sizes of it. */
import type { SystemModel } from "../check/system_model.ts";

export interface NamedModel {
  /** `pod/never-crash`: what it is about, then what is special about it. */
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  /** Small ones are checked in the fast tests, large ones with `CHARTROOM_CHECK=all`. */
  readonly size: "small" | "large";
  /** Made anew for each check. */
  system(): SystemModel;
}
