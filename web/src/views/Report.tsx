import { Button, Group, Textarea, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { createElement, useEffect, useState } from 'react'
import { download, get } from '../api/client'
import { useAnnotate, useAnnotations } from '../api/hooks'
import { hrefOf } from '../base/router'
import { plural } from '../base/text'
import { Evidence, Failed, Link, Part, Waiting } from '../widgets/values'

interface Block {
  kind: string
  depth: number
  text: string
  items: string[]
  titles: string[]
  rows: string[][]
}

export function Report() {
  const annotations = useAnnotations()
  const annotate = useAnnotate()
  const client = useQueryClient()
  const [notes, setNotes] = useState<string | null>(null)
  const kept = annotations.data?.notes ?? ''
  const report = useQuery({ queryKey: ['report', annotations.data?.revision], queryFn: () => get<{ title: string; blocks: Block[] }>('/report') })
  const changed = notes !== null && notes !== kept
  useEffect(() => {
    // Somebody else's notes replace ours only where we wrote nothing.
    if (notes === kept) setNotes(null)
  }, [kept, notes])
  const starred = Object.entries(annotations.data?.targets ?? {}).filter(([, marks]) => marks.star)
  return (
    <div className="split with-panel report-view">
      <div className="split-list">
        <div className="page">
          <Part title="Notes">
            <Text size="sm" className="dim" mb={6}>
              Markdown: # headings, - lists, paragraphs. They stand before the findings, under your name in the ledger.
            </Text>
            <Textarea
              aria-label="notes"
              autosize
              minRows={10}
              maxRows={24}
              classNames={{ input: 'mono' }}
              value={notes ?? kept}
              onChange={(event) => setNotes(event.currentTarget.value)}
            />
            <Group mt={8} gap={8}>
              <Button
                size="xs"
                disabled={!changed}
                loading={annotate.isPending}
                onClick={() =>
                  annotate.mutate(
                    { kind: 'notes', targets: ['report'], value: notes ?? '' },
                    { onSuccess: () => void client.invalidateQueries({ queryKey: ['report'] }) },
                  )
                }
              >
                Keep the notes
              </Button>
              {changed && (
                <Button size="xs" variant="subtle" onClick={() => setNotes(null)}>
                  Drop my changes
                </Button>
              )}
            </Group>
            {annotate.error && <Failed error={annotate.error} />}
          </Part>
          <Part title={plural(starred.length, 'starred item')}>
            {starred.length === 0 && (
              <Text size="sm" className="dim">
                Star events on the <Link href="/timeline">timeline</Link>, or files: they are listed in the report with where they were found.
              </Text>
            )}
            {starred.slice(0, 100).map(([target]) => (
              <div key={target} className="line small wrap mono">
                {target.startsWith('event:') ? (
                  <Link href={hrefOf('/timeline', { event: target.slice(6) })}>{target}</Link>
                ) : target.startsWith('finding:') ? (
                  <Link href={hrefOf('/findings', { id: target.slice(8) })}>{target}</Link>
                ) : (
                  <Evidence>{target}</Evidence>
                )}
              </div>
            ))}
          </Part>
          <Part title="Save">
            <Group gap={8}>
              {(['html', 'pdf', 'md'] as const).map((form) => (
                <Button key={form} size="xs" variant={form === 'html' ? 'filled' : 'default'} onClick={() => download('/report/file', { form })}>
                  {form === 'md' ? 'Markdown' : form.toUpperCase()}
                </Button>
              ))}
            </Group>
          </Part>
        </div>
      </div>
      <div className="split-main preview" role="region" aria-label="preview" tabIndex={0}>
        {report.isLoading && <Waiting />}
        {report.error && <Failed error={report.error} />}
        {report.data && (
          <article>
            <h1>
              <Evidence>{report.data.title}</Evidence>
            </h1>
            {report.data.blocks.map((block, index) => (
              <BlockView key={index} block={block} />
            ))}
          </article>
        )}
      </div>
    </div>
  )
}

// A cell with a long word breaks inside it, but is not squeezed; one that is a time alone breaks behind its date at most.
const DATE_CHARACTERS = 11 // with what stands behind it
const LONG_WORD = /\S{22,}/
const MOMENT = /^\d{4}-\d\d-\d\d([ T][\d:.]+(Z| UTC)?)?$/

function BlockView({ block }: { block: Block }) {
  switch (block.kind) {
    case 'heading':
      return createElement(`h${Math.min(Math.max(block.depth, 1) + 1, 6)}`, null, <Evidence>{block.text}</Evidence>)
    case 'list':
    case 'steps':
      return createElement(
        block.kind === 'list' ? 'ul' : 'ol',
        null,
        block.items.map((item, index) => (
          <li key={index}>
            <Evidence>{item}</Evidence>
          </li>
        )),
      )
    case 'table':
      return (
        <table>
          <thead>
            <tr>
              {block.titles.map((title) => (
                <th key={title}>{title}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {block.rows.map((row, index) => (
              <tr key={index}>
                {row.map((cell, at) => (
                  <td key={at} className={MOMENT.test(cell) ? 'moment' : LONG_WORD.test(cell) ? 'broken' : undefined}>
                    {MOMENT.test(cell) ? (
                      <>
                        <span className="nowrap">{cell.slice(0, DATE_CHARACTERS)}</span>
                        <wbr />
                        {cell.slice(DATE_CHARACTERS)}
                      </>
                    ) : (
                      <Evidence>{cell}</Evidence>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )
    case 'emphasis':
      return (
        <p>
          <strong>
            <Evidence>{block.text}</Evidence>
          </strong>
        </p>
      )
    default:
      return (
        <p>
          <Evidence>{block.text}</Evidence>
        </p>
      )
  }
}
