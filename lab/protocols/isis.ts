/**
 * IS-IS, level 1, area and system ids of the original demonstration. Its packets are no IP: 802.3 frames to 01:80:c2:00:00:14
 * that reach isisd only if the vASIC punts what it does not know.
 */
import { at, items, textAt } from '../json';
import { IP4 } from '../plan';
import { portOfTap, type Protocol } from '../protocol';

const section = (id: string): readonly string[] => [
  'router isis 1',
  ` net 47.0023.0000.0000.0000.0000.0000.0000.1900.${id}.00`,
  ' is-type level-1',
  ' lsp-gen-interval 1',
  ' spf-interval 1',
];

export const isis: Protocol = {
  name: 'isis',
  title: 'IS-IS',
  daemon: 'isisd',
  plan: IP4,
  zebra: { name: 'isis', code: 'I' },
  linkLines: [' ip router isis 1', ' isis hello-interval 1', ' isis hello-multiplier 4'],
  loopbackLines: [' ip router isis 1', ' isis passive'],
  router: () => section('0010'),
  vrouter: (port) => section(`000${port + 1}`),
  neighborCommand: 'show isis neighbor',
  neighbors: async (frr) => {
    const found = new Map<number, string>();
    for (const area of items(at(await frr.json('show isis neighbor json'), 'areas'))) {
      for (const circuit of items(at(area, 'circuits'))) {
        const link = at(circuit, 'interface');
        // In the short form `interface` is the name, in the long one an object.
        const [name, state] = [
          textAt(link, 'name') || textAt(circuit, 'interface'),
          textAt(link, 'state') || textAt(circuit, 'state'),
        ];
        if (portOfTap(name) >= 0) found.set(portOfTap(name), state);
      }
    }
    return found;
  },
  isUp: (state) => state === 'Up',
  upName: 'Up',
  packetKind: 'IS-IS',
};
