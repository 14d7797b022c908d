/** What is told of ports whose interfaces come and go between two looks, and within one. */
import { nullLogger } from '../../../../src/observe/log';
import { PortLooks } from '../../../../src/vasic/server/port-looks';

const port = { name: 'ge0', fd: 5, up: true, attach: (_?: number) => true, refresh: () => false };
let told: string[];
let looks: PortLooks;
beforeEach(() => {
  Object.assign(port, { fd: 5, up: true, attach: () => true, refresh: () => false });
  told = [];
  looks = new PortLooks([port], nullLogger, {
    upChanged: (_, up) => told.push(up ? 'up' : 'down'),
    missing: () => told.push('missing'),
    attachmentsChanged: () => told.push('attachments'),
  });
  looks.begin();
  told = [];
});

const gone = (): boolean => (Object.assign(port, { fd: -1, up: false }), true);
const back = (fd: number) => (): boolean => (Object.assign(port, { fd, up: true }), true);

test('nothing happened: nothing is told', () => {
  looks.look(true);
  expect(told).toEqual([]);
});

test('a port that lost its interface while it received is told of at the next look, and when it is back', () => {
  gone();
  looks.look(false);
  expect(told).toEqual(['attachments', 'down', 'missing']);
  looks.look(false);
  looks.answer(0, undefined);
  looks.look(true);
  expect(told.slice(3)).toEqual(['missing']);
  port.attach = back(6);
  looks.answer(0, 9);
  expect(told.slice(4)).toEqual(['attachments', 'up']);
  looks.look(true);
  expect(told).toHaveLength(6);
});

test('who isolates an interface is asked once until there is an answer, and again where there was news meanwhile', () => {
  gone();
  looks.look(true);
  looks.look(true);
  looks.look(true);
  expect(told).toEqual(['attachments', 'down', 'missing']);
  looks.answer(0, undefined);
  expect(told.slice(3)).toEqual(['missing']);
  looks.answer(0, undefined);
  looks.look(false);
  expect(told).toHaveLength(4);
});

test('the interface that was isolated is attached, and no other', () => {
  gone();
  looks.look(false);
  const attached: (number | undefined)[] = [];
  port.attach = (ifindex) => attached.push(ifindex) > 1;
  looks.answer(0, 7);
  expect(attached).toEqual([7]);
});

test('a look that finds the interface gone tells the same', () => {
  port.refresh = gone;
  looks.look(false);
  expect(told).toEqual(['attachments', 'down', 'missing']);
});

test('a port that was attached again within a look has another descriptor, and was never down', () => {
  port.refresh = back(9);
  looks.look(false);
  expect(told).toEqual(['attachments']);
});

test('an interface that cannot be attached stays missing', () => {
  gone();
  looks.look(false);
  port.attach = () => {
    throw new Error('busy');
  };
  looks.answer(0, 9);
  expect(told).toEqual(['attachments', 'down', 'missing']);
});
