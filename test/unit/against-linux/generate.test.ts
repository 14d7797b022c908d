import { idIn, encode } from '../../against-linux/frame';
import { EVENT_KINDS, nextEvent } from '../../against-linux/events';
import { FRAME_KINDS, nextFrame } from '../../against-linux/generate';
import { initialWorld } from '../../against-linux/world';
import { Random } from '../../fuzz/random';
import { sumBytes } from '../../../src/net/checksum';

function play(seed: number) {
  const random = new Random(seed);
  const world = initialWorld();
  const events = [];
  const frames = [];
  for (let i = 0; i < 400; i++) {
    events.push(nextEvent(random, world));
    frames.push(nextFrame(random, world), nextFrame(random, world), nextFrame(random, world));
  }
  return { events, frames };
}

describe('events and frames', () => {
  const { events, frames } = play(1);

  it('are the same for the same seed', () => {
    expect(play(1)).toEqual({ events, frames });
    expect(play(2)).not.toEqual({ events, frames });
  });

  it('are of all kinds', () => {
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(EVENT_KINDS));
    expect(new Set(frames.map(({ kind }) => kind))).toEqual(new Set(FRAME_KINDS));
  });

  it('become frames that no port is too small for', () => {
    for (const spec of frames)
      for (const frame of encode(spec, 77)) expect(frame.length).toBeLessThanOrEqual(1500 + 14 + 18);
  });

  it('carry their id in each fragment', () => {
    const spec = frames.find(({ packet }) => packet.family === 4 && packet.parts?.length === 2)!;
    expect(encode(spec, 0x123456).map(idIn)).toEqual([0x123456, 0x123456]);
  });

  it('have correct checksums unless their kind says otherwise', () => {
    for (const spec of frames.filter(({ kind }) => kind === 'host known')) {
      if (spec.packet.family !== 4) continue;
      const [frame] = encode(spec, 5);
      expect(sumBytes(frame!, 14, 34)).toBe(0xffff);
    }
  });
});
