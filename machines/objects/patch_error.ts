/** A patch that cannot be applied, with the code that the API answers. */
export class PatchError extends Error {
  override name = "PatchError";
  constructor(readonly code: 400 | 413 | 422 | 500, message: string) {
    super(message);
  }
}
