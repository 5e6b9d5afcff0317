// Many images at once: each has the model's answer until it is changed, and one button decides all of them.

import { keyed, KEYS } from './choices.js'
import { byId, make, percent, plural } from './dom.js'
import { pictureOf, whyNoPicture } from './server.js'

const LEAVE = 'leave'
const NONE = 'none'
const cards = byId('cards')
const confirm = byId('confirm')
let shown = []

// The values of a card's <select>: a class by its number, none of them, or to leave the image for later.
function options(image) {
  const classes = image.labels.map((label, number) => make('option', { value: `${number}` }, label))
  const leave = image.answer ? 'Leave for later' : 'Choose…'
  return [...classes, make('option', { value: NONE }, 'None of these'), make('option', { value: LEAVE }, leave)]
}

class Card {
  constructor(image) {
    this.image = image
    this.start = image.answer ? `${image.labels.indexOf(image.answer.label)}` : LEAVE
    this.select = make('select', {}, ...options(image))
    this.select.value = this.start
    this.select.ariaLabel = `Class of ${image.name}`
    this.select.addEventListener('change', () => this.update())
    this.button = make('button', { type: 'button', className: 'thumb' }, this.thumbnail())
    this.button.addEventListener('click', () => this.turn())
    this.element = make('li', { className: 'card' }, this.button, this.select, make('p', { className: 'note' }, this.note()))
    this.update()
  }

  note() {
    const { reason, answer } = this.image
    return answer ? `${reason}, ${percent(answer.confidence)}` : reason
  }

  thumbnail() {
    const picture = make('img', { alt: '', loading: 'lazy', decoding: 'async', src: pictureOf(this.image, true) })
    picture.addEventListener('error', async () => {
      const reason = await whyNoPicture(picture.src)
      picture.replaceWith(make('span', { className: 'absent' }, reason))
      this.set(LEAVE)
    })
    return picture
  }

  // The next class; of many classes only the likeliest come in turn.
  turn() {
    const turns = [...keyed(this.image).map((label) => `${this.image.labels.indexOf(label)}`), NONE, LEAVE]
    this.set(turns[(turns.indexOf(this.select.value) + 1) % turns.length])
  }

  set(value) {
    this.select.value = value
    this.update()
  }

  update() {
    const { value } = this.select
    this.element.classList.toggle('changed', value !== this.start)
    this.element.classList.toggle('left', value === LEAVE)
    this.button.ariaLabel = `${this.image.name}: ${this.select.selectedOptions[0].label}. Change`
    count()
  }

  get decision() {
    const { value } = this.select
    return value === LEAVE ? null : [this.image, value === NONE ? null : this.image.labels[Number(value)]]
  }
}

function count() {
  const number = decisions().length
  confirm.replaceChildren(`Decide ${plural(number, 'image')} `, make('kbd', {}, 'Enter'))
  confirm.disabled = !number
}

export const decisions = () => shown.map((card) => card.decision).filter(Boolean)

// Those with the same answer beside each other, the least sure first: what is wrong stands out. Audited ones come last.
function order(a, b) {
  if (!a.answer || !b.answer) return (a.answer ? 0 : 1) - (b.answer ? 0 : 1)
  return a.answer.label.localeCompare(b.answer.label) || a.answer.confidence - b.answer.confidence
}

export function renderGrid(images) {
  const ids = images.map((image) => image.id)
  const kept = shown.filter((card) => ids.includes(card.image.id))
  const known = kept.map((card) => card.image.id)
  const fresh = images.filter((image) => !known.includes(image.id)).sort(order).map((image) => new Card(image))
  if (kept.length === shown.length && !fresh.length) return
  const focused = document.activeElement === document.body
  shown = [...kept, ...fresh]
  cards.replaceChildren(...shown.map((card) => card.element))
  if (focused) shown[0]?.button.focus()
  count()
}

// Take a key for the card that has the focus; whether it meant anything.
export function gridKey(key) {
  const number = shown.findIndex((card) => card.element.contains(document.activeElement))
  if (number < 0) return false
  const card = shown[number]
  if (key === '0') card.set(NONE)
  else if (key === 's') card.set(LEAVE)
  else if (/^[1-9]$/.test(key) && Number(key) <= Math.min(KEYS, keyed(card.image).length)) {
    card.set(`${card.image.labels.indexOf(keyed(card.image)[Number(key) - 1])}`)
  } else return false
  shown[number + 1]?.button.focus()
  return true
}

const columns = () => getComputedStyle(cards).gridTemplateColumns.split(' ').length

// Move the focus among the pictures by an arrow; whether it was one.
export function gridArrow(key) {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() }[key]
  const number = shown.findIndex((card) => card.button === document.activeElement)
  if (!step || number < 0) return false
  shown[number + step]?.button.focus()
  return true
}
