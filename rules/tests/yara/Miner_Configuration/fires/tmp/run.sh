#!/bin/sh
./m --url stratum+tcp://pool.example:3333 --algo rx/0
