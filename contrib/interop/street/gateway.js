'use strict'
// The edge of the street: a reverse proxy that knows no routes. Every request goes to the web.
//     gateway.js PORT WEB-ADDRESS
const http = require('http')

const [port, web] = process.argv.slice(2)
const [host, webPort] = web.split(':')

http.createServer((request, response) => {
  const options = { host, port: webPort, path: request.url, method: request.method, headers: { host: web } }
  const onward = http.request(options, answer => {
    response.writeHead(answer.statusCode, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => {
    response.writeHead(502)
    response.end()
  })
  request.pipe(onward)
}).listen(Number(port), '127.0.0.1')
