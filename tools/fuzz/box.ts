import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { longest } from './draft';

/** A count that goes up with each input, the input's length, its bytes. */
const head = 8;

/**
 * A file that holds the input that a process is working on: when the process is gone, or stuck, it is still there.
 * Written once an input, so it is written with one system call.
 */
export class InputBox {
  private readonly buffer = Buffer.alloc(head + longest);
  private readonly fd: number;

  private constructor(readonly file: string) {
    this.fd = openSync(file, 'r+');
  }

  /** In memory, where the machine has a place for that. */
  static make(): InputBox {
    const directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-fuzz-'));
    const file = path.join(directory, 'input');
    const fd = openSync(file, 'w');
    ftruncateSync(fd, head + longest);
    closeSync(fd);
    return new InputBox(file);
  }

  static open(file: string): InputBox {
    return new InputBox(file);
  }

  put(input: Uint8Array): void {
    const { buffer } = this;
    buffer.writeUInt32LE((buffer.readUInt32LE(0) + 1) >>> 0, 0);
    buffer.writeUInt32LE(input.length, 4);
    buffer.set(input, head);
    writeSync(this.fd, buffer, 0, head + input.length, 0);
  }

  /** How many inputs were put in. */
  get count(): number {
    readSync(this.fd, this.buffer, 0, head, 0);
    return this.buffer.readUInt32LE(0);
  }

  get input(): Uint8Array {
    readSync(this.fd, this.buffer, 0, this.buffer.length, 0);
    return new Uint8Array(this.buffer.subarray(head, head + this.buffer.readUInt32LE(4)));
  }

  close(): void {
    closeSync(this.fd);
  }

  remove(): void {
    this.close();
    rmSync(path.dirname(this.file), { recursive: true });
  }
}
