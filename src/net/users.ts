/** Names and numbers of users, of the text of /etc/passwd. */

/** The number of each user. Lines that aren't of its form are left out. */
export function usersOf(passwd: string): ReadonlyMap<string, number> {
  const users = new Map<string, number>();
  for (const line of passwd.split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    if (/^\d+$/.test(id)) users.set(name, Number(id));
  }
  return users;
}

/** As people say it: the name and the number, or the number alone. */
export function userText(uid: number, users: ReadonlyMap<string, number>): string {
  const name = [...users].find(([, id]) => id === uid)?.[0];
  return name === undefined ? `${uid}` : `${name} (${uid})`;
}
