import { useEffect } from 'react'

export interface Key {
  key: string // KeyboardEvent.key, or "g x" for two after each other
  about: string
  run: () => void
}

const SECOND_KEY_MS = 1200
let waiting = 0

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)
}

// Whether a dialog was open when the key went down: it has the key for itself, also when it closes by it.
let inDialog = false
window.addEventListener(
  'keydown',
  () => {
    inDialog = document.querySelector('[role=dialog][aria-modal=true]') !== null
  },
  true,
)

/** Runs what is bound to a key while the component is there; not while a text is typed. */
export function useKeys(keys: Key[]): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || inDialog || isTyping(event.target)) return
      const afterG = Date.now() - waiting < SECOND_KEY_MS
      const name = afterG ? `g ${event.key}` : event.key
      const found = keys.find((key) => key.key === name)
      if (!found) {
        if (event.key === 'g' && keys.some((key) => key.key.startsWith('g '))) waiting = Date.now()
        return
      }
      waiting = 0
      event.preventDefault()
      found.run()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  })
}

/** What `?` shows. */
export const KEY_HELP: [string, string][] = [
  ['?', 'these keys'],
  ['/', 'search'],
  ['j  k', 'next, previous event or finding'],
  ['Enter', 'open it'],
  ['Esc', 'close'],
  ['s', 'star, or take the star away'],
  ['t', 'tag'],
  ['c', 'comment'],
  ['g o', 'overview'],
  ['g t', 'timeline'],
  ['g f', 'findings'],
  ['g c', 'containers'],
  ['g d', 'files'],
  ['g g', 'graph'],
  ['g r', 'report'],
]
