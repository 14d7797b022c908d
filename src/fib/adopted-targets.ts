/**
 * Where entries lead that were found in the vASIC, by row, until the row is written: what leads where it should is right as it is. One number a row,
 * and only between the start of the bridge and the end of zebra's replay.
 */
export class AdoptedTargets {
  /** One more than the token; 0: not known. */
  private tokens: Float64Array | undefined;

  /** @param token of the node that the row's entry leads to */
  set(row: number, token: number): void {
    let { tokens } = this;
    if (tokens === undefined || row >= tokens.length) {
      const larger = new Float64Array(Math.max(1024, 2 * row));
      if (tokens !== undefined) larger.set(tokens);
      this.tokens = tokens = larger;
    }
    tokens[row] = token + 1;
  }

  /** undefined: not known. */
  get(row: number): number | undefined {
    const token = this.tokens?.[row] ?? 0;
    return token === 0 ? undefined : token - 1;
  }

  /** The row is written: what was found there doesn't count any more. */
  delete(row: number): void {
    if (this.tokens !== undefined && row < this.tokens.length) this.tokens[row] = 0;
  }

  clear(): void {
    this.tokens = undefined;
  }
}
