import type { AftError } from '../aft/model';

/** The server refused an operation: nothing of it was applied. */
export class AfiRefused extends Error {
  constructor(readonly fault: AftError) {
    super(`${fault.message} (${fault.code})`);
    this.name = 'AfiRefused';
  }
}
