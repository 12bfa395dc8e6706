import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { get } from './client'

/** A job of the server: how far it is, or how it ended. */
export interface Job {
  state: 'idle' | 'running' | 'ended'
  action?: string
  by?: string
  about?: { evidence?: string[]; plan?: string; steps?: string[] }
  started?: string
  ended?: string | null
  stage?: string
  bytes?: number
  total_bytes?: number
  items?: number
  percent?: number | null
  stop_was_asked?: boolean
  exit_code?: number | null
  outcome?: 'done' | 'done_with_losses' | 'stopped' | 'failed' | null
  lines?: string[]
  dropped_lines?: number
}

export interface Ingest extends Job {
  is_on: boolean
  off_because: string | null
  folders: string[]
}

export const useIngest = () => useQuery({ queryKey: ['ingest'], queryFn: () => get<Ingest>('/ingest'), staleTime: Infinity })

export interface ResponseJob extends Job {
  is_on: boolean
  off_because: string | null
}

export const useResponseJob = () =>
  useQuery({ queryKey: ['response job'], queryFn: () => get<ResponseJob>('/response/job'), staleTime: Infinity })

/** Follows what others change and how far jobs are, as long as the page is open. */
export function useChanges(): void {
  const client = useQueryClient()
  const ingest = useIngest()
  const before = useRef<Job['state']>()
  useEffect(() => {
    const source = new EventSource('/api/v1/changes')
    const again = () => {
      void client.invalidateQueries({ queryKey: ['annotations'] })
      void client.invalidateQueries({ queryKey: ['custody'] })
    }
    source.addEventListener('annotation', again)
    // After a break some may have been missed.
    source.addEventListener('hello', () => {
      again()
      void client.invalidateQueries({ queryKey: ['ingest'] })
      void client.invalidateQueries({ queryKey: ['response job'] })
    })
    source.addEventListener('response', (message: MessageEvent<string>) => {
      const job = JSON.parse(message.data) as Job
      client.setQueryData<ResponseJob>(['response job'], (old) => old && { ...old, ...job })
      // What it says comes with neither, and each of its lines is a step.
      void client.invalidateQueries({ queryKey: ['response job'] })
      void client.invalidateQueries({ queryKey: ['response'] })
      if (job.state === 'ended') again()
    })
    source.addEventListener('ingest', (message: MessageEvent<string>) => {
      const job = JSON.parse(message.data) as Job
      client.setQueryData<Ingest>(['ingest'], (old) => old && { ...old, ...job })
    })
    return () => source.close()
  }, [client])
  const state = ingest.data?.state
  useEffect(() => {
    // Everything may be other than it was.
    if (before.current === 'running' && state === 'ended') void client.invalidateQueries()
    before.current = state
  }, [client, state])
}
