import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { common, interfaceOf, makeInterface, projects } from './sharing-projects';

const execute = promisify(execFile);

/** What somebody else does to a deployment, with tools that know nothing of us. */
export type Meddling = (typeof names)[number];

const names = [
  'remove the pin of a link',
  'remove the pin of a program',
  'remove the pin of a map',
  'remove the pin of a shared map',
  'remove the ledger',
  'detach a link with bpftool',
  'delete an interface and make it again',
  'take XDP from an interface with ip',
  'attach a program of another to tcx with bpftool',
  'attach a program of another to XDP with bpftool',
  'add a filter with tc',
] as const;

/** Does such things, one by one, in the namespaces of this thread. */
export class Meddler {
  readonly done: Record<string, number> = {};

  /** @param foreign a folder of bpffs with the programs `xdp` and `tcx` that are not ours */
  constructor(
    private readonly root: string,
    private readonly foreign: string,
    private readonly random: () => number,
  ) {}

  /** One of them, to one of the projects. What is not there any more cannot be meddled with. */
  async meddle(): Promise<void> {
    const name = this.pick(names);
    const project = this.pick(projects);
    const did = await this.perform(name, project);
    if (did) this.done[name] = (this.done[name] ?? 0) + 1;
  }

  /** Takes away what it attached, so that what is left is ours. */
  async leave(): Promise<void> {
    for (const device of [common, ...projects.map(interfaceOf)]) {
      await run('tc', 'qdisc', 'del', 'dev', device, 'clsact');
      await run('bpftool', 'net', 'detach', 'xdpgeneric', 'dev', device);
    }
    await run('bpftool', 'net', 'detach', 'tcx_ingress', 'pinned', `${this.foreign}/tcx`, 'dev', common);
    await run('bpftool', 'net', 'detach', 'tcx_ingress', 'dev', common);
  }

  private async perform(name: Meddling, project: string): Promise<boolean> {
    const base = path.join(this.root, project, 'dev');
    const device = interfaceOf(project);
    switch (name) {
      case 'remove the pin of a link':
        return removed(path.join(base, 'links', this.pick(['uplink', 'police'])));
      case 'remove the pin of a program':
        return removed(path.join(base, 'current/programs', this.pick(['nxc_guard', 'nxc_police'])));
      case 'remove the pin of a map':
        return removed(path.join(base, 'maps/nxc_seen'));
      case 'remove the pin of a shared map':
        return removed(path.join(this.root, 'shared/dev/maps', this.pick(['nxc_flows', 'nxc_total'])));
      case 'remove the ledger':
        return removed(path.join(base, 'ledger'));
      case 'detach a link with bpftool':
        return run('bpftool', 'link', 'detach', 'pinned', path.join(base, 'links/police'));
      case 'delete an interface and make it again': {
        if (!(await run('ip', 'link', 'del', device))) return false;
        await new Promise((resolve) => setTimeout(resolve, this.random() * 100));
        makeInterface(device);
        return true;
      }
      case 'take XDP from an interface with ip':
        return run('ip', 'link', 'set', 'dev', device, 'xdp', 'off');
      case 'attach a program of another to tcx with bpftool':
        return run('bpftool', 'net', 'attach', 'tcx_ingress', 'pinned', `${this.foreign}/tcx`, 'dev', common);
      case 'attach a program of another to XDP with bpftool':
        return run('bpftool', 'net', 'attach', 'xdpgeneric', 'pinned', `${this.foreign}/xdp`, 'dev', device);
      case 'add a filter with tc':
        await run('tc', 'qdisc', 'add', 'dev', common, 'clsact');
        return run(
          ...['tc', 'filter', 'add', 'dev', common, 'ingress', 'bpf', 'direct-action'],
          ...['object-pinned', `${this.foreign}/tcx`],
        );
    }
  }

  private pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)]!;
  }
}

function removed(place: string): boolean {
  try {
    fs.unlinkSync(place);
    return true;
  } catch {
    return false;
  }
}

/** Whether the command was carried out. */
function run(command: string, ...argv: string[]): Promise<boolean> {
  return execute(command, argv).then(
    () => true,
    () => false,
  );
}
