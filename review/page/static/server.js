// Requests to the page's server. Those that change something are sent one after the other, in the order of the keys.

const { csrf, tab } = document.documentElement.dataset
const LONGEST = 60_000
const SILENT = 'The server of this page does not answer. If it was stopped, run workflow review again: what was written is ' +
  'kept, and an image whose decision was not comes back.'

// What the server refused, or that it could not be asked; `gone`: the image is not this page's any more.
export class Refused extends Error {
  constructor(message, gone = false) {
    super(message)
    this.gone = gone
  }
}

async function answer(request) {
  let response
  try {
    response = await request
  } catch {
    throw new Refused(SILENT)
  }
  const values = response.status === 204 ? {} : await response.json().catch(() => ({}))
  if (!response.ok) throw new Refused(values.error ?? `The server answered ${response.status}.`, values.gone)
  return values
}

const body = (values) => JSON.stringify({ csrf, tab, ...values })

// Ask without waiting for what was sent before.
export function ask(path, values) {
  const headers = { 'Content-Type': 'application/json' }
  return answer(fetch(path, { method: 'POST', headers, body: body(values), signal: AbortSignal.timeout(LONGEST) }))
}

let before = Promise.resolve()

// Send after all that was sent before has been answered.
export function send(path, values) {
  const sent = before.then(() => ask(path, values))
  before = sent.catch(() => {})
  return sent
}

export const pictureOf = (image, thumbnail) => `/image/${encodeURIComponent(image.id)}${thumbnail ? '?thumbnail' : ''}`

// Why a picture did not come: an <img> doesn't tell.
export async function whyNoPicture(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(LONGEST) })
    return response.ok ? 'The browser cannot show this picture.' : (await response.json()).error
  } catch {
    return SILENT
  }
}

// The last words of a page that closes: the browser sends them also after the page is gone.
export const sayClosed = () => navigator.sendBeacon('/close', new Blob([body({})], { type: 'application/json' }))
