// Star, colour, tags and comments of one thing: an event, a finding, a file.
import { Badge, Button, CloseButton, Group, Stack, Text, Textarea, TextInput, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import type { RefObject } from 'react'
import { marksOf, useAnnotate, useAnnotations } from '../api/hooks'
import { Evidence, Failed, Star, Time } from './values'

export const COLOURS = ['red', 'orange', 'yellow', 'green', 'teal', 'blue', 'grape'] as const

export interface MarkFields {
  tag: RefObject<HTMLInputElement>
  comment: RefObject<HTMLTextAreaElement>
}

export function MarkEditor({ target, fields }: { target: string; fields?: MarkFields }) {
  const annotations = useAnnotations()
  const annotate = useAnnotate()
  const [tag, setTag] = useState('')
  const [comment, setComment] = useState('')
  const marks = marksOf(annotations.data, target)
  const change = (kind: 'star' | 'tag' | 'untag' | 'colour' | 'comment', value: unknown) =>
    annotate.mutate({ kind, targets: [target], value })

  const addTag = () => {
    const clean = tag.trim().replace(/[\s,"]+/g, '-')
    if (clean === '') return
    change('tag', clean)
    setTag('')
  }
  const addComment = () => {
    if (comment.trim() === '') return
    change('comment', comment.trim())
    setComment('')
  }
  return (
    <Stack gap={8} className="marks">
      <Group gap={6}>
        <Star on={marks.star} onClick={() => change('star', !marks.star)} />
        <Group gap={4} role="group" aria-label="colour">
          {COLOURS.map((colour) => (
            <UnstyledButton
              key={colour}
              className={`swatch swatch-${colour}${marks.colour === colour ? ' chosen' : ''}`}
              aria-label={colour}
              aria-pressed={marks.colour === colour}
              onClick={() => change('colour', marks.colour === colour ? '' : colour)}
            />
          ))}
        </Group>
        {marks.tags.map((one) => (
          <Badge
            key={one}
            variant="light"
            size="sm"
            tt="none"
            rightSection={<CloseButton size={14} aria-label={`take the tag ${one} away`} onClick={() => change('untag', one)} />}
          >
            <Evidence>{one}</Evidence>
          </Badge>
        ))}
        <TextInput
          ref={fields?.tag}
          size="xs"
          w={110}
          placeholder="tag (t)"
          aria-label="new tag"
          value={tag}
          onChange={(event) => setTag(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') addTag()
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
        />
      </Group>
      {marks.comments.map((one, index) => (
        <div key={index} className="comment">
          <Text size="xs" className="dim">
            <Evidence>{one.analyst}</Evidence>, <Time value={one.time} seconds />
          </Text>
          <Text size="sm" className="wrap">
            <Evidence>{one.text}</Evidence>
          </Text>
        </div>
      ))}
      <Group gap={6} align="flex-end" wrap="nowrap">
        <Textarea
          ref={fields?.comment}
          size="xs"
          autosize
          minRows={1}
          maxRows={6}
          flex={1}
          placeholder="comment (c); Ctrl+Enter keeps it"
          aria-label="new comment"
          value={comment}
          onChange={(event) => setComment(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) addComment()
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
        />
        <Button size="xs" variant="default" disabled={comment.trim() === ''} onClick={addComment}>
          Keep
        </Button>
      </Group>
      {annotate.error && <Failed error={annotate.error} />}
    </Stack>
  )
}
