// What people do with the pages, and what has to come of it.
import { readFileSync } from 'node:fs';
import { authorization, callStatus, redeem } from './product.mjs';

const ALICE = 'alice@contoso.example';
const BOB = 'bob@contoso.example';
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const approve = (page) => page.locator('button[name=decision][value=approve]');
const deny = (page) => page.locator('button[name=decision][value=deny]');

/** Goes through the simulated Microsoft sign-in as `user`. */
async function signIn(page, user) {
  await page.fill('input[name=username]', user);
  await page.click('button[value=accept]');
}

/** Opens the consent page of a fresh request. */
async function ask(world, page, client, extra) {
  const request = authorization(client, extra);
  await page.goto(request.url);
  await approve(page).waitFor();
  return request;
}

/** Connects an app for a user and answers the bearer. */
async function connect(world, page, name, user) {
  const client = await world.client(name);
  const request = await ask(world, page, client);
  await approve(page).click();
  await signIn(page, user);
  const { code } = await world.answer(request.state);
  return (await redeem(client, code, request.verifier)).access_token;
}

export const scenarios = {
  async 'consent: approve ends in a bearer that works'(world, assert) {
    const page = await world.open();
    const client = await world.client('Claude');
    const request = await ask(world, page, client, { scope: 'Mail.Read offline_access', login_hint: ALICE });
    const text = await page.locator('main').innerText();
    for (const wanted of ['Claude', 'Not verified', new URL(client.redirect).host, 'Read your mail', ALICE, 'New here']) {
      assert(text.includes(wanted), `the page does not say "${wanted}":\n${text}`);
    }
    await world.inspect(page, 'consent');
    await approve(page).click();
    await signIn(page, ALICE);
    const answer = await world.answer(request.state);
    assert(answer.iss === world.base, `iss is ${answer.iss}`);
    const tokens = await redeem(client, answer.code, request.verifier);
    assert((await callStatus(world.base, tokens.access_token)) === 200, 'the bearer does not work');
  },

  async 'consent: deny tells the app and nobody else'(world, assert) {
    const page = await world.open();
    const request = await ask(world, page, await world.client('Deny me'));
    await deny(page).click();
    const answer = await world.answer(request.state);
    assert(answer.error === 'access_denied' && !answer.code, JSON.stringify(answer));
  },

  async 'consent: the keyboard alone is enough'(world, assert) {
    const page = await world.open();
    const request = await ask(world, page, await world.client('Keyboard'));
    for (let presses = 0; presses < 20; presses += 1) {
      await page.keyboard.press('Tab');
      if (await approve(page).evaluate((button) => button === document.activeElement)) break;
    }
    const ring = await approve(page).evaluate((button) => getComputedStyle(button).outlineStyle);
    assert(ring === 'solid', `the focus cannot be seen: ${ring}`);
    await page.screenshot({ path: 'target/browser/consent-focus.png' });
    await page.keyboard.press('Enter');
    await signIn(page, ALICE);
    assert((await world.answer(request.state)).code, 'no code');
  },

  async 'consent: Korean by browser, by client and by choice'(world, assert) {
    const page = await world.open({ locale: 'ko-KR' });
    await ask(world, page, await world.client('클로드'));
    assert((await page.locator('html').getAttribute('lang')) === 'ko', 'the browser was not heard');
    assert((await approve(page).innerText()) === '허용', await approve(page).innerText());
    await world.inspect(page, 'consent-ko');
    const english = await world.open();
    await ask(world, english, await world.client('Any'), { ui_locales: 'ko en' });
    assert((await approve(english).innerText()) === '허용', 'the client was not heard');
    await english.getByRole('link', { name: 'English' }).click();
    assert((await approve(english).innerText()) === 'Allow', 'the reader was not heard');
  },

  async 'consent: dark'(world, assert) {
    const page = await world.open({ colorScheme: 'dark' });
    await ask(world, page, await world.client('Night Owl'), { scope: 'Mail.Read' });
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert(/rgb\(1\d, 1\d, 2\d\)/.test(ground), `the page is not dark: ${ground}`);
    await world.inspect(page, 'consent-dark');
  },

  async 'consent: a phone'(world, assert) {
    const page = await world.open(PHONE);
    await ask(world, page, await world.client('A name that is far too long for the width of any phone, really'));
    await world.inspect(page, 'consent-phone');
    const box = await approve(page).boundingBox();
    assert(box.height >= 44 && box.width >= 200, `too small for a thumb: ${JSON.stringify(box)}`);
  },

  async 'consent: no script is needed'(world, assert) {
    const page = await world.open({ javaScriptEnabled: false });
    const request = await ask(world, page, await world.client('No Script'));
    await approve(page).click();
    await signIn(page, ALICE);
    assert((await world.answer(request.state)).code, 'no code');
  },

  async 'consent: a double click is one approval'(world, assert) {
    const page = await world.open();
    const request = await ask(world, page, await world.client('Twice'));
    await approve(page).dblclick();
    await signIn(page, ALICE);
    assert((await world.answer(request.state)).code, 'no code');
    assert(world.answers(request.state) === 1, 'the app was answered twice');
  },

  async 'consent: another site cannot frame it'(world, assert) {
    const page = await world.open();
    const request = authorization(await world.client('Framed'));
    await page.goto(`${world.app.redirect.replace('/callback', '/')}`);
    await page.evaluate((url) => {
      const frame = document.createElement('iframe');
      frame.src = url;
      document.body.append(frame);
    }, request.url);
    await page.waitForFunction(() => window.frames.length === 1);
    await page.waitForTimeout(500);
    const shown = await Promise.all(page.frames().slice(1).map((frame) => frame.locator('form').count().catch(() => 0)));
    assert(shown.every((forms) => forms === 0), 'the consent page stands in a foreign frame');
  },

  async 'admin consent: who must approve, what, and how to go on'(world, assert) {
    const page = await world.open();
    const client = await world.client('Blocked');
    const request = await ask(world, page, client, { scope: 'Mail.Read' });
    await approve(page).click();
    await page.waitForSelector('input[name=username]');
    const state = new URL(page.url()).searchParams.get('state');
    const refusal = new URLSearchParams({
      error: 'consent_required', error_description: 'AADSTS90094: An administrator has to grant it.', state,
    });
    await page.goto(`${world.base}/callback?${refusal}`);
    const text = await page.locator('main').innerText();
    assert(text.includes('Mail.Read') && text.includes('adminconsent'), text);
    await world.inspect(page, 'admin-consent');
    const message = await page.locator('textarea').inputValue();
    assert(message.includes('Mail.Read') && message.includes('adminconsent'), message);
    await page.getByRole('link', { name: 'Try again' }).click();
    await approve(page).click();
    await signIn(page, ALICE);
    assert((await world.answer(request.state)).code, 'trying again leads nowhere');
  },

  async 'faults: unknown client, foreign redirect, finished sign-in, other browser'(world, assert) {
    const page = await world.open();
    const client = await world.client('Gone');
    const unknown = await page.goto(authorization({ ...client, id: 'no-such-client' }).url);
    assert(unknown.status() === 400, `unknown client: ${unknown.status()}`);
    const steps = await page.locator('ol li').count();
    assert(steps >= 2, 'no steps to recover');
    const reference = await page.locator('footer code').innerText();
    assert(reference === unknown.headers()['x-entrada-flow'], `reference ${reference}`);
    await world.inspect(page, 'fault-unknown-client');
    const foreign = await page.goto(authorization(client, { redirect_uri: 'https://evil.example/cb' }).url);
    assert(foreign.status() === 400, `foreign redirect: ${foreign.status()}`);
    await world.inspect(page, 'fault-redirect');
    const spent = await page.goto(`${world.base}/callback?state=spent&code=x`);
    assert(spent.status() === 400, `spent state: ${spent.status()}`);
    await world.inspect(page, 'fault-expired');
    await ask(world, page, client);
    const stranger = await world.open({ locale: 'ko-KR' });
    const other = await stranger.goto(page.url());
    assert(other.status() === 403, `other browser: ${other.status()}`);
    await world.inspect(stranger, 'fault-other-browser-ko');
  },

  async 'faults: every explanation can be read in both languages'(world) {
    const page = await world.open();
    for (const name of ['declined', 'consent', 'step', 'not-allowed', 'not-admitted', 'unverified', 'expired', 'server', 'unavailable']) {
      await page.goto(`${world.base}/help/sign-in/${name}?flow=ABCD-EFGH-JKMN`);
      await page.getByRole('link', { name: '한국어' }).click();
      await page.waitForSelector('html[lang=ko]');
      if (name === 'not-admitted') await world.inspect(page, 'fault-not-admitted-ko');
    }
  },

  async 'account: sees, ends and is rid of own connections only'(world, assert) {
    const page = await world.open();
    const bobs = await world.open();
    const first = await connect(world, page, 'Claude', ALICE);
    const second = await connect(world, page, 'VS Code', ALICE);
    const foreign = await connect(world, bobs, 'Cursor', BOB);
    await page.goto(`${world.base}/account/connections`);
    await signIn(page, ALICE);
    await page.waitForSelector('.item');
    const text = await page.locator('main').innerText();
    assert(text.includes('Claude') && text.includes('VS Code') && text.includes(ALICE), text);
    assert(!text.includes('Cursor'), 'another person is shown');
    await world.inspect(page, 'connections');
    await page.getByRole('button', { name: /^Disconnect Claude/ }).first().click();
    await page.waitForSelector('[role=status]');
    await world.inspect(page, 'connections-revoked');
    assert((await callStatus(world.base, second)) === 200, 'another connection ended');
    await page.locator('summary').click();
    await page.getByRole('button', { name: 'Yes, disconnect all' }).click();
    await page.getByText('No app is connected').waitFor();
    await world.inspect(page, 'connections-none');
    for (const bearer of [first, second]) {
      assert((await callStatus(world.base, bearer)) === 401, 'a revoked bearer still works');
    }
    assert((await callStatus(world.base, foreign)) === 200, "another person's connection ended");
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    await world.inspect(page, 'signed-out');
  },

  async 'keys: made for one service, shown once, listed and revoked'(world, assert) {
    const page = await world.open();
    await page.goto(`${world.base}/account/connections`);
    await signIn(page, BOB);
    await page.getByRole('link', { name: 'Make a key' }).click();
    await page.getByRole('heading', { name: 'Make a personal key' }).waitFor();
    await world.inspect(page, 'keys-service');
    await page.locator('a[href="/account/keys?service=mail-query"]').click();
    await page.getByLabel('Name').fill('Open WebUI');
    await page.getByLabel('Send mail as you').check();
    await page.getByLabel('7 days').check();
    await world.inspect(page, 'keys-form');
    await page.getByRole('button', { name: 'Go on to Microsoft' }).click();
    await signIn(page, BOB);
    await page.getByRole('heading', { name: 'Your key is ready' }).waitFor();
    await world.inspect(page, 'keys-ready');
    const key = (await page.locator('#key').innerText()).trim();
    assert(/^dcr_pk_[\w-]{70}$/.test(key), 'no key');
    assert((await callStatus(world.base, key)) === 200, 'the key does not work');
    await page.reload();
    assert(!(await page.content()).includes(key), 'the key is shown twice');
    await page.goto(`${world.base}/account/connections`);
    await page.getByText('Open WebUI').waitFor();
    await world.inspect(page, 'keys-listed');
    await page.getByRole('button', { name: /^Revoke Open WebUI/ }).click();
    await page.waitForSelector('[role=status]');
    assert((await callStatus(world.base, key)) === 401, 'a revoked key still works');
    const korean = await world.open({ ...PHONE, locale: 'ko-KR', colorScheme: 'dark' });
    await korean.goto(`${world.base}/account/connections`);
    await signIn(korean, 'minji@contoso.example');
    await korean.goto(`${world.base}/account/keys?service=teams`);
    await world.inspect(korean, 'keys-form-phone-ko');
  },

  async 'account: dark, Korean, phone'(world) {
    const page = await world.open({ ...PHONE, locale: 'ko-KR', colorScheme: 'dark' });
    await connect(world, page, 'Claude', 'minji@contoso.example');
    await page.goto(`${world.base}/account/connections`);
    await signIn(page, 'minji@contoso.example');
    await page.waitForSelector('.item');
    await world.inspect(page, 'connections-phone-ko');
  },

  async 'landing: services and how to connect, light and dark'(world, assert) {
    const page = await world.open();
    await page.goto(world.base);
    assert((await page.locator('main').innerText()).includes(`${world.base}/mail-query/mcp`), 'no address');
    await world.inspect(page, 'landing');
    const dark = await world.open({ colorScheme: 'dark', locale: 'ko-KR' });
    await dark.goto(world.base);
    await world.inspect(dark, 'landing-ko-dark');
  },

  async 'picture: consent and connections side by side, for src/docs/pages.png'(world) {
    const image = (name) => `data:image/png;base64,${readFileSync(`target/browser/${name}.png`).toString('base64')}`;
    const page = await world.open({ viewport: { width: 1180, height: 700 } });
    await page.setContent(`<body style="margin:0;display:flex;background:#f4f5f8">
      <img src="${image('consent')}" style="width:590px;height:700px;object-fit:cover;object-position:top">
      <img src="${image('connections')}" style="width:590px;height:700px;object-fit:cover;object-position:top">`);
    await page.screenshot({ path: 'target/browser/pages.png' });
  },
};
