// A combobox for more classes than there are keys: type a part of a name, arrows, Enter.
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/

import { byId, make, named } from './dom.js'

const MOST = 8
const input = byId('find')
const list = byId('found')
let labels = []
let matches = []
let active = -1
let chosen = () => {}

function matching(text) {
  const wanted = text.trim().toLowerCase()
  if (!wanted) return []
  const starts = labels.filter((label) => label.toLowerCase().startsWith(wanted))
  const within = labels.filter((label) => !starts.includes(label) && label.toLowerCase().includes(wanted))
  return [...starts, ...within].slice(0, MOST)
}

function render() {
  list.replaceChildren(...matches.map((label, number) => {
    const option = make('li', { id: `found-${number}`, role: 'option' }, named(label))
    option.ariaSelected = `${number === active}`
    // Before the input loses the focus, which closes the list.
    option.addEventListener('pointerdown', (event) => {
      event.preventDefault()
      choose(label)
    })
    return option
  }))
  list.hidden = !matches.length
  input.ariaExpanded = `${matches.length > 0}`
  if (active >= 0) input.setAttribute('aria-activedescendant', `found-${active}`)
  else input.removeAttribute('aria-activedescendant')
}

function search(text) {
  matches = matching(text)
  active = matches.length ? 0 : -1
  render()
}

function choose(label) {
  close()
  chosen(label)
}

function close() {
  input.value = ''
  search('')
}

input.addEventListener('input', () => search(input.value))
input.addEventListener('blur', close)
input.addEventListener('keydown', (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step && matches.length) {
    active = (active + step + matches.length) % matches.length
    render()
  } else if (event.key === 'Enter' && active >= 0) {
    choose(matches[active])
  } else if (event.key === 'Escape') {
    close()
    input.blur()
  } else {
    return
  }
  event.preventDefault()
})

// Offer the classes of an image.
export function offer(image, choice) {
  labels = image.labels
  chosen = choice
  close()
}
