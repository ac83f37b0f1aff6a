import { Link } from '@nx-bpf/loader';
import { find } from '../find';
import { done, type ObjectOptions } from '../group';
import { type Outcome } from '../request';

/** `nx-bpf link detach` */
export function detach(target: string, options: ObjectOptions): Outcome {
  const { fd, deployment } = find('link', target, options);
  const link = new Link(fd);
  try {
    const where = link.describe();
    link.detach();
    if (deployment !== undefined) {
      const { project, environment } = deployment.ledger;
      process.stderr.write(`note: nx-bpf apply ${project} -e ${environment} attaches it anew\n`);
    }
    const result = { detached: true, id: link.id, where };
    process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `detached: ${where}\n`);
    return { ...done, result };
  } finally {
    link.close();
  }
}
