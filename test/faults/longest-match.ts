/** Which of many prefixes an address belongs to, by looking from the longest on: for the few addresses of probes. */
import { formatAddress, maskAddress, parseAddress } from '../../src/net/address';
import { isSix } from './plan';

export class LongestMatch {
  private readonly prefixes: ReadonlySet<string>;
  /** Descending. */
  private readonly lengths: { readonly four: readonly number[]; readonly six: readonly number[] };

  constructor(prefixes: readonly string[]) {
    this.prefixes = new Set(prefixes);
    const lengthsOf = (six: boolean): readonly number[] => {
      const found = prefixes.filter((prefix) => isSix(prefix) === six).map((prefix) => Number(prefix.split('/')[1]));
      return [...new Set(found)].sort((a, b) => b - a);
    };
    this.lengths = { four: lengthsOf(false), six: lengthsOf(true) };
  }

  of(address: string): string | undefined {
    const bytes = parseAddress(address)!;
    return (isSix(address) ? this.lengths.six : this.lengths.four)
      .map((length) => `${formatAddress(maskAddress(bytes, length))}/${length}`)
      .find((prefix) => this.prefixes.has(prefix));
  }
}
