import { GatewayError } from '../../hooks/errors.ts'
import { type ConfigOptions, readConfig } from './config.ts'
import { inOrder } from './config-tree.ts'
import type { GatewayConfig, SetUpConfig } from './settings.ts'

/**
 * Loads a config. When something is wrong with it, sets up the plugin lines that are sound all the same,
 * so that whoever mends the file has every message at once.
 * @throws GatewayError with every problem there is, those of the plugins' `setup` included
 */
export async function judgedConfig(path: string, options?: ConfigOptions): Promise<GatewayConfig> {
  const reading = await readConfig(path, options)
  if ('config' in reading) return reading.config
  const { problems, sound } = reading
  const more = sound === undefined ? [] : await setUpProblems(sound)
  throw new GatewayError(inOrder([...problems, ...more]))
}

async function setUpProblems(config: SetUpConfig) {
  if (config.plugins.length === 0) return []
  const { setUpGateway } = await import('../loading/set-up.ts')
  try {
    const { close } = await setUpGateway(config)
    await close()
    return []
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    // Perhaps a line that is not sound provides it: one mistake, one message.
    return error.problems.filter(({ code }) => code !== 'PLUGIN_NEEDS_SERVICE')
  }
}
