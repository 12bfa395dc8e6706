// A raster image of evidence. The server has looked at its header; the browser decodes it without any
// address of its own (no <img>, no object URL), and what is drawn are pixels.
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { get } from '../api/client'
import { fromBase64 } from '../base/hex'
import { bytesText, countText, visible } from '../base/text'
import { Failed, Waiting } from '../widgets/values'

interface Answer {
  size: number
  type: string | null
  width: number | null
  height: number | null
  problem: string | null
  base64: string | null
}

// No canvas needs more on a screen.
const MOST_SIDE = 2048

export function Picture({ name, title }: { name: Record<string, string>; title: string }) {
  const answer = useQuery({
    queryKey: ['picture', name],
    queryFn: ({ signal }) => get<Answer>('/files/picture', name, signal),
    staleTime: Infinity,
    gcTime: 10_000,
  })
  const canvas = useRef<HTMLCanvasElement>(null)
  const [damaged, setDamaged] = useState(false)
  const base64 = answer.data?.base64
  const type = answer.data?.type
  useEffect(() => {
    if (!base64 || !type) return
    let gone = false
    setDamaged(false)
    createImageBitmap(new Blob([fromBase64(base64) as Uint8Array<ArrayBuffer>], { type })).then(
      (bitmap) => {
        const element = canvas.current
        if (!gone && element) {
          const scale = Math.min(1, MOST_SIDE / Math.max(bitmap.width, bitmap.height))
          element.width = Math.max(1, Math.round(bitmap.width * scale))
          element.height = Math.max(1, Math.round(bitmap.height * scale))
          element.getContext('2d')?.drawImage(bitmap, 0, 0, element.width, element.height)
        }
        bitmap.close()
      },
      () => !gone && setDamaged(true),
    )
    return () => {
      gone = true
    }
  }, [base64, type])
  if (answer.isLoading) return <Waiting />
  if (answer.error) return <Failed error={answer.error} />
  if (!answer.data) return null
  const { width, height, size, problem } = answer.data
  if (problem) {
    return (
      <Text size="sm" role="status">
        {visible(problem)}.
      </Text>
    )
  }
  if (damaged) {
    return (
      <Text size="sm" role="status">
        A damaged picture: it begins like {type}, and cannot be decoded.
      </Text>
    )
  }
  const about = `${type}, ${countText(width ?? 0)} × ${countText(height ?? 0)} pixels, ${bytesText(size)}`
  return (
    <figure className="picture">
      <canvas ref={canvas} role="img" aria-label={`${title}: ${about}`} />
      <figcaption className="dim small">{about}</figcaption>
    </figure>
  )
}
