/** What stands for a secret. */
export const BLANK = '[redacted]'

/** A member whose name has one of these in it holds a secret; compared without case and punctuation. */
const PARTS = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'secret',
  'token',
  'apikey',
  'accesskey',
  'privatekey',
  'authorization',
  'credential',
  'cookie',
]

/** One whose name is one of these does. */
const WHOLE: ReadonlySet<string> = new Set([
  'auth',
  'bearer',
  'cvc',
  'cvv',
  'jwt',
  'otp',
  'pass',
  'pin',
  'pwd',
  'session',
  'sessionid',
])

/** Whether a member of that name holds a secret, by the words that are usual. */
export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '')
  return WHOLE.has(plain) || PARTS.some((part) => plain.includes(part))
}

/** The end of a name in front of its value: `access_token" : "`. */
const NAMED =
  /((?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|authorization|credential|cookie)[\w.-]{0,40}\\{0,8}["']?\s{0,3}[:=]\s{0,3})(?:"(?:[^"\\]|\\[\s\S])*"?|\\{1,8}"[^"]*|'[^']*'?|[^\s&,;"'}\]\\]+)/gi

/** Any text that one of {@link PATTERNS} could match has one of these in it; most have none. */
const SUSPECT =
  /bearer|basic|eyj|-----begin|:\/\/|passw|passphrase|secret|token|key|authorization|credential|cookie|gh[a-z]_|github_pat_|glpat-|sk-|xox|akia|asia|aiza|npm_/i

/**
 * Secrets inside texts, each with what stands in its place. None needs the end of what it finds, so that a
 * text that was cut off keeps no half; every repetition is bounded, so that none takes long.
 */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [
    /-----BEGIN [A-Z ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----|$)/g,
    BLANK,
  ],
  [/\b(bearer|basic)(\s{1,3}|%20|\+)[A-Za-z0-9._~+/%=-]{6,}/gi, `$1$2${BLANK}`],
  [/\beyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g, BLANK],
  [
    /\b(?:gh[a-z]_|github_pat_|glpat-|sk-|xox[a-z]-|npm_)[\w-]{10,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bAIza[\w-]{20,}/g,
    BLANK,
  ],
  [/(:\/\/)[^\s/?#@"']{1,500}@/g, `$1${BLANK}@`],
  [NAMED, `$1${BLANK}`],
]

/** The text without the secrets that can be known by their looks, or by the word in front of them. */
export function withoutSecrets(text: string): string {
  if (text.length < 8 || !SUSPECT.test(text)) return text
  let clean = text
  for (const [pattern, place] of PATTERNS) clean = clean.replace(pattern, place)
  return clean
}
