import { GatewayError, type Problem } from '../../hooks/errors.ts'

/** Something is wrong with what was typed, or with what the gateway said to it: not with the config file. */
export class CommandError extends GatewayError {
  constructor(problem: Problem) {
    super([problem])
    this.name = 'CommandError'
  }
}
