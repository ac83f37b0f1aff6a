/**
 * `npm run endurance:processes`: 300 upgrades, each by an `nx-bpf apply` of its own, or as many as ENDURANCE_UPGRADES
 * says. It wants root. Prints what the kernel holds on the way, and ends with 1 if any of it grew.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandLine } from '../testing/command-line';
import { DeploymentFixture } from '../testing/deployment';
import { ownObjects, type ObjectCounts } from './own-objects';
import { standalone } from './standalone';
import { writeProject } from './upgraded';

const count = Number(process.env['ENDURANCE_UPGRADES'] ?? 300);
const every = 20;

void standalone((kernel, machine) =>
  kernel.withVeth(async (veth) => {
    const fixture = new DeploymentFixture(kernel);
    fixture.reset();
    writeProject(kernel, fixture, veth);
    const commandLine = new CommandLine(kernel);
    const nxBpf = (...args: string[]): string[] => {
      const { status, stderr } = commandLine.runAs(
        ['env', '-C', fixture.workspace],
        ...args,
        ...['--set', 'toolchain.clang=clang-19'],
      );
      return status === 0 ? [] : [`${args.join(' ')} ended with ${status}: ${stderr}`];
    };
    const found: string[] = [];
    let first: { pins: number; objects: ObjectCounts } | undefined;
    let turn = performance.now();
    const start = performance.now();
    for (let number = 1; number <= count && found.length === 0; number++) {
      found.push(...nxBpf('apply', 'p', '--set', `objects.nxe.constants.version=${number}`));
      if (number % every !== 0) continue;
      found.push(...nxBpf('status', 'p', '--set', `objects.nxe.constants.version=${number}`));
      const taken = { pins: fixture.pins().length, objects: await ownObjects(first?.objects) };
      first ??= taken;
      const seconds = Math.round((performance.now() - start) / 1000);
      console.log(JSON.stringify({ upgrades: number, seconds, ...taken }));
      if (JSON.stringify(taken) !== JSON.stringify(first)) {
        found.push(`after ${number}: ${JSON.stringify(taken)}, not ${JSON.stringify(first)}`);
      }
      if (performance.now() - turn < 60_000) continue;
      machine.unlock();
      await sleep(150);
      await machine.lock();
      turn = performance.now();
    }
    found.push(...nxBpf('destroy', 'p'));
    if (fs.existsSync(path.join(kernel.bpffs, 'nx-bpf'))) found.push('pins are left');
    return found;
  }),
);
