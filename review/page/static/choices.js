// The classes as buttons that are bars too: what the model answered of each, with the threshold marked.

import { make, named, percent } from './dom.js'

export const KEYS = 9
const LIKELIEST = 5

// The classes behind the keys 1 to 9, in their order: all of them, or of many those that the model finds likeliest.
export function keyed(image) {
  const { labels, answer } = image
  if (labels.length <= KEYS) return labels
  if (!answer) return []
  const ranked = labels.map((label, number) => [answer.probabilities[number], label]).sort(([a], [b]) => b - a)
  return ranked.slice(0, LIKELIEST).map(([, label]) => label)
}

function bar(share, threshold) {
  const fill = make('span', { className: 'fill' })
  fill.style.setProperty('--share', share)
  const track = make('span', { className: 'track' }, fill)
  track.ariaHidden = 'true'
  if (threshold !== null) {
    const tick = make('span', { className: 'tick' })
    tick.style.setProperty('--share', threshold)
    track.append(tick)
  }
  return track
}

function choice(image, label, key, choose) {
  const { answer } = image
  const best = answer?.label === label
  const button = make('button', { type: 'button', className: best ? 'choice best' : 'choice' })
  button.setAttribute('aria-keyshortcuts', best ? `${key} Enter` : key)
  button.append(make('kbd', {}, key), make('span', { className: 'name' }, named(label)))
  if (best) button.append(make('kbd', { className: 'take' }, 'Enter'))
  if (answer) {
    const share = answer.probabilities[image.labels.indexOf(label)]
    button.append(make('span', { className: 'share' }, percent(share)), bar(share, answer.threshold))
  }
  button.addEventListener('click', () => choose(label))
  return button
}

export function choices(image, choose) {
  return keyed(image).map((label, number) => choice(image, label, `${number + 1}`, choose))
}
