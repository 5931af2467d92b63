import assert from 'node:assert/strict'
import test from 'node:test'
import { lineSeal } from '../../../core/services/line-services.ts'
import { Seal } from '../../../core/services/seal.ts'
import { sealContract } from '../../services/seal-contract.ts'

const KEY = 'a key of thirty-two characters..'

sealContract('AES-256-GCM', () => {
  const sealer = new Seal([KEY])
  return { one: lineSeal(sealer, 'one'), other: lineSeal(sealer, 'other') }
})

test('a plugin line opens nothing that the gateway itself has sealed', () => {
  const sealer = new Seal([KEY])
  const line = lineSeal(sealer, 'one')
  assert.equal(line.open(sealer.seal('facts', 'session'), 'session'), undefined)
  assert.equal(sealer.open(line.seal('facts', 'session'), 'session'), undefined)
})
