// Stands before Graph and counts: requests, and bytes of their answers. `GET /.counter` tells both and begins anew.
import http from 'node:http';

const target = new URL(process.env.TENANT);
let counted = { calls: 0, bytes: 0 };

const server = http.createServer((request, response) => {
  if (request.url === '/.counter') {
    response.end(JSON.stringify(counted));
    counted = { calls: 0, bytes: 0 };
    return;
  }
  counted.calls += 1;
  // Compressed answers would be counted by what they squeeze into.
  const { 'accept-encoding': _, ...headers } = request.headers;
  const options = { host: target.hostname, port: target.port, path: request.url, method: request.method, headers };
  const upstream = http.request(options, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.on('data', (chunk) => { counted.bytes += chunk.length; });
    answer.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  request.pipe(upstream);
});
server.listen(0, '127.0.0.1', () => console.log(`counter listening on http://127.0.0.1:${server.address().port}`));
