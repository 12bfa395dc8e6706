import { MantineProvider } from '@mantine/core'
import { cleanup, render } from '@testing-library/react'
import { afterEach, expect, it } from 'vitest'
import { ApiError } from '../api/client'
import { Evidence, Failed, Time } from './values'

window.matchMedia ??= (query: string) => ({
  matches: false, media: query, onchange: null, addListener: () => undefined, removeListener: () => undefined,
  addEventListener: () => undefined, removeEventListener: () => undefined, dispatchEvent: () => false,
})

afterEach(cleanup)

it('shows markup of evidence as text', () => {
  const { container } = render(<Evidence>{'<img src=x onerror=alert(1)>\u202e'}</Evidence>)
  expect(container.querySelector('img')).toBeNull()
  expect(container.textContent).toBe('<img src=x onerror=alert(1)>\\u{202e}')
})

it('gives the local time on hover', () => {
  const { container } = render(<Time value="2026-11-24T21:40:24.494101000Z" />)
  expect(container.textContent).toBe('2026-11-24 21:40:24.494101')
  expect(container.querySelector('time')?.title).toContain('local:')
})

it('says what to do when the server is gone or the session ended', () => {
  const shown = (error: unknown) => render(<MantineProvider><Failed error={error} /></MantineProvider>).container.textContent
  expect(shown(new TypeError('Failed to fetch'))).toContain('still running')
  expect(shown(new ApiError(401, 'no_session', 'no'))).toContain('session ended')
})
