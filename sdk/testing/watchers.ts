import type { Services } from '../../core/hooks/container.ts'

/** Who looks over a plugin's services while it is tested with these options: the test kit's own checks. */
export const watchers = new WeakMap<object, (line: Services) => void>()
