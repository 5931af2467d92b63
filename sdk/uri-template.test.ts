import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UriTemplate } from './index.ts'

const CASES: readonly (readonly [
  template: string,
  yes: readonly string[],
  no: readonly string[],
])[] = [
  ['file:///a', ['file:///a'], ['file:///', 'file:///ab', '']],
  [
    'note://{id}',
    ['note://1', 'note://%2F', 'note://a,b'],
    ['note://', 'note://a/b', 'note://a?b'],
  ],
  ['note://{id}/x', ['note://1/x'], ['note://1/y', 'note:///x', 'note://1/x/']],
  ['{scheme}://{host}', ['a://b'], ['a:/b']],
  ['file:///{+path}', ['file:///a/b/c?d#e'], ['file:///']],
  ['page://a{#part}', ['page://a', 'page://a#', 'page://a#b/c'], ['page://ab']],
  ['img://a{.type}', ['img://a', 'img://a.png'], ['img://a.', 'img://apng']],
  ['repo://x{/owner,name}', ['repo://x', 'repo://x/a', 'repo://x/a/b'], ['repo://xa']],
  ['db://t{;k}', ['db://t', 'db://t;k=1'], ['db://t/k']],
  ['api://x{?q,page}', ['api://x', 'api://x?q=a&page=2'], ['api://x#q', 'api://xq']],
  ['api://x?fixed=1{&q}', ['api://x?fixed=1', 'api://x?fixed=1&q=a'], ['api://x?fixed=2']],
  ['a:{x}-{y}', ['a:1-2', 'a:1-2-3', 'a:--3'], ['a:-', 'a:1-', 'a:-1']],
]

test('a URI matches what its template could have been expanded to', () => {
  for (const [template, yes, no] of CASES) {
    const one = new UriTemplate(template)
    for (const uri of yes) assert.equal(one.matches(uri), true, `${template} ${uri}`)
    for (const uri of no) assert.equal(one.matches(uri), false, `${template} ${uri}`)
  }
})

test('a hostile template and a hostile URI cost no more than their lengths', () => {
  const template = new UriTemplate(`a:${'{x}-'.repeat(40)}end`)
  assert.equal(template.matches(`a:${'-'.repeat(20_000)}`), false)
})

test('the variables of a URI are told, percent-decoded', () => {
  const cases: [string, string, Record<string, string> | undefined][] = [
    ['notes:{id}/text', 'notes:7/text', { id: '7' }],
    ['notes:{id}/text', 'notes:a%2Fb%20c/text', { id: 'a/b c' }],
    ['notes:{id}/text', 'notes:7', undefined],
    ['notes:{id}', 'notes:50%', { id: '50%' }],
    ['file:///{+path}', 'file:///a/b%20c?d', { path: 'a/b c?d' }],
    ['{scheme}://{host}/{path}', 'a://b/c', { scheme: 'a', host: 'b', path: 'c' }],
    ['a:{x}-{y}', 'a:1-2-3', { x: '1-2', y: '3' }],
    ['a:{x,y}', 'a:1,2,3', { x: '1', y: '2,3' }],
    ['a:{x,y}', 'a:1', { x: '1' }],
    ['page://a{#part}', 'page://a#b/c', { part: 'b/c' }],
    ['page://a{#part}', 'page://a', {}],
    ['img://{name}{.type}', 'img://a.png', { name: 'a.png' }],
    ['repo://x{/owner,name}', 'repo://x/a/b', { owner: 'a', name: 'b' }],
    ['db://t{;k}', 'db://t;k=1', { k: '1' }],
    ['api://x{?q,page}', 'api://x?q=a%26b&page=2&other=3', { q: 'a&b', page: '2' }],
    ['api://x?fixed=1{&q}', 'api://x?fixed=1&q=a=b', { q: 'a=b' }],
    ['a:{x:3}/{y*}', 'a:1/2', { x: '1', y: '2' }],
  ]
  for (const [template, uri, variables] of cases) {
    assert.deepEqual(new UriTemplate(template).variables(uri), variables, `${template} ${uri}`)
  }
})

test('whatever matches has variables, and what does not has none', () => {
  for (const [template, yes, no] of CASES) {
    const one = new UriTemplate(template)
    for (const uri of yes) assert.notEqual(one.variables(uri), undefined, `${template} ${uri}`)
    for (const uri of no) assert.equal(one.variables(uri), undefined, `${template} ${uri}`)
  }
  const many = new UriTemplate(`a:${'{x}-'.repeat(40)}end`)
  assert.notEqual(many.variables(`a:${'y-'.repeat(2_000)}end`), undefined)
})

test('a URI that is too long to be tried with every template matches none', () => {
  const template = new UriTemplate('a:{+rest}')
  const longest = `a:${'b'.repeat(16 * 1024 - 2)}`
  assert.equal(template.matches(longest), true)
  assert.equal(template.variables(longest)?.rest, longest.slice(2))
  assert.equal(template.matches(`${longest}b`), false)
  assert.equal(template.variables(`${longest}b`), undefined)
})
