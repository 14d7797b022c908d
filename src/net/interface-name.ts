/** Whether Linux takes it for the name of an interface (dev_valid_name), and shells and sysctl leave its characters alone. */
export function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,14}$/.test(name);
}
