/** The command line as guests have it: from its source, bundled to one file. */
import { main } from '../../packages/deploy/src/cli/main';

void main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
