import { definePlugin, type Filter, Log } from 'mcp-patchbay/sdk'
import { denies, patternRule, presetRule } from './rule.ts'

/** Tools that nobody may list or call, whatever they are called. */
export default definePlugin({
  name: 'denylist',
  version: '0.1.0',
  shadow: true,
  configSchema: {
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
    },
  },
  needs: { log: Log },
  setup({ presets, tools }, { log }) {
    const patterns = tools.map(patternRule)
    const rules = [...presets.map(presetRule), ...patterns]
    if (rules.length === 0) {
      throw new Error(
        'denies nothing: name a preset or a tool, or take the plugin out of the config',
      )
    }
    // A preset is a precaution and names no tool of these upstreams in particular; a pattern does.
    const unmatched = new Set(patterns)
    const filter: Filter = {
      key: 'denylist',
      test(entry, target) {
        if (entry.kind !== 'tool') return true
        for (const rule of rules) {
          const matched = denies(rule, entry, target)
          if (matched !== undefined) return { rule: matched, reason: `denied by ${rule.setting}` }
        }
        return true
      },
    }
    return {
      listFilter: () => filter,
      observes: ['catalog.changed'],
      observe(event) {
        if (event.type !== 'catalog.changed' || !event.complete || unmatched.size === 0) return
        for (const rule of unmatched) {
          const matched = event.entries.some(
            (entry) =>
              entry.kind === 'tool' &&
              entry.targets.some((target) => denies(rule, entry, target) !== undefined),
          )
          if (!matched) {
            log.warn(
              { rule: rule.setting },
              `${rule.setting} denies no tool of any upstream. Correct or remove it, unless an upstream that is down has such a tool.`,
            )
          }
          unmatched.delete(rule)
        }
      },
    }
  },
})
