// Pictures, loaded before they are needed: the elements themselves are kept, as nothing may stay in the browser's cache.

import { make } from './dom.js'
import { pictureOf, whyNoPicture } from './server.js'

const AHEAD = 4
const loaded = new Map()

// An <img> for an image, the same one each time; its `failed` becomes the reason where it can't be shown.
function load(image) {
  const element = make('img', { alt: '', decoding: 'async', src: pictureOf(image) })
  element.failed = new Promise((resolve) => {
    element.addEventListener('error', () => resolve(whyNoPicture(element.src)))
  })
  return element
}

export function picture(image) {
  if (!loaded.has(image.id)) loaded.set(image.id, load(image))
  return loaded.get(image.id)
}

// Load the next pictures, and forget those that are not among them.
export function loadAhead(images) {
  const next = images.slice(0, AHEAD)
  const ids = new Set(next.map((image) => image.id))
  for (const id of loaded.keys()) if (!ids.has(id)) loaded.delete(id)
  next.forEach(picture)
}
