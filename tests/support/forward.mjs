// Loopback forwarder: sends each request to the next of its targets and changes nothing: Host and Origin pass as they
// came, answers stream, and a client that leaves takes its upstream request with it.
//   [TOKEN=...] node forward.mjs [ORIGIN...]       TOKEN is added as the bearer: the suite cannot send one itself
// Two paths are its own:
//   PUT  /.forwarder/targets    body: origins, blank between them
//   POST /.forwarder/cut        breaks every connection that is open, as a restarting proxy does
import http from 'node:http';

let targets = process.argv.slice(2);
const token = process.env.TOKEN;
const open = new Set();
let turn = 0;

async function own(request, response) {
  if (request.url === '/.forwarder/targets') {
    let body = '';
    for await (const chunk of request) body += chunk;
    targets = body.split(' ');
  } else if (request.url === '/.forwarder/cut') {
    for (const socket of open) if (socket !== request.socket) socket.destroy();
  }
  response.end();
}

const server = http.createServer((request, response) => {
  if (request.url.startsWith('/.forwarder/')) return own(request, response);
  const target = new URL(targets[turn++ % targets.length]);
  const headers = token ? { ...request.headers, authorization: `Bearer ${token}` } : request.headers;
  const upstream = http.request({ host: target.hostname, port: target.port, path: request.url, method: request.method, headers });
  upstream.on('response', (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    response.flushHeaders();
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  });
  upstream.on('error', (error) => {
    if (response.headersSent) return response.destroy();
    response.writeHead(502);
    response.end(String(error));
  });
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
});
server.on('connection', (socket) => {
  open.add(socket);
  socket.on('close', () => open.delete(socket));
});
server.listen(0, 'localhost', () => console.log(`forwarder listening on http://localhost:${server.address().port}`));
