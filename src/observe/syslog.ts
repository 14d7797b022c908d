/** A line as the syslog daemons of Linux take it on /dev/log: as the C library sends it, which is RFC 3164 without the name of the machine. Pure. */

/** "daemon", of syslog's facilities. */
const FACILITY = 3;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** @param severity 0 … 7 */
export function syslogDatagram(
  severity: number,
  program: string,
  line: string,
  { now = new Date(), pid = process.pid }: { readonly now?: Date; readonly pid?: number } = {},
): Buffer {
  const two = (value: number): string => String(value).padStart(2, '0');
  // In the machine's time zone; the day with a space.
  const day = `${MONTHS[now.getMonth()]!} ${String(now.getDate()).padStart(2)}`;
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':');
  return Buffer.from(`<${FACILITY * 8 + severity}>${day} ${time} ${program}[${pid}]: ${line}`);
}
