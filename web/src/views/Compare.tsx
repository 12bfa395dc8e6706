// Two versions of a file side by side: the image's on the left, the present one on the right.
import { Button, Checkbox, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { get } from '../api/client'
import type { DiffRow } from '../base/diff'
import { diffLines, nearChanges } from '../base/diff'
import { fromBase64 } from '../base/hex'
import { bytesText, countText, plural, visible } from '../base/text'
import { Failed, Waiting } from '../widgets/values'
import { useStrings } from './FileBytes'

interface Content {
  size: number
  offset: number
  base64: string
}

const VERSIONS = ['old', ''] as const
const MOST_TEXT = 1 << 19
const MOST_LINES = 20_000
const MOST_ROWS = 4000
const AROUND = 3
const PIECE = 8192
const PER_ROW = 8

export function Compare({ name, view }: { name: Record<string, string>; view: string }) {
  if (view === 'text') return <Texts name={name} />
  if (view === 'strings') return <StringLists name={name} />
  return <HexRows name={name} />
}

function linesOf(content: Content): string[] {
  const lines = new TextDecoder('utf-8').decode(fromBase64(content.base64)).split('\n')
  if (lines[lines.length - 1] === '') lines.pop()
  return lines.slice(0, MOST_LINES)
}

function Texts({ name }: { name: Record<string, string> }) {
  const both = useQuery({
    queryKey: ['both texts', name],
    queryFn: ({ signal }) => Promise.all(VERSIONS.map((version) => get<Content>('/files/content', { ...name, version, limit: MOST_TEXT }, signal))),
    staleTime: Infinity,
  })
  if (both.isLoading) return <Waiting />
  if (both.error) return <Failed error={both.error} />
  const [old, present] = both.data ?? []
  if (!old || !present) return null
  const cut = Math.max(old.size, present.size) > MOST_TEXT
  return <Lines left={linesOf(old)} right={linesOf(present)} note={cut ? `Only the first ${bytesText(MOST_TEXT)} of each are compared.` : ''} />
}

function StringLists({ name }: { name: Record<string, string> }) {
  const old = useStrings({ ...name, version: 'old' })
  const present = useStrings({ ...name, version: '' })
  if (old.isLoading || present.isLoading) return <Waiting />
  if (old.error || present.error) return <Failed error={old.error ?? present.error} />
  const texts = (found: typeof old.data) => (found?.strings ?? []).map((one) => one.text)
  const cut = old.data?.more || present.data?.more
  return <Lines left={texts(old.data)} right={texts(present.data)} note={cut ? 'Only the first strings of each are compared.' : ''} />
}

const SIGN: Record<DiffRow['kind'], string> = { same: ' ', changed: '~', removed: '-', added: '+' }

function Lines({ left, right, note }: { left: string[]; right: string[]; note: string }) {
  const [whole, setWhole] = useState(false)
  const rows = useMemo(() => diffLines(left, right), [left, right])
  const changed = rows.filter((row) => row.kind !== 'same').length
  const shown = whole ? rows : nearChanges(rows, AROUND)
  return (
    <>
      <Checkbox size="xs" mb={6} label="all lines" checked={whole} onChange={(event) => setWhole(event.currentTarget.checked)} />
      <Text size="xs" className="dim" role="status">
        {changed === 0 ? 'No line differs.' : `${plural(changed, 'line')} ${changed === 1 ? 'differs' : 'differ'}.`} {note}
        {shown.length > MOST_ROWS && ` The first ${countText(MOST_ROWS)} rows are shown.`}
      </Text>
      <div className="compare" tabIndex={0} role="region" aria-label="both versions, line by line">
        <table>
          <thead>
            <tr>
              <th scope="col" colSpan={2}>
                as the image had it
              </th>
              <td />
              <th scope="col" colSpan={2}>
                as it is
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, MOST_ROWS).map((row, index) =>
              typeof row === 'number' ? (
                <tr key={index}>
                  <td colSpan={5} className="dim">
                    {plural(row, 'equal line')}
                  </td>
                </tr>
              ) : (
                <tr key={index} className={`diff-${row.kind}`}>
                  <td className="dim">{row.left === null ? '' : row.left + 1}</td>
                  <td className="diff-left">{row.left === null ? '' : visible(left[row.left] ?? '')}</td>
                  <td>{SIGN[row.kind]}</td>
                  <td className="dim">{row.right === null ? '' : row.right + 1}</td>
                  <td className="diff-right">{row.right === null ? '' : visible(right[row.right] ?? '')}</td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      </div>
    </>
  )
}

function HexRows({ name }: { name: Record<string, string> }) {
  const content = useInfiniteQuery({
    queryKey: ['both contents', name],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      Promise.all(VERSIONS.map((version) => get<Content>('/files/content', { ...name, version, offset: pageParam, limit: PIECE }, signal))),
    getNextPageParam: (last) => {
      const [old, present] = last
      if (!old || !present) return undefined
      const next = old.offset + PIECE
      return next < Math.max(old.size, present.size) ? next : undefined
    },
    staleTime: Infinity,
  })
  if (content.isLoading) return <Waiting />
  if (content.error) return <Failed error={content.error} />
  const pieces = (content.data?.pages ?? []).flatMap(([old, present]) =>
    old && present ? [{ offset: old.offset, old: fromBase64(old.base64), present: fromBase64(present.base64) }] : [],
  )
  const differing = pieces.reduce((sum, piece) => {
    let count = 0
    for (let i = 0; i < Math.max(piece.old.length, piece.present.length); i += 1) if (piece.old[i] !== piece.present[i]) count += 1
    return sum + count
  }, 0)
  const read = pieces.reduce((sum, piece) => sum + Math.max(piece.old.length, piece.present.length), 0)
  return (
    <>
      <Text size="xs" className="dim" role="status">
        {plural(differing, 'byte')} of the first {countText(read)} {differing === 1 ? 'differs' : 'differ'}.
      </Text>
      <div className="compare" tabIndex={0} role="region" aria-label="both versions in hexadecimal">
        <table>
          <thead>
            <tr>
              <th scope="col">offset</th>
              <th scope="col" colSpan={2}>
                as the image had it
              </th>
              <th scope="col" colSpan={2}>
                as it is
              </th>
            </tr>
          </thead>
          <tbody>
            {pieces.flatMap((piece) =>
              Array.from({ length: Math.ceil(Math.max(piece.old.length, piece.present.length) / PER_ROW) }, (_, row) => {
                const at = row * PER_ROW
                const old = piece.old.subarray(at, at + PER_ROW)
                const present = piece.present.subarray(at, at + PER_ROW)
                return (
                  <tr key={piece.offset + at}>
                    <td className="dim">{(piece.offset + at).toString(16).padStart(8, '0')}</td>
                    <ByteCells bytes={old} other={present} />
                    <ByteCells bytes={present} other={old} />
                  </tr>
                )
              }),
            )}
          </tbody>
        </table>
      </div>
      {content.hasNextPage && (
        <Button size="compact-xs" variant="default" mt={4} loading={content.isFetchingNextPage} onClick={() => void content.fetchNextPage()}>
          The next {bytesText(PIECE)}
        </Button>
      )}
    </>
  )
}

/** The bytes of a row, those marked that the other side has not there. */
function ByteCells({ bytes, other }: { bytes: Uint8Array; other: Uint8Array }) {
  const cells: { text: string; ascii: string; differs: boolean }[] = []
  bytes.forEach((byte, i) => {
    const cell = { text: byte.toString(16).padStart(2, '0'), ascii: byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·', differs: byte !== other[i] }
    const last = cells[cells.length - 1]
    if (last && last.differs === cell.differs) {
      last.text += ' ' + cell.text
      last.ascii += cell.ascii
    } else cells.push(cell)
  })
  return (
    <>
      <td>
        {cells.map((cell, i) => (
          <span key={i}>
            {i > 0 && ' '}
            {cell.differs ? <mark>{cell.text}</mark> : cell.text}
          </span>
        ))}
      </td>
      <td>{cells.map((cell, i) => (cell.differs ? <mark key={i}>{cell.ascii}</mark> : <span key={i}>{cell.ascii}</span>))}</td>
    </>
  )
}
