// A file as a ZIP archive with a password, so that nothing on the way opens it by mistake.
import { Button, Modal, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { ApiError, downloadPosted } from '../api/client'

const USUAL_PASSWORD = 'infected'

export function ArchiveDialog({ name, opened, onClose }: { name: Record<string, string>; opened: boolean; onClose: () => void }) {
  const [password, setPassword] = useState(USUAL_PASSWORD)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')
  const save = () => {
    setBusy(true)
    setProblem('')
    downloadPosted('/files/archive', { ...name, password }, 'evidence.zip')
      .then(onClose, (error: unknown) => setProblem(error instanceof ApiError ? error.message : 'the server does not answer'))
      .finally(() => setBusy(false))
  }
  return (
    <Modal opened={opened} onClose={onClose} title="Download as an archive">
      <TextInput
        data-autofocus
        label="Password of the archive"
        description="“infected” is what analysts expect. It keeps scanners and double clicks away, and is no secret."
        autoComplete="off"
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Enter' && password !== '' && save()}
      />
      <Text size="xs" className="dim" mt={8}>
        A ZIP with AES-256: evidence.bin, and metadata.json with its path, place, case and SHA-256. The custody ledger records it.
      </Text>
      {problem && (
        <Text size="sm" role="alert" className="problem" mt={8}>
          {problem}
        </Text>
      )}
      <Button mt="md" size="xs" onClick={save} loading={busy} disabled={password === ''}>
        Download
      </Button>
    </Modal>
  )
}
