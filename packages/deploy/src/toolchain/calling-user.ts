/** The user behind sudo: who compiles, though this process is root's. */
export interface CallingUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Who called this process through sudo (sudo(8) sets SUDO_UID and SUDO_GID): a compiler, and what it reads, is that
 * user's, and never runs as root.
 *
 * @returns undefined where nobody did, or root itself
 *
 * @example
 * ```ts
 * callingUser({ SUDO_UID: '1000', SUDO_GID: '1000' }, 0); // { uid: 1000, gid: 1000 }
 * callingUser({ SUDO_UID: '1000', SUDO_GID: '1000' }, 1000); // undefined
 * ```
 */
export function callingUser(
  environment: NodeJS.ProcessEnv = process.env,
  me: number | undefined = process.geteuid?.(),
): CallingUser | undefined {
  const { SUDO_UID: uid = '', SUDO_GID: gid = '' } = environment;
  if (me !== 0 || !/^[1-9]\d{0,9}$/.test(uid) || !/^\d{1,10}$/.test(gid)) return undefined;
  return { uid: Number(uid), gid: Number(gid) };
}
