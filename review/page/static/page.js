// The page: shows what is to be decided, and takes keys and clicks.

import { keyed } from './choices.js'
import { byId, make, named, percent, plural } from './dom.js'
import { decisions, gridArrow, gridKey, renderGrid } from './grid.js'
import { toggleMap } from './map.js'
import { loadAhead } from './pictures.js'
import { sayClosed } from './server.js'
import { renderSingle, spoken } from './single.js'
import { decide, isLow, refill, show, skip, undo, work } from './work.js'

const BEAT = 20_000
const WAIT = 3_000
const SOON = 1_000
// Who does nothing for so long lets others have the images.
const IDLE = 15 * 60_000
let lastInput = Date.now()

function complain(message) {
  byId('alert').textContent = message
  byId('alert').hidden = !message
}

function said(label) {
  return label === null ? make('em', {}, 'none of these') : make('strong', {}, named(label))
}

function renderEnd() {
  const { left, decided, unreadable } = work
  byId('end-title').textContent = left ? 'Nothing waits for you' : 'Nothing waits for a decision'
  byId('end-text').textContent =
    (decided ? `You decided ${plural(decided, 'image')}.` : 'You decided no image in this review.') +
    (left ? ` ${plural(left, 'image')} more: with other people, who may give them back, or just decided by them.` : '') +
    (unreadable ? ` ${plural(unreadable, 'message')} in the queue can’t be read; see the terminal.` : '')
  byId('end-next').hidden = !decided
  if (!byId('end').hidden) return
  byId('end').hidden = false
  // Read out, and not lost with the image that had the focus.
  byId('end-title').focus()
}

function render() {
  const { images, current, decided, left, many, loaded } = work
  const share = Math.round((100 * decided) / Math.max(1, decided + left))
  byId('counts').textContent = loaded ? `${decided} decided, ${left} left` : 'Loading…'
  byId('track').ariaValueNow = share
  byId('track').firstElementChild.style.setProperty('--share', share / 100)
  byId('mode').ariaPressed = `${many}`
  byId('undo').disabled = !decided
  byId('single').hidden = !current || many
  byId('grid').hidden = !current || !many
  if (!current) {
    if (loaded) renderEnd()
    return
  }
  byId('end').hidden = true
  if (many) renderGrid(images)
  else {
    renderSingle(current, choose)
    loadAhead(images)
  }
  show(many ? images : [current]).catch(() => fill())
}

async function fill() {
  try {
    if (await refill()) complain('The image on the screen went to somebody else; here is the next one.')
  } catch (error) {
    complain(error.message)
  }
  render()
}

// What to say after a decision: of an audited image also what the model had said, and always what others did.
function outcome([image, label], { others, disputed, answer }) {
  const words = [said(label), ' for ', named(image.name), '.']
  if (!image.answer) words.push(' The model had said ', said(answer.label), `, ${percent(answer.confidence)}.`)
  for (const other of others) words.push(' ', make('span', { className: 'other' }, named(other.reviewer), ' said ', said(other.label), '.'))
  if (disputed) words.push(' In dispute: left out of training until most people agree.')
  return words
}

async function decideAll(pairs) {
  if (!pairs.length) return
  const single = pairs.length === 1
  byId('last').replaceChildren('Writing…')
  const written = decide(pairs)
  if (!work.many) byId('stage').focus({ preventScroll: true })
  render()
  try {
    const results = await written
    const failed = results.find((result) => result.error)
    complain(failed ? `${failed.error}${failed.gone ? '' : ' The decision was not written; decide again.'}` : '')
    const done = pairs.map((pair, number) => [pair, results[number]]).filter(([, result]) => !result.error)
    const notable = single ? done : done.filter(([[image], result]) => result.others.length || (!image.answer && result.answer))
    const lines = notable.slice(0, 3).flatMap(([pair, result]) => [' ', ...outcome(pair, result)])
    byId('last').replaceChildren(...(single ? [] : [`Decided ${plural(done.length, 'image')}.`]), ...lines)
    if (work.current && !work.many) byId('last').append(make('span', { className: 'spoken' }, ` Next: ${spoken(work.current)}`))
  } catch (error) {
    byId('last').replaceChildren('')
    complain(`${error.message} The decision was not written; decide again.`)
  }
  render()
  if (isLow()) fill()
}

function choose(label) {
  if (work.current) decideAll([[work.current, label]])
}

function takeAnswer() {
  const { current } = work
  if (!current) return
  if (current.answer) choose(current.answer.label)
  else complain('This image is audited: choose a class yourself, as the model’s answer stays hidden until then.')
}

async function attempt(action) {
  try {
    await action()
    complain('')
  } catch (error) {
    complain(error.message)
    if (error.gone) fill()
  }
  render()
}

function skipCurrent() {
  if (!work.current) return
  const skipping = skip()
  render()
  attempt(() => skipping)
}

function undoLast() {
  attempt(async () => {
    const image = await undo()
    byId('last').replaceChildren('Undone: ', named(image.name), ' waits for a decision again.')
  })
}

function toggleMode() {
  work.many = !work.many
  // The first answer has what is here already; more is on its way.
  fill().then(() => work.many && setTimeout(fill, SOON))
}

const keys = {
  0: () => choose(null),
  Enter: takeAnswer,
  s: skipCurrent,
  e: () => work.current && toggleMap(work.current, byId('frame')),
  '/': () => byId('find').focus()
}
const everywhere = { u: undoLast, g: toggleMode, '?': () => byId('help').showModal() }

function handle(key) {
  if (everywhere[key]) return everywhere[key]()
  if (work.many) {
    if (key === 'Enter') return decideAll(decisions())
    return gridArrow(key) || gridKey(key)
  }
  if (keys[key]) return keys[key]()
  const label = /^[1-9]$/.test(key) && work.current ? keyed(work.current)[Number(key) - 1] : undefined
  return label === undefined ? false : choose(label)
}

document.addEventListener('keydown', (event) => {
  lastInput = Date.now()
  const { target, key } = event
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || byId('help').open || !byId('keys-on').checked) return
  // For a moment after the help was closed, keys still go to what had the focus in it.
  if ((target.matches('input, select') && !byId('help').contains(target)) || (key === 'Enter' && target.matches('button:not(.thumb)'))) return
  if (handle(key.length === 1 ? key.toLowerCase() : key) !== false) event.preventDefault()
})
document.addEventListener('pointerdown', () => {
  lastInput = Date.now()
})
for (const [id, action] of [
  ['none', keys[0]], ['skip', keys.s], ['map', keys.e], ['undo', undoLast], ['mode', toggleMode],
  ['help-button', everywhere['?']], ['confirm', () => decideAll(decisions())]
]) byId(id).addEventListener('click', action)

window.addEventListener('pagehide', sayClosed)
window.addEventListener('pageshow', fill)
document.addEventListener('visibilitychange', () => document.hidden || fill())
setInterval(() => Date.now() - lastInput < IDLE && fill(), BEAT)
setInterval(() => work.loaded && !work.current && !document.hidden && fill(), WAIT)
