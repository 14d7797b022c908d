/**
 * The dataplane thread: one poll(2) loop over the ports, the hostpath socket, the kernel's link news and a wake-up from the main
 * thread. The sandbox lives here and is touched by nobody else.
 *
 * Each round serves every ready port with one batch, then hostpath, then a slice of AFI work, then sends what piled up: a
 * million routes being programmed delay a packet by a slice, not by the load.
 *
 * Where packets follow each other closely the thread lets some gather before it looks again, as network cards do: waking for
 * each of them costs several times what the packet does. One that comes alone doesn't wait.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { encodeHostpathHeader, HOSTPATH_HEADER, HOSTPATH_MAX_FRAME } from '../../hostpath/header';
import type { AftPort, AftPortEngine } from '../../aft/model';
import { formatEndpoint } from '../../net/endpoint';
import { formatSockaddr, sockaddr } from '../../net/sockaddr';
import { RTMGRP_LINK } from '../../netlink/constants';
import { nameThread, PollSet, usleep } from '../../sys/libc';
import { listenFault } from '../../sys/listen-fault';
import { Courtesy, MissingPriority, raiseThreadPriority } from '../../sys/priority';
import { closeNetlink, openNetlink, receiveNetlink } from '../../sys/netlink-socket';
import { UdpSocket } from '../../sys/udp';
import { Wakeup } from '../../sys/wakeup';
import type { HostSink } from '../engine/api';
import type { Packet } from '../engine/packet';
import type { FromThread, ThreadOptions, ToThread } from './dataplane';
import { createLinuxPort } from '../io/linux-port';
import { engineOf, KernelEngine } from '../kernel/kernel-engine';
import { createSandbox } from '../engine/sandbox/sandbox';
import { injection } from './injection';
import { PortLooks } from './port-looks';
import { createPortTables } from './port-tables';
import { createSandboxHost } from './sandbox-host';
import { createThreadLogger } from './thread-log';

const SANDBOX_ID = 1;
const AFI_SLICE_MS = 0.25;
/** While AFI work waits for room in the kernel's tables it is asked this often whether that is there. */
const ROOM_MS = 1;
/** Packets that come sooner than this after the last round gather for about as long. */
const GATHER_US = 100;
/** The kernel delays news of carrier changes, so the ports are looked at this often. */
const LOOK_MS = 50;
/** And this often missing interfaces are asked for without news. */
const ASK_MS = 1000;
const NETLINK_BUFFER_BYTES = 256 << 10;
/** A UDP datagram carries at most this much frame. */
const MAX_PUNT_FRAME = Math.min(HOSTPATH_MAX_FRAME, 65507 - HOSTPATH_HEADER);

