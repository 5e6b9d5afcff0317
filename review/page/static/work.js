// The images that this page has to decide, and what happens to them. A decision leaves the screen at once and is written
// meanwhile; one that could not be written comes back first.

import { send } from './server.js'

const AHEAD = 5
const IN_GRID = 24

export const work = {
  images: [],
  decided: 0,
  left: 0,
  unreadable: 0,
  loaded: false,
  many: false,
  get current() {
    return this.images[0]
  }
}

const writing = new Set()
const shown = new Set()
let filling = null
let skips = 0

// Get what is to be decided next; true where the image on the screen was taken away.
export function refill() {
  filling ??= take().finally(() => {
    filling = null
  })
  return filling
}

async function take() {
  const before = skips
  const answer = await send('/next', { count: work.many ? IN_GRID : AHEAD })
  // Meanwhile an image was skipped, which the answer still has in its old place.
  if (before !== skips) return take()
  const { current } = work
  const images = answer.images.filter((image) => !writing.has(image.id))
  const kept = images.some((image) => image.id === current?.id)
  work.images = kept ? [current, ...images.filter((image) => image.id !== current.id)] : images
  work.unreadable = answer.unreadable
  work.decided = answer.decided + writing.size
  work.left = Math.max(answer.left - writing.size, images.length)
  work.loaded = true
  return Boolean(current) && !kept && !writing.has(current.id)
}

export const isLow = () => work.images.length < (work.many ? IN_GRID : AHEAD) / 2

// Write decisions, pairs of an image and a label; return for each of them what the server answered.
export async function decide(pairs) {
  const ids = new Set(pairs.map(([image]) => image.id))
  count(pairs.map(([image]) => image), 1)
  work.images = work.images.filter((image) => !ids.has(image.id))
  ids.forEach((id) => writing.add(id))
  try {
    const { results } = await send('/decide', { decisions: pairs.map(([image, label]) => ({ id: image.id, label })) })
    comeBack(pairs.map(([image]) => image).filter((_, number) => results[number].error && !results[number].gone))
    return results
  } catch (error) {
    comeBack(pairs.map(([image]) => image))
    throw error
  } finally {
    ids.forEach((id) => {
      writing.delete(id)
      shown.delete(id)
    })
  }
}

function count(images, by) {
  work.decided += by * images.length
  work.left = Math.max(0, work.left - by * images.length)
}

function comeBack(images) {
  count(images, -1)
  work.images = [...images, ...work.images]
}

export function skip() {
  const { current } = work
  skips += 1
  work.images = [...work.images.slice(1), current]
  shown.delete(current.id)
  return send('/skip', { id: current.id })
}

export async function undo() {
  const { image } = await send('/undo', {})
  work.images = [image, ...work.images.filter((other) => other.id !== image.id)]
  count([image], -1)
  return image
}

// Say which images are on the screen, so that decisions are timed.
export function show(images) {
  const fresh = images.filter((image) => !shown.has(image.id))
  if (!fresh.length) return Promise.resolve()
  fresh.forEach((image) => shown.add(image.id))
  return send('/show', { ids: fresh.map((image) => image.id) })
}
