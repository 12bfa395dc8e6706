./m -o pool.minexmr.com:4444
