/** The settings of the plugin. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    presets: {
      type: 'array',
      uniqueItems: true,
      items: { enum: ['infrastructure'] },
      default: [],
      description:
        'Lists of names that come with the plugin. `infrastructure`: 32 tools that change ' +
        'Kubernetes, Cluster API, Helm, Flux, incidents and dashboards.',
    },
    tools: {
      type: 'array',
      uniqueItems: true,
      items: { type: 'string', minLength: 1 },
      default: [],
      description:
        'Names and globs (`*`, `?`, `[…]`, `{a,b}`), upper and lower case told apart, compared ' +
        "with the name clients use, the name behind an alias and the upstream's own name.",
    },
    yolo: {
      type: 'object',
      additionalProperties: false,
      required: ['until'],
      properties: {
        until: {
          type: 'string',
          format: 'date-time',
          description: 'Until when, at most seven days from now: `2027-01-31T18:00:00Z`.',
        },
      },
      description:
        'Switches this list off: `presets` and `tools` deny nothing meanwhile; what `deny` said at runtime counts.',
    },
  },
} as const
