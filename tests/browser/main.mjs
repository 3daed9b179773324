// Runs the scenarios one after another in one Chromium, each with cookies of its own.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { register, startApp, startDemo } from './product.mjs';
import { scenarios } from './scenarios.mjs';

const folder = path.resolve('target/browser-node/node_modules');
const require = createRequire(path.join(folder, 'x.js'));
const { chromium } = require('playwright-core');
const axe = readFileSync(path.join(folder, 'axe-core/axe.min.js'), 'utf8');

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
/** Guards against hanging, not measurements. */
const GUARD = 20_000;
const SCENARIO_GUARD = 60_000;

function hung() {
  return new Promise((_, reject) => setTimeout(() => reject(new Error('the scenario hangs')), SCENARIO_GUARD).unref());
}

function assert(condition, text) {
  if (!condition) throw new Error(text);
}

/** What a scenario works with: the product, an app, and a browser of its own. */
class World {
  constructor(browser, product, app) {
    Object.assign(this, { browser, base: product.base, tenant: product.tenant, app });
    this.contexts = [];
  }

  /** A person's browser. */
  async open(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1024, height: 860 }, locale: 'en-US', ...options });
    context.setDefaultTimeout(GUARD);
    this.contexts.push(context);
    const page = await context.newPage();
    page.violations = [];
    // A blocked style or form shows up here, and nowhere else.
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) page.violations.push(message.text());
    });
    return page;
  }

  client(name) {
    return register(this.base, this.app.redirect, name);
  }

  /** Photographs the page, and lets axe look at it; nothing may be wrong. */
  async inspect(page, name) {
    assert(page.violations.length === 0, `policy violations: ${page.violations.join('\n')}`);
    await page.screenshot({ path: `target/browser/${name}.png`, fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth).catch(() => false);
    assert(!wide, `${name}: the page is wider than the window`);
    // The policy of our pages forbids scripts; the debugger may run them all the same.
    const session = await page.context().newCDPSession(page);
    const run = async (expression) => {
      const answer = await session.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
      assert(!answer.exceptionDetails, `axe: ${answer.exceptionDetails?.exception?.description}`);
      return answer.result.value;
    };
    await run(axe);
    const found = await run('axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations)');
    const told = found.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).join('\n    ')}`);
    assert(found.length === 0, `${name}: axe found\n  ${told.join('\n  ')}`);
  }

  /** Waits for the app's answer with this `state`. */
  async answer(state) {
    const end = Date.now() + GUARD;
    while (Date.now() < end) {
      const found = this.app.answers.filter((answer) => answer.state === state);
      if (found.length > 0) return found[0];
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the app never heard of ${state}`);
  }

  /** How often the app was answered. */
  answers(state) {
    return this.app.answers.filter((answer) => answer.state === state).length;
  }

  async close() {
    for (const context of this.contexts) await context.close();
  }
}

const product = await startDemo();
const app = await startApp();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
const wanted = process.argv[2] ?? '';
let passed = 0;
let failed = 0;
try {
  for (const [name, run] of Object.entries(scenarios).filter(([name]) => name.includes(wanted))) {
    const world = new World(browser, product, app);
    try {
      await Promise.race([run(world, assert), hung()]);
      passed += 1;
      console.log(`ok   ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}\n${error.stack}`);
    } finally {
      await world.close();
    }
  }
} finally {
  await browser.close();
  app.stop();
  await product.stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
