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

async function refusal(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null)
  const error = (body as { error?: { code?: string; message?: string } } | null)?.error
  return new ApiError(response.status, error?.code ?? 'http', error?.message ?? `the server answered ${response.status}`)
}

async function answerOf<T>(response: Response): Promise<T> {
  if (!response.ok) throw await refusal(response)
  return (await response.json().catch(() => null)) as T
}

export async function get<T>(path: string, values: Values = {}, signal?: AbortSignal): Promise<T> {
  return answerOf<T>(await fetch(apiHref(path, values), { signal, headers: { Accept: 'application/json' } }))
}

function postJson(path: string, body: unknown): Promise<Response> {
  return fetch(apiHref(path), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  return answerOf<T>(await postJson(path, body))
}

function save(href: string, name: string): void {
  const link = document.createElement('a')
  link.href = href
  link.download = name
  link.click()
}

/** Saves what a route answers as a file, by the name that the server gives it. */
export function download(path: string, values: Values = {}): void {
  save(apiHref(path, values), '')
}

/** The same for what is posted: its values stand in no address. */
export async function downloadPosted(path: string, body: unknown, name: string): Promise<void> {
  const response = await postJson(path, body)
  if (!response.ok) throw await refusal(response)
  // Of this type nothing is shown, wherever the address might end.
  const bytes = new Blob([await response.blob()], { type: 'application/octet-stream' })
  const href = URL.createObjectURL(bytes)
  save(href, name)
  setTimeout(() => URL.revokeObjectURL(href), 60_000)
}
