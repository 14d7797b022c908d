/** Keys of entries as people read them. */
import type { AftKey } from '../../../aft/model';
import { formatPrefix } from '../../../net/address';
import { fieldName } from '../fields';

/** A key as text, for messages. */
export function keyText(key: AftKey): string {
  const { data } = key;
  switch (data.kind) {
    case 'prefix': {
      const whole = data.bytes.length === 4 || data.bytes.length === 16;
      return whole ? formatPrefix(data) : `of ${data.bytes.length} bytes/${data.length}`;
    }
    case 'ip4':
    case 'ip6':
    case 'ether':
      return `${fieldName(key.field)}=${Buffer.from(data.bytes).toString('hex')}`;
    case 'int':
    case 'label':
    case 'bool':
    case 'string':
      return String(data.value);
  }
}
