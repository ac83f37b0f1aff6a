import fs from 'node:fs';
import path from 'node:path';
import { manifestJsonSchema } from '../packages/deploy/src/manifest';

/** Writes packages/deploy/schema.json, the JSON Schema of bpf.config.yaml that editors read, from the zod schema. */
const file = path.resolve(__dirname, '../packages/deploy/schema.json');
fs.writeFileSync(file, `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`);
