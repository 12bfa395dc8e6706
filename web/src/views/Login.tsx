// Where users log in: the server is reached by other machines.
import { Button, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { FormEvent } from 'react'
import { ApiError, post } from '../api/client'

export function Login() {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState('')
  const [busy, setBusy] = useState(false)
  const enter = (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    post('/login', { name, password })
      .then(
        () => client.resetQueries(),
        (error: unknown) => setProblem(error instanceof ApiError ? error.message : 'the server does not answer'),
      )
      .finally(() => {
        setPassword('')
        setBusy(false)
      })
  }
  return (
    <main className="login">
      <Paper component="form" onSubmit={enter} p="lg" withBorder w={340}>
        <Stack gap="sm">
          <Title order={1} size="h4">
            ekshume
          </Title>
          <TextInput label="Name" autoComplete="username" value={name} onChange={(event) => setName(event.currentTarget.value)} autoFocus />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {problem && (
            <Text size="sm" role="alert" className="problem">
              {problem}
            </Text>
          )}
          <Button type="submit" loading={busy} disabled={!name || !password}>
            Log in
          </Button>
        </Stack>
      </Paper>
    </main>
  )
}
