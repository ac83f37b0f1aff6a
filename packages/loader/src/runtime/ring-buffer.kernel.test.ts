import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { packet, withObject } from '../../test/runtime-object';
import { RingBuffer } from './index';

kernelSuite('ring buffers', (kernel) => {
  test('a ring buffer loses nothing it has room for, across many wraps', () =>
    withObject(kernel, (collection) => {
      const emit = collection.program('emit');
      const events = new RingBuffer<{ serial: number }>(collection.map('events'), { type: 'struct event' });
      const seen: number[] = [];
      for (let round = 0; round < 40; round++) {
        emit.testRun({ data: packet, repeat: 50 });
        for (const event of events.drain()) seen.push(event.serial);
      }
      expect(seen).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
      expect(events.pending).toBe(0);
      events.close();
      expect(events.read()).toBeUndefined();
    }));

  test('a ring buffer calls back from the event loop, until stopped', () =>
    withObject(kernel, async (collection) => {
      const emit = collection.program('emit');
      const events = new RingBuffer(collection.map('events'));
      const seen: Uint8Array[] = [];
      const stop = events.onRecord((record) => seen.push(record));
      emit.testRun({ data: packet, repeat: 3 });
      expect(seen).toEqual([]);
      await expect.poll(() => seen.length).toBe(3);
      expect(seen[0]?.length).toBe(20);
      stop();
      emit.testRun({ data: packet });
      await sleep(30);
      expect(seen.length).toBe(3);
      expect(events.pending).toBe(32);
      events.close();
    }));

  test('real execs arrive as typed events; close ends the wait', () =>
    withObject(kernel, async (collection) => {
      collection.attach('on_exec', 'tp_btf', {});
      expect(collection.links.map((link) => link.describe())).toEqual(['tp_btf sched_process_exec']);
      const events = new RingBuffer<{ pid: number; comm: string }>(collection.map('execs'), {
        type: 'exec_event',
      });
      const child = spawn('/bin/sleep', ['0']);
      for await (const event of events) {
        if (event.pid !== child.pid) continue;
        expect(event.comm).toBe('sleep');
        break;
      }
      void sleep(20).then(() => events.close());
      for await (const event of events) expect(event.comm).not.toBe('');
    }));

  test('batches, and a signal that ends them', () =>
    withObject(kernel, async (collection) => {
      const emit = collection.program('emit');
      const abort = new AbortController();
      const { signal } = abort;
      using events = new RingBuffer<{ serial: number }>(collection.map('events'), { type: 'event', signal });
      emit.testRun({ data: packet, repeat: 70 });
      const seen: number[] = [];
      const turns: number[] = [];
      for await (const batch of events.batches()) {
        seen.push(...batch.map(({ serial }) => serial));
        turns.push(batch.length);
        if (seen.length === 140) setTimeout(() => abort.abort(), 10);
        else emit.testRun({ data: packet, repeat: 70 });
      }
      expect(seen).toEqual(Array.from({ length: 140 }, (_, i) => i + 1));
      expect(turns).toEqual([70, 70]);
      emit.testRun({ data: packet });
      expect([events.read(), events.closed]).toEqual([undefined, true]);
    }));

  test('a reader that is slow or leaves its loop loses nothing that the buffer has room for', () =>
    withObject(kernel, async (collection) => {
      const emit = collection.program('emit');
      using events = new RingBuffer<{ serial: number }>(collection.map('events'), { type: 'event' });
      // Less than 4096 bytes are 127 records of 32: for the others bpf_ringbuf_reserve() returns NULL.
      emit.testRun({ data: packet, repeat: 200 });
      expect(collection.variable('serial').get()).toBe(127);
      expect(events.pending).toBe(127 * 32);
      for await (const { serial } of events) if (serial === 5) break;
      expect(events.read()?.serial).toBe(6);
      expect(events.pending).toBe(121 * 32);
      emit.testRun({ data: packet });
      expect([...events.drain()].map(({ serial }) => serial)).toEqual(
        Array.from({ length: 122 }, (_, i) => i + 7),
      );
    }));

  test('a timer has its turn while events never end', () =>
    withObject(kernel, async (collection) => {
      const emit = collection.program('emit');
      using events = new RingBuffer(collection.map('events'));
      let fired = false;
      setTimeout(() => (fired = true), 5);
      emit.testRun({ data: packet });
      const stop = events.onRecord(() => emit.testRun({ data: packet }));
      await expect.poll(() => fired).toBe(true);
      stop();
    }));

  test('a record that is handled may close the reader', () =>
    withObject(kernel, async (collection) => {
      const events = new RingBuffer(collection.map('events'));
      collection.program('emit').testRun({ data: packet, repeat: 3 });
      let seen = 0;
      events.onRecord(() => {
        seen++;
        events.close();
      });
      await expect.poll(() => seen).toBe(1);
      await sleep(20);
      expect(seen).toBe(1);
      // What it did not read is there for the next one.
      using next = new RingBuffer(collection.map('events'));
      expect([...next.drain()].length).toBe(2);
    }));

  test('a backlog takes what the buffer has no room for, in order, and no more than it may', () =>
    withObject(kernel, async (collection) => {
      const emit = collection.program('emit');
      const map = collection.map('events');
      using events = new RingBuffer<{ serial: number }>(map, { type: 'event', backlog: 4 * 4096 });
      const seen: (number | undefined)[] = [];
      for (let round = 0; round < 3; round++) {
        emit.testRun({ data: packet, repeat: 120 });
        seen.push(events.read()?.serial);
        // The ring is empty again: what waits is in the backlog.
        for (let i = 0; i < 100; i++) seen.push(events.read()?.serial);
      }
      expect(events.pending).toBe((360 - 303) * 32);
      for (const { serial } of events.drain()) seen.push(serial);
      expect(seen).toEqual(Array.from({ length: 360 }, (_, i) => i + 1));
      const listened: number[] = [];
      emit.testRun({ data: packet, repeat: 100 });
      events.onRecord(({ serial }) => listened.push(serial));
      await expect.poll(() => listened.length).toBe(100);
      expect(events.pending).toBe(0);
    }));

  test('a ring buffer of an unknown type, and a map that is none', () =>
    withObject(kernel, (collection) => {
      const map = collection.map('events');
      expect(() => new RingBuffer(map, { type: 'struct evnt' })).toThrow('did you mean struct event?');
      expect(() => new RingBuffer(collection.map('flows'))).toThrow(
        "map 'flows' is read as a ring buffer: found a map of type hash, expected type ringbuf",
      );
    }));
});
