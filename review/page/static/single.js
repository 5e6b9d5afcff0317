// One image at a time.

import { choices, KEYS } from './choices.js'
import { byId, make, named, percent } from './dom.js'
import { offer } from './finder.js'
import { hideMap } from './map.js'
import { picture } from './pictures.js'

const LARGEST_ENLARGEMENT = 16
const frame = byId('frame')

function why({ reason, answer }) {
  if (reason === 'audit') return 'The model accepted it. Its answer stays hidden until you decide, so that it doesn’t influence you.'
  if (reason === 'unfamiliar') {
    const limit = answer.familiarityLimit === null ? '' : `, the limit is ${percent(answer.familiarityLimit)}`
    const share = answer.familiarity === null ? '' : `: ${percent(answer.familiarity)} of the training images are as unusual${limit}`
    return `It is unlike the images the model was trained on${share}.`
  }
  if (answer.threshold === null) return 'This release accepts nothing by itself.'
  return `The model is ${percent(answer.confidence)} sure and accepts from ${percent(answer.threshold)}.`
}

function facts({ name, address, width, height, answer }) {
  const rows = [['File', named(name), address], ['Size', `${width} × ${height}`]]
  if (answer?.release) rows.push(['Release', answer.release])
  if (typeof answer?.familiarity === 'number') rows.push(['Familiarity', percent(answer.familiarity)])
  return rows.flatMap(([term, value, title = '']) => [make('dt', {}, term), make('dd', { title }, value)])
}

function fit(element) {
  const { naturalWidth: width, naturalHeight: height } = element
  frame.style.setProperty('--ratio', width / height)
  frame.style.setProperty('--widest', `${width * LARGEST_ENLARGEMENT}px`)
  frame.classList.add('ready')
}

function showPicture(image) {
  const element = picture(image)
  frame.classList.remove('ready')
  element.alt = `Image to decide: ${image.name}`
  frame.replaceChildren(element)
  if (element.complete && element.naturalWidth) fit(element)
  else element.addEventListener('load', () => element.isConnected && fit(element), { once: true })
  element.failed.then((reason) => {
    if (element.isConnected) frame.replaceChildren(make('p', { className: 'absent' }, `${reason} Skip it by S.`))
  })
}

let current = null

export function renderSingle(image, choose) {
  if (image.id === current?.id) return
  current = image
  hideMap()
  showPicture(image)
  byId('why').replaceChildren(make('strong', { className: `reason ${image.reason.replace(' ', '-')}` }, image.reason), ' ', why(image))
  byId('choices').replaceChildren(...choices(image, choose))
  byId('finder').hidden = image.labels.length <= KEYS
  offer(image, choose)
  byId('facts').replaceChildren(...facts(image))
}

// What a screen reader says of the next image.
export function spoken(image) {
  const said = image.answer ? `, the model says ${image.answer.label}, ${percent(image.answer.confidence)}` : ''
  return `${image.name}, ${image.reason}${said}`
}
