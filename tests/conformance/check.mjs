// Reads expected.json.
//   node check.mjs list             the scenarios to run, as "<spec version> <scenario>"
//   node check.mjs verify FOLDER    compares the suite's checks.json files with what is expected
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const expected = JSON.parse(readFileSync(join(import.meta.dirname, 'expected.json'), 'utf8'));
const [command, folder] = process.argv.slice(2);

function* scenarios() {
  for (const [version, list] of Object.entries(expected.scenarios)) {
    for (const [scenario, wanted] of Object.entries(list)) yield [version, scenario, wanted];
  }
}

function readChecks(path) {
  try {
    const files = readdirSync(path, { recursive: true }).filter((name) => name.endsWith('checks.json'));
    return files.flatMap((name) => JSON.parse(readFileSync(join(path, name), 'utf8')));
  } catch {
    return [];
  }
}

// One line per scenario: how many checks succeeded, and what is wrong, if anything.
function judge(version, scenario, { succeed, later = [] }) {
  const checks = readChecks(join(folder, version, scenario));
  const ours = checks.filter((check) => !later.includes(check.id));
  const passed = ours.filter((check) => check.status === 'SUCCESS');
  const faults = ours.filter((check) => ['FAILURE', 'WARNING'].includes(check.status));
  // The exact number guards against checks that silently stop running.
  const ok = faults.length === 0 && passed.length === succeed;
  const left = checks.length - ours.length;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${version} ${scenario}: ${passed.length} of ${succeed} checks succeeded` +
    (left ? `, ${left} belong to later work` : ''));
  for (const fault of faults) console.log(`       ${fault.status} ${fault.id}: ${fault.errorMessage ?? fault.description}`);
  if (checks.length === 0) console.log(`       nothing was checked; see ${folder}/${version}-${scenario}.log`);
  return [ok, passed.length];
}

if (command === 'list') {
  for (const [version, scenario] of scenarios()) console.log(`${version} ${scenario}`);
} else {
  const results = [...scenarios()].map((entry) => judge(...entry));
  const failed = results.filter(([ok]) => !ok).length;
  const checks = results.reduce((sum, [, passed]) => sum + passed, 0);
  console.log(`${results.length - failed} scenarios passed, ${failed} failed, ${checks} checks succeeded`);
  process.exitCode = failed === 0 ? 0 : 1;
}
