'use strict'
// The web of the street, as people write it with Express: a middleware, a router, handlers whose errors go to one error handler.
//     web.js PORT CHECKOUT-ADDRESS ACCOUNTS-ADDRESS
const axios = require('axios')
const express = require('express')
const { trace } = require('@opentelemetry/api')

const [port, checkout, accounts] = process.argv.slice(2)
const app = express()
const orders = express.Router()

const place = request => axios.post(`http://${checkout}/${request.params.kind}${request.query.bad ? '?bad=1' : ''}`)

app.use((request, response, next) => {
  response.set('X-Trace-Id', trace.getActiveSpan().spanContext().traceId)
  next()
})

for (const kind of ['cache', 'compensation', 'db-stopped', 'deadline', 'internal', 'jdbc-query', 'pool', 'query', 'refused', 'retry', 'slow', 'sum']) {
  orders.post('/' + kind, async (request, response) => {
    request.params.kind = kind
    await place(request)
    response.json({ placed: true })
  })
}

// Recommendations never come, and nobody misses them.
orders.post('/optional', async (request, response) => {
  try {
    await axios.post(`http://${accounts}/recommend`)
  } catch (error) {
    response.set('X-Recommended', 'nothing')
  }
  request.params.kind = 'optional'
  await place(request)
  response.json({ placed: true })
})

app.use('/orders', orders)
app.use((error, request, response, next) => {
  response.status(500).json({ error: error.message })
})
app.listen(Number(port), '127.0.0.1')
