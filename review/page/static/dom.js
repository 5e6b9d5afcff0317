// Elements by id, and new ones whose contents are always text: nothing that a file, a label or a person is called becomes HTML.

export const byId = (id) => document.getElementById(id)

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children.filter((child) => child !== null && child !== undefined))
  return element
}

// A name that others gave, in its own writing direction.
export const named = (text) => make('bdi', {}, text)

// Never 100% of what is less.
export const percent = (share) => `${share > 0.99 && share < 1 ? Math.floor(share * 1000) / 10 : Math.round(share * 100)}%`

export const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`
