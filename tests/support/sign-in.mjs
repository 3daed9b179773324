// Walks an authorize URL that a client printed, as a person would, and prints the redirect.
//   node sign-in.mjs AUTHORIZE_URL USER [--open]      --open: fetches the redirect too, where the client listens
import { walk } from './browser.mjs';

const [url, user, open] = process.argv.slice(2);
const landing = await walk(url, new URL(url).searchParams.get('redirect_uri'), user);
if (open === '--open') await (await fetch(landing)).text();
console.log(landing.href);
