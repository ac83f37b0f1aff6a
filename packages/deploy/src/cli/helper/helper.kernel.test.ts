import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { BpfMap } from '@nx-bpf/loader';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { type Ended } from '../../../../../tools/testing/command-line';
import { installDeploy } from '../../../../../tools/testing/installation';
import { kernelSuite } from '../../../../../tools/testing/kernel';
import { readPolicy } from '../../privileges';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
const volatile __u32 step = 1;
__u64 seen;
SEC("xdp") int guard(struct xdp_md *ctx) { __sync_fetch_and_add(&seen, step); return XDP_PASS; }
char LICENSE[] SEC("license") = "GPL";
`;

/** A user without any right: `nobody`. */
const user = 65534;
/** Everything that the suite installs is on file systems of its own, below these. */
const installation = '/opt/nx-bpf';
const script = `${installation}/node_modules/@nx-bpf/deploy/bin/nx-bpf-helper.js`;
const bin = `${installation}/node_modules/@nx-bpf/deploy/bin/nx-bpf.js`;
const home = '/opt/home';
const workspace = `${home}/ws`;
const node = process.execPath;
const asUser = ['setpriv', '--reuid', String(user), '--regid', String(user), '--clear-groups'];

interface Answer {
  readonly exitStatus: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly text: string;
}

kernelSuite('the privileged helper', (kernel) => {
  const run = (command: string, ...args: string[]): void => {
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  };
  const root = (): string => path.join(kernel.bpffs, 'nx-bpf');
  const write = (file: string, text: string): void => {
    const place = path.join(workspace, file);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.writeFileSync(place, text);
    run('chown', '-R', `${user}:${user}`, home);
  };
  const policy = (rule: Record<string, unknown> = {}): void => {
    const deployments = [{ project: 'p', environments: ['dev'], pinRoots: [root()], ...rule }];
    fs.writeFileSync('/etc/nx-bpf/helper.json', JSON.stringify({ version: 1, deployments }));
  };
  const environment = { PATH: '/usr/bin:/bin', HOME: home, NO_COLOR: '1' };
  /** The command line, as the user: by sudo's configuration it may call the helper, and nothing else. */
  const nxBpf = (args: readonly string[], env: Record<string, string> = {}): Ended => {
    const [command, ...rest] = [...asUser, node, bin, ...args];
    return spawnSync(command!, rest, { encoding: 'utf8', cwd: workspace, env: { ...environment, ...env } });
  };
  const manifest = (interfaceName: string, more = ''): void => {
    write(
      'bpf.config.yaml',
      `version: 1\npin: { root: ${root()} }\nprivileges: { helper: sudo, node: ${node}, installation: ${installation} }\nenvironments: { dev: {}, prod: {} }\n${more}`,
    );
    write('p/package.json', '{ "name": "p" }');
    write('p/src/edge.bpf.c', source);
    write(
      'p/bpf.config.yaml',
      `version: 1\nobjects: { edge: {} }\nprograms: { guard: { attach: [{ id: uplink, xdp: { interface: ${interfaceName} } }] } }\n`,
    );
  };
  /** A bundle of the workspace, made by the user. */
  const bundled = (...args: string[]): Buffer => {
    const file = path.join(home, 'p.nxbpf');
    const { status, stderr } = nxBpf(['bundle', 'p', '--out', file, ...args]);
    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
    return fs.readFileSync(file);
  };
  /** What a user sends by hand. */
  const request = (bundle: Buffer, head: Record<string, unknown> = {}): Buffer => {
    const sha256 = createHash('sha256').update(bundle).digest('hex');
    const line = {
      ...{ format: 1, command: 'apply', options: {}, colours: false },
      bundle: { bytes: bundle.length, sha256 },
      ...head,
    };
    return Buffer.concat([Buffer.from(`${JSON.stringify(line)}\n`), bundle]);
  };
  const answerOf = (stdout: string): Answer => {
    const lines = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { text?: string; exitStatus?: number; result?: Answer });
    const last = lines.at(-1);
    return {
      exitStatus: last?.exitStatus ?? -1,
      error: last?.result?.error ?? null,
      text: lines.map(({ text }) => text ?? '').join(''),
    };
  };
  /** The helper, called by the user through sudo. */
  const send = (input: Buffer, env: Record<string, string> = {}, place = script): Answer => {
    const [command, ...rest] = [...asUser, '/usr/bin/sudo', '-n', '--', node, place];
    const { stdout, stderr } = spawnSync(command!, rest, {
      input,
      encoding: 'utf8',
      env: { ...environment, ...env },
    });
    if (stdout === '') throw new Error(stderr);
    return answerOf(stdout);
  };
  const refused = (answer: Answer, code: string, text: RegExp): void => {
    expect(answer.error).toMatchObject({ code });
    expect(answer.error!.message).toMatch(text);
    expect(answer.exitStatus).not.toBe(0);
    expect(fs.existsSync(root())).toBe(false);
  };

  beforeAll(() => {
    run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/opt');
    run('cp', '-a', '/etc', '/opt/etc');
    run('mount', '--bind', '/opt/etc', '/etc');
    run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/var/cache');
    fs.mkdirSync('/etc/nx-bpf', { recursive: true });
    fs.writeFileSync(
      '/etc/sudoers.d/nx-bpf',
      [
        script,
        '/opt/link/bin/nx-bpf-helper.js',
        `${home}/nx/node_modules/@nx-bpf/deploy/bin/nx-bpf-helper.js`,
        `${bin} build p`,
      ]
        .map((each) => `nobody ALL=(root) NOPASSWD: ${node} ${each}\n`)
        .join(''),
      { mode: 0o440 },
    );
    installDeploy(installation);
    run('chmod', '-R', 'go-w', installation);
  });
  beforeEach(() => {
    fs.rmSync(home, { recursive: true, force: true });
    policy();
    manifest('lo');
  });

  test('a user without rights builds, plans, applies, looks, goes back and removes; what is compiled is its own', async () => {
    await kernel.withVeth((veth) => {
      manifest(veth.interface);
      const planned = nxBpf(['plan', 'p', '--out', 'p.plan', '--json']);
      expect(planned.stderr).not.toContain('error');
      expect(JSON.parse(planned.stdout)).toMatchObject({ command: 'plan', changes: true, saved: 'p.plan' });
      const applied = nxBpf(['apply', 'p', '--plan', 'p.plan', '--json']);
      expect(JSON.parse(applied.stdout)).toMatchObject({
        ...{ command: 'apply', project: 'p', environment: 'dev', changed: true, generation: 1 },
        objects: [{ name: 'edge' }],
        error: null,
      });
      expect(applied.status).toBe(0);
      expect(fs.statSync(`${workspace}/p/dist/bpf/dev/edge.bpf.o`).uid).toBe(user);
      expect(fs.statSync(root())).toMatchObject({ uid: 0, mode: 0o40700 });

      veth.sendFromFar(3);
      const data = BpfMap.open<number, { seen: number }>(path.join(root(), 'p/dev/maps/edge_bss'));
      expect(Number(data.lookup(0)?.seen)).toBe(3);
      data.close();

      const again = nxBpf(['apply', 'p']);
      expect(again).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing to do') as string });
      expect(nxBpf(['status', 'p']).stdout).toContain('healthy, generation 1');
      expect(nxBpf(['apply', 'p', '--set', 'objects.edge.constants.step=2']).status).toBe(0);
      expect(nxBpf(['rollback', 'p']).stdout).toContain('is back from generation 2');
      const stale = nxBpf(['apply', 'p', '--plan', 'p.plan', '--json']);
      expect(stale.status).toBe(12);
      expect(JSON.parse(stale.stdout)).toMatchObject({ error: { code: 'PLAN_STALE' } });
      expect(nxBpf(['destroy', 'p']).status).toBe(0);
      expect(fs.existsSync(root())).toBe(false);
      expect(fs.readdirSync('/run').filter((name) => name.startsWith('nx-bpf-bundle'))).toEqual([]);
    });
  });

  test('a changed byte of the bundle is refused, whether or not its digest was changed along', () => {
    const bundle = bundled();
    const at = bundle.indexOf('guard');
    const changed = Buffer.from(bundle);
    changed[at] = changed[at]! ^ 1;
    const sha256 = createHash('sha256').update(bundle).digest('hex');
    const pretended = { bundle: { bytes: bundle.length, sha256 } };
    refused(send(request(changed, pretended)), 'BUNDLE_INVALID', /not those of its digest/);
    refused(send(request(changed)), 'BUNDLE_INVALID', /bundle.json are not those/);
    refused(send(request(bundle).subarray(0, -1)), 'BUNDLE_INVALID', /has \d+ bytes of \d+/);
    refused(send(Buffer.concat([request(bundle), Buffer.from('x')])), 'BUNDLE_INVALID', /more behind/);
  });

  test('another pin root, project, environment, user or hook than its configuration has is refused', () => {
    const elsewhere = bundled('--set', `pin.root=${kernel.bpffs}/elsewhere`);
    refused(send(request(elsewhere)), 'DEPLOYMENT_REFUSED', /pin.root: found .*elsewhere, expected below/);
    const map = bundled('--set', `maps={edge.bss: {pin: {path: ${kernel.bpffs}/outside}}}`);
    refused(send(request(map)), 'DEPLOYMENT_REFUSED', /maps.edge.bss.pin: found .*outside, expected below/);
    const wide = bundled('--set', 'pin.mode="0777"');
    refused(send(request(wide)), 'DEPLOYMENT_REFUSED', /others could write the pins/);
    refused(send(request(bundled('-e', 'prod'))), 'DEPLOYMENT_REFUSED', /may not deploy p@prod: may: p@dev/);
    const bundle = bundled();
    policy({ hooks: ['tcx'] });
    refused(send(request(bundle)), 'DEPLOYMENT_REFUSED', /uplink: hook xdp, allowed are tcx/);
    policy({ users: [1] });
    refused(send(request(bundle)), 'DEPLOYMENT_REFUSED', /may not deploy p@dev: may: nothing/);
  });

  test('a network namespace or a binary that the user could put something else at is refused', () => {
    const attach = 'programs.guard.attach';
    const uplink = bundled('--set', `${attach}=[{id: uplink, netns: ${home}/netns, xdp: {interface: lo}}]`);
    refused(send(request(uplink)), 'DEPLOYMENT_REFUSED', /uplink: \/opt\/home belongs to user 65534/);
    const probe = bundled('--set', `${attach}=[{id: probe, uprobe: {binary: ${home}/bin, function: main}}]`);
    refused(send(request(probe)), 'DEPLOYMENT_REFUSED', /probe: \/opt\/home belongs to user 65534/);
  });

  test('NODE_OPTIONS and NODE_PATH do not get through sudo; a helper that sees them refuses', () => {
    const evil = path.join(home, 'evil.js');
    fs.writeFileSync(evil, `require('fs').writeFileSync('${home}/ran', '');`);
    const hostile = { NODE_OPTIONS: `--require=${evil}`, NODE_PATH: home };
    policy({ users: [1] });
    refused(send(request(bundled()), hostile), 'DEPLOYMENT_REFUSED', /may not deploy/);
    expect(fs.existsSync(`${home}/ran`)).toBe(false);
    for (const [name, value] of [
      ['NODE_PATH', home],
      ['LD_LIBRARY_PATH', home],
      ['NODE_OPTIONS', '--no-warnings'],
    ] as const) {
      const { stdout } = spawnSync(node, [script], { env: { [name]: value }, encoding: 'utf8', input: '' });
      refused(answerOf(stdout), 'HELPER_UNSAFE', new RegExp(`the environment has ${name}`));
    }
  });

  test('arguments of node or of the helper are refused, by sudo and by the helper', () => {
    const bySudo = spawnSync(asUser[0]!, [...asUser.slice(1), 'sudo', '-n', '--', node, script, 'apply'], {
      encoding: 'utf8',
      env: environment,
    });
    expect(bySudo.stderr).toContain('a password is required');
    const said = (...args: string[]): Answer =>
      answerOf(spawnSync(node, args, { env: {}, encoding: 'utf8', input: '' }).stdout);
    refused(said(script, 'apply'), 'HELPER_UNSAFE', /takes no arguments/);
    refused(said('--no-warnings', script), 'HELPER_UNSAFE', /node was given options/);
  });

  test('node and clang of PATH, and a cache of the user, are not used', () => {
    const fakes = path.join(home, 'bin');
    fs.mkdirSync(fakes);
    for (const name of ['node', 'sudo', 'clang', 'ip'])
      fs.writeFileSync(path.join(fakes, name), `#!/bin/sh\ntouch ${home}/ran-${name}\n`, { mode: 0o755 });
    const cache = path.join(home, 'cache');
    fs.mkdirSync(path.join(cache, 'nx-bpf/relocated'), { recursive: true });
    run('chown', '-R', `${user}:${user}`, home);
    const env = { PATH: `${fakes}:/usr/bin:/bin`, XDG_CACHE_HOME: cache, TMPDIR: cache, HOME: cache };
    const answer = send(request(bundled()), env);
    expect(answer).toMatchObject({ exitStatus: 0, error: null });
    expect(fs.readdirSync(home).filter((name) => name.startsWith('ran'))).toEqual([]);
    expect(fs.readdirSync(path.join(cache, 'nx-bpf/relocated'))).toEqual([]);
    expect(fs.readdirSync('/var/cache/nx-bpf/relocated')).toHaveLength(1);
    expect(send(request(bundled(), { command: 'destroy' }), env).exitStatus).toBe(0);

    // The same directory, once others could have written it.
    fs.chmodSync('/var/cache/nx-bpf/relocated', 0o777);
    const warned = send(request(bundled()));
    expect(warned.text).toContain('relocation cache not used: /var/cache/nx-bpf/relocated can be written');
    expect(send(request(bundled(), { command: 'destroy' })).exitStatus).toBe(0);
    fs.rmSync('/var/cache/nx-bpf', { recursive: true });
  });

  test('an installation behind a symbolic link, or one that a user can change, refuses to work', () => {
    fs.symlinkSync(`${installation}/node_modules/@nx-bpf/deploy`, '/opt/link');
    const input = request(bundled());
    try {
      refused(send(input, {}, '/opt/link/bin/nx-bpf-helper.js'), 'HELPER_UNSAFE', /called as .*opt\/link/);
    } finally {
      fs.rmSync('/opt/link');
    }
    const own = path.join(home, 'nx');
    installDeploy(own);
    run('chown', '-R', `${user}:${user}`, own);
    const ofUser = `${own}/node_modules/@nx-bpf/deploy/bin/nx-bpf-helper.js`;
    refused(send(input, {}, ofUser), 'HELPER_UNSAFE', /\/opt\/home belongs to user 65534/);
    const called = nxBpf(['apply', 'p', '--set', `privileges.installation=${own}`]);
    expect(called).toMatchObject({ status: 9, stderr: expect.stringContaining('HELPER_UNSAFE') as string });

    const file = `${installation}/node_modules/yaml/package.json`;
    fs.chmodSync(file, 0o666);
    refused(send(input), 'HELPER_UNSAFE', /yaml\/package.json can be written by others/);
    fs.chmodSync(file, 0o644);
    fs.chownSync(file, user, user);
    refused(send(input), 'HELPER_UNSAFE', /yaml\/package.json belongs to user 65534/);
    fs.chownSync(file, 0, 0);
    fs.chmodSync('/etc/nx-bpf/helper.json', 0o666);
    refused(send(input), 'HELPER_UNSAFE', /helper.json can be written by others/);
    fs.chmodSync('/etc/nx-bpf/helper.json', 0o644);
  });

  test('a key of its configuration has to have signed the bundle', () => {
    const keys = path.join(home, 'keys');
    fs.mkdirSync(keys);
    for (const name of ['good', 'other'])
      run('minisign', '-G', '-W', '-p', `${keys}/${name}.pub`, '-s', `${keys}/${name}.key`);
    const key = fs.readFileSync(`${keys}/good.pub`, 'utf8').split('\n')[1]!;
    policy({ signedBy: [key] });
    const bundle = bundled();
    const sign = (name: string): string => {
      run('minisign', '-S', '-W', '-s', `${keys}/${name}.key`, '-m', `${home}/p.nxbpf`);
      return fs.readFileSync(`${home}/p.nxbpf.minisig`, 'utf8');
    };
    refused(send(request(bundle)), 'SIGNATURE_MISSING', /has to be signed by [0-9A-F]{16}/);
    refused(
      send(request(bundle, { signature: sign('other') })),
      'SIGNATURE_INVALID',
      /a key that is not trusted/,
    );
    const signature = sign('good');
    const changed = Buffer.from(bundle);
    changed[changed.length - 1] = 1;
    refused(send(request(changed, { signature })), 'SIGNATURE_INVALID', /not of these bytes/);
    expect(nxBpf(['apply', 'p'])).toMatchObject({ status: 16 });
    expect(nxBpf(['apply', '--bundle', `${home}/p.nxbpf`])).toMatchObject({ status: 0 });
    expect(nxBpf(['destroy', '--bundle', `${home}/p.nxbpf`])).toMatchObject({ status: 0 });
  });

  test('behind a socket it answers the user that systemd names', async () => {
    const place = path.join(home, 'helper.sock');
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      const env = { NX_BPF_INSTANCE: `0-${process.pid}-${user}` };
      const child = spawn(node, [script], { stdio: [socket, socket, 'inherit'], env });
      child.once('close', () => socket.destroy());
    });
    server.listen(place);
    await once(server, 'listening');
    fs.chmodSync(place, 0o666);
    try {
      policy({ users: [user] });
      const call = async (...args: string[]): Promise<string> => {
        const set = ['--set', 'privileges.helper=socket', '--set', `privileges.socket=${place}`];
        const child = spawn(asUser[0]!, [...asUser.slice(1), node, bin, ...args, ...set], {
          cwd: workspace,
          env: environment,
        });
        let said = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
        child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
        await once(child, 'close');
        return said;
      };
      expect(await call('apply', 'p')).toContain('p@dev is at generation 1');
      expect(await call('status', 'p')).toContain('healthy');
      expect(await call('destroy', 'p')).toContain('p@dev removed');
      policy({ users: [1] });
      expect(await call('apply', 'p')).toContain('DEPLOYMENT_REFUSED');
    } finally {
      server.close();
    }
  });

  test('the examples of its document are what sudo and the helper take', () => {
    const document = fs.readFileSync(path.resolve(__dirname, '../../../../../docs/privileges.md'), 'utf8');
    const block = (language: string): string =>
      new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(document)![1]!;
    fs.writeFileSync('/etc/nx-bpf.sudoers', block('sudoers').replace(/^%bpf/, 'nobody'));
    run('visudo', '-c', '-q', '-f', '/etc/nx-bpf.sudoers');
    expect(block('sudoers')).toContain(script);
    fs.writeFileSync('/etc/nx-bpf/helper.json', block('json'));
    expect(readPolicy().map(({ project, environments }) => [project, ...environments])).toEqual([
      ['agent', 'dev'],
      ['agent', 'prod'],
    ]);
  });

  test('a build that a user calls through sudo compiles as that user, and never as root', () => {
    const uids = path.join(home, 'uids');
    write('../bin/clang', `#!/bin/sh\nid -u >>${uids}\nid -g >>${uids}\nexec clang-19 "$@"\n`);
    fs.chmodSync(path.join(home, 'bin/clang'), 0o755);
    manifest('lo', `toolchain: { clang: ${home}/bin/clang }\n`);
    const [command, ...rest] = [...asUser, '/usr/bin/sudo', '-n', '--', node, bin, 'build', 'p'];
    const built = spawnSync(command!, rest, { cwd: workspace, env: environment, encoding: 'utf8' });
    expect(built).toMatchObject({ status: 0, stderr: '' });
    expect(fs.readFileSync(uids, 'utf8').trimEnd().split('\n')).toEqual(Array(6).fill(String(user)));
    expect(fs.existsSync(`${workspace}/p/dist/bpf/dev/edge.bpf.o`)).toBe(true);
  });

  test('who may not call it is told the line that root would have to write', () => {
    fs.renameSync('/etc/sudoers.d/nx-bpf', '/etc/nx-bpf.off');
    try {
      const { status, stderr } = nxBpf(['apply', 'p']);
      expect(status).toBe(9);
      expect(stderr).toContain('HELPER_UNAVAILABLE');
      expect(stderr).toContain(`NOPASSWD: ${node} ${script}`);
    } finally {
      fs.renameSync('/etc/nx-bpf.off', '/etc/sudoers.d/nx-bpf');
    }
  });
});
