// Compares the suite's checks.json files with expected.json.
//   node check.mjs FOLDER
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const folder = process.argv[2];
const expected = JSON.parse(readFileSync(join(import.meta.dirname, 'expected.json'), 'utf8'));

function scenarios(path) {
  const files = readdirSync(path, { recursive: true }).filter((name) => name.endsWith('checks.json'));
  return files.sort().map((name) => {
    const checks = JSON.parse(readFileSync(join(path, name), 'utf8'));
    return [basename(dirname(name)).replace(/^(?:authorization-)?server-(.*?)-\d{4}-\d\d-\d\dT.*$/, '$1'), checks];
  });
}

let failed = false;
for (const run of expected.runs) {
  for (const [set, succeed] of Object.entries(expected.sets)) {
    let passed = 0;
    let faults = 0;
    for (const [scenario, checks] of scenarios(join(folder, run, set))) {
      for (const check of checks) {
        if (check.status === 'SUCCESS') passed += 1;
        if (!['FAILURE', 'WARNING'].includes(check.status)) continue;
        faults += 1;
        console.log(`FAULT ${run} ${set} ${scenario} ${check.status} ${check.id}: ${check.errorMessage ?? check.description}`);
      }
    }
    // The exact number guards against checks that silently stop running.
    const ok = faults === 0 && passed === succeed;
    failed ||= !ok;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${run} ${set}: ${passed} of ${succeed} checks succeeded`);
  }
}
process.exitCode = failed ? 1 : 0;
