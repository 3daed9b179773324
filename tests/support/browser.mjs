// A person with a browser: cookies, redirects and HTML forms, from an authorize URL to the client's redirect.

const unescape = (text) =>
  text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
const attribute = (tag, name) => {
  const found = tag.match(new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i'));
  return found ? unescape(found[1] ?? found[2] ?? found[3]) : undefined;
};

// The form that a person would fill in: the one that asks for a name or a decision.
function fill(html, page, user) {
  const forms = html.match(/<form[\s\S]*?<\/form>/gi) ?? [];
  const form = forms.find((text) => /name=["']?(username|decision)/.test(text)) ?? forms[0];
  if (!form) throw new Error(`no form at ${page}:\n${html}`);
  const head = form.match(/<form[^>]*>/i)[0];
  const fields = new URLSearchParams();
  for (const [tag] of form.matchAll(/<input[^>]*>/gi)) {
    const [name, type] = [attribute(tag, 'name'), attribute(tag, 'type') ?? 'text'];
    if (!name || name === 'decision' || ['submit', 'button'].includes(type)) continue;
    fields.append(name, name === 'username' ? user : attribute(tag, 'value') ?? '');
  }
  if (/name=["']?decision/.test(form)) fields.set('decision', 'approve');
  return [new URL(attribute(head, 'action') ?? '', page).href, fields];
}

/** A person's browser: it keeps cookies and follows redirects. */
export class Browser {
  #cookies = new Map();

  constructor(user) {
    this.user = user;
  }

  /** One request, by POST when there is a form to send. */
  async visit(url, body) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { accept: 'text/html', cookie };
    if (body) headers.origin = new URL(url).origin;
    const response = await fetch(url, { method: body ? 'POST' : 'GET', body, headers, redirect: 'manual' });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
      if (/max-age=0/i.test(cookie)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  }

  /**
   * Opens `url`, signs in, approves, and returns the redirect to `target` unopened.
   * `pages` is told the title of every page on the way.
   */
  async walk(url, target, pages = []) {
    let response = await this.visit(url);
    for (let step = 0; step < 20; step += 1) {
      const location = response.headers.get('location');
      if (location) {
        const next = new URL(location, response.url);
        if (next.href.startsWith(target)) return next;
        response = await this.visit(next.href);
      } else {
        const html = await response.text();
        pages.push(html.match(/<title>([^<]*)/i)?.[1] ?? '');
        response = await this.visit(...fill(html, response.url, this.user));
      }
    }
    throw new Error(`the sign-in at ${new URL(url).origin} does not end; pages: ${pages.join(', ')}`);
  }
}

/** The same for who needs no more of the browser. */
export function walk(url, target, user, pages = []) {
  return new Browser(user).walk(url, target, pages);
}
