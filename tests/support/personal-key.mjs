// Makes a personal key as a person does, at the account page, and prints it.
//   node personal-key.mjs http://127.0.0.1:8080 alice@contoso.example mail-query
import { Browser } from './browser.mjs';

const [base, user, service] = process.argv.slice(2);
const browser = new Browser(user);
const home = `${base}/account/connections`;
await browser.visit(await browser.walk(home, home));
const form = await (await browser.visit(`${base}/account/keys?service=${service}`)).text();
const csrf = form.match(/name="csrf"[^>]*value="([^"]*)"/)[1];
const away = await browser.visit(`${base}/account/keys`, new URLSearchParams({ csrf, service, name: 'Tests', days: '30' }));
const back = await browser.walk(away.headers.get('location'), `${base}/callback`);
const page = await (await browser.visit(back)).text();
console.log(page.match(/dcr_pk_[A-Za-z0-9_-]+/)[0]);
