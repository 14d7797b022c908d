/**
 * The codes of warnings and errors in the logs of fpm2afi and softvasic: each says one thing, whatever the words and values of a line, and keeps its
 * name from version to version, so that alerts and notes can go by it. `fpm2afi log-codes [CODE]` prints this table, docs/messages.md has it.
 */

/** What a line with this code means, and what to do. */
export interface LogCodeEntry {
  readonly means: string;
  readonly action: string;
}

export const LOG_CODES = {
  // ---- fpm2afi: zebra ---------------------------------------------------------------------------------------------
  'fpm-accept-failed': {
    means: 'zebra could not be accepted; the port stays open.',
    action:
      'Mostly too many open files: look at LimitNOFILE of the unit and at who is connected (ss -tnp sport = :2620).',
  },
  'fpm-refused': {
    means: 'Somebody who may not speak FPM here was turned away.',
    action: 'The line says who, and why. If it was your zebra, let it in with fpm.allow; otherwise find out who it is.',
  },
  'fpm-replaced': {
    means: 'A second zebra connected, or the same one anew before its old connection ended: the new one counts.',
    action:
      'Once is fine. Again and again means that two of them take turns: give one of them another fpm2afi (fpm address … port …).',
  },
  'fpm-disconnected': {
    means: 'zebra is gone. Forwarding goes on with its last routes.',
    action:
      'Is zebra running (systemctl status frr), and has it `fpm address`? What becomes of the routes in the long run is fpm.away.',
  },
  'fpm-malformed': {
    means: 'A message could not be decoded, and was left out. Said at 1, 2, 4, 8 … of them.',
    action:
      'Record the stream (restart with `fpm2afi run --record FILE`) and look at it with `fpm2afi decode`; if zebra sent it, please report it.',
  },
  'fpm-recording-stopped': {
    means:
      'The recording of the FPM stream ended, as the file could not be written or has become as large as it may. Nothing else is touched.',
    action:
      'Make room. To record on, restart with `fpm2afi run --record FILE`, which empties the file: name another to keep this one.',
  },
  'fpm-sweep-late': {
    means:
      'What zebra did not send again is removed now, though a reason to wait was still there: fpm.sweep.maximum is over.',
    action: 'The line says what was waited for. If peers need longer for their tables, raise fpm.sweep.maximum.',
  },
  'fpm-sweep-held': {
    means:
      'zebra came back, and more than fpm.sweep.loss percent of its routes did not, so none is removed before fpm.sweep.maximum is over.',
    action:
      'Look whether protocols are up (show ip route summary). If the loss is meant, wait, or set fpm.sweep.loss to 100 and restart fpm2afi.',
  },
  'fpm-away': {
    means: 'zebra stayed away for as long as fpm.away says: its routes are removed, and packets go to the host.',
    action: 'Start zebra; it replays everything.',
  },
  'fpm-tables-unknown': {
    means: 'zebra does not replay routes of tables without a VRF, and could not be asked for them over vtysh’s socket.',
    action:
      'Let fpm2afi read zebra’s socket (fpm.zebraVty, group frrvty); until then such routes are forwarded by Linux.',
  },
  'bgpd-unreachable': {
    means: 'bgpd could not be asked whether its peers have sent all of their tables, so the sweep goes by time alone.',
    action:
      'Is bgpd running, and may fpm2afi open fpm.sweep.bgpdVty (group frrvty)? Where there is no bgpd nothing is to be done.',
  },
  // ---- fpm2afi: the vASIC -----------------------------------------------------------------------------------------
  'afi-unreachable': {
    means: 'The AFI server could not be reached, or did not open the sandbox. It is tried again, ever more seldom.',
    action:
      'The line says why and what to do. Is the vASIC running, is afi.server right? Equal failures that follow are at level debug.',
  },
  'afi-lost': {
    means: 'The connection to the AFI server broke. The vASIC forwards on with what it has, if it still runs.',
    action: 'The vASIC’s log has its side. With the next connection all that changed meanwhile is programmed.',
  },
  'afi-restarted': {
    means: 'The vASIC came back with empty tables: everything is programmed again, and packets were lost until then.',
    action: 'Find out why it restarted. softvasic --keep-forwarding bridges such a time.',
  },
  'afi-away': {
    means: 'The vASIC stays away for as long as afi.lost says: zebra is told that its routes failed.',
    action: 'Start the vASIC; statuses follow by themselves.',
  },
  'afi-other-client': {
    means: 'Another client had the sandbox meanwhile, so it is not known what is in it: it is read again.',
    action: 'Who was it? Two fpm2afi for one sandbox take it from each other: give each its own (afi.sandbox).',
  },
  'afi-unreadable': {
    means:
      'What the vASIC holds could not be read, so it is not known what may be written. It is tried again; meanwhile nothing is programmed.',
    action: 'The line says why. If it stays so, restart the vASIC.',
  },
  'afi-graph-refused': {
    means: 'The vASIC refused the nodes that everything else hangs on: nothing can be forwarded.',
    action:
      'The reason is the vASIC’s own. Mostly the number of ports differs (ports: here, those of the vASIC there).',
  },
  'afi-route-refused': {
    means: 'The vASIC refused a route. zebra is told that it failed; it is tried again when something is removed.',
    action: '`fpm2afi why PREFIX` has the reason. Full tables: `fpm2afi show routes summary`.',
  },
  'afi-nexthop-refused': {
    means: 'The vASIC refused a nexthop group: its packets go to the host.',
    action: '`fpm2afi show nexthops` has the reason, and what depends on it.',
  },
  'afi-neighbor-refused': {
    means: 'The vASIC refused a neighbor: what leads to it goes to the host.',
    action: '`fpm2afi show neighbors` has the reason, and what depends on it.',
  },
  'afi-labels-refused': {
    means: 'The vASIC refused to push, swap or pop these labels: what needs them goes to the host.',
    action: '`fpm2afi show lsps` and `why` have the reason. An AFI server without MPLS refuses all of them.',
  },
  'afi-lsp-refused': {
    means: 'The vASIC refused an entry of the label table.',
    action: '`fpm2afi why LABEL` has the reason.',
  },
  'afi-vrf-kept': {
    means: 'The vASIC refused to have a VRF written again that an earlier run left: it forwards on as that made it.',
    action: 'The line says why. It is tried again; `fpm2afi show vrfs` has the VRF.',
  },
  'afi-vrf-refused': {
    means: 'The vASIC refused the trees of a VRF: its ports and routes are left to Linux.',
    action: '`fpm2afi show vrfs` has the reason.',
  },
  'afi-port-refused': {
    means: 'The vASIC refused what Linux says of a port (its MAC, MTU or addresses): the earlier values are in force.',
    action: '`fpm2afi show ports` and Problems have the reason.',
  },
  'afi-port-states-ended': {
    means: 'The vASIC does not tell any more when a link goes down.',
    action: 'Restart the vASIC when it suits; until then a lost link is noticed by the protocols only.',
  },
  'afi-unknown-acknowledgement': {
    means: 'The AFI server acknowledged an operation that was not sent, or twice. It is ignored.',
    action: 'A fault of that server: please report it with its log.',
  },
  // ---- fpm2afi: the kernel ----------------------------------------------------------------------------------------
  'kernel-overrun': {
    means:
      'More news than fit came from the kernel at once, so its tables are read again. Nothing is lost by that but time.',
    action: 'Often: raise net.core.rmem_max.',
  },
  'kernel-malformed': {
    means: 'A message of the kernel could not be decoded, and was left out.',
    action: 'Please report it with the kernel’s version.',
  },
  'kernel-dump-refused': {
    means: 'The kernel did not show a table. It is asked again.',
    action: 'The line says why. If it stays so, is the process in the right network namespace, with CAP_NET_ADMIN?',
  },
  'kernel-reader-died': {
    means:
      'The thread that reads the kernel’s news ended by a fault; another one has been started, and reads everything anew.',
    action: 'Please report it with this line.',
  },
  // ---- fpm2afi: punt ----------------------------------------------------------------------------------------------
  'punt-failed': {
    means:
      'The punt path failed, or its thread or process ended; it is started again. Forwarding in the vASIC is not touched, control packets are.',
    action:
      'The line says why. If it repeats, protocols flap: look at /dev/net/tun, CAP_NET_ADMIN and the punt process’s log.',
  },
  'punt-drops': {
    means: 'Packets between the vASIC and the TAPs were dropped.',
    action: 'The line has the cause and the remedy; `fpm2afi show punt` the counts.',
  },
  'punt-other-mac': {
    means: 'The configuration gives a port another MAC than the vASIC has for it. The configured one is used.',
    action: 'Leave out ports[].mac, unless it is meant.',
  },
  'punt-request-malformed': {
    means: 'The punt process got a request that it does not understand, and closed the connection.',
    action: 'Both processes of one version? After an upgrade: `fpm2afi stop`, then start.',
  },
  // ---- fpm2afi: operation -----------------------------------------------------------------------------------------
  'config-not-reloaded': {
    means: 'The configuration has an error, or a key that needs a restart: all of the old one stays in force.',
    action: '`fpm2afi check-config FILE` says what is wrong.',
  },
  'log-lines-lost': {
    means:
      'Lines of the log could not be written, and are lost: so many, and why. All else went on. Told when lines can be written again.',
    action: 'Mostly a full disk: make room where standard error goes to.',
  },
  'control-socket-failed': {
    means: 'The control socket failed: `show` and the others may find nobody.',
    action:
      'Was the socket’s file or directory removed? Restart when it suits; forwarding is not touched. On a full disk (ENOSPC) make room: it is tried again.',
  },
  'control-request-failed': {
    means: 'A question over the control socket could not be answered.',
    action: 'A fault of fpm2afi: please report it with this line.',
  },
  'metrics-accept-failed': {
    means: 'A scrape could not be accepted.',
    action: 'Mostly too many open files: look at LimitNOFILE of the unit.',
  },
  'metrics-scrape-failed': {
    means: 'A scrape was answered with status 500.',
    action: 'A fault of fpm2afi: please report it with this line.',
  },
  'stop-failed': {
    means: 'A part could not be stopped; all others were.',
    action: 'Is something left over (TAPs, sockets)? The next start takes it over or says what is in its way.',
  },
  stopped: {
    means: 'The process ends by an error.',
    action: 'The line says why and what to do; it is the last one.',
  },
  // ---- softvasic --------------------------------------------------------------------------------------------------
  'vasic-client-refused': {
    means: 'A client was refused, as too many others are connected.',
    action: 'Who are they? `ss -xp`, or `ss -tnp` where --listen is HOST:PORT, names them.',
  },
  'vasic-client-silent': {
    means: 'A client connected and said nothing.',
    action: 'A port scan or a health check. If it is fpm2afi, look at the network between the two.',
  },
  'vasic-client-tls': {
    means: 'A client was refused over TLS: one side has it and the other has not, or its certificate is not good.',
    action: 'The line says which, and what to set where.',
  },
  'vasic-client-ended': {
    means: 'A client’s stream was ended: it does not read its answers, or sent what no client may.',
    action: 'fpm2afi connects again by itself. Often: its machine is overloaded (`fpm2afi show status`, loop).',
  },
  'vasic-certificate': {
    means: 'The certificate expires or has expired, or new files can’t be used: the old ones stay in force.',
    action: 'Renew the files that the line names; they are read again by themselves.',
  },
  'vasic-operation-malformed': {
    means: 'An operation could not be decoded, and was refused as a whole.',
    action: 'Which client sent it? If it was fpm2afi, please report it.',
  },
  'vasic-hostpath-malformed': {
    means: 'A datagram on the hostpath was no packet of the punt protocol.',
    action: 'Who sends there? Let only fpm2afi reach --hostpath-listen.',
  },
  'vasic-taken-over': {
    means: 'Another client took the sandbox over; the one before writes no more.',
    action: 'Meant where an fpm2afi takes the place of another. Else give each a sandbox of its own.',
  },
  'vasic-fenced': {
    means: 'An older session wanted to go on writing, and was ended.',
    action: 'Nothing, unless it repeats: then two clients want the same sandbox.',
  },
  'vasic-internal': {
    means: 'softvasic failed inside, in one operation or request. The operation was refused; all else goes on.',
    action: 'Please report it with this line.',
  },
  'vasic-dataplane-failed': {
    means: 'The thread that forwards ended. softvasic ends with status 1, for systemd to start it again.',
    action: 'Please report it with this line.',
  },
  'vasic-port-down': {
    means: 'An interface can’t be attached to a port: the port is down.',
    action: 'The line says why. It is tried again when the interface changes.',
  },
  'vasic-port-gone': {
    means: 'A port’s interface is gone, or was: the port is down until it is back and attached again.',
    action: 'Who removed it, renamed it or moved it to another network namespace? ip monitor link',
  },
  'vasic-port-loses': {
    means:
      'A port has a mode by --port-mode with which packets are lost at an interface of its kind, such as native XDP at a veth.',
    action: 'The line says which packets, and what else to give the port. docs/limits.md has more.',
  },
  'vasic-port-slow': {
    means: 'On this port the TypeScript engine forwards, as the kernel engine can’t have it.',
    action: 'The line says why. `fpm2afi show ports` has the engine of each port.',
  },
  'vasic-no-kernel-engine': {
    means: 'There is no kernel engine here: the TypeScript engine forwards everything.',
    action: 'The line says what it lacks. Mostly libbpf1, CAP_BPF, or a kernel before 5.15.',
  },
  'vasic-kernel-tables': {
    means: 'A table of the kernel engine could not grow: operations that need more are refused with FULL.',
    action: 'Memory: look at the cgroup’s limit (MemoryMax) and LimitMEMLOCK.',
  },
  'vasic-takeover-late': {
    means:
      'The tables of the softvasic before this one were in force for as long as they may, and ended before the new ones were complete.',
    action: 'Is fpm2afi connected? Raise --keep-forwarding where it needs longer.',
  },
  'vasic-not-kept': {
    means: 'The kernel forwards nothing after the end of softvasic, though --keep-forwarding asks for it.',
    action: 'The line says why. Mostly --bpf-fs: a directory of a bpf file system that softvasic may write to.',
  },
  'vasic-predecessor': {
    means:
      'A program hangs on a port that softvasic may not look at, or could not take off: perhaps one that an earlier softvasic left.',
    action: 'The line says how to take it off. Start with the --bpf-fs of the one before, or look with bpftool net.',
  },
  'vasic-isolation': {
    means: 'An interface could not be kept from Linux, or given back, as it should be.',
    action: 'The line says what is left and how to undo it.',
  },
  'vasic-no-reload': {
    means: 'softvasic reads nothing again on SIGHUP but its certificates, which need no signal.',
    action: 'Restart it for other flags.',
  },
} as const satisfies Readonly<Record<string, LogCodeEntry>>;

/** The code of a warning or an error. */
export type LogCode = keyof typeof LOG_CODES;