function run(options: ThreadOptions): void {
  const toMain = parentPort!;
  const post = (message: FromThread, transfer: ArrayBuffer[] = []): void => toMain.postMessage(message, transfer);
  const log = createThreadLogger((entry) => post({ kind: 'log', ...entry }));
  const wakeup = Wakeup.attach(options.wakeup);

  const hostpath = openHostpath(options.hostpath);
  const host = sockaddr(options.puntTo.host, options.puntTo.port);
  const link = openNetlink(RTMGRP_LINK, NETLINK_BUFFER_BYTES);
  const linkNews = Buffer.alloc(65536);
  const hostCounters = { punted: 0, puntTooLong: 0, injected: 0, refused: 0 };
  const kernel = KernelEngine.start(options.ports, options.engine, log);
  const ports = options.ports.map((name, index) => createLinuxPort(name, log, kernel?.ports[index]));
  const tables = createPortTables(ports, (port) => engineOf(kernel, port));

  const sink: HostSink = {
    punt(sandbox, port, reason, frame, offset, length) {
      if (length > MAX_PUNT_FRAME) {
        hostCounters.puntTooLong++;
        return;
      }
      const slot = hostpath.reserve();
      encodeHostpathHeader(slot, { direction: 'punt', reason, length: HOSTPATH_HEADER + length, sandbox, port });
      frame.copy(slot, HOSTPATH_HEADER, offset, offset + length);
      hostpath.commit(HOSTPATH_HEADER + length, host);
      hostCounters.punted++;
    },
  };

  const afi = createSandboxHost({
    sandbox: options.sandbox,
    ports: ports.length,
    makeSandbox: (instance) => {
      tables.begin();
      return createSandbox({
        id: SANDBOX_ID,
        ...options.sandbox,
        instance,
        ports,
        host: sink,
        ...(options.maxEntries === undefined ? undefined : { maxEntries: options.maxEntries }),
        refuse: options.refuse,
        ...(kernel && { fastPath: kernel.fastPath() }),
      });
    },
    complete: (info) => tables.complete(info),
    log,
    post: (message, transfer) => post(message, transfer),
  });

  const injector = { host, sandbox: SANDBOX_ID, ports: ports.length };
  function inject(slot: Buffer, size: number, from: Buffer): void {
    const header = injection(slot, size, from, injector);
    if (typeof header === 'string') {
      // The first one and then every thousandth: the log isn't to be flooded from outside.
      if (hostCounters.refused++ % 1000 === 0) {
        log.warn(`refused a hostpath datagram from ${formatSockaddr(from)}: ${header}`, {
          code: 'vasic-hostpath-malformed',
          refused: hostCounters.refused,
        });
      }
      return;
    }
    hostCounters.injected++;
    afi.sandbox?.inject(header.port, slot, HOSTPATH_HEADER, header.length - HOSTPATH_HEADER);
  }

  /** Per port, so that no closure is made per batch. Without a sandbox frames are read and forgotten. */
  const receivers = ports.map(
    (_, index) =>
      (packet: Packet): void =>
        afi.sandbox?.receive(index, packet),
  );

  let polled: PollSet;
  const FIXED = 3;
  const looks = new PortLooks(ports, log, {
    upChanged: (port, up) => afi.portChanged(port, up),
    // The main thread isolates it where it is back, and answers.
    missing: (port) => post({ kind: 'detached', port }),
    attachmentsChanged() {
      polled = new PollSet([wakeup.fd, link, hostpath.fd, ...ports.map((port) => port.fd)]);
    },
  });

  function readMail(): void {
    for (let mail = receiveMessageOnPort(toMain); mail !== undefined; mail = receiveMessageOnPort(toMain)) {
      const message = mail.message as ToThread;
      if (message.kind === 'isolated') looks.answer(message.port, message.ifindex);
      else afi.receive(message);
    }
  }

  for (const port of ports) {
    if (!port.attach()) throw new Error(`interface ${port.name} disappeared while starting`);
  }
  looks.begin();
  // packaging/softvasic.service finds it by this.
  nameThread('forwarding');
  const priority = new MissingPriority(raiseThreadPriority(), performance.now());
  post({ kind: 'ready', hostpathPort: hostpath.port, keeps: kernel?.keeps ?? false });

  const portsReady = (): boolean => ports.some((_, i) => polled!.events(FIXED + i) !== 0);
  let busy = false;
  let held = false;
  let lookAt = performance.now() + LOOK_MS;
  let askAt = performance.now() + ASK_MS;
  let statsAt = performance.now() + options.statsIntervalMs;
  const courtesy = new Courtesy();
  let awakeSince = performance.now();
  while (!wakeup.stopped) {
    const idleFrom = performance.now();
    polled!.wait(busy ? 0 : held ? ROOM_MS : LOOK_MS);
    if (!busy && portsReady() && performance.now() - idleFrom < GATHER_US / 1000) usleep(GATHER_US);
    const awakeAgain = performance.now();
    const pauseMs = courtesy.account(idleFrom - awakeSince, busy ? 0 : awakeAgain - idleFrom);
    if (pauseMs > 0) usleep(pauseMs * 1000);
    awakeSince = pauseMs > 0 ? performance.now() : awakeAgain;
    if (polled!.events(0) !== 0) {
      wakeup.drain();
      readMail();
    }
    const linkChanged = polled!.events(1) !== 0;
    const hostReady = polled!.events(2) !== 0;
    busy = false;
    for (let i = 0; i < ports.length; i++) {
      if (polled!.events(FIXED + i) !== 0 && ports[i]!.receive(receivers[i]!)) busy = true;
    }
    if (hostReady && hostpath.receive(inject) > 0) busy = true;
    // Packets don't wait with it.
    held = kernel?.isMakingRoom === true;
    if (!held && afi.work(AFI_SLICE_MS)) busy = true;
    for (const port of ports) port.flush();
    hostpath.flush();
    const now = performance.now();
    if (linkChanged) {
      while (receiveNetlink(link, linkNews) !== 'nothing');
    }
    if (linkChanged || now >= lookAt) {
      lookAt = now + LOOK_MS;
      const ask = linkChanged || now >= askAt;
      if (ask) askAt = now + ASK_MS;
      looks.look(ask);
      const reason = priority.reason(now);
      if (reason !== undefined) log.info('packets have no priority over other processes', { reason });
      kernel?.tick(now, afi.applied, () => afi.sandbox?.info().entries ?? 0);
    }
    if (options.statsIntervalMs > 0 && now >= statsAt) {
      statsAt = now + options.statsIntervalMs;
      logStats();
    }
  }
  kernel?.leave();
  for (const port of ports) port.close();
  kernel?.close();
  hostpath.close();
  closeNetlink(link);

  function logStats(): void {
    if (afi.sandbox === undefined) return;
    const info = tables.complete(afi.sandbox.info());
    const counts = ({ packets, bytes, drops }: AftPort): string => `${packets}/${bytes}/${drops}`;
    log.info('counters (packets/bytes/drops)', {
      in: Object.fromEntries(info.inputPorts.map((port) => [port.name, counts(port)])),
      out: Object.fromEntries(info.outputPorts.map((port) => [port.name, counts(port)])),
      hostpath: { ...hostCounters, sendDrops: hostpath.stats.sendDrops },
      drops: afi.sandbox.drops(),
      entries: info.entries,
      ...(kernel && { kernel: Object.fromEntries(ports.map(({ name }, i) => [name, kernelText(tables.engine(i))])) }),
    });
  }
}

/** @throws Error for the operator */
function openHostpath(at: ThreadOptions['hostpath']): UdpSocket {
  try {
    return UdpSocket.open(at);
  } catch (error) {
    const reason = listenFault(error, { ...at, transport: 'udp' });
    throw new Error(`cannot listen for hostpath on ${formatEndpoint(at)} (--hostpath-listen): ${reason}`, {
      cause: error,
    });
  }
}

/** For the log: packets that the kernel dealt with, and that it left to the engine by reason. */
function kernelText({ hook, packets, slow }: AftPortEngine): string {
  return [`${hook} ${packets}`, ...slow.map(({ reason, packets: left }) => `${reason} ${left}`)].join(', ');
}

run(workerData as ThreadOptions);
