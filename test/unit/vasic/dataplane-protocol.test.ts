/** Bundles of operations between the threads. */
import * as fc from 'fast-check';
import { packBundle, unpackBundle } from '../../../src/vasic/server/dataplane-protocol';

test('a bundle gives its items back, in a buffer of its own', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (items) => {
      const bundle = packBundle(items);
      expect(bundle.byteOffset).toBe(0);
      expect(bundle.buffer.byteLength).toBe(bundle.length);
      expect(unpackBundle(bundle).map((item) => Uint8Array.from(item))).toEqual(items);
    }),
  );
});
