import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// The page runs under a strict Content-Security-Policy: nothing inline, nothing from elsewhere.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: process.env.EKSHUME_PAGE ?? 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  test: { environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'] },
})
