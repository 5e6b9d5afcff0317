// The map of where the model looked: what spoke for its answer stays bright, the rest is darkened.

import { byId, make } from './dom.js'
import { ask } from './server.js'

const DARKEST = 0.7
const STEPS = 16
const button = byId('map')
const note = byId('mapped')
let asked = 0

// One pixel for each cell.
function shade(cells) {
  const small = make('canvas', { width: cells[0].length, height: cells.length })
  const drawing = small.getContext('2d')
  const most = Math.max(...cells.flat(), Number.MIN_VALUE)
  cells.forEach((row, y) => row.forEach((share, x) => {
    drawing.fillStyle = `rgb(0 0 0 / ${DARKEST * (1 - share / most)})`
    drawing.fillRect(x, y, 1, 1)
  }))
  return small
}

// Enlarged in two steps, of which the browser does the second: one alone shows its steps between two cells.
function canvas(cells) {
  const element = make('canvas', { className: 'map', width: cells[0].length * STEPS, height: cells.length * STEPS })
  element.getContext('2d').drawImage(shade(cells), 0, 0, element.width, element.height)
  element.ariaHidden = 'true'
  return element
}

function caption(image, { label, release }) {
  const had = image.answer.release
  const by = release === had ? '' : ` Release ${release} answers now; ${had ?? 'another model'} had answered before.`
  return `Bright is what spoke for “${label}”.${by}`
}

export function hideMap() {
  asked += 1
  document.querySelector('canvas.map')?.remove()
  button.ariaPressed = 'false'
  note.textContent = ''
}

export async function toggleMap(image, frame) {
  const showing = button.ariaPressed === 'true'
  hideMap()
  if (showing) return
  if (!image.answer) {
    note.textContent = 'The model’s answer, and where it looked, stay hidden until you have decided.'
    return
  }
  const number = asked
  button.ariaPressed = 'true'
  note.textContent = 'Asking the endpoint…'
  try {
    const answer = await ask('/explain', { id: image.id })
    if (number !== asked) return
    frame.append(canvas(answer.cells))
    note.textContent = caption(image, answer)
  } catch (error) {
    if (number !== asked) return
    hideMap()
    note.textContent = error.message
  }
}
