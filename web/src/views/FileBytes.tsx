// The bytes of a file: as hexadecimal digits, as text, as the strings in it.
import { Button, Text } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { get } from '../api/client'
import { hexLines, fromBase64 } from '../base/hex'
import { bytesText, countText, visible } from '../base/text'
import { Failed, Waiting } from '../widgets/values'

const PIECE = 16384

export function Bytes({ name, view }: { name: Record<string, string>; view: string }) {
  const content = useInfiniteQuery({
    queryKey: ['content', name],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      get<{ size: number; offset: number; base64: string }>('/files/content', { ...name, offset: pageParam, limit: PIECE }, signal),
    getNextPageParam: (last) => (last.offset + PIECE < last.size ? last.offset + PIECE : undefined),
    staleTime: Infinity,
  })
  if (content.isLoading) return <Waiting />
  if (content.error) return <Failed error={content.error} />
  const pieces = content.data?.pages ?? []
  const size = pieces[0]?.size ?? 0
  if (size === 0) return <Text size="sm">It is empty.</Text>
  return (
    <>
      {view === 'text' ? (
        <pre className="raw" tabIndex={0} aria-label="content as text">
          {visible(new TextDecoder('utf-8').decode(joined(pieces.map((piece) => fromBase64(piece.base64)))))}
        </pre>
      ) : (
        <pre className="hex" tabIndex={0} aria-label="content in hexadecimal">
          {pieces.flatMap((piece) =>
            hexLines(fromBase64(piece.base64), piece.offset).map((line) => (
              <span key={line.offset} className="hex-line">
                <span className="dim">{line.offset}</span>
                {'  '}
                {line.hex.padEnd(48)}
                {'  '}
                <span className="hex-text">{line.text}</span>
                {'\n'}
              </span>
            )),
          )}
        </pre>
      )}
      <Text size="xs" className="dim" mt={4}>
        {countText(Math.min(pieces.length * PIECE, size))} of {countText(size)} bytes
      </Text>
      {content.hasNextPage && (
        <Button size="compact-xs" variant="default" mt={4} loading={content.isFetchingNextPage} onClick={() => void content.fetchNextPage()}>
          The next {bytesText(PIECE)}
        </Button>
      )}
    </>
  )
}

function joined(pieces: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

interface FoundStrings {
  size: number
  read_to: number
  more: boolean
  strings: { offset: number; encoding: string; text: string }[]
}

export function useStrings(name: Record<string, string>) {
  return useQuery({
    queryKey: ['strings', name],
    queryFn: ({ signal }) => get<FoundStrings>('/files/strings', name, signal),
    staleTime: Infinity,
  })
}

export function Strings({ name }: { name: Record<string, string> }) {
  const strings = useStrings(name)
  if (strings.isLoading) return <Waiting />
  if (strings.error) return <Failed error={strings.error} />
  const found = strings.data?.strings ?? []
  return (
    <>
      {found.length === 0 && <Text size="sm">No text of six characters or more.</Text>}
      <pre className="hex" tabIndex={0} aria-label="strings">
        {found.map((one) => (
          <span key={one.offset} className="hex-line">
            <span className="dim">{one.offset.toString(16).padStart(8, '0')}</span>
            {'  '}
            {visible(one.text)}
            {one.encoding !== 'ascii' && <span className="dim"> (UTF-16)</span>}
            {'\n'}
          </span>
        ))}
      </pre>
      {strings.data?.more && (
        <Text size="xs" className="dim">
          The first {countText(found.length)} texts, of the first {bytesText(strings.data.read_to)}; download the file for the rest.
        </Text>
      )}
    </>
  )
}
