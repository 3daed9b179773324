// What every client has to show, and how it is told. One line per step, which table.mjs reads:
//   step | CLIENT | ERA | STEP | ok, FAILED or not offered by SDK | detail
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** Every step, in order. A client that leaves one out fails the run. */
export const STEPS = ['connect', 'list', 'mail', 'call', 'progress', 'cancel', 'subscribe', 'elicit', 'reconnect', 'refresh'];
export const NOT_OFFERED = 'not offered by SDK';
/** Longest time for one step: a hung client fails its step, not the run. */
const LIMIT_MS = 30_000;

/** Waits until `look` returns something; the step's time limit ends the wait. */
export async function until(what, look) {
  for (let turn = 0; turn < 600; turn += 1) {
    const found = await look();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`it never happened: ${what}`);
}

/** Calls that the server stopped because they were cancelled: the line that REQUEST-LOG.md documents. */
export function cancelledCalls(tool) {
  const lines = readFileSync(process.env.SERVER_LOG, 'utf8').split('\n');
  return lines.filter((line) => line.includes('"tool refused"') && line.includes(`"${tool}"`) && line.includes('"cancelled"')).length;
}

/** Breaks every connection between the clients and the server. */
export async function cutConnections() {
  const answer = await fetch(`${process.env.BASE}/.forwarder/cut`, { method: 'POST' });
  assert.equal(answer.status, 200);
}

export class Journey {
  constructor(client, era) {
    Object.assign(this, { client, era, done: new Set() });
  }

  tell(step, outcome, detail) {
    this.done.add(step);
    const oneLine = String(detail).replaceAll(/\s+/g, ' ').replaceAll('|', '/').slice(0, 300);
    console.log(['step', this.client, this.era, step, outcome, oneLine].join(' | '));
  }

  /** Runs a step; what it returns is what the line says. */
  async step(name, run) {
    let timer;
    const limit = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no end after ${LIMIT_MS} ms`)), LIMIT_MS);
    });
    try {
      this.tell(name, 'ok', await Promise.race([run(), limit]));
    } catch (error) {
      this.tell(name, 'FAILED', error?.message ?? error);
      console.error(error);
    }
    clearTimeout(timer);
  }

  notOffered(name, why) {
    this.tell(name, NOT_OFFERED, why);
  }
}
