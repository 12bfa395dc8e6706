// The one way to the server.
import type { Values } from '../base/router'
import { hrefOf } from '../base/router'

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

export function apiHref(path: string, values: Values = {}): string {
  return hrefOf(`/api/v1${path}`, values)
}

async function answerOf<T>(response: Response): Promise<T> {
  const body: unknown = await response.json().catch(() => null)
  if (response.ok) return body as T
  const error = (body as { error?: { code?: string; message?: string } } | null)?.error
  throw new ApiError(response.status, error?.code ?? 'http', error?.message ?? `the server answered ${response.status}`)
}

export async function get<T>(path: string, values: Values = {}, signal?: AbortSignal): Promise<T> {
  return answerOf<T>(await fetch(apiHref(path, values), { signal, headers: { Accept: 'application/json' } }))
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  return answerOf<T>(
    await fetch(apiHref(path), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
  )
}

/** Saves what a route answers as a file, by the name that the server gives it. */
export function download(path: string, values: Values = {}): void {
  const link = document.createElement('a')
  link.href = apiHref(path, values)
  link.download = ''
  link.click()
}
