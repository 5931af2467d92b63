// What every `Http` must do, whoever provides it.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import type { Http, Maybe } from '../../sdk/index.ts'

/** A way out, as an operator set it up. */
export interface HttpUnderTest {
  readonly http: Http
  /** Moves time on by so many milliseconds, and what falls due has happened. */
  advance(ms: number): Maybe<void>
}

/** Runs the contract on an implementation; `make` allows what it is given and knows these names. */
export function httpContract(
  name: string,
  make: (
    t: TestContext,
    allow: readonly string[],
    names?: Readonly<Record<string, readonly string[]>>,
  ) => Maybe<HttpUnderTest>,
): void {
  const spec = (what: string, run: (t: TestContext) => Promise<void>) =>
    test(`${name}: ${what}`, run)
  const refused = (asking: Promise<unknown>, ...texts: readonly RegExp[]) =>
    assert.rejects(asking, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'EGRESS_REFUSED', error.message)
      for (const text of texts) assert.match(error.message, text)
      return true
    })

  spec('an allowed server is asked, and its answer comes back whole', async (t) => {
    const { url, asked } = await serve(t, (_request, response) => {
      response.writeHead(418, { 'X-Tea': ['green', 'black'] })
      response.end('{"tea":"ü"}')
    })
    const { http } = await make(t, ['127.0.0.1'])
    const body = Buffer.from('leaves')
    const answer = await http.request(`${url}/pot?x=1`, {
      method: 'POST',
      headers: { 'X-A': 'b' },
      body,
    })
    assert.equal(answer.status, 418)
    assert.equal(answer.headers['x-tea'], 'green, black')
    assert.deepEqual(answer.json(), { tea: 'ü' })
    assert.equal(answer.url, `${url}/pot?x=1`)
    assert.deepEqual(asked, [{ method: 'POST', url: '/pot?x=1', a: 'b', body: 'leaves' }])
  })

  spec('addresses that are not the internet are refused, however they are written', async (t) => {
    const { http } = await make(t, [])
    for (const host of [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f.1',
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '169.254.169.254',
      '172.31.255.255',
      '192.168.0.1',
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:10.0.0.1]',
      '[::127.0.0.1]',
      '[64:ff9b::7f00:1]',
      '[fc00::1]',
      '[fe80::1]',
      '[ff02::1]',
      '[2001:db8::1]',
      '[2002:7f00:1::]',
    ]) {
      await refused(http.request(`https://${host}/`), / is /, /egress\.allow/)
    }
  })

  spec('a name that leads inside is refused, and says where it leads', async (t) => {
    const { http } = await make(t, [], { 'evil.example': ['10.0.0.5', '::1'] })
    await refused(http.request('https://evil.example/'), /10\.0\.0\.5 is a private network \(10/)
  })

  spec('of a name’s addresses only those that may be asked are', async (t) => {
    const { url } = await serve(t, (_request, response) => response.end('here'))
    const names = { 'mixed.example': ['10.0.0.5', '127.0.0.1'] }
    const { http } = await make(t, ['127.0.0.0/8'], names)
    const answer = await http.request(url.replace('127.0.0.1', 'mixed.example'))
    assert.equal(answer.text(), 'here')
  })

  spec('an allowed name may lead anywhere, another name may not', async (t) => {
    const { url } = await serve(t, (_request, response) => response.end('here'))
    const names = { 'internal.example': ['127.0.0.1'], 'other.example': ['127.0.0.1'] }
    const { http } = await make(t, ['Internal.Example'], names)
    assert.equal((await http.request(url.replace('127.0.0.1', 'internal.example.'))).status, 200)
    await refused(http.request(url.replace('127.0.0.1', 'other.example')), /loopback/)
    await refused(http.request(url), /loopback/)
  })

  spec('without TLS only what is allowed is asked', async (t) => {
    const { http } = await make(t, [], { 'public.example': ['93.184.215.14'] })
    await refused(http.request('http://public.example/'), /without TLS/, /Use https/)
    await refused(http.request('http://93.184.215.14/'), /without TLS/)
  })

  spec('other schemes, credentials in an address and no address are refused', async (t) => {
    const { http } = await make(t, ['127.0.0.1'])
    await refused(http.request('file:///etc/passwd'), /neither https nor http/)
    await refused(http.request('ftp://127.0.0.1/'), /neither/)
    await refused(http.request('http://anna:secret@127.0.0.1/'), /credentials/)
    await assert.rejects(http.request('http://anna:secret@127.0.0.1/'), (error: Error) => {
      assert.doesNotMatch(error.message, /secret/)
      return true
    })
    await refused(http.request('nonsense'), /no address/)
  })

  spec('redirects are followed under the same rules, without credentials elsewhere', async (t) => {
    const other = await serve(t, (_request, response) => response.end('there'))
    const first = await serve(t, (request, response) => {
      const to = request.url === '/inside' ? 'https://10.0.0.1/' : `${other.url}/end`
      response.writeHead(request.url === '/keep' ? 307 : 302, { location: to }).end()
    })
    const { http } = await make(t, ['127.0.0.1'])
    const headers = { Authorization: 'Bearer x', 'X-A': 'kept' }
    const send = { method: 'POST', headers, body: 'text' } as const
    const answer = await http.request(`${first.url}/go`, send)
    assert.equal(answer.text(), 'there')
    assert.equal(answer.url, `${other.url}/end`)
    await http.request(`${first.url}/keep`, send)
    assert.deepEqual(other.asked, [
      { method: 'GET', url: '/end', a: 'kept', body: '' },
      { method: 'POST', url: '/end', a: 'kept', body: 'text' },
    ])
    await refused(http.request(`${first.url}/inside`), /a private network/)
    const seen = await http.request(`${first.url}/go`, { redirects: 0 })
    assert.equal(seen.status, 302)
    assert.equal(seen.headers.location, `${other.url}/end`)
  })

  spec('a circle of redirects ends', async (t) => {
    const { url, asked } = await serve(t, (_request, response) => {
      response.writeHead(302, { location: '/again' }).end()
    })
    const { http } = await make(t, ['127.0.0.1'])
    await assert.rejects(http.request(url), { code: 'TOO_MANY_REDIRECTS' })
    assert.equal(asked.length, 4)
  })

  spec('a body above maxBytes is cut off', async (t) => {
    const { url } = await serve(t, (_request, response) => {
      response.write('x'.repeat(2_000))
      response.write('x'.repeat(2_000))
    })
    const { http } = await make(t, ['127.0.0.1'])
    await assert.rejects(http.request(url, { maxBytes: 3_000 }), { code: 'TOO_LARGE' })
  })

  spec('a server that never answers, or never ends, is not waited for', async (t) => {
    for (const path of ['/headers', '/body']) {
      const arrived = Promise.withResolvers<void>()
      const { url } = await serve(t, (request, response) => {
        if (request.url === '/body') response.write('x')
        arrived.resolve()
      })
      const { http, advance } = await make(t, ['127.0.0.1'])
      const ended = assert.rejects(http.request(url + path), { code: 'TIMEOUT' })
      await arrived.promise
      await advance(11_000)
      await ended
    }
  })

  spec('the caller’s signal ends it with the caller’s reason', async (t) => {
    const arrived = Promise.withResolvers<void>()
    const { url } = await serve(t, () => arrived.resolve())
    const { http } = await make(t, ['127.0.0.1'])
    const abort = new AbortController()
    const ended = assert.rejects(http.request(url, { signal: abort.signal }), /enough/)
    await arrived.promise
    abort.abort(new Error('enough'))
    await ended
    await assert.rejects(http.request(url, { signal: abort.signal }), /enough/)
  })

  spec('nobody there, and an answer that is no JSON, have codes', async (t) => {
    const { url, close } = await serve(t, (_request, response) => response.end('<html>'))
    const { http } = await make(t, ['127.0.0.1'], { 'nowhere.example': [] })
    const answer = await http.request(url)
    assert.throws(() => answer.json(), { code: 'NOT_JSON' })
    // Somebody answers there, but not TLS: the connection went where the name led.
    await assert.rejects(http.request(url.replace('http:', 'https:')), { code: 'UNREACHABLE' })
    await close()
    await assert.rejects(http.request(url), { code: 'UNREACHABLE' })
    await assert.rejects(http.request('https://nowhere.example/'), { code: 'UNREACHABLE' })
  })
}

interface Served {
  readonly url: string
  readonly asked: readonly object[]
  close(): Promise<void>
}

async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Served> {
  const asked: object[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method, url, headers } = request
    const body = Buffer.concat(chunks).toString()
    const { 'x-a': a, authorization } = headers
    asked.push({ method, url, a, body, ...(authorization === undefined ? {} : { authorization }) })
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  t.after(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close }
}
