// Adding evidence to the case: which files, how far it is, how it ended.
import { Alert, Button, Checkbox, Group, Progress, Table, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useIngest } from '../api/changes'
import type { Ingest as State } from '../api/changes'
import { get, post } from '../api/client'
import { useCase } from '../api/hooks'
import { go, usePlace, withValues } from '../base/router'
import { bytesText, countText, plural } from '../base/text'
import { Empty, Evidence, Failed, Link, Part, Time, Waiting } from '../widgets/values'

interface Entry {
  name: string
  path: string
  kind: 'file' | 'folder' | 'other'
  size: number | null
  modified: string | null
  may: boolean
  why_not: string
}

interface Folder {
  path: string
  parent: string | null
  entries: Entry[]
  is_cut: boolean
}

const OUTCOMES = {
  done: { colour: 'teal', title: 'The evidence is in the case' },
  done_with_losses: { colour: 'yellow', title: 'The evidence is in the case; some of it was lost or damaged' },
  stopped: { colour: 'yellow', title: 'Stopped: what was read whole until then is in the case' },
  failed: { colour: 'red', title: 'The evidence could not be added' },
}

export function Ingest() {
  const info = useCase()
  const ingest = useIngest()
  if (info.isLoading || ingest.isLoading) return <Waiting />
  if (ingest.error) return <Failed error={ingest.error} />
  const state = ingest.data
  if (!state) return null
  const mayChoose = state.is_on && info.data?.role !== 'reader'
  return (
    <div className="page">
      {state.state === 'running' && <Running state={state} may={mayChoose} />}
      {state.state === 'ended' && <Ended state={state} />}
      {!state.is_on && state.state === 'idle' && (
        <Empty title="Evidence cannot be added here">
          <Evidence>{state.off_because}</Evidence>
        </Empty>
      )}
      {state.is_on && !mayChoose && <Empty title="Evidence cannot be added by you">It needs the role analyst.</Empty>}
      {mayChoose && state.state !== 'running' && <Choice folders={state.folders} />}
    </div>
  )
}

function Running({ state, may }: { state: State; may: boolean }) {
  const client = useQueryClient()
  const [error, setError] = useState<unknown>(null)
  const percent = state.percent ?? null
  const amount = [
    state.bytes ? `${bytesText(state.bytes)}${state.total_bytes ? ` of ${bytesText(state.total_bytes)}` : ''}` : '',
    state.items ? plural(state.items, 'item') : '',
  ]
    .filter(Boolean)
    .join(', ')
  const text = `${state.stage || 'starting'}${amount && `: ${amount}`}`
  const stop = () =>
    post<State>('/ingest/cancel', {}).then(
      (answer) => client.setQueryData(['ingest'], answer),
      (failure: unknown) => setError(failure),
    )
  return (
    <Part
      title="Evidence is being added"
      right={
        may && (
          <Button size="compact-sm" variant="default" disabled={state.stop_was_asked} onClick={() => void stop()}>
            {state.stop_was_asked ? 'Stopping' : 'Stop'}
          </Button>
        )
      }
    >
      <Progress
        value={percent ?? 100}
        striped={percent === null}
        animated={percent === null}
        aria-label="how far it is"
        aria-valuetext={percent === null ? text : `${Math.floor(percent)} %, ${text}`}
      />
      <Text size="sm" mt={6} role="status">
        {text}
      </Text>
      <About state={state} />
      <Text size="sm" className="dim">
        Until it ends, events cannot be asked for. Everything else is shown as it was before.
      </Text>
      {error !== null && <Failed error={error} />}
    </Part>
  )
}

function About({ state }: { state: State }) {
  return (
    <>
      <Text size="sm" className="dim">
        begun <Time value={state.started} seconds /> by <Evidence>{state.by}</Evidence>
      </Text>
      <ul className="plain-list">
        {(state.about?.evidence ?? []).map((path) => (
          <li key={path} className="mono small wrap">
            <Evidence>{path}</Evidence>
          </li>
        ))}
      </ul>
    </>
  )
}

