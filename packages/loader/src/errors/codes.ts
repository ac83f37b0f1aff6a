/**
 * Every error code of the project, with the exit status a command line ends with.
 * Codes are stable: scripts match on them. Exit statuses are those of the command line's contract:
 * 1 internal, 3 manifest, 4 toolchain, 5 object, BTF or relocation, 6 verifier, 7 map incompatible,
 * 8 attach, 9 privilege, 10 lock, 11 refused by policy, 12 stale plan, 13 failed and rolled back, 14 rollback incomplete,
 * 15 required kernel failed, 16 lock-file mismatch, 130 interrupted.
 */
export const errorCodes = {
  /** A bug of ours: nothing the input did should lead here. */
  INTERNAL: 1,
  /** A file could not be read or written. */
  FILE: 1,
  /** A map has no element with this key, or a queue is empty: for scripts that look. */
  KEY_NOT_FOUND: 1,
  /** The command line itself is wrong. */
  USAGE: 3,

  MANIFEST_INVALID: 3,
  /** A file is no bundle, or its bytes are not those that it says. */
  BUNDLE_INVALID: 3,
  MANIFEST_NOT_FOUND: 3,
  ENVIRONMENT_UNKNOWN: 3,
  CONSTANT_UNKNOWN: 3,
  CONSTANT_INVALID: 3,

  TOOLCHAIN_NOT_FOUND: 4,
  COMPILE_FAILED: 4,

  /** Not an ELF file, or one whose headers, sections or symbols point outside it. */
  ELF_MALFORMED: 5,
  /** A well-formed ELF file that is not a relocatable BPF object. */
  ELF_NOT_BPF: 5,
  /** An object for machines of the other byte order. */
  BYTE_ORDER: 5,
  BTF_MALFORMED: 5,
  /** The object has no BTF where it needs some: compile with -g. */
  BTF_MISSING: 5,
  INSTRUCTIONS_MALFORMED: 5,
  SECTION_UNKNOWN: 5,
  PROGRAM_INVALID: 5,
  PROGRAM_NOT_FOUND: 5,
  MAP_INVALID: 5,
  MAP_NOT_FOUND: 5,
  MAP_STATIC: 5,
  EXTERN_UNRESOLVED: 5,
  RELOCATION_INVALID: 5,
  CORE_INVALID: 5,
  CORE_AMBIGUOUS: 5,
  ATTACH_TARGET_NOT_FOUND: 5,
  KERNEL_BTF_MISSING: 5,
  /** A stored relocation result that is damaged: callers treat it as a cache miss. */
  RELOCATED_MALFORMED: 5,

  VERIFIER_REJECTED: 6,
  PROGRAM_LOAD_FAILED: 6,
  BTF_REJECTED: 6,
  /** The verifier takes a program, and walks more instructions than its budget is. */
  BUDGET_EXCEEDED: 6,
  /** A program that was run to verify it did not do what the manifest expects. */
  RUN_CHECK_FAILED: 6,

  MAP_INCOMPATIBLE: 7,
  /** The manifest says that a map is not to be removed. */
  MAP_PROTECTED: 7,
  MAP_CREATE_FAILED: 7,

  ATTACH_FAILED: 8,
  ATTACH_CONFLICT: 8,
  /** None of a program's alternatives holds on this host. */
  VARIANT_UNAVAILABLE: 8,
  INTERFACE_NOT_FOUND: 8,
  CGROUP_NOT_FOUND: 8,
  TRACEPOINT_NOT_FOUND: 8,
  LINK_NOT_FOUND: 8,
  /** A binary or library to trace that is not there. */
  BINARY_NOT_FOUND: 8,
  /** A binary of a kind that cannot be traced here: of 32 bits, or for another processor. */
  BINARY_UNSUPPORTED: 8,
  /** The kernel or a file has no function of this name to attach to. */
  FUNCTION_NOT_FOUND: 8,
  /** A file has several functions of this name. */
  FUNCTION_AMBIGUOUS: 8,
  USDT_NOT_FOUND: 8,
  /** A USDT probe whose arguments the program cannot be told. */
  USDT_UNSUPPORTED: 8,

  PRIVILEGE_MISSING: 9,
  /** The privileged helper cannot be called, or ended without an answer. */
  HELPER_UNAVAILABLE: 9,
  /** The privileged helper will not work: others than root can change it, or what it reads. */
  HELPER_UNSAFE: 9,
  LOCK_TIMEOUT: 10,
  /** The privileged helper's configuration does not let this user deploy this. */
  DEPLOYMENT_REFUSED: 11,

  /** A pin path that is not on a bpf file system, or has a name that bpffs refuses. */
  PIN_INVALID: 8,
  PIN_EXISTS: 8,
  PIN_NOT_FOUND: 8,
  PIN_FAILED: 8,
  NO_BPFFS: 8,
  /** A syscall failed for a reason that no more special code covers. */
  SYSCALL_FAILED: 1,

  /** What we recorded about a deployment cannot be read: written by a newer version, or not by us. */
  STATE_INVALID: 1,
  /** A file is no saved plan. */
  PLAN_INVALID: 3,
  /** The generation to go back to is not there, or not whole any more. */
  GENERATION_UNAVAILABLE: 8,
  /** A saved plan does not fit any more: the host or what was to be deployed changed since. */
  PLAN_STALE: 12,
  /** An apply failed after it had switched something that ran, and all of it is back as it was. */
  ROLLED_BACK: 13,
  ROLLBACK_INCOMPLETE: 14,
  /** A program is not for a kernel that the manifest requires. */
  REQUIRED_KERNEL_FAILED: 15,
  /** What was built is not what the lock file says. */
  LOCK_MISMATCH: 16,
  /** A bundle has to be signed, and is not. */
  SIGNATURE_MISSING: 16,
  /** A bundle's signature is not by a key that is trusted, or not of these bytes. */
  SIGNATURE_INVALID: 16,
  /** A signal ended the work; what was done is undone. */
  INTERRUPTED: 130,
} as const;

/** A stable name of a kind of failure. */
export type ErrorCode = keyof typeof errorCodes;

/**
 * The exit status a command ends with for an error code.
 *
 * @example
 * ```ts
 * exitStatus('MAP_INVALID'); // 5
 * ```
 */
export function exitStatus(code: ErrorCode): number {
  return errorCodes[code];
}
