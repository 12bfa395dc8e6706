// Small things that every view shows.
import { Alert, Anchor, Badge, Button, CopyButton, Group, Loader, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { ApiError } from '../api/client'
import type { Level } from '../api/types'
import { localText, utcText, visible } from '../base/text'

/** A link inside the page: main.tsx sees to it that the page is not loaded anew. */
export function Link({ href, children, className }: { href: string; children: ReactNode; className?: string }) {
  return (
    <Anchor href={href} className={className} inherit>
      {children}
    </Anchor>
  )
}

/** A moment: UTC, with the local time on hover. */
export function Time({ value, seconds = false }: { value: string | null | undefined; seconds?: boolean }) {
  if (!value) return <span className="dim">no time</span>
  const text = utcText(value)
  return (
    <time dateTime={value} title={`${value}\nlocal: ${localText(value)}`} className="mono">
      {seconds ? text.slice(0, 19) : text}
    </time>
  )
}

const LEVEL_COLOURS: Record<Level, string> = {
  critical: 'red',
  high: 'orange',
  medium: 'yellow',
  low: 'blue',
  informational: 'gray',
}

export function LevelBadge({ level }: { level: Level | null | undefined }) {
  if (!level) return null
  return (
    <Badge variant="light" color={LEVEL_COLOURS[level]} size="sm" radius="sm" className={`level level-${level}`}>
      {level}
    </Badge>
  )
}

/** A text of evidence: nothing in it can act on the page or hide. */
export function Evidence({ children }: { children: string | number | null | undefined }) {
  if (children === null || children === undefined) return null
  return <>{visible(String(children))}</>
}

export function CopyJson({ value, label = 'Copy as JSON' }: { value: unknown; label?: string }) {
  return (
    <CopyButton value={JSON.stringify(value, null, 2)}>
      {({ copied, copy }) => (
        <Button size="compact-xs" variant="default" onClick={copy}>
          {copied ? 'Copied' : label}
        </Button>
      )}
    </CopyButton>
  )
}

/** A plain button: rows have one each, and there are many rows. */
export function Star({ on, onClick }: { on: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      className={on ? 'star on' : 'star'}
      aria-pressed={on}
      aria-label={on ? 'starred' : 'star'}
      title={on ? 'Take the star away (s)' : 'Star it: it goes into the report (s)'}
      onClick={(event) => {
        event.stopPropagation()
        onClick()
      }}
    >
      <svg viewBox="0 0 20 20" width="15" height="15" aria-hidden="true">
        <path d="M10 2.2l2.4 4.9 5.4.8-3.9 3.8.9 5.4L10 14.6l-4.8 2.5.9-5.4L2.2 7.9l5.4-.8z" />
      </svg>
    </button>
  )
}

export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack align="center" justify="center" gap="xs" py={60} px="lg" className="empty">
      <Text fw={600}>{title}</Text>
      <Text size="sm" maw={560} ta="center" className="dim" component="div">
        {children}
      </Text>
    </Stack>
  )
}

export function Failed({ error, title = 'This could not be shown' }: { error: unknown; title?: string }) {
  const text = error instanceof Error ? error.message : String(error)
  const hint =
    error instanceof ApiError && error.status === 401
      ? 'The session ended. Start `ekshume serve` again, or open a new link that another browser makes.'
      : error instanceof ApiError
        ? null
        : 'The server does not answer. Is `ekshume serve` still running in its terminal?'
  return (
    <Alert color="red" title={title} m="md" role="alert">
      <pre className="plain">{visible(text)}</pre>
      {hint && <Text size="sm">{hint}</Text>}
    </Alert>
  )
}

export function Waiting() {
  return (
    <Group justify="center" p="xl" role="status" aria-label="loading">
      <Loader size="sm" />
    </Group>
  )
}

/** A part of a page, with its heading. */
export function Part({ title, right, children, id }: { title: string; right?: ReactNode; children: ReactNode; id?: string }) {
  return (
    <section className="part" id={id} aria-label={title}>
      <Group justify="space-between" mb={8} wrap="nowrap">
        <Title order={2} size="h5">
          {title}
        </Title>
        {right && <div className="part-right">{right}</div>}
      </Group>
      {children}
    </section>
  )
}