function Ended({ state }: { state: State }) {
  const outcome = OUTCOMES[state.outcome ?? 'failed']
  return (
    <Part title="The last time">
      <Alert color={outcome.colour} title={outcome.title} role="status">
        <Text size="sm">
          ended <Time value={state.ended} seconds />, exit code {state.exit_code}. <Link href="/">To the overview</Link>
        </Text>
      </Alert>
      <About state={state} />
      {(state.lines ?? []).length > 0 && (
        <pre className="plain wrap small" aria-label="what it said">
          <Evidence>{(state.lines ?? []).join('\n')}</Evidence>
        </pre>
      )}
      {!!state.dropped_lines && <Text size="sm">{countText(state.dropped_lines)} lines before these are not kept.</Text>}
    </Part>
  )
}

function Choice({ folders }: { folders: string[] }) {
  const place = usePlace()
  const client = useQueryClient()
  const [error, setError] = useState<unknown>(null)
  const path = place.params.get('path') ?? folders[0] ?? ''
  const chosen = (place.params.get('chosen') ?? '').split('\n').filter(Boolean)
  const listing = useQuery({ queryKey: ['ingest-folder', path], queryFn: () => get<Folder>('/ingest/evidence', { path }), enabled: path !== '' })
  const choose = (paths: string[]) => go(withValues(place, { chosen: paths.join('\n') }), true)
  const start = () =>
    post<State>('/ingest', { evidence: chosen }).then(
      (answer) => {
        setError(null)
        choose([])
        client.setQueryData(['ingest'], answer)
      },
      (failure: unknown) => setError(failure),
    )
  return (
    <Part
      title="Add evidence"
      right={
        <Button size="compact-sm" disabled={chosen.length === 0} onClick={() => void start()}>
          {chosen.length === 0 ? 'Add' : `Add ${plural(chosen.length, 'path')}`}
        </Button>
      }
    >
      <Text size="sm" mb={6}>
        Disk images, logs in any wrapping, folders of them, archives. Nothing of them is changed.
      </Text>
      {error !== null && <Failed error={error} />}
      {chosen.length > 0 && (
        <ul className="plain-list" aria-label="chosen">
          {chosen.map((one) => (
            <li key={one} className="mono small">
              <Button size="compact-xs" variant="default" mr={6} aria-label={`do not add ${one}`} onClick={() => choose(chosen.filter((other) => other !== one))}>
                ×
              </Button>
              <Evidence>{one}</Evidence>
            </li>
          ))}
        </ul>
      )}
      <Group gap={8} my={6}>
        {folders.map((folder) => (
          <Link key={folder} href={withValues(place, { path: folder })}>
            <Evidence>{folder}</Evidence>
          </Link>
        ))}
      </Group>
      {listing.isLoading && <Waiting />}
      {listing.error && <Failed error={listing.error} />}
      {listing.data && (
        <Table className="tight">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={36}>
                <span className="small">add</span>
              </Table.Th>
              <Table.Th>
                <Evidence>{listing.data.path}</Evidence>
              </Table.Th>
              <Table.Th ta="right">size</Table.Th>
              <Table.Th>changed</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {listing.data.parent && (
              <Table.Tr>
                <Table.Td />
                <Table.Td colSpan={3}>
                  <Link href={withValues(place, { path: listing.data.parent })}>the folder above</Link>
                </Table.Td>
              </Table.Tr>
            )}
            {listing.data.entries.map((entry) => (
              <Table.Tr key={entry.path}>
                <Table.Td>
                  <Checkbox
                    size="xs"
                    aria-label={`add ${entry.name}`}
                    disabled={!entry.may}
                    title={entry.why_not || undefined}
                    checked={chosen.includes(entry.path)}
                    onChange={(event) =>
                      choose(event.currentTarget.checked ? [...chosen, entry.path] : chosen.filter((other) => other !== entry.path))
                    }
                  />
                </Table.Td>
                <Table.Td className="wrap">
                  {entry.kind === 'folder' ? (
                    <Link href={withValues(place, { path: entry.path })}>
                      <Evidence>{`${entry.name}/`}</Evidence>
                    </Link>
                  ) : (
                    <Evidence>{entry.name}</Evidence>
                  )}
                </Table.Td>
                <Table.Td ta="right" className="mono">
                  {entry.size === null ? '' : bytesText(entry.size)}
                </Table.Td>
                <Table.Td>{entry.modified && <Time value={entry.modified} seconds />}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {listing.data?.is_cut && <Text size="sm">The folder holds more than is listed.</Text>}
    </Part>
  )
}
