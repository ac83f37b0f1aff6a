import path from 'node:path';
import { house, pureModules } from './house.mjs';

const repository = path.resolve(import.meta.dirname, '../..');

/** Where a source file lives: its package's plan, its room, and whether it is a test. */
function locate(filename) {
  const relative = path.relative(repository, filename).split(path.sep).join('/');
  for (const [name, plan] of Object.entries(house)) {
    if (!relative.startsWith(`${plan.root}/`)) continue;
    const inside = relative.slice(plan.root.length + 1);
    const room = inside.includes('/') ? inside.slice(0, inside.indexOf('/')) : '';
    return { name, plan, room, test: /\.test\.ts$/.test(inside) };
  }
  return undefined;
}

/** The room an import goes to, and what of it is named: '' is the room's index. */
function target(plan, filename, specifier) {
  const resolved = path.resolve(path.dirname(filename), specifier);
  const relative = path.relative(path.join(repository, plan.root), resolved).split(path.sep).join('/');
  if (relative.startsWith('..')) return undefined;
  const [room, ...rest] = relative.split('/');
  return { room, inner: rest.join('/').replace(/^index(\.[jt]s)?$/, '') };
}

function check(context, node) {
  const specifier = node.source?.value ?? node.arguments?.[0]?.value;
  if (typeof specifier !== 'string') return;
  const here = locate(context.filename);
  if (!here || here.room === '') return;
  const { plan, room } = here;
  const position = plan.rooms.indexOf(room);
  if (position < 0) {
    context.report({
      node,
      message: `'${room}' is no room of ${here.name}: add it to tools/lint/house.mjs in its order.`,
    });
    return;
  }
  // A test may use whatever it needs to look at its subject from outside.
  if (here.test) return;

  if (specifier.endsWith('/package.json')) return;
  if (specifier.startsWith('.')) {
    const to = target(plan, context.filename, specifier);
    if (!to) {
      context.report({
        node,
        message: `'${specifier}' leaves the package: import another package by its name.`,
      });
    } else if (to.room !== room) {
      const toPosition = plan.rooms.indexOf(to.room);
      if (toPosition < 0) {
        context.report({ node, message: `'${specifier}' is in no room of ${here.name}.` });
      } else if (toPosition > position) {
        context.report({
          node,
          message: `Room '${room}' imports from '${to.room}', which is below it. Order: ${plan.rooms.join(' > ')}.`,
        });
      } else if (to.inner !== '') {
        context.report({ node, message: `'${specifier}' reaches into room '${to.room}': import its index.` });
      }
    }
    return;
  }
  if (specifier.startsWith('node:')) {
    if (plan.pure.includes(room) && !pureModules.includes(specifier)) {
      context.report({ node, message: `Room '${room}' is pure: it may not use ${specifier}.` });
    }
    return;
  }
  const name = specifier.startsWith('@')
    ? specifier.split('/').slice(0, 2).join('/')
    : specifier.split('/')[0];
  if (![...plan.packages, ...(plan.typePackages ?? [])].includes(name)) {
    context.report({ node, message: `${here.name} does not depend on '${name}'.` });
  } else if (name === 'koffi' && !plan.native.includes(room)) {
    context.report({ node, message: `Only the rooms ${plan.native.join(', ')} call foreign functions.` });
  }
}

/** One rule holds the layout: order of rooms, indexes as doors, purity, and dependencies per package. */
export default {
  meta: { type: 'problem', schema: [] },
  create(context) {
    return {
      ImportDeclaration: (node) => check(context, node),
      ExportNamedDeclaration: (node) => check(context, node),
      ExportAllDeclaration: (node) => check(context, node),
      ImportExpression: (node) => check(context, node),
      'CallExpression[callee.name="require"]': (node) => check(context, node),
    };
  },
};
