// Turns the step lines of all clients into a table, and fails when one failed or is missing.
//   node table.mjs STEPS_LOG
import { readFileSync } from 'node:fs';
import { NOT_OFFERED, STEPS } from './steps.mjs';

/** Who must have run, in which eras. */
const EXPECTED = {
  'TS SDK v1': ['legacy', 'HTTP+SSE'],
  'TS SDK v2': ['legacy', 'HTTP+SSE', 'modern (auto)', 'modern (pin)'],
  'Python SDK': ['legacy', 'HTTP+SSE', 'modern (auto)', 'modern (pin)'],
  rmcp: ['legacy', 'modern'],
  'mcp-remote': ['legacy', 'HTTP+SSE'],
  Inspector: ['legacy', 'modern'],
};

const outcomes = new Map();
for (const line of readFileSync(process.argv[2], 'utf8').split('\n')) {
  // Test runners may put something of their own in front.
  const [, client, era, step, outcome] = line.slice(Math.max(0, line.indexOf('step | '))).split(' | ');
  if (line.includes('step | ')) outcomes.set(`${client} ${era} ${step}`, outcome);
}

let passed = 0;
let failed = 0;
const rows = [['client', 'era', ...STEPS]];
for (const [client, eras] of Object.entries(EXPECTED)) {
  for (const era of eras) {
    const cells = STEPS.map((step) => {
      const outcome = outcomes.get(`${client} ${era} ${step}`) ?? 'missing';
      if (outcome === 'ok') passed += 1;
      else if (outcome !== NOT_OFFERED) failed += 1;
      return outcome === NOT_OFFERED ? 'n/o' : outcome;
    });
    rows.push([client, era, ...cells]);
  }
}
const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column])).join('  '));
console.log(`n/o: ${NOT_OFFERED}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
