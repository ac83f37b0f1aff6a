import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';

/**
 * The running kernel's configuration: /boot/config-RELEASE (which may be compressed), then /proc/config.gz, in the
 * order in which libbpf looks.
 *
 * @returns values as written, by name: `CONFIG_HZ` is `250`, `CONFIG_BPF` is `y`, strings keep their quotes; empty if
 *   neither file is there
 *
 * @example
 * ```ts
 * kernelConfig().get('CONFIG_BPF_SYSCALL'); // 'y'
 * ```
 */
export function kernelConfig(): ReadonlyMap<string, string> {
  for (const path of [`/boot/config-${release()}`, '/proc/config.gz']) {
    const bytes = readIfThere(path);
    if (bytes !== undefined) return parseKernelConfig(decompressed(bytes).toString('utf8'));
  }
  return new Map();
}

/**
 * Lines `CONFIG_NAME=value`; comments, which include `# CONFIG_NAME is not set`, are passed over.
 *
 * @example
 * ```ts
 * parseKernelConfig('CONFIG_HZ=250').get('CONFIG_HZ'); // '250'
 * ```
 */
export function parseKernelConfig(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (line.startsWith('CONFIG_') && equals > 0)
      values.set(line.slice(0, equals), line.slice(equals + 1).trim());
  }
  return values;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** gzip files start 1f 8b. */
function decompressed(bytes: Buffer): Buffer {
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
}
