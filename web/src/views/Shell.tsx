// What is around every view: where one is, the keys, the theme, who one is.
import { ActionIcon, Button, CopyButton, Group, Kbd, Modal, Table, Text, TextInput, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { lazy, Suspense, useEffect, useState } from 'react'
import type { ComponentType } from 'react'
import { useChanges, useIngest } from '../api/changes'
import { ApiError, post } from '../api/client'
import { useCase } from '../api/hooks'
import type { CaseInfo } from '../api/types'
import { KEY_HELP, useKeys } from '../base/keys'
import { go, hrefOf, usePlace } from '../base/router'
import { Empty, Evidence, Failed, Waiting } from '../widgets/values'
import { Login } from './Login'
import { Overview } from './Overview'

// The first screen does not wait for the others, which are loaded behind it.
const BEHIND_FIRST_SCREEN_MS = 300
const loadOthers = () => import('./others')
const Containers = lazy(async () => ({ default: (await loadOthers()).Containers }))
const Custody = lazy(async () => ({ default: (await loadOthers()).Custody }))
const Files = lazy(async () => ({ default: (await loadOthers()).Files }))
const Findings = lazy(async () => ({ default: (await loadOthers()).Findings }))
const Ingest = lazy(async () => ({ default: (await loadOthers()).Ingest }))
const Processes = lazy(async () => ({ default: (await loadOthers()).Processes }))
const Report = lazy(async () => ({ default: (await loadOthers()).Report }))
const Response = lazy(async () => ({ default: (await loadOthers()).Response }))
const Timeline = lazy(async () => ({ default: (await loadOthers()).Timeline }))
// Cytoscape is as large as all the rest.
const Graph = lazy(async () => ({ default: (await import('./Graph')).Graph }))

interface View {
  path: string
  name: string
  key?: string
  view: ComponentType
  href?: (info: CaseInfo | undefined) => string
}

/** The timeline opens around what happened: a disk's files reach back to 1970. */
function timelineHref(info: CaseInfo | undefined): string {
  const incident = info?.incidents?.[0]
  if (!incident?.first || !incident.last) return '/timeline'
  const margin = 5 * 60_000
  return hrefOf('/timeline', {
    from: new Date(Date.parse(incident.first) - margin).toISOString(),
    to: new Date(Date.parse(incident.last) + margin).toISOString(),
  })
}

const VIEWS: View[] = [
  { path: '/', name: 'Overview', key: 'g o', view: Overview },
  { path: '/timeline', name: 'Timeline', key: 'g t', view: Timeline, href: timelineHref },
  { path: '/findings', name: 'Findings', key: 'g f', view: Findings },
  { path: '/containers', name: 'Containers', key: 'g c', view: Containers },
  { path: '/files', name: 'Files', key: 'g d', view: Files },
  { path: '/processes', name: 'Processes', view: Processes },
  { path: '/graph', name: 'Graph', key: 'g g', view: Graph },
  { path: '/response', name: 'Response', view: Response },
  { path: '/ingest', name: 'Add evidence', view: Ingest },
  { path: '/custody', name: 'Custody', view: Custody },
  { path: '/report', name: 'Report', key: 'g r', view: Report },
]

/** Other machines come over TLS, and log in; on this one there are links. */
const USERS_LOG_IN = window.location.protocol === 'https:'

/** Everything, once it is known who looks. */
export function Shell() {
  const info = useCase()
  return info.error instanceof ApiError && info.error.code === 'log_in' ? <Login /> : <Frame />
}

function Frame() {
  const place = usePlace()
  const info = useCase()
  const [help, setHelp] = useState(false)
  const [linking, setLinking] = useState(false)
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('dark') === 'dark'
  useChanges()
  const isThere = info.data !== undefined
  useEffect(() => {
    if (!isThere) return
    const timer = window.setTimeout(() => void loadOthers(), BEHIND_FIRST_SCREEN_MS)
    return () => window.clearTimeout(timer)
  }, [isThere])
  useKeys([
    { key: '?', about: 'keys', run: () => setHelp(true) },
    ...VIEWS.filter((view) => view.key).map((view) => ({
      key: view.key ?? '',
      about: view.name,
      run: () => go(view.href ? view.href(info.data) : view.path),
    })),
  ])
  const found = VIEWS.find((view) => view.path === place.path)
  useEffect(() => {
    document.title = found ? `${found.name} · ekshume` : 'ekshume'
  }, [found])
  const Current = found?.view
  const name = info.data?.path.replace(/\/+$/, '').split('/').pop() ?? ''
  return (
    <div className="shell">
      <a className="skip" href="#main">
        to the content
      </a>
      <nav className="nav" aria-label="views">
        <div className="brand">
          <img src="/icon.svg" alt="" width="22" height="22" />
          <span>ekshume</span>
        </div>
        <div className="case-name" title={info.data?.path}>
          <Evidence>{name}</Evidence>
        </div>
        {VIEWS.map((view) => (
          <a
            key={view.path}
            href={view.href ? view.href(info.data) : view.path}
            className={view.path === place.path ? 'nav-link current' : 'nav-link'}
            aria-current={view.path === place.path ? 'page' : undefined}
          >
            <span>{view.name}</span>
            {view.key && <span className="nav-key">{view.key}</span>}
          </a>
        ))}
        <div className="nav-end">
          <Running />
          <Text size="xs" className="dim">
            <Evidence>{info.data?.analyst ?? ''}</Evidence>
            {USERS_LOG_IN && info.data && ` (${info.data.role})`}
          </Text>
          <Group gap={4}>
            <ActionIcon
              variant="default"
              aria-label={dark ? 'light theme' : 'dark theme'}
              title={dark ? 'light theme' : 'dark theme'}
              onClick={() => setColorScheme(dark ? 'light' : 'dark')}
            >
              {dark ? '☀' : '☾'}
            </ActionIcon>
            <ActionIcon variant="default" aria-label="keys" title="keys (?)" onClick={() => setHelp(true)}>
              ?
            </ActionIcon>
            {USERS_LOG_IN ? (
              <Button size="compact-sm" variant="default" onClick={() => void post('/logout', {}).finally(() => window.location.reload())}>
                Log out
              </Button>
            ) : (
              <Button size="compact-sm" variant="default" onClick={() => setLinking(true)}>
                New link
              </Button>
            )}
          </Group>
        </div>
      </nav>
      <main id="main" className="main" tabIndex={-1}>
        {info.error ? (
          <Failed error={info.error} />
        ) : Current ? (
          <Suspense fallback={<Waiting />}>
            <Current />
          </Suspense>
        ) : (
          <Empty title="There is no such view">
            <a href="/">To the overview</a>
          </Empty>
        )}
      </main>
      <Modal opened={help} onClose={() => setHelp(false)} title="Keys">
        <Table withRowBorders={false}>
          <Table.Tbody>
            {KEY_HELP.map(([keys, about]) => (
              <Table.Tr key={keys}>
                <Table.Td w={110}>
                  {keys.split(/ +/).map((key) => (
                    <Kbd key={key} mr={4}>
                      {key}
                    </Kbd>
                  ))}
                </Table.Td>
                <Table.Td>{about}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Modal>
      <NewLink opened={linking} onClose={() => setLinking(false)} />
    </div>
  )
}

/** That evidence is being added, whatever one looks at. */
function Running() {
  const ingest = useIngest()
  if (ingest.data?.state !== 'running') return null
  const { percent, stage } = ingest.data
  return (
    <a href="/ingest" className="nav-link">
      <span>adding evidence</span>
      <span className="nav-key">{typeof percent === 'number' ? `${Math.floor(percent)} %` : stage}</span>
    </a>
  )
}

function NewLink({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [name, setName] = useState('')
  const [link, setLink] = useState('')
  const [error, setError] = useState<unknown>(null)
  const make = () =>
    post<{ link: string }>('/links', { name: name.trim() }).then(
      (answer) => {
        setLink(answer.link)
        setError(null)
      },
      (failure: unknown) => setError(failure),
    )
  return (
    <Modal
      opened={opened}
      onClose={() => {
        setLink('')
        onClose()
      }}
      title="A link for one more browser"
    >
      <Text size="sm" mb="sm">
        It works once, on this machine only. What is changed there is recorded under this name.
      </Text>
      <TextInput data-autofocus label="Whose" value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <Group mt="md" gap={8}>
        <Button size="xs" disabled={name.trim() === ''} onClick={() => void make()}>
          Make the link
        </Button>
        {link && (
          <CopyButton value={link}>
            {({ copied, copy }) => (
              <Button size="xs" variant="default" onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
        )}
      </Group>
      {link && <pre className="plain wrap new-link">{link}</pre>}
      {error !== null && <Failed error={error} />}
    </Modal>
  )
}
