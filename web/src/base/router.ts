// The address is the state of the page: every view can be shared, reloaded and gone back to.
import { useSyncExternalStore } from 'react'

export interface Place {
  path: string
  params: URLSearchParams
}

const CHANGED = 'ekshume-place'

function current(): string {
  return window.location.pathname + window.location.search
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('popstate', listener)
  window.addEventListener(CHANGED, listener)
  return () => {
    window.removeEventListener('popstate', listener)
    window.removeEventListener(CHANGED, listener)
  }
}

export function usePlace(): Place {
  const address = useSyncExternalStore(subscribe, current)
  const url = new URL(address, window.location.origin)
  return { path: url.pathname, params: url.searchParams }
}

export type Values = Record<string, string | number | boolean | null | undefined>

/** An address of the page; empty values are left out. */
export function hrefOf(path: string, values: Values = {}): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === '' || value === false) continue
    params.set(name, value === true ? '1' : String(value))
  }
  const text = params.toString()
  return text ? `${path}?${text}` : path
}

/** Goes to an address of the page. `replace`: without a step for "back". */
export function go(href: string, replace = false): void {
  if (href === current()) return
  if (replace) window.history.replaceState(null, '', href)
  else window.history.pushState(null, '', href)
  window.dispatchEvent(new Event(CHANGED))
}

/** The address of this view with some values changed. */
export function withValues(place: Place, values: Values): string {
  const all: Values = Object.fromEntries(place.params)
  return hrefOf(place.path, { ...all, ...values })
}
