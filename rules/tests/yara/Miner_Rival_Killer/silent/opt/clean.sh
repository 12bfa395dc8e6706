#!/bin/sh
pkill -f nginx
crontab -l
