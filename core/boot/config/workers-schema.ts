/** How many processes serve. */
export const WORKERS_SCHEMA = {
  type: 'integer',
  minimum: 1,
  maximum: 64,
  default: 1,
  description:
    'How many processes `patchbay start` serves with, all on one port: about one for each core. 1 = no others. Each has connections to servers of its own, and a stdio server a process for each; what plugins keep and count is shared, other limits are divided.',
} as const
