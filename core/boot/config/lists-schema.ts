import type { Schema } from '../../../sdk/index.ts'
import { DURATION } from './upstream-schema.ts'

/** How clients are told what there is. */
export const LISTS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'How clients are told what there is.',
  properties: {
    pageSize: {
      type: 'integer',
      minimum: 1,
      maximum: 100_000,
      default: 1000,
      description:
        'How many entries a page of a list holds. Some clients read the first page only.',
    },
    ttl: {
      ...DURATION,
      default: '0s',
      description:
        'How long clients may keep a list without asking again, as far as servers do not say so themselves.',
    },
  },
} as const satisfies Schema
