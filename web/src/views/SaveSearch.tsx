import { Button, Modal, TextInput } from '@mantine/core'
import { useState } from 'react'

export function SaveSearch({ opened, onClose, onSave }: { opened: boolean; onClose: () => void; onSave: (name: string) => void }) {
  const [name, setName] = useState('')
  const save = () => {
    if (name.trim() === '') return
    onSave(name.trim())
    setName('')
    onClose()
  }
  return (
    <Modal opened={opened} onClose={onClose} title="Save this search">
      <TextInput
        data-autofocus
        label="Name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Enter' && save()}
      />
      <Button mt="md" size="xs" onClick={save} disabled={name.trim() === ''}>
        Save
      </Button>
    </Modal>
  )
}
