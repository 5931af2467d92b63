/** What a person sees who opens the endpoint in a browser. @param url the endpoint as clients reach it */
export function hintPage(url: string): string {
  const snippet = JSON.stringify({ mcpServers: { patchbay: { type: 'http', url } } }, null, 2)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Patchbay</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color-scheme: light dark }
pre { padding: 1rem; border: 1px solid; border-radius: .5rem; overflow: auto }
</style>
<h1>This is an MCP endpoint</h1>
<p>It speaks the Model Context Protocol to programs, not to browsers. Paste this into the settings of an MCP client:</p>
<pre>${escapeHtml(snippet)}</pre>
</html>
`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>]/g, (c) => (c === '&' ? '&amp;' : c === '<' ? '&lt;' : '&gt;'))
}
